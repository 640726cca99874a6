"""The documents of a folder and their versions: written once, never changed; the last one is current."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import News, post
from app.core.questions import keep, once
from app.core.refusals import Refusal, to_correct
from app.core.transaction import use_case
from app.files import vault
from app.files.store import BLOCK
from app.folders import words
from app.folders.keep import Kept
from app.folders.models import Document, DocumentVersion, Folder
from app.folders.points import carried
from app.folders.rows import every_version
from app.folders.sockets import FileTypes, types_of
from app.people.actor import Actor

FIXED = frozenset({"receipt", "delivery", "signature", "paper", "original", "data"})
"""Roles of what nobody chose to deposit: received, signed, or read in another document; a draft does not change it."""
JUDGE = "version.judge"
"""The row that has the signatures of a deposited version judged, whoever deposits it and before anybody opens a page."""
TYPED = ("main", "attachment")
"""The roles of the documents that leave with an act, each under a type."""


def add_document(db: Db, folder: Folder, actor: Actor, kept: Kept, position: int) -> DocumentVersion:
    """Write one more document of a folder with its first version, in the caller's transaction."""
    document = Document(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        role=kept.role,
        title=kept.title,
        position=position,
        type_code=kept.type_code,
    )
    db.add(document)
    db.flush()  # its version names it
    return add_version(db, document.id, folder, actor, kept)


def add_version(
    db: Db,
    document_id: int,
    folder: Folder,
    actor: Actor,
    kept: Kept,
    *,
    after: DocumentVersion | None = None,
) -> DocumentVersion:
    """Write one more version of a document, in the caller's transaction; the former ones stay readable.

    `after`: the current one, where the caller has just read it. The signatures that the file brought with it are judged
    soon, by the worker.
    """
    if after is not None:
        number = after.number + 1
    else:
        numbers = sa.select(sa.func.max(DocumentVersion.number))
        number = (db.scalar(numbers.where(DocumentVersion.document_id == document_id)) or 0) + 1
    version = DocumentVersion(
        collectivity_id=folder.collectivity_id,
        document_id=document_id,
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
        blocks=vault.store().blocks_known(kept.sha256),
    )
    db.add(version)
    db.flush()  # the next reading of the current version must see it
    if kept.role in words.ROLES and kept.origin not in words.SAME:
        words.arrive(db, folder, version, kept.role, kept.words)
    if carried(kept.note):
        told = {"version_id": version.id}
        post(db, folder.collectivity_id, [News(JUDGE, f"{JUDGE}-{version.id}", told, folder.id)])
    return version


def blocks_of(version: DocumentVersion) -> bytes:
    """The digests of the blocks of a version's bytes (`Store.blocks`), by which a part of them is proven.

    Where none were learnt at the deposit, all its bytes are read and verified now, once for ever.
    """
    if version.size <= BLOCK:
        return bytes.fromhex(version.sha256)
    if version.blocks is None:
        seen = vault.store().blocks(vault.scope(version.collectivity_id), version.sha256)
        _learn(version.id, seen)
        return seen
    return version.blocks


@use_case
def _learn(db: Db, version_id: int, blocks: bytes) -> None:
    query = sa.update(DocumentVersion).where(DocumentVersion.id == version_id)
    db.execute(query.values(blocks=blocks).execution_options(synchronize_session=False))


def add_beside(db: Db, folder: Folder, actor: Actor, kept: Kept) -> DocumentVersion:
    """Keep one document of this role beside the main one, a version for each file: a scan, a masked version."""
    here = Document.folder_id == folder.id, Document.removed_at.is_(None)
    known = db.scalar(sa.select(Document).where(*here, Document.role == kept.role))
    if known is not None:
        return add_version(db, known.id, folder, actor, kept)
    main = db.scalars(sa.select(Document).where(*here, Document.role == "main")).one()
    return add_document(db, folder, actor, kept, main.position)


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
    return known or add_document(db, folder, actor, kept, position=900)


LAST = "last version"
# Built once: a signature asks it three times
_last = (
    sa.select(DocumentVersion)
    .where(DocumentVersion.document_id == sa.bindparam("document"))
    .order_by(DocumentVersion.number.desc())
    .limit(1)
)
_these = sa.select(DocumentVersion).where(DocumentVersion.id.in_(sa.bindparam("versions", expanding=True)))
_other: Any = aliased(DocumentVersion)
_lasts = sa.select(DocumentVersion).where(
    DocumentVersion.document_id.in_(sa.bindparam("documents", expanding=True)),
    ~sa.exists().where(
        _other.document_id == DocumentVersion.document_id, _other.number > DocumentVersion.number
    ),
)


def last_version(db: Db, document_id: int) -> DocumentVersion:
    """The current bytes of a document."""
    return once(db, (LAST, document_id), lambda: db.scalars(_last, {"document": document_id}).one())


def versions_of(db: Db, numbers: Sequence[int]) -> Sequence[DocumentVersion]:
    """The versions of these numbers, in no order."""
    return db.scalars(_these, {"versions": list(numbers)}).all()


def read_last(db: Db, documents: Sequence[int]) -> None:
    """Read the current bytes of several documents at one go, in a session that keeps them (`gather`)."""
    for version in db.scalars(_lasts, {"documents": list(documents)}):
        keep(db, (LAST, version.document_id), version)


def main_digests(db: Db, folders: sa.Select[int]) -> list[str]:
    """The SHA-256 of the current main document of each of these folders (a subquery of their numbers), sorted."""
    latest = (
        sa.select(DocumentVersion.document_id, sa.func.max(DocumentVersion.number).label("number"))
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(Document.folder_id.in_(folders), Document.role == "main", Document.removed_at.is_(None))
        .group_by(DocumentVersion.document_id)
        .subquery()
    )
    same = sa.and_(
        latest.c.document_id == DocumentVersion.document_id, latest.c.number == DocumentVersion.number
    )
    return sorted(db.scalars(sa.select(DocumentVersion.sha256).join(latest, same)))


def current_versions(db: Db, folder_id: int) -> dict[int, DocumentVersion]:
    """The current version of each document of a folder, by document, in their order."""
    return {document.id: every[0] for document, every in every_version(db, folder_id)}


def named_versions(db: Db, folder_id: int, numbers: Collection[int]) -> dict[int, DocumentVersion]:
    """The versions of these ids, by document, in the order of the folder's documents."""
    query = (
        sa.select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(Document.folder_id == folder_id, DocumentVersion.id.in_(numbers))
        .order_by(Document.position, Document.id)
    )
    return {version.document_id: version for version in db.scalars(query)}


def document_of(db: Db, folder: Folder, document_id: int) -> Document:
    """A document that the folder has now; refuses `document-unknown`."""
    query = sa.select(Document).where(
        Document.id == document_id, Document.folder_id == folder.id, Document.removed_at.is_(None)
    )
    document = db.scalar(query)
    if document is None:
        raise Refusal("document-unknown")
    return document


def refuse_types(db: Db, folder: Folder, given: Mapping[int, str], names: Mapping[int, str]) -> None:
    """Refuse `fields-invalid`, with the types that are allowed, what may not be given to a document of this folder.

    `given`: the type by document; `names`: the name under which each was sent.
    """
    offered = types_of(db, folder)
    has_type = {
        one.id
        for one in db.scalars(sa.select(Document).where(Document.folder_id == folder.id))
        if one.role in TYPED and one.removed_at is None
    }
    found = []
    for document, code in given.items():
        if offered is None:
            sentence = (
                "Les fichiers de ce dossier n’ont pas de type : ce n’est pas un acte, ou sa nature (`nature`) manque. "
                "Donnez la nature, ou retirez ce type."
            )
        elif document not in has_type:
            sentence = "Ce document n’est pas dans ce dossier, ou ne part pas avec lui. Retirez ce type."
        elif not offered.has(code):
            allowed = ", ".join(one for one, _ in offered.offered)
            sentence = (
                f"Le type « {code} » n’est pas permis pour cette nature d’acte. Types permis : {allowed}."
            )
        else:
            continue
        found.append({"key": "type-not-allowed", "field": names[document], "sentence": sentence})
    if found:
        raise to_correct(found)


def refuse_types_of(db: Db, folder: Folder, kept: Sequence[Kept], added: Sequence[DocumentVersion]) -> None:
    """The same of files just added, named as they were sent: `main_type`, then `attachment_types` in their order."""
    given, names, rank = {}, {}, 0
    for one, version in zip(kept, added, strict=True):
        names[version.document_id] = "main_type" if one.role == "main" else f"attachment_types.{rank}"
        rank += one.role == "attachment"
        if one.type_code:
            given[version.document_id] = one.type_code
    if given:
        refuse_types(db, folder, given, names)


def give_types(db: Db, folder: Folder, given: Mapping[int, str], before: FileTypes | None) -> None:
    """Give files their types, and look at all of them again: what may be given depends on the facts.

    A main document that had the former default takes the new one. Another type that may no longer be given stays, for
    whoever corrects the draft to see it and choose. `before`: what was offered until now.
    """
    now_offered = types_of(db, folder)
    if now_offered is None:
        return
    query = sa.select(Document).where(Document.folder_id == folder.id, Document.removed_at.is_(None))
    for document in db.scalars(query.where(Document.role.in_(TYPED))):
        code = given.get(document.id) or document.type_code
        usual = before is not None and document.role == "main" and code == before.default
        if code and usual and not now_offered.has(code):
            code = now_offered.default
        document.type_code = code or None
