"""The file of a list of people: its bytes, in whatever encoding and with whatever separator, as lines by column, and back.

What a file says is never taken for a formula: a cell that begins as one gets an apostrophe at export (OWASP, CSV injection),
which is taken off when it is read.
"""

import codecs
import csv
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from textwrap import shorten
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
_SHOWN = 300
COLUMNS = ("Prénom", "Nom", "Courriel", "Identifiant", "Qualité", "Bureau", "Droits")
_OPTIONAL = frozenset({"Identifiant", "Bureau", "Droits"})
ENCODINGS = {"UTF-8": "utf-8-sig", "Windows-1252": "cp1252", "Mac OS Roman": "mac-roman", "UTF-16": "utf-16"}
"""By the name that whoever reads the list chooses; the first two, and UTF-16 by its mark, are recognised."""
SEPARATORS = {"point-virgule": ";", "virgule": ",", "tabulation": "\t"}
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Reading:
    """How a list is read, by the names of `ENCODINGS` and `SEPARATORS`; what is empty is recognised."""

    encoding: str = ""
    separator: str = ""

    @classmethod
    def chosen(cls, encoding: str, separator: str) -> "Reading":
        """As a form sends it; refuses `bad-request` of what is no choice."""
        if encoding not in {"", *ENCODINGS} or separator not in {"", *SEPARATORS}:
            raise Refusal("bad-request", detail="cette façon de lire une liste n’existe pas")
        return cls(encoding, separator)

    def over(self, other: "Reading") -> "Reading":
        """The same, and what it leaves empty as the other has it."""
        return Reading(self.encoding or other.encoding, self.separator or other.separator)

    @property
    def words(self) -> str:
        """« séparateur point-virgule, codage Windows-1252 »."""
        return f"séparateur {self.separator}, codage {self.encoding}"


RECOGNISED = Reading()


@dataclass(frozen=True)
class Row:
    """A line that holds something: its number in the file, and its cells by column."""

    line: int
    cells: Mapping[str, str]

    @property
    def written(self) -> str:
        """What is written there, in short."""
        return shorten(", ".join(cell for cell in self.cells.values() if cell), 120, placeholder=" …")


def lines_of(content: bytes, reading: Reading = RECOGNISED) -> tuple[list[Row], Reading]:
    """The lines of the file that hold something, and how it was read; refuses it as `importing.plan` does."""
    if len(content) > MOST_BYTES:
        raise _too_long()
    text, reading = _text(content, reading)
    reader = _reader(text, reading)
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
                raise _too_long()
    except csv.Error:
        raise Refusal("people-file-unread") from None
    if not rows:
        raise Refusal("people-file-empty")
    return rows, reading


def beginning(content: bytes, reading: Reading = RECOGNISED) -> tuple[str, Reading]:
    """The first line as it is read, cut, and how; refuses what is no text, or none in this encoding."""
    text, reading = _text(content, reading)
    return text.strip().partition("\n")[0][:_SHOWN], reading


def corrected(
    content: bytes, wanted: Mapping[int, Mapping[str, str] | None], reading: Reading = RECOGNISED
) -> tuple[bytes, Reading]:
    """The file with these lines, by their number, written anew by column, None of one that is taken off; and how it reads then.

    The very same bytes where nothing differs; else every line keeps its number, and what was written apart from them.
    """
    if not wanted:
        return content, reading
    text, reading = _text(content, reading)
    reader = _reader(text, reading)
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
    return _joined(head, lines, written, reading) if written else (content, reading)


def otherwise(
    content: bytes, typed: Mapping[int, Mapping[str, str] | None], before: Reading, after: Reading
) -> tuple[bytes, Reading]:
    """The file read otherwise than `before`, with what was typed on its lines: what was not is as it reads now.

    Refuses it as `lines_of` does.
    """
    old, new = ({row.line: row.cells for row in lines_of(content, one)[0]} for one in (before, after))
    wanted: dict[int, Mapping[str, str] | None] = {}
    for line, cells in typed.items():
        was = old.get(line, {})
        changes = {name: cell for name, cell in (cells or {}).items() if cell != was.get(name, "")}
        wanted[line] = None if cells is None else {**new.get(line, {}), **changes}
    return corrected(content, wanted, after)


def _joined(
    head: Sequence[str],
    lines: Sequence[tuple[int, int, Sequence[str]]],
    written: Mapping[int, Sequence[str]],
    reading: Reading,
) -> tuple[bytes, Reading]:
    """The file of these lines, each with how many it takes, those that are `written` in their place; in UTF-8 where it must."""
    out = StringIO(newline="")
    writer = csv.writer(out, delimiter=SEPARATORS[reading.separator])
    writer.writerow(head)
    for line, height, cells in lines:
        if line in written:
            # As high as it was: the lines after it keep their number
            writer.writerow(written[line])
            out.write("\r\n" * (height - 1))
        else:
            writer.writerow(cells)
    try:
        return out.getvalue().encode(ENCODINGS[reading.encoding]), reading
    except UnicodeEncodeError:
        return out.getvalue().encode(ENCODINGS["UTF-8"]), replace(reading, encoding="UTF-8")


def _reader(text: str, reading: Reading) -> Any:
    """A reader of the file; its own count is where a line begins in it, for a quoted cell may hold line ends."""
    return csv.reader(StringIO(text, newline=""), delimiter=SEPARATORS[reading.separator])


def _text(content: bytes, reading: Reading) -> tuple[str, Reading]:
    """The text, and how it is read: by what is asked, else in the encoding that it is in and by its first line's separator."""
    known = ["UTF-16"] if content.startswith(_MARKS) else ["UTF-8", "Windows-1252"]
    for encoding in [reading.encoding] if reading.encoding else known:
        try:
            text = content.decode(ENCODINGS[encoding])
        except UnicodeDecodeError:
            continue
        if "\0" not in text:  # a workbook (.xlsx) is no text, and cp1252 reads nearly anything
            head = text.partition("\n")[0]
            first = max(SEPARATORS, key=lambda name: head.count(SEPARATORS[name]))
            return text, Reading(encoding, reading.separator or first)
    if reading.encoding:
        raise Refusal("people-file-encoding", encoding=reading.encoding)
    # A Mac list is a text all the same: its « è » is a byte that neither UTF-8 nor cp1252 has
    raise Refusal("people-file-unread" if b"\0" in content else "people-file-unrecognised")


def _too_long() -> Refusal:
    return Refusal("people-file-long", lines=MOST_LINES, size=taille(MOST_BYTES))


def _cell(cells: Sequence[str], at: int) -> str:
    text = unicodedata.normalize("NFC", cells[at]) if at < len(cells) else ""
    text = " ".join(text.split())
    return text[1:] if text.startswith("'") and text[1:].lstrip(" ").startswith(FORMULAS) else text
