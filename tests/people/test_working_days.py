"""The town hall's own days of closing count for the days of its steps, in the real run as in the rehearsal, and for nobody else."""

from datetime import date

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import sending
from app.folders.models import Folder, StepRun
from app.folders.rehearsal import again, rehearse
from app.people.own_settings.changing import change_setting
from app.people.working_days import calendar_in, usual
from tests.builders.house import House
from workflows.deadlines import NATIONAL, Calendar, add_working_days
from workflows.family import family

pytestmark = pytest.mark.in_turn

G, K = "g.trehorel", "k.morizur"


def due(folder_id: int) -> date:
    query = sa.select(StepRun.due_on).where(StepRun.folder_id == folder_id, StepRun.state == "active")
    with reading() as db:
        return db.scalars(query).one()


def test_a_step_is_given_the_days_that_the_town_hall_works_as_its_rehearsal_said(house: House) -> None:
    before = due(house.an_invoice())
    days = family("invoice").circuit.step("service_done").days
    assert before == add_working_days(today(), days)
    text = f"{before:%d/%m/%Y}"
    change_setting(house.actor(K), "closing_days", {"closing_days": text})
    draft = house.an_invoice(at="draft")
    house.another(draft)
    with reading() as db:
        told = rehearse(db, again(db.get_one(Folder, draft)), family("invoice").circuit, today())
    sending.send(house.actor(G), draft, version=house.folder(draft).version)
    assert due(draft) == told.stages[0].due > before
    assert due(draft) == add_working_days(today(), days, Calendar(closed=frozenset({before})))


def test_what_is_no_day_is_refused_and_days_take_their_usual_form() -> None:
    assert usual(" 2/1/2027, 24/12,31/12 , 24/12") == "24/12, 31/12, 02/01/2027"
    assert usual("29/2") == "29/02"
    for text in (
        "31/02",
        "24-12",
        "24/12/26",
        "24/12/2026/1",
        "24",
        "/",
        "²/1",
        "24/12/1999",
        "29/02/2027",
        "1/1/99999",
    ):
        with pytest.raises(Refusal, match="closing-days"):
            usual(text)
    with pytest.raises(Refusal, match="closing-days-many"):
        usual(", ".join(f"{day}/{month}" for month in (1, 2) for day in range(1, 22)))


def test_a_collectivity_without_days_of_its_own_has_the_national_calendar() -> None:
    assert calendar_in({}) == NATIONAL
    own = {"holidays": "alsace_moselle", "closing_days": "24/12, 02/01/2027"}
    assert calendar_in(own) == Calendar(True, frozenset({(12, 24)}), frozenset({date(2027, 1, 2)}))
