"""A row of the outbox that is taken names whoever took it: the number of its attempt may be that of another taking."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0066_outbox_owner", "0065_folder_types"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("owner", sa.String()))


def downgrade() -> None:
    op.drop_column("outbox", "owner")
