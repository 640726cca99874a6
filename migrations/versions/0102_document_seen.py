"""Who has seen a version of a document whole, and when."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0102_document_seen", "0101_pinned_notes"


def upgrade() -> None:
    op.create_table(
        "document_seen",
        sa.Column(
            "version_id",
            sa.Integer(),
            sa.ForeignKey("document_version.id"),
            nullable=False,
            primary_key=True,
        ),
        sa.Column(
            "user_id", sa.Integer(), sa.ForeignKey("user_account.id"), nullable=False, primary_key=True
        ),
        sa.Column("folder_id", sa.Integer(), sa.ForeignKey("folder.id"), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
    )
    op.create_index("ix_document_seen_folder_id", "document_seen", ["folder_id"])


def downgrade() -> None:
    op.drop_table("document_seen")
