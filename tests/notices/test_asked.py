"""What a letter asks the base: each thing once, and of an account's letter nothing of what its reader may read."""

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.core.outbox import Outbox
from app.notices import letter
from app.people import desks
from tests.builders.house import House
from tests.display.test_folder_page import heard

STANDING = "SELECT user_account.id AS number"
"""How the question begins by what a person acts: his desks, his mandates, whom he stands in for."""
RELEASED = "SELECT asked_opinion.folder_id, max(step_run.ended_at)"
"""How the question begins since when the opinions that held a step are given."""


@pytest.mark.parametrize(
    ("event", "standing", "released", "most"),
    [
        ("your_turn", 1, 2, 13),
        ("password_reset", 0, 0, 2),
    ],
)
def test_a_letter_asks_each_thing_once(
    house: House, event: str, standing: int, released: int, most: int
) -> None:
    """Since when it waits is asked once more after the look whether its step is held, which may have ended meanwhile."""
    house.a_quick_invoice()
    desks.ask_reset("t.lescoat")
    with reading() as db:
        rows = {
            row.payload["event"]: row for row in db.scalars(sa.select(Outbox).where(Outbox.kind == "mail"))
        }
    with heard() as asked:
        letter.write(rows[event], house.settings, house.app.jinja_env)
    counts = [len([one for one in asked if one.startswith(question)]) for question in (STANDING, RELEASED)]
    assert counts == [standing, released]
    assert len(asked) <= most, asked
