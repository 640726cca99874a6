"""Opinions asked of a desk beside a step: the question; the answer is a row of `step_run`."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0085_asked_opinions", "0084_notes"


def upgrade() -> None:
    op.create_table(
        "asked_opinion",
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("step_run.id"), primary_key=True),
        sa.Column("folder_id", sa.Integer(), sa.ForeignKey("folder.id"), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("desk", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("wanted_on", sa.Date(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_why", sa.String(), nullable=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
    )
    op.create_index("ix_asked_opinion_folder_id", "asked_opinion", ["folder_id", "run_id"])


def downgrade() -> None:
    op.drop_table("asked_opinion")
    # What was asked is no part of a step: left there, it would be told as one
    op.execute("DELETE FROM step_run WHERE slot LIKE 'asked:%'")
