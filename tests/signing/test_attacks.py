"""The attacks on a signature under way, one test each, as somebody would try them from a browser: nothing is ever signed.

Elsewhere: a right, a desk, an account, a session or a certificate lost between the two clicks, and a session id used by
somebody else (`tests/signing/test_rights_lost.py`); a session used on another folder (`tests/rights/test_matrix.py`);
two clicks at once (`tests/race/test_signatures.py`); attacks on a signed flow (`tests/verification/test_pes_read.py`).
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from flask.testing import FlaskClient

from app.core.db import engine
from app.files import vault
from app.signing import sign
from app.signing.enrol import enrol
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.models import SignatureSession
from app.trust.certificates import facts
from demo import pki as test_pki
from demo.pki import TestPki
from tests.builders.house import House
from tests.builders.settings import take_settings
from tests.cluster import free_port
from tests.signing.test_rights_lost import A, B, finish, kept, prepared, unsigned

pytestmark = pytest.mark.in_turn

NOTHING = "Rien n’a été signé"


@dataclass
class Scene:
    """A folder that waits for the mayor, and what stands before the attack."""

    house: House
    folder_id: int
    client: FlaskClient

    def __post_init__(self) -> None:
        self.before = unsigned(self.house, self.folder_id)

    def offer(self, certificate: bytes, chain: tuple[bytes, ...]) -> Any:
        """The first click, with any certificate."""
        body = {
            "version": self.house.folder(self.folder_id).version,
            "certificate": b64encode(certificate).decode(),
            "chain": [b64encode(one).decode() for one in chain],
        }
        token = self.house.csrf(self.client)
        url = f"/dossiers/{self.folder_id}/signature/preparer"
        return self.client.post(url, json=body, headers={"X-CSRFToken": token})

    def refused(self, answer: Any, key: str, words: str = NOTHING) -> None:
        """The attack failed: by its name, in French, and the folder stands where it stood."""
        said = answer.get_json()
        assert (said["key"], 400 <= answer.status_code < 500) == (key, True), said
        assert words in said["detail"]
        assert unsigned(self.house, self.folder_id) == self.before


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house, house.an_invoice(at="bon_a_payer"), house.client(A))


def with_signature(body: dict[str, Any], made: bytes) -> dict[str, Any]:
    (one,) = body["signatures"]
    return {**body, "signatures": [{**one, "signature": b64encode(made).decode()}]}


def made_by(body: dict[str, Any]) -> bytes:
    (one,) = body["signatures"]
    return b64decode(one["signature"])


def attributes(house: House, session: str) -> bytes:
    """What the server keeps to be signed."""
    with engine().connect() as connection:
        query = sa.select(SignatureSession.prepared).where(SignatureSession.id == session)
        (one,) = connection.execute(query).scalar_one()
        return bytes.fromhex(one["attributes"])


def test_replay_a_signature_that_served_serves_no_more(scene: Scene) -> None:
    body, token = prepared(scene.house, scene.client, scene.folder_id)
    assert finish(scene.client, scene.folder_id, body, token).get_json()["state"] == "done"
    scene.before = unsigned(scene.house, scene.folder_id)
    again = finish(scene.client, scene.folder_id, body, token)
    scene.refused(again, "session-used")


def test_swap_the_signature_of_another_document_is_refused(scene: Scene) -> None:
    other = scene.house.an_invoice(at="bon_a_payer", number="F-2026-777")
    mine, token = prepared(scene.house, scene.client, scene.folder_id)
    theirs, _ = prepared(scene.house, scene.client, other)
    answer = finish(scene.client, scene.folder_id, with_signature(mine, made_by(theirs)), token)
    scene.refused(answer, "signature-not-yours")


def test_foreign_key_the_right_bytes_signed_by_another_key_are_refused(scene: Scene) -> None:
    body, token = prepared(scene.house, scene.client, scene.folder_id)
    forged = scene.house.key("b_cadiou").sign(attributes(scene.house, body["session"]))
    scene.refused(
        finish(scene.client, scene.folder_id, with_signature(body, forged), token), "signature-not-yours"
    )


def test_wrong_person_the_certificate_of_somebody_else_is_refused(scene: Scene) -> None:
    other = scene.house.key("b_cadiou")
    scene.refused(scene.offer(other.certificate, tuple(other.chain)), "certificate-not-enrolled")


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("auth_only", "certificate-authentication-only"),
        ("expired", "certificate-expired"),
        ("future", "certificate-not-yet-valid"),
        ("revoked", "certificate-revoked"),
        ("foreign_root", "certificate-issuer-unknown"),
        ("weak", "key-weak"),
    ],
)
def test_a_certificate_that_may_not_sign_is_refused_even_when_it_was_enrolled(
    scene: Scene, label: str, key: str
) -> None:
    pki, actor = scene.house.pki, scene.house.actor(A)
    der = pki.certificate(label)
    enrol(actor, actor.user_id or 0, facts(der), der)
    scene.refused(scene.offer(der, pki.chain(label)), key)


@pytest.fixture
def own_authority(house: House, tmp_path: Path) -> Iterator[tuple[TestPki, list[Any]]]:
    """An authority of this test's own, which may revoke; what serves it comes last in the list."""
    port = free_port()
    made = test_pki.make(tmp_path / "own", f"http://127.0.0.1:{port}")
    serving = [test_pki.serve(made.folder, "127.0.0.1", port)]
    before = house.settings
    root = made.root_pem
    take_settings(
        before.model_copy(
            update={
                "trust_roots": root,
                "tsa_roots": root,
                "tsa_url": made.tsa_url,
                "revocation_hosts": (made.host,),
            }
        )
    )
    actor, der = house.actor(A), made.certificate("a_kervadec")
    enrol(actor, actor.user_id or 0, facts(der), der)
    yield made, serving
    take_settings(before)
    serving[-1].close()


def revoke(pki: TestPki, serving: list[Any], label: str) -> None:
    """The authority revokes from now on, and says so the next time it is asked."""
    written = pki.folder / "pki.yaml"
    recipe = yaml.safe_load(written.read_text(encoding="utf-8"))
    (arch,) = [one for one in recipe["pki-architectures"].values() if label in one["certs"]]
    born = (pki.folder / "born").read_text()
    arch["certs"][label]["revocation"] = {"revoked-since": born, "reason": "key_compromise"}
    written.write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    serving[-1].close()
    serving.append(test_pki.serve(pki.folder, "127.0.0.1", int(pki.base_url.rpartition(":")[2])))


@pytest.mark.parametrize("revoked", [True, False], ids=["revoked", "not revoked"])
def test_revoked_between_the_phases_signs_nothing(
    house: House, own_authority: tuple[TestPki, list[Any]], revoked: bool
) -> None:
    pki, serving = own_authority
    scene = Scene(house, house.an_invoice(at="bon_a_payer"), house.client(A))
    key = Pkcs12Key.load(pki.p12("a_kervadec"), pki.passphrase)
    ready = scene.offer(key.certificate, tuple(key.chain)).get_json()
    (item,) = ready["items"]
    made = b64encode(key.sign(b64decode(item["tbs"]))).decode()
    body = {"session": ready["session"], "signatures": [{"id": "main", "signature": made}]}
    if revoked:
        revoke(pki, serving, "a_kervadec")
    answer = finish(scene.client, scene.folder_id, body, house.csrf(scene.client))
    if not revoked:
        assert answer.get_json()["state"] == "done"
        return
    scene.refused(answer, "certificate-revoked")
    again = finish(scene.client, scene.folder_id, body, house.csrf(scene.client))
    scene.refused(again, "session-used")


def test_changed_document_a_file_that_was_touched_after_preparation_is_not_signed(scene: Scene) -> None:
    body, token = prepared(scene.house, scene.client, scene.folder_id)
    with engine().begin() as connection:
        found = connection.execute(
            sa.text("SELECT prepared_sha256, collectivity_id FROM signature_session WHERE id = :id"),
            {"id": body["session"]},
        ).one()
        scope = vault.waiting(found.collectivity_id)
        data = bytearray(vault.store().read(scope, found.prepared_sha256))
        data[2000] ^= 1
        touched = scene.house.settings.data_dir / "touched.pdf"
        touched.write_bytes(data)
        other = vault.store().put_file(scope, touched).sha256
        connection.execute(
            sa.text("UPDATE signature_session SET prepared_sha256 = :other WHERE id = :id"),
            {"other": other, "id": body["session"]},
        )
    before = kept(scene.house)
    scene.refused(finish(scene.client, scene.folder_id, body, token), "prepared-file-changed")
    assert kept(scene.house) == before


def test_changed_document_a_newer_version_of_the_folder_s_document_is_not_the_one_that_was_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_id = house.a_deliberation(at="signatures")
    mayor, clerk = house.client(A), house.client(B)
    mine, token = prepared(house, mayor, folder_id)
    theirs, other = prepared(house, clerk, folder_id, B)
    assert finish(clerk, folder_id, theirs, other).get_json()["state"] == "done"
    scene = Scene(house, folder_id, mayor)
    dated: list[object] = []
    monkeypatch.setattr(sign, "embed", lambda *what: dated.append(what))
    answer = finish(mayor, folder_id, mine, token)
    assert (answer.status_code, answer.get_json()["key"]) == (409, "document-changed")
    assert unsigned(house, folder_id) == scene.before
    assert dated == [], "no timestamp is asked for what cannot be kept"


def test_expired_session_signs_nothing(scene: Scene) -> None:
    body, token = prepared(scene.house, scene.client, scene.folder_id)
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE signature_session SET expires_at = '2026-01-01 00:00:00'"))
    scene.refused(finish(scene.client, scene.folder_id, body, token), "session-used")


@pytest.mark.parametrize("made", [b"", b"\0" * 256, b"0" * 4096], ids=["nothing", "zeros", "too much"])
def test_rubbish_in_the_place_of_a_signature_signs_nothing(scene: Scene, made: bytes) -> None:
    body, token = prepared(scene.house, scene.client, scene.folder_id)
    answer = finish(scene.client, scene.folder_id, with_signature(body, made), token)
    assert answer.status_code in {400, 403, 422}
    assert unsigned(scene.house, scene.folder_id) == scene.before


def test_without_the_form_s_token_nothing_is_prepared_nor_signed(scene: Scene) -> None:
    body, _ = prepared(scene.house, scene.client, scene.folder_id)
    answer = scene.client.post(f"/dossiers/{scene.folder_id}/signature/terminer", json=body)
    assert answer.status_code == 400
    assert unsigned(scene.house, scene.folder_id) == scene.before
