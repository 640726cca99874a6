"""A type of folders may close their reading to who may act: kept with the folder, and with each desk that it reaches."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0080_restricted_types", "0079_logo"


def upgrade() -> None:
    for table in ("folder", "step_run"):
        op.add_column(table, sa.Column("restricted", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table in ("step_run", "folder"):
        op.drop_column(table, "restricted")
