"""What the page of arrivals shows: what is no folder yet, to who deals with it; what is one, to who reads that folder."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.arrivals import routing, settling
from app.arrivals.models import Arrival, ArrivalFile, State, Way
from app.arrivals.receiving import NO_FILE
from app.arrivals.telling import OPEN
from app.core.db import Db
from app.core.french import instant, taille
from app.core.outbox import Outbox
from app.core.refusals import Refusal, catalogue
from app.folders.access import readable_by
from app.folders.models import Folder
from app.people.actor import Actor
from app.people.models import Desk

PAGE = 50
TABS = {
    "a-regler": ("À régler", (State.REFUSED, State.HELD, State.WAITING)),
    "ouvertes": ("Ouvertes", (State.OPENED,)),
    "de-cote": ("Mises de côté", (State.ASIDE,)),
}
DANGEROUS = frozenset({"file-infected"})
"""What is refused for that is not given to be downloaded."""
LASTING = frozenset(
    {NO_FILE, "file-empty", "file-truncated", "file-damaged", "file-disguised", "file-type-unsupported"}
    | {"file-encrypted", "file-page-loop"}
)
"""Why bytes are refused for what they are: the next try would end as this one did; what was put aside may be taken up."""
FAILED = (
    "Elle n’a pas pu être ouverte, après plusieurs essais. Qui administre en voit la cause dans « Envois »."
)


@dataclass(frozen=True)
class File:
    """A file of an arrival; `rank`: its place among them; `fate`: what was decided of it (`ArrivalFile`)."""

    id: int
    rank: int
    name: str
    size: str
    trouble: str
    offered: bool
    evidence: bool
    fate: str


@dataclass(frozen=True)
class Line:
    """An arrival on the page; `lasting`: its bytes are refused for what they are, and will be each time."""

    id: int
    tries: int
    way: Way
    origin: str
    arrived: str
    state: State
    trouble: str
    remarks: tuple[str, ...]
    files: tuple[File, ...]
    folder_id: int | None
    title: str
    lasting: bool
    word: str


def counts(db: Db, actor: Actor) -> dict[str, int]:
    """How many arrivals each tab has that may be settled or were put aside; what is opened is not counted."""
    query = (
        sa.select(Arrival.state, sa.func.count())
        .where(settling.dealing(db, actor), Arrival.state != State.OPENED)
        .group_by(Arrival.state)
    )
    by_state = {row[0]: int(row[1]) for row in db.execute(query)}
    return {
        tab: sum(by_state.get(state, 0) for state in states)
        for tab, (_, states) in TABS.items()
        if State.OPENED not in states
    }


def elsewhere(db: Db, actor: Actor) -> list[tuple[str, int]]:
    """How many arrivals wait for somebody at each desk, for who administers and deals with none of them; no more of them."""
    if not actor.administrator:
        return []
    here = actor.collectivity_id
    query = (
        sa.select(Arrival.desk_id, sa.func.count())
        .where(
            Arrival.collectivity_id == here,
            Arrival.state.in_((State.HELD, State.REFUSED)),
            sa.case((settling.dealing(db, actor), 1), else_=0)
            == 0,  # one without a desk is dealt with by none
        )
        .group_by(Arrival.desk_id)
    )
    counts_by_desk: Counter[int | None] = Counter()
    sorting = routing.sorting_desk(db, here)
    for desk_id, count in db.execute(query):
        counts_by_desk[sorting if desk_id is None else desk_id] += count
    desks = sa.select(Desk.id, Desk.name).where(Desk.id.in_([desk for desk in counts_by_desk if desk]))
    names = {row.id: row.name for row in db.execute(desks)}
    return sorted((names.get(desk, "") if desk else "", count) for desk, count in counts_by_desk.items())


def lines(db: Db, actor: Actor, tab: str, before: int | None) -> tuple[list[Line], int | None]:
    """The arrivals of a tab, the last first, and the number to go on from when there are more."""
    states = TABS[tab][1]
    query = sa.select(Arrival, Folder.title).outerjoin(Folder, Folder.id == Arrival.folder_id)
    if tab == "ouvertes":
        query = query.where(_theirs(actor), Arrival.collectivity_id == actor.collectivity_id)
    else:
        query = query.where(settling.dealing(db, actor))
    query = query.where(Arrival.state.in_(states))
    if before is not None:
        query = query.where(Arrival.id < before)
    rows = db.execute(query.order_by(Arrival.id.desc()).limit(PAGE + 1)).all()
    shown = [row[0] for row in rows[:PAGE]]
    files, parked = _files(db, shown), _parked(db, shown)
    shared = _shared(db, actor, [file for every in files.values() for file in every])
    told = [
        _line(one, row[1] or "", files[one.id], shared, parked=one.id in parked)
        for one, row in zip(shown, rows[:PAGE], strict=True)
    ]
    return told, shown[-1].id if len(rows) > PAGE else None


def _theirs(actor: Actor) -> Any:
    """The condition on `Folder` that what it was opened from is the actor's to read: a type opens its folders, not what came."""
    return readable_by(actor, opened=False)


def of_folder(db: Db, actor: Actor, folder_id: int) -> Line:
    """What came as a folder; refuses `arrival-none` of one that did not come by itself, or not to his desks."""
    query = sa.select(Arrival).join(Folder, Folder.id == Arrival.folder_id)
    arrival = db.scalar(query.where(Arrival.folder_id == folder_id, _theirs(actor)))
    if arrival is None:
        raise Refusal("arrival-none")
    files = _files(db, [arrival])[arrival.id]
    return _line(arrival, "", files, _shared(db, actor, files), parked=False)


def _may(db: Db, actor: Actor) -> Any:
    """The condition on `Arrival`, with its folder if it has one, that what came with it is the actor's to read."""
    return sa.case((Arrival.state == State.OPENED, _theirs(actor)), else_=settling.dealing(db, actor))


def _shared(db: Db, actor: Actor, files: Sequence[ArrivalFile]) -> set[str]:
    """The digests of what proves how these came, a pile or a mail, and holds others too that are not the actor's to read."""
    proofs = {file.sha256 for file in files if file.kind == "evidence"}
    if not proofs:
        return set()
    query = (
        sa.select(ArrivalFile.sha256)
        .join(Arrival, Arrival.id == ArrivalFile.arrival_id)
        .outerjoin(Folder, Folder.id == Arrival.folder_id)
        .where(
            ArrivalFile.collectivity_id == actor.collectivity_id,
            ArrivalFile.sha256.in_(proofs),
            ArrivalFile.kind == "evidence",
            sa.not_(_may(db, actor)),
        )
    )
    return set(db.scalars(query))


def _files(db: Db, arrivals: Sequence[Arrival]) -> dict[int, list[ArrivalFile]]:
    files: dict[int, list[ArrivalFile]] = defaultdict(list)
    query = sa.select(ArrivalFile).where(ArrivalFile.arrival_id.in_([one.id for one in arrivals]))
    for file in db.scalars(query.order_by(ArrivalFile.arrival_id, ArrivalFile.position)):
        files[file.arrival_id].append(file)
    return files


def _parked(db: Db, arrivals: Sequence[Arrival]) -> set[int]:
    """Those whose work was given up."""
    keys = {f"arrival-{one.id}-{one.tries}": one.id for one in arrivals if one.state == State.WAITING}
    if not keys:
        return set()
    query = sa.select(Outbox.key).where(Outbox.kind == OPEN, Outbox.key.in_(keys), Outbox.state == "parked")
    return {keys[key] for key in db.scalars(query)}


def _line(
    arrival: Arrival, title: str, files: Sequence[ArrivalFile], shared: Collection[str], *, parked: bool
) -> Line:
    return Line(
        arrival.id,
        arrival.tries,
        Way(arrival.way),
        arrival.origin,
        instant(arrival.received_at),
        State(arrival.state),
        FAILED if parked else _why(arrival.reason, arrival.reason_facts),
        tuple(arrival.remarks),
        tuple(_file(arrival, one, files, shared) for one in files),
        arrival.folder_id,
        title,
        arrival.state == State.REFUSED and arrival.reason in LASTING,
        f"{arrival.who} : {arrival.word}" if arrival.word else "",
    )


def _file(arrival: Arrival, file: ArrivalFile, files: Sequence[ArrivalFile], shared: Collection[str]) -> File:
    apart, safe = file.kind == "evidence" and file.sha256 in shared, not dangerous(arrival, file, files)
    given = safe and not apart
    why = "une arrivée à part" if file.fate == "apart" else _why(file.reason, file.reason_facts)
    if safe and apart:
        why = "non donné, il porte aussi des pièces d’autres dossiers, que vous ne lisez pas"
    return File(
        file.id,
        file.position,
        file.filename,
        taille(file.size),
        why or ("" if given else "non donné, l’antivirus a reconnu un virus dans ce qu’il porte"),
        given,
        file.kind == "evidence",
        file.fate,
    )


def _why(key: str | None, facts: dict[str, object]) -> str:
    return catalogue.say(key, facts)[1] if key else ""


def dangerous(arrival: Arrival, file: ArrivalFile, files: Sequence[ArrivalFile]) -> bool:
    """Whether a file is not given to anybody: the antivirus knows it, or the one that it knows came with it unnamed.

    A mail that is kept holds each of the files that came with it. What nobody looked at is looked at when it is given.
    """
    held = {one.reason for one in files} if file.kind == "evidence" else set()
    return bool({file.reason, arrival.reason, *held} & DANGEROUS)


def file_of(db: Db, actor: Actor, arrival_id: int, file_id: int) -> ArrivalFile:
    """A file whose bytes the actor may have; refuses `not-found`, `arrival-dangerous`, `arrival-shared`."""
    row = db.execute(
        sa.select(ArrivalFile, Arrival)
        .join(Arrival, Arrival.id == ArrivalFile.arrival_id)
        .outerjoin(Folder, Folder.id == Arrival.folder_id)
        .where(
            ArrivalFile.id == file_id,
            Arrival.id == arrival_id,
            Arrival.collectivity_id == actor.collectivity_id,
            _may(db, actor),
        )
    ).one_or_none()
    if row is None:
        raise Refusal("not-found")
    file, arrival = row
    if dangerous(arrival, file, _files(db, [arrival])[arrival.id]):
        raise Refusal("arrival-dangerous", filename=file.filename)
    if file.kind == "evidence" and _shared(db, actor, [file]):
        raise Refusal("arrival-shared", filename=file.filename)
    found: ArrivalFile = file
    return found
