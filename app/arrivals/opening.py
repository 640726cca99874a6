"""Open a folder of an arrival, in the background, by the very steps of a deposit; what cannot become one is told, bytes kept.

The folder and what the arrival says of it are written in one transaction: killed before it, nothing was made; after it, the
work that is taken up again finds the folder.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.arrivals import receiving, routing
from app.arrivals.criteria import CRITERIA
from app.arrivals.models import Arrival, ArrivalFile, State, Way
from app.arrivals.scans import separating
from app.circuits.library import family_of
from app.core.clock import PARIS, now
from app.core.db import Db, reading
from app.core.outbox import Row
from app.core.refusals import Refusal, catalogue
from app.core.transaction import use_case
from app.files import vault
from app.files.pdf import read_text
from app.folders import deposit, sending
from app.folders.keep import Incoming, Kept, keep_attachment, keep_main
from app.folders.models import ARRIVED, Folder
from app.folders.readings import TOLD_BY, said_by
from app.folders.sockets import Caution, ReadFacts
from app.invoices.mismatch import number_of
from app.journal.chain import Event, append
from app.notices import arrived as arrived_drafts
from app.people.actor import Actor, system
from workflows.family import Family, family

TOLD = (*(key for one in CRITERIA.values() for key in one.told_by), "seller")
"""What the arrival keeps of what its file says: what the routing looks at, and the name of the seller."""
OF_THE_INVOICE = frozenset(
    {*CRITERIA["seller"].told_by, "seller", "order_ref", "contract_ref", "buyer_reference", "frame", "works"}
)
"""Among the clues: what is of one invoice, and leads no other that came with it."""
APART = "annex-is-subject"
SETTLED = "arrival-settled"
ANNEX = (
    "« {name} » est au dossier comme annexe. Si c’est une autre facture, faites-en une arrivée à part, là où se lit ce qui est "
    "arrivé avec le dossier."
)
READABLE = (".xml", ".pdf")
"""What is tried as the invoice before anything else, of what a mail or a scanner brings."""


Opened = Callable[[Db, Actor, Arrival, Folder], None]
_opened: list[Opened] = []


def once_opened(do: Opened) -> None:
    """Have something written with each folder that is opened of an arrival, in its transaction."""
    if do not in _opened:
        _opened.append(do)


@dataclass(frozen=True)
class _File:
    """A file of an arrival, as plain facts."""

    id: int
    position: int
    filename: str
    sha256: str
    size: int


@dataclass(frozen=True)
class _Left:
    """A file that the folder was opened without: refused, or an arrival of its own."""

    file: _File
    refusal: Refusal


@dataclass(frozen=True)
class _Other:
    """A file that may be another invoice, kept as an annex: nothing in it says so, its page may give it this `number`."""

    file: _File
    number: str


@dataclass(frozen=True)
class _Content:
    """What a folder is made of, and the files that it is opened without; `main`: the rank of the one that is the invoice."""

    kept: Sequence[Kept]
    read: ReadFacts | None
    left: Sequence[_Left]
    main: int
    others: Sequence[_Other]


@dataclass(frozen=True)
class Made:
    """That a folder is made once of an arrival (`folders.once.MadeOnce`): the arrival says which, in the same transaction."""

    arrival_id: int
    led: routing.Led
    main: int
    left: Sequence[_Left] = ()
    others: Sequence[_Other] = ()
    clues: Mapping[str, str] = field(default_factory=dict)

    def made_by(self, db: Db, actor: Actor) -> int | None:
        """The folder that was made of it; refuses `arrival-settled` of one that a person put aside meanwhile."""
        row = _locked(db, actor, self.arrival_id)
        if row.state == State.OPENED:
            return row.folder_id
        if row.state != State.WAITING:
            raise Refusal(SETTLED)
        return None

    def remember(self, db: Db, actor: Actor, folder: Folder) -> None:
        """Write it, with what the folder was opened without, and the line of the folder's journal."""
        row = _locked(db, actor, self.arrival_id)
        row.state, row.folder_id, row.changed_at = State.OPENED, folder.id, now()
        row.reason, row.reason_facts = None, {}
        row.desk_id, row.to_send = self.led.seat.desk_id, self.led.send
        beside = [ANNEX.format(name=one.file.filename) for one in self.others if not one.number]
        row.remarks = [*row.remarks, *self.led.told, *beside]
        row.clues = {**self.clues, **row.clues}
        for one in self.left:
            file = db.get_one(ArrivalFile, one.file.id)
            file.fate = "apart" if one.refusal.key == APART else "refused"
            file.reason, file.reason_facts = one.refusal.key, dict(one.refusal.facts)
        arrived = {"id": row.id, "origin": row.origin, "at": row.received_at.isoformat()}
        if row.way != Way.CHORUS:  # there, what goes with an invoice is its own
            arrived["main"] = self.main
        told_by_way = said_by(family_of(folder.in_force), row.facts, frozenset())
        files = folder.sources.get("files", [])
        if told_by_way:
            said = {"said": f"{TOLD_BY}{row.name}", "name": "", "values": told_by_way, "told": True}
            files = [said, *files]
        folder.sources = {**folder.sources, ARRIVED: arrived} | ({"files": files} if files else {})
        for do in _opened:
            do(db, actor, row, folder)
        arrived_drafts.announce(db, folder)
        told = {
            "arrival": row.id,
            "way": row.way,
            "identifier": row.identifier,
            "received_at": row.received_at.isoformat(),
            "words": row.origin,
        }
        append(db, actor.collectivity_id, Event("folder.arrived", actor.name, None, folder.id, told))


def work(row: Row) -> None:
    """Open the arrival that a row of the outbox names, and send it where that was said; done again, it finds it done."""
    with reading(row.collectivity_id) as db:
        arrival = db.get_one(Arrival, row.payload["arrival"])
        actor = system(row.collectivity_id, arrival.name)
        state, folder_id, to_send = arrival.state, arrival.folder_id, arrival.to_send
    if state == State.WAITING:
        try:
            separating.separate(actor, row.payload["arrival"])
            folder_id, to_send = _open(actor, row.payload["arrival"])
        except Refusal as refusal:
            if refusal.key == SETTLED:
                return
            if _passes(refusal):
                raise
            refuse(actor, row.payload["arrival"], refusal)
            return
    if to_send and folder_id is not None:
        _send(actor, row.payload["arrival"], folder_id)


def _passes(refusal: Refusal) -> bool:
    """Whether a refusal may not be there at the next try: something was away, or the desk was closed meanwhile."""
    return catalogue.say(refusal.key, refusal.facts)[0] >= 500 or refusal.key in {
        "desk-closed",
        "type-closed",
    }


def depositor(actor: Actor, name: str, led: routing.Led) -> Actor:
    """Who deposits it: nobody, under the name of its way, with the right to deposit at that one desk."""
    return replace(actor, kind="application", name=name, seats=(led.seat,))


def _open(actor: Actor, arrival_id: int) -> tuple[int, bool]:
    with reading(actor.collectivity_id) as db:
        arrival = db.get_one(Arrival, arrival_id)
        name, way, kind_name = arrival.name, arrival.way, arrival.kind
        facts, received_at, origin = arrival.facts, arrival.received_at, arrival.origin
        clues = {**arrival.clues, "way": way}
        files = [
            _File(one.id, one.position, one.filename, one.sha256, one.size)
            for one in db.scalars(
                sa.select(ArrivalFile)
                .where(
                    ArrivalFile.arrival_id == arrival_id,
                    ArrivalFile.kind == "file",
                    ArrivalFile.fate != "apart",
                )
                .order_by(ArrivalFile.position)
            )
        ]
        where = routing.led(db, actor.collectivity_id, kind_name, clues)  # nothing is examined for nobody
        kind = routing.kind_named(db, actor.collectivity_id, kind_name) or family(routing.INVOICE)
    content = _examined(actor.collectivity_id, way, kind, files, facts)
    with reading(actor.collectivity_id) as db:
        read = content.read.fields if content.read else {}
        where = routing.led(db, actor.collectivity_id, kind_name, {**read, **facts, **clues})
    if _asks_otherwise(kind, where.kind):
        content = _examined(actor.collectivity_id, way, where.kind, files, facts)
    for one in content.left:
        if one.refusal.key == APART:
            part(actor, arrival_id, one.file.id)
    doing = depositor(actor, name, where)
    folder_id = deposit.create(
        doing,
        where.kind.in_force,
        deposit.emitter(doing, where.seat.desk_id, where.kind),
        content.kept,
        _facts(where, facts, received_at),
        read=_doubted(content),
        once=Made(
            arrival_id,
            where,
            content.main,
            content.left,
            content.others,
            {key: read[key] for key in TOLD if key in read},
        ),
        reason=f"Dit par {origin}.",
    )
    return folder_id, where.send


def _facts(where: routing.Led, facts: Mapping[str, Any], received_at: datetime) -> dict[str, Any]:
    """What the folder is told beside its files: by its way, by the routing, and the day on which it came."""
    day = received_at.astimezone(PARIS).date().isoformat()
    known = {"received_on": day, **where.facts, **facts}
    return {key: value for key, value in known.items() if where.kind.field(key)}


def _asks_otherwise(one: Family, other: Family) -> bool:
    """Whether two types do not examine files in the same way."""
    return (one.name, one.formats, one.signature) != (other.name, other.formats, other.signature)


def _doubted(content: _Content) -> ReadFacts | None:
    """What was read, and beside it each file that the folder is opened without: whoever decides is told."""
    doubts = tuple(
        Caution(
            "arrival-files",
            "Une pièce jointe n’a pas été gardée au dossier",
            f"« {one.file.filename} » est arrivé avec cette facture. {sentence_of(one.refusal)}",
        )
        for one in content.left
        if one.refusal.key != APART
    ) + tuple(
        Caution(
            "arrival-another",
            "Une autre facture semble être arrivée avec celle-ci",
            f"« {one.file.filename} » semble être la facture {one.number}, et n’est ici qu’une annexe. Faites-en une arrivée à "
            "part, sous « Voir ce qui est arrivé », ou dites pourquoi elle reste.",
        )
        for one in content.others
        if one.number
    )
    if not doubts:
        return content.read
    read = content.read or ReadFacts({}, "")
    return replace(read, doubts=(*read.doubts, *doubts))


def sentence_of(refusal: Refusal) -> str:
    """What a refusal says."""
    return catalogue.say(refusal.key, refusal.facts)[1]


def _examined(
    collectivity_id: int, way: str, kind: Family, files: Sequence[_File], facts: Mapping[str, Any]
) -> _Content:
    """Examine and store the files: the invoice, then what goes with it; refuses what keeps the first from being one."""
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        workdir = Path(folder)
        incoming = {one.id: _fetched(collectivity_id, one, workdir) for one in files}
        main, kept, read, candidates = _main(collectivity_id, way, kind, files, incoming, workdir)
        numbers = {one.id: _numbered(incoming[one.id]) for one in (main, *candidates)} if candidates else {}
        beside, left = deposit.beside_of(kind, read, facts), []
        for one in files:
            if one.id == main.id:
                continue
            try:
                kept += keep_attachment(collectivity_id, incoming[one.id], workdir, beside)
            except Refusal as refusal:
                if _passes(refusal):
                    raise
                left.append(_Left(one, refusal))
    others = [
        _Other(one, numbers[one.id] if numbers[one.id] != numbers[main.id] else "")
        for one in candidates
        if one.id not in {each.file.id for each in left}
    ]
    return _Content(kept, read, left, main.position, others)


def _numbered(one: Incoming) -> str:
    """The number that a page gives to an invoice; empty where it gives none, or has no text."""
    if one.path.suffix.lower() != ".pdf":
        return ""
    try:
        found = number_of(read_text(one.path))
    except Refusal:
        return ""
    return found[0] if found is not None else ""


def _main(
    collectivity_id: int,
    way: str,
    kind: Family,
    files: Sequence[_File],
    incoming: Mapping[int, Incoming],
    workdir: Path,
) -> tuple[_File, list[Kept], ReadFacts | None, list[_File]]:
    """The file that is the invoice: the first one by Chorus Pro; else the first that says so itself, or that may be one.

    With the others that may be one as well, where none says so itself.
    """
    if not files:
        raise Refusal(receiving.NO_FILE)
    if way == Way.CHORUS:
        kept, read = keep_main(collectivity_id, kind, incoming[files[0].id], workdir)
        return files[0], kept, read, []
    by_form = sorted(files, key=lambda one: not one.filename.lower().endswith(READABLE))
    may_be: list[tuple[_File, list[Kept], ReadFacts | None]] = []
    refused: Refusal | None = None
    for one in by_form:
        try:
            kept, read = keep_main(collectivity_id, kind, incoming[one.id], workdir)
        except Refusal as refusal:
            if _passes(refusal):
                raise
            refused = refusal if refused is None or refusal.key == "file-infected" else refused
            continue
        if read is not None and read.fields.get(kind.number_field or ""):
            return one, kept, read, []
        may_be.append((one, kept, read))
    if not may_be:
        raise refused or Refusal(receiving.NO_FILE)
    return *may_be[0], [one for one, _, _ in may_be[1:]]


def _fetched(collectivity_id: int, one: _File, workdir: Path) -> Incoming:
    room = workdir / str(one.id)
    room.mkdir()
    path = room / f"fichier{Path(one.filename).suffix}"
    vault.store().fetch(vault.scope(collectivity_id), one.sha256, path)
    return Incoming(path, one.filename)


@use_case
def part(db: Db, actor: Actor, arrival_id: int, file_id: int) -> None:
    """Make an arrival of its own of a file that is another invoice; done again, it finds it done."""
    arrival, file = _locked(db, actor, arrival_id), db.get_one(ArrivalFile, file_id)
    if file.fate != "apart":
        part_from(db, actor, arrival, file)


def part_from(db: Db, actor: Actor, arrival: Arrival, file: ArrivalFile) -> None:
    """The same, of a file that is not apart, in the caller's transaction; what proves how it came goes with it."""
    evidence = db.scalars(
        sa.select(ArrivalFile)
        .where(ArrivalFile.arrival_id == arrival.id, ArrivalFile.kind == "evidence")
        .order_by(ArrivalFile.position)
    )
    brought = receiving.Brought(
        Way(arrival.way),
        f"{arrival.identifier} {file.position}",
        arrival.origin,
        arrival.name,
        arrival.received_at,
        arrival.kind,
        {},  # what its way tells is of the first one, and so is what the first one says
        {key: value for key, value in arrival.clues.items() if key not in OF_THE_INVOICE},
    )
    kept = [receiving.Kept(one.filename, one.sha256, one.size, one.kind) for one in (file, *evidence)]
    file.fate, file.reason = "apart", APART
    receiving.add(db, actor, brought, kept)


@use_case
def refuse(db: Db, actor: Actor, arrival_id: int, refusal: Refusal) -> None:
    """Keep why an arrival is no folder, and tell who deals with it; without a sorting desk it goes on waiting."""
    arrival = _locked(db, actor, arrival_id)
    if arrival.state != State.WAITING:
        return
    arrival.reason, arrival.reason_facts = refusal.key, _plain(refusal.facts)
    arrival.changed_at = now()
    if refusal.key != routing.NO_DESK:
        arrival.state = State.REFUSED
    receiving.tell_desk(db, arrival)
    if arrival.state == State.REFUSED:
        facts = {"arrival": arrival.id, "refusal": refusal.key, "words": arrival.origin}
        append(db, actor.collectivity_id, Event("arrival.refused", actor.name, None, None, facts))


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a refusal, as JSON keeps them."""
    return {
        key: value if isinstance(value, str | int | float | list | dict) else str(value)
        for key, value in facts.items()
    }


def _send(actor: Actor, arrival_id: int, folder_id: int) -> None:
    """Send the folder on its way as nobody has touched it; what is missing leaves it to the desk, and is told there."""
    with reading(actor.collectivity_id) as db:
        arrival = db.get_one(Arrival, arrival_id)
        folder = db.get_one(Folder, folder_id)
        where = routing.of_desk(db, arrival.desk_id)
        version = folder.version
        mine = folder.round == 0 and folder.depositor_user_id is None and not folder.writers
        doing = replace(actor, kind="application", name=arrival.name, seats=(where,) if where else ())
    missing = ""
    if mine and where is not None:
        try:
            sending.send(doing, folder_id, version=version)
        except Refusal as refusal:
            if _passes(refusal):
                raise
            missing = sentence_of(refusal)
    sent(actor, arrival_id, missing)


@use_case
def sent(db: Db, actor: Actor, arrival_id: int, missing: str) -> None:
    """Keep that an arrival was to be sent, and what kept it from it."""
    arrival = _locked(db, actor, arrival_id)
    if arrival.to_send:
        arrival.to_send = False
        if missing:
            arrival.remarks = [*arrival.remarks, f"Elle n’a pas pu partir d’elle-même : {missing}"]


def _locked(db: Db, actor: Actor, arrival_id: int) -> Arrival:
    row = db.scalar(
        sa.select(Arrival)
        .where(Arrival.id == arrival_id, Arrival.collectivity_id == actor.collectivity_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise Refusal("not-found")
    return row
