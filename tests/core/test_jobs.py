"""A row that stands wakes the real worker at once, on SQLite and on PostgreSQL, by a pooler or without."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

import psycopg
import pytest
import sqlalchemy as sa

from app.core import heartbeat, jobs, outbox, waking
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


@POSTGRESQL
def test_what_was_committed_before_it_listened_wakes_too(house: House) -> None:
    """A commit between the first look and LISTEN is said to nobody."""
    made = waking.waker_of(house.settings.database_url)
    try:
        assert made.wait(60, _never())
        assert not made.wait(0.01, _never())
    finally:
        made.close()


@pytest.fixture
def here(house: House, monkeypatch: pytest.MonkeyPatch) -> int:
    """The collectivity; what a test handles is forgotten after it."""
    monkeypatch.setattr(outbox, "_handlers", dict(outbox._handlers))
    monkeypatch.setattr(outbox, "_quick", set(outbox._quick))
    monkeypatch.setattr(outbox, "_leased", {})
    return house.actor("g.trehorel").collectivity_id


@use_case
def write(db, collectivity_id: int, *news: News) -> None:
    post(db, collectivity_id, news)


def row(key: str) -> Outbox:
    with reading() as db:
        return db.scalars(sa.select(Outbox).where(Outbox.key == key)).one()


class Watched:
    """A waker that counts how often the worker came to wait, and how often it has looked after being woken."""

    def __init__(self, waker: waking.Waker) -> None:
        self._waker, self._woken, self.waits, self.looks = waker, False, 0, 0

    def wait(self, seconds: float, pipe: int) -> bool:
        self.waits += 1
        self.looks += self._woken
        self._woken = self._waker.wait(seconds, pipe)
        return self._woken

    def close(self) -> None:
        self._waker.close()


class Broken(Watched):
    """One whose first waits fail, each by another fault."""

    def wait(self, seconds: float, pipe: int) -> bool:
        if self.waits < 2:
            self.waits += 1
            raise (OSError("trop de fichiers ouverts"), ValueError("min() of an empty sequence"))[
                self.waits - 1
            ]
        return super().wait(seconds, pipe)


class AtWork:
    """A worker of two threads in this process, on the real base."""

    def __init__(self, house: House, waker: type[Watched]) -> None:
        self._address, self._kind = house.settings.database_url, waker
        self._made = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()
        assert self._made.wait(20)

    def _work(self) -> None:
        """All in one thread: a SQLite file is of the thread that opened it."""
        self.waker = self._kind(waking.waker_of(self._address))
        self._worker = jobs.Worker(2, lambda: None, self.waker)
        self._made.set()
        self._worker.work()

    def ask_to_stop(self) -> None:
        self._worker.stop()

    def stop(self) -> None:
        self._worker.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()


@contextmanager
def at_work(house: House, waker: type[Watched] = Watched) -> Iterator[AtWork]:
    made = AtWork(house, waker)
    try:
        yield made
    finally:
        made.stop()


def test_what_may_take_long_is_not_kept_waiting_by_letters_without_end(house: House, here: int) -> None:
    """Letters slower than the taking of letters: there are always some ahead, and no thread is ever without any."""
    done: list[int] = []
    begun: list[int] = []

    def letter(one: outbox.Row) -> None:
        time.sleep(0.01)  # what the mail server takes
        done.append(one.id)

    outbox.handles("lettre", quick=True)(letter)
    outbox.handles("acte")(lambda _row: begun.append(len(done)))
    write(here, *(News("lettre", f"lettre-{n}", {}) for n in range(200)))
    write(here, News("acte", "acte", {}))  # the last to come: every letter waits since before it
    with at_work(house):
        until(lambda: begun, 60, "the act is begun")
    assert begun[0] <= 2 * outbox.MANY


def test_what_a_dead_worker_left_is_not_kept_waiting_by_letters_without_end(house: House, here: int) -> None:
    outbox.policy(lease=0.5, attempts=4, backoff=1)
    done: list[int] = []
    begun: list[int] = []

    def letter(one: outbox.Row) -> None:
        time.sleep(0.02)  # what the mail server takes
        done.append(one.id)

    outbox.handles("lettre", quick=True)(letter)
    outbox.handles("acte")(lambda _row: begun.append(len(done)))
    write(here, News("acte", "acte", {}))
    assert outbox.take()
    outbox._leased.clear()  # its worker dies
    write(here, *(News("lettre", f"lettre-{n}", {}) for n in range(400)))
    with at_work(house):
        until(lambda: begun, 60, "the act is begun again")
    assert begun[0] < 300, "it waited for the last of them"


def test_letters_are_left_to_others_while_each_thread_does_what_is_long(house: House, here: int) -> None:
    gate, begun = threading.Event(), list[int]()
    outbox.handles("acte")(lambda one: (begun.append(one.id), gate.wait(60)))
    outbox.handles("lettre", quick=True)(lambda _row: None)
    write(here, News("acte", "un", {}), News("acte", "deux", {}))
    with at_work(house) as worker:
        try:
            until(lambda: len(begun) == 2, 20, "both threads do what is long")
            for name in (
                "une",
                "autre",
            ):  # a look after the second is one after the first, whatever woke it before
                looks = worker.waker.looks
                write(here, *(News("lettre", f"{name}-{n}", {}) for n in range(3)))
                until(lambda before=looks: worker.waker.looks > before, 20, "it has looked")
            assert len(outbox.take()) == 6
        finally:
            gate.set()


def test_a_worker_asked_to_stop_gives_back_at_once_what_it_has_not_begun(house: House, here: int) -> None:
    """Another takes it while this one ends what is long."""
    gate, begun = threading.Event(), list[int]()
    outbox.handles("lettre", quick=True)(lambda one: (begun.append(one.id), gate.wait(60)))
    write(here, *(News("lettre", f"lettre-{n}", {}) for n in range(8)))
    with at_work(house) as worker:
        until(lambda: len(begun) == 2, 20, "both threads have a row")
        worker.ask_to_stop()
        try:
            until(
                lambda: [row(f"lettre-{n}").state for n in range(8)].count("pending") == 6,
                20,
                "what was not begun is given back",
            )
            assert worker.thread.is_alive()
        finally:
            gate.set()
    assert sorted((row(f"lettre-{n}").state, row(f"lettre-{n}").attempts) for n in range(8)) == (
        [("done", 1)] * 2 + [("pending", 0)] * 6
    )


def test_a_fault_of_what_wakes_does_not_end_the_worker(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "AFTER_A_FAULT", 0.01)
    done: list[int] = []
    outbox.handles("essai")(lambda one: done.append(one.id))
    with at_work(house, Broken) as worker:
        until(lambda: worker.waker.waits > 2, 20, "it waits again")
        write(here, News("essai", "réveil", {}))
        until(lambda: done, 20, "the row is done")


def test_a_thread_that_a_handler_would_end_does_the_next_row(house: House, here: int) -> None:
    outbox.policy(lease=0.5, attempts=4, backoff=1)
    begun: list[int] = []

    def leaves(one: outbox.Row) -> None:
        begun.append(one.attempt)
        if one.attempt < 4:
            raise SystemExit(1)

    outbox.handles("essai")(leaves)
    write(here, News("essai", "sortie", {}))
    with at_work(house):
        until(lambda: row("sortie").state == "done", 30, "the row is done")
    assert begun == [1, 2, 3, 4]


@POSTGRESQL
def test_a_letter_accepted_during_an_outage_longer_than_its_lease_leaves_once(
    house: House, here: int, mail: MailServer, cluster: Cluster
) -> None:
    outbox.policy(lease=1.5, attempts=8, backoff=0.5)
    mail.slow = 1.0
    with at_work(house) as worker:
        desks.ask_reset("g.trehorel")
        until(lambda: mail.asked == 1, 20, "the letter is announced")
        with cluster.away():
            until(lambda: mail.letters, 20, "the letter is accepted")
            time.sleep(2 * outbox.lease())  # the outage outlasts the lease
        until(lambda: _states() == {"done"}, 30, "its end is written")
        assert worker.thread.is_alive()
    assert len(mail.letters) == mail.asked == 1


@POSTGRESQL
def test_a_row_that_a_short_outage_fails_is_tried_again(house: House, here: int, cluster: Cluster) -> None:
    outbox.policy(lease=30, attempts=8, backoff=0.2)
    begun: list[int] = []
    cut = threading.Event()

    def reads(one: outbox.Row) -> None:
        begun.append(one.attempt)
        if one.attempt == 1:
            cut.wait(60)
            row("coupure")  # as any handler reads

    outbox.handles("essai")(reads)
    write(here, News("essai", "coupure", {}))
    with at_work(house):
        until(lambda: begun, 20, "the row is begun")
        with cluster.away():
            cut.set()
            time.sleep(1.0)  # the handler fails, and its end cannot be written
        until(lambda: _states() == {"done"}, 20, "the row is done, before its lease would end")
    assert begun == [1, 2]


def _states() -> set[str]:
    try:
        with reading() as db:
            return set(db.scalars(sa.select(Outbox.state)))
    except sa.exc.SQLAlchemyError:  # a connection that the outage cut
        return set()


def test_two_workers_share_what_is_due_and_do_each_row_once(house: House, here: int) -> None:
    done: list[int] = []
    outbox.handles("essai", quick=True)(lambda one: done.append(one.id))
    write(here, *(News("essai", f"partagé-{n}", {}) for n in range(90)))
    drains = [threading.Thread(target=outbox.drain) for _ in range(3)]
    for one in drains:
        one.start()
    for one in drains:
        one.join()
    assert len(done) == len(set(done)) == 90
