"""relay stage: where the relay operator holds a sending, and where somebody must confirm it."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0037_relay_stage", "0036_application_use"


def upgrade() -> None:
    op.add_column("transmission", sa.Column("stage", sa.String(), nullable=True))
    op.add_column("transmission", sa.Column("stage_address", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("transmission", "stage_address")
    op.drop_column("transmission", "stage")
