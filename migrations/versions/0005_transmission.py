"""transmission: what leaves and what comes back."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005_transmission", "0004_folders"


def upgrade() -> None:
    op.create_table(
        "transmission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reference", sa.String()),
        sa.Column("package_sha256", sa.String()),
        sa.Column("package_name", sa.String()),
        sa.Column("identifier", sa.String()),
        sa.Column("received_on", sa.Date()),
        sa.Column("reason", sa.String()),
        sa.Column("prepared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transmission"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_transmission_folder_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_transmission_collectivity_id"
        ),
        sa.UniqueConstraint("folder_id", "round", "step", name="uq_transmission_folder_id_round_step"),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("transmission_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("identifier", sa.String()),
        sa.Column("received_on", sa.Date()),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
        sa.ForeignKeyConstraint(["transmission_id"], ["transmission.id"], name="fk_receipt_transmission_id"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"], name="fk_receipt_collectivity_id"),
        sa.UniqueConstraint("transmission_id", "sha256", name="uq_receipt_transmission_id_sha256"),
    )


def downgrade() -> None:
    op.drop_table("receipt")
    op.drop_table("transmission")
