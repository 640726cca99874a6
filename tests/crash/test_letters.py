"""The worker killed while letters leave: none is lost, and one is repeated only where nobody can know that it was taken."""

import random
import sys
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.db import reading
from app.core.outbox import News, Outbox
from app.core.transaction import use_case
from app.notices.letter import message_id
from tests.browser.serving import starter
from tests.builders.house import House
from tests.builders.process import environment, until
from tests.crash.walk import SEED, Forge

pytestmark = pytest.mark.crash
COUNT = 12
POINTS = (
    # where, the function, its call, after it, letters accepted by then, letters repeated
    ("rows taken, none begun", "app.core.outbox:take", 1, True, 0, 0),
    ("letter announced, not given", "smtplib:SMTP.data", 5, False, 4, 0),
    ("accepted by the server, its answer just read", "smtplib:SMTP.data", 5, True, 5, 1),
    ("accepted, before its end is written", "app.core.outbox:settle", 5, False, 5, 1),
    ("its end written", "app.core.outbox:settle", 5, True, 5, 0),
    ("between two letters on one connection", "smtplib:SMTP.rset", 3, True, 3, 0),
    ("all sent, the connection not closed", "smtplib:SMTP.quit", 1, False, COUNT, 0),
)
LETTERS, KILLS, THREADS = 150, 5, 2


@use_case
def write(db, house: House, name: str, count: int) -> list[str]:
    actor = house.actor("g.trehorel")
    words = {"event": "factor_changed", "what": "codes", "user_id": actor.user_id}
    news = [News("mail", f"{name}-{n}", words) for n in range(count)]
    outbox.post(db, actor.collectivity_id, news)
    return [message_id(one.key, house.settings.public_url) for one in news]


def accepted(house: House) -> Counter[str]:
    """How often the server took each letter."""
    return Counter(str(one["Message-ID"]) for one in house.mail.letters)


def attempts(house: House) -> dict[str, int]:
    with reading() as db:
        rows = db.execute(sa.select(Outbox.key, Outbox.attempts, Outbox.state)).all()
    assert {row.state for row in rows} == {"done"}
    return {message_id(row.key, house.settings.public_url): row.attempts for row in rows}


def test_killed_at_each_point_every_letter_arrives_and_only_the_doubtful_one_twice(forge: Forge) -> None:
    house = forge.house
    for name, point, nth, after, before, repeated in POINTS:
        house.mail.clear()
        expected = write(house, name, COUNT)
        assert forge.play("work", kill={"point": point, "nth": nth, "after": after})["died"], name
        assert accepted(house).total() == before, name
        house.wait_for_leases()
        house.drain()
        counted = accepted(house)
        assert set(counted) == set(expected), name
        assert counted.total() - COUNT == repeated, name
        tries = attempts(house)
        assert all(counted[one] <= tries[one] <= 2 for one in expected), name


def test_the_real_worker_killed_again_and_again_loses_no_letter(house: House, tmp_path: Path) -> None:
    seed = f"{SEED}-letters-{house.settings.database_url.split(':')[0]}"
    sys.stdout.write(f"PARAPHE_CRASH_SEED={SEED} ({seed})\n")
    chance = random.Random(seed)
    env = environment(house.settings, lease_seconds=1.0, attempts_limit=30)
    house.mail.slow = 0.02
    expected = write(house, "souvent", LETTERS)
    log, deaths = tmp_path / "worker.log", 0
    while True:
        worker = starter().start(["flask", "--app", "wsgi", "worker"], env, log)
        reached = len(house.mail.letters) + chance.randint(5, LETTERS // KILLS)
        try:
            if deaths == KILLS:
                until(lambda: not house.pending(), 90, "every row is done")
                break
            until(lambda least=reached: house.mail.asked >= min(least, LETTERS), 60, "letters leave")
        finally:
            worker.kill()
            assert worker.ended(10)
        deaths += 1
    counted, tries = accepted(house), attempts(house)
    assert set(counted) == set(expected)
    assert all(counted[one] <= tries[one] for one in expected), counted
    assert counted.total() - LETTERS <= KILLS * THREADS, "one for each thread that was killed, at most"
