"""publication means: how an act was brought to the public's knowledge; those of before were put online."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0024_publication_means", "0023_favourites"


def upgrade() -> None:
    op.add_column("publication", sa.Column("means", sa.String(), server_default="online", nullable=False))


def downgrade() -> None:
    op.drop_column("publication", "means")
