"""P3: a full persisted move against the same rows written by raw SQL, on SQLite with full sync."""

import sqlite3
from typing import Any

from app.core import db
from bench.commune import way
from bench.crowd import amount
from bench.ground import ground
from bench.measure import Figure, goal, seconds
from bench.moves import visas

ROUNDS, FOLDERS = 5, 12
LETTERS = (3, 1, 1, 1)
"""Rows of the outbox after each visa, as the product writes them: finance has three holders; the last row is the hand-over."""


def raw(path: str, folder: int, rank: int) -> None:
    """The statements of one visa, prepared by nobody: read, lock, place, steps, letter, chain; one commit."""
    connection = raw.known.setdefault(path, _open(path))  # type: ignore[attr-defined]
    cursor = connection.cursor()
    cursor.execute("BEGIN IMMEDIATE")
    version = cursor.execute(
        "SELECT version, round, place, fields FROM folder WHERE id = ?", (folder,)
    ).fetchone()[0]
    step = cursor.execute(
        "SELECT id, slot, state FROM step_run WHERE folder_id = ? AND pass_number >= 1000 ORDER BY id DESC",
        (folder,),
    ).fetchone()
    moment = "2026-11-25 10:00:00.000000"
    cursor.execute(
        "UPDATE step_run SET state = 'done', ended_at = ?, user_id = 1, who = 'x', capacity = 'x' WHERE id = ?",
        (moment, step[0]),
    )
    cursor.execute(
        "SELECT desk.id, user_account.email FROM desk LEFT JOIN holder ON holder.desk_id = desk.id LEFT JOIN user_account ON user_account.id = holder.user_id WHERE desk.key = 'finances'"
    ).fetchall()
    cursor.execute(
        "UPDATE folder SET place = 'finance', version = ?, updated_at = ? WHERE id = ?",
        (version + 1, moment, folder),
    )
    cursor.execute(
        "INSERT INTO step_run (collectivity_id, folder_id, family, step, kind, pass_number, slot, state, due_on, entered_at) VALUES (1, ?, 'invoice', 'finance', 'visa', ?, 'desk:finances', 'active', '2026-12-01', ?)",
        (folder, 2000 + rank, moment),
    )
    for one in range(LETTERS[rank]):
        cursor.execute(
            "INSERT INTO outbox (collectivity_id, kind, key, folder_id, payload, state, attempts, available_at, created_at) VALUES (1, 'mail', ?, ?, '{}', 'pending', 0, ?, ?)",
            (f"raw-{folder}-{rank}-{one}", folder, moment, moment),
        )
    seq = cursor.execute("SELECT seq, hash FROM chain_head WHERE collectivity_id = 1").fetchone()[0]
    cursor.execute(
        "INSERT INTO journal_entry (collectivity_id, seq, folder_id, at, who, user_id, event, facts, previous, hash) VALUES (1, ?, ?, ?, 'x', 1, 'folder.approve', '{}', 'p', 'h')",
        (seq + 1, folder, moment),
    )
    cursor.execute("UPDATE chain_head SET seq = ?, hash = 'h' WHERE collectivity_id = 1", (seq + 1,))
    cursor.execute("COMMIT")


raw.known = {}  # type: ignore[attr-defined]


def _open(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def run() -> dict[str, Any]:
    """Moves a second of the product over those of raw SQL, interleaved; the product does what its verb does."""
    here = ground()
    ours = here.peopled("sqlite", "p3_ours", folders=1000)
    theirs = here.peopled("sqlite", "p3_raw", folders=1000).removeprefix("sqlite:///")
    db.configure(ours)
    moves = visas(here.commune, ours, range(1, 200))
    for _ in range(10):
        next(moves)()
    ratios = []
    folder = 1
    for _ in range(ROUNDS):
        product = bare = 0.0
        for _ in range(FOLDERS):
            for rank, _step in enumerate(way(amount(folder))):
                product += seconds(next(moves))
                number = folder
                bare += seconds(lambda number=number, rank=rank: raw(theirs, number, rank))
            folder += 1
        ratios.append(bare / product)
    return goal(
        "P3",
        [Figure("move", tuple(ratios), 0.17, at_least=True, words="stretch 0.25")],
        "raw SQL's time over the product's, SQLite, synchronous FULL",
    )
