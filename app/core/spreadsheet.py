"""Tables that people open in a spreadsheet: semicolons, the mark of UTF-8, no cell that would run (OWASP, CSV injection)."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet may take for a formula."""


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULAS) else cell


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The table as the text of a CSV file, its cells made safe; `head` names the columns."""
    text = StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return "\ufeff" + text.getvalue()
