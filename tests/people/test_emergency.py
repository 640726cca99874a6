"""The account that a town keeps in its safe opens when nothing else does, and nobody opens it in silence."""

import json

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.db import reading
from app.core.refusals import Refusal
from app.people import desks
from app.people.models import User
from tests.builders.house import PASSWORD, House

pytestmark = pytest.mark.in_turn

SIREN, SAFE = "212909998", "coffre"


@pytest.fixture
def safe(house: House) -> int:
    """An administrator's account that nobody uses, said to be the one in the safe."""
    here = house.actor("k.morizur").collectivity_id
    desks.create_user(
        here,
        SAFE,
        email="coffre@kerlann-sur-mer.example",
        first_name="Compte",
        last_name="De Secours",
        capacity="Compte de secours",
        password=PASSWORD,
        administrator=True,
    )
    return here


def told(house: House) -> list[str]:
    """Who was written to that the account in the safe was opened."""
    outbox.drain()
    return sorted(
        one["To"].rpartition("<")[2].rstrip(">")
        for one in house.mail.letters
        if "secours vient" in one["Subject"]
    )


def test_each_opening_of_the_account_in_the_safe_is_told_to_every_administrator(
    house: House, safe: int, capsys: pytest.CaptureFixture[str]
) -> None:
    house.client(SAFE)
    assert told(house) == []
    run = house.app.test_cli_runner().invoke(args=["people", "emergency", SIREN, SAFE])
    assert "chaque connexion sera dite aux administrateurs" in run.output
    capsys.readouterr()
    for times in (1, 2):
        house.client(SAFE)
        assert told(house) == sorted(
            ["coffre@kerlann-sur-mer.example", "k.morizur@kerlann-sur-mer.example"] * times
        )
    lines = [json.loads(one) for one in capsys.readouterr().err.splitlines() if '"emergency.opened"' in one]
    with reading() as db:
        number = db.scalar(sa.select(User.id).where(User.login == SAFE))
    assert [one["user"] for one in lines] == [number, number]
    journal = house.client("k.morizur").get("/administration/journal").get_data(as_text=True)
    assert "devient un compte de secours" in journal
    off = house.app.test_cli_runner().invoke(args=["people", "emergency", SIREN, SAFE, "--off"])
    assert "n’est plus un compte de secours" in off.output
    journal = house.client("k.morizur").get("/administration/journal").get_data(as_text=True)
    assert "n’est plus un compte de secours" in journal
    house.client(SAFE)
    assert len(told(house)) == 4


def test_another_account_is_opened_in_peace_and_an_unknown_one_is_refused(house: House, safe: int) -> None:
    desks.keep_for_emergency(safe, SAFE, reserved=True)
    house.client("g.trehorel")
    assert told(house) == []
    with pytest.raises(Refusal, match="user-unknown"):
        desks.keep_for_emergency(safe, "personne", reserved=True)
    run = house.app.test_cli_runner().invoke(args=["people", "emergency", SIREN, "g.trehorel"])
    assert run.exit_code == 1
    assert "n’administre pas" in run.output
