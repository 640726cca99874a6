"""The words of a kept file, read in a process of its own: bounded in time, memory, pages and signs.

In the child (`answer`) a PDF gives the text that its pages draw, an XML its texts and, of a payment flow, the values that its
elements carry. A picture, and a page without text, gives what Tesseract recognises on it, where the machine has it
(`app.files.ocr`); else nothing.

A deposit, whose copy has just read the file, takes its text along where that is ready at once (`read_at_once`); all others are
read by the worker (`read_words`). Both ask `answer`, so that a file has one text, whoever reads it.
"""

import ctypes
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.refusals import Refusal
from app.files import ocr
from app.files.confined import Confined, Ended, Limits

if TYPE_CHECKING:
    from pypdfium2 import PdfPage, PdfTextPage

PAGES, SIGNS = 300, 200_000
"""So many pages of a PDF are read, and so many signs of any file: a long annex is found by its beginning."""
SECONDS = 12.0
"""Of processor, for the pages of a PDF: what was read by then is kept."""
LONGEST_VALUE, LONGEST_WORD = 2_000, 120
"""An XML text that is longer, or has no space for so long, is no sentence: a file inside, in base64."""
PLACED, MOST_CHARS = 4_000, 20_000
"""So many words of a file have their place told, of pages that are no longer than so: an invoice has some hundreds."""
SCALE = 10_000
"""A place is told in shares of the page as it is shown: so many from side to side, and from top to bottom."""
SCANS, OCR_SECONDS = 12, 60.0
"""So many pages without text are recognised, and so long, of one file: the first ones say what a document is."""
BLANK = 8
"""A page with fewer signs than that has no text: a scanner's own mark, a page number put over a picture."""
LIMITS = Limits(cpu_seconds=20, seconds=40.0 + OCR_SECONDS, memory=1 << 30, written=0)
AT_ONCE, SECONDS_AT_ONCE = Limits(cpu_seconds=2, seconds=4.0, memory=LIMITS.memory, written=0), 0.25
"""What a text that is ready at once may take; beyond so many seconds of processor no more of it is read."""
SIGNS_AT_ONCE = 150_000
"""Signs of the longest text whose forms are made while somebody waits: a third of a second where each of its words is another."""
PICTURES = ("image/png", "image/jpeg", "image/tiff")
READ = ("application/pdf", "application/xml", "text/xml", "text/plain", "text/csv", *PICTURES)
"""The kinds of files that have words."""
_room = Confined("app.files.words")
_SOFT = re.compile("[\N{SOFT HYPHEN}\ufffe\x02]\\s*")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


Place = list[int]
"""Where a word stands: its page (from 1), left, top, right, bottom; nothing where that is not known."""


@dataclass(frozen=True)
class Text:
    """The text of a file, empty where it has none; `recognised`: at least a part of it was guessed from pictures.

    `places`: where each of its first words stands, as `text.split()` counts them.
    """

    text: str = ""
    recognised: bool = False
    places: Sequence[Place] = ()


class _Left(Exception):  # noqa: N818 (it says what is done with a file, not that we failed)
    """Nobody who deposits waits for the text of this file."""


@dataclass(frozen=True)
class Piece:
    """A part of a text, and where its words stand; as many places as words, or none at all."""

    text: str
    places: Sequence[Place] = ()


def read_words(path: Path, media_type: str, *, placed: bool = False) -> Text | None:
    """The text of a file, and where its words stand (`placed`); None where its limits, or the file itself, ended its reading."""
    return _asked(path, media_type, LIMITS, placed=placed, at_once=False)


def read_at_once(path: Path, media_type: str, *, placed: bool = False) -> Text | None:
    """The same, word for word, where it takes next to nothing; None where it is left to the worker.

    Left: a picture, a file with a page to be recognised, one that takes long or says much, or that ends its reading however
    it does.
    """
    if media_type in PICTURES:
        return None
    try:
        text = _asked(path, media_type, AT_ONCE, placed=placed, at_once=True)
        return None if text is None or len(text.text) > SIGNS_AT_ONCE else text
    except Refusal:  # no reader starts: a file is not refused for its words
        return None


def _asked(path: Path, media_type: str, limits: Limits, *, placed: bool, at_once: bool) -> Text | None:
    if media_type not in READ:
        return Text()
    question = {
        "words": str(path.resolve()),
        "media_type": media_type,
        "placed": placed,
        "at_once": at_once,
    }
    try:
        content = _room.ask(question, limits).content
    except Ended:
        return None
    if "text" not in content:
        return None
    return Text(content["text"], content["recognised"], tuple(content["places"]))


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """In the child: the text of the file, or that it could not be read; `at_once`: whole as the worker has it, or not at all."""
    placed, at_once = bool(question.get("placed")), bool(question.get("at_once"))
    path, media_type, scans = Path(question["words"]), question["media_type"], _Scans(at_once=at_once)
    until = time.process_time() + SECONDS_AT_ONCE
    pieces: list[str] = []
    places: list[Place] = []
    length = 0
    try:
        for piece in _pieces(path, media_type, scans, placed=placed):
            if at_once and time.process_time() > until:
                return {"unread": True}
            pieces.append(_cleaned(piece.text))
            length += len(pieces[-1])
            if placed and len(places) < PLACED:
                count = len(pieces[-1].split())
                places += piece.places if len(piece.places) == count else [[]] * count
            if length > SIGNS:
                break
    except Exception:  # noqa: BLE001 - whatever a hostile file raises, it has no words
        if at_once or not pieces:
            return {"unread": True}
    whole = "\n".join(pieces)[:SIGNS].strip()
    known = places[:PLACED] if any(places) else []
    return {"text": whole, "recognised": scans.recognised, "places": known}


def _cleaned(text: str) -> str:
    return _UNSEEN.sub(" ", _SOFT.sub("", text))


def _pieces(path: Path, media_type: str, scans: "_Scans", *, placed: bool) -> Iterator[Piece]:
    if media_type == READ[0]:
        return _of_pdf(path, scans, placed=placed)
    if media_type in PICTURES:
        return iter([Piece(_joined(scans.read(path.read_bytes())))])
    return map(Piece, _of_xml(path) if media_type.endswith("xml") else _of_text(path))


def _joined(lines: Sequence[Sequence[ocr.Word]]) -> str:
    return "\n".join(" ".join(word.text for word in line) for line in lines)


class _Scans:
    """What is recognised on the pictures of one file, within its bounds; nothing, and no text either, for who is `at_once`."""

    def __init__(self, *, at_once: bool) -> None:
        self.at_once = at_once
        self.until = time.monotonic() + OCR_SECONDS
        self.pages, self.recognised = 0, False

    @cached_property
    def program(self) -> str | None:
        """Tesseract, looked for once something is to be recognised: to ask it costs more than the text of a page."""
        return ocr.ready()

    def read(self, picture: bytes) -> list[list[ocr.Word]]:
        left = self.until - time.monotonic()
        if left < 1 or self.pages >= SCANS or self.program is None:
            return []
        self.pages += 1
        lines = ocr.read(self.program, picture, left)
        self.recognised = self.recognised or bool(lines)
        return lines

    def page(self, number: int, page: "PdfPage") -> Piece:
        """A page that has no text; nothing of one that is too large to be drawn."""
        if self.at_once:
            raise _Left
        width, height = page.get_size()
        scale = min(ocr.DPI / 72, (ocr.LARGEST / max(width * height, 1)) ** 0.5)
        if self.pages >= SCANS or scale * 72 < ocr.DPI / 3 or self.program is None:
            return Piece("")
        drawn = page.render(scale=scale, grayscale=True)
        rows = bytes(drawn.buffer)
        if (
            len(set(rows[:: max(len(rows) // 200_000, 1)])) == 1
        ):  # a blank page, as far as its points are looked at
            return Piece("")
        pixels = (rows[at : at + drawn.width] for at in range(0, drawn.height * drawn.stride, drawn.stride))
        lines = self.read(b"P5 %d %d 255\n" % (drawn.width, drawn.height) + b"".join(pixels))
        across, down = SCALE / drawn.width, SCALE / drawn.height
        places = [
            [
                number,
                *(round(share) for share in (word.left * across, word.top * down)),
                *(round(share) for share in (word.right * across, word.bottom * down)),
            ]
            for line in lines
            for word in line
            for _ in word.text.split()
        ]
        return Piece(_joined(lines), places)


def _of_pdf(path: Path, scans: _Scans, *, placed: bool) -> Iterator[Piece]:
    import pypdfium2

    until, left = time.process_time() + SECONDS, PLACED if placed else 0
    with pypdfium2.PdfDocument(path) as document:
        for number in range(min(len(document), PAGES)):
            page = document[number]
            written = page.get_textpage()
            # Asked for by parts: a page may hold more text than its file has bytes
            count = written.count_chars()
            text = written.get_text_range(0, min(count, SIGNS)) if count else ""
            places = (
                list(_places(number + 1, page, written, count)) if left > 0 and count <= MOST_CHARS else []
            )
            left -= min(len(places), len(text.split()))
            yield Piece(text, places)
            if count < BLANK:
                yield scans.page(number + 1, page)
            if time.process_time() > until:
                return


def _places(number: int, page: "PdfPage", written: "PdfTextPage", count: int) -> Iterator[Place]:
    """Where each word of a page stands, its signs together, on the page as it is shown: turned, and cut to its crop box."""
    from pypdfium2 import PdfiumError, raw

    across, down = ctypes.c_int(), ctypes.c_int()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    box: tuple[float, ...] | None = None

    def shown(x: float, y: float) -> tuple[int, int]:
        raw.FPDF_PageToDevice(page, 0, 0, SCALE, SCALE, 0, x, y, across, down)
        return across.value, down.value

    for index in range(count + 1):
        if index == count or _between(raw.FPDFText_GetUnicode(written, index)):
            if box is not None:
                # A page is turned by quarters: two corners of a word are two corners of it as it is shown
                xs, ys = zip(shown(box[0], box[1]), shown(box[2], box[3]), strict=True)
                yield [number, min(xs), min(ys), max(xs), max(ys)]
            box = None
            continue
        if not raw.FPDFText_GetCharBox(written, index, left, right, bottom, top):
            raise PdfiumError("a sign without its place")
        sign = left.value, bottom.value, right.value, top.value
        box = sign if box is None else (*map(min, box[:2], sign[:2]), *map(max, box[2:], sign[2:]))


@lru_cache(maxsize=4096)
def _between(code: int) -> bool:
    """Whether a sign stands between two words, as `text.split()` has it once the text is cleaned."""
    return chr(code).isspace() or _cleaned(chr(code)).isspace()


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
