"""a restored installation sends nothing until a person says that it may."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0046_hold", "0045_outbox_parked"


def upgrade() -> None:
    op.create_table(
        "hold",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("copied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resumed_words", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )


def downgrade() -> None:
    op.drop_table("hold")
