"""Whether the words of a document were guessed from its pictures."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0099_recognised", "0098_application_calls"


def upgrade() -> None:
    op.add_column(
        "document_words", sa.Column("recognised", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("document_words", "recognised")
