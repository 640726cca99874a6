"""A masked version must not hold what it hides: under a black rectangle, or in the file as it was before it was edited."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from app.core.db import Db
from app.core.refusals import Refusal
from app.files import vault
from app.files.pdf import read_text
from app.folders.models import Document, DocumentVersion, Folder

PDF = "application/pdf"
_BLOCK = 1 << 20


def refuse_readable(db: Db, folder: Folder, path: Path) -> None:
    """Refuse a file that holds one of the original's versions whole, or every word of its first pages.

    A drawing over a text leaves the text (CNIL, guide of publication); an editor that appends its changes leaves the file
    as it was before (ISO 32000-1 §7.5.6). A page that is only an image has no text: nothing can be compared there.
    """
    originals = list(_originals(db, folder))
    for row in originals:
        if row.size <= path.stat().st_size and _digest(path, row.size) == row.sha256:
            raise Refusal("masked-still-readable")
    if not originals:
        return
    with vault.local(folder.collectivity_id, originals[0].sha256, ".pdf") as original:
        vocabulary = Counter(read_text(original).split())
    if vocabulary and not vocabulary - Counter(read_text(path).split()):
        raise Refusal("masked-still-readable")


def _originals(db: Db, folder: Folder) -> Iterator[DocumentVersion]:
    query = (
        sa.select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(
            Document.folder_id == folder.id,
            Document.role.in_(("main", "paper")),
            DocumentVersion.media_type == PDF,
        )
    )
    yield from db.scalars(query.order_by(DocumentVersion.id))


def _digest(path: Path, size: int) -> str:
    """The SHA-256 of the first bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while size and (block := source.read(min(size, _BLOCK))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()
