"""journal: the hash-chained trail."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002_journal", "0001_people"


def upgrade() -> None:
    op.create_table(
        "chain_head",
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("collectivity_id", name="pk_chain_head"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_chain_head_collectivity_id"
        ),
    )
    op.create_table(
        "journal_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer()),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("previous", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_entry"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_journal_entry_collectivity_id"
        ),
        sa.UniqueConstraint("collectivity_id", "seq", name="uq_journal_entry_collectivity_id_seq"),
    )
    op.create_index("ix_journal_entry_folder_id_id", "journal_entry", ["folder_id", "id"])


def downgrade() -> None:
    op.drop_table("journal_entry")
    op.drop_table("chain_head")
