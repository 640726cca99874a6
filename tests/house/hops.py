"""Three journeys, file by file, in the order in which they are met: visa, signature, acquit.

`python -m pytest -q -s tests/house/hops.py -k sqlite` prints them; `docs/measures.md` keeps the counts. It is no part of
the suite: it says how far one walks, not whether one arrives.
"""

import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tests.builders.house import House

ROOT = Path(__file__).resolve().parents[2]


class Hops:
    """The files of the product that a journey met, in their order, and which called which."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.calls: set[tuple[str, str]] = set()

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """What Python tells of each call; what only runs once, when a module is read, is no part of a journey."""
        if event != "call" or frame.f_code.co_name == "<module>":
            return
        here = self._of_ours(frame)
        if here is None:
            return
        if here not in self.files:
            self.files.append(here)
        caller: FrameType | None = frame.f_back
        while caller is not None and (there := self._of_ours(caller)) is None:
            caller = caller.f_back
        if caller is not None and there != here:
            self.calls.add((str(there), here))

    @staticmethod
    def _of_ours(frame: FrameType) -> str | None:
        name = frame.f_code.co_filename
        inside = name.removeprefix(f"{ROOT}/")
        return (
            inside
            if inside != name
            and inside.startswith(("app/", "workflows/", "config.py"))
            and inside.endswith(".py")
            else None
        )

    def both_ways(self) -> list[tuple[str, str]]:
        """Files that call each other."""
        return sorted(pair for pair in self.calls if pair[::-1] in self.calls and pair[0] < pair[1])


@contextmanager
def followed(name: str) -> Iterator[Hops]:
    hops = Hops()
    sys.setprofile(hops.note)
    try:
        yield hops
    finally:
        sys.setprofile(None)
    rooms = {"/".join(one.split("/")[:2]) for one in hops.files}
    print(
        f"\n{name}: {len(hops.files)} files of {len(rooms)} rooms, {len(hops.calls)} arrows; both ways: {hops.both_ways() or 'none'}"
    )
    print("  " + " → ".join(one.removesuffix(".py") for one in hops.files))


def test_a_visa_a_signature_and_an_acquit_as_hop_lists(house: House) -> None:
    invoice, client = house.an_invoice("service_done"), house.client("r.pellenec")
    form = {"csrf_token": house.csrf(client), "version": house.folder(invoice).version, "comment": ""}
    client.post(
        f"/dossiers/{invoice}/viser", data={**form, "version": 0}
    )  # what is made at the first request is made
    with followed("visa"):
        assert client.post(f"/dossiers/{invoice}/viser", data=form).status_code == 302
    act, mayor = house.a_deliberation("signatures"), house.client("a.kervadec")
    key = house.key("a_kervadec")
    offer = {
        "version": house.folder(act).version,
        "certificate": b64encode(key.certificate).decode(),
        "chain": [b64encode(one).decode() for one in key.chain],
    }
    headers = {"X-CSRFToken": house.csrf(mayor), "Accept": "application/json"}
    asked = mayor.post(f"/dossiers/{act}/signature/preparer", json=offer, headers=headers).get_json()
    body = {
        "session": asked["session"],
        "signatures": [
            {"id": one["id"], "signature": b64encode(key.sign(b64decode(one["tbs"]))).decode()}
            for one in asked["items"]
        ],
    }
    with followed("signature"):
        answer = mayor.post(f"/dossiers/{act}/signature/terminer", json=body, headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    house.drain()
    flow = house.a_flow()
    house.sign(flow, "a.kervadec")
    with followed("acquit"):
        house.drain()
    assert house.folder(flow).place == "done"
