"""« À publier », sendings and feeds are read by index; what was published before there was a public page is marked."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0059_waiting_pages", "0058_reach_and_words"

INDEXES = (
    "ix_step_run_publish ON step_run (desk_id, folder_id) WHERE kind = 'publish'",
    "ix_publication_absent ON publication (collectivity_id, folder_id) WHERE absent",
    "ix_transmission_identifier ON transmission (collectivity_id, identifier) WHERE identifier IS NOT NULL",
    "ix_public_act_collectivity_id_changed_at ON public_act (collectivity_id, changed_at, id)",
)


def upgrade() -> None:
    op.add_column("publication", sa.Column("absent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE publication SET absent = (1 = 1) WHERE means IN ('online', 'urgent')"
        " AND NOT EXISTS (SELECT 1 FROM public_act a WHERE a.folder_id = publication.folder_id)"
        " AND EXISTS (SELECT 1 FROM step_run s WHERE s.folder_id = publication.folder_id AND s.kind = 'publish'"
        " AND s.state = 'done')"
    )
    for one in INDEXES:
        op.execute(f"CREATE INDEX {one}")
    op.drop_index("ix_transmission_collectivity_id_identifier", "transmission")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ANALYZE publication"
        )  # that hardly any is absent, which the new column does not say by itself


def downgrade() -> None:
    op.create_index(
        "ix_transmission_collectivity_id_identifier", "transmission", ["collectivity_id", "identifier"]
    )
    for one in INDEXES:
        op.execute(f"DROP INDEX {one.partition(' ')[0]}")
    op.drop_column("publication", "absent")
