"""A circuit that a collectivity has named says which version of which circuit its steps were copied from."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0074_circuit_copied", "0073_rights_by_type"


def upgrade() -> None:
    op.add_column("named_circuit", sa.Column("copied_from", sa.String(), nullable=True))
    op.add_column("named_circuit", sa.Column("copied_number", sa.Integer(), nullable=True))


def downgrade() -> None:
    for name in ("copied_number", "copied_from"):
        op.drop_column("named_circuit", name)
