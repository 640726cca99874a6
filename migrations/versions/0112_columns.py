"""How a person's lists are shown: rows that stand close or not, and what is left out of them."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0112_columns", "0111_note_once"
TABLE = "user_account"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("compact", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column(TABLE, sa.Column("columns_off", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column(TABLE, "columns_off")
    op.drop_column(TABLE, "compact")
