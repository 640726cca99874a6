"""A row that stands wakes the real worker at once, on SQLite and on PostgreSQL, by a pooler or without."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

import psycopg
import pytest
import sqlalchemy as sa

from app.core import heartbeat, jobs, waking
from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import News, Outbox, post
from app.core.transaction import use_case
from app.people import desks
from tests.builders.house import House
from tests.builders.process import environment, start, until
from tests.cluster import Cluster, free_port
from tests.mailserver import MailServer

READER = "g.trehorel@kerlann-sur-mer.example"
POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def listen() -> str:
    """Where the worker listens: nothing, it follows the base."""
    return ""


@pytest.fixture
def worker(house: House, log: Path, listen: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`flask --app wsgi worker` as people start it; this process is its web server."""
    env = environment(house.settings, backoff_seconds=0.3, attempts_limit=8, listen_url=listen)
    running = start(env, log, "worker")
    until(lambda: heartbeat.last("worker") or running.poll() is not None, 60, "the worker says that it lives")
    assert running.poll() is None, log.read_text()
    yield running
    if running.poll() is None:
        running.kill()
        running.wait(10)


def test_the_worker_wakes_within_two_seconds_of_a_commit_and_stops_when_asked(
    worker: "subprocess.Popen[bytes]", mail: MailServer, log: Path
) -> None:
    waited = []
    for n in range(1, 4):
        desks.ask_reset("g.trehorel")
        waited.append(until(lambda count=n: len(mail.to(READER)) == count, 20, "the letter is accepted"))
    assert median(waited) < 2.0, waited  # it looks by itself every ten

    mail.refuse[READER] = "451 revenez plus tard"
    desks.ask_reset("g.trehorel")
    until(_last_error, 20, "the refusal is on the row")
    mail.refuse.clear()
    until(lambda: len(mail.to(READER)) == 4, 20, "the worker tries again by itself")
    until(lambda: _last_error() is None, 20, "the row is done")

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0, log.read_text()


def test_a_worker_asked_to_stop_ends_the_rows_it_has_begun_and_gives_the_others_back(
    worker: "subprocess.Popen[bytes]", mail: MailServer, log: Path
) -> None:
    mail.slow = 3.0
    for login in ("g.trehorel", "r.pellenec", "n.abgrallec", "t.lescoat"):
        desks.ask_reset(login)
    until(lambda: mail.asked == 2, 20, "both threads of the worker have a row")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0, log.read_text()
    assert len(mail.letters) == mail.asked == 2
    with reading() as db:
        rows = db.execute(sa.select(Outbox.state, Outbox.attempts, Outbox.lease_until)).all()
    assert sorted(map(tuple, rows)) == [("done", 1, None)] * 2 + [("pending", 0, None)] * 2


def _last_error() -> str | None:
    with reading() as db:
        return db.query(Outbox.last_error).order_by(Outbox.id.desc()).limit(1).scalar()


@pytest.fixture
def waker(house: House) -> Iterator[waking.Waker]:
    """What a worker waits by, once it has said that it listens."""
    made = waking.waker_of(house.settings.database_url)
    made.wait(0.01, _never())
    yield made
    made.close()


def _never() -> int:
    """The end of a pipe to which nobody writes; closed with the process."""
    return os.pipe()[0]


def test_what_is_written_wakes_and_a_verb_that_fails_wakes_nobody(house: House, waker: waking.Waker) -> None:
    @use_case
    def fails(db) -> None:
        post(db, house.actor("g.trehorel").collectivity_id, [News("mail", "perdu", {})])
        raise RuntimeError("the verb failed")

    with pytest.raises(RuntimeError):
        fails()
    assert not waker.wait(0.3, _never())
    desks.ask_reset("g.trehorel")
    assert waker.wait(10, _never())
    assert not waker.wait(0.3, _never())
    with engine().begin() as connection:  # by whatever hand it becomes due
        connection.execute(sa.update(Outbox).values(available_at=now()))
    assert waker.wait(10, _never())


def test_a_wait_ends_when_it_is_asked_to(waker: waking.Waker) -> None:
    out, into = os.pipe()
    os.write(into, b".")
    begun = time.monotonic()
    assert not waker.wait(60, out)
    assert time.monotonic() - begun < 30


@POSTGRESQL
def test_a_worker_that_is_no_more_woken_looks_by_itself_says_so_and_is_woken_again(
    worker: "subprocess.Popen[bytes]",
    house: House,
    mail: MailServer,
    log: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    until(lambda: "wake.listening" in log.read_text(), 20, "it listens")
    with psycopg.connect(house.settings.database_url, autocommit=True) as connection:
        listening = "SELECT pid FROM pg_stat_activity WHERE query = %s AND datname = current_database()"
        (pid,) = connection.execute(listening, [f"LISTEN {waking.CHANNEL}"]).fetchone() or (0,)
        connection.execute("SELECT pg_terminate_backend(%s)", [pid])
    until(lambda: "wake.lost" in log.read_text(), 20, "the log tells it")
    desks.ask_reset("g.trehorel")
    until(lambda: len(mail.to(READER)) == 1, 20, "the letter leaves")
    until(lambda: log.read_text().count("wake.listening") == 2, 40, "it listens again")


@pytest.fixture
def elsewhere(cluster: Cluster) -> Iterator[str]:
    """A base in which nothing of ours is ever said: what a pooler of transactions makes of LISTEN."""
    yield cluster.create("elsewhere_of_a_test")
    cluster.drop("elsewhere_of_a_test")


class TestDeaf:
    @pytest.fixture
    def listen(self, elsewhere: str) -> str:
        return elsewhere

    @POSTGRESQL
    def test_a_worker_to_which_nothing_comes_says_so_and_looks_by_itself(
        self, worker: "subprocess.Popen[bytes]", mail: MailServer, log: Path
    ) -> None:
        until(lambda: "wake.deaf" in log.read_text(), 20, "the log tells it")
        desks.ask_reset("g.trehorel")
        until(lambda: len(mail.to(READER)) == 1, 20, "the letter leaves")


@POSTGRESQL
def test_a_pooler_takes_nothing_away_where_the_address_of_the_server_is_given(
    house: House, elsewhere: str
) -> None:
    assert waking.heard(elsewhere) is None
    connection = waking.heard(house.settings.database_url)
    assert connection is not None
    connection.close()
    with pytest.raises(psycopg.OperationalError):
        waking.heard(f"postgresql://paraphe@127.0.0.1:{free_port()}/paraphe")


@pytest.fixture
def nights(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One work of the night, alone; the list of when it was done."""
    done: list[str] = []
    monkeypatch.setattr(jobs, "_nightly", {})
    jobs.nightly("essai", lambda: done.append("done"))
    return done


def test_the_work_of_the_night_is_done_once_at_any_hour_after_its_own(
    house: House, nights: list[str]
) -> None:
    jobs.night()
    assert nights == []  # a new installation waits for its first night
    for days, count in (
        (2, 1),
        (0, 1),
        (-400, 2),
    ):  # off for two nights; done already; by a clock that was wrong
        heartbeat.beat("night essai", now() - timedelta(days=days))
        jobs.night()
        assert len(nights) == count, days
    jobs.night()
    assert len(nights) == 2


def test_a_night_that_fails_waits_for_the_next_and_keeps_no_other_from_its_work(
    house: House, nights: list[str]
) -> None:
    def fails() -> None:
        raise OSError("nobody answers")

    jobs.nightly("a fault", fails)
    for name in ("a fault", "essai"):
        heartbeat.beat(f"night {name}", now() - timedelta(days=2))
    jobs.night()
    jobs.night()
    assert nights == ["done"]


def test_two_workers_share_what_is_due_and_do_each_row_once(house: House, mail: MailServer) -> None:
    from app.core import outbox

    here = house.actor("g.trehorel").collectivity_id
    done: list[int] = []
    outbox.handles("essai", quick=True)(lambda row: done.append(row.id))
    try:

        @use_case
        def write(db) -> None:
            post(db, here, [News("essai", f"partagé-{n}", {}) for n in range(90)])

        write()
        drains = [threading.Thread(target=outbox.drain) for _ in range(3)]
        for one in drains:
            one.start()
        for one in drains:
            one.join()
    finally:
        del outbox._handlers["essai"]
        outbox._quick.discard("essai")
    assert len(done) == len(set(done)) == 90
