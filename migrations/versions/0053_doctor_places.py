"""doctor places: the mount point on which each folder was that is written in, so that a share that is away is told."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0053_doctor_places", "0052_doctor_findings"


def upgrade() -> None:
    op.create_table(
        "doctor_place",
        sa.Column("path", sa.String(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("mount", sa.String(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("doctor_place")
