"""What a mail server says of an order that came back after it was taken."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0127_order_mail_returned", "0126_scanners_split"


def upgrade() -> None:
    op.add_column("order_mail", sa.Column("returned", sa.String(), server_default="", nullable=False))
    op.add_column("order_mail", sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("order_mail", "returned_at")
    op.drop_column("order_mail", "returned")
