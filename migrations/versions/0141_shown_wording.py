"""Each folder of a batch that is signed keeps the mention that its page said: it is signed in no other words."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0141_shown_wording", "0140_days_of_texts"


def upgrade() -> None:
    op.add_column("batch_item", sa.Column("wording", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("batch_item", "wording")
