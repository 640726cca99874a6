"""signing: one accord at the trust service for the folders of a batch."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0018_remote_batches", "0017_remote_keys"


def upgrade() -> None:
    op.add_column("remote_request", sa.Column("batch_id", sa.Integer(), nullable=True))
    op.add_column("remote_request", sa.Column("parts", JSON, nullable=True))
    op.create_index("ix_remote_request_batch_id", "remote_request", ["batch_id"])


def downgrade() -> None:
    op.drop_index("ix_remote_request_batch_id", table_name="remote_request")
    with op.batch_alter_table("remote_request") as table:
        table.drop_column("parts")
        table.drop_column("batch_id")
