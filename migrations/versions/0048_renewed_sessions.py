"""A session has a new token after each proof of who is there; the former one reads on for a moment."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0048_renewed_sessions", "0047_journal_of_a_person"


def upgrade() -> None:
    op.add_column("login_session", sa.Column("former_hash", sa.String()))
    op.add_column("login_session", sa.Column("renewed_at", sa.DateTime(timezone=True)))
    op.create_index("ix_login_session_former_hash", "login_session", ["former_hash"])


def downgrade() -> None:
    op.drop_index("ix_login_session_former_hash", table_name="login_session")
    op.drop_column("login_session", "renewed_at")
    op.drop_column("login_session", "former_hash")
