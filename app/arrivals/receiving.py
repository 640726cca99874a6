"""The one entry of what comes by itself: its bytes are in the store and its row is committed before anybody says it was taken.

Killed between any two steps, whoever fetches finds it again over there and brings it again: what is here already is told by
what its way calls it, and is not written twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from app.arrivals import routing, telling
from app.arrivals.models import Arrival, ArrivalFile, State, Way
from app.core.clock import now
from app.core.db import Db, reading
from app.core.texts import cleaned, plain
from app.core.transaction import use_case
from app.files import vault
from app.files.naming import clean_filename
from app.folders.keep import Incoming
from app.journal.chain import Event, append
from app.people.actor import Actor, system

LONGEST = 200
NO_FILE = "arrival-no-file"


@dataclass(frozen=True)
class Kept:
    """A file whose bytes are in the store."""

    filename: str
    sha256: str
    size: int
    kind: str = "file"


@dataclass(frozen=True)
class Brought:
    """What a way brings: `identifier` is its name there, once for ever; the first file is the invoice by Chorus Pro alone.

    `origin`: where it came from, in words: « Chorus Pro, facture 2026-12 ». `name`: who the journal says deposits it. `kind`:
    the family, or the type, under which its files are read. `facts`: those of the family that its way tells, which stand
    over what the file says; `clues`: what else the routing looks at. `held`: it waits for a person to let it through, for
    this reason (a key of refusal). `refused`: why nothing of it may be a folder (a key too). `ignored`: why it is put aside at
    once, in words. `remarks`: what is told of it, each a sentence.
    """

    way: Way
    identifier: str
    origin: str
    name: str
    received_at: datetime
    kind: str = routing.INVOICE
    facts: Mapping[str, Any] = field(default_factory=dict)
    clues: Mapping[str, Any] = field(default_factory=dict)
    held: str = ""
    remarks: tuple[str, ...] = ()
    refused: str = ""
    ignored: str = ""


@dataclass(frozen=True)
class Received:
    """The number of an arrival, and whether it was not here before."""

    id: int
    new: bool


def receive(
    collectivity_id: int,
    way: Way,
    identifier: str,
    files: Sequence[Incoming],
    *,
    origin: str,
    name: str = "",
    received_at: datetime | None = None,
    evidence: Sequence[Incoming] = (),
    kind: str = routing.INVOICE,
    facts: Mapping[str, Any] | None = None,
    clues: Mapping[str, Any] | None = None,
    held: str = "",
    refused: str = "",
    ignored: str = "",
    remarks: Sequence[str] = (),
) -> Received:
    """Keep what came, for its collectivity alone; once this returns, the outside may be told that it was taken.

    `files`: as they came, in the order of their way; nothing is examined here, and nothing is refused: what cannot become a
    folder is told on the page of arrivals, its bytes kept. `evidence`: what only proves how it came. See `Brought`.
    """
    brought = Brought(
        way,
        mark(identifier),
        _shown(origin),
        _shown(name or way.label),
        received_at or now(),
        kind,
        facts or {},
        clues or {},
        held,
        tuple(remarks),
        refused,
        ignored,
    )
    with reading(collectivity_id) as db:
        known = _known(db, collectivity_id, brought)
    if known is not None:
        return Received(known, False)
    store, scope = vault.store(), vault.scope(collectivity_id)
    kept = []
    for what, several in (("file", files), ("evidence", evidence)):
        for one in several:
            stored = store.put_file(scope, one.path)
            kept.append(Kept(clean_filename(one.filename), stored.sha256, stored.size, what))
    return write(system(collectivity_id, brought.name), brought, kept)


@use_case
def write(db: Db, actor: Actor, brought: Brought, kept: Sequence[Kept]) -> Received:
    """Write an arrival whose bytes are in the store, its journal line, and the work of opening it."""
    known = _known(db, actor.collectivity_id, brought)
    if known is not None:
        return Received(known, False)
    return Received(add(db, actor, brought, kept).id, True)


def add(db: Db, actor: Actor, brought: Brought, kept: Sequence[Kept]) -> Arrival:
    """The same, of what is known not to be here, in the caller's transaction."""
    empty = not any(one.kind == "file" for one in kept)
    refused = brought.refused or (NO_FILE if empty else "")
    state = State.REFUSED if refused else State.WAITING
    if brought.held:
        state = State.HELD
    if brought.ignored:
        state = State.ASIDE
    arrival = Arrival(
        collectivity_id=actor.collectivity_id,
        way=brought.way,
        identifier=brought.identifier,
        name=brought.name,
        origin=brought.origin,
        kind=brought.kind,
        facts=dict(brought.facts),
        clues=dict(brought.clues),
        state=state,
        reason=None if brought.ignored else brought.held or refused or None,
        reason_facts={},
        remarks=list(brought.remarks),
        received_at=brought.received_at,
        changed_at=now(),
        desk_id=None,
        folder_id=None,
        to_send=False,
        tries=1,
        word=brought.ignored,
        who=brought.name if brought.ignored else "",
    )
    db.add(arrival)
    db.flush()  # a rival that brings the same is met here; its number names its files
    for position, one in enumerate(kept):
        db.add(
            ArrivalFile(
                collectivity_id=actor.collectivity_id,
                arrival_id=arrival.id,
                position=position,
                kind=one.kind,
                filename=one.filename,
                sha256=one.sha256,
                size=one.size,
                fate="",
                reason=None,
                reason_facts={},
            )
        )
    told = {
        "arrival": arrival.id,
        "way": arrival.way,
        "identifier": arrival.identifier,
        "words": arrival.origin,
        "files": [{"sha256": one.sha256, "name": one.filename} for one in kept],
    }
    if state is State.WAITING:
        telling.ask(db, arrival)
    elif state is not State.ASIDE:
        tell_desk(db, arrival)
    append(db, actor.collectivity_id, Event("arrival.received", actor.name, None, None, told))
    return arrival


def tell_desk(db: Db, arrival: Arrival) -> None:
    """Tell who deals with it that an arrival waits for a person; who administers, where nobody would."""
    collectivity_id = arrival.collectivity_id
    number = arrival.desk_id or routing.sorting_desk(db, collectivity_id)
    kind = routing.kind_named(db, collectivity_id, arrival.kind)
    people = routing.depositors(db, number, kind) if number is not None and kind is not None else []
    if people:
        telling.alert(db, arrival, people, page="/arrivees", desk=True)
    else:
        telling.alert(
            db,
            arrival,
            telling.administrators(db, collectivity_id),
            page="/administration/arrivees",
            desk=False,
        )


def _shown(text: str) -> str:
    """What others wrote, as it is shown: without what shows nothing and turns what follows it."""
    return plain(cleaned(text))[:LONGEST]


def mark(identifier: str) -> str:
    """The name of an arrival over there, as a column holds it: one that is long, or strange, by its digest."""
    kept = cleaned(identifier)
    return kept if kept == identifier and len(kept) <= LONGEST else sha256(identifier.encode()).hexdigest()


def _known(db: Db, collectivity_id: int, brought: Brought) -> int | None:
    number: int | None = db.scalar(
        sa.select(Arrival.id).where(
            Arrival.collectivity_id == collectivity_id,
            Arrival.way == brought.way,
            Arrival.identifier == brought.identifier,
        )
    )
    return number
