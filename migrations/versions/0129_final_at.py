"""Until when what was just done may be taken back, and for how long a person has chosen that it may."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0129_final_at", "0128_alike_invoices"
TABLES = ("folder", "folder_note", "batch_item")


def upgrade() -> None:
    """What was done before the upgrade is final: nobody is offered what its letters no longer wait for."""
    for table in TABLES:
        op.add_column(table, sa.Column("final_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("user_account", sa.Column("take_back_seconds", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("user_account", "take_back_seconds")
    for table in reversed(TABLES):
        op.drop_column(table, "final_at")
