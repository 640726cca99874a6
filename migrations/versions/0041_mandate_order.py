"""mandate order: elected or officer, the folder of the order that delegates, and since when the accountant knows."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0041_mandate_order", "0040_annex_types"


def upgrade() -> None:
    with op.batch_alter_table("mandate") as table:
        table.add_column(sa.Column("elected", sa.Boolean(), nullable=True))
        table.add_column(sa.Column("order_folder_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("accredited_on", sa.Date(), nullable=True))
        table.create_foreign_key("fk_mandate_order_folder_id_folder", "folder", ["order_folder_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("mandate") as table:
        table.drop_constraint("fk_mandate_order_folder_id_folder", type_="foreignkey")
        for name in ("accredited_on", "order_folder_id", "elected"):
            table.drop_column(name)
