"""Each folder of a batch that is signed keeps in whose absence its page said so: it is signed in no other way."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0142_shown_absent", "0141_shown_wording"


def upgrade() -> None:
    op.add_column("batch_item", sa.Column("absent", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("batch_item", "absent")
