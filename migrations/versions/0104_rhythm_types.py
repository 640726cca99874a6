"""How often somebody is told what waits of some types of folders, where that is not his general choice."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0104_rhythm_types", "0103_agenda"
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("user_account", sa.Column("rhythm_types", JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("user_account", "rhythm_types")
