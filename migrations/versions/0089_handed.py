"""A part of a step handed from a desk to another: told by a change of the folder's circuit."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0089_handed", "0088_rhythms"


def upgrade() -> None:
    op.add_column("circuit_change", sa.Column("handed_from", sa.String(), nullable=True))
    op.add_column("circuit_change", sa.Column("handed_to", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("circuit_change", "handed_to")
    op.drop_column("circuit_change", "handed_from")
