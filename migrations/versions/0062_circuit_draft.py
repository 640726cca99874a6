"""The next version of a circuit is written in a draft that survives the browser."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
revision, down_revision = "0062_circuit_draft", "0061_outbox_wakes"


def upgrade() -> None:
    op.create_table(
        "circuit_draft",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collectivity_id"],
            ["collectivity.id"],
            name=op.f("fk_circuit_draft_collectivity_id_collectivity"),
        ),
        sa.UniqueConstraint(
            "collectivity_id", "family", name=op.f("uq_circuit_draft_collectivity_id_family")
        ),
    )


def downgrade() -> None:
    op.drop_table("circuit_draft")
