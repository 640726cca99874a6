"""certificate ended: the end that an administrator put to a certificate, which its owner's own withdrawal does not undo."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0031_certificate_ended", "0030_proof_holder"
ENDS = ("certificate.withdrawn", "certificate.declined")


def upgrade() -> None:
    op.add_column("certificate", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("certificate", sa.Column("ended_by", sa.String(), nullable=True))
    op.add_column("certificate", sa.Column("ended_reason", sa.String(), server_default="", nullable=False))
    _from_the_journal()


def _from_the_journal() -> None:
    """What administrators ended before: the journal knows by whom, by account and not by name; a later word lifts it."""
    connection = op.get_bind()
    journal = sa.table(
        "journal_entry", *(sa.column(name) for name in ("id", "at", "who", "user_id", "event", "facts"))
    )
    kept = sa.table(
        "certificate",
        sa.column("user_id"),
        sa.column("fingerprint"),
        sa.column("to_confirm"),
        sa.column("withdrawn_at"),
        sa.column("ended_at", sa.DateTime(timezone=True)),
        sa.column("ended_by"),
        sa.column("ended_reason"),
    )
    wanted = journal.c.event.in_([*ENDS, "certificate.confirmed"])
    for row in connection.execute(sa.select(journal).where(wanted).order_by(journal.c.id)).all():
        facts = json.loads(row.facts)
        of_it = (kept.c.user_id == facts.get("user")) & (kept.c.fingerprint == facts.get("fingerprint"))
        if row.event not in ENDS:
            values = {"ended_at": None, "ended_by": None, "ended_reason": ""}
        elif row.user_id == facts.get("user"):
            continue
        else:
            moment = datetime.fromisoformat(row.at)
            values = {"ended_at": moment, "ended_by": row.who, "ended_reason": facts.get("why", "")}
        connection.execute(sa.update(kept).where(of_it).values(**values))
    alive = kept.c.withdrawn_at.is_(None) & kept.c.ended_at.is_not(None)
    connection.execute(sa.update(kept).where(alive).values(to_confirm=True))


def downgrade() -> None:
    for name in ("ended_reason", "ended_by", "ended_at"):
        op.drop_column("certificate", name)
