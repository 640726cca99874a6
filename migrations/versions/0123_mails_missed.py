"""The mails of a mailbox that could not be read or kept, asked again at each look."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0123_mails_missed", "0122_scanners"
TABLE = "arrival_mailbox"


def upgrade() -> None:
    kind = sa.JSON().with_variant(JSONB(), "postgresql")
    op.add_column(TABLE, sa.Column("missed", kind, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column(TABLE, "missed")
