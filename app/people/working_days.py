"""The working days of a collectivity: the national holidays, those of Alsace and Moselle, and its own days of closing."""

import re
from datetime import date

from app.core.db import Db
from app.core.refusals import Refusal
from app.people.models import Collectivity
from app.people.own_settings.registry import Kind, Own, Setting, value_in
from workflows.deadlines import Calendar

HOLIDAYS, CLOSED = "holidays", "closing_days"
NATIONAL, LOCAL = "national", "alsace_moselle"
GROUP = "Jours ouvrés"
MOST_DAYS = 40
"""Days of closing, so few that a step always ends."""
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})(?:/(20\d\d))?", re.ASCII)
_LEAP = 2024
"""A year that has every day, 29 February included."""


def settings() -> tuple[Setting, Setting]:
    """The holidays of the place, and the days on which the town hall is closed beside them."""
    holidays = Setting(
        HOLIDAYS,
        GROUP,
        "Jours fériés",
        "Les onze de toute la France ; en Alsace et en Moselle, le vendredi saint et le 26 décembre en plus. "
        "Les délais de la loi (recours, déféré, paiement) n’en dépendent pas.",
        "jours ouvrés des étapes qui commencent ensuite, et heures des courriels",
        Kind.CHOICE,
        lambda: NATIONAL,
        choices=((NATIONAL, "ceux de toute la France"), (LOCAL, "ceux de l’Alsace et de la Moselle")),
    )
    closed = Setting(
        CLOSED,
        GROUP,
        "Jours de fermeture",
        f"Les jours où la mairie est fermée sans être fériés, {MOST_DAYS} au plus, séparés par des virgules : 24/12 pour chaque "
        "année, 15/05/2026 pour une seule. Les délais de la loi (recours, déféré, paiement) n’en dépendent pas.",
        "jours ouvrés des étapes qui commencent ensuite, et heures des courriels",
        Kind.TEXT,
        lambda: "",
        most=600,
        usual=usual,
    )
    return holidays, closed


def usual(text: str) -> str:
    """The days of closing in their usual form: those of each year, then those of one; refuses what is no day."""
    yearly, once = _days(text)
    if (count := len(yearly) + len(once)) > MOST_DAYS:
        raise Refusal("closing-days-many", count=count, most=MOST_DAYS)
    return ", ".join(
        [f"{day:02d}/{month:02d}" for month, day in sorted(yearly)]
        + [f"{day:%d/%m/%Y}" for day in sorted(once)]
    )


def calendar_in(own: Own) -> Calendar:
    """The calendar of whoever has these settings."""
    yearly, once = _days(str(value_in(own, CLOSED).value))
    return Calendar(value_in(own, HOLIDAYS).value == LOCAL, frozenset(yearly), frozenset(once))


def calendar_of(db: Db, collectivity_id: int) -> Calendar:
    """The calendar of a collectivity."""
    row = db.get(Collectivity, collectivity_id)
    return calendar_in(row.settings if row is not None else {})


def _days(text: str) -> tuple[set[tuple[int, int]], set[date]]:
    """The days that this text names: (month, day) of each year, and dates; refuses `closing-days` what is neither."""
    yearly, once = set(), set()
    for word in filter(None, (part.strip() for part in text.split(","))):
        shape = _DAY.fullmatch(word)
        if shape is None:
            raise Refusal("closing-days", text=word[:20])
        day, month, year = (int(part or 0) for part in shape.groups())
        try:
            written = date(year or _LEAP, month, day)
        except ValueError:
            raise Refusal("closing-days", text=word[:20]) from None
        if year:
            once.add(written)
        else:
            yearly.add((month, day))
    return yearly, once
