"""prepared copies: how large each is and from where it was asked, so that caps can be held and copies let go.

A session of before has no size: its copy lies among the documents, where the daily sweep finds it once it is unnamed.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0029_prepared_copies", "0028_identity"
TABLE, INDEX = "signature_session", "ix_signature_session_copies"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("prepared_size", sa.BigInteger()))
    op.add_column(TABLE, sa.Column("address", sa.String(), nullable=False, server_default=""))
    named = sa.text("prepared_sha256 <> ''")
    op.create_index(INDEX, TABLE, ["expires_at"], sqlite_where=named, postgresql_where=named)


def downgrade() -> None:
    op.drop_index(INDEX, TABLE)
    with op.batch_alter_table(TABLE) as table:
        table.drop_column("address")
        table.drop_column("prepared_size")
