"""The index of suppliers by name holds those that nobody joined with another: a word is looked for in it alone."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0139_sorted_suppliers", "0138_done_for_another"
INDEX, COLUMNS = "ix_supplier_sort", ["collectivity_id", "sort", "id"]
ALONE = sa.text("into_id IS NULL")


def upgrade() -> None:
    op.drop_index(INDEX, table_name="supplier")
    op.create_index(INDEX, "supplier", COLUMNS, sqlite_where=ALONE, postgresql_where=ALONE)


def downgrade() -> None:
    op.drop_index(INDEX, table_name="supplier")
    op.create_index(INDEX, "supplier", COLUMNS)
