"""application use: when a software was given its token, last came, and was shut out by whom."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0036_application_use", "0035_act_questioned"
MOMENTS = ("rotated_at", "used_at", "closed_at")


def upgrade() -> None:
    for name in MOMENTS:
        op.add_column("application", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("application", sa.Column("closed_by", sa.String(), nullable=True))


def downgrade() -> None:
    for name in ("closed_by", *reversed(MOMENTS)):
        op.drop_column("application", name)
