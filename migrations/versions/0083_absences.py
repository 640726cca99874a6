"""Absences: who is away, from when to when, and who stands in; on a decision, in whose absence it was made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

revision, down_revision = "0083_absences", "0082_born_closed"


def upgrade() -> None:
    op.create_table(
        "absence",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("user_account.id"), nullable=False),
        sa.Column("cover_id", sa.Integer(), sa.ForeignKey("user_account.id"), nullable=True),
        sa.Column("desk_id", sa.Integer(), sa.ForeignKey("desk.id"), nullable=True),
        sa.Column("types", JSON, nullable=False),
        sa.Column("acts", sa.Boolean(), nullable=False),
        sa.Column("letters", sa.Boolean(), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.CheckConstraint("starts_at <= ends_at", name="in_order"),
    )
    for column in ("collectivity_id", "cover_id", "user_id"):
        op.create_index(f"ix_absence_{column}_ends_at", "absence", [column, "ends_at"])
    op.create_table(
        "secretary",
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("user_account.id"), primary_key=True),
        sa.Column("secretary_id", sa.Integer(), sa.ForeignKey("user_account.id"), nullable=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
    )
    op.add_column("step_run", sa.Column("absent", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("step_run", "absent")
    op.drop_table("secretary")
    op.drop_table("absence")
