"""deposit_key: a deposit by API is made once."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0007_deposit_key", "0006_signing"


def upgrade() -> None:
    op.create_table(
        "deposit_key",
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("application_id", "key", name="pk_deposit_key"),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name="fk_deposit_key_application_id"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_deposit_key_folder_id"),
    )


def downgrade() -> None:
    op.drop_table("deposit_key")
