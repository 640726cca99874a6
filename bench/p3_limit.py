"""P3: a move of the product, at least 0.17 of the speed of the same rows written by raw SQL on SQLite (stretch 0.25)."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from app.journal.chain import canonical, digest
from bench.commune import Commune, way
from bench.crowd import amount
from bench.ground import ground
from bench.measure import (
    ATTEMPTS,
    ROUNDS,
    Figure,
    Operations,
    goal,
    milliseconds,
    ratios,
    side_by_side,
    steady,
)
from bench.moves import visas

TURNS, BAR, STRETCH = 200, 0.17, 0.25
PASSES = {"service_done": 1000, "finance": 1001, "direction": 1002, "mayor": 1003, "handover": 1004}
WRITTEN = ("folder", "step_run", "outbox", "journal_entry")
LETTERS = {"finance": 3, "direction": 1, "mayor": 1, "handover": 1}

FOLDER = "SELECT version, round, place, phase, due_on FROM folder WHERE id = ?"
RUN = "SELECT id FROM step_run WHERE folder_id = ? AND pass_number = ? AND state = 'active'"
END = "UPDATE step_run SET state = 'done', ended_at = ?, user_id = ?, who = ?, capacity = ?, comment = NULL WHERE id = ?"
OPEN = (
    "INSERT INTO step_run (collectivity_id, folder_id, family, step, kind, pass_number, slot, desk_id, named_user_id, state, due_on, entered_at) "
    "VALUES (?, ?, 'invoice', ?, 'visa', ?, ?, ?, NULL, 'active', ?, ?)"
)
PLACE = "UPDATE folder SET place = ?, version = ?, updated_at = ? WHERE id = ?"
POST = (
    'INSERT INTO outbox (collectivity_id, kind, "key", payload, folder_id, recipient, attempts, state, available_at, created_at) '
    "VALUES (?, 'mail', ?, ?, ?, ?, 0, 'pending', ?, ?)"
)
HEAD = "SELECT seq, hash FROM chain_head WHERE collectivity_id = ?"
LINE = (
    "INSERT INTO journal_entry (collectivity_id, seq, folder_id, at, who, user_id, event, facts, previous, hash) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
ADVANCE = "UPDATE chain_head SET seq = ?, hash = ? WHERE collectivity_id = ?"


class Raw:
    """The limit: a connection, eight statements and a commit for each visa, every value known beforehand."""

    def __init__(self, commune: Commune, url: str) -> None:
        self._commune = commune
        self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def operations(self, folders: Iterable[int]) -> Operations:
        """Every visa of these folders, in order."""
        for folder_id in folders:
            passed = (*way(amount(folder_id)), ("handover", None, ""))
            for (step, _desk, login), (entered, desk, _login) in zip(passed, passed[1:], strict=False):
                yield partial(self._visa, folder_id, step, login, entered, desk)

    def _visa(self, folder_id: int, step: str, login: str, entered: str, desk: str | None) -> None:
        run, here = self._connection.execute, self._commune.id
        actor, moment = self._commune.actors[login], datetime.now(UTC)
        at = moment.replace(tzinfo=None).isoformat(" ", timespec="microseconds")
        run("BEGIN IMMEDIATE")
        version, _round, _place, _phase, due = run(FOLDER, (folder_id,)).fetchone()
        row = run(RUN, (folder_id, PASSES[step])).fetchone()
        run(END, (at, actor.user_id, actor.name, actor.capacity, row[0]))
        desk_id = self._commune.desks[desk] if desk else None
        run(OPEN, (here, folder_id, entered, PASSES[entered], f"desk:{desk}", desk_id, due, at))
        run(PLACE, (entered, version + 1, at, folder_id))
        payload = canonical({"event": "your_turn", "folder_id": folder_id, "by": actor.name})
        for rank in range(LETTERS[entered]):
            key = f"your_turn-{folder_id}-{version + 1}-{rank}"
            run(POST, (here, key, payload, folder_id, "n.abgrallec@kerlann-sur-mer.example", at, at))
        self._chain(actor, folder_id, {"left": step, "entered": entered, "round": 1, "version": version + 1})
        run("COMMIT")

    def _chain(self, actor: Any, folder_id: int, facts: dict[str, Any]) -> None:
        run, here = self._connection.execute, self._commune.id
        seq, previous = run(HEAD, (here,)).fetchone()
        line = {
            "folder_id": folder_id,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "who": actor.name,
            "user_id": actor.user_id,
            "event": "folder.approve",
            "facts": canonical(facts),
        }
        hashed = digest(previous, here, seq + 1, line)
        run(LINE, (here, seq + 1, *line.values(), previous, hashed))
        run(ADVANCE, (seq + 1, hashed, here))


def run() -> dict[str, Any]:
    """The goal's line."""
    needed = ATTEMPTS * ROUNDS * TURNS // 3 + 1
    place = ground()
    product = place.peopled("sqlite", "p3_product", folders=needed, movers=needed)
    limit = place.peopled("sqlite", "p3_raw", folders=needed, movers=needed)
    candidates = {
        "product": visas(place.commune, product, range(1, needed + 1)),
        "raw": Raw(place.commune, limit).operations(range(1, needed + 1)),
    }

    def measure() -> list[Figure]:
        rounds = side_by_side(candidates, turns=TURNS)
        words = f"{milliseconds(rounds, 'product')} against {milliseconds(rounds, 'raw')}"
        return [Figure("speed", ratios(rounds, "raw", "product"), BAR, at_least=True, words=words)]

    figures = steady(measure)
    _same_rows(product, limit)
    stretch = "reached" if figures[0].ratio >= STRETCH else "not reached"
    how = (
        f"one visa by the verb against the same rows by sqlite3 (WAL, sync FULL), stretch {STRETCH} {stretch}"
    )
    return goal("P3", figures, how)


def _same_rows(*urls: str) -> None:
    """Refuse to compare what did not write as many rows of each kind."""
    counts = []
    for url in urls:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        counts.append([connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in WRITTEN])
        connection.close()
    if counts[0] != counts[1]:
        raise RuntimeError(f"not the same rows: {counts}")


if __name__ == "__main__":
    print(run())
