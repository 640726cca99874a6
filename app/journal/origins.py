"""From where an act came: kept beside its line, so that an address may go and the chain still hold (PRV-03, decision 0025).

The line's facts carry `origin`, the SHA-256 of the JSON text of [salt, address, browser]; these three are a row of their own.
Lines of before this was so carry the bare address, which their hash covers.
"""

import hashlib
import json
import secrets
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.journal.models import JournalEntry, Origin

KEPT_APART = ("address", "client")
COVERED = "origin"
"""Where a line's facts carry the digest."""
ERASED = "journal.addresses_erased"
"""The line that says up to which one the addresses went, and after how many days."""
SALT = 16
CHUNK = 500
_entry: Any = JournalEntry.__table__
_origin: Any = Origin.__table__


def digest(salt: str, address: str, client: str) -> str:
    """What a line says of an origin: nothing that can be guessed without the salt."""
    return hashlib.sha256(json.dumps([salt, address, client], ensure_ascii=False).encode()).hexdigest()


def parted(facts: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, str] | None]:
    """The facts as the chain covers them, and what is kept beside; None where they say of no place."""
    if not any(facts.get(name) for name in KEPT_APART):
        return facts, None
    salt = secrets.token_hex(SALT)
    address, client = (str(facts.get(name) or "") for name in KEPT_APART)
    left = {name: value for name, value in facts.items() if name not in KEPT_APART}
    return {**left, COVERED: digest(salt, address, client)}, {
        "salt": salt,
        "address": address,
        "client": client,
    }


@dataclass(frozen=True)
class Erasure:
    """A line that says: the addresses up to the line `upto` went, being more than so many `days` old."""

    seq: int
    at: datetime
    upto: int
    days: int


def erasures(db: Db, collectivity_id: int) -> list[Erasure]:
    """The erasures of a journal, in their order, each farther than those before it.

    What an altered line tells is left to `verify`, which names it.
    """
    query = sa.select(_entry.c.seq, _entry.c.at, _entry.c.facts).where(
        _entry.c.collectivity_id == collectivity_id,
        _entry.c.event == ERASED,
        sa.text("folder_id IS NULL"),
    )
    found: list[Erasure] = []
    for row in db.execute(query.order_by(_entry.c.seq)):
        try:
            facts = json.loads(row.facts)
            one = Erasure(row.seq, datetime.fromisoformat(row.at), int(facts["upto"]), int(facts["days"]))
        except (ValueError, KeyError, TypeError):
            continue
        # One that claims to reach beyond itself took nothing
        if (found[-1].upto if found else 0) < one.upto < one.seq:
            found.append(one)
    return found


def of(known: Sequence[Erasure], seq: int) -> Erasure | None:
    """The first of these erasures (as `erasures` gives them) that reached a line, and so took its address."""
    rank = bisect_left(known, seq, key=lambda one: one.upto)
    return known[rank] if rank < len(known) else None


def fault(row: Any, known: Sequence[Erasure]) -> str | None:
    """What is wrong with the origin of a line of `entries`, in French; None where it is as its hash says, or went in time."""
    covered = _covered(row.facts)
    erased = of(known, row.seq) if covered else None
    name = f"l’adresse de la ligne {row.seq} (« {row.event} », {row.at})"
    if covered is None:
        return f"{name} a été ajoutée : la ligne n’en couvre aucune" if row.salt is not None else None
    if row.salt is not None:
        if digest(row.salt, row.address, row.client) != covered:
            return f"{name} a été modifiée"
        return f"{name} est là, et la ligne {erased.seq} la dit effacée" if erased else None
    if erased is None:
        return f"{name} a été ôtée, et aucune ligne ne le dit"
    if not _due(row.at, erased):
        return f"{name} a été ôtée avant les {erased.days} jours que dit la ligne {erased.seq}"
    return None


def _due(at: str, erased: Erasure) -> bool:
    try:
        return erased.at - datetime.fromisoformat(at) >= timedelta(days=erased.days)
    except (ValueError, TypeError):  # a forged date
        return False


def _covered(text: str) -> str | None:
    if f'"{COVERED}":' not in text:  # nearly every line of a folder: it is not read twice
        return None
    found = json.loads(text)
    return found.get(COVERED) if isinstance(found, dict) else None


def told(db: Db, rows: Sequence[JournalEntry]) -> Iterator[tuple[JournalEntry, dict[str, Any]]]:
    """Lines of one collectivity with their facts as people read them: the address where it is kept.

    Where it went, `erased_at` says when; it is None where no line says that it went.
    """
    known: list[Erasure] | None = None
    for rank in range(0, len(rows), CHUNK):
        some = rows[rank : rank + CHUNK]
        query = sa.select(_origin).where(
            _origin.c.collectivity_id == some[0].collectivity_id, _origin.c.seq.in_([one.seq for one in some])
        )
        kept = {one.seq: one for one in db.execute(query)}
        for row in some:
            facts = json.loads(row.facts)
            if facts.pop(COVERED, None) is None:
                yield row, facts
            elif (origin := kept.get(row.seq)) is not None:
                yield row, {**facts, **{one: value for one in KEPT_APART if (value := getattr(origin, one))}}
            else:
                known = erasures(db, row.collectivity_id) if known is None else known
                erased = of(known, row.seq)
                yield row, {**facts, "erased_at": erased.at.isoformat() if erased else None}
