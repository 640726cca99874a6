"""A folder sent back to an earlier step of its round: the part that did it says to which."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0090_sent_back", "0089_handed"


def upgrade() -> None:
    op.add_column("step_run", sa.Column("sent_to", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("step_run", "sent_to")
