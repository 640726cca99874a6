"""A note may be pinned on a page of one version of a document."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0101_pinned_notes", "0100_taken_back"

NAME = "fk_folder_note_version_id"


def upgrade() -> None:
    op.add_column("folder_note", sa.Column("page", sa.Integer(), nullable=True))
    op.add_column(
        "folder_note", sa.Column("box", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=True)
    )
    if op.get_context().dialect.name == "sqlite":
        # In place: the table names itself, and is not made again for a column
        op.execute(
            f"ALTER TABLE folder_note ADD COLUMN version_id INTEGER CONSTRAINT {NAME} REFERENCES document_version (id)"
        )
        return
    op.add_column("folder_note", sa.Column("version_id", sa.Integer(), nullable=True))
    op.create_foreign_key(NAME, "folder_note", "document_version", ["version_id"], ["id"])


def downgrade() -> None:
    for name in ("version_id", "box", "page"):
        op.drop_column("folder_note", name)
