"""A search finds a day by the name of its month, and one that a number of a copy follows, in what was written before too.

Of the texts as they are kept: no file is read again, and what has its days stays as it is. What is done of a portion of the
folders is kept whatever ends the upgrade, which is then started anew; no more texts are in memory than `TEXTS`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.days import days_in, days_without_year
from app.core.stems import joined
from app.core.texts import key_of

revision, down_revision = "0144_days_by_name", "0143_prepared_absent"

PORTION, TEXTS = 100, 20
"""Folders that are looked at together, and documents or notes of theirs that are read at once."""
WIDEST = 800_000
"""Octets of the forms of a row, as `app/folders/words.py` bounds them; a day has ten at most, and a space."""
A_DAY = 11
PARTS = ("title", "documents", "notes")
_Texts = Sequence[tuple[sa.Row[Any], list[str]]]


def upgrade() -> None:
    here, last = op.get_bind(), 0
    read = sa.text("SELECT id, title_key, number FROM folder WHERE id > :last ORDER BY id LIMIT :most")
    while titles := {row.id: _key(row) for row in here.execute(read, {"last": last, "most": PORTION})}:
        last = max(titles)
        _write(here, titles)
        _keep(here)


def downgrade() -> None:
    """Nothing: no word that is typed has the form of a day, and those that are rewritten lose it."""


def _keep(here: sa.Connection) -> None:
    """End what is done so far and go on: an upgrade that is killed has it, and who writes meanwhile waits for no more."""
    here.exec_driver_sql("COMMIT")
    if here.dialect.name == "sqlite":  # PostgreSQL is told to begin by its driver
        here.exec_driver_sql("BEGIN IMMEDIATE")


def _key(row: sa.Row[Any]) -> str:
    """The key of a folder, without its number, which « 2026-03-12 » may be."""
    return f" {row.title_key} ".replace(f" {key_of(row.number)} ", " ") if row.number else row.title_key


def _write(here: sa.Connection, titles: dict[int, str]) -> None:
    """Have these folders found by the days of their title and facts, documents and notes."""
    among = {"first": min(titles), "end": max(titles)}
    locked = "" if here.dialect.name == "sqlite" else " FOR UPDATE"
    former = f"SELECT folder_id, {', '.join(PARTS)} FROM folder_words WHERE folder_id BETWEEN :first AND :end{locked}"
    rows = {row.folder_id: row for row in here.execute(sa.text(former), among)}
    days: dict[str, dict[int, list[str]]] = {part: {} for part in PARTS}
    days["title"] = {number: [*days_without_year(key), *_days_of(key)] for number, key in titles.items()}
    for texts in _texts(here, "document_words", "document_id", "folder_id, text AS words, stems", among):
        _of_texts(here, "document_words", "document_id", texts)
        for one, every in texts:
            days["documents"].setdefault(one.folder_id, []).extend(every)
    known = {number: {*row.notes.split()} for number, row in rows.items()}
    for texts in _texts(here, "folder_note", "id", "folder_id, words, stems, reach", among):
        _of_texts(here, "folder_note", "id", texts)
        for one, every in texts:
            # One that its author may still take back is not among the words of the folder yet
            if one.reach == "all" and _plain(one.stems) <= known.get(one.folder_id, set()):
                days["notes"].setdefault(one.folder_id, []).extend(every)
    new = [
        {"number": number, **parts}
        for number, row in rows.items()
        if (parts := _with_days(row, {part: days[part].get(number, ()) for part in PARTS}))
    ]
    if new:
        told = ", ".join(f"{part} = :{part}" for part in PARTS)
        here.execute(sa.text(f"UPDATE folder_words SET {told} WHERE folder_id = :number"), new)


def _texts(
    here: sa.Connection, table: str, key: str, columns: str, among: dict[str, int]
) -> Iterator[_Texts]:
    """The texts of these folders, some at a time, each with its days."""
    of_these = f"SELECT {key} FROM {table} WHERE folder_id BETWEEN :first AND :end ORDER BY {key}"
    numbers = here.scalars(sa.text(of_these), among).all()
    read = sa.text(f"SELECT {key} AS number, {columns} FROM {table} WHERE {key} IN :numbers ORDER BY {key}")
    read = read.bindparams(sa.bindparam("numbers", expanding=True))
    for first in range(0, len(numbers), TEXTS):
        rows = here.execute(read, {"numbers": numbers[first : first + TEXTS]})
        yield [(row, _days_of(row.words)) for row in rows]


def _of_texts(here: sa.Connection, table: str, key: str, texts: _Texts) -> None:
    """Have each row say the days of its own text."""
    changed = [
        {"number": one.number, "stems": joined([*days, *one.stems.split()])}
        for one, every in texts
        if (days := _new(every, one.stems))
    ]
    if changed:
        here.execute(sa.text(f"UPDATE {table} SET stems = :stems WHERE {key} = :number"), changed)


def _with_days(row: sa.Row[Any], days: dict[str, Collection[str]]) -> dict[str, str]:
    """The parts of a row with these days too, as far as it has room; nothing where it has them."""
    parts = {part: getattr(row, part) for part in PARTS}
    room = max((WIDEST - sum(len(one.encode()) for one in parts.values())) // A_DAY, 0)
    new = {}
    for part, former in parts.items():
        new[part] = _new(days[part], former)[:room]
        room -= len(new[part])
    if not any(new.values()):
        return {}
    return {
        part: joined([*new[part], *former.split()]) if new[part] else former for part, former in parts.items()
    }


def _days_of(text: str) -> list[str]:
    return [form for _, form in days_in(text)]


def _plain(stems: str) -> set[str]:
    return {form for form in stems.split() if not form.startswith("§")}


def _new(days: Iterable[str], former: str) -> list[str]:
    """Those of these days that are not there, each once."""
    return [day for day in dict.fromkeys(days) if f" {day} " not in former]
