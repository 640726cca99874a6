"""signing: certificates kept by a trust service, and what persons are asked to authorise there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0017_remote_keys", "0016_batches"


def upgrade() -> None:
    op.create_table(
        "remote_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("certificate_id", sa.Integer(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("credential", sa.String(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_remote_key"),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name="fk_remote_key_certificate_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_remote_key_collectivity_id"
        ),
        sa.UniqueConstraint("certificate_id", name="uq_remote_key_certificate_id"),
        sa.UniqueConstraint(
            "collectivity_id",
            "service",
            "credential",
            name="uq_remote_key_collectivity_id_service_credential",
        ),
    )
    op.create_table(
        "remote_request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("login_session_id", sa.Integer(), nullable=True),
        sa.Column("credential", sa.String(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.String(), nullable=True),
        sa.Column("statement", sa.String(), nullable=True),
        sa.Column("box", JSON, nullable=True),
        sa.Column("challenges", JSON, nullable=False),
        sa.Column("signatures", JSON, nullable=False),
        sa.Column("state", sa.String(), nullable=True),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_remote_request"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_remote_request_user_id"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_remote_request_folder_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_remote_request_collectivity_id"
        ),
        sa.UniqueConstraint("state", name="uq_remote_request_state"),
    )
    op.create_index("ix_remote_request_folder_id", "remote_request", ["folder_id"])


def downgrade() -> None:
    op.drop_index("ix_remote_request_folder_id", table_name="remote_request")
    op.drop_table("remote_request")
    op.drop_table("remote_key")
