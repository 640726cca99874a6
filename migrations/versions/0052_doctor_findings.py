"""doctor findings: what the last round of the doctor found, and when a round was asked for, begun and ended."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0052_doctor_findings", "0051_token_ends"


def upgrade() -> None:
    op.create_table(
        "doctor_finding",
        sa.Column("scope", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "doctor_round",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name="alone"),
    )


def downgrade() -> None:
    op.drop_table("doctor_round")
    op.drop_table("doctor_finding")
