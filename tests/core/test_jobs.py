"""A row that stands wakes the real worker at once, whatever carries the message: SQLite, PostgreSQL or Redis."""

import pickle
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import psycopg
import pytest
import redis
import sqlalchemy as sa

from app import create_app
from app.core import heartbeat, jobs, schema
from app.core.db import reading
from app.core.outbox import News, Outbox, post
from app.core.transaction import use_case
from app.people import desks
from tests.builders.house import House
from tests.builders.process import environment, start, until
from tests.cluster import Cluster, free_port
from tests.mailserver import MailServer

READER = "g.trehorel@kerlann-sur-mer.example"


@pytest.fixture
def queue_url(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> Iterator[str]:
    """A queue of the kind that the test asks for, empty."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'queue.db'}"
    elif request.param == "postgresql":
        yield cluster.create("queue_of_a_test")
        cluster.drop("queue_of_a_test")
    else:
        assert shutil.which("redis-server"), "Redis is not installed: apt-get install redis-server"
        port = free_port()
        server = subprocess.Popen(
            [
                "redis-server",
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                str(tmp_path),
            ],
            stdout=subprocess.DEVNULL,
        )
        url = f"redis://127.0.0.1:{port}/0"
        until(lambda: _answers(url), 10, "Redis answers")
        yield url
        server.terminate()
        server.wait(10)


def _answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


@pytest.fixture
def worker(house: House, queue_url: str, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`flask --app wsgi worker` as people start it, and this process as its web server."""
    env = environment(house.settings, queue_url=queue_url, backoff_seconds=0.3, attempts_limit=8)
    running = start(env, tmp_path / "worker.log", "worker")
    until(lambda: heartbeat.last("worker") or running.poll() is not None, 60, "the worker says that it lives")
    assert running.poll() is None, (tmp_path / "worker.log").read_text()
    create_app(house.settings.model_copy(update={"queue_url": queue_url}))
    yield running
    if running.poll() is None:
        running.kill()
        running.wait(10)
    jobs.configure("none:")


BOTH = pytest.mark.parametrize(
    ("database", "queue_url"),
    [("sqlite", "sqlite"), ("postgresql", "postgresql"), ("postgresql", "redis")],
    indirect=True,
)


@BOTH
def test_the_worker_wakes_within_two_seconds_of_a_commit_and_stops_when_asked(
    worker: "subprocess.Popen[bytes]", mail: MailServer, tmp_path: Path
) -> None:
    waited = []
    for n in range(1, 4):
        desks.ask_reset("g.trehorel")
        waited.append(until(lambda count=n: len(mail.to(READER)) == count, 20, "the letter is accepted"))
    assert median(waited) < 2.0, waited

    mail.refuse[READER] = "451 revenez plus tard"
    desks.ask_reset("g.trehorel")
    until(_last_error, 20, "the refusal is on the row")
    mail.refuse.clear()
    until(lambda: len(mail.to(READER)) == 4, 20, "the worker tries again by itself")
    until(lambda: _last_error() is None, 20, "the row is done")

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0, (tmp_path / "worker.log").read_text()


@BOTH
def test_a_worker_asked_to_stop_ends_the_row_it_holds_and_begins_no_other(
    worker: "subprocess.Popen[bytes]", mail: MailServer, tmp_path: Path
) -> None:
    mail.slow = 3.0
    for login in ("g.trehorel", "r.pellenec", "n.abgrallec", "t.lescoat"):
        desks.ask_reset(login)
    until(lambda: mail.asked == 2, 20, "both threads of the worker hold a row")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0, (tmp_path / "worker.log").read_text()
    assert len(mail.letters) == mail.asked == 2
    with reading() as db:
        states = sorted(db.scalars(sa.select(Outbox.state)))
        held = db.scalars(sa.select(Outbox.id).where(Outbox.lease_until.is_not(None))).all()
    assert (states, held) == (["done", "done", "pending", "pending"], [])


def _last_error() -> str | None:
    with reading() as db:
        return db.query(Outbox.last_error).order_by(Outbox.id.desc()).limit(1).scalar()


@BOTH
def test_a_verb_that_fails_wakes_nobody(house: House, queue_url: str) -> None:
    @use_case
    def fails(db) -> None:
        post(db, house.actor("g.trehorel").collectivity_id, [News("mail", "perdu", {})])
        raise RuntimeError("the verb failed")

    create_app(house.settings.model_copy(update={"queue_url": queue_url}))
    with pytest.raises(RuntimeError):
        fails()
    queue = jobs.huey()
    assert queue is not None
    assert (queue.pending_count(), queue.scheduled_count()) == (0, 0)
    desks.ask_reset("g.trehorel")
    assert queue.pending_count() == 1
    jobs.configure("none:")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_dead_queue_stops_no_verb(house: House) -> None:
    create_app(house.settings.model_copy(update={"queue_url": f"redis://127.0.0.1:{free_port()}/0"}))
    desks.ask_reset("g.trehorel")
    with reading() as db:
        assert db.query(Outbox.state).scalar() == "pending"
    jobs.configure("none:")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_queue_may_live_in_the_database_of_the_product(house: House) -> None:
    create_app(house.settings.model_copy(update={"queue_url": house.settings.database_url}))
    desks.ask_reset("g.trehorel")
    schema.check()  # the tables of the queue are not ours to compare
    with psycopg.connect(house.settings.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM huey_task").fetchone() == (1,)
    jobs.configure("none:")


class Planted:
    """What a pickle can make whoever reads it do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_a_message_that_is_not_ours_is_never_opened(house: House, tmp_path: Path) -> None:
    """ASVS 5.0, 1.5.2: whoever writes into the store of the queue runs nothing in the worker."""
    jobs.configure(f"sqlite:///{tmp_path / 'queue.db'}")
    try:
        queue = jobs.huey()
        assert queue is not None
        mark = tmp_path / "ran"
        queue.storage.enqueue(pickle.dumps(Planted(mark)))
        with pytest.raises(ValueError, match="Separator|mismatch"):
            queue.dequeue()
        assert not mark.exists()
        jobs.wake([(7, 0.0)])
        task = queue.dequeue()
        assert (task.name, task.args) == ("row", (7,))  # and ours are
    finally:
        jobs.configure(house.settings.queue_url)
