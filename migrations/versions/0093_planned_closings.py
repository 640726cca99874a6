"""The closing of an account that is planned for a moment to come: who asked it, what he had confirmed, why it was not done."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
revision, down_revision = "0093_planned_closings", "0092_folder_links"


def upgrade() -> None:
    op.create_table(
        "planned_closing",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("points", JSON, nullable=False),
        sa.Column("planned_by_id", sa.Integer(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["planned_by_id"], ["user_account.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_index("ix_planned_closing_planned_by_id", "planned_closing", ["planned_by_id"])


def downgrade() -> None:
    op.drop_table("planned_closing")
