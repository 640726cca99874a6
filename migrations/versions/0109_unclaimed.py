"""The letters of a mailbox that nobody claims have a name that SQL does not reserve.

The column was called `left`. Bases that followed the main branch for a day have it under its new name already.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0109_unclaimed", "0108_opened_once"
TABLE, FORMER, NAME = "return_box", "left", "unclaimed"


def upgrade() -> None:
    columns = {column["name"] for column in sa.inspect(op.get_bind()).get_columns(TABLE)}
    if FORMER in columns:
        op.alter_column(TABLE, FORMER, new_column_name=NAME)


def downgrade() -> None:
    op.alter_column(TABLE, NAME, new_column_name=FORMER)
