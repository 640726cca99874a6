"""identity: when a login session last proved who is there, and how many wrong answers it was given since."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0028_identity", "0027_certificate_owner"


def upgrade() -> None:
    op.add_column("login_session", sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("login_session", sa.Column("wrong", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("login_session", "wrong")
    op.drop_column("login_session", "proven_at")
