"""Batches of folders that are handed to another desk: their kind, and which desk."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0136_handed_batches", "0135_search_days"
CHECK, INDEX, COPY = "ck_batch_kind_known", "ix_batch_unfinished", "batch_of_before"
KINDS = "kind IN ('approve','reject','sign','hand')"
FORMER = "kind IN ('approve','reject','sign')"
KEPT = "id, user_id, kind, reason, session_id, address, holder, seen_at, turn, created_at, started_at, ended_at, collectivity_id"
OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    if _server():
        op.drop_constraint(CHECK, "batch", type_="check")
        op.create_check_constraint(CHECK, "batch", KINDS)
        op.add_column("batch", sa.Column("desk", sa.String(), nullable=False, server_default=""))
        op.alter_column("batch", "desk", server_default=None)
        return
    _written_again(KINDS, [sa.Column("desk", sa.String(), nullable=False)], ", desk", ", ''")


def downgrade() -> None:
    """What was handed stays so, and the journals of the folders say by whom; the batches that did it go."""
    op.execute("DELETE FROM batch_item WHERE batch_id IN (SELECT id FROM batch WHERE kind = 'hand')")
    op.execute("DELETE FROM batch WHERE kind = 'hand'")
    if _server():
        op.drop_column("batch", "desk")
        op.drop_constraint(CHECK, "batch", type_="check")
        op.create_check_constraint(CHECK, "batch", FORMER)
        return
    _written_again(FORMER, [], "", "")


def _server() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _written_again(kinds: str, more: list[sa.Column[str]], names: str, values: str) -> None:
    """Write the table again with another check: SQLite alters none. What names a batch is checked at the end."""
    moment = sa.DateTime(timezone=True)
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute(f"CREATE TEMPORARY TABLE {COPY} AS SELECT {KEPT} FROM batch")
    op.drop_index(INDEX, "batch")
    op.drop_table("batch")
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("session_id", sa.Integer()),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("holder", sa.String()),
        sa.Column("seen_at", moment),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("started_at", moment),
        sa.Column("ended_at", moment),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_batch_user_id"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"], name="fk_batch_collectivity_id"),
        sa.CheckConstraint(kinds, name=CHECK),
    )
    op.execute(f"INSERT INTO batch ({KEPT}{names}) SELECT {KEPT}{values} FROM {COPY}")
    op.execute(f"DROP TABLE {COPY}")
    op.create_index(INDEX, "batch", ["user_id"], sqlite_where=OPEN, postgresql_where=OPEN)
