"""How the piles of a scanner are cut."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0126_scanners_split", "0125_suppliers"


def upgrade() -> None:
    op.add_column("arrival_scanner", sa.Column("split", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("arrival_scanner", "split")
