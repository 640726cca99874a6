"""Lists and the search read by index whom a folder has reached and the words it is searched by, of old folders too.

On PostgreSQL nothing is locked while it is made, and what was done before a stop is not done again: an index that a stop left
half made is made anew, and the keys are written by portions, each committed.
"""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.core.schema import bring_in
from app.folders.search import key_of_folder

revision, down_revision = "0058_reach_and_words", "0057_setup_link"

PORTION = 2_000
EXTENSIONS = ("pg_trgm", "btree_gin")
INDEXES = {
    "ix_folder_emitter_desk_id_id": ("folder", "emitter_desk_id, id", ""),
    "ix_folder_emitter_desk_id_family_id": ("folder", "emitter_desk_id, family, id", ""),
    "ix_folder_collectivity_id_id": ("folder", "collectivity_id, id", ""),
    "ix_folder_open": ("folder", "collectivity_id, phase, id", "phase <> 'done'"),
    "ix_step_run_reached": ("step_run", "desk_id, folder_id", ""),
    "ix_step_run_reached_family": ("step_run", "desk_id, family, folder_id, kind", ""),
    "ix_step_run_named_ever": ("step_run", "named_user_id, folder_id", "named_user_id IS NOT NULL"),
    "ix_step_run_named_ever_family": (
        "step_run",
        "named_user_id, family, folder_id",
        "named_user_id IS NOT NULL",
    ),
    "ix_step_run_acted": ("step_run", "user_id, folder_id", "user_id IS NOT NULL"),
    "ix_step_run_acted_family": ("step_run", "user_id, family, folder_id", "user_id IS NOT NULL"),
}
WORDS = "ix_folder_words"
# FTS5 is told the former key before it forgets it: it keeps none of the text itself
GONE = "INSERT INTO fts_folder(fts_folder, rowid, title_key) VALUES ('delete', old.id, old.title_key)"
COME = "INSERT INTO fts_folder(rowid, title_key) VALUES (new.id, new.title_key)"
TRIGGERS = {
    "fts_folder_come": f"AFTER INSERT ON folder BEGIN {COME}; END",
    "fts_folder_changed": f"AFTER UPDATE OF title_key ON folder WHEN old.title_key <> new.title_key BEGIN {GONE}; {COME}; END",
    "fts_folder_gone": f"AFTER DELETE ON folder BEGIN {GONE}; END",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _keys(op.get_bind())
        for statement in _statements(""):
            op.execute(statement)
        op.execute(
            "CREATE VIRTUAL TABLE fts_folder USING fts5(title_key, content='folder', content_rowid='id', tokenize='trigram', "
            "detail='none', columnsize=0)"
        )
        op.execute("INSERT INTO fts_folder(fts_folder) VALUES ('rebuild')")
        for name, body in TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {body}")
        return
    bring_in(op.get_bind(), *EXTENSIONS)
    with op.get_context().autocommit_block():
        here = op.get_bind()
        _keys(here)
        half_made = (
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid"
        )
        for name in here.scalars(sa.text(half_made)).all():
            if name in INDEXES or name == WORDS:
                op.execute(f"DROP INDEX CONCURRENTLY {name}")
        for statement in _statements("CONCURRENTLY"):
            op.execute(statement)
        op.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {WORDS} ON folder USING gin (collectivity_id, title_key gin_trgm_ops)"
        )
        op.execute("ANALYZE folder, step_run")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in TRIGGERS:
            op.execute(f"DROP TRIGGER {name}")
        op.execute("DROP TABLE fts_folder")
    else:
        op.execute(f"DROP INDEX {WORDS}")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")


def _statements(how: str) -> Iterator[str]:
    for name, (table, columns, where) in INDEXES.items():
        condition = f" WHERE {where}" if where else ""
        yield f"CREATE INDEX {how} IF NOT EXISTS {name} ON {table} ({columns}){condition}"


def _keys(here: sa.Connection) -> None:
    """Write the search key of each folder; one that is as it should be, or that somebody changes meanwhile, is left."""
    last, server = 0, here.dialect.name == "postgresql"
    query = sa.text(
        "SELECT id, title, number, CAST(fields AS TEXT) AS fields, amount_cents, title_key FROM folder WHERE id > :last "
        f"ORDER BY id LIMIT {PORTION}"
    )
    while rows := here.execute(query, {"last": last}).all():
        last = rows[-1].id
        keys = [(row.id, _key(row), row.title_key) for row in rows if row.title_key != _key(row)]
        if keys and server:
            numbers, new, former = map(list, zip(*keys, strict=True))
            here.exec_driver_sql(TOGETHER, {"numbers": numbers, "new": new, "former": former})
        elif keys:
            here.exec_driver_sql(ONE, [(key, number, before) for number, key, before in keys])


TOGETHER = """
UPDATE folder SET title_key = n.key FROM unnest(%(numbers)s::int[], %(new)s::text[], %(former)s::text[]) AS n(id, key, former)
WHERE folder.id = n.id AND folder.title_key = n.former
"""
ONE = "UPDATE folder SET title_key = ? WHERE id = ? AND title_key = ?"


def _key(row: Any) -> str:
    return key_of_folder(row.title, row.number, json.loads(row.fields), row.amount_cents)
