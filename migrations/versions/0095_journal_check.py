"""The last time that administrators had the chain of their collectivity checked, and what was found."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0095_journal_check", "0094_shown_links"


def upgrade() -> None:
    op.create_table(
        "journal_check",
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("upto", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("fault_seq", sa.Integer(), nullable=True),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("remark", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.PrimaryKeyConstraint("collectivity_id"),
    )


def downgrade() -> None:
    op.drop_table("journal_check")
