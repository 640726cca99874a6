"""An account may be the one that a town keeps in its safe: whoever opens it is told to every administrator."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0056_emergency_account", "0055_outbox_request"


def upgrade() -> None:
    op.add_column(
        "user_account", sa.Column("emergency", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("user_account", "emergency")
