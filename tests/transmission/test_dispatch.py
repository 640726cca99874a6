"""What leaves arrives once, whatever is lost on the way; what comes back is kept byte for byte and moves the folder once."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import create_app
from app.core import outbox
from app.core.clock import now, today
from app.core.db import engine, reading
from app.core.french import jour
from app.core.outbox import Outbox
from app.journal.chain import verify
from app.people.actor import Actor, system
from app.transmission import dispatch
from app.transmission.channels import open_channel
from app.transmission.keeping import is_kept
from app.transmission.models import Receipt, Transmission
from app.transmission.ports import Answer, AnswerKind
from tests.builders.house import House
from tests.mailserver import MailServer

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "app" / "channels" / "actes" / "schemas" / "2018" / "actesv1_1.xsd"


def transmission(folder_id: int) -> Transmission:
    with reading() as db:
        return db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)).one()


def receipts(folder_id: int) -> list[Receipt]:
    with reading() as db:
        query = sa.select(Receipt).join(Transmission, Transmission.id == Receipt.transmission_id)
        return list(db.scalars(query.where(Transmission.folder_id == folder_id)))


def row(folder_id: int) -> Outbox:
    """The row that carries the folder's sending."""
    with reading() as db:
        query = sa.select(Outbox).where(Outbox.folder_id == folder_id, Outbox.kind == "step.transmit")
        return db.scalars(query).one()


def again(folder_id: int, **values: object) -> None:
    """Let the sending be tried once more, now."""
    with engine().begin() as connection:
        chosen = sa.update(Outbox).where(Outbox.id == row(folder_id).id)
        connection.execute(chosen.values(state="pending", available_at=now(), **values))
    outbox.run(row(folder_id).id)


def page(house: House, login: str, folder_id: int) -> str:
    text = house.client(login).get(f"/dossiers/{folder_id}").get_data(as_text=True)
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def world(house: House) -> Path:
    """The folder where the simulated Préfecture lives."""
    return Path(house.settings.actes_folder or "")


def the_system(house: House) -> Actor:
    return system(house.actor("k.morizur").collectivity_id)


def state(house: House, folder_id: int) -> tuple[object, ...]:
    """All that a second answer must leave as it is."""
    folder = house.folder(folder_id)
    with reading() as db:
        letters = db.scalar(sa.select(sa.func.count()).select_from(Outbox))
    return (
        *(
            folder.place,
            folder.phase,
            folder.round,
            folder.version,
            folder.updated_at,
            json.dumps(folder.fields),
        ),
        *(
            letters,
            len(house.journal(folder_id)),
            len(receipts(folder_id)),
            len(house.versions(folder_id, "receipt")),
        ),
    )


@pytest.mark.law("TRA-10")
def test_a_receipt_is_kept_byte_for_byte_shown_and_counts_once(house: House) -> None:
    folder_id = house.a_deliberation(at="prefecture")
    house.drain()
    (given,) = world(house).rglob("*-1-2_*.xml")
    raw = given.read_bytes()
    (version,) = house.versions(folder_id, "receipt")
    (receipt,) = receipts(folder_id)
    sent = transmission(folder_id)
    assert house.bytes_of(version) == raw
    assert (version.sha256, version.filename) == (receipt.sha256, given.name)
    assert b"FACTICE" in raw

    (world(house) / "schema-check").mkdir()
    copy = world(house) / "schema-check" / "receipt.xml"
    copy.write_bytes(house.bytes_of(version))
    seen = subprocess.run(
        ["xmllint", "--noout", "--nonet", "--schema", SCHEMA, copy], capture_output=True, text=True
    )
    assert seen.returncode == 0, seen.stderr

    assert sent.state == "acknowledged"
    assert sent.identifier
    assert sent.identifier.startswith("029-212909998-")
    assert sent.received_on == today()
    shown = page(house, "k.morizur", folder_id)
    for words in (
        sent.identifier,
        f"Accusé de réception reçu (FACTICE), {jour(today())}",
        "FACTICE",
        "Accusé de réception",
    ):
        assert words in shown, words
    got = house.client("k.morizur").get(
        f"/dossiers/{folder_id}/documents/{version.document_id}/{version.number}"
    )
    assert (got.status_code, got.data) == (200, raw)
    assert house.folder(folder_id).place == "publication"

    # a second identical receipt, then the whole row once more
    before = state(house, folder_id)
    answer = Answer(
        AnswerKind.ACKNOWLEDGED, raw, given.name, sent.identifier, sent.received_on, None, simulated=True
    )
    assert dispatch.acknowledge(the_system(house), sent.id, answer, receipt.sha256) is False
    again(folder_id)
    assert state(house, folder_id) == before
    assert len(list((world(house) / "archives").iterdir())) == 1

    # What has its answer is never late, however long ago it left
    with engine().begin() as connection:
        earlier = sa.update(Transmission).where(Transmission.id == sent.id)
        connection.execute(earlier.values(sent_at=now() - timedelta(days=400)))
    assert "Sans réponse" not in page(house, "k.morizur", folder_id)


def test_a_refusal_brings_the_folder_back_with_its_reason_and_tells_those_who_took_part(
    house: House, mail: MailServer
) -> None:
    house.play("actes", "refusal")
    folder_id = house.a_deliberation(at="prefecture", number="2026-057")
    house.drain()
    folder = house.folder(folder_id)
    assert (folder.phase, transmission(folder_id).state) == ("rejected", "refused")
    shown = page(house, "k.morizur", folder_id)
    assert "ODT-VERIF-01 : date de classification dépassée" in shown
    assert "Refusé par le destinataire" in shown
    (anomaly,) = house.versions(folder_id, "receipt")
    assert b"1-3" in anomaly.filename.encode()
    assert house.bytes_of(anomaly) in {
        one.read_bytes() for one in (world(house) / "answers").rglob("*1-3*.xml")
    }
    told = {
        one["To"].addresses[0].username
        for one in mail.letters
        if one["Subject"].endswith("1 dossier est rejeté")
    }
    assert told == {"k.morizur", "s.rivoal", "a.kervadec", "b.cadiou"}
    assert row(folder_id).state == "done"
    before = state(house, folder_id)
    again(folder_id)
    assert state(house, folder_id) == before


def test_an_answer_that_was_lost_is_looked_up_and_nothing_is_sent_twice(house: House) -> None:
    house.play("actes", "lost")
    folder_id = house.a_deliberation(at="prefecture", number="2026-057")
    outbox.run(row(folder_id).id)
    assert (row(folder_id).state, row(folder_id).attempts) == ("pending", 1)
    assert transmission(folder_id).state == "uncertain"
    assert "Réponse perdue : vérification en cours (FACTICE)" in page(house, "k.morizur", folder_id)
    house.drain()
    assert house.folder(folder_id).place == "publication"
    lines = [one for one in house.journal(folder_id) if one.startswith("transmission.")]
    assert lines == ["transmission.sending", "transmission.uncertain", "transmission.sent"]
    assert len(list((world(house) / "archives").iterdir())) == 1
    assert len(list((world(house) / "ids").iterdir())) == 1


def test_without_an_operator_an_act_waits_uses_up_no_try_and_leaves_once_one_is_set(house: House) -> None:
    create_app(house.settings.model_copy(update={"simulators": ""}))
    folder_id = house.a_deliberation(at="prefecture")
    outbox.drain()
    waits = row(folder_id)
    assert (house.folder(folder_id).place, waits.state, waits.attempts) == ("prefecture", "pending", 0)
    assert "Aucun opérateur de télétransmission n’est réglé" in (waits.last_error or "")
    assert not house.settings.actes_folder.exists()
    # Nor is it refused where it had begun before a simulator that is no more
    with engine().begin() as connection:
        connection.execute(sa.update(Transmission.__table__).values(simulated=True))
    again(folder_id)
    waits = row(folder_id)
    assert (house.folder(folder_id).place, waits.state, waits.attempts) == ("prefecture", "pending", 0)
    assert "a commencé en simulation" in (waits.last_error or "")
    assert "partira de lui-même" not in (waits.last_error or "")
    create_app(house.settings)
    again(folder_id)
    house.drain()
    assert house.folder(folder_id).place == "publication"


def test_an_outage_delays_a_deposit_that_then_leaves_once(house: House) -> None:
    folder_id = house.a_deliberation(at="prefecture")
    scenarios = open_channel("actes").transport.scenarios
    scenarios.cut(2)
    outbox.run(row(folder_id).id)
    assert (row(folder_id).state, row(folder_id).attempts, scenarios.outages()) == ("pending", 0, 1)
    assert "la connexion a échoué, rien n’a été transmis" in (row(folder_id).last_error or "")
    house.drain()
    assert house.folder(folder_id).place == "publication"
    assert len(list((world(house) / "ids").iterdir())) == 1


def test_a_slow_answer_is_waited_for_without_counting_tries_and_changes_nothing_once_the_folder_is_elsewhere(
    house: House,
) -> None:
    house.play("actes", "silence")
    folder_id = house.a_deliberation(at="prefecture", number="2026-057")
    for _ in range(6):  # more than the four tries that a failure may have
        again(folder_id)
        assert (row(folder_id).state, row(folder_id).attempts) == ("pending", 0)
    assert house.folder(folder_id).place == "prefecture"
    assert transmission(folder_id).state == "sent"
    assert "Transmis, accusé attendu (FACTICE)" in page(house, "k.morizur", folder_id)
    assert [one for one in house.journal(folder_id) if one.startswith("transmission.")] == [
        "transmission.sending",
        "transmission.sent",
    ]

    sent, actor = transmission(folder_id), the_system(house)
    assert dispatch.open_transmission(actor, folder_id, sent.round + 1, sent.step, "actes") is None
    assert dispatch.open_transmission(actor, folder_id, sent.round, "publication", "actes") is None
    assert dispatch.refuse(actor, sent.id, "L’envoi est arrêté.", None, None) is True
    # The folder has left the step: its sending, asked once more, opens nothing
    assert dispatch.open_transmission(actor, folder_id, sent.round, sent.step, "actes") is None
    house.drain()
    before = state(house, folder_id)
    late = Answer(
        AnswerKind.ACKNOWLEDGED,
        b"<late/>",
        "late.xml",
        "029-212909998-20260924-X-DE",
        today(),
        None,
        simulated=True,
    )
    assert dispatch.acknowledge(actor, sent.id, late, "0" * 64) is False
    assert dispatch.refuse(actor, sent.id, "Trop tard.", late, "0" * 64) is False
    again(folder_id)
    assert state(house, folder_id) == before
    with reading() as db:
        assert verify(db, actor.collectivity_id)[1] is None


def test_an_answer_that_decides_nothing_is_kept_once_and_shown_with_its_reason(house: House) -> None:
    given = world(house) / "answers" / "1"
    given.mkdir(parents=True)
    (given / "answer.json").write_text(json.dumps({"message": "etrange.xml"}))
    (given / "etrange.xml").write_bytes(b"<etrange/>")
    folder_id = house.a_deliberation(at="prefecture")
    for _ in range(3):
        again(folder_id)
    assert house.folder(folder_id).place == "prefecture"
    assert len(receipts(folder_id)) == 1
    (kept,) = house.versions(folder_id, "receipt")
    assert house.bytes_of(kept) == b"<etrange/>"
    assert "Réponse à vérifier" in page(house, "k.morizur", folder_id)
    admin = house.client("k.morizur").get("/administration").get_data(as_text=True)
    assert "Une réponse est arrivée, illisible ou pour un autre acte" in admin
    (given / "etrange.xml").write_bytes(b"<autre/>")
    again(folder_id)
    assert len(receipts(folder_id)) == 2
    outbox.drain()
    told = [one for one in house.mail.letters if "réponse illisible" in one["Subject"]]
    with reading() as db:  # the same bytes, answered to another sending, are that one's answer too
        assert is_kept(db, transmission(folder_id), kept.sha256)
        assert not is_kept(db, Transmission(id=0), kept.sha256)
    assert len(told) == 1  # who deposited it is the administrator too, and is told once
    assert f"/dossiers/{folder_id}" in told[0].get_body(("plain",)).get_content()


def test_a_folder_out_of_reach_is_tried_again_then_parked_and_the_button_finishes_the_work(
    house: House,
) -> None:
    target = Path(house.settings.handover_folder or "")
    target.parent.mkdir(parents=True)
    target.write_text("a file stands where the folder should be")
    folder_id = house.an_invoice(at="handover")
    house.drain()
    assert (row(folder_id).state, row(folder_id).attempts) == ("parked", 4)
    assert house.folder(folder_id).place == "handover"
    assert "Envoi arrêté après le dernier essai" in page(house, "g.trehorel", folder_id)
    client = house.client("k.morizur")
    admin = client.get("/administration").get_data(as_text=True)
    assert f"/administration/envois/{row(folder_id).id}/relancer" in admin
    assert house.folder(folder_id).title not in admin

    target.unlink()
    pressed = client.post(
        f"/administration/envois/{row(folder_id).id}/relancer", data={"csrf_token": house.csrf(client)}
    )
    assert pressed.status_code == 302
    assert "L’envoi est relancé" in client.get("/administration").get_data(as_text=True)
    house.drain()
    assert house.folder(folder_id).place == "done"
    assert len(list(target.rglob("*.zip"))) == 1
    again_pressed = client.post(
        f"/administration/envois/{row(folder_id).id}/relancer", data={"csrf_token": house.csrf(client)}
    )
    assert again_pressed.status_code == 404


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_lists_the_channels_and_says_which_are_simulated(house: House) -> None:
    said = house.app.test_cli_runner().invoke(args=["channels"]).output.splitlines()
    assert [line.split()[0] for line in said] == ["actes", "handover", "helios"]
    assert said[0].endswith("(simulation)")
    assert said[2].endswith("(simulation)")
    assert not said[1].endswith("(simulation)")
