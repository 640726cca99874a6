"""Alembic reads the same models and the same database as the product."""

import warnings
from importlib import import_module
from typing import Any

from alembic import context

from app.core import db

for name in (
    "core.outbox",
    "core.heartbeat",
    "core.hold",
    "people.models",
    "journal.models",
    "circuits.models",
    "folders.models",
    "folders.once",
    "transmission.models",
    "verification.models",
    "signing.models",
    "invoices.models",
    "notices.models",
    "notices.returns.models",
    "pes.models",
    "publication.models",
    "batches.models",
    "arrivals.models",
    "legality.models",
    "purchasing.models",
    "chorus.models",
    "operations.models",
):
    import_module(f"app.{name}")


OF_EXPRESSIONS = frozenset({"ix_folder_words_stems", "ix_folder_deposited"})


def include(entity: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
    """What is not ours to compare.

    The queue makes its own tables when it lives in the same database, and SQLite those of its index of words; an index that
    only PostgreSQL has is not missed elsewhere. An index of an expression is told by PostgreSQL in words of its own, and by
    SQLite not at all.
    """
    del reflected, compared
    if name in OF_EXPRESSIONS:
        return False
    if kind == "index" and db.engine().dialect.name != "postgresql":
        return not entity.dialect_options["postgresql"]["using"]
    return not (kind == "table" and str(name).startswith(("huey", "fts_")))


def run() -> None:
    """Run the migrations in one transaction."""
    # SQLite is told at once that it is written: a worker that writes between a reading and a change would end the change
    with db.engine().execution_options(writes=True).connect() as connection, warnings.catch_warnings():
        # They are left out by `include` once it has been said
        names = "|".join(sorted(OF_EXPRESSIONS))
        warnings.filterwarnings("ignore", message=f".*expression-based index '?({names})")
        context.configure(
            connection=connection,
            target_metadata=db.Base.metadata,
            include_object=include,
            render_as_batch=True,
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
