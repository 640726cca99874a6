"""The home of who deposits: what came back with who and why, what is late with who is awaited."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import engine, reading
from app.display import home as display
from app.display import queues, viewing
from app.folders.models import StepRun
from app.people import desks
from app.people.models import Desk, Holder
from tests.builders.house import House
from tests.folders.test_reject import REASON, A, G, R, reject
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

BACK, LATE = "Retourné, à corriger, 1 dossier", "Vos dépôts en retard, 1 dossier"


def home(house: House, login: str, query: str = "") -> str:
    return re.sub(r"\s+", " ", house.client(login).get(f"/a-traiter{query}").get_data(as_text=True))


def test_what_came_back_and_what_is_late_is_on_the_home_of_who_must_act(house: House) -> None:
    returned = house.an_invoice(at="bon_a_payer")
    reject(house, returned, A)
    waiting = house.an_invoice(at="service_done", number="FA-LATE")
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(
            sa.update(StepRun)
            .where(StepRun.folder_id == waiting, StepRun.state == "active")
            .values(due_on=today() - timedelta(days=2))
        )
    page = home(house, G)
    assert page.index(BACK) < page.index("Rejeté par Armel Kervadec") < page.index(REASON) < page.index(LATE)
    assert "On attend Ronan Pellenec" in page[page.index(LATE) :]
    assert 'count count-danger">1<' in page
    # The tray says it too, where « visé par » was shown before; it is no home.
    tray = home(house, G, "?bannette=returned")
    assert "Rejeté par Armel Kervadec" in tray
    assert REASON in tray
    assert BACK not in tray
    # Whoever is awaited has the folder in his own list, late; who deposits nothing is told nothing of it.
    awaited = home(house, R)
    assert "2 jours de retard" in awaited
    for words in (BACK, "Vos dépôts en retard", REASON):
        assert words not in awaited
    assert "Retourné, à corriger" not in home(house, A)


def made_late(*folder_ids: int, days: int = 2) -> None:
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(
            sa.update(StepRun)
            .where(StepRun.folder_id.in_(folder_ids), StepRun.state == "active")
            .values(due_on=today() - timedelta(days=days))
        )


def in_tray(page: str, label: str = "En retard") -> str:
    """What the counter of a tray says."""
    return re.search(rf"{label}<span class=\"count[^>]*>([^<]*)<", page)[1]  # type: ignore[index]


def test_the_tray_of_what_is_late_counts_the_deposits_that_the_home_names_and_lists_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = house.actor(G)
    waiting = [house.an_invoice(at="service_done", number=f"FA-LATE-{n}") for n in range(3)]
    made_late(*waiting)
    # One awaits her herself, beside what she deposited: late once
    desks.seat(actor.collectivity_id, "technique", G, [Right.ACT])
    monkeypatch.setattr(display, "MOST", 2)
    page = home(house, G)
    assert in_tray(page) == "3"
    assert "Vos dépôts en retard" not in page
    with engine().execution_options(writes=True).begin() as connection:
        desk = sa.select(Desk.id).where(Desk.key == "technique").scalar_subquery()
        mine = sa.delete(Holder).where(Holder.desk_id == desk, Holder.user_id == actor.user_id)
        connection.execute(mine)
    page = home(house, G)
    assert in_tray(page) == "3"
    assert "Vos dépôts en retard, 3 dossiers, les 2 plus en retard" in page
    for tray, listed in (("late", 3), ("running", 3), ("drafts", 0)):
        page = home(house, G, f"?bannette={tray}")
        assert in_tray(page) == "3"
        assert sum(f'href="/dossiers/{number}' in page for number in waiting) == listed
        assert ("Vos dépôts en retard, 3 dossiers" in page) is (tray == "late")
    late = home(house, G, "?bannette=late")
    assert "Rien d’autre n’est en retard" in late
    assert "Aucun dossier dans" not in late
    assert "On attend Ronan Pellenec" in late
    with reading(actor.collectivity_id) as db:
        assert queues.late_deposits(db, actor) == 3
        assert viewing._count(db, actor, "inbox", {"bannette": "late"}) == 3
        assert queues.late_deposits(db, house.actor(R)) == 0
    assert in_tray(home(house, R)) == "3"  # they await him: counted once
