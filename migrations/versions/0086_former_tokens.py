"""The token that an application had before its present one, and until when it serves on."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0086_former_tokens", "0085_asked_opinions"


def upgrade() -> None:
    op.add_column("application", sa.Column("former_hash", sa.String(), nullable=True))
    op.add_column("application", sa.Column("former_until", sa.DateTime(timezone=True), nullable=True))
    op.create_index("uq_application_former_hash", "application", ["former_hash"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_application_former_hash", "application")
    op.drop_column("application", "former_until")
    op.drop_column("application", "former_hash")
