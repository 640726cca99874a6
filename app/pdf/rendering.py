"""Pages of one PDF drawn for the screen and for the printer, or beside those of another: bounded in pages, dots and seconds.

For the confined child of intake, alone in its process: pdfium is not locked here (`comparison.ONE_AT_A_TIME`), and the time
is looked at between two pages; within one, the child's own limits hold.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

PAGES = 40
PIXELS = 700_000
"""At most, of one page drawn: an A4 page at 72 dots an inch has 500 000."""
SECONDS = 8.0
"""Of processor, for one comparison of two sets of pages."""
SLACK = 40
"""Levels of 255 by which a dot may differ: the same shape, smoothed otherwise."""


def unlike_in_print(path: Path, pages: Sequence[int]) -> int:
    """How many of these pages (from 0; `PAGES` of them, spread evenly) are printed otherwise than they are shown.

    It only adds a doubt: what pdfium does not draw, or not in `SECONDS`, is not counted.
    """
    with Drawn(path) as drawn:
        until, unlike = time.process_time() + SECONDS, 0
        for number in spread(pages):
            if time.process_time() > until:
                break
            shown, printed = drawn.page(number), drawn.page(number, printed=True)
            unlike += shown is not None and printed is not None and differ(shown, printed)
    return unlike


def same_on_screen(first: Path, second: Path, pages: Sequence[int]) -> bool:
    """Whether these pages (from 0; `PAGES` of them, spread evenly) of two files are shown alike, all of them drawn in time."""
    with Drawn(first) as drawn, Drawn(second) as other:
        until = time.process_time() + SECONDS
        for number in spread(pages):
            shown, beside = drawn.page(number), other.page(number)
            if shown is None or beside is None or differ(shown, beside) or time.process_time() > until:
                return False
    return True


def text_within(path: Path, boxes: Sequence[tuple[int, tuple[float, float, float, float]]]) -> list[str]:
    """The text inside each box (page from 0; left, bottom, right, top in points of the page), empty where there is none."""
    import pypdfium2

    with Drawn(path) as drawn:
        texts = []
        for number, box in boxes:
            try:
                texts.append(drawn.text(number, box))
            except (pypdfium2.PdfiumError, IndexError):
                texts.append("")
    return texts


def spread(pages: Sequence[int]) -> list[int]:
    """At most `PAGES` of these pages, the first and the last among them."""
    if len(pages) <= PAGES:
        return list(pages)
    step = (len(pages) - 1) / (PAGES - 1)
    return [pages[round(rank * step)] for rank in range(PAGES)]


class Drawn:
    """A PDF opened by pdfium, as a block; one that it does not open has no page to draw."""

    def __init__(self, path: Path) -> None:
        import pypdfium2

        self._error = pypdfium2.PdfiumError
        try:
            self._document: Any = pypdfium2.PdfDocument(path)
            if self._document.get_formtype():
                self._document.init_forms()  # else pdfium draws no field
        except self._error:
            self._document = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._document is not None:
            self._document.close()

    def page(self, number: int, *, printed: bool = False) -> Any:
        """A page as an image of at most `PIXELS`, or None when it cannot be drawn."""
        if self._document is None:
            return None
        try:
            page = self._document[number]
            width, height = page.get_size()
            scale = min(1.0, (PIXELS / max(width * height, 1.0)) ** 0.5)
            how = "print" if printed else None
            return page.render(scale=scale, optimize_mode=how).to_pil().convert("RGB")
        except (self._error, ValueError, IndexError):
            return None

    def text(self, number: int, box: tuple[float, float, float, float]) -> str:
        """The text inside a box of a page."""
        if self._document is None:
            return ""
        return str(self._document[number].get_textpage().get_text_bounded(*box))


def differ(first: Any, second: Any) -> bool:
    """Whether two images of a page differ, in size or by more than `SLACK` at some dot."""
    from PIL import ImageChops

    if first.size != second.size:
        return True
    unlike = ImageChops.difference(first, second).convert("L").point(lambda level: 255 * (level > SLACK))
    return unlike.getbbox() is not None
