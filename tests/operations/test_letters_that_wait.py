"""« Travail de fond » counts the letters that wait by person, and says when they will leave as their writer will judge it."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.db import engine
from app.core.outbox import Outbox
from app.notices import choices
from app.operations.absences.planning import Wanted, plan
from app.people.models import User
from tests.builders.house import House
from tests.notices.test_absent import BACK, SUNDAY, returned_with
from tests.notices.test_digests import MORNING, G, N, at, days_of, due, looks, subjects
from tests.notices.test_together import ended
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
        assert "Nolwenn Abgrallec, un seul courriel pour 3 annonces" in seen
        assert "ne partira que si quelque chose attend encore cette personne" in seen
        assert "jeu. 7 janv., 12 h 01" in seen
        hers = seen.partition("Nolwenn Abgrallec, un seul courriel pour 3 annonces")[2]
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
        alone = seen.index("Nolwenn Abgrallec, un seul courriel pour 2 annonces")
        assert seen.index("450 4.2.0 plus tard") < alone
    house.mail.clear()
    with at(MONDAY + timedelta(days=3), 12, 2):
        looks()
        assert subjects(house, N), "as the page said"


@pytest.mark.both_databases
@pytest.mark.parametrize("rhythm", ["now", "daily"])
@pytest.mark.parametrize("late", [False, True])
def test_what_a_return_tells_in_one_letter_is_counted_as_one(house: House, rhythm: str, late: bool) -> None:
    for folder_id in returned_with(house, 3, rhythm=rhythm):
        due(folder_id, MONDAY + timedelta(days=4 if late else 40))
    days_of(
        house, MONDAY + timedelta(days=7), 2, N, 7, 8
    )  # what is late, or of the day, is written and waits
    with at(SUNDAY, 12):
        seen = page(house)
    # Beside what each folder asks, the letter of the day, or the reminder of what is late, waits as well
    count = 3 if (rhythm, late) == ("now", False) else 4
    assert f"Nolwenn Abgrallec, un seul courriel pour {count} annonces" in seen
    assert seen.count("Nolwenn Abgrallec") == 1
    house.mail.clear()
    for hour, minute in ((6, 0), (6, 5), (7, 30), (7, 35), (8, 0)):
        with at(BACK, hour, minute):
            looks()
    assert len(subjects(house, N)) == 1


def test_what_the_letter_of_the_day_will_tell_is_counted_as_one(house: House) -> None:
    with at(MONDAY, 10):
        choices.choose(house.actor(N), "daily", MORNING)
        for folder_id in [house.a_quick_invoice() for _ in range(3)]:
            due(folder_id, MONDAY + timedelta(days=20))
        house.drain()
        seen = page(house)
        assert "Nolwenn Abgrallec, un seul courriel pour 3 annonces" in seen
        assert "mar. 5 janv., 7 h 30" in seen.partition("Nolwenn Abgrallec, un seul")[2]
        house.mail.clear()
    for minute in (30, 33):
        with at(MONDAY + timedelta(days=1), 7, minute):
            looks()
    assert len(subjects(house, N)) == 1


def test_what_is_kept_for_who_chose_never_is_told_as_what_will_not_leave(house: House) -> None:
    returned_with(house, 3)
    days_of(house, MONDAY + timedelta(days=7), 1, N, 7)
    with at(SUNDAY, 12):
        choices.choose(house.actor(N), "never", MORNING)
        seen = page(house)
    assert (
        "ne partent pas : cette personne n’est pas prévenue de ce qui l’attend : « Jamais » est choisi"
        in seen
    )
    assert "chacun ne partira que si" not in seen
    house.mail.clear()
    for minute in (0, 10):
        with at(BACK, 8, minute):
            looks()
    assert subjects(house, N) == []


def test_what_became_of_several_folders_is_counted_as_the_one_letter_that_tells_it(house: House) -> None:
    with at(MONDAY, 9):
        folders = [house.a_quick_invoice() for _ in range(3)]
        house.drain()
        plan(house.actor(G), Wanted(house.actor(G).user_id or 0, None, f"{MONDAY}T09:00", f"{MONDAY}T18:00"))
        ended(house, folders)
        ended(house, folders[:1], "signed")
        seen = page(house)
        assert "Gwenola Tréhorel, 2 courriels pour 4 annonces" in seen
        house.mail.clear()
    for minute in (1, 5, 10):
        with at(MONDAY, 18, minute):
            outbox.drain()
    assert len(subjects(house, G)) == 2
