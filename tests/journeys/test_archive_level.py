"""A signed document comes to its archive level by itself: nobody waits, nothing that was sent changes, nothing is done twice."""

import io
from itertools import pairwise
from pathlib import Path

import pikepdf
import pytest
import sqlalchemy as sa
from pyhanko.pdf_utils.reader import PdfFileReader

from app.core import outbox
from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.files import earlier_signatures
from app.folders import sending
from app.journal.chain import verify
from app.signing import augment, renewal
from app.signing.formats import pades
from app.signing.models import Augmentation, SignatureProof
from app.signing.ports import FieldPlan
from app.transmission.models import Transmission
from tests.builders import circuits
from tests.builders.house import ACT, House
from tests.builders.levels import ask_level
from tests.builders.settings import take_settings
from tests.cluster import free_port

pytestmark = pytest.mark.in_turn


@pytest.fixture
def lta(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliberations are archived at level B-LTA."""
    ask_level(monkeypatch, "deliberation", "B-LTA")


def rows(folder_id: int, kind: str = "signature.augment") -> list[Outbox]:
    with reading() as db:
        query = sa.select(Outbox).where(Outbox.folder_id == folder_id, Outbox.kind == kind)
        return list(db.scalars(query.order_by(Outbox.id)))


def reached(folder_id: int) -> list[Augmentation]:
    with reading() as db:
        query = sa.select(Augmentation).where(Augmentation.folder_id == folder_id)
        return list(db.scalars(query.order_by(Augmentation.id)))


def levels(folder_id: int) -> list[str]:
    with reading() as db:
        query = sa.select(SignatureProof.level).where(SignatureProof.folder_id == folder_id)
        return list(db.scalars(query))


def page(house: House, folder_id: int) -> str:
    text = house.client("k.morizur").get(f"/dossiers/{folder_id}?onglet=pieces").get_data(as_text=True)
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def again(row: Outbox) -> Outbox:
    """Do a row once more, now, as after a kill between its commit and its end."""
    with engine().begin() as connection:
        connection.execute(
            sa.update(Outbox).where(Outbox.id == row.id).values(state="pending", available_at=row.created_at)
        )
    outbox.run(row.id)
    return next(one for one in rows(row.folder_id or 0) if one.id == row.id)


def test_two_signers_then_the_proofs_and_the_page_says_so_before_and_after(house: House, lta: None) -> None:
    folder_id = house.a_deliberation(at="signatures")
    house.sign(folder_id, "a.kervadec")
    assert rows(folder_id) == []
    assert "archivage en cours" not in page(house, folder_id)
    house.sign(folder_id, "b.cadiou")
    (row,) = rows(folder_id)
    shown = page(house, folder_id)
    assert shown.count("Signé, archivage en cours") == 3  # the folder's tag, and each signature
    version = house.folder(folder_id).version
    outbox.run(row.id)
    (done,) = reached(folder_id)
    assert (done.level, levels(folder_id)) == ("B-LTA", ["B-T", "B-T"])
    assert house.folder(folder_id).version == version  # an open page is not made obsolete
    shown = page(house, folder_id)
    assert "archivage en cours" not in shown
    assert shown.count("Niveau d’archive B-LTA le ") == 2
    signed = [one for one in house.versions(folder_id) if one.origin == "signed"]
    assert signed[-1].id == done.version_id
    for before, after in pairwise(signed):
        assert house.bytes_of(after).startswith(house.bytes_of(before))
    assert house.journal(folder_id)[-1] == "document.augmented"
    with reading() as db:
        assert verify(db, house.folder(folder_id).collectivity_id)[1] is None


def test_done_again_it_adds_nothing(house: House, lta: None) -> None:
    folder_id = house.a_deliberation(at="prefecture")
    (row,) = rows(folder_id)
    outbox.run(row.id)
    kept = house.versions(folder_id)
    row = again(row)
    assert (row.state, [one.id for one in house.versions(folder_id)]) == ("done", [one.id for one in kept])
    assert len(reached(folder_id)) == 1


def test_what_was_opened_for_sending_leaves_as_it_was_whatever_is_added_meanwhile(
    house: House, lta: None
) -> None:
    folder_id = house.a_deliberation(at="prefecture")
    signed = house.versions(folder_id)[-1]
    (sending,) = rows(folder_id, "step.transmit")
    outbox.run(sending.id)  # it is gone; the receipt is still to come
    (row,) = rows(folder_id)
    outbox.run(row.id)
    house.drain()
    assert house.folder(folder_id).place == "publication"
    with reading() as db:
        left = db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)).one()
    assert signed.id in (left.versions or ())
    assert reached(folder_id)[0].version_id not in (left.versions or ())
    assert len(list((Path(house.settings.actes_folder or "") / "archives").iterdir())) == 1


def test_a_silent_timestamp_authority_is_asked_again_and_holds_no_folder_back(
    house: House, lta: None
) -> None:
    folder_id = house.a_deliberation(at="prefecture")
    (row,) = rows(folder_id)
    dead = f"http://127.0.0.1:{free_port()}/tsa"
    take_settings(house.settings.model_copy(update={"tsa_url": dead, "network_timeout": 1.0}))
    outbox.run(row.id)
    (row,) = rows(folder_id)
    assert (row.state, row.attempts) == ("pending", 1)
    assert "archive-timestamp-silent" in (row.last_error or "")
    (sending,) = rows(folder_id, "step.transmit")
    while house.folder(folder_id).place == "prefecture":
        again_if_due(sending)
    assert house.folder(folder_id).place == "publication"
    assert "Signé, archivage en cours" in page(house, folder_id)
    take_settings(house.settings)
    house.drain()
    assert [one.level for one in reached(folder_id)] == ["B-LTA"]


def again_if_due(row: Outbox) -> None:
    if row.id in outbox.due():
        outbox.run(row.id)


def test_after_the_last_try_the_page_says_that_it_stopped_and_the_daily_look_starts_it_again(
    house: House, lta: None
) -> None:
    folder_id = house.a_deliberation(at="prefecture")
    dead = f"http://127.0.0.1:{free_port()}/tsa"
    take_settings(house.settings.model_copy(update={"tsa_url": dead, "network_timeout": 1.0}))
    house.drain()
    assert [one.state for one in rows(folder_id)] == ["parked"]
    assert "Signé, archivage arrêté après le dernier essai" in page(house, folder_id)
    take_settings(house.settings)
    renewal.renew_due()
    house.drain()
    assert [one.level for one in reached(folder_id)] == ["B-LTA"]


def test_a_new_round_makes_the_proofs_of_the_former_one_needless(house: House, lta: None) -> None:
    house.play("actes", "refusal")
    folder_id = house.a_deliberation(at="prefecture", number="2026-057")
    (row,) = rows(folder_id)
    (leaving,) = rows(folder_id, "step.transmit")
    while house.folder(folder_id).phase != "rejected":
        again_if_due(leaving)
    house.save(folder_id, "k.morizur", {"number": "2026-058"})
    sending.send(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    outbox.run(row.id)
    (row,) = rows(folder_id)
    assert (row.state, reached(folder_id)) == ("done", [])
    assert "un nouveau tour a commencé" in (row.last_error or "")
    assert house.versions(folder_id)[-1].origin != "signed"


SEALED_AND_READ_AGAIN = """
key: deliberation
label: Essai
steps:
  - { key: direction, label: Direction générale, kind: visa, who: { desk: direction } }
  - { key: signatures, label: Signatures, kind: sign, who: [{ desk: maire }, { role: sitting_secretary }], quorum: all }
  - { key: cachet, label: Cachet, kind: seal }
  - { key: relecture, label: Relecture, kind: visa, who: { desk: secretariat } }
  - { key: prefecture, label: Transmission à la préfecture, kind: transmit, channel: actes }
  - { key: publication, label: Publication, kind: publish, who: { desk: secretariat } }
"""


def test_after_the_seal_the_proofs_and_where_people_act_before_departure_they_leave_with_the_folder(
    house: House, lta: None
) -> None:
    circuits.publish(house.actor("k.morizur"), "deliberation", SEALED_AND_READ_AGAIN)
    folder_id = house.a_deliberation(at="signatures")
    house.sign(folder_id, "a.kervadec")
    house.sign(folder_id, "b.cadiou")
    assert (house.folder(folder_id).place, rows(folder_id)) == ("cachet", [])
    (sealing,) = rows(folder_id, "step.seal")
    outbox.run(sealing.id)
    (row,) = rows(folder_id)
    outbox.run(row.id)
    (done,) = reached(folder_id)
    assert (done.level, len(levels(folder_id))) == ("B-LTA", 3)
    house.approve(folder_id, "k.morizur")
    house.drain()
    assert house.folder(folder_id).place == "publication"
    with reading() as db:
        left = db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)).one()
    assert done.version_id in (left.versions or ())


def test_the_proofs_of_an_archive_are_read_as_sound_and_those_of_another_file_are_not(
    house: House, lta: None, tmp_path: Path
) -> None:
    circuits.publish(house.actor("k.morizur"), "deliberation", SEALED_AND_READ_AGAIN)
    folder_id = house.a_deliberation(at="signatures")
    house.sign(folder_id, "a.kervadec")
    house.sign(folder_id, "b.cadiou")
    outbox.run(rows(folder_id, "step.seal")[0].id)
    outbox.run(rows(folder_id)[0].id)
    archived = tmp_path / "archive.pdf"
    archived.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    found = earlier_signatures.read(archived)
    assert [one.valid_structure for one in found] == [
        True
    ] * 4  # two people, the seal, the timestamp of the whole
    body = bytearray(archived.read_bytes())
    body[body.index(b"%", 5) + 2] ^= 1  # in the comment of its second line: every reader opens it as before
    archived.write_bytes(body)
    assert not any(one.valid_structure for one in earlier_signatures.read(archived))


def answers_in(house: House, folder_id: int) -> set[bytes]:
    """The OCSP answers that the last version holds; each question has its own nonce, so no two answers are alike."""
    with pikepdf.open(io.BytesIO(house.bytes_of(house.versions(folder_id)[-1]))) as pdf:
        return {one.read_bytes() for one in pdf.Root.DSS.OCSPs}


@pytest.mark.both_databases
def test_rows_that_wait_together_share_answers_and_a_later_signature_has_newer_ones(
    house: House, lta: None
) -> None:
    augment.forget()
    first, second = (house.a_deliberation(at="prefecture", number=f"2026-{n}") for n in (201, 202))
    for folder_id in (first, second):
        outbox.run(rows(folder_id)[0].id)
    assert answers_in(house, first) == answers_in(house, second)
    later = house.a_deliberation(at="prefecture", number="2026-203")
    outbox.run(rows(later)[0].id)
    assert not answers_in(house, later) & answers_in(house, first)


def test_a_document_that_came_signed_by_strangers_is_archived_for_our_signatures(
    house: House, lta: None, tmp_path: Path
) -> None:
    came = tmp_path / "deliberation.pdf"
    pades.seal(
        ACT,
        came,
        key=house.key("foreign_root"),
        field="fournisseur",
        fields=[FieldPlan("fournisseur", None)],
        stamp=None,
        now=now(),
        timestamper=None,
    )
    folder_id = house.a_deliberation(at="prefecture", path=came)
    house.drain()
    assert [one.level for one in reached(folder_id)] == ["B-LTA"]


@pytest.mark.both_databases
def test_a_timestamp_that_ends_within_the_setting_is_renewed_once_for_each_version(
    house: House, lta: None
) -> None:
    folder_id = house.a_deliberation(at="prefecture")
    house.drain()
    renewal.renew_due()
    assert len(rows(folder_id)) == 1  # the certificate of the test authority has years to live
    take_settings(house.settings.model_copy(update={"archive_renewal_days": 4000}))
    assert renewal.renew_due() == 1
    assert renewal.renew_due() == 1
    assert len(rows(folder_id)) == 2
    house.drain()
    first, second = reached(folder_id)
    versions = {one.id: one for one in house.versions(folder_id)}
    before, after = (house.bytes_of(versions[one.version_id]) for one in (first, second))
    assert after.startswith(before)
    path = Path(house.settings.data_dir) / "renewed.pdf"
    path.write_bytes(after)
    with path.open("rb") as stream:
        assert len(PdfFileReader(stream).embedded_timestamp_signatures) == 2


@pytest.mark.both_databases
def test_the_watchdog_looks_at_the_ends_once_a_day(house: House, lta: None, monkeypatch) -> None:
    folder_id = house.a_deliberation(at="prefecture")
    house.drain()
    monkeypatch.setattr(renewal, "_looked", {})
    take_settings(house.settings.model_copy(update={"archive_renewal_days": 4000}))
    outbox.watch()
    assert len(rows(folder_id)) == 2
    house.drain()
    outbox.watch()
    assert len(rows(folder_id)) == 2


def test_a_family_that_asks_for_b_b_gets_no_timestamp(house: House, monkeypatch) -> None:
    ask_level(monkeypatch, "deliberation", "B-B")
    folder_id = house.a_deliberation(at="prefecture")
    assert (levels(folder_id), rows(folder_id)) == (["B-B", "B-B"], [])


def test_without_an_authority_a_level_that_needs_one_is_refused_rather_than_lowered(
    house: House, lta: None
) -> None:
    folder_id = house.a_deliberation(at="signatures")
    take_settings(house.settings.model_copy(update={"tsa_url": ""}))
    with pytest.raises(Refusal, match="level-needs-timestamp"):
        house.sign(folder_id, "a.kervadec")
    assert levels(folder_id) == []
