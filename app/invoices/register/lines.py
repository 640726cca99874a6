"""The lines of the register: the invoices that the reader may read, in as many statements for fifty as for one."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import PARIS, today
from app.core.db import Db
from app.core.french import EURO, jour
from app.display.views import amount, state_label
from app.folders.access import readable_by
from app.folders.models import ASKED, STEPS_PER_ROUND, Folder, StepRun
from app.invoices import outside
from app.invoices.clock import last_day_to_pay, rule_of
from app.invoices.days import received_days
from app.invoices.frames import FIELD as FRAME
from app.invoices.frames import WORKS, in_words
from app.invoices.interrupting import Interruption, interruption_of
from app.invoices.keys import origin_keys
from app.invoices.mandates import mandate_of, others_of
from app.invoices.models import InvoiceKey
from app.invoices.performing import starts_of
from app.invoices.register import choosing
from app.invoices.register.choosing import Asked, portions
from app.people.actor import Actor
from app.people.covers import in_absence
from workflows.circuit import DONE, Phase, StepKind
from workflows.vocabulary import Right

PAGE = 50
SERVICE, FINANCE = "service_done", "finance"
_folder: Any = Folder.__table__
_run: Any = StepRun.__table__
_key: Any = InvoiceKey.__table__


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
    """One invoice. `start`, `rule`: when its delay begins and why; `due`: the last day to pay; None where none runs.

    `there`: how it stands where it came from, with the rejection that its supplier reads. `own`: its reader deposits it, and says
    what is said there.
    """

    folder_id: int
    number: str
    seller: str
    siret: str
    frame: str
    cents: int | None
    currency: str
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
    there: outside.Standing | None
    origin: str
    origin_id: int | None
    own: bool = False

    @property
    def works(self) -> str:
        """Its frame in words where it is of a contract of works; else empty."""
        return in_words(self.frame) if self.frame in WORKS else ""

    @property
    def amount(self) -> Decimal | None:
        """In its currency, below zero for a credit note."""
        return amount(self.cents, self.currency)


def page(
    db: Db, actor: Actor, wanted: Asked, before: int | None = None, size: int = PAGE
) -> tuple[list[Line], int | None]:
    """The invoices of what is wanted that follow a mark, in its order; and the mark after which there are more."""
    numbers, more = choosing.page(db, actor, wanted, before, size)
    return _lines(db, actor, numbers), more


def every(db: Db, actor: Actor, wanted: Asked) -> list[Line]:
    """All that is wanted; refuses `register-long` beyond `choosing.MOST`."""
    return [
        line for portion in portions(choosing.every(db, actor, wanted)) for line in _lines(db, actor, portion)
    ]


def _lines(db: Db, actor: Actor, numbers: Sequence[int]) -> list[Line]:
    if not numbers:
        return []
    folders = {folder.id: folder for folder in db.scalars(sa.select(Folder).where(Folder.id.in_(numbers)))}
    decisions = _decisions(db, numbers)
    origins = _origins(db, actor, folders.values())
    there = outside.standings(db, numbers)
    return [
        replace(
            _line(folders[number], decisions[number], there.get(number), origins.get(number)),
            own=folders[number].emitter_desk_id in actor.desks_with(Right.CREATE, folders[number].of_type),
        )
        for number in numbers
    ]


def _line(
    folder: Folder,
    decisions: Mapping[str, Decision],
    there: outside.Standing | None,
    origin: int | None,
) -> Line:
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
        currency=str(folder.fields.get("currency") or EURO),
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
        there=there,
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
