"""Rotating the key of the installation: every secret is sealed again, and a kill at any step loses none."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.core import sealed, security
from app.core.clock import now
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.operations import resealing
from app.people.models import Challenge, Collectivity, Factor
from tests.builders.house import House
from tests.builders.process import ROOT, ask, environment
from tests.conftest import SECRET

NEW = "another secret of the tests, long enough to be taken"
WEBHOOK = "handover_webhook_secret"
CODES = [f"SECRET{number}JBSWY3DP" for number in range(6)]
KILLED = """
import os, signal, sys
from wsgi import app
from app.operations import resealing
resealing.AT_ONCE = 2
name, nth, after = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "after"
real, calls = getattr(resealing, name), [0]
def dying(*given):
    calls[0] += 1
    if calls[0] == nth and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    answer = real(*given)
    if calls[0] == nth and after:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
setattr(resealing, name, dying)
with app.app_context():
    resealing.rotate()
"""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    security.configure(SECRET)


@pytest.fixture
def scene(house: House) -> House:
    """Six applications of codes, one that is being set up and a webhook, all sealed by the key of before."""
    moment, person = now(), house.actor("k.morizur").person_id or 0
    rows = [
        {
            "person_id": person, "kind": "totp", "name": code, "secret": sealed.seal(code), "transports": [],
            "created_at": moment, "trusted_from": moment,
        }
        for code in CODES
    ]  # fmt: skip
    asked = {
        "token_hash": "x", "purpose": "enrol", "value": "v", "nonce": "n", "person_id": person, "secret": sealed.seal("EN COURS"),
        "created_at": moment, "expires_at": moment,
    }  # fmt: skip
    known = {column.name for column in Challenge.__table__.columns}
    with engine().begin() as connection:
        connection.execute(sa.insert(Factor), rows)
        connection.execute(
            sa.insert(Challenge).values({name: value for name, value in asked.items() if name in known})
        )
        table = Collectivity.__table__
        kept = {"handover_webhook_url": "https://f.example.org/", WEBHOOK: sealed.seal("le webhook")}
        connection.execute(sa.update(table).values(settings=kept))
    return house


def opened() -> list[str]:
    """Every secret, read by the keys that are known now."""
    with reading() as db:
        texts = [*db.scalars(sa.select(Factor.secret)), *db.scalars(sa.select(Challenge.secret))]
        texts += [one[WEBHOOK] for one in db.scalars(sa.select(Collectivity.settings))]
    return sorted(sealed.unseal(str(one)) for one in texts)


def test_every_secret_is_sealed_again_and_the_key_of_before_opens_none(scene: House) -> None:
    security.configure(NEW, [SECRET])
    with reading() as db:
        before = resealing.stand(db)
    assert (before.fresh, len(before.former), before.shut) == (0, 8, 0)
    # One that somebody changes meanwhile is not put back
    with engine().begin() as connection:
        connection.execute(
            sa.update(Factor).where(Factor.name == CODES[0]).values(secret=sealed.seal("CHANGÉ"))
        )
    resealing.seal_again(before.former)
    assert set(opened()) == {*CODES[1:], "CHANGÉ", "EN COURS", "le webhook"}
    after = resealing.rotate()
    assert (after.fresh, len(after.former), after.shut) == (8, 0, 0)
    security.configure(NEW)
    assert "le webhook" in opened()
    security.configure(SECRET)
    with pytest.raises(Refusal, match="secret-unreadable"):
        opened()


def test_a_kill_at_any_step_loses_no_secret_and_the_same_command_goes_on(scene: House) -> None:
    every = sorted([*CODES, "EN COURS", "le webhook"])
    env = environment(scene.settings, secret_key=NEW, former_secret_keys=[SECRET])
    security.configure(NEW, [SECRET])
    left = 8
    # Before the first row, in the middle of a transaction, and after each commit
    for step in (
        ("seal", 1, "before"),
        ("seal", 2, "after"),
        ("seal_again", 1, "after"),
        ("seal_again", 2, "after"),
    ):
        died = subprocess.run(
            [sys.executable, "-c", KILLED, *map(str, step)], cwd=ROOT, env=env, capture_output=True, text=True
        )
        assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]
        assert opened() == every, step
        with reading() as db:
            waiting = len(resealing.stand(db).former)
        assert waiting <= left
        left = waiting
    assert 0 < left < 8
    ended = ask(env, "secrets", "rotate")
    assert ended.returncode == 0, ended.stderr
    assert "8 secrets sont scellés par la clé d’aujourd’hui" in ended.stdout.replace("\xa0", " ")
    security.configure(NEW)
    assert opened() == every


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_doctor_says_what_still_needs_a_former_key_and_what_no_key_opens(scene: House) -> None:
    run = scene.app.test_cli_runner().invoke
    looked = ["doctor", "--only", "secrets scellés"]
    assert "8 scellés par la clé d’aujourd’hui" in run(args=looked).output
    security.configure(NEW, [SECRET])
    waits = run(args=looked)
    assert waits.exit_code == 0
    assert "8 dépendent encore d’une clé d’avant" in waits.output
    assert "flask --app wsgi secrets rotate" in waits.output
    security.configure(NEW)
    shut = run(args=looked)
    assert shut.exit_code == 1
    assert "8 ne s’ouvrent par aucune clé" in shut.output
    lost = run(args=["secrets", "rotate"])
    assert lost.exit_code == 1
    assert "PARAPHE_FORMER_SECRET_KEYS" in lost.output
    security.configure(SECRET)
    assert len(opened()) == 8
