"""The verbs of the desk that deposits: create, add, replace, remove, fill in, repair; `sending` sends."""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.circuits import own_types
from app.circuits.library import family_of
from app.core.clock import now
from app.core.db import NO_DATE, Db, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files.antivirus import unseen_of
from app.folders import corrections, points, words
from app.folders.access import lock, lock_editable, looks_on
from app.folders.documents import (
    FIXED,
    add_document,
    add_version,
    document_of,
    give_types,
    last_version,
    refuse_types,
    refuse_types_of,
)
from app.folders.facts import edit, fill, touch
from app.folders.filled import keep_replaced
from app.folders.keep import Beside, Incoming, Kept, keep_attachment, keep_main, typed
from app.folders.models import FORM, READ_AS, Document, DocumentVersion, Folder, FolderLink
from app.folders.move import person_of
from app.folders.once import MadeOnce, folder_of
from app.folders.readings import documents_of, files_of, said_by
from app.folders.sockets import ReadFacts, plugged, types_of
from app.journal.chain import Event, append
from app.people.actor import Actor, Seat
from app.people.models import Desk
from workflows.circuit import Phase
from workflows.family import Family, normalised
from workflows.vocabulary import Right

FORMER_DOCUMENT = ("rulings", "interruption", "calls", "rules")
"""What `Folder.sources` keeps of a main document, and not of the one that takes its place."""
LATELY = 300
"""So many of the last folders of each desk say for which one somebody deposited last."""


@dataclass(frozen=True)
class Draft:
    """A folder just created: its number, and what was read in its main document."""

    folder_id: int
    said: str | None


def deposit(
    actor: Actor,
    family_name: str,
    files: Sequence[Incoming],
    *,
    facts: Mapping[str, Any] | None = None,
    title: str | None = None,
    desk_id: int | None = None,
    types: Sequence[str] = (),
    once: MadeOnce | None = None,
    reason: str = "",
    annexes_said: bool = False,
) -> Draft:
    """Create a draft from its files: the first is the main document, the others are attachments.

    What was made before by the same `once` is given as it is, and nothing is examined.

    `family_name`: a family, or the key of one of the collectivity's own types. `facts` stand over what is read in the file;
    the difference is a correction, `reason` says why.

    `types`: the type of each file, in their order; one that is empty, or not given, is the usual one of the act's nature for
    the first file, and none for an attachment until somebody chooses it.

    `annexes_said`: somebody said that the others are attachments, even one that could be a folder of its own; else such a
    one is refused (`annex-is-subject`).

    Everything is examined before anything is stored, and stored before any row is written: a refusal of intake leaves
    nothing; a kill, or a refusal that needs what other folders hold, leaves bytes that no row names. Refuses `no-file`,
    `no-desk`, `family-restricted`, `type-not-here`, `type-closed`, `begun-elsewhere`, a type of a file that the folder does
    not allow (`fields-invalid`), and every refusal of intake, of the family's reader and of its taker.
    """
    if (known := folder_of(actor, once)) is not None:
        return Draft(known, None)
    family = own_types.asked(actor.collectivity_id, family_name)
    if family.begun_elsewhere:
        raise Refusal("begun-elsewhere", family=family.label, help=family.help)
    desk_id = emitter(actor, desk_id, family)
    if not files:
        raise Refusal("no-file")
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        workdir = Path(folder)
        main, read = keep_main(actor.collectivity_id, family, files[0], workdir)
        beside = None if annexes_said else beside_of(family, read, facts or {})
        made = [main, *(keep_attachment(actor.collectivity_id, one, workdir, beside) for one in files[1:])]
    kept = _typed(made, types)
    folder_id = create(
        actor,
        family.in_force,
        desk_id,
        kept,
        facts or {},
        read=read,
        title=title,
        once=once,
        reason=reason,
    )
    return Draft(folder_id, read.said if read else None)


def beside_of(family: Family, read: ReadFacts | None, facts: Mapping[str, Any]) -> Beside:
    """What a folder will be about, for whoever looks at its attachments: the number that its file says, else the one typed."""
    key = family.number_field or ""
    number = (read.fields if read else {}).get(key) or facts.get(key) or ""
    return Beside(family_of(family.name), str(number))


def depositing(actor: Actor, family: Family) -> frozenset[int]:
    """The desks for which the actor deposits in this family, or type; none of them where others alone do.

    What a type says takes desks away, and gives no right: it is given by the desk alone.
    """
    desks = actor.desks_with(Right.CREATE, (family.name, family.type_key))
    for only in filter(None, (family.restricted_to, family.deposited_by)):
        desks &= {seat.desk_id for seat in actor.seats if seat.key in only}
    return desks


def emitter(actor: Actor, desk_id: int | None = None, family: Family | None = None) -> int:
    """The desk that deposits: the one asked for, else the actor's first.

    Refuses `no-desk`, `type-not-granted`, `family-restricted`, `type-not-here`, and `desk-not-here` where another of his desks
    deposits this.
    """
    desks = actor.desks_with(Right.CREATE)
    if desks and family is not None:
        if not actor.desks_with(Right.CREATE, (family.name, family.type_key)):
            raise Refusal("type-not-granted", type=family.label)
        desks = depositing(actor, family)
        if not desks and family.deposited_by:
            raise Refusal("type-not-here", type=family.label)
        if not desks:
            raise Refusal("family-restricted", family=family.label, desks=", ".join(family.restricted_to))
    if family is not None and desk_id in actor.desks_with(Right.CREATE) - desks:
        raise Refusal("desk-not-here", type=family.label, desks=", ".join(_named(actor, desks)))
    if not desks or (desk_id is not None and desk_id not in desks):
        raise Refusal("no-desk")
    return desk_id if desk_id is not None else min(desks)


def _named(actor: Actor, desks: Collection[int]) -> list[str]:
    return sorted(f"« {seat.name} »" for seat in actor.seats if seat.desk_id in desks)


def depositing_seats(actor: Actor) -> list[Seat]:
    """The desks for which the actor deposits something, by name."""
    desks = actor.desks_with(Right.CREATE)
    return sorted((seat for seat in actor.seats if seat.desk_id in desks), key=lambda seat: seat.name)


def last_emitter(db: Db, actor: Actor) -> int | None:
    """The desk for which the actor deposited last, among the last folders of each of his desks; None where he did for none."""
    last = [
        sa.select(Folder.id, Folder.emitter_desk_id, Folder.depositor_user_id)
        .where(Folder.emitter_desk_id == desk)
        .order_by(Folder.id.desc())
        .limit(LATELY)
        for desk in sorted(actor.desks_with(Right.CREATE))
    ]
    if not last:
        return None
    rows = sa.union_all(*(sa.select(one.subquery()) for one in last)).subquery()
    mine = sa.select(rows.c.emitter_desk_id).where(rows.c.depositor_user_id == actor.user_id)
    return db.scalar(mine.order_by(rows.c.id.desc()).limit(1))


def emitters_of(actor: Actor, folder: Folder) -> list[Seat]:
    """The actor's desks for which a draft may be deposited, its own among them, by name; that one alone once it has left.

    So it is of one that begins out of another folder, or whose reading is that of another: no desk comes into its circle.
    """
    family = family_of(folder.in_force)
    own = {folder.emitter_desk_id}
    fresh = folder.phase == Phase.DRAFT and folder.round == 0
    if fresh and not family.begun_elsewhere and READ_AS not in folder.sources:
        own |= depositing(actor, family)
    return [seat for seat in depositing_seats(actor) if seat.desk_id in own]


def emitters_from(actor: Actor, family: Family, origin: Folder, *, elsewhere: bool = False) -> frozenset[int]:
    """The desks from which the actor may begin a folder of this family out of another: that of `origin`.

    `elsewhere`: his other desks too, unless the reading of `origin` is closed: no desk comes into its circle (decision 0008).
    """
    desks = depositing(actor, family)
    return desks if elsewhere and not origin.read_as.discreet else desks & {origin.emitter_desk_id}


def emitter_from(actor: Actor, family: Family, origin: Folder, *, elsewhere: bool = False) -> int:
    """The desk that deposits a folder that begins out of another: that of `origin` where it may be, else the actor's first.

    Refuses what `emitters_from` leaves no desk for: `type-not-granted-there` where he deposits there, but not this family;
    else `not-emitter`.
    """
    desks = emitters_from(actor, family, origin, elsewhere=elsewhere)
    if desks:
        return origin.emitter_desk_id if origin.emitter_desk_id in desks else min(desks)
    if origin.emitter_desk_id in actor.desks_with(Right.CREATE):
        raise Refusal("type-not-granted-there", type=family.label)
    raise Refusal("not-emitter")


@use_case
def create(
    db: Db,
    actor: Actor,
    family_name: str,
    desk_id: int,
    kept: Sequence[Kept],
    facts: Mapping[str, Any],
    *,
    read: ReadFacts | None = None,
    title: str | None = None,
    once: MadeOnce | None = None,
    content: object = None,
    reason: str = "",
    origin: int | None = None,
    continues: bool = False,
    form_key: str | None = None,
) -> int:
    """Write a draft whose files are already kept; returns its number, or that of the first deposit with the same key, or form.

    `facts` stand over what was `read` in the main document; `content` is for the taker of a family whose files are not read.
    `origin`: the folder that it is born from; where the reading of that one is closed, so is this one's, as long as it lives.
    `continues`: each of the two then names the other to whoever reads both, and the journal of `origin` has a line of it; but
    where the actor reads that one for its type alone, which leaves nothing in it.
    `form_key`: that of the form which asks it (`FolderLink`).
    Refuses `desk-closed` of a desk that is closed meanwhile.
    """
    known = once.made_by(db, actor) if once else _opened_by(db, form_key) if form_key else None
    if known is not None:
        return known
    family = family_of(family_name)
    own_types.refuse_closed(db, family)
    apart = False
    if origin is not None:  # what was just done there is taken back before this, or no more
        apart = looks_on(db, actor, lock(db, actor, origin, None, onlookers=continues))
        if apart and form_key and (known := _begun_by(db, actor, desk_id, form_key)) is not None:
            return known
    desk = _emitting(db, desk_id)
    law = db.get_one(Folder, origin).read_as if origin is not None else family
    moment = now()
    folder = Folder(
        collectivity_id=actor.collectivity_id,
        family=family.name,
        type_version_id=family.type_version,
        title="",
        title_key="",
        emitter_desk_id=desk_id,
        restricted=law.closed and law.closed_at(desk.key),
        read_by_all=family.open_to_all and not law.discreet,
        depositor_user_id=actor.user_id,
        depositor_name=actor.name,
        fields={},
        created_at=moment,
        updated_at=moment,
        sources={
            "said": read.said if read else "",
            "read": _read_as_is(family, read, facts),
            **({READ_AS: law.in_force} if origin is not None and law.discreet else {}),
            **({FORM: form_key} if apart and form_key else {}),
        },
        due_on=NO_DATE,
    )
    fill(folder, family, {**(read.fields if read else {}), **facts}, title=title)
    keep_reading(folder, family, actor, read, kept)
    db.add(folder)
    db.flush()  # the documents name it
    words.start(db, folder)
    if once:
        once.remember(db, actor, folder)
    versions = [add_document(db, folder, actor, one, position) for position, one in enumerate(kept)]
    _derive(db, folder)
    refuse_types_of(db, folder, kept, versions)
    _take(db, folder, versions, read.content if read else content)
    listed = [{"document": one.document_id, "sha256": one.sha256, "name": one.filename} for one in versions]
    told = {"family": family.name, **_typed_as(family), "documents": listed}
    append(db, actor.collectivity_id, _event(actor, folder, "folder.created", told))
    if origin is not None and continues and not apart:
        _tie(db, actor, folder, origin, family, form_key)
    corrections.keep(db, folder, actor, reason)
    return folder.id


def _opened_by(db: Db, form_key: str) -> int | None:
    number: int | None = db.scalar(sa.select(FolderLink.folder_id).where(FolderLink.form_key == form_key))
    return number


def _begun_by(db: Db, actor: Actor, desk_id: int, form_key: str) -> int | None:
    """The draft that the same form of this actor has made of a folder that knows nothing of it; under the lock of that one."""
    query = sa.select(Folder.id).where(
        Folder.emitter_desk_id == desk_id,
        Folder.phase == Phase.DRAFT,
        Folder.depositor_user_id == actor.user_id,
        Folder.sources[FORM].as_string() == form_key,
    )
    return db.scalar(query.limit(1))


def _tie(db: Db, actor: Actor, folder: Folder, origin: int, family: Family, form_key: str | None) -> None:
    """Tell the folder that another one was opened from it: its type at most, for its readers may not read that one.

    No number either: `folder_link` has both, and gives them to who reads both.
    """
    db.add(
        FolderLink(
            folder_id=folder.id,
            origin_id=origin,
            collectivity_id=folder.collectivity_id,
            created_at=folder.created_at,
            form_key=form_key,
        )
    )
    db.flush()  # a rival of the same form is met here: the verb, tried again, finds its folder
    words = "" if family.discreet else f", de type « {family.label} »"
    told = {"words": words}
    append(db, actor.collectivity_id, Event("folder.continued", actor.name, actor.user_id, origin, told))


def _emitting(db: Db, desk_id: int) -> Desk:
    """The desk that deposits, locked: whoever closes it waits, and then meets the draft."""
    locked = {"read": True, "key_share": True}
    desk = db.get_one(Desk, desk_id, with_for_update=locked, populate_existing=True)
    if desk.closed_at is not None:
        raise Refusal("desk-closed", name=desk.name)
    return desk


def _typed_as(family: Family) -> dict[str, Any]:
    """What the journal says of the type, where the folder is of one."""
    if family.type_version is None:
        return {}
    return {"type": family.type_key, "type_version": family.type_version}


def _read_as_is(family: Family, read: ReadFacts | None, facts: Mapping[str, Any]) -> list[str]:
    """The fields that hold what was read, so that the form may say so."""
    if read is None:
        return []
    before, after = normalised(family, read.fields), normalised(family, {**read.fields, **facts})
    return sorted(key for key in read.fields if before.get(key) == after.get(key))


def keep_reading(
    folder: Folder, family: Family, actor: Actor, read: ReadFacts | None, kept: Sequence[Kept]
) -> None:
    """Keep what the main document says, after what those before it said, and what its reading leaves to be looked at.

    What was ruled of the former document was not ruled of this one.
    """
    sources: dict[str, Any] = {**folder.sources, "doubts": points.kept_doubts(read.doubts if read else ())}
    sources["depositors"] = sorted({*sources.get("depositors", ()), *filter(None, (person_of(actor),))})
    for name in FORMER_DOCUMENT:
        sources.pop(name, None)
    if not plugged.binding.get(family.name, False):
        earlier = sources.get("files", [])
        name = next((one.filename for one in reversed(kept) if one.role in {"main", "original"}), "")
        values = said_by(family, read.fields, read.offered) if read else {}
        # A document that says nothing is told too, once another one said something
        said = {"said": read.said if read else "", "name": name, "values": values}
        now_read = [said] if values or earlier else []
        sources["files"] = [*earlier, *now_read]
    folder.sources = sources


def _without_former(folder: Folder, family: Family, read: Sequence[str]) -> Mapping[str, Any]:
    """The facts without those that the former document told: nothing of it stands under another one.

    What a person typed in place of them stays, and is told beside.
    """
    files = documents_of(folder.sources.get("files", []))
    former = files[-2]["values"] if len(files) > 1 else {}
    return {
        key: value
        for key, value in folder.fields.items()
        if (former[key] != value if key in former else key not in read or bool(family.field(key)))
    }


def _take(db: Db, folder: Folder, versions: Sequence[DocumentVersion], content: object) -> None:
    if content is not None and folder.family in plugged.takers:
        plugged.takers[folder.family](db, folder, versions[0], content)


def add_documents(
    actor: Actor,
    folder_id: int,
    files: Sequence[Incoming],
    types: Sequence[str] = (),
    *,
    annexes_said: bool = False,
    once: MadeOnce | None = None,
) -> None:
    """Add attachments to a draft, with their types in the same order if any; all are kept, or none, and once for each `once`.

    Refuses one that could be a folder of its own (`annex-is-subject`), unless `annexes_said`.
    """
    if folder_of(actor, once) is not None:
        return
    with reading(actor.collectivity_id) as db:
        beside = _beside(lock_editable(db, actor, folder_id))
    if not files:
        raise Refusal("no-file")
    with tempfile.TemporaryDirectory(prefix="paraphe-") as room:
        asked = None if annexes_said else beside
        made = [keep_attachment(actor.collectivity_id, one, Path(room), asked) for one in files]
    kept = _typed(made, types)
    attach(actor, folder_id, kept, once)


@use_case
def attach(db: Db, actor: Actor, folder_id: int, kept: Sequence[Kept], once: MadeOnce | None = None) -> None:
    """Write attachments whose files are already kept, unless the same `once` has written them."""
    folder = lock_editable(db, actor, folder_id)
    if once and once.made_by(db, actor) is not None:
        return
    first = (
        db.scalar(sa.select(sa.func.max(Document.position)).where(Document.folder_id == folder.id)) or 0
    ) + 1
    versions = [add_document(db, folder, actor, one, first + rank) for rank, one in enumerate(kept)]
    refuse_types_of(db, folder, kept, versions)
    if once:
        once.remember(db, actor, folder)
    touch(folder)
    listed = [{"document": one.document_id, "sha256": one.sha256, "name": one.filename} for one in versions]
    append(db, actor.collectivity_id, _event(actor, folder, "documents.added", {"documents": listed}))


@use_case
def remove_document(db: Db, actor: Actor, folder_id: int, document_id: int) -> None:
    """Take an attachment out of a draft; its bytes stay, for whoever reads the journal later.

    Refuses `main-stays`, and `document-stays` for what nobody chose to deposit.
    """
    folder = lock_editable(db, actor, folder_id)
    document = document_of(db, folder, document_id)
    if document.role == "main":
        raise Refusal("main-stays")
    _changes(document)
    document.removed_at = now()
    db.flush()
    words.forget(db, folder, [document.id])
    touch(folder)
    append(db, actor.collectivity_id, _event(actor, folder, "document.removed", {"document": document.id}))


def replace_main(
    actor: Actor, folder_id: int, document_id: int, one: Incoming | None, *, once: MadeOnce | None = None
) -> Draft:
    """Put a corrected document in place of the former, which stays readable, and once for each `once`.

    Refuses `document-stays`, `no-file`.
    """
    if folder_of(actor, once) is not None:
        return Draft(folder_id, None)
    with reading(actor.collectivity_id) as db:
        folder = lock_editable(db, actor, folder_id)
        document = document_of(db, folder, document_id)
        _changes(document)
        family, role, beside = family_of(folder.in_force), document.role, _beside(folder)
    if one is None:
        raise Refusal("no-file")
    with tempfile.TemporaryDirectory(prefix="paraphe-") as room:
        if role == "main":
            kept, read = keep_main(actor.collectivity_id, family, one, Path(room))
        else:
            kept, read = keep_attachment(actor.collectivity_id, one, Path(room), beside), None
    write_replacement(actor, folder_id, document_id, kept, read, once=once)
    return Draft(folder_id, read.said if read else None)


def _beside(folder: Folder) -> Beside:
    return Beside(family_of(folder.family), folder.number or "")


def _changes(document: Document) -> None:
    if document.role in FIXED:
        raise Refusal("document-stays")


@use_case
def write_replacement(
    db: Db,
    actor: Actor,
    folder_id: int,
    document_id: int,
    kept: Sequence[Kept],
    read: ReadFacts | None,
    version: int | None = None,
    *,
    once: MadeOnce | None = None,
) -> int:
    """Write a new version whose files are already kept; originals and data of the former version are set aside.

    What the former document said is kept: where this one says something else, or nothing, both are told. Returns the version
    of the folder; refuses `moved-on` where it is no more the one given.
    """
    folder = lock_editable(db, actor, folder_id, version)
    if once and once.made_by(db, actor) is not None:
        return folder.version
    document = document_of(db, folder, document_id)
    _changes(document)
    if document.title == Path(last_version(db, document.id).filename).stem[:120]:
        document.title = kept[0].title  # nobody had given it another: a replaced file has one name
    made = add_version(db, document.id, folder, actor, kept[0])
    if document.role == "main":
        old = sa.update(Document).where(
            Document.folder_id == folder.id,
            Document.role.in_(["original", "data"]),
            Document.removed_at.is_(None),
        )
        gone = db.scalars(
            old.values(removed_at=now()).returning(Document.id).execution_options(synchronize_session=False)
        ).all()
        words.forget(db, folder, gone)
        for rank, one in enumerate(kept[1:], start=1):
            add_document(db, folder, actor, one, document.position + rank)
        family = family_of(folder.in_force)
        files = [] if plugged.binding.get(family.name) else files_of(folder.fields, folder.sources)
        before = folder.sources.get("read", ())
        said, keys = (read.said, sorted(read.fields)) if read else ("", [])
        folder.sources = {**folder.sources, "said": said, "read": keys, "files": files}
        keep_reading(folder, family, actor, read, kept)
        left = _without_former(folder, family, before)
        fill(folder, family, {**left, **(read.fields if read else {})}, title=None)
        _take(db, folder, [made], read.content if read else None)
    if once:
        once.remember(db, actor, folder)
    touch(folder)
    facts = {"document": document.id, "number": made.number, "sha256": made.sha256}
    append(db, actor.collectivity_id, _event(actor, folder, "document.replaced", facts))
    corrections.keep(db, folder, actor)
    db.flush()
    return folder.version


@use_case
def accept_repair(db: Db, actor: Actor, folder_id: int, document_id: int) -> None:
    """Take the repaired or flattened copy as the document that will be signed; the original stays as its first version."""
    folder = lock_editable(db, actor, folder_id)
    document = document_of(db, folder, document_id)
    last = last_version(db, document.id)
    repair = last.note.get("repair")
    if not repair:
        raise Refusal("nothing-to-repair")
    flattened = repair.get("flattened") or []
    told = f"Copie aplatie, acceptée avant toute signature. L’original contient {', '.join(flattened)}."
    note = {
        **last.note,
        "facts": [
            told if flattened else "Copie réparée, acceptée avant toute signature.",
            *unseen_of(last.note.get("facts", ())),
        ],
    }
    note.pop("repair")
    kept = Kept(
        document.role,
        document.title,
        last.filename,
        repair["sha256"],
        repair["size"],
        last.media_type,
        last.pages,
        "flattened" if flattened else "repaired",
        note,
    )
    version = add_version(db, document.id, folder, actor, kept)
    touch(folder)
    facts = {"document": document.id, "number": version.number, "sha256": version.sha256, "from": last.sha256}
    name = "document.flattened" if flattened else "document.repaired"
    append(
        db,
        actor.collectivity_id,
        _event(actor, folder, name, {**facts, **({"what": flattened} if flattened else {})}),
    )


@use_case
def save(
    db: Db,
    actor: Actor,
    folder_id: int,
    *,
    version: int,
    title: str | None,
    facts: Mapping[str, Any],
    types: Mapping[int, str] | None = None,
    only_allowed: bool = False,
    reason: str | None = None,
    reasons: Mapping[str, str] | None = None,
    desk: str | None = None,
) -> int:
    """Keep what was typed, complete or not; returns the new version. Only the family's own fields are kept.

    `reason`: why what is typed is not what the file says, for each correction without a reason; `reasons`, by field, for each.

    `types`: the type given to each file, by document. A person sees on the draft one that may not be given; software is
    refused it (`only_allowed`, `fields-invalid`).

    `desk`: the key of the desk that deposits, where there is a choice (`emitters_of`); refuses `desk-not-here` for another.
    """
    folder = lock_editable(db, actor, folder_id, version)
    if desk is not None:
        _deposit_for(db, actor, folder, desk)
    before = types_of(db, folder)
    searched_by = folder.title_key
    edit(folder, title, facts)
    words.ask(db, folder, searched_by)
    _derive(db, folder)
    keep_replaced(db, folder, actor)
    corrections.keep(db, folder, actor, reason, reasons)
    if only_allowed and types:
        refuse_types(db, folder, types, {document: f"types.{document}" for document in types})
    give_types(db, folder, types or {}, before)
    return folder.version


def _deposit_for(db: Db, actor: Actor, folder: Folder, key: str) -> None:
    """Have another desk of the actor deposit a draft: its circuit, its superior and its readers are those of that desk."""
    seats = {seat.key: seat for seat in emitters_of(actor, folder)}
    if key not in seats:
        family = family_of(folder.in_force)
        names = ", ".join(f"« {seat.name} »" for seat in seats.values())
        raise Refusal("desk-not-here", type=family.label, desks=names)
    seat, was = seats[key], db.get_one(Desk, folder.emitter_desk_id)
    if seat.desk_id == was.id:
        return
    folder.emitter_desk_id = seat.desk_id
    folder.restricted = folder.read_as.closed and folder.read_as.closed_at(seat.key)
    words = f"« {seat.name} » au lieu de « {was.name} »"
    facts = {"desk": seat.key, "was": was.key, "words": words}
    append(db, actor.collectivity_id, _event(actor, folder, "folder.emitter", facts))


def _typed(made: Sequence[Sequence[Kept]], types: Sequence[str]) -> list[Kept]:
    """What was made of each file, under the type given for it; those after the last type have none of their own."""
    codes = [*types, *[""] * len(made)]
    return [one for several, code in zip(made, codes, strict=False) for one in typed(several, code)]


def _derive(db: Db, folder: Folder) -> None:
    for find in plugged.derived.of(folder):
        folder.fields = {**folder.fields, **find(db, folder)}


def _event(actor: Actor, folder: Folder, name: str, facts: Mapping[str, Any]) -> Event:
    return Event(name, actor.name, actor.user_id, folder.id, {"round": folder.round, **facts})
