"""returned clients: what a file of the Treasury says is left to recover of a client, as of which day, for which budget."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0049_returned_clients", "0048_renewed_sessions"


def upgrade() -> None:
    op.add_column("treasury_return", sa.Column("clients_on", sa.Date(), nullable=True))
    op.add_column("treasury_return", sa.Column("clients_of", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "returned_client",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("return_id", sa.Integer(), sa.ForeignKey("treasury_return.id"), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("cents", sa.BigInteger(), nullable=False),
        sa.Column("costs", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_returned_client_return_id", "returned_client", ["return_id", "client"])


def downgrade() -> None:
    op.drop_table("returned_client")
    op.drop_column("treasury_return", "clients_of")
    op.drop_column("treasury_return", "clients_on")
