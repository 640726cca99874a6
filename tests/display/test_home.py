"""The home of who deposits: what came back with who and why, what is late with who is awaited."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import engine
from app.folders.models import StepRun
from tests.builders.house import House
from tests.folders.test_reject import REASON, A, G, R, reject

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
