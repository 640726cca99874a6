"""The route of bytes: the same `authorize` as the page, the exact version asked for, verified against its name."""

import sqlalchemy as sa
from flask import Response, stream_with_context

from app.core.db import Db, reading
from app.core.http import disposition
from app.core.refusals import Refusal
from app.files import vault
from app.folders.access import authorize
from app.folders.models import Document, DocumentVersion, Folder, StepRun
from app.people.actor import Actor

# A browser must never run what was deposited: only these open in the page, everything else is downloaded.
SHOWN = frozenset({"application/pdf", "image/png", "image/jpeg"})


def serve(
    actor: Actor, folder_id: int, document_id: int, number: int, *, download: bool, offered: bool = False
) -> Response:
    """The bytes of one version, streamed; refuses as the folder's page would, and what is not in that folder.

    A document taken out of a draft before it was ever sent stays with the desk that deposited it. `offered`: the repaired or
    flattened copy that waits to be accepted in place of this version, which is looked at first.
    """
    with reading(actor.collectivity_id) as db:
        version = readable(db, actor, folder_id, document_id, number)
    sha256, size = version.sha256, version.size
    if offered:
        copy = version.note.get("repair")
        if copy is None:
            raise Refusal("nothing-to-repair")
        sha256, size = copy["sha256"], copy["size"]
    store, scope = vault.store(), vault.scope(actor.collectivity_id)
    if not store.exists(scope, sha256):
        raise Refusal("file-missing", sha256=sha256)
    shown = version.media_type in SHOWN and not download
    response = Response(
        stream_with_context(store.stream(scope, sha256)),
        mimetype=version.media_type if shown else "application/octet-stream",
    )
    response.headers["Content-Disposition"] = disposition(version.filename, download=not shown)
    response.headers["Content-Length"] = str(size)
    response.headers["ETag"] = f'"{sha256}"'
    # No Cache-Control of its own: what every answer says (`no-store`) holds here first of all.
    return response


def readable(db: Db, actor: Actor, folder_id: int, document_id: int, number: int) -> DocumentVersion:
    """The version of a document that this person may read the bytes of; refuses as `serve` does."""
    folder = authorize(db, actor, folder_id)
    query = (
        sa.select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(Document.id == document_id, Document.folder_id == folder.id, DocumentVersion.number == number)
    )
    version = db.scalar(query)
    if version is None or (folder.emitter_desk_id not in actor.desk_ids and not _sent(db, folder, version)):
        raise Refusal("document-unknown")
    return version


def _sent(db: Db, folder: Folder, version: DocumentVersion) -> bool:
    """Whether the folder left its desk with these bytes: what was taken out of a draft before is nobody else's."""
    removed_at = db.get_one(Document, version.document_id).removed_at
    if removed_at is None:
        return True
    query = sa.select(sa.literal(1)).where(
        StepRun.folder_id == folder.id,
        StepRun.entered_at >= version.created_at,
        StepRun.entered_at < removed_at,
    )
    return db.scalar(query.limit(1)) is not None
