"""What a person marks on a folder for himself: not read since it came, hidden until a moment; what was opened is read."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0106_marks", "0105_refused_since"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("reading", sa.Column("seen_at", MOMENT, nullable=True))
    op.add_column("reading", sa.Column("hidden_until", MOMENT, nullable=True))
    op.add_column("reading", sa.Column("hidden_version", sa.Integer(), nullable=True))
    reading = sa.table("reading", sa.column("seen_at", MOMENT))
    op.execute(sa.update(reading).values(seen_at=datetime.now(UTC)))
    hidden = sa.text("hidden_until IS NOT NULL")
    op.create_index(
        "ix_reading_hidden",
        "reading",
        ["user_id", "hidden_until"],
        sqlite_where=hidden,
        postgresql_where=hidden,
    )


def downgrade() -> None:
    op.drop_index("ix_reading_hidden", "reading")
    for name in ("hidden_version", "hidden_until", "seen_at"):
        op.drop_column("reading", name)
