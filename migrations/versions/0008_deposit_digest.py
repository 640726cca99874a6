"""deposit_key: the digest of what was sent, the day, and the collectivity."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0008_deposit_digest", "0007_deposit_key"


def upgrade() -> None:
    """Keys already kept stay good for their folder; their digest is empty, and is not compared."""
    with op.batch_alter_table("deposit_key") as table:
        table.add_column(sa.Column("digest", sa.String(), nullable=True))
        table.add_column(sa.Column("created_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("collectivity_id", sa.Integer(), nullable=True))
    op.execute(
        "UPDATE deposit_key SET digest = '', "
        "created_at = (SELECT created_at FROM folder WHERE folder.id = deposit_key.folder_id), "
        "collectivity_id = (SELECT collectivity_id FROM folder WHERE folder.id = deposit_key.folder_id)"
    )
    with op.batch_alter_table("deposit_key") as table:
        table.alter_column("digest", existing_type=sa.String(), nullable=False)
        table.alter_column("created_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        table.alter_column("collectivity_id", existing_type=sa.Integer(), nullable=False)
        table.create_foreign_key(
            "fk_deposit_key_collectivity_id", "collectivity", ["collectivity_id"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("deposit_key") as table:
        table.drop_constraint("fk_deposit_key_collectivity_id", type_="foreignkey")
        table.drop_column("collectivity_id")
        table.drop_column("created_at")
        table.drop_column("digest")
