"""Where the visible signature goes, thought on the page as people see it, whatever its rotation and crop box."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.rw_common import PdfHandler

from app.core.refusals import Refusal
from app.pdf.comparison import ONE_AT_A_TIME
from app.signing.ports import Box

LETTER = (0.0, 0.0, 612.0, 792.0)  # what poppler, pdfium and pdf.js show a page without any MediaBox as
MARGIN, FOOT = 28.0, 54.0  # the foot leaves the page number and the letterhead's footer readable
GAP = 10.0
WIDTH, LEAST_WIDTH, HEIGHT = 190.0, 110.0, 62.0
STEP, DARK = 8.0, 160  # points between two places tried; a grey below is ink, above a background
NEAR = 0.01
# Of the page: what takes more than an eighth of it is no stamp for those who judge (`app/pdf/changes.py`)
MOST_SHARE, LARGEST_SHARE = 0.1, 0.125
MOST_STEPS, MOST_PIXELS = (
    106,
    4000,
)  # places tried and pixels drawn along the longer side, however large the page
FOOT_SHARE = 0.25  # of the height: what is drawn of a page before more of it is asked for
DEEPEST_TREE, MOST_POINTS = 64, 75_000.0  # in a unit: the largest that Acrobat reads
Rectangle = tuple[float, float, float, float]
_BLACK = [255 if grey < DARK else 0 for grey in range(256)]


@dataclass(frozen=True)
class PageShape:
    """One page: the part that is shown, in the page's own coordinates, and its clockwise rotation in degrees.

    `unit`: points in one of these coordinates (ISO 32000-2 table 31, UserUnit); the page as shown is in points.
    """

    left: float
    bottom: float
    right: float
    top: float
    rotate: int
    unit: float = 1.0

    @property
    def width(self) -> float:
        """Width as shown, in points."""
        sides = (self.right - self.left, self.top - self.bottom)
        return self.unit * sides[self.rotate in (90, 270)]

    @property
    def height(self) -> float:
        """Height as shown, in points."""
        sides = (self.top - self.bottom, self.right - self.left)
        return self.unit * sides[self.rotate in (90, 270)]

    def inward(self, x: float, y: float) -> tuple[float, float]:
        """A point of the displayed page in the page's own coordinates (ISO 32000-2 §7.7.3.3, Rotate and CropBox)."""
        wide, high = self.right - self.left, self.top - self.bottom
        x, y = x / self.unit, y / self.unit
        u, v = {0: (x, y), 90: (wide - y, x), 180: (wide - x, high - y), 270: (y, high - x)}[self.rotate]
        return self.left + u, self.bottom + v

    def outward(self, u: float, v: float) -> tuple[float, float]:
        """A point given in the page's own coordinates, on the displayed page."""
        wide, high = self.right - self.left, self.top - self.bottom
        u, v = u - self.left, v - self.bottom
        x, y = {0: (u, v), 90: (v, wide - u), 180: (wide - u, high - v), 270: (high - v, u)}[self.rotate]
        return x * self.unit, y * self.unit

    def holds(self, box: Box) -> bool:
        """True when a box, rounded to hundredths of a point as the browser sends it, lies on the page as shown."""
        wide, high = self.width + NEAR, self.height + NEAR
        return -NEAR <= box.x1 < box.x2 <= wide and -NEAR <= box.y1 < box.y2 <= high

    def bears(self, box: Box) -> bool:
        """True when a box is a stamp on its page, and not what takes the place of a part of it."""
        return box.width * box.height <= LARGEST_SHARE * self.width * self.height

    def rectangle(self, box: Box) -> Rectangle:
        """The annotation rectangle of a displayed box, in the page's own coordinates.

        Refuses `stamp-outside-page` and `stamp-too-large`.
        """
        if not self.holds(box):
            raise Refusal("stamp-outside-page", page=box.page + 1)
        if not self.bears(box):
            raise Refusal("stamp-too-large", page=box.page + 1)
        (u1, v1), (u2, v2) = self.inward(box.x1, box.y1), self.inward(box.x2, box.y2)
        return min(u1, u2), min(v1, v2), max(u1, u2), max(v1, v2)


def pages(path: Path) -> list[PageShape]:
    """The shape of every page, first to last; refuses `document-unreadable`."""
    with path.open("rb") as stream:
        try:
            return shapes(PdfFileReader(stream))
        except (PdfReadError, ValueError, TypeError, LookupError) as error:
            raise Refusal("document-unreadable") from error


def shapes(handler: PdfHandler) -> list[PageShape]:
    """The shape of every page of an open document, inherited attributes included (ISO 32000-2 §7.7.3.4)."""
    return [_shape(page) for page in _leaves(handler.root["/Pages"], {}, 0)]


def _leaves(node: Any, inherited: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    if depth > DEEPEST_TREE:
        raise PdfReadError("the page tree loops or is too deep")
    known = {key: value for key, value in inherited.items() if key != "/UserUnit"}  # a page's own alone
    for key in ("/MediaBox", "/CropBox", "/Rotate", "/UserUnit"):
        if key in node:
            known[key] = node[key]
    if "/Kids" not in node:
        yield known
        return
    kids = node["/Kids"]
    for index in range(len(kids)):  # by index: pyHanko follows references there, and not when it iterates
        yield from _leaves(kids[index], known, depth + 1)


def rotation(page: Any) -> int:
    """The clockwise rotation of one page in degrees, its own or the nearest ancestor's."""
    for _ in range(DEEPEST_TREE):
        if "/Rotate" in page or "/Parent" not in page:
            break
        page = page["/Parent"]
    return _quarter(page.get("/Rotate", 0))


def _quarter(rotate: Any) -> int:
    try:
        degrees = int(rotate) % 360
    except (TypeError, ValueError):  # no number: viewers show the page as it lies
        return 0
    return degrees if degrees in (90, 180, 270) else 0


def _shape(page: dict[str, Any]) -> PageShape:
    media = _ordered(page.get("/MediaBox")) or LETTER
    crop = _ordered(page.get("/CropBox")) or media
    # What is shown is the part of the crop box that lies in the media box (ISO 32000-2 §14.11.2)
    shown = (max(crop[0], media[0]), max(crop[1], media[1]), min(crop[2], media[2]), min(crop[3], media[3]))
    if shown[0] >= shown[2] or shown[1] >= shown[3]:
        shown = media
    return PageShape(*shown, rotate=_quarter(page.get("/Rotate", 0)), unit=_unit(page.get("/UserUnit", 1)))


def _unit(value: Any) -> float:
    try:
        unit = float(value)
    except (TypeError, ValueError):
        return 1.0
    return unit if 0 < unit < MOST_POINTS else 1.0


def _ordered(box: Any) -> Rectangle | None:
    try:
        if len(box) != 4:
            return None
        x1, y1, x2, y2 = (float(box[index]) for index in range(4))
    except (TypeError, ValueError, LookupError):  # no box: viewers do as when there is none
        return None
    rectangle = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    return rectangle if rectangle[0] < rectangle[2] and rectangle[1] < rectangle[3] else None


class Look:
    """A document looked at for all the places of its signatures: opened once, its pages shaped and drawn once."""

    def __init__(self, path: Path, document: Any) -> None:
        self._path = path
        self._document = document
        self._last: Any = None
        self._drawn: dict[int, Ink | None] = {}

    @property
    def count(self) -> int:
        """How many pages pdfium sees."""
        return len(self._document) if self._document is not None else 0

    @cached_property
    def pages(self) -> list[PageShape]:
        """The shape of every page, first to last; refuses `document-unreadable`."""
        return pages(self._path)

    @contextmanager
    def page(self, number: int) -> Iterator[Any]:
        """One page, for pdfium; the last one, where nearly every signature stands, stays open for who comes next."""
        if number == len(self._document) - 1:
            if self._last is None:
                self._last = self._document[number]
            yield self._last
            return
        with closing(self._document[number]) as page:
            yield page

    def ink(self, number: int) -> "Ink | None":
        """What is drawn on a page as people see it; None when it cannot be drawn."""
        if number not in self._drawn:
            self._drawn = {number: self._ink(number)}  # one at most: it is as large as the page
        return self._drawn[number]

    def _ink(self, number: int) -> "Ink | None":
        import pypdfium2 as pdfium

        if self._document is None:
            return None
        try:
            return Ink(self, number)
        except (pdfium.PdfiumError, ValueError):  # a page that it cannot read, or too thin for one pixel
            return None

    def close(self) -> None:
        """Give back what pdfium holds."""
        with ONE_AT_A_TIME:
            for handle in (self._last, self._document):
                if handle is not None:
                    handle.close()


class Ink:
    """What is drawn on a page, in pixels: its foot, where nearly every signature stands, and the whole once it is asked for.

    The pixels of the foot are those that the whole page has there. Raises PdfiumError or ValueError where it cannot be drawn.
    """

    def __init__(self, look: Look, number: int) -> None:
        self._look, self._number = look, number
        with ONE_AT_A_TIME, look.page(number) as page:
            wide, high = page.get_size()
        self._scale = min(1.0, MOST_PIXELS / max(1.0, wide, high))
        self.width, self.height = ceil(wide * self._scale), ceil(high * self._scale)
        self._draw(high * (1 - FOOT_SHARE))

    def _draw(self, above: float) -> None:
        """Draw what lies below so many units from the top."""
        with ONE_AT_A_TIME, self._look.page(self._number) as page:
            drawn = page.render(scale=self._scale, grayscale=True, crop=(0, 0, 0, above)).to_pil()
        self._image = drawn.point(_BLACK)
        self._above = self.height - self._image.height

    def within(self, left: int, top: int, right: int, bottom: int) -> int:
        """How many pixels of a rectangle have ink."""
        if top < self._above:
            self._draw(0)
        dark: int = self._image.crop((left, top - self._above, right, bottom - self._above)).histogram()[255]
        return dark


@contextmanager
def looking(path: Path) -> Iterator[Look]:
    """A document to look at; in one that pdfium cannot read, no tag and no ink is seen."""
    import pypdfium2 as pdfium

    with ONE_AT_A_TIME:
        try:
            document = pdfium.PdfDocument(path)
        except pdfium.PdfiumError:
            document = None
    with closing(Look(path, document)) as look:
        yield look


def default_box(path: Path | Look, index: int, count: int) -> Box:
    """The place of signatory `index` (from 0) out of `count`: low on the last page, side by side, never overlapping.

    The lowest place that covers nothing written, or the one that covers least: a stamp never hides a bank account when
    the page has room elsewhere.
    """
    if isinstance(path, Path):
        with looking(path) as look:
            return default_box(look, index, count)
    every = path.pages
    page, last = every[-1], len(every) - 1
    grid = _grid(page, count)
    # One signatory alone signs at the right, as on paper; several share the whole width
    shift = grid.width if count == 1 else page.width - 2 * grid.margin
    size = (shift, grid.rows * (grid.height + grid.gap) - grid.gap)
    left, bottom = _free(path, last, page, (grid.margin, grid.foot), size, grid.margin)
    row, column = divmod(index, grid.columns)
    left += column * (page.width - 2 * grid.margin - grid.width) / max(1, grid.columns - 1)
    bottom += (grid.rows - 1 - row) * (grid.height + grid.gap)
    return Box(last, left, bottom, left + grid.width, bottom + grid.height)


def corner_box(path: Path | Look, page: str, corner: str, index: int, count: int) -> Box:
    """The place of signatory `index` out of `count` from a corner (« bottom-right ») of the `first` or `last` page.

    They stand side by side from that corner on, in reading order, and on as many rows as the page's width asks.
    """
    every = pages(path) if isinstance(path, Path) else path.pages
    number = 0 if page == "first" else len(every) - 1
    shape, (edge, side) = every[number], corner.split("-")
    grid = _grid(shape, count)
    row, column = divmod(index, grid.columns)
    columns = min(grid.columns, count - row * grid.columns)  # the last row may be shorter
    across = grid.width + grid.gap
    left = grid.margin + column * across
    if side == "right":
        left = shape.width - grid.margin - (columns - column) * across + grid.gap
    from_top = shape.height - grid.margin - (row + 1) * (grid.height + grid.gap) + grid.gap
    bottom = from_top if edge == "top" else grid.foot + (grid.rows - 1 - row) * (grid.height + grid.gap)
    return Box(number, left, bottom, left + grid.width, bottom + grid.height)


@dataclass(frozen=True)
class _Grid:
    columns: int
    rows: int
    width: float
    height: float
    margin: float
    foot: float
    gap: float


def _grid(page: PageShape, count: int) -> _Grid:
    """How so many boxes share the width of a page, and the margins that they keep."""
    margin, foot = min(MARGIN, page.width / 20, page.height / 20), min(FOOT, page.height / 10)
    room = page.width - 2 * margin
    columns = max(1, min(count, int((room + GAP) // (LEAST_WIDTH + GAP))))
    rows = -(-count // columns)
    gap = min(
        GAP, page.height / (4 * rows)
    )  # on a page of a few points, a gap of ten would leave nothing to the boxes
    width = min(WIDTH, (room - (columns - 1) * gap) / columns)
    height = min(HEIGHT, (page.height - margin - foot - (rows - 1) * gap) / rows)
    return _Grid(columns, rows, *_small(page, width, height), margin, foot, gap)


def _small(page: PageShape, width: float, height: float) -> tuple[float, float]:
    """A size in its proportions, and small enough to be a stamp on its page."""
    scale = min(1.0, (MOST_SHARE * page.width * page.height / (width * height)) ** 0.5)
    return width * scale, height * scale


def _free(
    look: Look,
    number: int,
    page: PageShape,
    low: tuple[float, float],
    size: tuple[float, float],
    margin: float,
) -> tuple[float, float]:
    """The left bottom corner of the lowest place of that size without ink, the rightmost first; else the least inked."""
    (left, bottom), (width, height) = low, size
    step = max(STEP, max(page.width, page.height) / MOST_STEPS)
    lefts = [page.width - margin - width]
    while lefts[-1] - step >= left:
        lefts.append(lefts[-1] - step)
    bottoms = [bottom]
    while bottoms[-1] + step + height <= page.height - margin:
        bottoms.append(bottoms[-1] + step)
    import pypdfium2 as pdfium

    ink = look.ink(number)
    if ink is None:
        return lefts[0], bottom
    try:
        return _least_inked(ink, page, lefts, bottoms, size)
    except (pdfium.PdfiumError, ValueError):  # its foot could be drawn, and not the whole of it
        return lefts[0], bottom


def _least_inked(
    ink: Ink, page: PageShape, lefts: Sequence[float], bottoms: Sequence[float], size: tuple[float, float]
) -> tuple[float, float]:
    (width, height), best, least = size, (lefts[0], bottoms[0]), None
    across, down = ink.width / page.width, ink.height / page.height
    for y in bottoms:
        for x in lefts:
            covered = ink.within(
                int(x * across),
                int((page.height - y - height) * down),
                int((x + width) * across),
                int((page.height - y) * down),
            )
            if least is None or covered < least:
                best, least = (x, y), covered
            if not covered:
                return best
    return best


def tag_boxes(path: Path | Look, tags: Collection[str]) -> dict[str, Box]:
    """The places that text tags mark (« #signature1# »): the last occurrence of each is its box's top left corner.

    The pages are read once for all the tags, from the last; tags that the text does not hold are left out.
    """
    import pypdfium2 as pdfium

    if isinstance(path, Path):
        with looking(path) as look:
            return tag_boxes(look, tags)
    left, marked = set(tags), dict[str, tuple[int, Rectangle]]()
    try:
        with ONE_AT_A_TIME:
            for number in range(path.count - 1, -1, -1):
                with path.page(number) as page, closing(page.get_textpage()) as text:
                    places = {tag: place for tag in left if (place := _last(text, tag)) is not None}
                marked |= {tag: (number, place) for tag, place in places.items()}
                left -= places.keys()
                if not left:
                    break
    except pdfium.PdfiumError:  # a file, or a page of it, whose text it cannot read: no tag is seen there
        pass
    every = path.pages if marked else []
    return {tag: _under(every[n], n, place) for tag, (n, place) in marked.items() if n < len(every)}


def _last(text: Any, tag: str) -> Rectangle | None:
    search, rectangle = text.search(tag, match_case=True), None
    with closing(search):
        while (hit := search.get_next()) is not None:
            first, length = hit
            corners = [text.get_charbox(first + offset) for offset in range(length)]
            rectangle = (
                min(corner[0] for corner in corners),
                min(corner[1] for corner in corners),
                max(corner[2] for corner in corners),
                max(corner[3] for corner in corners),
            )
    return rectangle


def _under(page: PageShape, number: int, tag: Rectangle) -> Box:
    (x1, y1), (x2, y2) = page.outward(tag[0], tag[1]), page.outward(tag[2], tag[3])
    width, height = _small(page, min(WIDTH, page.width), min(HEIGHT, page.height))
    left = min(max(0.0, min(x1, x2)), page.width - width)
    bottom = min(max(0.0, max(y1, y2) - height), page.height - height)
    return Box(number, left, bottom, left + width, bottom + height)
