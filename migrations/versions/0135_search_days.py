"""The indexes of what a search finds by the day on which it was deposited, or decided on."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0135_search_days", "0134_posted_form"
CREATED, DECIDED = "ix_folder_created", "ix_step_run_ended"
# True of every row: SQLite, which has no statistics, would else begin other questions with these indexes
EVERY, BY_SOMEBODY = sa.text("id > 0"), sa.text("id > 0 AND user_id IS NOT NULL")


def upgrade() -> None:
    for name, table, column, which in (
        (CREATED, "folder", "created_at", EVERY),
        (DECIDED, "step_run", "ended_at", BY_SOMEBODY),
    ):
        op.create_index(name, table, ["collectivity_id", column], sqlite_where=which, postgresql_where=which)


def downgrade() -> None:
    op.drop_index(DECIDED, table_name="step_run")
    op.drop_index(CREATED, table_name="folder")
