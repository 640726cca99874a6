"""P19: the reminders of a collectivity are written in one pass, by statements that do not follow how many desks wait.

Desks in a tree eight wide; of each, its holder and a late step each: 1,000 desks, and 20,000 (`P19_DESKS`). The pass that writes every letter, and the
same asked again, which writes none: statements for each thousand letters, and processor time for each, of both sizes.
"""

import os
import time
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import time_machine

from app.core.db import engine
from app.core.outbox import Outbox
from app.folders.models import Folder, StepRun
from app.notices.digests import remind_in
from app.people.models import Desk, Holder, User
from bench.ground import KINDS, Ground, ground
from bench.measure import Figure, goal, steady
from bench.p1_statements import counted
from workflows.rhythms import MORNING
from workflows.vocabulary import Right

SMALL, LARGE = 1_000, int(os.environ.get("P19_DESKS", "20000"))
STATEMENTS, GROWTH = 4, 1.3
TUESDAY = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def _waited(place: Ground, kind: str, desks: int) -> tuple[str, int]:
    """A collectivity of so many desks where something is late, each with one person told daily."""
    url = place.peopled(kind, f"p19_{desks}", folders=20, movers=5)
    with engine().begin() as connection:
        folder = connection.execute(sa.select(Folder.id, Folder.collectivity_id).limit(1)).one()
        desk = connection.scalar(sa.select(sa.func.max(Desk.id))) or 0
        person = connection.scalar(sa.select(sa.func.max(User.id))) or 0
        numbers, town = range(1, desks + 1), folder.collectivity_id
        connection.execute(sa.delete(StepRun))  # whom the crowd makes wait is no part of it
        connection.execute(
            sa.insert(Desk),
            [
                {
                    "id": desk + n,
                    "collectivity_id": town,
                    "key": f"bureau-{n}",
                    "name": f"Bureau {n}",
                    "parent_id": desk + (n - 1) // 8 if n > 8 else None,
                }
                for n in numbers
            ],
        )
        people = {"collectivity_id": town, "capacity": "Agent", "created_at": TUESDAY}
        chosen = {
            "rhythm": "daily",
            "rhythm_minute": MORNING,
            "rhythm_since": TUESDAY - timedelta(days=90),
        }
        names = {"first_name": "Prénom", "last_name": "Nom"}
        connection.execute(
            sa.insert(User),
            [
                {
                    **people,
                    **chosen,
                    **names,
                    "id": person + n,
                    "login": f"p{n}",
                    "email": f"p{n}@kerlann.example.org",
                }
                for n in numbers
            ],
        )
        connection.execute(
            sa.insert(Holder),
            [{"user_id": person + n, "desk_id": desk + n, "rights": [Right.ACT]} for n in numbers],
        )
        step = {
            "collectivity_id": town,
            "folder_id": folder.id,
            "family": "invoice",
            "own_type": "",
            "pass_number": 0,
            "step": "finance",
            "kind": "visa",
            "state": "active",
            "due_on": date(2026, 11, 20),
            "entered_at": TUESDAY - timedelta(days=20),
        }
        connection.execute(
            sa.insert(StepRun), [{**step, "slot": f"bureau-{n}", "desk_id": desk + n} for n in numbers]
        )
    with engine().execution_options(isolation_level="AUTOCOMMIT").begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    return url, town


def _pass(place: Ground, url: str, town: int) -> tuple[int, int, float]:
    """How many letters a pass writes, by how many statements, in how many seconds of processor."""
    place.point(url)
    began = time.process_time()
    with counted() as counts, time_machine.travel(TUESDAY, tick=False):
        letters = remind_in(town, TUESDAY - timedelta(days=1))
    return letters or 0, counts["statements"], time.process_time() - began


def _measure(place: Ground, kind: str, towns: dict[int, tuple[str, int]]) -> list[Figure]:
    each, figures = {}, []
    for desks, (url, town) in towns.items():
        place.point(url)
        with engine().begin() as connection:
            connection.execute(sa.delete(Outbox))
        letters, statements, seconds = _pass(place, url, town)
        again, _, _ = _pass(place, url, town)
        if (letters, again) != (desks, 0):
            raise RuntimeError(f"{letters} letters for {desks} desks, then {again}")
        each[desks] = seconds / letters
        figures.append(
            Figure(
                f"{kind} statements for a thousand of {desks:,} letters",
                (1000 * statements / letters,),
                STATEMENTS if desks == LARGE else 2 * STATEMENTS,
                note=f"{statements} statements, {seconds:.2f} s of this process",
            )
        )
    return [*figures, Figure(f"{kind} processor of one letter, growth", (each[LARGE] / each[SMALL],), GROWTH)]


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    for kind in KINDS:
        towns = {desks: _waited(place, kind, desks) for desks in (SMALL, LARGE)}
        figures += steady(partial(_measure, place, kind, towns))
    return goal("P19", figures, f"the reminders of {SMALL:,} and {LARGE:,} desks, a late step at each")


if __name__ == "__main__":
    print(run())
