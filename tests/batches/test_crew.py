"""A large batch is helped by processes that live with it: each folder signed once, whoever of them dies."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from app.batches import crew
from app.core.db import reading
from app.display.ticking import LIMIT
from app.operations import helping
from tests.batches.test_signatures import Page, signed_once, to_sign
from tests.batches.town import Hand, items
from tests.builders.house import House

PATIENCE = 120.0


@pytest.fixture(autouse=True)
def nobody_afterwards() -> Iterator[None]:
    yield
    for one in crew._crew["alive"]:
        one.kill()
        one.join()
    crew._crew.update(start=None, most=0, alive=[])


def batch(house: House, count: int) -> tuple[Page, list[int]]:
    """A batch whose folders are all signed in the page, and none embedded."""
    mayor, folders = Hand(house, "a.kervadec"), to_sign(house, count)
    page = Page(mayor, mayor.propose("sign", folders)).begin()
    page.go()
    return page, folders


def until(what) -> None:
    """Wait for another process."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "the helper did not do it"
        time.sleep(0.05)


def done(page: Page) -> int:
    return sum(one.state == "done" for one in items(page.number))


def test_a_helper_does_the_rows_of_a_batch_and_ends(house: House) -> None:
    page, folders = batch(house, 3)
    helper = helping.start(house.settings)
    until(lambda: done(page) == 3)
    for one in folders:
        signed_once(house, one)
    helper.join(crew.IDLE + PATIENCE)
    assert helper.exitcode == 0, "it lives with the batch, and no longer"


def test_a_helper_that_is_killed_is_made_good_by_whoever_is_left(house: House) -> None:
    page, folders = batch(house, 3)
    helper = helping.start(house.settings)
    until(lambda: house.journal(folders[0]).count("folder.sign") or any(running(house)))
    os.kill(helper.pid or 0, signal.SIGKILL)
    helper.join()
    house.wait_for_leases()
    house.drain()
    assert done(page) == 3
    for one in folders:
        signed_once(house, one)


def running(house: House) -> list[int]:
    import sqlalchemy as sa

    from app.core.outbox import Outbox

    with reading() as db:
        return list(db.scalars(sa.select(Outbox.id).where(Outbox.kind == "batch.sign", Outbox.attempts > 0)))


@pytest.mark.in_turn
def test_helpers_are_called_for_a_large_batch_alone_and_never_more_than_allowed(house: House) -> None:
    class Sleeper:
        def is_alive(self) -> bool:
            return True

        def kill(self) -> None:
            """Nothing to end."""

        join = kill

    called: list[Sleeper] = []

    def start() -> Sleeper:
        called.append(Sleeper())
        return called[-1]

    small, _ = batch(house, 2)
    crew.ready(start, 2)
    with reading() as db:
        crew.call(db, small.number)
        assert called == []
    assert crew.ENOUGH < LIMIT
    mayor = Hand(house, "a.kervadec")
    large = mayor.propose("sign", to_sign(house, crew.ENOUGH))
    with reading() as db:
        for _ in range(3):
            crew.call(db, large)
    assert len(called) == 2
    crew.ready(start, 0)
    with reading() as db:
        crew.call(db, large)
    assert len(called) == 2
