"""The convention is suspended: nothing leaves by itself, the act goes on paper with its proof, and the journal says so."""

from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import today
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders.keep import Incoming, keep_paper
from app.folders.models import Folder
from app.legality import acts, on_paper
from app.people.actor import system
from app.transmission.models import Receipt, Transmission
from tests.builders.house import House
from tests.legality.town import LETTER, page

pytestmark = pytest.mark.in_turn

ORDER = "arrêté préfectoral n° 2026-41"


def suspended(house: House) -> int:
    """An act that waits for a Préfecture whose convention is suspended."""
    here = system(house.actor("k.morizur").collectivity_id)
    on_paper.suspend(here, date(2026, 11, 1), ORDER)
    folder_id = house.a_deliberation(at="prefecture")
    outbox.drain()
    return folder_id


def proof(tmp_path) -> Incoming:
    path = tmp_path / "cachet.pdf"
    path.write_bytes(LETTER.read_bytes())
    return Incoming(path, "cachet.pdf")


def send(house: House, folder_id: int, tmp_path, login="k.morizur", day=None, scan=True) -> None:
    on_paper.send(
        house.actor(login),
        folder_id,
        version=house.folder(folder_id).version,
        received_on=day or today(),
        proof=proof(tmp_path) if scan else None,
    )


@pytest.mark.law("TRA-08")
def test_nothing_leaves_by_itself_and_the_page_says_what_to_do(house: House):
    folder_id = suspended(house)
    assert house.folder(folder_id).place == "prefecture"
    assert list(house.settings.actes_folder.rglob("*.tar.gz")) == []
    with reading() as db:
        row = db.scalars(sa.select(Outbox).where(Outbox.kind == "step.transmit")).one()
    assert (row.state, row.attempts) == ("pending", 0)
    assert ORDER in row.last_error
    shown = page(house, "k.morizur", f"/dossiers/{folder_id}")
    assert "enregistrer la transmission sur papier" in shown
    assert "sans intervention" not in shown
    assert "convention suspendue, quelqu’un doit transmettre l’acte sur papier" in shown


@pytest.mark.law("TRA-09")
def test_it_is_received_on_paper_with_its_proof_and_becomes_enforceable_by_both_dates(house: House, tmp_path):
    folder_id = suspended(house)
    day = today()
    with pytest.raises(Refusal, match="date-before-signature"):
        send(house, folder_id, tmp_path, day=day - timedelta(days=1))
    send(house, folder_id, tmp_path, day=day)
    assert house.folder(folder_id).place == "publication"
    with reading() as db:
        row = db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)).one()
        receipt = db.scalars(sa.select(Receipt)).one()
        life = acts.life_of(db, db.get_one(Folder, folder_id))
    assert (row.state, row.reference, row.received_on, row.simulated) == (
        "acknowledged",
        "papier",
        day,
        False,
    )
    assert (receipt.kind, receipt.received_on) == ("paper", day)
    assert (life.on_paper, life.received_on, life.standing.act.identifier) == (True, day, None)
    (kept,) = house.versions(folder_id, "receipt")
    assert house.bytes_of(kept) == LETTER.read_bytes()
    assert "folder.acknowledge" in house.journal(folder_id)
    journal = page(house, "k.morizur", f"/dossiers/{folder_id}?onglet=journal")
    assert "Transmis sur papier, réception enregistrée par Katell Morizur" in journal
    assert "Transmis sur papier" in page(house, "k.morizur", f"/dossiers/{folder_id}")
    found = house.publish(folder_id)
    assert found == today()
    on_paper.resume(system(house.actor("k.morizur").collectivity_id))
    with engine().begin() as connection:
        connection.execute(sa.update(Outbox).values(available_at=Outbox.created_at))
    house.drain()
    assert (
        list(house.settings.actes_folder.rglob("*.tar.gz")) == []
    )  # what left on paper does not leave again


@pytest.mark.law("TRA-09")
def test_what_waited_leaves_when_the_convention_is_in_force_again(house: House):
    folder_id = suspended(house)
    on_paper.resume(system(house.actor("k.morizur").collectivity_id))
    with engine().begin() as connection:
        connection.execute(sa.update(Outbox).values(available_at=Outbox.created_at))
    house.drain()
    assert house.folder(folder_id).place == "publication"


def test_what_is_missing_impossible_or_not_one_s_own_is_refused(house: House, tmp_path):
    folder_id = suspended(house)
    for login, key in (("s.rivoal", "not-emitter"), ("g.trehorel", "not-found")):
        with pytest.raises(Refusal, match=key):
            send(house, folder_id, tmp_path, login=login)
    for day, key in ((today() + timedelta(days=1), "date-future"), (date(2026, 9, 23), "date-before-act")):
        with pytest.raises(Refusal, match=key):
            send(house, folder_id, tmp_path, day=day)
    with pytest.raises(Refusal, match="paper-no-proof"):
        send(house, folder_id, tmp_path, scan=False)
    assert house.folder(folder_id).place == "prefecture"
    with pytest.raises(Refusal, match="order-needed"):
        on_paper.suspend(system(house.actor("k.morizur").collectivity_id), today(), " ")


def test_an_act_of_a_convention_in_force_or_one_that_may_have_left_stays_electronic(house: House, tmp_path):
    folder_id = house.a_deliberation(at="prefecture")
    with pytest.raises(Refusal, match="convention-in-force"):
        send(house, folder_id, tmp_path)
    other = suspended_after_it_left(house)
    with pytest.raises(Refusal, match="paper-left-already"):
        send(house, other, tmp_path)


def suspended_after_it_left(house: House) -> int:
    house.drain()  # what waits leaves before, and does not take the scenario
    house.play("actes", "silence")
    folder_id = house.a_deliberation(at="prefecture", number="2026-058")
    outbox.drain()  # deposited, and never answered
    on_paper.suspend(system(house.actor("k.morizur").collectivity_id), today(), ORDER)
    return folder_id


def test_the_page_records_it_and_the_command_suspends(house: House):
    runner = house.app.test_cli_runner()
    said = runner.invoke(
        args=["convention", "suspend", "212909998", "--since", "2026-11-01", "--order", ORDER]
    )
    assert "suspendue depuis le 01/11/2026" in said.output
    folder_id = house.a_deliberation(at="prefecture")
    client = house.client("k.morizur")
    url = f"/dossiers/{folder_id}/transmis-sur-papier"
    assert ORDER in client.get(url).get_data(as_text=True)
    form = {
        "csrf_token": house.csrf(client),
        "version": str(house.folder(folder_id).version),
        "received_on": today().isoformat(),
    }
    assert client.post(url, data=form).status_code == 422
    answer = client.post(url, data={**form, "proof": (BytesIO(LETTER.read_bytes()), "cachet.pdf")})
    assert answer.status_code == 302
    assert house.folder(folder_id).place == "publication"
    assert "rétablie" in runner.invoke(args=["convention", "resume", "212909998"]).output


def test_what_is_recorded_twice_passes_the_act_on_once(house: House, tmp_path):
    folder_id = suspended(house)
    actor, version = house.actor("k.morizur"), house.folder(folder_id).version
    kept = keep_paper(actor.collectivity_id, proof(tmp_path), Path(tmp_path))
    on_paper.record_paper(actor, folder_id, version=version, received_on=today(), scan=kept)
    with pytest.raises(Refusal, match="moved-on"):
        on_paper.record_paper(actor, folder_id, version=version, received_on=today(), scan=kept)
    assert len(house.versions(folder_id, "receipt")) == 1
