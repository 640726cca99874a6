"""A signature that is prepared keeps in whose absence: it is made in no other way, whatever cover begins or ends meanwhile."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0143_prepared_absent", "0142_shown_absent"


def upgrade() -> None:
    op.add_column("signature_session", sa.Column("absent", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("signature_session", "absent")
