"""The sendings of signed orders to their suppliers, and what the mail server answered."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0118_order_mail", "0117_orders"


def upgrade() -> None:
    op.create_table(
        "order_mail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('waiting','giving','sent','refused','unsure')", name="state_known"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("ix_order_mail_folder_id", "order_mail", ["folder_id", "id"])


def downgrade() -> None:
    op.drop_table("order_mail")
