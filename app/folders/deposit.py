"""The verbs of the desk that deposits: create, add, replace, remove, fill in, repair, send; and what a sender may see of it."""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuit_of, family_of, freeze
from app.core.clock import now, today
from app.core.db import NO_DATE, Db, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock_editable
from app.folders.keep import Incoming, Kept, keep_attachment, keep_main
from app.folders.models import Document, DocumentVersion, Folder
from app.folders.move import Said, move
from app.folders.once import Once, made_by, remember
from app.folders.search import key_of
from app.folders.seats import check_route
from app.folders.sockets import plugged
from app.journal.chain import Event, append
from app.people.actor import Actor
from workflows.events import Action, Moved
from workflows.family import Family, Problem, normalised, problems
from workflows.rights import Right

PDF = "application/pdf"
LARGEST_AMOUNT = 10**13
"""In euros: beyond, what was typed is no amount of a commune, and its cents would not fit their column."""


@dataclass(frozen=True)
class Draft:
    """A folder just created: its number, and what was read in its main document."""

    folder_id: int
    said: str | None
    problems: tuple[str, ...]


def deposit(
    actor: Actor,
    family_name: str,
    files: Sequence[Incoming],
    *,
    facts: Mapping[str, Any] | None = None,
    title: str | None = None,
    desk_id: int | None = None,
    once: Once | None = None,
) -> Draft:
    """Create a draft from its files: the first is the main document, the others are attachments.

    Everything is examined before anything is stored, and stored before any row is written: a refusal leaves nothing, a
    kill leaves bytes that no row names. Refuses `no-file`, `no-desk`, and every refusal of intake.
    """
    family = family_of(family_name)
    desk_id = _emitter(actor, desk_id)
    if not files:
        raise Refusal("no-file")
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        workdir = Path(folder)
        kept, read = keep_main(
            actor.collectivity_id, family.name, files[0], family.formats, workdir, signed=family.signs_main
        )
        for one in files[1:]:
            kept += keep_attachment(actor.collectivity_id, one, workdir)
    found = dict(read.fields) if read else {}
    folder_id = create(
        actor,
        family.name,
        desk_id,
        kept,
        {**found, **(facts or {})},
        sorted(found),
        read.said if read else None,
        title=title,
        once=once,
    )
    return Draft(folder_id, read.said if read else None, read.problems if read else ())


def _emitter(actor: Actor, desk_id: int | None) -> int:
    desks = actor.desks_with(Right.CREATE)
    if not desks or (desk_id is not None and desk_id not in desks):
        raise Refusal("no-desk")
    return desk_id if desk_id is not None else min(desks)


@use_case
def create(
    db: Db,
    actor: Actor,
    family_name: str,
    desk_id: int,
    kept: Sequence[Kept],
    found: Mapping[str, str],
    sources: Sequence[str],
    said: str | None,
    *,
    title: str | None = None,
    once: Once | None = None,
) -> int:
    """Write a draft whose files are already kept; returns its number, or that of the first deposit with the same key."""
    known = made_by(db, actor, once) if once else None
    if known is not None:
        return known
    family = family_of(family_name)
    moment = now()
    folder = Folder(
        collectivity_id=actor.collectivity_id,
        family=family.name,
        title="",
        title_key="",
        emitter_desk_id=desk_id,
        depositor_user_id=actor.user_id,
        depositor_name=actor.name,
        fields={},
        created_at=moment,
        updated_at=moment,
        sources={"said": said or "", "read": list(sources)},
        due_on=NO_DATE,
    )
    _fill(folder, family, found, title=title)
    db.add(folder)
    db.flush()  # the documents name it
    if once:
        remember(db, actor, once, folder.id)
    versions = [_document(db, folder, actor, one, position) for position, one in enumerate(kept)]
    listed = [{"document": one.document_id, "sha256": one.sha256, "name": one.filename} for one in versions]
    append(
        db,
        actor.collectivity_id,
        _event(actor, folder, "folder.created", {"family": family.name, "documents": listed}),
    )
    return folder.id


def add_documents(actor: Actor, folder_id: int, files: Sequence[Incoming]) -> None:
    """Add attachments to a draft; all are kept, or none."""
    if not files:
        raise Refusal("no-file")
    with reading(actor.collectivity_id) as db:
        lock_editable(db, actor, folder_id)
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        kept = [kept for one in files for kept in keep_attachment(actor.collectivity_id, one, Path(folder))]
    attach(actor, folder_id, kept)


@use_case
def attach(db: Db, actor: Actor, folder_id: int, kept: Sequence[Kept]) -> None:
    """Write attachments whose files are already kept."""
    folder = lock_editable(db, actor, folder_id)
    first = (
        db.scalar(sa.select(sa.func.max(Document.position)).where(Document.folder_id == folder.id)) or 0
    ) + 1
    versions = [_document(db, folder, actor, one, first + rank) for rank, one in enumerate(kept)]
    _touch(folder)
    listed = [{"document": one.document_id, "sha256": one.sha256, "name": one.filename} for one in versions]
    append(db, actor.collectivity_id, _event(actor, folder, "documents.added", {"documents": listed}))


@use_case
def remove_document(db: Db, actor: Actor, folder_id: int, document_id: int) -> None:
    """Take an attachment out of a draft; its bytes stay, for whoever reads the journal later. Refuses `main-stays`."""
    folder = lock_editable(db, actor, folder_id)
    document = _of(db, folder, document_id)
    if document.role == "main":
        raise Refusal("main-stays")
    document.removed_at = now()
    _touch(folder)
    append(db, actor.collectivity_id, _event(actor, folder, "document.removed", {"document": document.id}))


def replace_main(actor: Actor, folder_id: int, document_id: int, one: Incoming) -> Draft:
    """Put a corrected main document in place of the former, which stays readable."""
    with reading(actor.collectivity_id) as db:
        folder = lock_editable(db, actor, folder_id)
        document = _of(db, folder, document_id)
        family, role = family_of(folder.family), document.role
    with tempfile.TemporaryDirectory(prefix="paraphe-") as room:
        if role == "main":
            kept, read = keep_main(
                actor.collectivity_id, family.name, one, family.formats, Path(room), signed=family.signs_main
            )
        else:
            kept, read = keep_attachment(actor.collectivity_id, one, Path(room)), None
    found = dict(read.fields) if read else {}
    write_replacement(actor, folder_id, document_id, kept, found, read.said if read else None)
    return Draft(folder_id, read.said if read else None, read.problems if read else ())


@use_case
def write_replacement(
    db: Db,
    actor: Actor,
    folder_id: int,
    document_id: int,
    kept: Sequence[Kept],
    found: Mapping[str, str],
    said: str | None,
) -> None:
    """Write a new version whose files are already kept; originals and data of the former version are set aside."""
    folder = lock_editable(db, actor, folder_id)
    document = _of(db, folder, document_id)
    version = _version(db, document, folder, actor, kept[0])
    if document.role == "main":
        old = sa.update(Document).where(
            Document.folder_id == folder.id,
            Document.role.in_(["original", "data"]),
            Document.removed_at.is_(None),
        )
        db.execute(old.values(removed_at=now()).execution_options(synchronize_session=False))
        for rank, one in enumerate(kept[1:], start=1):
            _document(db, folder, actor, one, document.position + rank)
        if found:
            folder.sources = {"said": said or "", "read": sorted(found)}
            _fill(folder, family_of(folder.family), {**folder.fields, **found}, title=None)
    _touch(folder)
    facts = {"document": document.id, "number": version.number, "sha256": version.sha256}
    append(db, actor.collectivity_id, _event(actor, folder, "document.replaced", facts))


@use_case
def accept_repair(db: Db, actor: Actor, folder_id: int, document_id: int) -> None:
    """Take the repaired copy as the document that will be signed; the original stays as its first version."""
    folder = lock_editable(db, actor, folder_id)
    document = _of(db, folder, document_id)
    last = last_version(db, document.id)
    repair = last.note.get("repair")
    if not repair:
        raise Refusal("nothing-to-repair")
    note = {**last.note, "facts": ["Copie réparée, acceptée avant toute signature."]}
    note.pop("repair")
    kept = Kept(
        document.role,
        document.title,
        last.filename,
        repair["sha256"],
        repair["size"],
        last.media_type,
        last.pages,
        "repaired",
        note,
    )
    version = _version(db, document, folder, actor, kept)
    _touch(folder)
    facts = {"document": document.id, "number": version.number, "sha256": version.sha256, "from": last.sha256}
    append(db, actor.collectivity_id, _event(actor, folder, "document.repaired", facts))


@use_case
def save(
    db: Db, actor: Actor, folder_id: int, *, version: int, title: str | None, facts: Mapping[str, Any]
) -> int:
    """Keep what was typed, complete or not; returns the new version. Only the family's own fields are kept."""
    folder = lock_editable(db, actor, folder_id, version)
    _edit(folder, title, facts)
    return folder.version


def send(actor: Actor, folder_id: int, *, version: int) -> Moved:
    """Check a draft as its carriers would, then send it on its way.

    The checks read files and may ask the other side, so they are made before the transaction; a draft that changes
    meanwhile is refused (`moved-on`).
    """
    with reading(actor.collectivity_id) as db:
        folder = lock_editable(db, actor, folder_id, version)
        found = (
            [problem for check in plugged.checks for problem in check(db, folder)]
            if not find_problems(db, folder)
            else []
        )
    if found:
        raise _to_fix(found)
    return submit(actor, folder_id, version=version)


@use_case
def submit(
    db: Db,
    actor: Actor,
    folder_id: int,
    *,
    version: int,
    title: str | None = None,
    facts: Mapping[str, str] | None = None,
) -> Moved:
    """Send the folder on its way, with a circuit frozen for it.

    Refuses `to-fix` with everything that is missing, `nothing-to-sign`, and a way that could not be finished
    (`desk-missing`, `nobody-there`). A folder that came back starts again from unsigned bytes.
    """
    folder = lock_editable(db, actor, folder_id, version)
    _edit(folder, title, facts or {})
    if not folder.title:
        raise Refusal("title-missing")
    main = _main(db, folder)
    _ready(db, folder)
    circuit_version = freeze(db, folder.collectivity_id, folder.family)
    folder.circuit_version_id = circuit_version.id
    circuit = circuit_of(db, circuit_version.id)
    check_route(db, folder, circuit)
    folder.due_on = family_of(folder.family).due(folder.fields) or NO_DATE
    _unsigned_again(db, folder, main, actor)
    documents = [
        {"document": one.document_id, "number": one.number, "sha256": one.sha256}
        for one in current_versions(db, folder.id).values()
    ]
    return move(
        db, folder, Action.SUBMIT, actor, Said(facts={"documents": documents, "fields": folder.fields})
    )


def find_problems(db: Db, folder: Folder) -> list[Problem]:
    """Everything that keeps the folder from leaving, each with its remedy; empty when it may be sent."""
    found = list(problems(family_of(folder.family), folder.fields, at="submit", today=today()))
    for document_id, version in current_versions(db, folder.id).items():
        if version.note.get("repair"):
            found.append(
                Problem(
                    "repair-pending",
                    str(document_id),
                    f"« {version.filename} » est mal construit : acceptez la copie réparée, ou remplacez le fichier.",
                )
            )
    return found


def _ready(db: Db, folder: Folder) -> None:
    found = find_problems(db, folder)
    if found:
        raise _to_fix(found)


def _to_fix(found: Sequence[Problem]) -> Refusal:
    return Refusal(
        "to-fix",
        count=len(found),
        details=" ".join(one.sentence for one in found),
        problems=[{"key": one.key, "field": one.field, "sentence": one.sentence} for one in found],
    )


def _main(db: Db, folder: Folder) -> Document:
    query = sa.select(Document).where(
        Document.folder_id == folder.id, Document.role == "main", Document.removed_at.is_(None)
    )
    document = db.scalar(query)
    if document is None or last_version(db, document.id).media_type != PDF:
        raise Refusal("nothing-to-sign")
    return document


def _unsigned_again(db: Db, folder: Folder, main: Document, actor: Actor) -> None:
    """A main document signed in a former round goes again from the bytes that were deposited, not from the signed ones."""
    last = last_version(db, main.id)
    if last.origin != "signed":
        return
    query = (
        sa.select(DocumentVersion)
        .where(DocumentVersion.document_id == main.id, DocumentVersion.origin != "signed")
        .order_by(DocumentVersion.number.desc())
        .limit(1)
    )
    source = db.scalars(query).one()
    kept = Kept(
        "main",
        main.title,
        source.filename,
        source.sha256,
        source.size,
        source.media_type,
        source.pages,
        source.origin,
        source.note,
    )
    _version(db, main, folder, actor, kept)


def _edit(folder: Folder, title: str | None, facts: Mapping[str, Any]) -> None:
    family = family_of(folder.family)
    known = {field.key for field in family.fields}
    typed = {key: value for key, value in facts.items() if key in known}
    before = folder.fields
    _fill(folder, family, {**before, **typed}, title=title)
    # « 624,90 » typed over « 624.90 » read is the same amount: compared as they are kept.
    read = [one for one in folder.sources.get("read", []) if folder.fields.get(one) == before.get(one)]
    folder.sources = {**folder.sources, "read": read}
    _touch(folder)


def _fill(folder: Folder, family: Family, facts: Mapping[str, Any], *, title: str | None) -> None:
    """Set the facts, and the copies of them that lists read: title, number, amount.

    The title follows the facts until somebody writes another one.
    """
    made = family.title_for(folder.fields)
    typed = folder.title if title is None else title.strip()
    folder.fields = normalised(family, facts)
    folder.title = typed if typed and typed != made else family.title_for(folder.fields)
    folder.number = str(folder.fields.get(family.number_field) or "") if family.number_field else ""
    folder.title_key = key_of(f"{folder.title} {folder.number}")
    folder.amount_cents = _cents(folder.fields.get(family.amount_field)) if family.amount_field else None


def _cents(value: Any) -> int | None:
    """The amount that lists show, or None while what was typed is none: the form says it when the folder is sent."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return int(amount * 100) if amount.is_finite() and abs(amount) < LARGEST_AMOUNT else None


def _document(db: Db, folder: Folder, actor: Actor, kept: Kept, position: int) -> DocumentVersion:
    document = Document(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        role=kept.role,
        title=kept.title,
        position=position,
    )
    db.add(document)
    db.flush()  # its version names it
    return _version(db, document, folder, actor, kept)


def _version(db: Db, document: Document, folder: Folder, actor: Actor, kept: Kept) -> DocumentVersion:
    number = (
        db.scalar(
            sa.select(sa.func.max(DocumentVersion.number)).where(DocumentVersion.document_id == document.id)
        )
        or 0
    ) + 1
    version = DocumentVersion(
        collectivity_id=folder.collectivity_id,
        document_id=document.id,
        number=number,
        round=folder.round,
        sha256=kept.sha256,
        size=kept.size,
        media_type=kept.media_type,
        filename=kept.filename,
        pages=kept.pages,
        origin=kept.origin,
        note=kept.note,
        created_at=now(),
        created_by=actor.name,
    )
    db.add(version)
    db.flush()  # the next reading of the current version must see it
    return version


def add_signed(db: Db, folder: Folder, document: Document, actor: Actor, kept: Kept) -> DocumentVersion:
    """Write a signed version of a document, in the transaction of the signature's own move."""
    return _version(db, document, folder, actor, kept)


def add_receipt(db: Db, folder: Folder, actor: Actor, kept: Kept) -> DocumentVersion:
    """Keep what the other side answered among the folder's documents, byte for byte, once."""
    query = (
        sa.select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(
            Document.folder_id == folder.id, Document.role == "receipt", DocumentVersion.sha256 == kept.sha256
        )
    )
    known = db.scalar(query)
    return known or _document(db, folder, actor, kept, position=900)


def last_version(db: Db, document_id: int) -> DocumentVersion:
    """The current bytes of a document."""
    query = sa.select(DocumentVersion).where(DocumentVersion.document_id == document_id)
    return db.scalars(query.order_by(DocumentVersion.number.desc()).limit(1)).one()


def current_versions(db: Db, folder_id: int) -> dict[int, DocumentVersion]:
    """The current version of each document of a folder, by document, in their order."""
    latest = (
        sa.select(DocumentVersion.document_id, sa.func.max(DocumentVersion.number).label("number"))
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(Document.folder_id == folder_id, Document.removed_at.is_(None))
        .group_by(DocumentVersion.document_id)
        .subquery()
    )
    query = (
        sa.select(DocumentVersion)
        .join(
            latest,
            sa.and_(
                latest.c.document_id == DocumentVersion.document_id, latest.c.number == DocumentVersion.number
            ),
        )
        .join(Document, Document.id == DocumentVersion.document_id)
        .order_by(Document.position, Document.id)
    )
    return {version.document_id: version for version in db.scalars(query)}


def named_versions(db: Db, folder_id: int, numbers: Collection[int]) -> dict[int, DocumentVersion]:
    """The versions of these ids, by document, in the order of the folder's documents."""
    query = (
        sa.select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(Document.folder_id == folder_id, DocumentVersion.id.in_(numbers))
        .order_by(Document.position, Document.id)
    )
    return {version.document_id: version for version in db.scalars(query)}


def _of(db: Db, folder: Folder, document_id: int) -> Document:
    query = sa.select(Document).where(
        Document.id == document_id, Document.folder_id == folder.id, Document.removed_at.is_(None)
    )
    document = db.scalar(query)
    if document is None:
        raise Refusal("document-unknown")
    return document


def _touch(folder: Folder) -> None:
    folder.version += 1
    folder.updated_at = now()


def _event(actor: Actor, folder: Folder, name: str, facts: Mapping[str, Any]) -> Event:
    return Event(name, actor.name, actor.user_id, folder.id, {"round": folder.round, **facts})
