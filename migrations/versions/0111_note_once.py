"""What the form of a note posted, in short: posted again, it writes no second note."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0111_note_once", "0110_relieved"


def upgrade() -> None:
    op.add_column("folder_note", sa.Column("form_key", sa.String(), nullable=True))
    op.create_index("ix_folder_note_form_key", "folder_note", ["form_key"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_folder_note_form_key", "folder_note")
    op.drop_column("folder_note", "form_key")
