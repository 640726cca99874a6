"""Decisions of the mayor by delegation of the council, to be reported at its next meeting (CGCT L2122-23)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from app.core.clock import today
from app.core.db import Db
from app.core.french import jour_long
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import readable_by
from app.folders.facts import touch
from app.folders.models import Folder
from app.folders.publicity import signed_on
from app.journal.chain import Event, append
from app.people.actor import Actor
from workflows.vocabulary import Right

FAMILY = "decision"
REPORTED = "reported_on"
MOST = 200


@dataclass(frozen=True)
class Decision:
    """A decision that the council has not heard of, or, once `reported_on`, the meeting at which it did."""

    folder_id: int
    number: str
    title: str
    signed_on: date
    mine: bool
    reported_on: date | None = None


def to_report(db: Db, actor: Actor) -> list[Decision]:
    """The decisions signed and not reported yet, of those that this actor reads by a part of his own, the oldest first.

    One that was rejected or given up after its signature is none: nothing was decided.
    """
    query = (
        sa.select(Folder)
        .where(
            sa.text(f"folder.family = '{FAMILY}'"),
            Folder.phase.in_(("running", "done")),
            Folder.place != "withdrawn",
        )
        .where(Folder.fields[REPORTED].as_string().is_(None), readable_by(actor, opened=False))
        .order_by(Folder.id)
        .limit(MOST)
    )
    decisions = []
    for folder in db.scalars(query):
        signed = signed_on(db, folder)
        if signed is not None:
            mine = folder.emitter_desk_id in actor.desks_with(Right.CREATE, folder.of_type)
            decisions.append(Decision(folder.id, folder.number, folder.title, signed, mine))
    return decisions


@use_case
def report_decisions(db: Db, actor: Actor, folder_ids: Sequence[int], sitting_on: date | None) -> int:
    """Write that the mayor reported these decisions to the council on that day; how many.

    Of the decisions that one's own desk deposited; each gets its journal line. Refuses no decision and no day
    (`report-what`), a day to come or before a signature (`report-when`), and one that is not to be reported by this actor,
    or no more (`report-moved`): then none is.
    """
    if not folder_ids or sitting_on is None:
        raise Refusal("report-what")
    for folder_id in sorted(set(folder_ids)):
        folder = db.get(Folder, folder_id, with_for_update=True, populate_existing=True)
        if (
            folder is None
            or folder.collectivity_id != actor.collectivity_id
            or folder.family != FAMILY
            or folder.emitter_desk_id not in actor.desks_with(Right.CREATE, folder.of_type)
            or folder.phase not in {"running", "done"}
            or folder.fields.get(REPORTED)
        ):
            raise Refusal("report-moved")
        signed = signed_on(db, folder)
        if signed is None or not signed <= sitting_on <= today():
            raise Refusal("report-when")
        folder.fields = {**folder.fields, REPORTED: sitting_on.isoformat()}
        touch(folder)
        facts = {REPORTED: sitting_on.isoformat(), "number": folder.number}
        append(db, folder.collectivity_id, Event("act.reported", actor.name, actor.user_id, folder.id, facts))
    return len(set(folder_ids))


def state(db: Db, folder: Folder) -> str:
    """« Rapportée au conseil le … », « À rapporter au conseil »; empty for what is no signed decision."""
    if folder.family != FAMILY:
        return ""
    if reported := folder.fields.get(REPORTED):
        return f"Rapportée au conseil municipal le {jour_long(reported)}."
    return "À rapporter à la prochaine réunion du conseil" if signed_on(db, folder) else ""
