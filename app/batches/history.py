"""The batches that a person has begun, newest first: when, how many folders, and what became of them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.batches import covering
from app.batches.gesture import at_work
from app.batches.models import BACK, BACK_BEFORE, OPEN, Batch, BatchItem
from app.batches.progress import VERBS, folders, when_of
from app.core.clock import PARIS
from app.core.db import Db
from app.core.grammar import plural, to_desk
from app.core.spreadsheet import Cell
from app.people.actor import Actor
from app.people.models import Desk

SHOWN = 30
NAMES = {"approve": "Visa", "reject": "Rejet", "sign": "Signature", "hand": "Étape confiée"}


@dataclass(frozen=True)
class Past:
    """One batch in the list: « Signature de 37 dossiers », its moments, and its result in words; `tone`: ok, warn or info.

    `reason`: what was written for all its folders, where its kind asks a reason. `covered`: in whose absence it was done.
    `cells`: the same for a table (`HEAD`).
    """

    id: int
    title: str
    when: str
    result: str
    tone: str
    reason: str
    covered: str
    cells: tuple[Cell, ...]


HEAD = (
    *("Lot", "Geste", "Commencé le", "À", "Terminé le", "À"),
    *("Dossiers", "Faits", "Repris", "Non faits", "Restants", "En l’absence de", "Confiés à", "Motif"),
)
"""Of the batches that are taken away; their hours are those of Paris."""
MOST = 5_000
"""Batches of such a table."""


def history(
    db: Db, actor: Actor, before: int | None = None, most: int = SHOWN
) -> tuple[list[Past], int | None]:
    """`most` batches of this person, those begun before this number if one is given; and where the next ones start."""
    query = sa.select(Batch).where(Batch.user_id == actor.user_id, Batch.started_at.is_not(None))
    if before is not None:
        query = query.where(Batch.id < before)
    batches = list(db.scalars(query.order_by(Batch.id.desc()).limit(most + 1)))
    shown = batches[:most]
    counts: dict[int, Counter[str]] = {batch.id: Counter() for batch in shown}
    # What was taken back is refused by its reason alone
    back = sa.case((BatchItem.reason.in_([*BACK.values(), *BACK_BEFORE]), "back"), else_="refused")
    state = sa.case((BatchItem.state == "refused", back), else_=BatchItem.state).label("state")
    states = sa.select(BatchItem.batch_id, state, sa.func.count()).where(
        BatchItem.batch_id.in_(counts), BatchItem.state != "left_out"
    )
    for batch_id, name, count in db.execute(states.group_by(BatchItem.batch_id, state)):
        counts[batch_id][name] = count
    absents = covering.counted(db, counts)
    keys = {batch.desk for batch in shown if batch.desk}
    desks = sa.select(Desk.key, Desk.name).where(
        Desk.collectivity_id == actor.collectivity_id, Desk.key.in_(keys)
    )
    names = {row.key: row.name for row in db.execute(desks)} if keys else {}
    return [
        _past(db, batch, counts[batch.id], absents[batch.id], names.get(batch.desk, batch.desk))
        for batch in shown
    ], (shown[-1].id if len(batches) > most else None)


def _past(db: Db, batch: Batch, count: Counter[str], absents: Counter[str], desk: str) -> Past:
    past, size = VERBS[batch.kind][1], sum(count.values())
    title = f"{NAMES[batch.kind]} de {folders(size)}" + (f" {to_desk(desk)}" if desk else "")
    result = f"{count['done']} {past}{'s' if count['done'] > 1 else ''} sur {size}"
    if count["back"]:
        result += f", {taken_back(batch.kind, count['back'])}"
    left = sum(count[state] for state in OPEN)
    cells = (
        str(batch.id),
        NAMES[batch.kind],
        *_moment(batch.started_at),
        *_moment(batch.ended_at),
        *(size, count["done"], count["back"], size - count["done"] - count["back"] - left, left),
        ", ".join(f"{name} ({number})" for name, number in sorted(absents.items())),
        *(desk, batch.reason),
    )
    more = (batch.reason, covering.phrase(absents), cells)
    if batch.ended_at is None:
        running = at_work(db, batch)
        state = "en cours" if running else "interrompu"
        rest = f"{left} {'restent' if left > 1 else 'reste'}"
        tone, result = "info" if running else "warn", f"{state} : {result}, {rest}"
        return Past(batch.id, title, when_of(batch), result, tone, *more)
    whole = count["done"] + count["back"] == size
    return Past(batch.id, title, when_of(batch), result, "ok" if whole else "warn", *more)


def taken_back(kind: str, count: int) -> str:
    """« 2 repris » of what was handed on, « 2 annulés » of visas."""
    return plural(count, "repris", "repris") if kind == "hand" else plural(count, "annulé")


def _moment(moment: datetime | None) -> tuple[Cell, Cell]:
    local = moment.astimezone(PARIS) if moment is not None else None
    return (local.date(), f"{local:%H:%M}") if local is not None else (None, None)
