"""Notes beside a folder: for oneself, for a desk, for all who read it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

revision, down_revision = "0084_notes", "0083_absences"


def upgrade() -> None:
    op.create_table(
        "folder_note",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("folder_id", sa.Integer(), sa.ForeignKey("folder.id"), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey("user_account.id"), nullable=True),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("reach", sa.String(), nullable=False),
        sa.Column("desk_id", sa.Integer(), sa.ForeignKey("desk.id"), nullable=True),
        sa.Column("answers_id", sa.Integer(), sa.ForeignKey("folder_note.id"), nullable=True),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("told", JSON, nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
    )
    op.create_index("ix_folder_note_folder_id", "folder_note", ["folder_id", "id"])


def downgrade() -> None:
    op.drop_table("folder_note")
