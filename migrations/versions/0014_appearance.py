"""appearance: where the depositor wants each signature, signatures made on paper, images of signature."""

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
    op.create_table(
        "paper_signature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("step_run_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("capacity", sa.String(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("kept_at", sa.String(), nullable=False),
        sa.Column("stated_by", sa.String(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_paper_signature"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_paper_signature_folder_id"),
        sa.ForeignKeyConstraint(["step_run_id"], ["step_run.id"], name="fk_paper_signature_step_run_id"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["document_version.id"], name="fk_paper_signature_version_id"
        ),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_paper_signature_collectivity_id"
        ),
        sa.UniqueConstraint("step_run_id", name="uq_paper_signature_step_run_id"),
    )
    op.create_index("ix_paper_signature_folder_id", "paper_signature", ["folder_id"])
    op.create_table(
        "handwritten_image",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_handwritten_image"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_handwritten_image_user_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_handwritten_image_collectivity_id"
        ),
    )


def downgrade() -> None:
    op.drop_table("handwritten_image")
    op.drop_table("paper_signature")
    op.drop_table("signature_place")
