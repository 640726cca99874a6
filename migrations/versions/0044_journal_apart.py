"""the journal of the collectivity: the lines that belong to no folder are found without reading those of all folders."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0044_journal_apart", "0043_factors"


def upgrade() -> None:
    apart = sa.text("folder_id IS NULL")
    op.create_index(
        "ix_journal_entry_apart",
        "journal_entry",
        ["collectivity_id", "seq"],
        sqlite_where=apart,
        postgresql_where=apart,
    )


def downgrade() -> None:
    op.drop_index("ix_journal_entry_apart", table_name="journal_entry")
