"""Which invoices of the register are wanted, and in what order: by state, days of arrival and words, at a bounded cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.core.clock import today
from app.core.db import Db
from app.core.refusals import Refusal
from app.display import following
from app.folders.access import FOLDER, readable_by
from app.folders.models import Folder
from app.invoices import outside
from app.invoices.frames import FIELD as FRAME
from app.invoices.frames import WORKS
from app.invoices.history import FAMILY
from app.invoices.interrupting import KEPT
from app.invoices.keys import MANDATED, OF_WORKS, received_key
from app.invoices.mandates import KEPT as MANDATE
from app.invoices.models import InvoiceKey
from app.people.actor import Actor
from workflows.circuit import DONE

MOST = 20_000
"""Lines of a table that is taken away."""
PORTION = 500
SUMMED = 2_000
"""As many invoices are counted, added up and put in order; beyond, the page says that there are more."""
FEW_DAYS = 366
STATES = {
    "": "Toutes",
    "en-cours": "En cours",
    "en-retard": "Vingt jours de la commune dépassés",
    "interrompues": "Délai interrompu",
    "rejetees": "Rejetées",
    "terminees": "Terminées",
    "a-mandater": "À mandater, de Chorus Pro",
    "mandatees": "Mandatées",
    "avoirs": "Avoirs",
    "travaux": "Travaux",
}
ORDERS = {
    "": "La dernière déposée d’abord",
    "recue": "La dernière reçue d’abord",
    "montant": "Le plus grand montant d’abord",
}
_INTERRUPTED = f"f.sources -> '{KEPT}' ->> 'notified' IS NOT NULL"
_RESUMED = f"coalesce(f.sources -> '{KEPT}' ->> 'complete', '')"
# The condition of the index again: SQLite does not see that it follows
STATES_IN_SQL = {
    "en-cours": "f.phase <> 'done' AND f.phase = 'running'",
    "en-retard": "f.phase <> 'done' AND f.phase = 'running' AND f.due_on < :today",
    "interrompues": f"f.phase <> 'done' AND f.phase = 'running' AND {_INTERRUPTED} AND {_RESUMED} = ''",
    "rejetees": "f.phase <> 'done' AND f.phase = 'rejected'",
    "terminees": f"f.place = '{DONE}'",
    "mandatees": f"f.sources -> '{MANDATE}' ->> 'number' <> ''",
    "avoirs": "f.amount_cents < 0",
    "travaux": f"f.fields ->> '{FRAME}' IN ({', '.join(map(repr, sorted(WORKS)))})",
}
IN_HAND = frozenset({"en-cours", "en-retard", "interrompues", "rejetees"})
RARE = frozenset({"avoirs", "travaux", "mandatees"})
BY_KEY = {"travaux": OF_WORKS, "mandatees": MANDATED}
_folder: Any = Folder.__table__
_key: Any = InvoiceKey.__table__


@dataclass(frozen=True)
class Asked:
    """What of the register is wanted: a state of `STATES`, the days of arrival, both included, words, an order of `ORDERS`."""

    state: str = ""
    since: date | None = None
    until: date | None = None
    text: str = ""
    order: str = ""

    @property
    def few(self) -> bool:
        """Whether it is of so few days that the invoices of each are looked for, and not the last ones of all."""
        return self.since is not None and ((self.until or today()) - self.since).days <= FEW_DAYS


def page(
    db: Db, actor: Actor, wanted: Asked, after: int | None, size: int
) -> tuple[Sequence[int], int | None]:
    """So many of what is wanted that follow a mark, and the mark after which there are more.

    The mark is the number of a folder, or in another order than that of the deposits, how many are before.
    """
    if wanted.order:
        numbers, start = in_order(db, actor, wanted), after or 0
        if numbers is not None:
            more = start + size if len(numbers) > start + size else None
            return numbers[start : start + size], more
        after = None
    numbers = chosen(db, actor, wanted, size + 1, after)
    return numbers[:size], numbers[size - 1] if len(numbers) > size else None


def every(db: Db, actor: Actor, wanted: Asked) -> Sequence[int]:
    """All that is wanted; refuses `register-long` beyond `MOST`."""
    numbers = in_order(db, actor, wanted) if wanted.order else None
    if numbers is None:
        numbers = chosen(db, actor, wanted, MOST + 1)
    if len(numbers) > MOST:
        raise Refusal("register-long", most=MOST)
    return numbers


def in_order(db: Db, actor: Actor, wanted: Asked) -> list[int] | None:
    """What is wanted in the order that is wanted; None where it is too much to be put in order."""
    numbers = chosen(db, actor, wanted, SUMMED + 1)
    if len(numbers) > SUMMED:
        return None
    by = _folder.c.fields["received_on"].as_string() if wanted.order == "recue" else _folder.c.amount_cents
    query = sa.select(_folder.c.id).where(_folder.c.id.in_(numbers))
    return list(db.scalars(query.order_by(by.is_(None), by.desc(), _folder.c.id.desc()))) if numbers else []


def portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """These numbers, so many at a time."""
    return (numbers[start : start + PORTION] for start in range(0, len(numbers), PORTION))


def chosen(db: Db, actor: Actor, wanted: Asked, most: int, before: int | None = None) -> list[int]:
    """The latest folders of what is wanted that the actor reads, those before a number.

    What is in hand, below zero, of works, mandated, or of a few days is found by an index of its own where the actor reads
    many, and among his own else; what has words by theirs; the rest among his own, whose last ones are soon found.
    """
    there = _over_there(actor, wanted.state)
    if there is not None and wanted.state == "a-mandater":
        return _among(db, actor, wanted, most, before, there)
    numbers = _here(db, actor, wanted, most, before)
    if there is None:
        return numbers
    rejected = _among(db, actor, wanted, most, before, there)
    return sorted({*numbers, *rejected}, reverse=True)[:most]


def _over_there(actor: Actor, state: str) -> sa.Select[Any] | None:
    """The folders of a state that is known where invoices come from; None where it is not."""
    place = actor.collectivity_id
    if state == "rejetees":
        return outside.rejected(place)
    if state == "a-mandater":
        return outside.to_mandate(place)
    return None


def _among(
    db: Db, actor: Actor, wanted: Asked, most: int, before: int | None, among: sa.Select[Any]
) -> list[int]:
    """Of these folders, the latest of the days and words that are wanted."""
    more, values = _condition(replace(wanted, state=""))
    if wanted.text:
        listed = following.numbers(
            db, actor, FAMILY, more, values, most=MOST, before=before, typed=wanted.text
        )
        among = sa.select(_folder.c.id).where(_folder.c.id.in_(listed or ()), _folder.c.id.in_(among))
    query = sa.select(FOLDER.c.id).where(
        FOLDER.c.id.in_(among),
        FOLDER.c.collectivity_id + 0 == actor.collectivity_id,
        sa.text(more),
        readable_by(actor, FOLDER),
    )
    if before is not None:
        query = query.where(FOLDER.c.id < before)
    return list(db.scalars(query.order_by(FOLDER.c.id.desc()).limit(most), values))


def _here(db: Db, actor: Actor, wanted: Asked, most: int, before: int | None) -> list[int]:
    more, values = _condition(wanted)
    if wanted.text or wanted.state not in IN_HAND:
        rare = not wanted.text and (wanted.state in RARE or wanted.few)
        numbers = following.numbers(
            db, actor, FAMILY, more, values, most=most, before=before, rare=rare, typed=wanted.text
        )
        if numbers is not None:
            return numbers
    query = sa.select(FOLDER.c.id).where(
        FOLDER.c.collectivity_id == actor.collectivity_id,
        FOLDER.c.family == FAMILY,
        sa.text(more),
        readable_by(actor, FOLDER),
    )
    if (keys := _keys(wanted)) is not None:
        of_folder = sa.and_(_key.c.folder_id == FOLDER.c.id, _key.c.collectivity_id == actor.collectivity_id)
        query = query.join(_key, sa.and_(of_folder, keys)).distinct()
    if before is not None:
        query = query.where(FOLDER.c.id < before)
    return list(db.scalars(query.order_by(FOLDER.c.id.desc()).limit(most), values))


def _condition(wanted: Asked) -> tuple[str, dict[str, Any]]:
    """What is wanted as a condition on `f`, with its values: in words in which both databases find their indexes."""
    parts = [STATES_IN_SQL[wanted.state]] if wanted.state in STATES_IN_SQL else []
    values = {"today": today().isoformat()} if wanted.state == "en-retard" else {}
    for sign, name, day in ((">=", "since", wanted.since), ("<=", "until", wanted.until)):
        if day is not None:
            parts.append(f"f.fields ->> 'received_on' {sign} :{name}")
            values[name] = day.isoformat()
    return " AND ".join(parts) or "1 = 1", values


def _keys(wanted: Asked) -> Any:
    """The condition on the keys of what is wanted, where few invoices have them; None where nothing is found by its key."""
    if wanted.few:
        first, last = wanted.since or today(), wanted.until or date.max
        return _key.c.key.between(received_key(first.isoformat()), received_key(last.isoformat()))
    return _key.c.key == BY_KEY[wanted.state] if wanted.state in BY_KEY else None
