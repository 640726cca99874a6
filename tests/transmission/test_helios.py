"""A flow leaves for the accountant, and its acquit decides: acquitté, or back to who corrects it, mandat by mandat."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import now, today
from app.core.db import engine, reading
from app.core.french import jour
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.files import vault
from app.folders import decide, deposit, sending
from app.folders.keep import Incoming
from app.folders.models import Folder
from app.folders.ruling import rule
from app.folders.sockets import cautions, obstacles
from app.people.actor import system
from app.transmission import channels, dispatch
from app.transmission.models import Transmission
from app.transmission.ports import Answer, AnswerKind
from tests.api.software import Software
from tests.batches.town import Hand
from tests.builders.house import FLOW, House
from tests.channels.parcels import FLOW_NAME
from tests.mailserver import MailServer
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


def world(house: House) -> Path:
    return Path(house.settings.helios_folder or "")


def transmission(folder_id: int) -> Transmission:
    with reading() as db:
        query = sa.select(Transmission).where(Transmission.folder_id == folder_id)
        return db.scalars(query.order_by(Transmission.id.desc()).limit(1)).one()


def row(folder_id: int) -> Outbox:
    with reading() as db:
        query = sa.select(Outbox).where(Outbox.folder_id == folder_id, Outbox.kind == "step.transmit")
        return db.scalars(query.order_by(Outbox.id.desc()).limit(1)).one()


def again(folder_id: int) -> None:
    """Let the sending be tried once more, now."""
    with engine().begin() as connection:
        chosen = sa.update(Outbox).where(Outbox.id == row(folder_id).id)
        connection.execute(chosen.values(state="pending", available_at=now()))
    outbox.run(row(folder_id).id)


def page(house: House, login: str, folder_id: int) -> str:
    text = house.client(login).get(f"/dossiers/{folder_id}").get_data(as_text=True)
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def a_flow_named(house: House, name: str, tmp_path: Path) -> int:
    """A flow under this NomFic, signed and about to leave."""
    path = tmp_path / f"{name}.xml"
    path.write_bytes(FLOW.read_bytes().replace(FLOW_NAME, name.encode()))
    folder_id = house.a_flow(path)
    house.sign(folder_id, "a.kervadec")
    return folder_id


@pytest.mark.law("PES-05")
def test_a_signed_flow_leaves_byte_for_byte_and_is_acquitted(house: House, tmp_path: Path) -> None:
    folder_id = a_flow_named(house, "F_261120_001", tmp_path)
    house.drain()
    (received,) = (world(house) / "flows").iterdir()
    assert received.read_bytes() == house.bytes_of(house.versions(folder_id, "main")[-1])
    (given,) = (world(house) / "answers").iterdir()
    (kept,) = house.versions(folder_id, "receipt")
    assert house.bytes_of(kept) == given.read_bytes()
    sent = transmission(folder_id)
    assert (sent.state, sent.identifier, sent.received_on) == ("acknowledged", "F_261120_001", today())
    assert house.folder(folder_id).place == "done"
    assert "received_on_by_state" not in house.folder(folder_id).fields
    shown = page(house, "g.trehorel", folder_id)
    assert f"Acquitté (FACTICE), {jour(today())}" in shown
    got = house.client("g.trehorel").get(f"/dossiers/{folder_id}/documents/{kept.document_id}/{kept.number}")
    assert (got.status_code, got.data) == (200, given.read_bytes())


def test_a_partial_acquit_brings_the_flow_back_mandat_by_mandat_and_a_new_flow_corrects_it(
    house: House, tmp_path: Path, mail: MailServer
) -> None:
    house.play("helios", "partial")
    folder_id = a_flow_named(house, "F_261120_001", tmp_path)
    house.drain()
    assert (house.folder(folder_id).phase, transmission(folder_id).state) == ("rejected", "partial")
    shown = page(house, "g.trehorel", folder_id)
    assert "Bordereau 2 de 2026, mandat 3, ligne 1 : 1971 - Compte fonction présent à tort" in shown
    assert "Le bordereau 1 de 2026 est pris en charge : ne le renvoyez pas." in shown
    assert "Acquit partiel" in shown
    assert "Refusé par le comptable public" not in shown
    assert (
        shown.count("Refusé par le comptable") == shown.count("Pris en charge<") == 1
    )  # each at its bordereau
    told = {
        one["To"].addresses[0].username
        for one in mail.letters
        if one["Subject"].endswith("1 dossier est accepté en partie")
    }
    assert {"g.trehorel", "a.kervadec"} <= told

    # What the Treasury answered is no document of the depositor's: it is neither taken out nor replaced.
    (acquit,) = house.versions(folder_id, "receipt")
    with pytest.raises(Refusal, match="document-stays"):
        deposit.remove_document(house.actor("g.trehorel"), folder_id, acquit.document_id)
    with pytest.raises(Refusal, match="document-stays"):
        deposit.replace_main(
            house.actor("g.trehorel"), folder_id, acquit.document_id, Incoming(FLOW, FLOW.name)
        )

    # The same flow once more is stopped before any circuit: its name served.
    with pytest.raises(Refusal) as refused:
        sending.send(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
    assert "a déjà servi" in refused.value.facts["details"]

    # The same bordereaux under another name: what was taken is told in red, the accountant first, and in any folder.
    (main, *_) = house.versions(folder_id, "main")
    whole = tmp_path / "whole.xml"
    whole.write_bytes(FLOW.read_bytes().replace(FLOW_NAME, b"F_261120_003"))
    deposit.replace_main(house.actor("g.trehorel"), folder_id, main.document_id, Incoming(whole, "whole.xml"))
    elsewhere = house.deposit("g.trehorel", "pes", a_copy(tmp_path, b"F_261120_004"))
    for one in (folder_id, elsewhere):
        shown = page(house, "g.trehorel", one)
        assert "Bordereau 1 déjà pris en charge" in shown
        assert "note-danger" in shown
        assert "Bordereau 2 déjà" not in shown.replace("Bordereau 2 déjà déposé", "")
        assert "4 pièces jointes déjà prises en charge" in shown
    moved = a_copy(tmp_path, b"F_261120_005", (b'<IdBord V="1"/>', b'<IdBord V="7"/>'))
    shown = page(house, "g.trehorel", house.deposit("g.trehorel", "pes", moved))
    assert "Mandats 1, 2 déjà pris en charge" in shown
    assert "et de nouveau dans le bordereau 7 de ce flux" in shown

    ruled_by_another_before_the_signature(house, elsewhere)

    # Only what was refused goes again: nothing is to be told of it, and the Treasury takes it.
    corrected = a_copy(tmp_path, b"F_261120_002", without=(rb"<Bordereau .*?</Bordereau>", rb"<PJ>.*?</PJ>"))
    deposit.replace_main(
        house.actor("g.trehorel"), folder_id, main.document_id, Incoming(corrected, "corrected.xml")
    )
    shown = page(house, "g.trehorel", folder_id)
    assert "déjà pris" not in shown
    assert "Pièce jointe absente" not in shown  # it was taken with the first flow
    sending.send(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, "n.abgrallec")
    house.sign(folder_id, "a.kervadec")
    house.drain()
    assert (house.folder(folder_id).place, transmission(folder_id).state) == ("done", "acknowledged")
    assert transmission(folder_id).identifier == "F_261120_002"
    assert len(house.versions(folder_id, "receipt")) == 2
    assert "déjà pris" not in page(house, "g.trehorel", folder_id)  # by this very sending


def ruled_by_another_before_the_signature(house: House, folder_id: int) -> None:
    """What was taken and comes again is told to each who decides; nobody signs before one of them has ruled."""
    actor, finance = house.actor("g.trehorel"), house.actor("n.abgrallec")
    sending.send(actor, folder_id, version=house.folder(folder_id).version)
    with reading() as db:
        told = [one for one in cautions(db, db.get_one(Folder, folder_id)) if one.key == "taken"]
    assert [one.title.split(" déjà")[0] for one in told] == ["Bordereau 1", "4 pièces jointes"]
    page_of_finance = page(house, "n.abgrallec", folder_id)
    assert "Trancher…" in page_of_finance
    assert "Trancher…" not in page(house, "g.trehorel", folder_id)
    house.approve(folder_id, "n.abgrallec")
    with pytest.raises(Refusal, match="would-be-refused"):
        house.sign(folder_id, "a.kervadec")
    # Red at every step: in a batch too, each of them, whatever else is to be looked at
    hand = Hand(house, "a.kervadec")
    batch = hand.page(hand.propose("sign", [folder_id]))
    with reading() as db:
        grave = [one.title for one in cautions(db, db.get_one(Folder, folder_id)) if one.grave]
    assert len(grave) >= len(told)
    assert "note-danger" in batch
    assert all(f"{title}.</b>" in batch for title in grave)
    warnings = Software(house, "finances", [Right.ACT]).get(f"/folders/{folder_id}").json["warnings"]
    assert [one["title"] for one in warnings if one["gravity"] == "danger"] == grave
    assert [one["gravity"] for one in warnings] == sorted(one["gravity"] for one in warnings)
    mayor = house.actor("a.kervadec")
    for one in told:
        given = {"about": one.about, "keep": "", "word": "Le comptable a annulé sa prise en charge."}
        for stranger in (actor, finance):
            with pytest.raises(Refusal):
                rule(stranger, folder_id, version=house.folder(folder_id).version, **given)
        rule(mayor, folder_id, version=house.folder(folder_id).version, **given)
    shown = page(house, "a.kervadec", folder_id)
    assert "Déjà tranché" in shown
    assert "à regarder avant de signer" not in shown.replace("Bordereau 2 déjà déposé", "")
    with reading() as db:
        assert not obstacles(db, db.get_one(Folder, folder_id))
    decide.reject(mayor, folder_id, reason="Retirez-le.", version=house.folder(folder_id).version)


def a_copy(room: Path, name: bytes, *changes: tuple[bytes, bytes], without: tuple[bytes, ...] = ()) -> Path:
    """The flow under another NomFic, with these changes, without the first bordereau and every attachment if so asked."""
    raw = FLOW.read_bytes().replace(FLOW_NAME, name)
    for before, after in changes:
        assert before in raw
        raw = raw.replace(before, after)
    for rank, pattern in enumerate(without):
        raw = re.sub(pattern, b"", raw, count=not rank, flags=re.DOTALL)
    path = room / f"{name.decode()}.xml"
    path.write_bytes(raw)
    return path


def test_a_lost_answer_is_looked_up_and_the_flow_is_not_sent_twice(house: House, tmp_path: Path) -> None:
    house.play("helios", "lost")
    folder_id = a_flow_named(house, "F_261120_001", tmp_path)
    outbox.run(row(folder_id).id)
    assert transmission(folder_id).state == "uncertain"
    house.drain()
    assert house.folder(folder_id).place == "done"
    lines = [one for one in house.journal(folder_id) if one.startswith("transmission.")]
    assert lines == ["transmission.sending", "transmission.uncertain", "transmission.sent"]
    assert len(list((world(house) / "names").rglob("*.json"))) == 1


@pytest.mark.law("PES-05")
def test_an_acquit_that_does_not_come_is_told_once_and_nothing_is_sent_again(
    house: House, tmp_path: Path, mail: MailServer
) -> None:
    house.play("helios", "silence")
    folder_id = a_flow_named(house, "F_261120_001", tmp_path)
    again(folder_id)
    assert "Transmis, acquit attendu (FACTICE)" in page(house, "g.trehorel", folder_id)
    assert "transmission.late" not in house.journal(folder_id)
    with engine().begin() as connection:
        earlier = sa.update(Transmission).where(Transmission.folder_id == folder_id)
        connection.execute(earlier.values(sent_at=now().replace(year=now().year - 1)))
    for _ in range(3):
        again(folder_id)
    assert house.journal(folder_id).count("transmission.late") == 1
    shown = page(house, "g.trehorel", folder_id)
    assert "Réponse en retard" in shown
    assert "appelez l’opérateur puis le comptable public. Ne renvoyez rien." in shown
    admin = house.client("k.morizur").get("/administration").get_data(as_text=True)
    assert "Ne renvoyez rien" in admin
    with reading() as db:
        keys = db.scalars(sa.select(Outbox.key).where(Outbox.key.like("receipt_late-%"))).all()
        letters = db.scalars(sa.select(Outbox.id).where(Outbox.key.in_(keys))).all()
    for one in letters:
        outbox.run(one)
    told = [
        one["To"].addresses[0].username
        for one in mail.letters
        if one["Subject"].endswith("une réponse tarde")
    ]
    assert told == ["g.trehorel"]
    assert len(list((world(house) / "ids").iterdir())) == 1


def test_what_began_in_simulation_never_goes_on_before_a_real_operator(house: House, tmp_path: Path) -> None:
    house.play("helios", "silence")
    folder_id = a_flow_named(house, "F_261120_001", tmp_path)
    again(folder_id)
    channel = channels.open_channel("helios")
    reference = transmission(folder_id).reference
    real = _Real()
    channel._transport, simulator = real, channel._transport
    try:
        again(folder_id)
    finally:
        channel._transport = simulator
    assert reference
    assert real.asked == []
    assert (house.folder(folder_id).phase, transmission(folder_id).state) == ("rejected", "refused")
    assert "FACTICE" in (transmission(folder_id).reason or "")


class _Real:
    """A transport that leads to the State, and counts what it is asked."""

    label, simulated = "Opérateur", False

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find(self, deposit):
        self.asked.append("find")

    def poll(self, sender, reference):
        self.asked.append(reference)


def test_a_first_acquit_that_cannot_be_read_is_told_once_to_who_deposits_and_to_administrators(
    house: House, tmp_path: Path, mail: MailServer
) -> None:
    folder_id = a_flow_named(house, "F_261120_099", tmp_path)
    actor = system(house.actor("k.morizur").collectivity_id)
    outbox.run(row(folder_id).id)
    sent = transmission(folder_id)
    with engine().begin() as connection:  # the Treasury has not answered yet
        connection.execute(sa.update(Transmission).where(Transmission.id == sent.id).values(state="sent"))
    for garbled in (b"<illisible", b"<illisible encore", b"<illisible"):
        sha256 = vault.store().put_bytes(vault.scope(actor.collectivity_id), garbled).sha256
        answer = Answer(AnswerKind.PENDING, garbled, "a.xml", None, None, "Illisible", simulated=True)
        dispatch.keep_doubtful(actor, sent.id, answer, sha256)
    outbox.drain()
    told = {
        str(one["To"]).split("<")[-1].split("@")[0]: one.get_body(("plain",)).get_content()
        for one in mail.letters
        if "réponse illisible" in str(one["Subject"])
    }
    assert sorted(told) == ["g.trehorel", "k.morizur"]
    assert f"/dossiers/{folder_id}" in told["g.trehorel"]
    assert "/administration" in told["k.morizur"]
    assert f"/dossiers/{folder_id}" not in told["k.morizur"]
    assert len([one for one in mail.letters if "réponse illisible" in str(one["Subject"])]) == 2
