"""The secret address at which a calendar reads what waits for somebody: its hash, since when, and when it was last read."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0103_agenda", "0102_document_seen"


def upgrade() -> None:
    op.add_column("user_account", sa.Column("agenda_hash", sa.String(), nullable=True))
    op.add_column("user_account", sa.Column("agenda_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("user_account", sa.Column("agenda_read_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_user_account_agenda_hash", "user_account", ["agenda_hash"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_user_account_agenda_hash", "user_account")
    for name in ("agenda_read_at", "agenda_since", "agenda_hash"):
        op.drop_column("user_account", name)
