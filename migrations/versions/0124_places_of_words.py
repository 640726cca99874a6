"""Where the words of a document stand, of those whose page proposes values."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0124_places_of_words", "0123_mails_missed"


def upgrade() -> None:
    op.add_column(
        "document_words",
        sa.Column("places", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=True),
    )


def downgrade() -> None:
    op.drop_column("document_words", "places")
