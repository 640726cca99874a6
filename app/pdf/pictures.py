"""A page as it was signed and as the file shows it, as two pictures with a frame around what differs.

For people only: it judges nothing (the gate does), and pdfium is one viewer among several. Bounded: the first pages, one
size, and the seconds of `comparison.Drawing`.
"""

import io
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOKED_AT, SHOWN = 24, 2  # pages
DOTS = 620_000  # of a picture: an A4 page is 660 wide
HEAVIEST = 400_000  # bytes of a picture
CELL, MOST_FRAMES, AROUND, THICK = 12, 6, 4, 3  # dots; frames of a page
FRAME = (0x76, 0x48, 0x00)
MORE, LESS = (0xA8, 0x4A, 0x00), (0x00, 0x48, 0xB0)  # what the file shows more, and what it no longer shows
PALE = 0.3  # of the ink that both share


@dataclass(frozen=True)
class Pair:
    """Page `number` (from 1) before and after, as PNG or JPEG; empty where there is no such page.

    `frames`: how many places are framed on the second picture. `over`: one upon the other, what both show in pale grey,
    what came in orange, what went in blue; empty where the two have not the same size.
    """

    number: int
    before: bytes
    after: bytes
    frames: int
    over: bytes = b""


@dataclass(frozen=True)
class Pictures:
    """The first pages that are drawn otherwise than they were signed.

    `looked_at`: how many pages were drawn, from the first on; `pages`: how many the file has now.
    """

    pairs: tuple[Pair, ...]
    looked_at: int
    pages: int


NONE = Pictures((), 0, 0)
"""Nothing could be drawn."""


def pictures(path: Path, end: int) -> Pictures:
    """The pages of a PDF as its first `end` bytes show them, beside those of the whole file.

    A page that cannot be drawn ends the search: what comes after it is not looked at, and is not counted.
    """
    from app.pdf.comparison import CannotDraw, Drawing

    pairs, looked_at, pages = list[Pair](), 0, 0
    with path.open("rb") as stream, closing(Drawing(stream)) as drawing, suppress(CannotDraw):
        size = drawing.size
        pages = drawing.count(size)
        for number in range(min(max(pages, drawing.count(end)), LOOKED_AT)):
            before, after = drawing.both(number, end, size, DOTS)
            looked_at += 1
            if (pair := _pair(number + 1, before, after)) is not None:
                pairs.append(pair)
            if len(pairs) == SHOWN:
                break
    return Pictures(tuple(pairs), looked_at, pages)


def _pair(number: int, before: Any, after: Any) -> Pair | None:
    """Both pictures, or None when the page is drawn alike."""
    if before is None or after is None or before.size != after.size:
        return Pair(number, _picture(before), _picture(after), 0)
    boxes = list(_differences(before, after))
    if not boxes:
        return None
    framed = _framed(after, boxes)
    return Pair(number, _picture(before), _picture(framed), len(boxes), _picture(_over(before, after)))


def _over(before: Any, after: Any) -> Any:
    """One image upon the other; a colour replaced by another as dark counts for something that came."""
    from PIL import Image, ImageChops

    from app.pdf.comparison import SEEN

    was, shows = before.convert("L"), after.convert("L")
    white = Image.new("L", was.size, 255)
    both = Image.blend(white, ImageChops.lighter(was, shows), PALE)
    over = Image.merge("RGB", (both, both, both))
    less = ImageChops.subtract(shows, was)
    bands = ImageChops.difference(before.convert("RGB"), after.convert("RGB")).split()
    changed = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    more = ImageChops.subtract(changed, less)
    for strength, ink in ((more, MORE), (less, LESS)):
        # An edge that smoothing moved is no difference; the rest is inked in full, so that a pale mark is seen too
        over.paste(ink, mask=strength.point(lambda level: 255 * (level > SEEN)))
    return over


def _differences(before: Any, after: Any) -> Iterator[tuple[int, int, int, int]]:
    """The places where two images differ: neighbouring cells make one, and the farthest are joined beyond `MOST_FRAMES`."""
    from PIL import ImageChops

    from app.pdf.comparison import SEEN

    red, green, blue = ImageChops.difference(before, after).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    cells = most.point(lambda level: 255 * (level > SEEN)).reduce(CELL)
    levels = cells.tobytes()
    left = {(place % cells.width, place // cells.width) for place, level in enumerate(levels) if level}
    places = list[tuple[int, int, int, int]]()
    while left:
        waiting = [left.pop()]
        columns, rows = [waiting[0][0]], [waiting[0][1]]
        while waiting:
            column, row = waiting.pop()
            for near in _around(column, row) & left:
                left.remove(near)
                waiting.append(near)
                columns.append(near[0])
                rows.append(near[1])
        places.append((min(columns), min(rows), max(columns) + 1, max(rows) + 1))
    places.sort(key=lambda place: (place[1], place[0]))
    if len(places) > MOST_FRAMES:
        lefts, tops, rights, bottoms = zip(*places, strict=True)
        places = [(min(lefts), min(tops), max(rights), max(bottoms))]
    for place in places:
        yield tuple(CELL * side for side in place)  # type: ignore[misc]


def _around(column: int, row: int) -> set[tuple[int, int]]:
    # Two cells away too: the words of one line are one place
    return {(column + across, row + down) for across in range(-2, 3) for down in range(-1, 2)}


def _framed(image: Any, boxes: list[tuple[int, int, int, int]]) -> Any:
    from PIL import ImageDraw

    framed = image.copy()
    pen = ImageDraw.Draw(framed)
    for left, top, right, bottom in boxes:
        corners = (
            max(0, left - AROUND),
            max(0, top - AROUND),
            min(image.width - 1, right + AROUND),
            min(image.height - 1, bottom + AROUND),
        )
        pen.rectangle(corners, outline=FRAME, width=THICK)
    return framed


def _picture(image: Any) -> bytes:
    """PNG, or JPEG where that would be too heavy; empty when even that is, or when there is no image."""
    if image is None:
        return b""
    for kind, how in (("PNG", {"optimize": False}), ("JPEG", {"quality": 70})):
        buffer = io.BytesIO()
        image.save(buffer, kind, **how)
        if buffer.tell() <= HEAVIEST:
            return buffer.getvalue()
    return b""
