"""signature formats: a session holds as many signatures as the document takes, a proof says in which format it is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0013_signature_formats", "0012_verdicts"
GONE = (
    ("attributes", sa.LargeBinary()),
    ("digest", sa.LargeBinary()),
    ("algorithm", sa.String()),
    ("range_start", sa.Integer()),
    ("range_end", sa.Integer()),
)


def upgrade() -> None:
    # What was prepared before the upgrade cannot be completed after it: its signer is told to begin again
    op.execute("UPDATE signature_session SET state = 'failed' WHERE state IN ('prepared', 'claimed')")
    with op.batch_alter_table("signature_session") as table:
        table.add_column(sa.Column("prepared", JSON, nullable=False, server_default="[]"))
        for name, _ in GONE:
            table.drop_column(name)
    with op.batch_alter_table("signature_session") as table:
        table.alter_column("prepared", server_default=None)
    with op.batch_alter_table("signature_proof") as table:
        table.add_column(sa.Column("format", sa.String(), nullable=False, server_default="PAdES"))
        table.add_column(sa.Column("count", sa.Integer(), nullable=False, server_default="1"))
    with op.batch_alter_table("signature_proof") as table:
        table.alter_column("format", server_default=None)
        table.alter_column("count", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("signature_proof") as table:
        table.drop_column("count")
        table.drop_column("format")
    op.execute("DELETE FROM signature_session WHERE state <> 'done'")
    with op.batch_alter_table("signature_session") as table:
        table.drop_column("prepared")
        for name, kind in GONE:
            blank = "0" if isinstance(kind, sa.Integer) else ""
            table.add_column(sa.Column(name, kind, nullable=False, server_default=blank))
