"""The file of a list of people: its bytes, in whatever encoding and with whatever separator, as lines by column, and back.

What a file says is never taken for a formula: a cell that begins as one gets an apostrophe at export (OWASP, CSV injection),
which is taken off when it is read.
"""

import csv
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from app.core.french import taille
from app.core.refusals import Refusal
from app.core.spreadsheet import FORMULAS
from app.core.texts import key_of

MOST_LINES = 5_000
MOST_BYTES = 1_500_000
"""What a form of the preview may carry back, packed, is well above."""
LONGEST_CELL = 5_000
"""Signs of a cell that is corrected on the page: every right for every type, and far less than a file may hold in one."""
COLUMNS = ("Prénom", "Nom", "Courriel", "Identifiant", "Qualité", "Bureau", "Droits")
_OPTIONAL = frozenset({"Identifiant", "Bureau", "Droits"})
_ENCODINGS = {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}
_SEPARATORS = {";": "point-virgule", ",": "virgule", "\t": "tabulation"}


@dataclass(frozen=True)
class Row:
    """A line that holds something: its number in the file, and its cells by column."""

    line: int
    cells: Mapping[str, str]

    @property
    def written(self) -> str:
        """What is written there, in short."""
        return ", ".join(cell for cell in self.cells.values() if cell)[:120]


def lines_of(content: bytes) -> tuple[list[Row], str]:
    """The lines of the file that hold something, and how it was read."""
    if len(content) > MOST_BYTES:
        raise Refusal("people-file-long", lines=MOST_LINES, size=taille(MOST_BYTES))
    text, encoding = _text(content)
    separator, reader = _reader(text)
    try:
        named = [key_of(cell.strip()) for cell in next(reader, [])]
        places = {column: named.index(key_of(column)) for column in COLUMNS if key_of(column) in named}
        if missing := [column for column in COLUMNS if column not in places and column not in _OPTIONAL]:
            raise Refusal("people-file-columns", missing=", ".join(f"« {column} »" for column in missing))
        rows, begins = [], reader.line_num + 1
        for cells in reader:
            line, begins = begins, reader.line_num + 1
            if any(cell.strip() for cell in cells):
                rows.append(Row(line, {name: _cell(cells, at) for name, at in places.items()}))
            if len(rows) > MOST_LINES:
                raise Refusal("people-file-long", lines=MOST_LINES, size=taille(MOST_BYTES))
    except csv.Error:
        raise Refusal("people-file-unread") from None
    if not rows:
        raise Refusal("people-file-empty")
    return rows, f"séparateur {_SEPARATORS[separator]}, codage {_ENCODINGS[encoding]}"


def corrected(content: bytes, wanted: Mapping[int, Mapping[str, str] | None]) -> bytes:
    """The file with these lines, by their number, written anew by column, None of one that is taken off.

    The very same bytes where nothing differs; else every line keeps its number, and what was written apart from them.
    """
    text, encoding = _text(content)
    separator, reader = _reader(text)
    try:
        head: list[str] = next(reader, [])
        lines, begins = [], reader.line_num + 1
        for cells in reader:
            lines.append((begins, reader.line_num + 1 - begins, cells))
            begins = reader.line_num + 1
    except csv.Error:
        raise Refusal("people-file-unread") from None
    named = [key_of(cell.strip()) for cell in head]
    places = {column: named.index(key_of(column)) for column in COLUMNS if key_of(column) in named}
    written: dict[int, list[str]] = {}
    for line, _, cells in lines:
        if line not in wanted or not any(cell.strip() for cell in cells):
            continue
        after = wanted[line] or {}
        values = {name: " ".join(after.get(name, "").split()) for name in COLUMNS}
        if after and all(
            _cell(cells, places.get(name, len(cells))) == value for name, value in values.items()
        ):
            continue
        for name in (name for name, value in values.items() if value and name not in places):
            places[name] = len(head)
            head = [*head, name]
        row = [*cells, *[""] * (len(head) - len(cells))] if after else []
        for name, place in places.items() if after else ():
            row[place] = values[name]
        written[line] = row
    return _joined(head, lines, written, separator, encoding) if written else content


def _joined(
    head: Sequence[str],
    lines: Sequence[tuple[int, int, Sequence[str]]],
    written: Mapping[int, Sequence[str]],
    separator: str,
    encoding: str,
) -> bytes:
    """The file of these lines, each with how many it takes, those that are `written` in their place."""
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(head)
    for line, height, cells in lines:
        if line in written:
            # As high as it was: the lines after it keep their number
            writer.writerow(written[line])
            out.write("\r\n" * (height - 1))
        else:
            writer.writerow(cells)
    try:
        return out.getvalue().encode(encoding)
    except UnicodeEncodeError:
        return out.getvalue().encode("utf-8-sig")


def _reader(text: str) -> tuple[str, Any]:
    """The separator of the first line, and a reader of the file by it."""
    head = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=head.count)
    # A quoted cell may hold line ends: the reader's own count is where a line begins in the file
    return separator, csv.reader(StringIO(text, newline=""), delimiter=separator)


def _text(content: bytes) -> tuple[str, str]:
    """The text, and the encoding that it is in."""
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:  # a workbook (.xlsx) is no text, and cp1252 reads nearly anything
            return text, encoding
    raise Refusal("people-file-unread")


def _cell(cells: Sequence[str], at: int) -> str:
    text = unicodedata.normalize("NFC", cells[at]) if at < len(cells) else ""
    text = " ".join(text.split())
    return text[1:] if text.startswith("'") and text[1:].lstrip(" ").startswith(FORMULAS) else text
