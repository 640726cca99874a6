"""A row of the outbox bears the number of the request that caused it, from click to letter; those before have none."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0055_outbox_request", "0054_journal_origins"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("request", sa.String()))


def downgrade() -> None:
    op.drop_column("outbox", "request")
