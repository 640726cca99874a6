"""tray_indexes: each tray is one ordered scan of an index for each desk, and a counter reads nothing but the index."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0009_tray_indexes", "0008_deposit_digest"
DONE = sa.text("state = 'done'")
OPEN = sa.text("phase <> 'done'")


def upgrade() -> None:
    op.drop_index("ix_folder_open_emitter", "folder")
    op.drop_index("ix_folder_emitter_desk_id_id", "folder")
    op.create_index("ix_folder_emitter_desk_id_phase_id", "folder", ["emitter_desk_id", "phase", "id"])
    op.drop_index("ix_step_run_done", "step_run")
    op.create_index(
        "ix_step_run_decided",
        "step_run",
        ["desk_id", "folder_id"],
        sqlite_where=DONE,
        postgresql_where=DONE,
    )


def downgrade() -> None:
    op.drop_index("ix_step_run_decided", "step_run")
    op.create_index(
        "ix_step_run_done",
        "step_run",
        ["desk_id", "ended_at", "id"],
        sqlite_where=DONE,
        postgresql_where=DONE,
    )
    op.drop_index("ix_folder_emitter_desk_id_phase_id", "folder")
    op.create_index("ix_folder_emitter_desk_id_id", "folder", ["emitter_desk_id", "id"])
    op.create_index(
        "ix_folder_open_emitter",
        "folder",
        ["emitter_desk_id", "phase", "id"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
