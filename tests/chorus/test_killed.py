"""Killed between any two steps, with a tenth of the calls failing: no invoice is lost or twice there, no status said twice.

A dozen invoices, or as many as PARAPHE_CHORUS_INVOICES says (2000 for the whole claim).
"""

import os
import random
import sys
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

SIZE = int(os.environ.get("PARAPHE_CHORUS_INVOICES", "12"))
SAID = max(3, SIZE // 10)
"""How many of them are sent into their circuit and have their service attested."""
STEPS = [
    (rounds, "started"),
    (rounds, "keep_structures"),
    (rounds, "note"),
    (rounds, "ended"),
    (fetching, "keep_history"),
    (fetching, "receive"),
    (fetching, "keep_fetched"),
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


def hail(monkeypatch, chance: random.Random, rate: float = 0.05) -> list[str]:
    """Have the process die by chance at any step, before it or after it; returns the deaths as they come."""
    deaths: list[str] = []
    for room, name in STEPS:
        bolt(monkeypatch, room, name, chance, rate, deaths)
    return deaths


def bolt(monkeypatch, room, name: str, chance: random.Random, rate: float, deaths: list[str]) -> None:
    """Have the process die by chance at this step."""
    real = getattr(room, name)

    def step(*arguments, **more):
        drawn = chance.random()
        outcome = real(*arguments, **more) if drawn > rate / 2 else None
        if drawn < rate:
            deaths.append(name)
            raise Killed
        return outcome

    monkeypatch.setattr(room, name, step)


def count(state: str) -> int:
    with reading() as db:
        query = sa.select(sa.func.count()).select_from(ChorusInvoice).where(ChorusInvoice.state == state)
        return db.scalar(query) or 0


def statuses_in(state: str) -> int:
    with reading() as db:
        query = sa.select(sa.func.count()).select_from(ChorusStatus).where(ChorusStatus.state == state)
        return db.scalar(query) or 0


def under_hail(house: House, monkeypatch, steps, over) -> int:
    """Die before and after each of these steps, and by chance at any, until this is so; returns the deaths by chance."""
    with monkeypatch.context() as storm:
        deaths = hail(storm, random.Random(SIZE))
        for room, name in steps:
            for after in (False, True):
                with storm.context() as patched:
                    bomb(patched, room, name, after=after)
                    go_on(house, 1)
        for _ in range(10 + SIZE):
            if over():
                return len(deaths)
            go_on(house, 1)
    raise AssertionError(f"not over after {len(deaths)} deaths")


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
    # The same few rows die with every bomb: more tries than a worker that dies now and then gives them
    monkeypatch.setitem(outbox._policy, "attempts", 100)
    flaky = SimulatedChorus(chorus.state._path.parent, now, failing=0.1, chance=random.Random(11))
    flaky._token = chorus._token
    channels.simulated_by({**channels._simulators, "chorus": lambda _settings: flaky})
    numbers = deposits.many(chorus, SIZE, now() - timedelta(days=2))
    deaths = under_hail(house, monkeypatch, STEPS[:7], lambda: count("fetched") == SIZE)
    go_on(house)
    with reading() as db:
        invoices = db.scalars(sa.select(ChorusInvoice)).all()
        folders = db.scalars(sa.select(Folder)).all()
    assert sorted(invoice.cpro_id for invoice in invoices) == numbers
    assert {invoice.state for invoice in invoices} == {"fetched"}
    assert len({invoice.folder_id for invoice in invoices}) == len(folders) == len(numbers)
    for number in numbers[:SAID]:
        house.approve(sent(house, number).id, "r.pellenec")
    deaths += under_hail(house, monkeypatch, STEPS[7:], lambda: statuses_in("sent") == SAID)
    go_on(house)
    told = [passed(chorus, number) for number in numbers]
    assert told == [["SERVICE_FAIT"]] * SAID + [[]] * (SIZE - SAID)
    sys.stdout.write(f"{SIZE} invoices, {SAID} attested, {deaths} deaths by chance\n")
    with reading() as db:
        assert Counter(db.scalars(sa.select(ChorusStatus.state))) == {"sent": SAID}
        parked = db.scalars(sa.select(Outbox.kind).where(Outbox.state == "parked")).all()
    assert not parked


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
