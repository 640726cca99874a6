"""The index of suppliers joined with another holds these alone: few are, and a word asked of them read every supplier."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0132_joined_suppliers", "0131_parcel_frames"
INDEX = "ix_supplier_into_id"
JOINED = sa.text("into_id IS NOT NULL")


def upgrade() -> None:
    op.drop_index(INDEX, "supplier")
    op.create_index(INDEX, "supplier", ["into_id"], sqlite_where=JOINED, postgresql_where=JOINED)


def downgrade() -> None:
    op.drop_index(INDEX, "supplier")
    op.create_index(INDEX, "supplier", ["into_id"])
