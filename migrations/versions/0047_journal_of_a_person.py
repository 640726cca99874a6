"""what was done in one person's name is read without the whole journal."""

from alembic import op

revision, down_revision = "0047_journal_of_a_person", "0046_hold"


def upgrade() -> None:
    op.create_index("ix_journal_entry_user_id_id", "journal_entry", ["user_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_journal_entry_user_id_id", table_name="journal_entry")
