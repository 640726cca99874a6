"""A page drawn as it was signed and as it is now, by pdfium, on screen and on paper: only ever a reason to doubt.

pdfium is one viewer among several: that it draws the same proves nothing, that it draws something else proves a change.
"""

import ctypes
import io
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from importlib import import_module
from threading import Lock
from typing import IO, Any

from app.pdf.tree import Rectangle

ONE_AT_A_TIME = Lock()
"""pdfium keeps its state for the whole process: two threads inside it at once break each other's documents."""

# On screen in colours and on paper in greys (FPDF_PRINTING): pixels for a point, and pixels drawn at most
WAYS = ((False, 0.75, 500_000), (True, 1.4, 1_200_000))
SECONDS, MOST_PAGES = 4.0, 24  # of drawing, for a file
DARK = 160  # a grey below is ink
SEEN = 24  # levels of 255: less is the smoothing of an edge
LARGEST_ZOOM = 2.0  # of a picture for people
PAD = 2  # pixels of smoothing around a place
HIDDEN_SHARE, INK_SHARE = 0.15, 0.004  # of the ink that was there; of the place's own pixels


def load() -> None:
    """Load what draws, for a process whose copies draw: each of them would load it again (a tenth of a second of computing)."""
    import_module("pypdfium2")
    import_module("PIL.ImageChops")


@dataclass(frozen=True)
class Drawn:
    """What drawing a page twice has shown: whether it differs outside the places, and for each place what is under it.

    `ink`: something was written there. `hidden`: something written there no longer shows.
    """

    differs: bool = False
    ink: tuple[bool, ...] = ()
    hidden: tuple[bool, ...] = ()


class CannotDraw(Exception):  # noqa: N818 (an answer)
    """A page, or a document, that pdfium cannot draw within the limits."""


@dataclass
class Drawing:
    """The drawings of one file, each revision opened once; `close` it."""

    stream: IO[bytes]
    left: float = SECONDS
    pages: int = 0
    _opened: dict[int, Any] = field(default_factory=dict)

    def close(self) -> None:
        """Give back what pdfium holds."""
        with ONE_AT_A_TIME:
            for document in self._opened.values():
                document.close()
        self._opened.clear()

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.stream.seek(0, os.SEEK_END)

    def compare(self, number: int, end: int, size: int, places: Sequence[Rectangle]) -> Drawn:
        """Page `number` (from 0) of the file's first `end` bytes beside that of its first `size`.

        Raises `CannotDraw`.
        """
        import pypdfium2 as pdfium

        if self.left <= 0 or self.pages >= MOST_PAGES:
            raise CannotDraw
        self.pages += 1
        began = time.monotonic()
        try:
            with ONE_AT_A_TIME:
                return self._compare(number, end, size, places, began + self.left)
        except (pdfium.PdfiumError, ValueError, MemoryError, OSError, ctypes.ArgumentError) as error:
            raise CannotDraw from error
        finally:
            self.left -= time.monotonic() - began

    def _compare(
        self, number: int, end: int, size: int, places: Sequence[Rectangle], deadline: float
    ) -> Drawn:
        before, after = self._document(end), self._document(size)
        if len(before) != len(after):
            return Drawn(differs=True)
        differs, ink, hidden = False, [False] * len(places), [False] * len(places)
        with closing(before[number]) as old, closing(after[number]) as new:
            if old.get_size() != new.get_size():
                return Drawn(differs=True)
            for pairs in _drawings((before, old), (after, new), deadline):
                first, second, boxes = *pairs[:2], [pairs[2](place) for place in places]
                differs |= _outside(first, second, boxes)
                for rank, box in enumerate(boxes):
                    under, gone = _under(first, second, box)
                    ink[rank] |= under
                    hidden[rank] |= gone
        return Drawn(differs, tuple(ink), tuple(hidden))

    def both(self, number: int, end: int, size: int, dots: int) -> tuple[Any, Any]:
        """Page `number` (from 0) of the first `end` and of the first `size` bytes, each as it is seen on a screen.

        `dots`: at most, in each image; None where that revision has no such page. Raises `CannotDraw`.
        """
        import pypdfium2 as pdfium

        if self.left <= 0:
            raise CannotDraw
        began = time.monotonic()
        try:
            with ONE_AT_A_TIME:
                return self._alone(number, end, dots), self._alone(number, size, dots)
        except (pdfium.PdfiumError, ValueError, MemoryError, OSError, ctypes.ArgumentError) as error:
            raise CannotDraw from error
        finally:
            self.left -= time.monotonic() - began

    def count(self, end: int) -> int:
        """How many pages the first `end` bytes show; raises `CannotDraw`."""
        import pypdfium2 as pdfium

        try:
            with ONE_AT_A_TIME:
                return len(self._document(end))
        except (pdfium.PdfiumError, ValueError, MemoryError, OSError) as error:
            raise CannotDraw from error

    def _alone(self, number: int, end: int, dots: int) -> Any:
        from pypdfium2 import raw

        document = self._document(end)
        if number >= len(document):
            return None
        with closing(document[number]) as page:
            wide, high = page.get_size()
            scale = min(LARGEST_ZOOM, (dots / max(wide * high, 1.0)) ** 0.5)
            size = max(1, round(wide * scale)), max(1, round(high * scale))
            return _draw(document, page, size, raw.FPDF_ANNOT, time.monotonic() + self.left)

    def _document(self, end: int) -> Any:
        import pypdfium2 as pdfium

        if end not in self._opened:
            # pdfium keeps reading a document while it draws it: each has a view of its own on the file
            document = pdfium.PdfDocument(_Prefix(self.stream, end), password="")
            self._opened[end] = document
            if document.get_formtype():
                document.init_forms()  # else no field is drawn
        return self._opened[end]


def _drawings(old: tuple[Any, Any], new: tuple[Any, Any], deadline: float) -> Iterator[tuple[Any, Any, Any]]:
    """Both pages at each zoom, on screen and on paper, and where a place of the page lies in these drawings."""
    from pypdfium2 import raw

    wide, high = old[1].get_size()
    for printed, zoom, most in WAYS:
        scale = min(zoom, (most / max(wide * high, 1.0)) ** 0.5)
        size = max(1, round(wide * scale)), max(1, round(high * scale))
        flags = raw.FPDF_ANNOT | (raw.FPDF_PRINTING | raw.FPDF_GRAYSCALE if printed else 0)
        first, second = (_draw(*pair, size, flags, deadline) for pair in (old, new))
        yield first, second, lambda place, size=size: _pixels(old[1], place, size)


def _draw(document: Any, page: Any, size: tuple[int, int], flags: int, deadline: float) -> Any:
    """A page with its fields, abandoned when the time is over."""
    import pypdfium2 as pdfium
    from pypdfium2 import raw

    grey = bool(flags & raw.FPDF_GRAYSCALE)
    bitmap = pdfium.PdfBitmap.new_native(*size, raw.FPDFBitmap_Gray if grey else raw.FPDFBitmap_BGRx)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, *size)
    pause = raw.IFSDK_PAUSE(version=1)
    pause.NeedToPauseNow = type(pause.NeedToPauseNow)(lambda _: time.monotonic() > deadline)
    where = (bitmap.raw, page.raw, 0, 0, *size, 0, flags)
    state = raw.FPDF_RenderPageBitmap_Start(*where, pause)
    raw.FPDF_RenderPage_Close(page.raw)
    if state != raw.FPDF_RENDER_DONE:
        raise CannotDraw
    if document.formenv is not None:
        raw.FPDF_FFLDraw(document.formenv, *where)  # fields are drawn apart from the rest of the page
    image = bitmap.to_pil()
    return image if image.mode in {"L", "RGB"} else image.convert("RGB")


def _pixels(page: Any, place: Rectangle, size: tuple[int, int]) -> tuple[int, int, int, int]:
    from pypdfium2 import raw

    corners = []
    for x, y in ((place[0], place[1]), (place[2], place[3])):
        across, down = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page.raw, 0, 0, *size, 0, x, y, across, down)
        corners.append((across.value, down.value))
    (x1, y1), (x2, y2) = corners
    return (
        max(0, min(x1, x2) - PAD),
        max(0, min(y1, y2) - PAD),
        min(size[0], max(x1, x2) + PAD),
        min(size[1], max(y1, y2) + PAD),
    )


def _outside(first: Any, second: Any, boxes: Sequence[tuple[int, int, int, int]]) -> bool:
    from PIL import ImageChops

    difference = ImageChops.difference(first, second)
    for box in boxes:
        if box[0] < box[2] and box[1] < box[3]:
            difference.paste(0 if difference.mode == "L" else (0, 0, 0), box)
    if difference.getbbox() is None:
        return False
    bands: Any = difference.getextrema()
    return bool(bands[1] > SEEN) if difference.mode == "L" else any(high > SEEN for _, high in bands)


def _under(first: Any, second: Any, box: tuple[int, int, int, int]) -> tuple[bool, bool]:
    """Whether something was written in a place, and whether some of it no longer shows."""
    from PIL import ImageChops

    inner = (box[0] + PAD, box[1] + PAD, box[2] - PAD, box[3] - PAD)
    if inner[0] >= inner[2] or inner[1] >= inner[3]:
        return False, False
    table = [255 if grey < DARK else 0 for grey in range(256)]
    old, new = (image.crop(inner).convert("L").point(table) for image in (first, second))
    written = old.histogram()[255]
    gone = ImageChops.subtract(old, new).histogram()[255]
    area = (inner[2] - inner[0]) * (inner[3] - inner[1])
    return written > INK_SHARE * area, gone > HIDDEN_SHARE * max(written, 1) and gone > INK_SHARE * area


class _Prefix(io.RawIOBase):
    """The first bytes of a file, read at a place of its own."""

    def __init__(self, stream: IO[bytes], end: int) -> None:
        super().__init__()
        self._stream, self._end, self._at = stream, end, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence] + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        room = min(len(buffer), max(0, self._end - self._at))
        self._stream.seek(self._at)
        block = self._stream.read(room)
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)
