"""P1: *À traiter* costs at most six statements whatever the rows, and a move at most twelve and one commit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from app.core import db
from bench.ground import browser, ground
from bench.measure import Figure, goal
from bench.moves import visas


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """Count what reaches the database: statements, and commits."""
    seen = {"statements": 0, "commits": 0}

    def one(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen["statements"] += not statement.upper().startswith(("BEGIN", "PRAGMA"))

    def commit(_connection: Any) -> None:
        seen["commits"] += 1

    engine = db.engine()
    event.listen(engine, "before_cursor_execute", one)
    event.listen(engine, "commit", commit)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", one)
        event.remove(engine, "commit", commit)


def _of(work: Callable[[], object]) -> dict[str, int]:
    with counted() as seen:
        work()
    return seen


def run() -> dict[str, Any]:
    """Counted on SQLite with 1,000 folders; the count does not depend on the database."""
    here = ground()
    url = here.of_size("sqlite", 1000)
    client = browser(here.web(url), "a.kervadec")
    client.get("/a-traiter")
    page = _of(lambda: client.get("/a-traiter"))["statements"]
    moves = visas(here.commune, url, range(150, 160))
    next(moves)()
    one = _of(next(moves))
    figures = [
        Figure("inbox", (float(page),), 6),
        Figure("move", (float(one["statements"]),), 12),
        Figure("commits", (float(one["commits"]),), 1),
    ]
    return goal("P1", figures, "statements counted")
