"""The scanners of a collectivity: the folder of each, chosen under the share of the host, and what was seen there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from app.arrivals import routing
from app.arrivals.models import Scanner
from app.arrivals.shown import locked
from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.texts import line_of
from app.core.transaction import use_case
from app.files import piles
from app.journal.chain import Event, append
from app.people.actor import Actor, require
from workflows.vocabulary import Right

MOST: Final = 20
LONGEST: Final = 80
SPLITS: Final = (
    ("", "Non : chaque fichier est un document"),
    (piles.CODE, "À chaque page de séparation imprimée (conseillé)"),
    (piles.BLANK, "À chaque page blanche, en recto seul"),
)
"""How a pile is cut, as an administrator chooses it."""
_FOLDER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True)
class Source:
    """A scanner, as plain facts. `split`: how a pile is cut (`SPLITS`).

    `made`: its folder was there once, so that it is not made anew; `waits`: files not yet whole.
    """

    id: int
    collectivity_id: int
    name: str
    folder: str
    kind: str
    split: str = ""
    active: bool = True
    made: bool = False
    seen: Mapping[str, Any] = field(default_factory=dict)
    waits: int = 0
    fault: str = ""
    looked_at: datetime | None = None
    revision: int = 0


def plain(row: Scanner) -> Source:
    """A row, as plain facts."""
    return Source(
        row.id,
        row.collectivity_id,
        row.name,
        row.folder,
        row.kind,
        row.split,
        row.active,
        row.made,
        row.seen,
        row.waits,
        row.fault,
        row.looked_at,
        row.revision,
    )


def sources(db: Db, collectivity_id: int) -> list[Source]:
    """The scanners of a collectivity, those that are looked at first."""
    query = sa.select(Scanner).where(Scanner.collectivity_id == collectivity_id)
    return [plain(row) for row in db.scalars(query.order_by(Scanner.active.desc(), Scanner.id))]


@use_case
def save(db: Db, actor: Actor, wanted: Source) -> int:
    """Add a scanner (number 0), or change the one of this number; its number.

    Refuses `right-missing`, `scanner-moved` where somebody has changed it since, `scanner-many`, `scanner-name`,
    `scanner-folder`, `scanner-taken`, `scanner-split`, `routing-kind`.
    """
    require(actor, Right.ADMINISTER)
    here = actor.collectivity_id
    usual = _usual(db, here, wanted)
    row = None
    if wanted.id:
        row = locked(db, Scanner, wanted.id, here, wanted.revision, "scanner-moved")
    elif len(sources(db, here)) >= MOST:
        raise Refusal("scanner-many", most=MOST)
    twin = sa.select(Scanner.id).where(
        Scanner.collectivity_id == here,
        sa.func.lower(Scanner.folder) == usual.folder.lower(),  # some shares hold both for one
        Scanner.id != usual.id,
    )
    if db.scalar(twin) is not None:
        raise Refusal("scanner-taken")
    if row is None:
        row = Scanner(collectivity_id=here, folder="", looked_at=None, revision=0)
        db.add(row)
    if row.folder != usual.folder:
        row.made, row.seen = False, {}
    row.name, row.folder, row.kind, row.split = usual.name, usual.folder, usual.kind, usual.split
    row.active = usual.active
    row.waits, row.fault, row.looked_at, row.revision = 0, "", None, row.revision + 1
    db.flush()
    facts = {
        "scanner": row.id,
        "words": f"{row.name}, {'regardé' if row.active else 'non regardé'}",
        "folder": row.folder,
        "kind": row.kind,
        "split": row.split,
        "address": actor.address,
    }
    append(db, here, Event("arrival.scanner", actor.name, actor.user_id, None, facts))
    return row.id


def _usual(db: Db, here: int, wanted: Source) -> Source:
    """What was typed, in its usual form; refuses what cannot be."""
    name, folder = line_of(wanted.name), line_of(wanted.folder)
    if not 0 < len(name) <= LONGEST:
        raise Refusal("scanner-name", longest=LONGEST)
    if not _FOLDER.fullmatch(folder):
        raise Refusal("scanner-folder")
    if wanted.kind not in dict(routing.kinds(db, here)):
        raise Refusal("routing-kind", where="numériseur")
    if wanted.split not in dict(SPLITS):
        raise Refusal("scanner-split")
    return replace(wanted, name=name, folder=folder)


@use_case
def note(
    db: Db,
    source: Source,
    *,
    seen: Mapping[str, Any],
    waits: int,
    fault: str,
    made: bool,
) -> None:
    """Keep what a look saw, unless the scanner was changed meanwhile."""
    row = db.scalar(
        sa.select(Scanner)
        .where(Scanner.id == source.id, Scanner.collectivity_id == source.collectivity_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or row.revision != source.revision:
        return
    row.seen, row.waits, row.fault, row.made, row.looked_at = dict(seen), waits, fault, made, now()
