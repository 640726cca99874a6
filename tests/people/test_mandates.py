"""Signing mandates as an administrator records them: what is refused, what falls with the mayor, what the journal keeps."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading
from app.core.refusals import Refusal, catalogue
from app.journal.models import JournalEntry
from app.people.mandates import end_mandate, mandates, recorded
from app.people.models import MandateRow
from tests.builders.house import House
from tests.builders.mandates import (
    ADMINISTRATOR,
    BY_DELEGATION,
    a_deputy,
    a_mayor_and_a_deputy,
    of_deputy,
    of_mayor,
    record,
)
from workflows.mandates import Kind, over, words

pytestmark = pytest.mark.in_turn

DAY = timedelta(days=1)


def held(house):
    with reading(house.actor(ADMINISTRATOR).collectivity_id) as db:
        return {one.id: one for one in mandates(db)}


def told(house):
    with reading() as db:
        query = sa.select(JournalEntry.event, JournalEntry.facts).where(JournalEntry.event.like("mandate.%"))
        return [(event, facts) for event, facts in db.execute(query.order_by(JournalEntry.id))]


def refused(house, wanted):
    with pytest.raises(Refusal) as caught:
        record(house, wanted)
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(MandateRow)) in {0, 1}
    assert "…" not in catalogue.say(caught.value.key, caught.value.facts)[1]
    return caught.value.key


def test_a_delegation_comes_from_the_mayor_in_office_and_bears_his_words(house: House) -> None:
    a_deputy(house)
    assert refused(house, of_deputy(house)) == "mandate-no-mayor"
    mayor = record(house, of_mayor(house))
    delegation = record(house, of_deputy(house))
    found = held(house)
    assert words(found[mayor]) == "Le maire"
    assert words(found[delegation]) == BY_DELEGATION
    assert [event for event, _ in told(house)] == ["mandate.opened", "mandate.opened"]
    assert BY_DELEGATION in told(house)[1][1]
    assert '"order":"2026-041"' in told(house)[1][1]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"order_number": " "}, "mandate-incomplete"),
        ({"order_date": None}, "mandate-incomplete"),
        ({"starts_on": None}, "mandate-incomplete"),
        ({"families": ()}, "mandate-incomplete"),
        ({"title": ""}, "mandate-incomplete"),
        ({"families": ("nothing",)}, "family-unknown"),
        ({"starts_on": today() - 211 * DAY}, "mandate-dates"),
        ({"ends_on": today() - 201 * DAY}, "mandate-dates"),
        ({"order_date": today() - 241 * DAY}, "mandate-no-mayor"),
        ({"matters": ("finances",)}, "mandate-matter"),
        ({"ceiling_cents": 0}, "mandate-ceiling"),
        ({"rank": 1000}, "mandate-rank"),
        ({"user_id": 999_999}, "mandate-person"),
        ({"kind": Kind.MAYOR}, "mandate-mayor-twice"),
        ({"kind": Kind.SUBSTITUTE, "ends_on": today()}, "mandate-incomplete"),
        ({"kind": Kind.SUBSTITUTE, "reason": "Arrêt maladie"}, "mandate-incomplete"),
    ],
)
def test_what_is_not_a_lawful_mandate_is_not_recorded(house: House, changes, key) -> None:
    a_deputy(house)
    record(house, of_mayor(house))
    assert refused(house, replace(of_deputy(house), **changes)) == key
    assert len(told(house)) == 1


def test_a_form_sent_twice_records_one_mandate_and_no_sign_that_turns_its_words(house: House) -> None:
    a_deputy(house)
    record(house, of_mayor(house))
    for name in ("title", "order_number", "reason"):
        assert refused(house, replace(of_deputy(house), **{name: "l’adj\u202eointe"})) == "text-hidden"
    record(house, of_deputy(house))
    with pytest.raises(Refusal, match="mandate-twice"):
        record(house, of_deputy(house))
    assert len(told(house)) == 2


@pytest.mark.both_databases
def test_of_two_mayors_recorded_at_the_same_instant_one_is(house: House) -> None:
    gate, wanted = Barrier(2), (of_mayor(house), of_mayor(house, user_id=house.actor("b.cadiou").user_id))

    def ask(one):
        gate.wait()
        try:
            return str(record(house, one) > 0)
        except Refusal as refusal:
            return refusal.key

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(ask, wanted)) == ["True", "mandate-mayor-twice"]


def test_another_commune_gives_no_mandate_to_our_people(house: House) -> None:
    from app.people import desks
    from app.people.actor import Actor
    from app.people.mandates import open_mandate

    other = desks.create_collectivity(
        "212900018", "Ailleurs", department="029", district="1", nature="31", settings={}
    )
    foreign = Actor(kind="person", collectivity_id=other, name="X", administrator=True)
    with pytest.raises(Refusal, match="mandate-person"):
        open_mandate(foreign, of_mayor(house))
    mayor = record(house, of_mayor(house))
    with pytest.raises(Refusal, match="mandate-unknown"):
        end_mandate(foreign, mayor, reason="Fin de ses fonctions")
    with reading() as db:
        assert recorded(db, house.actor(ADMINISTRATOR).collectivity_id)
        assert not recorded(db, other)


@pytest.mark.law("DLG-04")
def test_the_end_of_the_mayor_ends_every_delegation_and_names_them(house: House) -> None:
    mayor, delegation = a_mayor_and_a_deputy(house)
    assert end_mandate(house.actor(ADMINISTRATOR), mayor, reason="Fin de ses fonctions") == (BY_DELEGATION,)
    found = held(house)
    assert over(found[mayor], today())
    assert over(found[delegation], today())
    event, facts = told(house)[-1]
    assert event == "mandate.ended"
    assert BY_DELEGATION in facts
    with pytest.raises(Refusal, match="mandate-unknown"):  # it has fallen already: nothing is left to end
        end_mandate(house.actor(ADMINISTRATOR), delegation, reason="Fin de ses fonctions")


def test_a_new_mayor_gives_new_delegations_and_does_not_revive_the_old_ones(house: House) -> None:
    mayor, old = a_mayor_and_a_deputy(house)
    end_mandate(house.actor(ADMINISTRATOR), mayor, reason="Fin de ses fonctions")
    record(house, of_mayor(house, title="la maire", starts_on=today()))
    again = of_deputy(house, order_number="2026-090", order_date=today(), starts_on=today())
    new = record(house, again)
    found = held(house)
    assert over(found[old], today())
    assert not over(found[new], today())
    assert words(found[new]) == "Pour la maire et par délégation, l’adjointe aux finances"


def test_a_last_day_in_the_future_leaves_the_mandate_until_then_and_a_past_one_is_refused(
    house: House,
) -> None:
    _, delegation = a_mayor_and_a_deputy(house)
    administrator = house.actor(ADMINISTRATOR)
    with pytest.raises(Refusal, match="mandate-endless"):
        end_mandate(administrator, delegation, last_day=date.max, reason="Fin de ses fonctions")
    with pytest.raises(Refusal, match="mandate-dates"):
        end_mandate(administrator, delegation, last_day=today() - DAY, reason="Fin de ses fonctions")
    end_mandate(administrator, delegation, last_day=today() + DAY, reason="Fin de ses fonctions")
    with pytest.raises(Refusal, match="mandate-longer"):  # an end prolongs nothing
        end_mandate(administrator, delegation, last_day=today() + 2 * DAY, reason="Fin de ses fonctions")
    found = held(house)[delegation]
    assert not over(found, today() + DAY)
    assert over(found, today() + 2 * DAY)
