"""What must happen outside happens: once if nothing dies, at least once if something does, and never in silence."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import outbox, transaction
from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import Hopeless, Later, News
from app.core.refusals import OutcomeUnknown, Refusal
from app.core.transaction import use_case
from app.people import desks
from app.people.models import Collectivity
from tests.builders.house import House
from tests.builders.process import ROOT, environment, until


@use_case
def write(db, collectivity_id: int, *news: News) -> None:
    outbox.post(db, collectivity_id, news)


@use_case
def write_and_fail(db, collectivity_id: int, news: News) -> None:
    outbox.post(db, collectivity_id, [news])
    raise RuntimeError("the verb failed")


def row(key: str) -> outbox.Outbox:
    with reading() as db:
        return db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.key == key)).one()


@pytest.fixture(autouse=True)
def _own_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test handles is forgotten after it: the house's own list is read by others."""
    monkeypatch.setattr(outbox, "_handlers", dict(outbox._handlers))
    monkeypatch.setattr(outbox, "_quick", set(outbox._quick))
    monkeypatch.setattr(outbox, "_leased", {})


@pytest.fixture
def here(house: House) -> int:
    return house.actor("a.kervadec").collectivity_id


def test_a_verb_that_fails_leaves_no_row(house: House, here: int) -> None:
    with pytest.raises(RuntimeError):
        write_and_fail(here, News("essai", "perdu", {}))
    assert house.pending() == 0


def test_a_row_is_claimed_by_one_worker_only(house: House, here: int) -> None:
    write(here, News("essai", "un", {}))
    key = row("un").id
    assert outbox.claim(key) is not None
    assert outbox.claim(key) is None


def test_quick_rows_are_taken_together_and_of_the_others_one_at_a_time(house: House, here: int) -> None:
    outbox.handles("essai", quick=True)(lambda _row: None)
    write(here, *(News("essai", f"vite-{n}", {}) for n in range(outbox.MANY + 5)))
    write(here, *(News("lent", f"lent-{n}", {}) for n in range(2)))
    assert len(outbox.take()) == outbox.MANY
    assert len(outbox.take()) == 5
    assert outbox.take(quick_only=True) == []
    assert [one.key for one in outbox.take()] == ["lent-0"]
    taken = outbox.take_of("lent")
    assert taken is not None
    assert taken.key == "lent-1"
    assert (outbox.take(), outbox.take_of("lent"), outbox.take_interrupted()) == ([], None, None)


def test_what_is_given_back_uses_up_no_try_and_others_take_it_at_once(house: House, here: int) -> None:
    outbox.handles("essai", quick=True)(lambda _row: None)
    write(here, *(News("essai", f"rendu-{n}", {}) for n in range(3)))
    first, *others = outbox.take()
    outbox.give_back(others)
    assert [(one.key, one.attempt) for one in outbox.take()] == [(one.key, 1) for one in others]
    assert row(first.key).state == "running"
    outbox.give_back(others)  # said twice, or too late
    outbox.settle(first, "done")
    outbox.give_back([first])
    assert row(first.key).state == "done"


def killed() -> None:
    """Every lease runs out, and nobody is left who knows of them: the worker was killed."""
    outbox._leased.clear()
    expired()


def expired() -> None:
    """Every lease runs out, as when its worker is stopped for a while, or cut off from the database."""
    with engine().begin() as connection:
        connection.execute(
            sa.update(outbox.Outbox)
            .where(outbox.Outbox.state == "running")
            .values(lease_until=now() - timedelta(seconds=1))
        )


def test_a_row_that_was_taken_away_meanwhile_is_not_begun(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker stopped for an hour (SIGSTOP, a machine that slept) holds rows that another has done since."""
    done = []
    outbox.handles("essai", quick=True)(done.append)
    write(here, *(News("essai", f"repris-{n}", {}) for n in range(3)))
    mine = outbox.take()
    killed()  # what another process knows of them is not known here
    theirs = outbox.take_interrupted()
    assert theirs is not None
    for one in mine:
        outbox.do(one)
    assert {one.id for one in done} == {one.id for one in mine} - {theirs.id}
    outbox.do(theirs)
    assert [row(f"repris-{n}").state for n in range(3)] == ["done"] * 3


def test_a_row_that_kills_its_worker_costs_the_others_one_try_at_most(house: House, here: int) -> None:
    class Killed(BaseException):
        """What stands for SIGKILL: nothing of the house handles it."""

    def kills(one: outbox.Row) -> None:
        if one.payload:
            raise Killed

    outbox.policy(lease=60, attempts=4, backoff=0.01)
    outbox.handles("essai", quick=True)(kills)
    write(here, *(News("essai", f"voisin-{n}", {"kills": True} if n == 3 else {}) for n in range(8)))
    for _ in range(12):
        try:
            outbox.drain()
        except Killed:
            killed()
    assert row("voisin-3").state == "parked"
    others = [row(f"voisin-{n}") for n in range(8) if n != 3]
    assert {(one.state, one.attempts <= 2) for one in others} == {("done", True)}


def test_what_was_done_is_written_once_the_database_is_back(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, real, asked = [], outbox.settle, []

    def away(*arguments, **words):
        asked.append(arguments)
        if len(asked) < 3:
            raise Refusal("busy")
        return real(*arguments, **words)

    monkeypatch.setattr(outbox, "UNSETTLED", 0.01)
    monkeypatch.setattr(outbox, "settle", away)
    outbox.handles("essai")(done.append)
    write(here, News("essai", "écrit-tard", {}))
    outbox.drain()
    assert (len(done), len(asked), row("écrit-tard").state) == (1, 3, "done")


def test_the_end_of_what_failed_is_written_once_the_database_is_back(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = outbox.settle, []

    def away(*arguments, **words):
        asked.append(arguments)
        if len(asked) < 3:
            raise Refusal("busy")
        return real(*arguments, **words)

    def fails(_one: outbox.Row) -> None:
        raise OSError("la base ne répond pas")

    monkeypatch.setattr(outbox, "UNSETTLED", 0.01)
    monkeypatch.setattr(outbox, "settle", away)
    outbox.policy(lease=60, attempts=4, backoff=20.0)
    outbox.handles("essai")(fails)
    write(here, News("essai", "échec", {}))
    outbox.run(row("échec").id)
    assert (row("échec").state, row("échec").lease_until, len(asked)) == ("pending", None, 3)
    assert "la base ne répond pas" in (row("échec").last_error or "")


def test_a_row_whose_end_could_not_be_written_is_no_more_kept_and_is_taken_again(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Renewed for ever, it would be done by nobody as long as the worker lives."""
    done: list[int] = []

    class Stop(BaseException):
        """What ends a thread."""

    def stops(one: outbox.Row) -> None:
        done.append(one.attempt)
        if one.attempt == 1:
            raise Stop

    outbox.handles("essai")(stops)
    write(here, News("essai", "coincé", {}))
    with pytest.raises(Stop):
        outbox.do(outbox.take()[0])
    expired()
    assert outbox.beat()
    outbox.drain()
    assert (done, row("coincé").state) == ([1, 2], "done")


def test_a_worker_does_not_take_a_row_that_it_is_doing_whatever_the_clock_says(
    house: House, here: int
) -> None:
    """After a leap of the clock, the sleep of a machine or an outage, its own lease looks as that of a dead worker."""
    others = []

    def slow(one: outbox.Row) -> None:
        expired()
        others.extend(
            [outbox.take_interrupted(), outbox.claim(one.id), outbox.take_of("essai"), *outbox.due()]
        )

    outbox.handles("essai")(slow)
    write(here, News("essai", "mien", {}))
    outbox.run(row("mien").id)
    assert others == [None, None, None]
    assert (row("mien").state, row("mien").attempts) == ("done", 1)


def test_a_row_whose_taking_is_in_doubt_is_not_kept_alive(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = transaction._once

    def lost(verb, *arguments, **words):
        real(verb, *arguments, **words)
        raise OutcomeUnknown

    write(here, News("essai", "douteux", {}))
    with monkeypatch.context() as patch:
        patch.setattr(transaction, "_once", lost)
        with pytest.raises(OutcomeUnknown):
            outbox.take()
    assert row("douteux").state == "running"
    expired()
    assert outbox.beat()
    taken = outbox.take_interrupted()
    assert taken is not None
    assert taken.attempt == 2


def test_a_lease_that_a_wrong_clock_wrote_into_the_far_future_does_not_last(house: House, here: int) -> None:
    write(here, News("essai", "avenir", {}))
    assert outbox.take()
    killed()
    for late, free in ((timedelta(hours=2), False), (timedelta(days=400), True)):
        with engine().begin() as connection:
            connection.execute(sa.update(outbox.Outbox).values(lease_until=now() + late))
        assert (outbox.take_interrupted() is not None) is free, late


def test_after_quick_rows_it_is_the_turn_of_one_that_may_take_long(house: House, here: int) -> None:
    outbox.handles("essai", quick=True)(lambda _row: None)
    write(here, *(News("essai", f"vite-{n}", {}) for n in range(outbox.MANY + 5)))
    assert not outbox.long_waits()
    write(here, News("lent", "acte", {}))
    assert outbox.long_waits()
    assert [one.key for one in outbox.take(long_first=True)] == ["acte"]
    assert not outbox.long_waits()
    assert len(outbox.take(long_first=True)) == outbox.MANY  # where none waits, what waits longest
    killed()
    assert outbox.long_waits()


def test_nothing_due_closes_what_was_opened_for_many_rows(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(outbox, "_rest", {})
    outbox.at_rest("a fault", lambda: 1 / 0)
    outbox.at_rest("essai", lambda: seen.append("rest"))
    outbox.handles("essai", quick=True)(lambda one: seen.append(one.key))
    write(here, *(News("essai", f"clos-{n}", {}) for n in range(3)))
    outbox.drain()
    outbox.drain()
    assert seen == ["clos-0", "clos-1", "clos-2", "rest"]


def test_the_next_row_that_waits_for_its_hour_is_known(house: House, here: int) -> None:
    assert outbox.next_due(now()) is None
    write(here, News("essai", "demain", {}, delay=3600), News("essai", "bientôt", {}, delay=60))
    assert 50 < (outbox.next_due(now()) or 0) <= 60
    write(here, News("essai", "déjà", {}))
    assert 50 < (outbox.next_due(now()) or 0) <= 60  # what is due already is taken, and no hour is waited for
    # One whose hour came since the last look at what is due is not left to the next
    assert 5 < (outbox.next_due(now() - timedelta(seconds=10)) or 0) <= 10


def test_a_row_of_a_dead_worker_is_taken_again_whatever_its_age(house: House, here: int) -> None:
    done = []
    outbox.handles("essai")(done.append)
    write(here, News("essai", "vieux", {}))
    first = outbox.claim(row("vieux").id)
    killed()
    with engine().begin() as connection:
        old = now() - timedelta(days=400)
        connection.execute(sa.update(outbox.Outbox).values(lease_until=old, available_at=old, created_at=old))
    outbox.drain()
    assert [one.attempt for one in done] == [2]
    assert outbox.settle(first, "pending", "trop tard") is False
    assert row("vieux").state == "done"


def test_a_failure_is_tried_again_then_parked_and_shown_with_a_retry(house: House, here: int) -> None:
    tries = []

    def fails(one):
        tries.append(one.attempt)
        if len(tries) < 5:
            raise OSError("le serveur ne répond pas")

    outbox.handles("essai")(fails)
    write(here, News("essai", "tenace", {}))
    house.drain()
    assert tries == [1, 2, 3, 4]
    assert row("tenace").state == "parked"
    client = house.client("k.morizur")
    page = client.get("/administration").get_data(as_text=True)
    assert "le serveur ne répond pas" in page
    client.post(
        f"/administration/envois/{row('tenace').id}/relancer", data={"csrf_token": house.csrf(client)}
    )
    house.drain()
    assert row("tenace").state == "done"


def test_waiting_is_not_failing_and_hopeless_parks_at_once(house: House, here: int) -> None:
    asked = []

    def patient(one):
        asked.append(one.attempt)
        if len(asked) < 9:
            raise Later(0.0)

    def hopeless(_one):
        raise Hopeless("inutile d’insister")

    outbox.handles("patient")(patient)
    outbox.handles("vain")(hopeless)
    write(here, News("patient", "patient", {}), News("vain", "vain", {}))
    house.drain()
    assert row("patient").state == "done"
    assert set(asked) == {1}
    assert (row("vain").state, row("vain").attempts) == ("parked", 1)


def test_of_eight_threads_one_alone_gets_a_row(house: House, here: int) -> None:
    write(here, News("essai", "convoité", {}))
    key, gate = row("convoité").id, threading.Barrier(8)

    def grab(_n: int) -> bool:
        gate.wait()
        return outbox.claim(key) is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(grab, range(8))) == 1


GRAB = """
import sys
from app.core import db, outbox
db.configure(sys.argv[1])
sys.stdin.readline()
print(*[key for key in map(int, sys.argv[2:]) if outbox.claim(key)])
"""


def test_of_three_processes_one_alone_gets_each_row(house: House, here: int) -> None:
    write(here, *(News("essai", f"convoité-{n}", {}) for n in range(20)))
    keys = [str(row(f"convoité-{n}").id) for n in range(20)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", GRAB, house.settings.database_url, *keys],
            cwd=ROOT,
            env=environment(house.settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for one in workers:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    got = [key for one in workers for key in one.communicate(timeout=60)[0].split()]
    assert sorted(got) == sorted(keys)


HAND = """
import sys
from tests.builders.process import said
from app import create_app
from app.core import outbox
from config import Settings
create_app(Settings())
row = None
for order in map(str.strip, sys.stdin):
    if order == "take":
        (row,) = outbox.take()
    elif order == "take interrupted":
        row = outbox.take_interrupted()
    elif order == "do":
        outbox.do(row)
    elif order == "forget":
        outbox.forget([row])
    told = outbox.settle(row, order.split()[1]) if order.startswith("settle") else row and row.attempt
    print(f"> {said(told)}", flush=True)
"""


class Hand:
    """A worker in a process of its own, told what to do one order at a time."""

    def __init__(self, house: House) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", HAND],
            cwd=ROOT,
            env=environment(house.settings, lease_seconds=1.0),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        assert self._process.stdout is not None
        return next(line for line in self._process.stdout if line.startswith("> "))[2:].strip()

    def does(self, order: str) -> str:
        self.begin(order)
        return self.answer()

    def send(self, signal_number: int) -> None:
        os.kill(self._process.pid, signal_number)

    def end(self) -> None:
        self.send(signal.SIGCONT)
        self._process.kill()
        self._process.communicate(timeout=10)


@pytest.fixture
def hands(house: House) -> Iterator[tuple[Hand, Hand]]:
    two = Hand(house), Hand(house)
    yield two
    for one in two:
        one.end()


def test_a_worker_stopped_beyond_its_lease_neither_sends_nor_ends_what_another_has_by_now(
    house: House, here: int, hands: tuple[Hand, Hand]
) -> None:
    stopped, other = hands
    house.mail.clear()
    user = house.actor("g.trehorel").user_id
    write(here, News("mail", "une-lettre", {"event": "factor_changed", "what": "codes", "user_id": user}))
    assert stopped.does("take") == "1"
    stopped.send(signal.SIGSTOP)
    until(lambda: row("une-lettre").lease_until < now(), 10, "the lease is over")
    assert (other.does("take interrupted"), other.does("settle parked")) == ("2", "true")
    assert outbox.retry(here, row("une-lettre").id)  # an administrator: the tries are counted anew
    other.does("forget")
    assert other.does("take") == "1"  # the very number of the one that was stopped
    stopped.begin("do")
    stopped.send(signal.SIGCONT)
    stopped.answer()
    assert [stopped.does(f"settle {end}") for end in ("done", "parked", "pending")] == ["false"] * 3
    assert (row("une-lettre").state, len(house.mail.letters)) == ("running", 0)
    other.does("do")
    ended = row("une-lettre")
    assert (ended.state, ended.owner, len(house.mail.letters)) == ("done", None, 1)
    stopped.does("do")
    assert [one.does("settle pending") for one in hands] == ["false"] * 2
    assert (row("une-lettre").done_at, len(house.mail.letters)) == (ended.done_at, 1)


def test_an_end_that_is_written_twice_does_not_end_the_next_try_of_the_row(house: House, here: int) -> None:
    write(here, News("essai", "attend", {}))
    first = outbox.claim(row("attend").id)
    assert outbox.settle(first, "pending", "trop tôt", counts=False)
    outbox.forget([first])
    again = outbox.claim(row("attend").id)
    assert (again.attempt, again.owner != first.owner) == (first.attempt, True)
    assert not outbox.settle(first, "pending", "trop tôt", counts=False)
    outbox.give_back([first])
    assert (row("attend").state, outbox.renew([first, again])) == ("running", {again.id})
    assert outbox.settle(again, "done")


def test_a_long_effect_keeps_its_lease(house: House, here: int) -> None:
    outbox.policy(lease=0.3, attempts=4, backoff=0.05)
    others = []

    def slow(one):
        first = row("long").lease_until
        until(lambda: row("long").lease_until > first, 10, "the lease is renewed")
        others.append(outbox.claim(one.id))

    outbox.handles("essai")(slow)
    write(here, News("essai", "long", {}))
    outbox.drain()
    assert others == [None]
    assert (row("long").state, row("long").attempts) == ("done", 1)


def test_the_wait_doubles_at_each_failure_until_the_row_is_parked(house: House, here: int) -> None:
    outbox.policy(lease=60, attempts=4, backoff=20.0)

    def fails(_one):
        raise OSError("toujours rien")

    outbox.handles("essai")(fails)
    write(here, News("essai", "lent", {}))
    waits = []
    for _ in range(3):
        outbox.run(row("lent").id)
        assert row("lent").state == "pending"
        waits.append(round((row("lent").available_at - now()).total_seconds(), -1))
        outbox.run(row("lent").id)  # it is not due: nothing happens
        with engine().begin() as connection:
            connection.execute(sa.update(outbox.Outbox).values(available_at=now()))
    assert waits == [20, 40, 80]
    outbox.run(row("lent").id)
    assert (row("lent").state, row("lent").attempts) == ("parked", 4)
    assert "toujours rien" in (row("lent").last_error or "")


def test_a_row_that_kills_its_worker_at_every_try_is_parked_too(house: House, here: int) -> None:
    outbox.handles("essai")(lambda _one: pytest.fail("it was tried once too often"))
    write(here, News("essai", "mortel", {}))
    for _ in range(4):
        assert outbox.claim(row("mortel").id) is not None
        killed()
    outbox.drain()
    assert row("mortel").state == "parked"
    assert "interrompu à chaque essai" in (row("mortel").last_error or "")


def test_a_key_is_written_once_for_ever(house: House, here: int) -> None:
    write(here, News("essai", "unique", {"n": 1}))
    with pytest.raises(Refusal, match="busy"):
        write(here, News("essai", "autre", {}), News("essai", "unique", {"n": 2}))
    with reading() as db:
        assert db.scalars(sa.select(outbox.Outbox.key)).all() == ["unique"]
    assert row("unique").payload == {"n": 1}


def test_a_kind_that_nobody_handles_waits_for_a_newer_version_then_is_parked_and_shown(
    house: House, here: int
) -> None:
    write(here, News("inconnu", "orphelin", {}))
    outbox.run(row("orphelin").id)
    assert (row("orphelin").state, row("orphelin").attempts) == ("pending", 0)
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(
            sa.update(outbox.Outbox).values(created_at=now() - outbox.PATIENCE, available_at=now())
        )
    outbox.drain()
    assert (row("orphelin").state, row("orphelin").attempts) == ("parked", 1)
    page = house.client("k.morizur").get("/administration").get_data(as_text=True)
    assert "personne ne traite « inconnu »" in page


def test_the_reason_of_a_wait_is_shown_and_a_wait_counts_no_try(house: House, here: int) -> None:
    def patient(_one):
        raise Later(3600.0, "Le dépôt 12 est inconnu de la préfecture.")

    outbox.handles("patient")(patient)
    write(here, News("patient", "attente", {}))
    outbox.drain()
    assert (row("attente").state, row("attente").attempts) == ("pending", 0)
    assert "Le dépôt 12 est inconnu" in house.client("k.morizur").get("/administration").get_data(
        as_text=True
    )


def _in_vain(_row: outbox.Row) -> None:
    raise Hopeless("sans espoir")


def test_the_parked_are_shown_however_many_wait(house: House, here: int) -> None:
    outbox.handles("vain")(_in_vain)
    write(
        here,
        *(News("essai", f"attente-{n}", {}, delay=3600) for n in range(210)),
        News("vain", "orphelin", {}),
    )
    outbox.drain()
    assert "sans espoir" in house.client("k.morizur").get("/administration").get_data(as_text=True)


def test_only_an_administrator_retries_and_only_at_home(house: House, here: int) -> None:
    abroad = desks.create_collectivity(
        "213500010", "Ailleurs", department="035", district="1", nature="31", settings={}
    )
    with reading() as db:
        assert db.get_one(Collectivity, abroad).name == "Ailleurs"
    outbox.handles("vain")(_in_vain)
    write(abroad, News("vain", "étranger", {}))
    outbox.drain()
    address = f"/administration/envois/{row('étranger').id}/relancer"
    for login, status in (("k.morizur", 404), ("g.trehorel", 403)):
        client = house.client(login)
        assert client.post(address, data={"csrf_token": house.csrf(client)}).status_code == status
    assert row("étranger").state == "parked"
    assert "sans espoir" not in house.client("k.morizur").get("/administration").get_data(as_text=True)
