"""Secrets at rest under a new key: each is opened by the key that sealed it, and sealed again by the one of now.

A few rows at a time, each few in a transaction of their own: killed anywhere, what is done is done, the rest still opens by
the former key, and the same command goes on. The key itself is never in the database (`PARAPHE_SECRET_KEY`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.arrivals.models import Mailbox
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.sealed import fresh, seal, unseal
from app.core.transaction import use_case
from app.people.models import Challenge, Collectivity, Factor
from app.people.own_settings.registry import Kind, declared, own_value

AT_ONCE = 50
"""How many are sealed again in one transaction."""


@dataclass(frozen=True)
class Sealed:
    """A secret as the database has it: its table, its row, its place among the settings of a collectivity, its text."""

    table: type[Factor] | type[Challenge] | type[Mailbox] | type[Collectivity]
    row_id: int
    place: str
    text: str


@dataclass(frozen=True)
class Stand:
    """How the secrets of the installation stand: sealed by the key of now, by a former one, or opened by none."""

    fresh: int
    former: tuple[Sealed, ...]
    shut: int


def stand(db: Db) -> Stand:
    """Every secret tried with every key that the installation knows."""
    good, former, shut = 0, [], 0
    for sealed in _every(db):
        if fresh(sealed.text):
            good += 1
        elif _opens(sealed.text):
            former.append(sealed)
        else:
            shut += 1
    return Stand(good, tuple(former), shut)


def rotate() -> Stand:
    """Seal again, by the key of now, all that a former one sealed; how the secrets stand afterwards."""
    with reading() as db:
        waiting = stand(db).former
    for start in range(0, len(waiting), AT_ONCE):
        seal_again(waiting[start : start + AT_ONCE])
    with reading() as db:
        return stand(db)


@use_case
def seal_again(db: Db, some: Sequence[Sealed]) -> None:
    """Seal these by the key of now; one that was changed or removed meanwhile is left as it is."""
    for sealed in some:
        row = db.get(sealed.table, sealed.row_id, with_for_update=True, populate_existing=True)
        if isinstance(row, Collectivity):
            if own_value(row.settings, sealed.place) == sealed.text:
                row.settings = {**row.settings, sealed.place: seal(unseal(sealed.text))}
        elif isinstance(row, Factor | Challenge | Mailbox) and row.secret == sealed.text:
            row.secret = seal(unseal(sealed.text))


def _every(db: Db) -> Iterator[Sealed]:
    tables: tuple[type[Factor | Challenge | Mailbox], ...] = (Factor, Challenge, Mailbox)
    for table in tables:
        query = sa.select(table.id, table.secret).where(table.secret.is_not(None)).order_by(table.id)
        yield from (Sealed(table, row.id, "", str(row.secret)) for row in db.execute(query))
    places = [setting.place for setting in declared().values() if setting.kind in {Kind.SEALED, Kind.FILE}]
    for row in db.execute(sa.select(Collectivity.id, Collectivity.settings).order_by(Collectivity.id)):
        texts = ((place, own_value(row.settings, place)) for place in places)
        yield from (Sealed(Collectivity, row.id, place, str(text)) for place, text in texts if text)


def _opens(text: str) -> bool:
    try:
        unseal(text)
    except Refusal:
        return False
    return True
