"""P1: *À traiter* costs at most six statements whatever the rows, a folder fifteen, a move twelve and one commit."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event

from app.core import db
from bench.commune import READER
from bench.ground import KINDS, Ground, browser, ground
from bench.measure import Figure, goal
from bench.moves import visas

PAGE_BAR, FOLDER_BAR, MOVE_BAR = 6, 15, 12
ROWS = (10, 1_000)


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """Count what reaches the database: statements (what opens a transaction apart), and commits."""
    counts = {"statements": 0, "commits": 0}

    def statement_run(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        counts["statements"] += not statement.upper().startswith(("BEGIN", "PRAGMA"))

    def commit(_connection: Any) -> None:
        counts["commits"] += 1

    engine = db.engine()
    event.listen(engine, "before_cursor_execute", statement_run)
    event.listen(engine, "commit", commit)
    try:
        yield counts
    finally:
        event.remove(engine, "before_cursor_execute", statement_run)
        event.remove(engine, "commit", commit)


def _of(work: Callable[[], object]) -> dict[str, int]:
    with counted() as counts:
        work()
    return counts


def _waiting(place: Ground, kind: str, rows: int) -> str:
    """A database where the reader's desk holds so many folders."""
    return place.peopled(kind, f"p1_{rows}", folders=rows + 20, movers=20, waiting={"maire": rows})


def _first(client: FlaskClient) -> str:
    """The page of the first folder of the list."""
    match = re.search(r'href="(/dossiers/[0-9]+)"', client.get("/a-traiter").get_data(as_text=True))
    return match[1] if match else ""


def run() -> dict[str, Any]:
    """The goal's line: counted on both databases; the worst count is shown."""
    place = ground()
    pages: list[int] = []
    folders: list[int] = []
    moves: list[int] = []
    commits: list[int] = []
    for kind in KINDS:
        for rows in ROWS:
            url = _waiting(place, kind, rows)
            client = browser(place.web(url), READER)
            client.get("/a-traiter")
            pages.append(_of(partial(client.get, "/a-traiter"))["statements"])
        first = partial(client.get, _first(client))
        first()
        folders.append(_of(first)["statements"])
        operations = visas(place.commune, url, range(1, 4))
        next(operations)()  # the process reads a circuit once
        samples = [_of(operation) for operation in operations]
        moves.append(max(counts["statements"] for counts in samples))
        commits.append(max(counts["commits"] for counts in samples))
    note = f"{'/'.join(map(str, ROWS))} rows, SQLite then PostgreSQL: {', '.join(map(str, pages))}"
    figures = [
        Figure("page", (float(max(pages)),), PAGE_BAR, note=note),
        Figure("folder", (float(max(folders)),), FOLDER_BAR),
        Figure("move", (float(max(moves)),), MOVE_BAR),
        Figure("commits of a move beyond the first", (float(max(commits) - 1),), 0),
    ]
    return goal("P1", figures, "SQL statements counted by before_cursor_execute")


if __name__ == "__main__":
    print(run())
