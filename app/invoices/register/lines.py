"""The lines of the register: the invoices that the reader may read, in as many statements for fifty as for one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import PARIS, today
from app.core.db import Db
from app.core.french import jour
from app.core.refusals import Refusal
from app.display import following
from app.display.views import state_label
from app.folders.access import FOLDER, readable_by
from app.folders.models import ASKED, STEPS_PER_ROUND, Folder, StepRun
from app.invoices.clock import last_day_to_pay, rule_of
from app.invoices.days import received_days
from app.invoices.frames import FIELD as FRAME
from app.invoices.frames import WORKS, in_words
from app.invoices.history import FAMILY
from app.invoices.interrupting import KEPT, Interruption, interruption_of
from app.invoices.keys import OF_WORKS, origin_keys, received_key
from app.invoices.mandates import mandate_of, others_of
from app.invoices.models import InvoiceKey
from app.invoices.performing import starts_of
from app.people.actor import Actor
from app.people.covers import in_absence
from workflows.circuit import DONE, Phase, StepKind

PAGE = 50
MOST = 20_000
"""Lines of a table that is taken away."""
PORTION = 500
SUMMED = 2_000
"""As many invoices are counted and added up; beyond, the page says that there are more."""
FEW_DAYS = 366
STATES = {
    "": "Toutes",
    "en-cours": "En cours",
    "en-retard": "Vingt jours de la commune dépassés",
    "interrompues": "Délai interrompu",
    "rejetees": "Rejetées",
    "terminees": "Terminées",
    "avoirs": "Avoirs",
    "travaux": "Travaux",
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
    "avoirs": "f.amount_cents < 0",
    "travaux": f"f.fields ->> '{FRAME}' IN ({', '.join(map(repr, sorted(WORKS)))})",
}
IN_HAND = frozenset({"en-cours", "en-retard", "interrompues", "rejetees"})
SERVICE, FINANCE = "service_done", "finance"
_folder: Any = Folder.__table__
_run: Any = StepRun.__table__
_key: Any = InvoiceKey.__table__


@dataclass(frozen=True)
class Asked:
    """What of the register is wanted: a state of `STATES`, and the days of arrival, both included."""

    state: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def few(self) -> bool:
        """Whether it is of so few days that the invoices of each are looked for, and not the last ones of all."""
        return self.since is not None and ((self.until or today()) - self.since).days <= FEW_DAYS


@dataclass(frozen=True)
class Decision:
    """Who decided, when, and what was said."""

    who: str
    at: datetime
    word: str

    @property
    def day(self) -> date:
        """The day at the town hall."""
        return self.at.astimezone(PARIS).date()


@dataclass(frozen=True)
class Line:
    """One invoice. `start`, `rule`: when its delay begins and why; `due`: the last day to pay; None where none runs."""

    folder_id: int
    number: str
    seller: str
    siret: str
    frame: str
    cents: int | None
    credit: bool
    state: str
    received: date | None
    start: date | None
    rule: str
    interruption: Interruption | None
    due: date | None
    late: bool
    handed: date | None
    mandate: str
    decisions: Mapping[str, Decision]
    origin: str
    origin_id: int | None

    @property
    def works(self) -> str:
        """Its frame in words where it is of a contract of works; else empty."""
        return in_words(self.frame) if self.frame in WORKS else ""

    @property
    def amount(self) -> Decimal | None:
        """In euros, below zero for a credit note."""
        return None if self.cents is None else Decimal(self.cents) / 100


@dataclass(frozen=True)
class Sum:
    """How many invoices are wanted, and what they add up to, credit notes subtracted; None where they are too many."""

    count: int | None
    cents: int | None


def page(
    db: Db, actor: Actor, wanted: Asked, before: int | None = None, size: int = PAGE
) -> tuple[list[Line], int | None]:
    """The latest invoices of what is wanted, those before a number; and the number before which there are more."""
    numbers = _numbers(db, actor, wanted, size + 1, before)
    more = numbers[size - 1] if len(numbers) > size else None
    return _lines(db, actor, numbers[:size]), more


def every(db: Db, actor: Actor, wanted: Asked) -> list[Line]:
    """All that is wanted; refuses `register-long` beyond `MOST`."""
    numbers = _numbers(db, actor, wanted, MOST + 1)
    if len(numbers) > MOST:
        raise Refusal("register-long", most=MOST)
    return [line for portion in portions(numbers) for line in _lines(db, actor, portion)]


def total(db: Db, actor: Actor, wanted: Asked) -> Sum:
    """The count and the sum of what is wanted."""
    numbers = _numbers(db, actor, wanted, SUMMED + 1)
    if len(numbers) > SUMMED:
        return Sum(None, None)
    query = sa.select(sa.func.sum(_folder.c.amount_cents)).where(_folder.c.id.in_(numbers))
    return Sum(len(numbers), int(db.scalar(query) or 0) if numbers else 0)


def portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """These numbers, so many at a time."""
    return (numbers[start : start + PORTION] for start in range(0, len(numbers), PORTION))


def _numbers(db: Db, actor: Actor, wanted: Asked, most: int, before: int | None = None) -> list[int]:
    """The latest folders of what is wanted that the actor reads, those before a number.

    What is in hand, below zero, of works, or of a few days is found by an index of its own where the actor reads many, and
    among his own else; the rest among his own, whose last ones are soon found.
    """
    more, values = _condition(wanted)
    if wanted.state not in IN_HAND:
        rare = wanted.state in {"avoirs", "travaux"} or wanted.few
        numbers = following.numbers(db, actor, FAMILY, more, values, most=most, before=before, rare=rare)
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
    return _key.c.key == OF_WORKS if wanted.state == "travaux" else None


def _lines(db: Db, actor: Actor, numbers: Sequence[int]) -> list[Line]:
    if not numbers:
        return []
    folders = {folder.id: folder for folder in db.scalars(sa.select(Folder).where(Folder.id.in_(numbers)))}
    decisions = _decisions(db, numbers)
    origins = _origins(db, actor, folders.values())
    return [_line(folders[number], decisions[number], origins.get(number)) for number in numbers]


def _line(folder: Folder, decisions: Mapping[str, Decision], origin: int | None) -> Line:
    family = family_of(folder.in_force)
    credit = family.credits(folder.facts)
    starts = starts_of(folder) if family.due(folder.facts) else []
    start, interruption = min(starts, default=None), interruption_of(folder)
    due = last_day_to_pay(start, interruption) if start is not None else None
    running = folder.phase in {Phase.RUNNING, Phase.REJECTED, Phase.DRAFT}
    return Line(
        folder_id=folder.id,
        number=str(folder.fields.get("number") or ""),
        seller=str(folder.fields.get("seller") or ""),
        siret=str(folder.fields.get("seller_siret") or folder.fields.get("seller_siren") or ""),
        frame=str(folder.fields.get(FRAME) or ""),
        cents=folder.amount_cents,
        credit=credit,
        state=state_label(folder.place, None),
        received=min(received_days(folder), default=None),
        start=start,
        rule=_rule(folder, starts, interruption)
        if start is not None
        else "Avoir : pas de délai"
        if credit
        else "",
        interruption=interruption,
        due=due,
        late=running and due is not None and due < today(),
        handed=folder.done_at.astimezone(PARIS).date() if folder.place == DONE and folder.done_at else None,
        mandate=", ".join(filter(None, [mandate_of(folder), *others_of(folder)])),
        decisions=decisions,
        origin=str(folder.fields.get("preceding") or "") if credit else "",
        origin_id=origin,
    )


def _rule(folder: Folder, starts: Collection[date], interruption: Interruption | None) -> str:
    """Why the delay begins on its day, in words (CCP R2192-12, R2192-15, R2192-29)."""
    rule = rule_of(folder, min(starts))
    rule = f"{rule[:1].upper()}{rule[1:]}"
    rule = f"{rule}, la première des dates en désaccord" if len(starts) > 1 else rule
    if interruption is not None and interruption.complete is not None:
        return f"{rule}, puis tout reçu le {jour(interruption.complete)}"
    return rule


def _decisions(db: Db, numbers: Collection[int]) -> Mapping[int, dict[str, Decision]]:
    """By folder, what stands in its round of each kind: service, finance, signature, rejection."""
    query = (
        sa.select(
            _run.c.folder_id,
            _run.c.step,
            _run.c.kind,
            _run.c.state,
            _run.c.who,
            _run.c.absent,
            _run.c.ended_at,
            _run.c.comment,
        )
        .join(_folder, _folder.c.id == _run.c.folder_id)
        .where(
            _run.c.folder_id.in_(numbers),
            _run.c.state.in_(["done", "rejected"]),
            _run.c.who.is_not(None),
            _run.c.ended_at.is_not(None),
            _run.c.slot.not_like(f"{ASKED}%"),
            # Of the round that stands: what was decided before a rejection is decided anew
            _run.c.pass_number >= _folder.c.round * STEPS_PER_ROUND,
            _run.c.pass_number % STEPS_PER_ROUND < STEPS_PER_ROUND // 2,
        )
        .order_by(_run.c.id)
    )
    decisions: dict[int, dict[str, Decision]] = defaultdict(dict)
    for row in db.execute(query):
        if row.state == "rejected":
            name = "rejected"
        elif row.kind == StepKind.SIGN.value:
            name = "signed"
        else:
            name = row.step
        decisions[row.folder_id][name] = Decision(
            in_absence(row.who, row.absent), row.ended_at, row.comment or ""
        )
    return decisions


def _origins(db: Db, actor: Actor, folders: Iterable[Folder]) -> dict[int, int]:
    """Of each credit note, the invoice whose number it names, where it is here and the reader reads it."""
    wanted = {key: folder.id for folder in folders for key in origin_keys(folder.facts)}
    if not wanted:
        return {}
    query = (
        sa.select(_key.c.key, _key.c.folder_id)
        .join(_folder, _folder.c.id == _key.c.folder_id)
        .where(
            _key.c.collectivity_id == actor.collectivity_id,
            _key.c.key.in_(wanted),
            readable_by(actor, _folder),
        )
        .order_by(_key.c.folder_id)
    )
    return {wanted[row.key]: row.folder_id for row in db.execute(query) if wanted[row.key] != row.folder_id}
