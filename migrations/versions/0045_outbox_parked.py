"""what stopped after its last try is counted without reading all that was ever sent."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0045_outbox_parked", "0044_journal_apart"


def upgrade() -> None:
    parked = sa.text("state = 'parked'")
    op.create_index(
        "ix_outbox_parked",
        "outbox",
        ["collectivity_id", "kind"],
        sqlite_where=parked,
        postgresql_where=parked,
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_parked", table_name="outbox")
