"""The route of bytes: the same `authorize` as the page, the exact version asked for, verified against its name."""

from urllib.parse import quote

import sqlalchemy as sa
from flask import Response, stream_with_context

from app.core.db import reading
from app.core.refusals import Refusal
from app.files import vault
from app.folders.access import authorize
from app.folders.models import Document, DocumentVersion
from app.people.actor import Actor

# A browser must never run what was deposited: only these open in the page, everything else is downloaded.
SHOWN = frozenset({"application/pdf", "image/png", "image/jpeg"})


def serve(actor: Actor, folder_id: int, document_id: int, number: int, *, download: bool) -> Response:
    """The bytes of one version, streamed; refuses as the folder's page would, and what is not in that folder."""
    with reading(actor.collectivity_id) as db:
        folder = authorize(db, actor, folder_id)
        query = (
            sa.select(DocumentVersion)
            .join(Document, Document.id == DocumentVersion.document_id)
            .where(
                Document.id == document_id, Document.folder_id == folder.id, DocumentVersion.number == number
            )
        )
        version = db.scalar(query)
    if version is None:
        raise Refusal("document-unknown")
    store, scope = vault.store(), vault.scope(actor.collectivity_id)
    if not store.exists(scope, version.sha256):
        raise Refusal("file-missing", sha256=version.sha256)
    shown = version.media_type in SHOWN and not download
    response = Response(
        stream_with_context(store.stream(scope, version.sha256)),
        mimetype=version.media_type if shown else "application/octet-stream",
    )
    response.headers["Content-Disposition"] = disposition(version.filename, download=not shown)
    response.headers["Content-Length"] = str(version.size)
    response.headers["ETag"] = f'"{version.sha256}"'
    # No Cache-Control of its own: what every answer says (`no-store`) holds here first of all.
    return response


def disposition(name: str, *, download: bool) -> str:
    """The Content-Disposition of a document, for a name of any script (RFC 6266, RFC 5987)."""
    plain = name.encode("ascii", "ignore").decode().replace('"', "").replace("\\", "") or "document"
    return f"{'attachment' if download else 'inline'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
