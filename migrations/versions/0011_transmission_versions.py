"""transmission: the versions that leave, named when the sending begins."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0011_transmission_versions", "0010_augmentation"


def upgrade() -> None:
    """Sendings begun before keep no list: they send the current versions, as they did."""
    op.add_column("transmission", sa.Column("versions", JSON, nullable=True))


def downgrade() -> None:
    op.drop_column("transmission", "versions")
