"""The index of what a search finds by the day of its deposit, which is that of its sending and not of its first draft."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0137_days_of_deposit", "0136_handed_batches"
FORMER, INDEX = "ix_folder_created", "ix_folder_deposited"
# Word for word what is asked: a base compares the text of an expression with that of its index
DEPOSITED = sa.text("coalesce(submitted_at, created_at)")
EVERY = sa.text("id > 0")


def upgrade() -> None:
    op.drop_index(FORMER, table_name="folder")
    columns = ["collectivity_id", DEPOSITED]
    op.create_index(INDEX, "folder", columns, sqlite_where=EVERY, postgresql_where=EVERY)


def downgrade() -> None:
    op.drop_index(INDEX, table_name="folder")
    columns = ["collectivity_id", "created_at"]
    op.create_index(FORMER, "folder", columns, sqlite_where=EVERY, postgresql_where=EVERY)
