"""A search finds a day in figures by one form of it, in what was read and written before too: of its text as it is kept.

No file is read again. What has no day stays as it is.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

from app.core.stems import days_in, joined

revision, down_revision = "0140_days_of_texts", "0139_sorted_suppliers"

PORTION, TEXTS = 1_000, 100
WIDEST = 800_000
"""Octets of the forms of a row, as `app/folders/words.py` bounds them; a day has ten, and a space."""
A_DAY = 11
PARTS = ("title", "documents", "notes")


def upgrade() -> None:
    here = op.get_bind()
    _of_texts(here, "document_words", "document_id", "text")
    _of_texts(here, "folder_note", "id", "words")
    last: int | None = 0
    while last is not None:
        last = _of_folders(here, last)


def downgrade() -> None:
    """Nothing: no word that is typed has the form of a day, and those that are rewritten lose it."""


def _of_texts(here: sa.Connection, table: str, key: str, text: str) -> None:
    """Have each row say the days of its own text."""
    last = 0
    read = f"SELECT {key} AS number, {text} AS words, stems FROM {table} WHERE {key} > :last ORDER BY {key} LIMIT :most"
    change = sa.text(f"UPDATE {table} SET stems = :stems WHERE {key} = :number")
    while rows := here.execute(sa.text(read), {"last": last, "most": TEXTS}).all():
        last = rows[-1].number
        changed = [
            {"number": row.number, "stems": joined([*days, *row.stems.split()])}
            for row in rows
            if (days := _new(_days_of(row.words), row.stems))
        ]
        if changed:
            here.execute(change, changed)


def _of_folders(here: sa.Connection, last: int) -> int | None:
    """Have a portion of folders found by the days of their title and facts, documents and notes; the last, None for none."""
    read = (
        "SELECT w.folder_id, w.title, w.documents, w.notes, f.title_key FROM folder_words w "
        "JOIN folder f ON f.id = w.folder_id WHERE w.folder_id > :last ORDER BY w.folder_id LIMIT :most"
    )
    rows = here.execute(sa.text(read), {"last": last, "most": PORTION}).all()
    if not rows:
        return None
    among = {"first": rows[0].folder_id, "end": rows[-1].folder_id}
    documents = (
        "SELECT folder_id, stems FROM document_words WHERE folder_id BETWEEN :first AND :end "
        "AND state = 'read' AND stems LIKE '% §%' ORDER BY document_id"
    )
    notes = (
        "SELECT folder_id, stems FROM folder_note WHERE folder_id BETWEEN :first AND :end "
        "AND reach = 'all' AND stems LIKE '% §%' ORDER BY id"
    )
    inside, noted = _by_folder(here, documents, among), _by_folder(here, notes, among)
    changed = []
    for row in rows:
        days = {
            "title": _days_of(row.title_key),
            "documents": [day for stems in inside.get(row.folder_id, ()) for day in _kept(stems)],
            # One that its author may still take back is not among the words of the folder yet
            "notes": [
                day
                for stems in noted.get(row.folder_id, ())
                if {*stems.split()} - {*_kept(stems)} <= {*row.notes.split()}
                for day in _kept(stems)
            ],
        }
        parts = {part: getattr(row, part) for part in PARTS}
        room = (WIDEST - sum(len(one.encode()) for one in parts.values())) // A_DAY
        for part, former in parts.items():
            new = _new(days[part], former)[: max(room, 0)]
            room -= len(new)
            parts[part] = joined([*new, *former.split()]) if new else former
        if any(parts[part] != getattr(row, part) for part in PARTS):
            changed.append({"number": row.folder_id, **parts})
    if changed:
        told = ", ".join(f"{part} = :{part}" for part in PARTS)
        here.execute(sa.text(f"UPDATE folder_words SET {told} WHERE folder_id = :number"), changed)
    return int(among["end"])


def _by_folder(here: sa.Connection, read: str, among: dict[str, int]) -> dict[int, list[str]]:
    every: dict[int, list[str]] = {}
    for row in here.execute(sa.text(read), among):
        every.setdefault(row.folder_id, []).append(row.stems)
    return every


def _days_of(text: str) -> list[str]:
    return [form for _, form in days_in(text)]


def _kept(stems: str) -> list[str]:
    return [form for form in stems.split() if form.startswith("§")]


def _new(days: Iterable[str], former: str) -> list[str]:
    """Those of these days that are not there, each once."""
    return [day for day in dict.fromkeys(days) if f" {day} " not in former]
