"""An administrator has the chain checked from the page of the journal: what was read, when, up to which line, and what is wrong."""

import pytest
import sqlalchemy as sa

from app.core.db import engine, reading
from app.journal.chain import verify
from app.journal.models import ChainHead, JournalEntry, Origin
from app.operations import verifying
from app.operations.models import JournalCheck
from app.people import desks
from tests.builders.house import House
from tests.operations.test_trace import PAGE, K, plain

pytestmark = pytest.mark.in_turn
CHECK = f"{PAGE}/verifier"


def ask(house: House) -> str:
    """Press the button, and read the page that comes."""
    client = house.client(K)
    answer = client.post(CHECK, data={"csrf_token": house.csrf(client)}, follow_redirects=True)
    assert answer.status_code == 200
    return answer.get_data(as_text=True).replace("\xa0", " ").replace("\u202f", " ")


def head(house: House) -> int:
    with reading() as db:
        return db.get_one(ChainHead, house.actor(K).collectivity_id).seq


def test_the_page_says_up_to_where_the_chain_was_read_and_what_was_added_since(house: House) -> None:
    here = house.actor(K).collectivity_id
    house.an_invoice()
    client = house.client(K)
    page = plain(house)
    assert "Chaîne pas encore vérifiée ici" in page
    assert "Chaîne intacte" not in page
    before = head(house)
    answer = client.post(CHECK, data={"csrf_token": house.csrf(client)}, follow_redirects=True)
    page = answer.get_data(as_text=True).replace("\xa0", " ").replace("\u202f", " ")
    assert f"Chaîne intacte jusqu’à l’écriture n° {before + 1}" in page  # who asked is read too
    assert "à la demande de Katell Morizur" in page
    assert "depuis." not in page
    assert "Vérification du journal demandée" in page
    desks.create_desk(here, "port", "Capitainerie")
    client.get(PAGE)
    page = client.get(PAGE).get_data(as_text=True).replace("\xa0", " ")
    assert "1 écriture a été ajoutée depuis." in page.replace("\u202f", " ")


def test_an_altered_line_is_named_as_the_command_names_it(house: House) -> None:
    here = house.actor(K).collectivity_id
    with engine().begin() as db:
        db.execute(
            sa.update(JournalEntry)
            .where(JournalEntry.collectivity_id == here, JournalEntry.seq == 3)
            .values(who="Quelqu’un d’autre")
        )
    with reading() as db:
        _, broken = verify(db, here)
    assert broken is not None
    page = ask(house)
    assert f"Journal altéré à l’écriture n° {broken.seq}" in page
    assert broken.sentence[1:] in page
    assert "Chaîne intacte" not in page


def test_a_chain_that_was_cut_or_made_anew_since_is_told_though_it_holds(house: House) -> None:
    here = house.actor(K).collectivity_id
    assert "Chaîne intacte" in ask(house)
    last = head(house)
    kept = last - 5
    with engine().begin() as db:
        mine = JournalEntry.collectivity_id == here
        hashed = db.scalar(sa.select(JournalEntry.hash).where(mine, JournalEntry.seq == kept))
        db.execute(sa.delete(JournalEntry).where(mine, JournalEntry.seq > kept))
        db.execute(sa.delete(Origin).where(Origin.collectivity_id == here, Origin.seq > kept))
        db.execute(
            sa.update(ChainHead).where(ChainHead.collectivity_id == here).values(seq=kept, hash=hashed)
        )
    with reading() as db:
        assert verify(db, here)[1] is None
    page = ask(house)
    assert f"Journal altéré à l’écriture n° {last}" in page
    assert "refaite ou coupée" in page
    assert "Chaîne intacte" not in page


def test_a_long_chain_is_read_by_the_worker_and_the_page_waits_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "SHORT", 0)
    page = ask(house)
    assert "Vérification en cours" in page
    assert "Chaîne intacte" not in page
    client = house.client(K)
    again = client.post(CHECK, data={"csrf_token": house.csrf(client)})
    assert again.status_code == 409
    assert "déjà en cours, demandée par Katell Morizur" in again.get_data(as_text=True)
    house.drain()
    assert "Chaîne intacte jusqu’à l’écriture" in plain(house)
    # One that was cut short says nothing of the chain, and another may be asked for
    with engine().begin() as db:
        db.execute(sa.update(JournalCheck).values(ended_at=None))
        moment = db.scalar(sa.select(JournalCheck.asked_at))
        assert moment is not None
        db.execute(sa.update(JournalCheck).values(asked_at=moment - verifying.HUNG))
    assert "Vérification interrompue" in plain(house)
    assert "Vérification en cours" in ask(house)
