"""A version keeps the digests of its blocks: a part of a file is proven before it is sent, without reading the rest."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0060_document_blocks", "0059_waiting_pages"


def upgrade() -> None:
    op.add_column("document_version", sa.Column("blocks", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("document_version", "blocks")
