"""« Travail de fond » counts the letters that wait by person, and says when they will leave as their writer will judge it."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.core.db import engine
from app.core.outbox import Outbox
from app.operations.absences.planning import Wanted, plan
from app.people.models import User
from tests.builders.house import House
from tests.notices.test_digests import N, at, looks, subjects
from tests.operations.test_absences import plainly

pytestmark = pytest.mark.in_turn

MONDAY = date(2027, 1, 4)
CLERK = "k.morizur"
DEAD = "son adresse refuse les courriels : plus aucun rappel n’y part"


def page(house: House) -> str:
    text = plainly(house.client(CLERK).get("/administration").get_data(as_text=True))
    return " ".join(text.split())


def refuses(login: str, count: int) -> None:
    with engine().begin() as connection:
        table = User.__table__
        connection.execute(sa.update(table).where(table.c.login == login).values(mail_refusals=count))


def test_letters_that_wait_are_one_line_a_person_with_the_hour_at_which_they_will_leave(house: House) -> None:
    me = house.actor(N)
    with at(MONDAY, 22):
        folders = [house.a_quick_invoice() for _ in range(3)]
        house.drain()
        seen = page(house)
        assert "Nolwenn Abgrallec, 3 courriels" in seen
        assert "Courriel à Nolwenn Abgrallec" not in seen
        assert "chacun ne partira que si ce qu’il annonce attend encore cette personne" in seen
        assert "mar. 5 janv., 6 h 00" in seen
        # Their rows still say six in the morning: their writer, asked then, will have them wait for her return
        plan(me, Wanted(me.user_id or 0, None, f"{MONDAY}T21:00", f"{MONDAY + timedelta(days=3)}T12:00"))
        seen = page(house)
        assert "Nolwenn Abgrallec, 3 courriels" in seen
        assert "jeu. 7 janv., 12 h 01" in seen
        hers = seen.partition("Nolwenn Abgrallec, 3 courriels")[2]
        assert "absente lun. 4 janv., 22 h 00 jeu. 7 janv., 12 h 01" in hers, "why, since when, until when"
        refuses(N, 3)
        assert f"ne partent pas : {DEAD}" in page(house)
        refuses(N, 0)
        with engine().begin() as connection:  # one that failed stands by itself, before them
            rows = Outbox.__table__
            one = sa.and_(rows.c.kind == "mail", rows.c.folder_id == folders[1], rows.c.state == "pending")
            connection.execute(
                sa.update(rows).where(one).values(attempts=2, last_error="450 4.2.0 plus tard")
            )
        seen = page(house)
        assert seen.index("450 4.2.0 plus tard") < seen.index("Nolwenn Abgrallec, 2 courriels")
    house.mail.clear()
    with at(MONDAY + timedelta(days=3), 12, 2):
        looks()
        assert subjects(house, N), "as the page said"
