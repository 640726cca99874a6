"""What the Treasury says of a flow after its first acquit: kept beside it, told once, and nothing moves."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.folders import decide, deposit, sending
from app.folders.keep import Incoming
from app.pes.models import FlowAnswer
from app.transmission import afterwards, channels
from app.transmission.models import Transmission
from tests.api.software import Software
from tests.builders.house import House
from tests.mailserver import MailServer
from tests.transmission.test_helios import a_copy, a_flow_named, page, transmission
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


def days_pass(days: int) -> None:
    """Let every sending have been answered so many days earlier."""
    with engine().begin() as connection:
        for number, ended in connection.execute(sa.select(Transmission.id, Transmission.ended_at)).all():
            if ended is not None:
                chosen = sa.update(Transmission).where(Transmission.id == number)
                connection.execute(chosen.values(ended_at=ended - timedelta(days=days)))


def asked_again(house: House, days: int) -> int:
    """How many questions the watchdog writes once these days have passed; all are answered."""
    days_pass(days)
    count = afterwards.look()
    house.drain()
    return count


def letters(mail: MailServer, folder_id: int) -> list[str]:
    """Whom the other answers of a folder were told to."""
    return [
        one["To"].addresses[0].username
        for one in mail.letters
        if one["Subject"].endswith("une autre réponse est arrivée") and f"/dossiers/{folder_id}" in text(one)
    ]


def text(letter) -> str:
    return letter.get_body(("plain",)).get_content()


def told_as_partial(house: House, folder_id: int, mail: MailServer) -> Software:
    """« Acquit partiel » in the header, the list, the letters and the API; « rejeté » nowhere."""
    for address in (
        f"/dossiers/{folder_id}",
        "/suivi?etat=rejected",
        f"/dossiers/{folder_id}?onglet=journal",
    ):
        shown = house.client("g.trehorel").get(address).get_data(as_text=True)
        assert "Rejeté" not in shown.replace("Rejetés", ""), address
    assert page(house, "g.trehorel", folder_id).count('">Acquit partiel</span>') <= 1
    subjects = [one["Subject"].replace("\u00a0", " ") for one in mail.letters]
    assert "Paraphe : 1 dossier est accepté en partie" in subjects
    assert not [one for one in subjects if "rejeté" in one]
    software = Software(house, "comptabilite", [Right.CREATE])
    seen = software.get(f"/folders/{folder_id}").json
    assert (seen["state"], seen["transmissions"][0]["label"]) == ("Acquit partiel", "Acquit partiel")
    return software


def test_a_partial_acquit_is_called_so_and_what_contradicts_it_later_stands_beside_it(
    house: House, tmp_path: Path, mail: MailServer
) -> None:
    house.play("helios", "partial")
    folder_id = a_flow_named(house, "F_261120_001", tmp_path)
    house.drain()
    software = told_as_partial(house, folder_id, mail)
    first = transmission(folder_id)
    simulator = channels.open_channel("helios").transport
    assert afterwards.look() == 0  # not before a day has passed

    # The same bytes, then the same words in other bytes: nothing, then kept, and told to nobody.
    assert (asked_again(house, 1), afterwards.look()) == (1, 0)
    assert len(house.versions(folder_id, "receipt")) == 1
    simulator.say_again(first.reference, "partial")
    assert asked_again(house, 1) == 1
    assert len(house.versions(folder_id, "receipt")) == 2
    assert letters(mail, folder_id) == []
    assert "se contredi" not in page(house, "g.trehorel", folder_id)
    assert "Acquit suivant" in page(house, "g.trehorel", folder_id)  # at the bordereaux, as the first

    # The contrary: both stand, the folder does not move, whoever follows it is told once.
    before = house.folder(folder_id)
    simulator.say_again(first.reference, "now")
    assert asked_again(house, 2) == 1
    after, row = house.folder(folder_id), transmission(folder_id)
    assert (after.place, after.version) == (before.place, before.version)
    assert (row.state, row.reason) == ("partial", first.reason)
    assert sorted(letters(mail, folder_id)) == ["a.kervadec", "g.trehorel", "n.abgrallec"]
    shown = page(house, "g.trehorel", folder_id)
    assert "Acquits qui se contredisent" in shown
    assert "Le comptable public s’est contredit" in shown
    assert "Refusé par le comptable</span>" in shown
    assert ": pris en charge</span>" in shown
    seen = software.get(f"/folders/{folder_id}").json
    assert [one["state"] for one in seen["transmissions"][0]["later"]] == ["acknowledged"]
    assert house.journal(folder_id)[-1] == "transmission.contradicts"

    # The same contrary in other bytes is kept and not told twice; what is no acquit is kept and told.
    simulator.say_again(first.reference, "now")
    assert asked_again(house, 4) == 1
    assert len(letters(mail, folder_id)) == 3
    (room,) = {one.parent for one in (Path(house.settings.helios_folder or "") / "answers").iterdir()}
    (room / f"{first.reference}-009.xml").write_bytes(b"<illisible")
    assert asked_again(house, 8) == 1
    assert len(letters(mail, folder_id)) == 6
    assert "illisible ou pour un autre flux" in page(house, "g.trehorel", folder_id)
    assert [house.bytes_of(one) for one in house.versions(folder_id, "receipt")].count(b"<illisible") == 1

    # What the second acquit took is never signed again unseen, though the first had refused it.
    (main, *_) = house.versions(folder_id, "main")
    again = a_copy(tmp_path, b"F_261120_002")
    deposit.replace_main(house.actor("g.trehorel"), folder_id, main.document_id, Incoming(again, "f.xml"))
    assert "Bordereau 2 déjà pris en charge" in page(house, "g.trehorel", folder_id)


def test_an_acquit_is_late_after_a_newer_flow_after_the_end_and_after_the_folder_was_given_up(
    house: House, tmp_path: Path, mail: MailServer
) -> None:
    simulator = channels.open_channel("helios").transport
    house.play("helios", "rejection")
    folder_id = a_flow_named(house, "F_261120_001", tmp_path)
    house.drain()
    old = transmission(folder_id)
    (main, *_) = house.versions(folder_id, "main")
    newer = a_copy(tmp_path, b"F_261120_002")
    deposit.replace_main(house.actor("g.trehorel"), folder_id, main.document_id, Incoming(newer, "f.xml"))
    sending.send(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, "n.abgrallec")
    house.sign(folder_id, "a.kervadec")
    house.drain()
    done = house.folder(folder_id)
    assert done.place == "done"
    simulator.say_again(old.reference, "now")
    assert asked_again(house, 1) == 2  # both sendings are asked about
    assert (house.folder(folder_id).place, house.folder(folder_id).version) == ("done", done.version)
    shown = page(house, "g.trehorel", folder_id)
    assert "Acquits qui se contredisent" in shown
    assert "Acquit suivant, " not in shown.replace(
        "Acquit suivant, qui", ""
    )  # of the former flow, not of these bordereaux
    with reading() as db:
        kept = db.scalars(sa.select(FlowAnswer).where(FlowAnswer.later.is_(True))).all()
    assert {(one.round, one.sha256) for one in kept} == {(1, main.sha256)}
    assert set(letters(mail, folder_id)) == {"a.kervadec", "g.trehorel", "n.abgrallec"}

    # The flow that ended it is refused in its turn: it is over no more for anybody who reads it
    software = Software(house, "comptabilite", [Right.CREATE])
    assert software.get(f"/folders/{folder_id}").json["state"] == "Terminé"
    simulator.say_again(transmission(folder_id).reference, "rejection")
    assert asked_again(house, 2) >= 1
    assert software.get(f"/folders/{folder_id}").json["state"] == "Acquits contradictoires"
    shown = page(house, "g.trehorel", folder_id)
    assert "Acquits contradictoires" in shown
    assert not re.search(r">\s*Terminé\s*<", shown)

    house.play("helios", "rejection")
    once = (rb"^", rb"<PJ>.*?</PJ>")
    third = a_copy(tmp_path, b"F_261120_003", (b'<Exer V="2026"/>', b'<Exer V="2025"/>'), without=once)
    given_up = house.a_flow(third)
    house.sign(given_up, "a.kervadec")
    house.drain()
    decide.withdraw(house.actor("g.trehorel"), given_up, version=house.folder(given_up).version)
    simulator.say_again(transmission(given_up).reference, "partial")
    assert asked_again(house, 1) >= 1
    assert house.folder(given_up).place == "withdrawn"
    assert "Le comptable public s’est contredit" in page(house, "g.trehorel", given_up)
    assert "g.trehorel" in letters(mail, given_up)
    assert afterwards.look() == 0
    assert asked_again(house, 70) == 0  # nobody asks for ever
    with reading() as db:
        assert not db.scalars(sa.select(Outbox.id).where(Outbox.state == "parked")).all()
