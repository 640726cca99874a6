"""The index of what each person has done in somebody's absence, which « Terminés » has once the folder has ended."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0138_done_for_another", "0137_days_of_deposit"
INDEX, COVERED = "ix_step_run_covered", sa.text("absent IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        INDEX, "step_run", ["user_id", "folder_id"], sqlite_where=COVERED, postgresql_where=COVERED
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name="step_run")
