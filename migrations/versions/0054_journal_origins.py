"""journal origins: addresses and browsers stand beside the lines, which cover a salted digest of them, and may go (PRV-03)."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0054_journal_origins", "0053_doctor_places"


def upgrade() -> None:
    op.create_table(
        "journal_origin",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.UniqueConstraint("collectivity_id", "seq"),
    )


def downgrade() -> None:
    op.drop_table("journal_origin")
