"""A new installation is opened in the browser by a link that serves once."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0057_setup_link", "0056_emergency_account"


def upgrade() -> None:
    op.create_table(
        "setup_link",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("token_hash", name=op.f("uq_setup_link_token_hash")),
    )


def downgrade() -> None:
    op.drop_table("setup_link")
