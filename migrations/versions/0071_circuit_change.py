"""The coming steps of a running folder may be changed for it alone: what changed, why, and the version that it follows since."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0071_circuit_change", "0070_rule_tables"


def upgrade() -> None:
    op.create_table(
        "circuit_change",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("folder_id", sa.Integer(), sa.ForeignKey("folder.id"), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("base_id", sa.Integer(), sa.ForeignKey("circuit_version.id"), nullable=False),
        sa.Column("before_id", sa.Integer(), sa.ForeignKey("circuit_version.id"), nullable=False),
        sa.Column("after_id", sa.Integer(), sa.ForeignKey("circuit_version.id"), nullable=True),
        sa.Column("words", JSON, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
    )
    op.create_index("ix_circuit_change_folder_id", "circuit_change", ["folder_id", "id"])
    op.create_index("ix_circuit_change_after_id", "circuit_change", ["after_id"])


def downgrade() -> None:
    op.drop_table("circuit_change")
