"""The route of bytes: the same `authorize` as the page, the exact version asked for, verified against its name."""

import secrets
from collections.abc import Iterator, Sequence
from itertools import chain

import sqlalchemy as sa
from flask import Response, request, stream_with_context

from app.core.db import Db, reading
from app.core.http import disposition
from app.core.refusals import Refusal
from app.display.opening import awaited
from app.files import vault
from app.files.store import BLOCK
from app.folders import decide, seen
from app.folders.access import authorize
from app.folders.documents import blocks_of
from app.folders.models import Document, DocumentSeen, DocumentVersion, Folder, StepRun
from app.folders.rows import by_onlooker, every_version
from app.people.actor import Actor

# A browser must never run what was deposited: only these open in the page, everything else is downloaded.
SHOWN = frozenset({"application/pdf", "image/png", "image/jpeg"})
MOST_RANGES = 256
"""Ranges that one answer gives, at most."""


def serve(
    actor: Actor, folder_id: int, document_id: int, number: int, *, download: bool, offered: bool = False
) -> Response:
    """The bytes of one version, or the ranges of them that are asked for (RFC 9110 §14), each piece proven before it leaves.

    Refuses as the folder's page would, and what is not in that folder. A document taken out of a draft before it was ever
    sent stays with the desk that deposited it. `offered`: the repaired or flattened copy that waits to be accepted in
    place of this version, which is looked at first; it goes whole.
    """
    with reading(actor.collectivity_id) as db:
        version = readable(db, actor, folder_id, document_id, number)
        _ = version.blocks
        unseen = not offered and _unseen(db, actor, version)
        fresh = request.method == "GET" and awaited(db, db.get_one(Folder, folder_id), actor)
    if fresh:  # a part of a file is read too
        decide.open_meanwhile(actor, folder_id)
    sha256, size = _offered(version) if offered else (version.sha256, version.size)
    store, scope = vault.store(), vault.scope(actor.collectivity_id)
    if not store.exists(scope, sha256):
        raise Refusal("file-missing", sha256=sha256)
    shown = version.media_type in SHOWN and not download
    response = Response(mimetype=version.media_type if shown else "application/octet-stream")
    response.headers["Content-Disposition"] = disposition(version.filename, download=not shown)
    response.headers["Content-Length"] = str(size)
    response.headers["ETag"] = f'"{sha256}"'
    # No Cache-Control of its own: what every answer says (`no-store`) holds here first of all.
    if not offered:
        response.headers["Accept-Ranges"] = "bytes"
    if request.method == "HEAD":
        return response
    if offered:
        response.response = stream_with_context(store.stream(scope, sha256))
        return response
    several = _several(sha256, size)
    if several:
        pieces = store.parts(scope, sha256, size, blocks_of(version), several)
        return _in_parts(response, pieces, several, size)
    start, end = _range(sha256, size) or (0, size)
    if start >= end and size:
        response.status_code = 416
        response.headers["Content-Range"] = f"bytes */{size}"
        response.headers["Content-Length"] = "0"
        return response
    if (start, end) != (0, size):
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        response.headers["Content-Length"] = str(end - start)
    pieces = store.part(scope, sha256, size, blocks_of(version), start, end)
    first = next(pieces, b"")  # bytes that are altered from the start are refused in words
    if unseen:
        seen.note(actor, folder_id, document_id, number)
    response.response = stream_with_context(chain((first,), pieces))
    return response


def _in_parts(
    response: Response, pieces: Iterator[bytes], ranges: Sequence[tuple[int, int]], size: int
) -> Response:
    """Several ranges in one answer (RFC 9110 §14.6), each proven before it leaves, the first before anything does."""
    boundary = secrets.token_hex(16)
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: {response.mimetype}\r\nContent-Range: bytes {start}-{end - 1}/{size}\r\n\r\n".encode()
        for start, end in ranges
    ]
    last = f"\r\n--{boundary}--\r\n".encode()
    response.status_code = 206
    response.content_type = f"multipart/byteranges; boundary={boundary}"
    whole = sum(map(len, heads)) + sum(end - start for start, end in ranges) + len(last)
    response.headers["Content-Length"] = str(whole)
    first = next(pieces)
    told = chain.from_iterable(zip(heads, chain((first,), pieces), strict=True))
    response.response = stream_with_context(chain(told, (last,)))
    return response


def _offered(version: DocumentVersion) -> tuple[str, int]:
    copy = version.note.get("repair")
    if copy is None:
        raise Refusal("nothing-to-repair")
    return copy["sha256"], copy["size"]


def _unseen(db: Db, actor: Actor, version: DocumentVersion) -> bool:
    """Whether the whole file is asked for by a person who has not seen it; what was taken out of a folder is not to be read."""
    if request.method != "GET" or request.range is not None or actor.user_id is None:
        return False
    if db.get(DocumentSeen, (version.id, actor.user_id)) is not None:
        return False
    return db.get_one(Document, version.document_id).removed_at is None


def _range(sha256: str, size: int) -> tuple[int, int] | None:
    """What is asked of the bytes, from the first to before the last; nothing where all of them are to be sent.

    A range that begins beyond the end is empty. Several at once that are not served so (`_several`), one of another unit or
    that cannot be read, and one of bytes that are no longer these (`If-Range`), ask for the whole, as RFC 9110 §14.2 and
    §13.1.5 let a server answer.
    """
    wanted = _wanted(sha256)
    if len(wanted) != 1:
        return None
    start, end = wanted[0]
    if start < 0:
        return max(0, size + start), size
    return min(start, size), size if end is None else min(end, size)


def _several(sha256: str, size: int) -> list[tuple[int, int]]:
    """The ranges that are asked at once: short ones, within the file, each after the other; none where others are asked.

    The pages of a long scan are each told in a few bytes between two images: asked one by one, they would be a thousand
    answers; as one range, the whole file.
    """
    wanted = _wanted(sha256)
    if not 1 < len(wanted) <= MOST_RANGES or any(end is None for _, end in wanted):
        return []
    ranges = [(start, min(end or 0, size)) for start, end in wanted]
    bounds = [bound for one in ranges for bound in one]
    short = all(0 <= start < end <= start + BLOCK for start, end in ranges)
    return ranges if short and bounds == sorted(bounds) else []


def _wanted(sha256: str) -> Sequence[tuple[int, int | None]]:
    """The ranges that are asked, of these very bytes."""
    asked, condition = request.range, request.headers.get("If-Range")
    if asked is None or asked.units != "bytes":
        return ()
    return asked.ranges if condition is None or condition.strip() == f'"{sha256}"' else ()


def readable(db: Db, actor: Actor, folder_id: int, document_id: int, number: int) -> DocumentVersion:
    """The version of a document that this person may read the bytes of; refuses as `serve` does."""
    folder = authorize(db, actor, folder_id)
    query = (
        sa.select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(Document.id == document_id, Document.folder_id == folder.id, DocumentVersion.number == number)
    )
    version = db.scalar(query)
    if by_onlooker(db, folder.id):
        given = (one.id for _, every in every_version(db, folder.id) for one in every)
        if version is None or version.id not in given:
            raise Refusal("document-unknown")
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
