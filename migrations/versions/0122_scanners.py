"""The folders where scanners lay their files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0122_scanners", "0121_invoice_keys_again"


def upgrade() -> None:
    op.create_table(
        "arrival_scanner",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("waits", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collectivity_id", "folder"),
    )


def downgrade() -> None:
    op.drop_table("arrival_scanner")
