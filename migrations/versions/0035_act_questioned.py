"""act questioned: acts online whose transmission was cancelled are to be withdrawn or kept; referrals stand with their act."""

from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0035_act_questioned", "0034_flow_answers"
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
SET = sa.text("questioned_on IS NOT NULL")


def upgrade() -> None:
    op.add_column("public_act", sa.Column("questioned_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_public_act_questioned", "public_act", ["collectivity_id"], sqlite_where=SET, postgresql_where=SET
    )
    _cancelled()
    _referred()


def _folder() -> Any:
    return sa.table("folder", sa.column("id"), sa.column("fields", JSON))


def _cancelled() -> None:
    """What is online of acts cancelled before: nobody was asked anything."""
    connection = op.get_bind()
    act = sa.table(
        "public_act",
        sa.column("folder_id"),
        sa.column("withdrawn_at"),
        sa.column("questioned_on", sa.Date()),
    )
    cancelled = sa.table("act_cancellation", sa.column("folder_id"), sa.column("cancelled_on", sa.Date()))
    for row in connection.execute(sa.select(cancelled)).all():
        online = (act.c.folder_id == row.folder_id) & act.c.withdrawn_at.is_(None)
        connection.execute(sa.update(act).where(online).values(questioned_on=row.cancelled_on))


def _referred() -> None:
    """The first referral received about each act, kept beside its facts as those to come will be."""
    connection = op.get_bind()
    folder = _folder()
    letter = sa.table(
        "state_letter",
        *(sa.column(name) for name in ("id", "folder_id", "code")),
        sa.column("received_on", sa.Date()),
    )
    first: dict[int, date] = {}
    query = sa.select(letter).where(letter.c.code == "5-1", letter.c.folder_id.is_not(None))
    for row in connection.execute(query.order_by(letter.c.id)).all():
        first.setdefault(row.folder_id, row.received_on)
    for folder_id, day in first.items():
        fields = connection.execute(sa.select(folder.c.fields).where(folder.c.id == folder_id)).scalar_one()
        kept = {**fields, "referred_on": day.isoformat()}
        connection.execute(sa.update(folder).where(folder.c.id == folder_id).values(fields=kept))


def downgrade() -> None:
    op.drop_index("ix_public_act_questioned", "public_act")
    op.drop_column("public_act", "questioned_on")
