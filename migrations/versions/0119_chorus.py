"""What is known of Chorus Pro: how far it was read, its invoices with their files, and what is said of them there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0119_chorus", "0118_order_mail"
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    _account_and_rounds()
    op.create_table(
        "chorus_invoice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("cpro_id", sa.BigInteger(), nullable=False),
        sa.Column("structure", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in (
                "kind",
                "number",
                "seller",
                "service",
                "service_name",
                "total",
                "frame",
                "buyer_siret",
            )
        ),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("since", sa.String(), nullable=False),
        sa.Column("history", JSON, nullable=False),
        sa.Column("available_on", sa.Date(), nullable=True),
        sa.Column("completions", JSON, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("arrival_id", sa.Integer(), nullable=True),
        sa.Column("folder_id", sa.Integer(), nullable=True),
        sa.Column("folder_version", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('seen','fetched','past','shut')", name="state_known"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["arrival_id"], ["arrival.id"]),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collectivity_id", "cpro_id"),
    )
    op.create_index("ix_chorus_invoice_state", "chorus_invoice", ["collectivity_id", "state", "id"])
    op.create_index("ix_chorus_invoice_folder_id", "chorus_invoice", ["folder_id"])
    op.create_index("ix_chorus_invoice_arrival_id", "chorus_invoice", ["arrival_id"])
    op.create_table(
        "chorus_piece",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("later", sa.Boolean(), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["invoice_id"], ["chorus_invoice.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("invoice_id", "sha256"),
    )
    op.create_index("ix_chorus_piece_sha256", "chorus_piece", ["sha256"])
    op.create_table(
        "chorus_status",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        *(
            sa.Column(name, sa.String(), nullable=False)
            for name in ("status", "cause", "motive", "mandate", "who")
        ),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting','sent','refused','dropped')", name="state_known"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.ForeignKeyConstraint(["invoice_id"], ["chorus_invoice.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("invoice_id", "cause"),
    )
    op.create_index("ix_chorus_status_state", "chorus_status", ["collectivity_id", "state", "id"])


def _account_and_rounds() -> None:
    op.create_table(
        "chorus_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("structures", JSON, nullable=False),
        sa.Column("structures_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("password_ends", sa.Date(), nullable=True),
        sa.Column("calls_on", sa.Date(), nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("collectivity_id"),
    )
    op.create_table(
        "chorus_round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("fresh", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_chorus_round_began_at", "chorus_round", ["collectivity_id", "began_at"])


def downgrade() -> None:
    for table in ("chorus_status", "chorus_piece", "chorus_invoice", "chorus_round", "chorus_account"):
        op.drop_table(table)
