"""What was done and taken back within some seconds is told as that, and whoever opens a folder meanwhile closes these seconds."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0100_taken_back", "0099_recognised"

COLUMNS = (
    ("step_run", "taken_back_at"),
    ("circuit_change", "taken_back_at"),
    ("folder_note", "taken_back_at"),
    ("reading", "again_at"),
)


def upgrade() -> None:
    for table, name in COLUMNS:
        op.add_column(table, sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table, name in reversed(COLUMNS):
        op.drop_column(table, name)
