"""folders: circuits, folders, documents and steps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


revision, down_revision = "0004_folders", "0003_outbox"


def upgrade() -> None:
    op.create_table(
        "circuit_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_circuit_version"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_circuit_version_collectivity_id"
        ),
        sa.UniqueConstraint(
            "collectivity_id", "family", "number", name="uq_circuit_version_collectivity_id_family_number"
        ),
    )
    op.create_table(
        "folder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("title_key", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("circuit_version_id", sa.Integer()),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("emitter_desk_id", sa.Integer(), nullable=False),
        sa.Column("depositor_user_id", sa.Integer()),
        sa.Column("depositor_name", sa.String(), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("sources", JSON, nullable=False),
        sa.Column("amount_cents", sa.BigInteger()),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True)),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_folder"),
        sa.ForeignKeyConstraint(
            ["circuit_version_id"], ["circuit_version.id"], name="fk_folder_circuit_version_id"
        ),
        sa.ForeignKeyConstraint(["emitter_desk_id"], ["desk.id"], name="fk_folder_emitter_desk_id"),
        sa.ForeignKeyConstraint(
            ["depositor_user_id"], ["user_account.id"], name="fk_folder_depositor_user_id"
        ),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"], name="fk_folder_collectivity_id"),
        sa.CheckConstraint("phase IN ('draft','running','rejected','done')", name="ck_folder_phase_known"),
    )
    op.create_index("ix_folder_collectivity_id_number", "folder", ["collectivity_id", "number"])
    op.create_index("ix_folder_emitter_desk_id_id", "folder", ["emitter_desk_id", "id"])
    op.create_index(
        "ix_folder_open_emitter",
        "folder",
        ["emitter_desk_id", "phase", "id"],
        sqlite_where=sa.text("phase <> 'done'"),
        postgresql_where=sa.text("phase <> 'done'"),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type_code", sa.String()),
        sa.Column("removed_at", sa.DateTime(timezone=True)),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_document_folder_id"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"], name="fk_document_collectivity_id"),
    )
    op.create_index("ix_document_folder_id", "document", ["folder_id", "position"])
    op.create_table(
        "publication",
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("enforceable_on", sa.Date()),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("folder_id", name="pk_publication"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_publication_folder_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_publication_collectivity_id"
        ),
    )
    op.create_table(
        "reading",
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("folder_id", "user_id", name="pk_reading"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_reading_folder_id"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_reading_user_id"),
    )
    op.create_table(
        "step_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("desk_id", sa.Integer()),
        sa.Column("named_user_id", sa.Integer()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("user_id", sa.Integer()),
        sa.Column("who", sa.String()),
        sa.Column("capacity", sa.String()),
        sa.Column("comment", sa.String()),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_step_run"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_step_run_folder_id"),
        sa.ForeignKeyConstraint(["desk_id"], ["desk.id"], name="fk_step_run_desk_id"),
        sa.ForeignKeyConstraint(["named_user_id"], ["user_account.id"], name="fk_step_run_named_user_id"),
        sa.ForeignKeyConstraint(["collectivity_id"], ["collectivity.id"], name="fk_step_run_collectivity_id"),
        sa.CheckConstraint(
            "state IN ('active','done','passed','rejected','cancelled')", name="ck_step_run_state_known"
        ),
    )
    op.create_index(
        "ix_step_run_done",
        "step_run",
        ["desk_id", "ended_at", "id"],
        sqlite_where=sa.text("state = 'done'"),
        postgresql_where=sa.text("state = 'done'"),
    )
    op.create_index("ix_step_run_folder_id", "step_run", ["folder_id", "id"])
    op.create_index(
        "ix_step_run_named",
        "step_run",
        ["named_user_id", "due_on", "entered_at", "id"],
        sqlite_where=sa.text("state = 'active' AND named_user_id IS NOT NULL"),
        postgresql_where=sa.text("state = 'active' AND named_user_id IS NOT NULL"),
    )
    op.create_index(
        "ix_step_run_todo",
        "step_run",
        ["desk_id", "due_on", "entered_at", "id"],
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.create_index(
        "uq_step_run_person",
        "step_run",
        ["folder_id", "pass_number", "user_id"],
        unique=True,
        sqlite_where=sa.text("state = 'done' AND user_id IS NOT NULL"),
        postgresql_where=sa.text("state = 'done' AND user_id IS NOT NULL"),
    )
    op.create_table(
        "document_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("pages", sa.Integer()),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("note", JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_document_version"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="fk_document_version_document_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_document_version_collectivity_id"
        ),
        sa.UniqueConstraint("document_id", "number", name="uq_document_version_document_id_number"),
    )


def downgrade() -> None:
    op.drop_table("document_version")
    op.drop_table("step_run")
    op.drop_table("reading")
    op.drop_table("publication")
    op.drop_table("document")
    op.drop_table("folder")
    op.drop_table("circuit_version")
