"""How many people live there, where the collectivity said it: from a number on, the law asks more."""

from app.core.texts import whole
from app.people.own_settings.registry import Own, own_value

POPULATION = "population"
"""The name of the setting."""
MOST_PEOPLE = 20_000_000
THRESHOLD = 3_500
"""From this many inhabitants on, acts are published online and in no other way (CGCT L2131-1, III and IV)."""


def population_in(own: Own) -> int | None:
    """The inhabitants of whoever has these settings; None where nobody said it."""
    count = own_value(own, POPULATION)
    return int(count) if count is not None else None


def read(typed: str) -> int | None:
    """The number that was typed, spaces apart; None for nothing. Raises ValueError for what is no number of inhabitants."""
    plain = "".join(typed.split())
    if not plain:
        return None
    count = whole(plain, MOST_PEOPLE)
    if not count:
        raise ValueError(typed)
    return count
