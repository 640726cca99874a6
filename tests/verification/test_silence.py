"""An authority that takes the call and never speaks: whoever has a file judged waits, and nobody else does."""

import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
import requests

from app.core.clock import now
from app.signing.formats import pades
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan
from demo import pki as test_pki
from tests.builders.house import ACT, token_in
from tests.race.town import Browser, Served

pytestmark = [pytest.mark.race, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
PATIENCE = 20.0  # far beyond a page, far below the authority's time


class Silent:
    """Listens, accepts, says nothing until it is closed."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port, self.calls, self._changed = self._listening.getsockname()[1], [], threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                call, _ = self._listening.accept()
                with self._changed:
                    self.calls.append(call)
                    self._changed.notify_all()

    def heard(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.calls) >= count, PATIENCE)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # wakes the thread that accepts
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for one in self.calls:
            one.close()


@pytest.fixture
def silent():
    server = Silent()
    yield server
    server.close()


def signed_by(home: Path, silent: Silent) -> tuple[test_pki.TestPki, Path]:
    """A deliberation signed by somebody whose authority is silent."""
    made = test_pki.make(home / "silent", f"http://127.0.0.1:{silent.port}")
    target = home / "deliberation-signee.pdf"
    pades.seal(
        ACT,
        target,
        key=Pkcs12Key.load(made.p12("a_kervadec"), made.passphrase),
        field="Signature",
        fields=[FieldPlan("Signature", None)],
        stamp=None,
        now=now(),
        timestamper=None,
    )
    return made, target


def stranger(base: str, data: bytes) -> int:
    with requests.Session() as web:
        token = token_in(web.get(f"{base}/verifier", timeout=60).text)
        sent = {"file": ("acte.pdf", data)}
        return web.post(f"{base}/verifier", data={"csrf_token": token}, files=sent, timeout=120).status_code


def test_while_an_authority_is_silent_pages_are_still_served_by_the_same_process(house, silent, tmp_path):
    pki, path = signed_by(tmp_path, silent)
    folders = [house.deposit("k.morizur", "deliberation", path) for _ in range(3)]
    addresses = [
        f"/dossiers/{one}/documents/{house.versions(one)[-1].document_id}/1/signatures" for one in folders
    ]
    settings = house.settings.model_copy(
        update={
            "trust_roots": pki.root_pem,
            "revocation_hosts": (pki.host,),
            "network_timeout": 50.0,
            "verify_rate": "100 per minute",
        }
    )
    served = Served(settings, workers=1, threads=4)
    try:
        served.wait()
        owner = Browser(served.base).log_in("k.morizur")
        data, tabs = path.read_bytes(), [owner.tab() for _ in addresses]
        with ThreadPoolExecutor(6) as crowd:
            asked = [crowd.submit(stranger, served.base, data) for _ in range(3)]
            asked += [crowd.submit(tab.post, to) for tab, to in zip(tabs, addresses, strict=True)]
            try:
                assert silent.heard(2)
                for _ in range(3):
                    answer = owner.web.get(f"{served.base}/compte", timeout=PATIENCE)
                    assert answer.status_code == 200
                assert not all(one.done() for one in asked)
            finally:
                silent.close()
            wait(asked)
        told = [getattr(one.result(), "status_code", one.result()) for one in asked]
        # All were answered: judged, or asked in French to come again
        assert set(told) <= {200, 302, 503}
        assert sum(one != 503 for one in told) in {
            2,
            3,
        }  # who waits for a place has one when the silence ends in time
    finally:
        served.stop()
