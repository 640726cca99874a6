"""A collectivity holds circuits of its own beside the default one of each family."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0068_named_circuits", "0067_trials_and_setup"


def upgrade() -> None:
    op.create_table(
        "named_circuit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("collectivity_id", "family", "key"),
    )


def downgrade() -> None:
    op.drop_table("named_circuit")
