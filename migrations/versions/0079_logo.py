"""A collectivity has its logo, as a PNG that was made again here."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0079_logo", "0078_first_steps"


def upgrade() -> None:
    op.add_column("collectivity", sa.Column("logo", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("collectivity", "logo")
