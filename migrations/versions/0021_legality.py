"""legality: letters of the Préfecture, and acts whose transmission was cancelled."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0021_legality", "0020_act_numbers"


def upgrade() -> None:
    op.create_table(
        "state_letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("identifier", sa.String(), nullable=True),
        sa.Column("dated_on", sa.Date(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("words", sa.String(), nullable=True),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.Column("conforming", sa.Boolean(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledgement", sa.String(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_state_letter"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_state_letter_folder_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_state_letter_collectivity_id"
        ),
        sa.UniqueConstraint("collectivity_id", "reference", name="uq_state_letter_collectivity_id_reference"),
    )
    op.create_index("ix_state_letter_folder_id", "state_letter", ["folder_id"])
    op.create_table(
        "act_cancellation",
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("request_folder_id", sa.Integer(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("motive", sa.String(), nullable=False),
        sa.Column("cancelled_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("folder_id", name="pk_act_cancellation"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_act_cancellation_folder_id"),
        sa.ForeignKeyConstraint(
            ["request_folder_id"], ["folder.id"], name="fk_act_cancellation_request_folder_id"
        ),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_act_cancellation_collectivity_id"
        ),
    )


def downgrade() -> None:
    op.drop_table("act_cancellation")
    op.drop_index("ix_state_letter_folder_id", table_name="state_letter")
    op.drop_table("state_letter")
