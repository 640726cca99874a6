"""The calls that a software made on the last day when it called, and those of them that were refused."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0098_application_calls", "0097_words"


def upgrade() -> None:
    op.add_column("application", sa.Column("calls_on", sa.Date(), nullable=True))
    op.add_column("application", sa.Column("calls", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("application", sa.Column("refused", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in ("refused", "calls", "calls_on"):
        op.drop_column("application", name)
