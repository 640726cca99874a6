"""Letters that an address refused for good, and of whom; how far the mailbox of those that came back was read."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0096_bounces", "0095_journal_check"


def upgrade() -> None:
    op.create_table(
        "bounce",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("returned", sa.Boolean(), nullable=False),
        sa.Column("permanent", sa.Boolean(), nullable=False),
        sa.Column("reply", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_bounce_user_id", "bounce", ["user_id", "id"])
    op.add_column(
        "user_account", sa.Column("mail_refusals", sa.Integer(), server_default="0", nullable=False)
    )

    op.create_table(
        "return_box",
        sa.Column("box", sa.String(), nullable=False),
        sa.Column("validity", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("box"),
    )


def downgrade() -> None:
    op.drop_table("return_box")
    op.drop_column("user_account", "mail_refusals")
    op.drop_table("bounce")
