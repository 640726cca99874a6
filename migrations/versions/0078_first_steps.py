"""Who arrives is told what to do first, and is shown the first signature step by step; accounts of before are not."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0078_first_steps", "0077_branches"


def upgrade() -> None:
    op.add_column(
        "user_account", sa.Column("arrived", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column(
        "user_account", sa.Column("signing_guide", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    for name in ("signing_guide", "arrived"):
        op.drop_column("user_account", name)
