"""The words of a kept file, read in a process of its own: bounded in time, memory, pages and signs.

In the child (`answer`) a PDF gives the text that its pages draw, an XML its texts and, of a payment flow, the values that its
elements carry. A picture, and a page without text, gives what Tesseract recognises on it, where the machine has it
(`app.files.ocr`); else nothing.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.files import ocr
from app.files.confined import Confined, Ended, Limits

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

PAGES, SIGNS = 300, 200_000
"""So many pages of a PDF are read, and so many signs of any file: a long annex is found by its beginning."""
SECONDS = 12.0
"""Of processor, for the pages of a PDF: what was read by then is kept."""
LONGEST_VALUE, LONGEST_WORD = 2_000, 120
"""An XML text that is longer, or has no space for so long, is no sentence: a file inside, in base64."""
SCANS, OCR_SECONDS = 12, 60.0
"""So many pages without text are recognised, and so long, of one file: the first ones say what a document is."""
BLANK = 8
"""A page with fewer signs than that has no text: a scanner's own mark, a page number put over a picture."""
LIMITS = Limits(cpu_seconds=20, seconds=40.0 + OCR_SECONDS, memory=1 << 30, written=0)
PICTURES = ("image/png", "image/jpeg", "image/tiff")
READ = ("application/pdf", "application/xml", "text/xml", "text/plain", "text/csv", *PICTURES)
"""The kinds of files that have words."""
_room = Confined("app.files.words")
_SOFT = re.compile("[\N{SOFT HYPHEN}\ufffe\x02]\\s*")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Text:
    """The text of a file, empty where it has none; `recognised`: at least a part of it was guessed from pictures."""

    text: str = ""
    recognised: bool = False


def read_words(path: Path, media_type: str) -> Text | None:
    """The text of a file; None where its limits, or the file itself, ended its reading."""
    if media_type not in READ:
        return Text()
    try:
        content = _room.ask({"words": str(path.resolve()), "media_type": media_type}, LIMITS).content
    except Ended:
        return None
    return Text(**content) if "text" in content else None


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """In the child: the text of the file, or that it could not be read."""
    path, media_type, scans = Path(question["words"]), question["media_type"], _Scans()
    pieces, length = [], 0
    try:
        for piece in _pieces(path, media_type, scans):
            pieces.append(_UNSEEN.sub(" ", _SOFT.sub("", piece)))
            length += len(pieces[-1])
            if length > SIGNS:
                break
    except Exception:  # noqa: BLE001 - whatever a hostile file raises, it has no words
        if not pieces:
            return {"unread": True}
    return {"text": "\n".join(pieces)[:SIGNS].strip(), "recognised": scans.recognised}


def _pieces(path: Path, media_type: str, scans: "_Scans") -> Iterator[str]:
    if media_type == READ[0]:
        return _of_pdf(path, scans)
    if media_type in PICTURES:
        return iter([scans.read(path.read_bytes())])
    return _of_xml(path) if media_type.endswith("xml") else _of_text(path)


class _Scans:
    """What is recognised on the pictures of one file, within its bounds."""

    def __init__(self) -> None:
        self.program, self.until = ocr.ready(), time.monotonic() + OCR_SECONDS
        self.pages, self.recognised = 0, False

    def read(self, picture: bytes) -> str:
        left = self.until - time.monotonic()
        if self.program is None or left < 1 or self.pages >= SCANS:
            return ""
        self.pages += 1
        text = ocr.read(self.program, picture, left)
        self.recognised = self.recognised or bool(text.strip())
        return text

    def page(self, page: "PdfPage") -> str:
        """A page that has no text; nothing of one that is too large to be drawn."""
        width, height = page.get_size()
        scale = min(ocr.DPI / 72, (ocr.LARGEST / max(width * height, 1)) ** 0.5)
        if self.program is None or self.pages >= SCANS or scale * 72 < ocr.DPI / 3:
            return ""
        drawn = page.render(scale=scale, grayscale=True)
        rows = bytes(drawn.buffer)
        if (
            len(set(rows[:: max(len(rows) // 200_000, 1)])) == 1
        ):  # a blank page, as far as its points are looked at
            return ""
        lines = (rows[at : at + drawn.width] for at in range(0, drawn.height * drawn.stride, drawn.stride))
        return self.read(b"P5 %d %d 255\n" % (drawn.width, drawn.height) + b"".join(lines))


def _of_pdf(path: Path, scans: _Scans) -> Iterator[str]:
    import pypdfium2

    until = time.process_time() + SECONDS
    with pypdfium2.PdfDocument(path) as document:
        for number in range(min(len(document), PAGES)):
            page = document[number]
            written = page.get_textpage()
            # Asked for by parts: a page may hold more text than its file has bytes
            yield (
                written.get_text_range(0, min(written.count_chars(), SIGNS)) if written.count_chars() else ""
            )
            if written.count_chars() < BLANK:
                yield scans.page(page)
            if time.process_time() > until:
                return


def _of_xml(path: Path) -> Iterator[str]:
    from lxml import etree

    safe: dict[str, Any] = {
        "resolve_entities": False,
        "no_network": True,
        "load_dtd": False,
        "huge_tree": False,
    }
    for _, element in etree.iterparse(str(path), events=("end",), **safe):
        for value in (element.get("V"), element.text):
            text = (value or "").strip()
            if text and len(text) <= (LONGEST_VALUE if " " in text else LONGEST_WORD):
                yield text
        element.clear()


def _of_text(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        data = file.read(SIGNS * 4)
    try:
        yield data.decode("utf-8", "strict" if len(data) < SIGNS * 4 else "ignore")
    except UnicodeDecodeError:
        yield data.decode("cp1252", "replace")
