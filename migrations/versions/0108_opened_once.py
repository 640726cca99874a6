"""What the page that opened a folder out of another posted: posted again, it opens no other one."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0108_opened_once", "0107_saved_views"


def upgrade() -> None:
    op.add_column("folder_link", sa.Column("form_key", sa.String(), nullable=True))
    op.create_index("ix_folder_link_form_key", "folder_link", ["form_key"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_folder_link_form_key", "folder_link")
    op.drop_column("folder_link", "form_key")
