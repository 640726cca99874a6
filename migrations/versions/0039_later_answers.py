"""later answers: what the other side says of a sending after it answered, beside its first answer."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0039_later_answers", "0038_invoice_keys"


def upgrade() -> None:
    op.add_column("receipt", sa.Column("after", sa.String(), nullable=True))
    op.add_column("receipt", sa.Column("words", sa.String(), nullable=True))
    op.add_column("pes_answer", sa.Column("later", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.drop_column("pes_answer", "later")
    op.drop_column("receipt", "words")
    op.drop_column("receipt", "after")
