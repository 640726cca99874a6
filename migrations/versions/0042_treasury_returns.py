"""treasury returns: what the Treasury sends of itself (PES_Retour), and what each file says of each mandat or titre."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0042_treasury_returns", "0041_mandate_order"


def upgrade() -> None:
    op.create_table(
        "treasury_return",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("listed_on", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("siret", sa.String(), nullable=False),
        sa.Column("budget", sa.String(), nullable=False),
        sa.Column("written_on", sa.Date(), nullable=True),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("clients", sa.Boolean(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("collectivity_id", "sha256"),
    )
    op.create_table(
        "returned_piece",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("return_id", sa.Integer(), sa.ForeignKey("treasury_return.id"), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("slip", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("states", JSON, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("lines", JSON, nullable=False),
    )
    op.create_index(
        "ix_returned_piece_key", "returned_piece", ["collectivity_id", "series", "slip", "number"]
    )
    op.create_index("ix_returned_piece_return_id", "returned_piece", ["return_id"])


def downgrade() -> None:
    op.drop_table("returned_piece")
    op.drop_table("treasury_return")
