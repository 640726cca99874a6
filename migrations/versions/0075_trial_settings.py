"""A trial says under which settings of the installation it was made."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0075_trial_settings", "0074_circuit_copied"


def upgrade() -> None:
    op.add_column("doctor_trial", sa.Column("settings_mark", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("doctor_trial", "settings_mark")
