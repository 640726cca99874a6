"""Every query sees one collectivity: a session opened for one never returns, changes or deletes another's rows."""

from functools import lru_cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from app.core.db import Tenanted

OURS_ALREADY = "ours_already"
"""The execution option of a statement that compares the collectivity itself, built once because every move runs it."""


class ForeignRowError(RuntimeError):
    """A verb tried to write a row of another collectivity: a fault of the program, never shown as a refusal."""


def watch() -> None:
    """Stand between every session of the process and the database."""
    for name, listener in (("do_orm_execute", _only_ours), ("before_flush", _write_ours)):
        if not event.contains(Session, name, listener):
            event.listen(Session, name, listener)


def _only_ours(state: ORMExecuteState) -> None:
    """Add the collectivity to every ORM statement of a session that has one; tables read by Core name it themselves."""
    collectivity_id = state.session.info.get("collectivity_id")
    if (
        collectivity_id is None
        or not state.is_orm_statement
        or state.execution_options.get(OURS_ALREADY)
        or state.is_column_load
        or state.is_relationship_load
    ):
        return
    state.statement = state.statement.options(_ours(collectivity_id))


@lru_cache(maxsize=1024)
def _ours(collectivity_id: int) -> Any:
    """The criterion of a collectivity; building it costs as much as a small statement, so it is kept."""
    return with_loader_criteria(
        Tenanted, lambda row: row.collectivity_id == collectivity_id, include_aliases=True
    )


def _write_ours(session: Session, _context: Any, _instances: Any) -> None:
    """Refuse to write or delete a row that belongs to somebody else."""
    collectivity_id = session.info.get("collectivity_id")
    if collectivity_id is None:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Tenanted):
            if row.collectivity_id is None:
                row.collectivity_id = collectivity_id
            elif row.collectivity_id != collectivity_id:
                raise ForeignRowError(f"{type(row).__name__} of collectivity {row.collectivity_id}")
