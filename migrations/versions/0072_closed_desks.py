"""A desk may be closed: since when, by whom, and why where something still named it."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0072_closed_desks", "0071_circuit_change"


def upgrade() -> None:
    op.add_column("desk", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("desk", sa.Column("closed_by", sa.String(), nullable=True))
    op.add_column("desk", sa.Column("closed_reason", sa.String(), nullable=True))


def downgrade() -> None:
    for name in ("closed_reason", "closed_by", "closed_at"):
        op.drop_column("desk", name)
