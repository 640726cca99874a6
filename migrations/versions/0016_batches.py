"""batches: folders approved, rejected or signed together, what became of each, and the batch of a signature."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0016_batches", "0015_mandates"


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("session_id", sa.Integer()),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("holder", sa.String()),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_batch_user_id"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"], name="fk_batch_collectivity_id"),
        sa.CheckConstraint("kind IN ('approve','reject','sign')", name="ck_batch_kind_known"),
    )
    op.create_index(
        "ix_batch_unfinished",
        "batch",
        ["user_id"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "batch_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("folder_version", sa.Integer(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("amount_cents", sa.BigInteger()),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("signature_session", sa.String()),
        sa.Column("signatures", JSON),
        sa.Column("carrier", sa.String()),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batch_item"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_batch_item_batch_id"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_batch_item_folder_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_batch_item_collectivity_id"
        ),
        sa.UniqueConstraint("batch_id", "folder_id", name="uq_batch_item_batch_id_folder_id"),
        sa.CheckConstraint(
            "state IN ('waiting','prepared','signed','done','refused','left_out')",
            name="ck_batch_item_state_known",
        ),
    )
    op.create_index("ix_batch_item_batch_id_state", "batch_item", ["batch_id", "state", "position"])
    op.add_column("signature_session", sa.Column("batch_id", sa.Integer()))


def downgrade() -> None:
    op.drop_column("signature_session", "batch_id")
    op.drop_table("batch_item")
    op.drop_table("batch")
