"""Where a note is pinned: on a page of one version of a document, known by its digest, or on a part of that page.

A pin is shown over the page and told beside it; it is never written into a file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from app.core.db import Db
from app.core.refusals import Refusal
from app.files import vault
from app.folders.models import Document, DocumentVersion, Folder, FolderNote
from app.folders.rows import every_version
from app.pdf.sides import sides

PDF = "application/pdf"
MOST_PAGES = 9_999
FARTHEST = 14_400.0
"""The largest side of a page of a PDF, in points (ISO 32000-1, annex C)."""
LEAST = 1.0
"""The smallest side of a part of a page, in points."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Pin:
    """A place to pin a note on: a document and one of its versions, a page from 1, and a part of it, or None for all of it.

    `box`: x1, y1, x2, y2 in points of the page as it is shown, from its lower left corner.
    """

    document: int
    number: int
    page: int
    box: Box | None = None


@dataclass(frozen=True)
class Pinned:
    """What a note is pinned on, as it is told; `current`: it is the version of the document that the folder's page shows."""

    document: Document
    version: DocumentVersion
    page: int
    box: Box | None
    current: bool

    @property
    def words(self) -> str:
        """« page 2 de « Facture », version 1 »; of the only version, without its number."""
        version = "" if self.current and self.version.number == 1 else f", version {self.version.number}"
        return f"page {self.page} de « {self.document.title} »{version}"


def on_page(db: Db, folder: Folder, pin: Pin) -> DocumentVersion:
    """The version that a pin names; refuses `pin-document` where it is no PDF, `pin-page` beyond its last page, `pin-box`."""
    found = (one for row, every in every_version(db, folder.id) if row.id == pin.document for one in every)
    version = next((one for one in found if one.number == pin.number), None)
    if version is None or version.media_type != PDF:
        raise Refusal("pin-document")
    # Of a rendition that was made here, nobody has counted the pages
    most = version.pages or MOST_PAGES
    if not 1 <= pin.page <= most:
        raise Refusal("pin-page", pages=most)
    if pin.box is not None:
        _refuse_unseen(folder, version, pin.page, pin.box)
    return version


def _refuse_unseen(folder: Folder, version: DocumentVersion, page: int, box: Box) -> None:
    """Refuse `pin-box`: a part that is none, that nobody could see, or that is not on the page."""
    x1, y1, x2, y2 = box
    if not all(isfinite(one) and 0 <= one <= FARTHEST for one in box) or min(x2 - x1, y2 - y1) < LEAST:
        raise Refusal("pin-box")
    with vault.local(folder.collectivity_id, version.sha256, ".pdf") as path:
        width, height = sides(path, page) or (FARTHEST, FARTHEST)
    if x2 > width + LEAST or y2 > height + LEAST:  # what is chosen at its edge was rounded
        raise Refusal("pin-box")


def pinned(db: Db, folder: Folder, note: FolderNote) -> Pinned | None:
    """What a note is pinned on; None where it is pinned nowhere, or on a document that was taken out of the folder since."""
    if note.version_id is None or note.page is None:
        return None
    for document, every in every_version(db, folder.id):
        for version in every:
            if version.id == note.version_id:
                box: Box | None = tuple(note.box) if note.box else None
                return Pinned(document, version, note.page, box, version is every[0])
    return None


def numbered(notes: Sequence[FolderNote]) -> dict[int, int]:
    """The number by which each pinned note of these is known, on the page and beside it: from 1, in their order."""
    roots = [note for note in notes if note.version_id is not None and note.answers_id is None]
    return {note.id: n for n, note in enumerate(roots, start=1)}
