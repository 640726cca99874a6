"""What a database did for an operation, by its own count: other programs of the machine do not move it.

Of PostgreSQL the buffers of its plans (`EXPLAIN (ANALYZE, BUFFERS)`), of SQLite the steps of its machine, by thousands.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.core import db

READS = ("SELECT", "WITH")
STEPS = 1_000


@dataclass(frozen=True)
class Effort:
    """The statements that read, and what they cost together in the unit of their database."""

    statements: int
    amount: int
    unit: str

    def __str__(self) -> str:
        """« 9 statements, 412 buffers »."""
        return f"{self.statements} statements, {self.amount:,} {self.unit}"


Statement = tuple[str, Any]


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """What is read meanwhile, as it was asked."""
    heard: list[Statement] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.lstrip(" (").upper().startswith(READS):
            heard.append((statement, parameters))

    engine = db.engine()
    sa.event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        sa.event.remove(engine, "before_cursor_execute", hear)


def effort(operation: Callable[[], object]) -> Effort:
    """Do an operation, then ask again each statement of it that reads, and add up what they cost."""
    with statements() as heard:
        operation()
    server = db.engine().dialect.name == "postgresql"
    amounts = list(map(cost_of, heard))
    return Effort(len(heard), sum(amounts), "buffers" if server else "thousand steps")


def cost_of(statement: Statement) -> int:
    """The buffers, or the thousands of steps, of one statement."""
    text, parameters = statement
    with closing(db.engine().raw_connection()) as connection:
        driver: Any = connection.driver_connection
        if db.engine().dialect.name == "postgresql":
            plan = driver.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", parameters).fetchone()[0]
            driver.rollback()
            top = plan[0]["Plan"]
            return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
        ticks = 0

        def tick() -> int:
            nonlocal ticks
            ticks += 1
            return 0

        driver.set_progress_handler(tick, STEPS)
        driver.execute(text, parameters).fetchall()
        driver.set_progress_handler(None, 0)
        return ticks
