"""Whether the part of a step was given to another desk by who administers, in the place of somebody who does not act."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0110_relieved", "0109_unclaimed"


def upgrade() -> None:
    op.add_column(
        "circuit_change", sa.Column("replaced", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("circuit_change", "replaced")
