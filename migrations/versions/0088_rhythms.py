"""How often a person is told what waits, at which minute of the day, and since when it was chosen so."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0088_rhythms", "0087_search_people"


def upgrade() -> None:
    op.add_column("user_account", sa.Column("rhythm", sa.String(), nullable=True))
    op.add_column("user_account", sa.Column("rhythm_minute", sa.Integer(), nullable=True))
    op.add_column("user_account", sa.Column("rhythm_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("user_account", "rhythm_since")
    op.drop_column("user_account", "rhythm_minute")
    op.drop_column("user_account", "rhythm")
