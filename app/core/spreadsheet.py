"""Tables that people open in a spreadsheet, as CSV or as ODS, from the same rows; no cell of them runs.

A row has words, whole numbers, amounts of two decimals, days and instants, and durations in days of three decimals, where a
minute is told. CSV writes all of them as text, with semicolons and the mark of UTF-8, and makes safe what a spreadsheet may
take for a formula (OWASP, CSV injection); an ODS file gives each cell its own type, and has no formula at all.
"""

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO

from app.core.refusals import Refusal

Cell = str | int | Decimal | date | datetime | None
MOST_ODS = 5_000
"""Rows of an ODS file, which is made whole in memory and costs a thousandth of a second for each."""
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet may take for a formula."""
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULAS) else cell


def as_csv(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table as a CSV file; `head` names the columns."""
    text = StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_in_text(cell) for cell in row] for row in rows)
    return ("\ufeff" + text.getvalue()).encode()


def _in_text(cell: Cell) -> str:
    if isinstance(cell, str):
        return safe(cell)
    if isinstance(cell, Decimal):
        _, _, decimals = f"{cell:f}".partition(".")
        return f"{cell:.{3 if len(decimals) == 3 else 2}f}".replace(".", ",")
    if isinstance(cell, datetime):
        return cell.isoformat()
    return f"{cell:%d/%m/%Y}" if isinstance(cell, date) else "" if cell is None else str(cell)


def as_ods(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The table as an OpenDocument spreadsheet, instants in UTC; refuses `table-long` beyond `MOST_ODS` rows."""
    from odfdo import Cell as OdfCell
    from odfdo import Document, Row, Table

    listed = list(rows)
    if len(listed) > MOST_ODS:
        raise Refusal("table-long", most=MOST_ODS)

    def row_of(cells: Sequence[Cell]) -> Row:
        row = Row()
        row.extend_cells([OdfCell(_in_odf(cell)) for cell in cells])
        return row

    document, file = Document("spreadsheet"), BytesIO()
    document.body.clear()
    # In its place before it is filled: moved afterwards, its cells are looked through once for each of them
    document.body.append(Table("Liste"))
    (sheet,) = document.body.get_tables()
    sheet.extend_rows(row_of(cells) for cells in (head, *listed))
    document.save(file, pretty=False)
    return file.getvalue()


def _in_odf(cell: Cell) -> Cell:
    """A cell as odfdo types it: words without the signs that XML has no way to write, instants without a zone."""
    if isinstance(cell, str):
        return _NOT_XML.sub("", cell)
    return cell.astimezone(UTC).replace(tzinfo=None) if isinstance(cell, datetime) else cell


FORMS: Mapping[str, tuple[str, Callable[[Sequence[str], Iterable[Sequence[Cell]]], bytes]]] = {
    "csv": ("text/csv", as_csv),
    "ods": ("application/vnd.oasis.opendocument.spreadsheet", as_ods),
}
"""By the end of the file's name: its media type, and what writes it."""
