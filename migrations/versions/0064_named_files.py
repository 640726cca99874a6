"""Which files of the store rows name, and what was done last of each kind, are read by index.

On PostgreSQL nothing is locked while it is made, and an index that a stop left half made is made anew.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0064_named_files", "0063_public_words"

INDEXES = {
    "ix_document_version_sha256": "document_version (sha256)",
    "ix_transmission_package_sha256": "transmission (package_sha256)",
    "ix_receipt_sha256": "receipt (sha256)",
    "ix_state_letter_sha256": "state_letter (sha256)",
    "ix_treasury_return_sha256": "treasury_return (sha256)",
    "ix_outbox_done": "outbox (collectivity_id, kind, done_at) WHERE state = 'done' AND last_error IS NULL",
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, what in INDEXES.items():
            op.execute(f"CREATE INDEX {name} ON {what}")
        return
    with op.get_context().autocommit_block():
        half_made = (
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid"
        )
        for name in op.get_bind().scalars(sa.text(half_made)).all():
            if name in INDEXES:
                op.execute(f"DROP INDEX CONCURRENTLY {name}")
        for name, what in INDEXES.items():
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {what}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
