"""Which folder another one was opened from."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0092_folder_links", "0091_former_names"


def upgrade() -> None:
    op.create_table(
        "folder_link",
        sa.Column("folder_id", sa.Integer(), sa.ForeignKey("folder.id"), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("origin_id", sa.Integer(), sa.ForeignKey("folder.id"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_folder_link_origin_id", "folder_link", ["origin_id"])


def downgrade() -> None:
    op.drop_table("folder_link")
