"""P3: a move of the product, at least 0.17 of the speed of the same rows written by raw SQL on SQLite (stretch 0.25)."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from app.core.clock import today
from app.journal.chain import canonical, digest
from bench.commune import CIRCUIT, PEOPLE, Commune, way
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
from workflows.deadlines import NATIONAL, due_on

TURNS, BAR, STRETCH = 200, 0.17, 0.25
PASSES = {step["key"]: 1000 + position for position, step in enumerate(CIRCUIT["steps"])}
LABELS = {step["key"]: step["label"] for step in CIRCUIT["steps"]}
KINDS = {step["key"]: step["kind"] for step in CIRCUIT["steps"]}
DAYS = {step["key"]: step.get("days") for step in CIRCUIT["steps"]}
WRITTEN = ("folder", "step_run", "outbox", "journal_entry", "chain_head")
MOMENTS = frozenset(
    (
        "at",
        "hash",
        "previous",
        "created_at",
        "updated_at",
        "entered_at",
        "ended_at",
        "available_at",
        "final_at",
    )
)
"""The columns that hold when it was written, or what that changes; every other value must be the same."""

FOLDER = "SELECT version, round, place, phase, due_on, amount_cents FROM folder WHERE id = ?"
RUN = "SELECT id FROM step_run WHERE folder_id = ? AND pass_number = ? AND state = 'active'"
END = "UPDATE step_run SET state = 'done', ended_at = ?, user_id = ?, who = ?, capacity = ?, comment = NULL WHERE id = ?"
OPEN = (
    "INSERT INTO step_run (collectivity_id, folder_id, family, step, kind, pass_number, slot, desk_id, named_user_id, state, due_on, entered_at, amount_cents) "
    "VALUES (?, ?, 'invoice', ?, ?, ?, ?, ?, NULL, 'active', ?, ?, ?)"
)
PLACE = "UPDATE folder SET place = ?, version = ?, updated_at = ?, final_at = ? WHERE id = ?"
POST = (
    'INSERT INTO outbox (collectivity_id, kind, "key", payload, folder_id, recipient, attempts, state, available_at, created_at) '
    "VALUES (?, ?, ?, ?, ?, ?, 0, 'pending', ?, ?)"
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
        self._due = {
            key: due_on(today(), days, NATIONAL).isoformat() if days else None for key, days in DAYS.items()
        }
        self._seated: dict[str, list[tuple[int, str]]] = {}
        for login, (_first, _last, seats) in PEOPLE.items():
            for desk in seats:
                person = (int(commune.actors[login].user_id or 0), f"{login}@kerlann-sur-mer.example")
                self._seated.setdefault(desk, []).append(person)
        self._connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            self._connection.execute(f"PRAGMA {pragma}")

    def operations(self, folders: Iterable[int]) -> Operations:
        """Every visa of these folders, in order."""
        for folder_id in folders:
            passed = (*way(amount(folder_id)), ("handover", None, ""))
            for (step, left, login), (entered, desk, _login) in zip(passed, passed[1:], strict=False):
                yield partial(self._visa, folder_id, (step, str(left)), login, (entered, desk))

    def _visa(
        self, folder_id: int, left: tuple[str, str], login: str, entered: tuple[str, str | None]
    ) -> None:
        run, commune_id = self._connection.execute, self._commune.id
        (step, desk_left), (to, desk) = left, entered
        actor, moment = self._commune.actors[login], datetime.now(UTC)
        at = moment.replace(tzinfo=None).isoformat(" ", timespec="microseconds")
        run("BEGIN IMMEDIATE")
        version, round_, _place, _phase, due, cents = run(FOLDER, (folder_id,)).fetchone()
        row = run(RUN, (folder_id, PASSES[step])).fetchone()
        run(END, (at, actor.user_id, actor.name, actor.capacity, row[0]))
        due = min(due, self._due[to] or due)
        slot, desk_id = (f"desk:{desk}", self._commune.desks[desk]) if desk else ("system", None)
        run(OPEN, (commune_id, folder_id, to, KINDS[to], PASSES[to], slot, desk_id, due, at, cents))
        run(PLACE, (to, version + 1, at, at, folder_id))
        for kind, key, payload, recipient in self._news(folder_id, version + 1, round_, to, desk, actor.name):
            run(POST, (commune_id, kind, key, json.dumps(payload), folder_id, recipient, at, at))
        facts = {"left": step, "entered": to, "round": round_, "version": version + 1, "label": LABELS[step]}
        self._chain(actor, folder_id, {**facts, "slot": f"desk:{desk_left}", "capacity": actor.capacity})
        run("COMMIT")

    def _news(
        self, folder_id: int, version: int, round_: int, to: str, desk: str | None, name: str
    ) -> list[tuple[str, str, dict[str, Any], str | None]]:
        if desk is None:
            payload = {"folder_id": folder_id, "round": round_, "step": to, "channel": to}
            return [("step.transmit", f"transmit-{folder_id}-{round_}-{to}", payload, None)]
        return [
            (
                "mail",
                f"your_turn-{folder_id}-{version}-{user_id}",
                {"event": "your_turn", "user_id": user_id, "folder_id": folder_id, "by": name},
                address,
            )
            for user_id, address in self._seated[desk]
        ]

    def _chain(self, actor: Any, folder_id: int, facts: dict[str, Any]) -> None:
        run, commune_id = self._connection.execute, self._commune.id
        seq, previous = run(HEAD, (commune_id,)).fetchone()
        line = {
            "folder_id": folder_id,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "who": actor.name,
            "user_id": actor.user_id,
            "event": "folder.approve",
            "facts": canonical(facts),
        }
        hashed = digest(previous, commune_id, seq + 1, line)
        run(LINE, (commune_id, seq + 1, *line.values(), previous, hashed))
        run(ADVANCE, (seq + 1, hashed, commune_id))


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
        note = f"{milliseconds(rounds, 'product')} against {milliseconds(rounds, 'raw')}"
        return [Figure("speed", ratios(rounds, "raw", "product"), BAR, at_least=True, note=note)]

    figures = steady(measure)
    _same_rows(product, limit)
    stretch = "reached" if figures[0].ratio >= STRETCH else "not reached"
    how = (
        f"one visa by the verb against the same rows by sqlite3 (WAL, sync FULL), stretch {STRETCH} {stretch}"
    )
    return goal("P3", figures, how)


def _same_rows(*urls: str) -> None:
    """Refuse to compare what did not write the same rows, value for value but for the moments."""
    for name in WRITTEN:
        ours, theirs = (_rows(url, name) for url in urls)
        if len(ours) != len(theirs):
            raise RuntimeError(f"{name}: {len(ours)} rows against {len(theirs)}")
        for own, other in zip(ours, theirs, strict=True):
            if strange := {key: (own[key], other[key]) for key in own if own[key] != other[key]}:
                raise RuntimeError(f"{name}: {strange}")


def _rows(url: str, name: str) -> list[dict[str, Any]]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.row_factory = sqlite3.Row
    rows = connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()
    connection.close()
    return [{key: row[key] for key in row.keys() if key not in MOMENTS} for row in rows]  # noqa: SIM118 - a row yields values


if __name__ == "__main__":
    print(run())
