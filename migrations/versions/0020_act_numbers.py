"""folders: the collectivity's own registers, where a number is reserved once."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0020_act_numbers", "0019_pes"


def upgrade() -> None:
    op.create_table(
        "act_number",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("register", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("previous_id", sa.Integer(), nullable=True),
        sa.Column("sent_round", sa.Integer(), nullable=True),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reserved_by", sa.String(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_act_number"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_act_number_folder_id"),
        sa.ForeignKeyConstraint(["previous_id"], ["act_number.id"], name="fk_act_number_previous_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_act_number_collectivity_id"
        ),
        sa.UniqueConstraint("collectivity_id", "number", name="uq_act_number_collectivity_id_number"),
        sa.UniqueConstraint(
            "collectivity_id",
            "register",
            "year",
            "rank",
            name="uq_act_number_collectivity_id_register_year_rank",
        ),
    )
    op.create_index("ix_act_number_folder_id", "act_number", ["folder_id"])


def downgrade() -> None:
    op.drop_index("ix_act_number_folder_id", table_name="act_number")
    op.drop_table("act_number")
