"""A token of software has a last day, and a session says when its password was last given; what was there before has neither."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0051_token_ends", "0050_sealed_and_salted"


def upgrade() -> None:
    op.add_column("application", sa.Column("ends_on", sa.Date()))
    op.add_column("login_session", sa.Column("password_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("login_session", "password_at")
    op.drop_column("application", "ends_on")
