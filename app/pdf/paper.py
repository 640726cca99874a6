"""Sheets of text that Paraphe draws: titles, labels with their values, tables; what the font lacks is a visible mark."""

from collections.abc import Sequence
from typing import Any

from app.core.texts import cleaned
from app.pdf.fonts import FONT, characters

MARGIN, LINE, LABEL = 20, 5.5, 38
MOMENT = 44
"""The breadth of labels that are moments, to the second and with their offset, on one line."""
UNDRAWN = "?"
LONGEST_CELL, MOST_LINES = 400, 10


def paper(title: str, foot: str = "") -> Any:
    """A document of A4 sheets in French, its first one begun; `foot` stands below each, with its number."""
    from fpdf import FPDF

    class Sheets(FPDF):
        def footer(self) -> None:
            if not foot:
                return
            self.set_y(-15)
            self.set_font("Paraphe", size=7)
            self.set_text_color(90, 90, 90)
            self.cell(0, 4, drawable(foot), new_x="LMARGIN", new_y="NEXT")
            self.cell(0, 4, f"Page {self.page_no()} sur {{nb}}")
            self.set_text_color(0, 0, 0)

    page = Sheets(format="A4")
    page.set_title(title)
    page.set_lang("fr-FR")
    page.set_margins(MARGIN, MARGIN)
    page.set_auto_page_break(auto=True, margin=MARGIN)
    page.add_font("Paraphe", fname=FONT)
    page.add_page()
    return page


def text(page: Any, paragraph: str, size: int, before: int = 0) -> None:
    """A paragraph, in points; `before`: so many lines of what it heads stand on its sheet with it."""
    page.set_font("Paraphe", size=size)
    line, drawn = LINE * max(1.0, size / 10), drawable(paragraph)
    if before:
        height = page.multi_cell(0, line, drawn, dry_run=True, output="HEIGHT", align="L")
        if page.will_page_break(height + before * LINE):
            page.add_page()
    page.multi_cell(0, line, drawn, new_x="LMARGIN", new_y="NEXT", align="L")


def rows(page: Any, labelled: Sequence[tuple[str, str]], breadth: int = LABEL) -> None:
    """Labels on the left, within this breadth, values on the right; a label whose value is empty is left out."""
    for label, value in labelled:
        if not value:
            continue
        page.set_font("Paraphe", size=9)
        whole = page.multi_cell(0, LINE, drawable(value), dry_run=True, output="HEIGHT", align="L")
        if page.will_page_break(min(whole, 4 * LINE)):
            page.add_page()
        page.set_font("Paraphe", size=8)
        named = page.multi_cell(breadth, LINE, drawable(label), dry_run=True, output="HEIGHT", align="L")
        top, sheet = page.get_y(), page.page_no()
        page.multi_cell(breadth, LINE, drawable(label), new_x="RIGHT", new_y="TOP", align="L")
        page.set_font("Paraphe", size=9)
        page.multi_cell(0, LINE, drawable(value), new_x="LMARGIN", new_y="NEXT", align="L")
        if page.page_no() == sheet:
            page.set_y(max(page.get_y(), top + named))


def grid(page: Any, head: Sequence[str], body: Sequence[Sequence[str]], widths: Sequence[int]) -> None:
    """A table whose head is drawn again on each sheet; `widths` are the parts of the breadth that its columns take.

    One that has a cell longer than a sheet could hold is drawn cell by cell, under the name of its column.
    """
    if any(len(cell) > LONGEST_CELL or cell.count("\n") > MOST_LINES for row in body for cell in row):
        for row in body:
            rows(page, list(zip(head, row, strict=True)))
            page.ln(2)
        return
    from fpdf.enums import TableBordersLayout

    page.set_font("Paraphe", size=8)
    with page.table(
        col_widths=tuple(widths),
        line_height=4.5,
        text_align="LEFT",
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        padding=1,
        headings_style=_plain(),
    ) as drawn:
        for cells in (head, *body):
            row = drawn.row()
            for cell in cells:
                row.cell(drawable(cell))


def _plain() -> Any:
    """The head of a table in the one weight that the font has."""
    from fpdf.fonts import FontFace

    return FontFace(emphasis="", color=(90, 90, 90))


def drawable(text: str) -> str:
    """One text on its lines; what the font cannot draw is a visible mark, never dropped in silence."""
    drawn = characters()
    return "".join(
        character if character in drawn or character == "\n" else UNDRAWN for character in cleaned(text)
    )
