"""What a person does of an arrival that is no folder yet: has it tried again, lets it in, puts it aside with a reason."""

from typing import Final

import sqlalchemy as sa

from app.arrivals import opening, routing, telling
from app.arrivals.models import Arrival, ArrivalFile, State
from app.arrivals.scans import separating
from app.circuits import own_types
from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.texts import line_of
from app.core.transaction import use_case
from app.folders.access import lock, refuse_stranger
from app.folders.models import ARRIVED, Document, DocumentVersion, Folder
from app.journal.chain import Event, append
from app.people.actor import Actor
from workflows.vocabulary import Right

LONGEST: Final = 300
UNSETTLED: Final = (State.WAITING, State.HELD, State.REFUSED)


def dealing(db: Db, actor: Actor) -> sa.ColumnElement[bool]:
    """The condition on `Arrival` that the actor deals with it: he deposits its type at the sorting desk, or where it was led.

    A type whose reading is closed since, or that is deposited no more, stays that of who deposits it.
    """
    sorting = routing.sorting_desk(db, actor.collectivity_id)
    types = own_types.currents(db, actor.collectivity_id)
    known = [routing.INVOICE, *(one.row.key for one in types if one.row.family == routing.INVOICE)]
    at_each = [
        sa.and_(
            Arrival.kind == name
            if name != routing.INVOICE
            else Arrival.kind.not_in([one for one in known if one != routing.INVOICE]),
            sa.true() if sorting in desks else Arrival.desk_id.in_(desks),
        )
        for name in known
        if (
            desks := actor.desks_with(
                Right.CREATE, (routing.INVOICE, "" if name == routing.INVOICE else name)
            )
        )
    ]
    return sa.and_(Arrival.collectivity_id == actor.collectivity_id, sa.or_(sa.false(), *at_each))


@use_case
def again(db: Db, actor: Actor, arrival_id: int, shown: int) -> str:
    """Have an arrival opened, or tried once more; what it was called. Refuses `not-found`, `arrival-settled`.

    A pile that holds separations alone is then opened as one document: its pages may only be too pale.
    """
    arrival = _taken(db, actor, arrival_id, shown, (*UNSETTLED, State.ASIDE))
    event = "arrival.let_in" if arrival.state == State.HELD else "arrival.again"
    if arrival.reason == separating.NOTHING:  # whoever looked at it has it opened as it is
        arrival.clues = {key: value for key, value in arrival.clues.items() if key != separating.SPLIT}
    arrival.state, arrival.reason, arrival.reason_facts = State.WAITING, None, {}
    arrival.word, arrival.who = "", ""
    arrival.tries += 1  # whatever was given to be done before is of an earlier try
    telling.ask(db, arrival)
    _moved(db, actor, arrival, event, arrival.origin)
    return arrival.origin


@use_case
def put_aside(db: Db, actor: Actor, arrival_id: int, shown: int, word: str) -> str:
    """Put an arrival aside; its bytes stay. Refuses `not-found`, `arrival-settled`, `arrival-word` without a reason."""
    word = line_of(word)
    if not 0 < len(word) <= LONGEST:
        raise Refusal("arrival-word", longest=LONGEST)
    arrival = _taken(db, actor, arrival_id, shown, UNSETTLED)
    arrival.state, arrival.word, arrival.who, arrival.tries = State.ASIDE, word, actor.name, arrival.tries + 1
    _moved(db, actor, arrival, "arrival.aside", f"{arrival.origin} : {word}")
    return arrival.origin


@use_case
def apart(db: Db, actor: Actor, folder_id: int, rank: int) -> tuple[str, list[int]]:
    """Make an arrival of its own of what came with a folder and is another invoice, by the desk that deposits the folder.

    Its name, and the annexes of the folder that are this very file. Refuses `not-emitter`, `arrival-none`, and
    `arrival-not-apart` of the invoice itself, and of what was refused or is apart already.
    """
    folder = lock(db, actor, folder_id, None)
    refuse_stranger(db, actor, folder)
    if folder.emitter_desk_id not in actor.desks_with(Right.CREATE, folder.of_type):
        raise Refusal("not-emitter")
    query = sa.select(Arrival).where(
        Arrival.folder_id == folder.id, Arrival.collectivity_id == actor.collectivity_id
    )
    arrival = db.scalar(query.with_for_update())
    if arrival is None:
        raise Refusal("arrival-none")
    file = db.scalar(
        sa.select(ArrivalFile).where(ArrivalFile.arrival_id == arrival.id, ArrivalFile.position == rank)
    )
    if file is None or not may_part(folder, file.position, evidence=file.kind == "evidence", fate=file.fate):
        raise Refusal("arrival-not-apart")
    opening.part_from(db, actor, arrival, file)
    facts = {"arrival": arrival.id, "words": file.filename, "address": actor.address}
    append(db, folder.collectivity_id, Event("arrival.parted", actor.name, actor.user_id, folder.id, facts))
    annexes = (
        sa.select(Document.id)
        .join(DocumentVersion, DocumentVersion.document_id == Document.id)
        .where(
            Document.folder_id == folder.id,
            Document.role == "attachment",
            Document.removed_at.is_(None),
            DocumentVersion.sha256 == file.sha256,
        )
    )
    return file.filename, list(db.scalars(annexes.distinct()))


def may_part(folder: Folder, position: int, *, evidence: bool, fate: str) -> bool:
    """Whether a file that came with a folder may be another invoice: neither the folder's own, nor a proof, nor dealt with."""
    main = folder.sources.get(ARRIVED, {}).get("main")
    return main is not None and position != main and not evidence and not fate


def _taken(db: Db, actor: Actor, arrival_id: int, shown: int, states: tuple[State, ...]) -> Arrival:
    """The arrival, locked, as the page showed it (`tries`)."""
    arrival = db.scalar(
        sa.select(Arrival).where(Arrival.id == arrival_id, dealing(db, actor)).with_for_update()
    )
    if arrival is None:
        raise Refusal("not-found")
    if arrival.state not in states or arrival.tries != shown:
        raise Refusal("arrival-settled")
    return arrival


def _moved(db: Db, actor: Actor, arrival: Arrival, event: str, words: str) -> None:
    arrival.changed_at = now()
    facts = {"arrival": arrival.id, "words": words, "address": actor.address}
    append(db, arrival.collectivity_id, Event(event, actor.name, actor.user_id, None, facts))
