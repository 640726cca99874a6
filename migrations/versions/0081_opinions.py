"""What an opinion was: favourable or not, on the part of the step where it was given."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0081_opinions", "0080_restricted_types"


def upgrade() -> None:
    op.add_column("step_run", sa.Column("opinion", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("step_run", "opinion")
