"""The head of each chain in one line, to be kept outside, and whether the journal still carries what such lines say.

A line is « SIREN, number of the last entry, its hash, moment »: whoever rewrites the entries before it changes that hash.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from app.core.db import LARGEST_KEY, Db
from app.core.refusals import Refusal
from app.journal.chain import GENESIS
from app.journal.models import ChainHead, JournalEntry

_entry: Any = JournalEntry.__table__
_head: Any = ChainHead.__table__
# People stand above the journal: of a collectivity, no more is read here.
place = sa.table(
    "collectivity", sa.column("id", sa.Integer), sa.column("siren", sa.Text), sa.column("name", sa.Text)
)
"""Of a collectivity, its number in the law and its name."""
SIREN_LENGTH = 9
_LINE = re.compile(r"(?P<siren>[0-9]{9})\s+(?P<seq>[0-9]{1,10})\s+(?P<hash>[0-9a-f]{64})(?:\s+(?P<at>\S+))?")


def number_of(db: Db, typed: str) -> int:
    """The number here of a collectivity named by its SIREN, or by that number; refuses `journal-unknown`.

    A number may still name a journal whose collectivity is gone; a SIREN names one that is here.
    """
    plain = "".join(typed.split())
    number = db.scalar(sa.select(place.c.id).where(place.c.siren == plain))
    if number is None and plain.isascii() and plain.isdigit() and len(plain) < SIREN_LENGTH:
        number = int(plain)
    if number is None:
        raise Refusal("journal-unknown", collectivity=typed)
    return int(number)


def heads(db: Db, moment: datetime) -> Iterator[str]:
    """One line for each collectivity, in the order of the SIREN; the moment is UTC, to the second."""
    query = (
        sa.select(place.c.siren, _head.c.seq, _head.c.hash)
        .join_from(place, _head, _head.c.collectivity_id == place.c.id, isouter=True)
        .order_by(place.c.siren)
    )
    at = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    for siren, seq, hashed in db.execute(query):
        yield f"{siren} {seq or 0} {hashed or GENESIS} {at}"


def compare(db: Db, lines: Iterable[str]) -> tuple[int, str | None]:
    """How many lines the journal still carries, and what is wrong with the first that it does not, in French.

    Blank lines and lines that open with « # » are passed over. Only together with `verify` does it prove anything: that
    one tells whether an entry is what its hash says.
    """
    agreed = 0
    for rank, line in enumerate(lines, start=1):
        # Some editors put a byte order mark before the first line.
        text = line.strip().lstrip("\ufeff")
        if not text or text.startswith("#"):
            continue
        if fault := _fault(db, text):
            return agreed, f"ligne {rank}, {fault}"
        agreed += 1
    return agreed, None


def _fault(db: Db, text: str) -> str | None:
    match = _LINE.fullmatch(text)
    if match is None:
        return "ce n’est pas une ligne de « journal head »"
    siren, seq, hashed, at = match["siren"], int(match["seq"]), match["hash"], match["at"]
    noted = f" notée le {at}" if at else ""
    number = db.scalar(sa.select(place.c.id).where(place.c.siren == siren))
    if number is None:
        return f"la collectivité {siren} n’existe plus"
    if seq == 0:
        return None if hashed == GENESIS else "ce n’est pas une ligne de « journal head »"
    # A mark is typed text: its number may be larger than a key can be.
    query = sa.select(_entry.c.hash).where(
        _entry.c.collectivity_id == number, _entry.c.seq == min(seq, LARGEST_KEY)
    )
    now_there = db.scalar(query)
    if now_there is None:
        return f"collectivité {siren} : l’écriture n° {seq}{noted} n’est plus dans le journal"
    if now_there != hashed:
        return f"collectivité {siren} : le journal a été réécrit à l’écriture n° {seq}{noted}, ou avant elle"
    return None
