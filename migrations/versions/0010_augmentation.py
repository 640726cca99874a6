"""signing: the versions that hold the proofs of their signatures."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0010_augmentation", "0009_tray_indexes"


def upgrade() -> None:
    op.create_table(
        "augmentation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("timestamped_at", sa.DateTime(timezone=True)),
        sa.Column("ends_at", sa.DateTime(timezone=True)),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_augmentation"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_augmentation_folder_id"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="fk_augmentation_document_id"),
        sa.ForeignKeyConstraint(["version_id"], ["document_version.id"], name="fk_augmentation_version_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_augmentation_collectivity_id"
        ),
        sa.UniqueConstraint("version_id", name="uq_augmentation_version_id"),
    )
    op.create_index("ix_augmentation_folder_id", "augmentation", ["folder_id"])
    op.create_index("ix_augmentation_ends_at", "augmentation", ["ends_at"])


def downgrade() -> None:
    op.drop_table("augmentation")
