"""Killed between any two steps, with a tenth of the calls failing: no invoice is lost or twice there, no status said twice."""

import random
from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.chorus import answering, expiry, fetching, plugs, rounds, statuses
from app.chorus.models import ChorusAccount, ChorusInvoice, ChorusRound, ChorusStatus
from app.core import outbox
from app.core.clock import now, today
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.folders.models import Folder
from app.people.actor import system
from app.transmission import channels
from demo.chorus import deposits
from demo.chorus.simulator import SimulatedChorus
from tests.builders.house import House
from tests.chorus.test_fetching import _no_token, chorus, here, passed, sent, soon  # noqa: F401 (fixtures)

pytestmark = pytest.mark.in_turn

STEPS = [
    (rounds, "started"),
    (rounds, "keep_structures"),
    (rounds, "note"),
    (rounds, "ended"),
    (fetching, "keep_history"),
    (fetching, "receive"),
    (fetching, "keep_fetched"),
    (fetching, "link"),
    (statuses, "draw"),
    (statuses, "settle"),
]
"""What is written, and where a process dies before it and after it."""


class Killed(BaseException):
    """The end of a process."""


def bomb(monkeypatch, room, name: str, *, after: bool) -> None:
    """Have the process die once, just before or just after this step."""
    real, left = getattr(room, name), [1]

    def step(*arguments, **more):
        outcome = real(*arguments, **more) if after or not left[0] else None
        if left[0]:
            left[0] = 0
            raise Killed
        return outcome

    monkeypatch.setattr(room, name, step)


def alive(house: House, do) -> None:
    """Do something as a process that may die, whose work another takes up."""
    try:
        do()
    except Killed:
        house.wait_for_leases()


def go_on(house: House, times: int = 6) -> None:
    for _ in range(times):
        alive(house, lambda: rounds.ask(system(here(house))))
        soon()
        alive(house, outbox.drain)
        alive(house, plugs._look)


def test_no_invoice_is_lost_or_twice_there_and_no_status_is_said_twice(
    house: House,
    chorus: SimulatedChorus,  # noqa: F811
    monkeypatch,
) -> None:
    flaky = SimulatedChorus(chorus.state._path.parent, now, failing=0.1, chance=random.Random(11))
    flaky._token = chorus._token
    channels.simulated_by({**channels._simulators, "chorus": lambda _settings: flaky})
    numbers = deposits.many(chorus, 12, now() - timedelta(days=2))
    for room, name in STEPS[:8]:
        for after in (False, True):
            with monkeypatch.context() as patched:
                bomb(patched, room, name, after=after)
                go_on(house, 1)
    go_on(house)
    with reading() as db:
        invoices = db.scalars(sa.select(ChorusInvoice)).all()
        folders = db.scalars(sa.select(Folder)).all()
    assert sorted(invoice.cpro_id for invoice in invoices) == numbers
    assert {invoice.state for invoice in invoices} == {"fetched"}
    assert len({invoice.folder_id for invoice in invoices}) == len(folders) == len(numbers)
    for number in numbers[:3]:
        house.approve(sent(house, number).id, "r.pellenec")
    for room, name in STEPS[8:]:
        for after in (False, True):
            with monkeypatch.context() as patched:
                bomb(patched, room, name, after=after)
                go_on(house, 1)
    go_on(house)
    assert [passed(chorus, number) for number in numbers[:4]] == [["SERVICE_FAIT"]] * 3 + [[]]
    with reading() as db:
        assert Counter(db.scalars(sa.select(ChorusStatus.state))) == {"sent": 3}
        parked = db.scalars(sa.select(Outbox.kind).where(Outbox.state == "parked")).all()
    assert set(parked) <= {
        rounds.KIND
    }  # one that died with each bomb; the next round takes up where the last whole one began


def test_a_round_is_asked_once_in_its_quarter_of_an_hour_and_the_end_of_a_password_is_told_once(
    house: House,
    chorus: SimulatedChorus,  # noqa: F811
) -> None:
    place = here(house)
    for _ in range(3):
        rounds.begin(system(place), f"{rounds.KIND}-{place}-1")
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).where(Outbox.kind == rounds.KIND)) == 1
    with chorus.state.written() as line:
        line.execute("UPDATE account SET ends = ?", ((today() + timedelta(days=29)).isoformat(),))
    outbox.drain()
    with reading() as db:
        account = db.scalars(sa.select(ChorusAccount)).one()
    assert account.password_ends == today() + timedelta(days=29)
    assert expiry.remind_in(place, account.password_ends) == 1  # one administrator, told 30 days before
    assert expiry.remind_in(place, account.password_ends) == 0
    assert expiry.remind_in(place, today() + timedelta(days=61)) == 0
    outbox.drain()
    letters = house.mail.to("k.morizur@kerlann-sur-mer.example")
    assert ["mot de passe de Chorus Pro" in str(letter["subject"]) for letter in letters].count(True) == 1
    with engine().begin() as connection:
        table = ChorusRound.__table__
        connection.execute(sa.update(table).values(began_at=now() - timedelta(days=31)))
    rounds.started(system(place))
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(ChorusRound)) == 1
    # Verbs whose names the other tests reach by a page: reject, mandate, again, shut, keep_completed
    assert answering.reject
    assert answering.mandate
