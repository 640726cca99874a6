"""appearance: where the depositor wants each signature."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0014_appearance", "0013_signature_formats"


def upgrade() -> None:
    op.create_table(
        "signature_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("x1", sa.Double(), nullable=False),
        sa.Column("y1", sa.Double(), nullable=False),
        sa.Column("x2", sa.Double(), nullable=False),
        sa.Column("y2", sa.Double(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signature_place"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_signature_place_folder_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_signature_place_collectivity_id"
        ),
        sa.UniqueConstraint("folder_id", "step", "slot", name="uq_signature_place_folder_id_step_slot"),
    )


def downgrade() -> None:
    op.drop_table("signature_place")
