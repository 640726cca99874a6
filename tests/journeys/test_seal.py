"""A folder is sealed by the commune's own key, in a file or in a security module, between its signatures and its sending."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

import workflows.family
from app import create_app
from app.core import outbox
from app.core.db import engine, reading
from app.folders.models import Folder
from app.signing.formats import pades
from app.signing.models import SignatureProof, SignatureSession
from tests.browser.proofs import accepted_by_others, each_begins_with_the_one_before
from tests.builders import circuits
from tests.builders.house import House
from tests.builders.softhsm import MODULE, PIN, Token

pytestmark = pytest.mark.in_turn

CIRCUIT = """
key: deliberation
label: Délibérations scellées
steps:
  - { key: direction, label: Direction générale, kind: visa, who: { desk: direction }, days: 2 }
  - key: signatures
    label: Maire et secrétaire de séance
    kind: sign
    who: [{ desk: maire }, { role: sitting_secretary }]
    quorum: all
    days: 3
  - { key: cachet, label: Cachet de la commune, kind: seal }
  - { key: prefecture, label: Transmission à la préfecture, kind: transmit, channel: actes }
  - { key: publication, label: Publication, kind: publish, who: { desk: secretariat }, days: 2 }
"""


@pytest.fixture
def seal(house: House, tmp_path: Path) -> Callable[..., None]:
    """Start the installation again with its seal in a security module."""
    token = Token(tmp_path / "hsm", "mairie")
    token.put(house.pki, "seal", "seal")

    def start(pin: str) -> None:
        chosen = {
            "seal_p12": None,
            "seal_pkcs11_module": MODULE,
            "seal_pkcs11_token": "mairie",
            "seal_pkcs11_label": "seal",
            "seal_pkcs11_pin": SecretStr(pin),
        }
        create_app(house.settings.model_copy(update=chosen))

    return start


def files_of(house: House) -> list[str]:
    """The names of all that the store of this installation holds."""
    folder = Path(house.settings.store_url.removeprefix("file:"))
    return [one.name for one in folder.glob("*/??/*")]


def signed_by_both(house: House) -> int:
    circuits.publish(house.actor("k.morizur"), "deliberation", CIRCUIT)
    return house.a_deliberation(at="prefecture")  # both have signed, nothing of the background is done


@pytest.mark.parametrize("where", ["file", "module"])
def test_the_seal_is_put_after_the_signatures_and_every_signature_holds(
    house: House, seal, tmp_path: Path, where: str
) -> None:
    if where == "module":
        seal(PIN)
    folder_id = signed_by_both(house)
    assert house.folder(folder_id).place == "cachet"
    house.drain()
    assert house.folder(folder_id).place == "publication"
    versions = [house.bytes_of(one) for one in house.versions(folder_id)]
    assert each_begins_with_the_one_before(versions)
    signed = tmp_path / "sealed.pdf"
    signed.write_bytes(versions[-1])
    accepted_by_others(signed, house, signatures=3)
    with reading() as db:
        last = db.scalars(sa.select(SignatureProof).order_by(SignatureProof.id.desc())).first()
    assert (last.capacity, last.level) == ("Cachet", "B-T")
    assert "Cachet de la commune de Kerlann-sur-Mer" in last.subject
    assert PIN not in "".join(map(str, house.journal(folder_id)))


def test_a_pin_that_the_token_refuses_parks_the_seal_at_once_and_the_folder_waits(house: House, seal) -> None:
    seal("13371337")
    folder_id = signed_by_both(house)
    house.drain()
    assert house.folder(folder_id).place == "cachet"
    with reading() as db:
        row = db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.kind == "step.seal")).one()
    assert (row.state, row.attempts) == ("parked", 1)
    assert "a refusé son code PIN" in row.last_error
    assert "13371337" not in str(vars(row))
    # Corrected and started again, the row is retried by hand and the folder goes on
    seal(PIN)
    assert outbox.retry(house.actor("k.morizur").collectivity_id, row.id)
    house.drain()
    assert house.folder(folder_id).place == "publication"


def test_a_seal_keeps_one_version_and_one_session_and_its_message_carried_twice_seals_once(
    house: House,
) -> None:
    folder_id = signed_by_both(house)
    with reading() as db:
        row = db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.kind == "step.seal")).one()
        sessions = set(db.scalars(sa.select(SignatureSession.id)))
    kept = set(files_of(house))
    outbox.run(row.id)
    (signed,) = set(files_of(house)) - kept
    assert signed == house.versions(folder_id)[-1].sha256
    with reading() as db:
        made = db.scalars(sa.select(SignatureSession).where(SignatureSession.id.not_in(sessions))).one()
    assert (made.state, made.folder_id, made.capacity) == ("done", folder_id, "Cachet")
    # A worker killed after the seal and before it could say so: the row is carried again
    with engine().begin() as connection:
        connection.execute(sa.update(outbox.Outbox).where(outbox.Outbox.id == row.id).values(state="pending"))
    outbox.run(row.id)
    assert house.versions(folder_id)[-1].sha256 == signed
    assert house.journal(folder_id).count("folder.seal") == 1


def test_a_folder_sent_back_while_the_seal_is_made_keeps_the_bytes_it_had(house: House, monkeypatch) -> None:
    folder_id = signed_by_both(house)
    before = [one.sha256 for one in house.versions(folder_id)]
    whole = pades.check

    def moved_meanwhile(*args, **kwargs):
        with engine().begin() as connection:
            connection.execute(
                sa.update(Folder).where(Folder.id == folder_id).values(version=Folder.version + 1)
            )
        return whole(*args, **kwargs)

    monkeypatch.setattr(pades, "check", moved_meanwhile)
    with reading() as db:
        row = db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.kind == "step.seal")).one()
    outbox.run(row.id)
    assert [one.sha256 for one in house.versions(folder_id)] == before
    with reading() as db:
        assert db.get_one(outbox.Outbox, row.id).state == "pending"
        states = db.scalars(sa.select(SignatureSession.state).where(SignatureSession.capacity == "Cachet"))
        assert list(states) == []
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("label", "minimum", "words"),
    [
        ("qualified", "advanced", "est fait pour la signature d’une personne"),
        ("seal", "qualified", "demande au moins le niveau d’une signature qualifiée"),
        ("eseal", "qualified", None),
    ],
)
def test_the_seal_s_certificate_is_made_for_seals_and_reaches_what_the_family_asks_for(
    house: House, monkeypatch: pytest.MonkeyPatch, label: str, minimum: str, words: str | None
) -> None:
    folder_id = signed_by_both(house)
    create_app(house.settings.model_copy(update={"seal_p12": house.pki.p12(label)}))
    known = dataclasses.replace(workflows.family.family("deliberation"), minimum_signature=minimum)
    monkeypatch.setattr("workflows.family.family", lambda name: known)
    house.drain()
    if words is None:
        assert house.folder(folder_id).place == "publication"
        return
    assert house.folder(folder_id).place == "cachet"
    with reading() as db:
        row = db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.kind == "step.seal")).one()
    assert (row.state, row.attempts) == ("parked", 1)
    assert words in row.last_error
