"""A pile of scanned pages, cut where a page says so: a printed page of separation, or a blank page; in a process of its own.

In the child (`answer`) each page is drawn small and looked at; the documents are written beside one another, their pages as
they are in the pile, no picture coded anew. The pile itself is never changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.files.confined import Confined, Ended, Limits

if TYPE_CHECKING:
    from pikepdf import Pdf
    from PIL.Image import Image
    from pypdfium2 import PdfPage

MARK: Final = "PARAPHE SEPARATION"
"""What the code of a printed page of separation says; no other code cuts a pile, and invoices bear some."""
LARGE: Final = 0.2
"""The least part of the breadth of a page that the code takes: ours takes twice that. One in a corner is of somebody else."""
CODE, BLANK = "code", "blank"
"""How a pile is cut."""
CUT: Final = "cut"
MOST: Final = 1_000
"""Pages of a pile that are looked at; a longer one is left whole."""
LIMITS: Final = Limits(cpu_seconds=240, seconds=300.0, memory=1 << 30, written=1 << 31)
DPI: Final = 100
MARGIN: Final = 0.06
"""Of each side of a page, where a scanner leaves its edges and punched holes: nothing there is ink."""
CELL: Final = 8
"""Points of a side of the squares in which ink is looked for: a speck does not fill one, a letter does."""
APART, FILLED, FEW = 40, 0.12, 6
"""How far from paper ink is, of 255, darker or lighter: a till receipt is pale, and what lies under an open lid is white on
black. The share of a square that it fills; so many squares, and a page is written on.
"""
_room = Confined("app.files.piles")


@dataclass(frozen=True)
class Pile:
    """The documents of a pile, each with the numbers of its pages (from 1), and the pages that part them."""

    documents: Sequence[tuple[Path, Sequence[int]]]
    between: Sequence[int]


def cut(path: Path, by: str, into: Path) -> Pile | None:
    """The documents of a PDF, each written in `into`; None of what is no pile to be cut: its limits, or the file, ended it."""
    try:
        content = _room.ask(
            {"pile": str(path.resolve()), "by": by, "into": str(into.resolve())}, LIMITS
        ).content
    except Ended:
        return None
    if "documents" not in content:
        return None
    return Pile(
        [(into / f"{n}.pdf", pages) for n, pages in enumerate(content["documents"])], content["between"]
    )


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """In the child: which pages are which document, once they are written."""
    import pikepdf
    import pypdfium2

    path, by, into = Path(question["pile"]), question["by"], Path(question["into"])
    try:
        with pypdfium2.PdfDocument(path) as document:
            if len(document) > MOST:
                return {"unread": True}
            marks = [_mark(document[number], by) for number in range(len(document))]
        documents, between = _parted(marks)
        if between:
            with pikepdf.open(path) as pile:
                if _is_one(pile):
                    return {"unread": True}
                written = 0
                for rank, pages in enumerate(documents):
                    with pikepdf.new() as part:
                        for number in pages:
                            part.pages.append(pile.pages[number - 1])
                        # Pages of one dictionary would each bring the pictures of all others, into somebody else's folder
                        part.remove_unreferenced_resources()
                        part.save(into / f"{rank}.pdf", deterministic_id=True)
                    written += (into / f"{rank}.pdf").stat().st_size
                    if written > LIMITS.written:
                        return {"unread": True}
    except Exception:  # noqa: BLE001 - whatever a hostile file raises, it is left whole, and examined as any other
        return {"unread": True}
    return {"documents": documents, "between": between}


def _is_one(pile: "Pdf") -> bool:
    """Whether a PDF is one document, whatever its pages: it carries files, the data of an invoice may be, or it is signed."""
    form = pile.Root.get("/AcroForm")
    return bool(pile.attachments) or (form is not None and bool(int(form.get("/SigFlags", 0)) & 1))


def _parted(marks: Sequence[str]) -> tuple[list[list[int]], list[int]]:
    """The pages of each document, and those between; the blank back of a printed page of separation goes with it."""
    documents: list[list[int]] = [[]]
    between = []
    before = ""
    for number, mark in enumerate(marks, 1):
        parts = mark in {CODE, CUT} or (mark == BLANK and before == CODE)
        if parts:
            between.append(number)
            if documents[-1]:
                documents.append([])
        else:
            documents[-1].append(number)
        before = mark
    return [pages for pages in documents if pages], between


def _mark(page: "PdfPage", by: str) -> str:
    """`CODE` of a printed page of separation, `BLANK` of a blank page, `CUT` of one that parts; empty of any other."""
    image = page.render(scale=DPI / 72, grayscale=True).to_pil().convert("L")
    if by == CODE and _has_mark(image):
        return CODE
    if _is_blank(image):
        return BLANK if by == CODE else CUT
    return ""


def _has_mark(image: "Image") -> bool:
    import zxingcpp

    codes = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    least = LARGE * min(image.size)
    return any(code.text == MARK and _breadth(code.position) >= least for code in codes)


def _breadth(corners: Any) -> float:
    """Of a code, in points, however it is turned."""
    return hypot(corners.top_right.x - corners.top_left.x, corners.top_right.y - corners.top_left.y)


def _is_blank(image: "Image") -> bool:
    """Whether nothing is written on a page, whatever its paper, its specks and its edges."""
    across, down = (round(side * MARGIN) for side in image.size)
    inner = image.crop((across, down, image.width - across, image.height - down))
    if min(inner.size) < CELL:
        return False
    paper = _middle(inner.histogram())
    ink = inner.point([255 if abs(shade - paper) > APART else 0 for shade in range(256)])
    squares = ink.reduce(CELL).histogram()
    return sum(squares[round(255 * FILLED) :]) < FEW


def _middle(histogram: Sequence[int]) -> int:
    half, below = sum(histogram) / 2, 0
    for shade, count in enumerate(histogram):
        below += count
        if below >= half:
            return shade
    return 255


def separation() -> bytes:
    """A page of separation, to be printed: its code twice, so that a fold or a stain leaves one."""
    import segno

    from app.pdf.paper import MARGIN as EDGE
    from app.pdf.paper import paper, text

    page = paper("Page de séparation")
    text(page, "Page de séparation", 26)
    text(
        page,
        "Posez-la entre deux documents, puis numérisez la pile d’une fois : chacun devient un dossier.",
        12,
    )
    text(
        page, "Elle est ôtée du résultat, et ressert. En recto verso, son verso blanc est ôté avec elle.", 12
    )
    for top in (62.0, 172.0):
        _drawn(page, list(segno.make(MARK, error="h", micro=False).matrix), (EDGE + 40, top, 90.0))
    return bytes(page.output())


def _drawn(page: Any, modules: Sequence[Sequence[int]], square: tuple[float, float, float]) -> None:
    """A code, in a square given by its left, its top and its side, in millimetres."""
    left, top, side = square
    step = side / len(modules)
    page.set_fill_color(0, 0, 0)
    for x, y in _dark(modules):
        page.rect(left + x * step, top + y * step, step, step, style="F")


def _dark(modules: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    return ((x, y) for y, line in enumerate(modules) for x, module in enumerate(line) if module)
