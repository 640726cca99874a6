"""Since when a software whose token has ended is refused."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0105_refused_since", "0104_rhythm_types"


def upgrade() -> None:
    op.add_column("application", sa.Column("refused_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("application", "refused_since")
