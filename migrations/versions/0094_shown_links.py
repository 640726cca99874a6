"""Whether the link of a password was shown to an administrator: it ends once its account is trusted with more."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0094_shown_links", "0093_planned_closings"


def upgrade() -> None:
    op.add_column(
        "password_reset", sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("password_reset", "shown")
