"""signing: certificates, sessions and proofs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


revision, down_revision = "0006_signing", "0005_transmission"


def upgrade() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("not_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("enrolled_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True)),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_certificate"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_certificate_user_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_certificate_collectivity_id"
        ),
        sa.UniqueConstraint("user_id", "fingerprint", name="uq_certificate_user_id_fingerprint"),
    )
    op.create_table(
        "signature_proof",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("step_run_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("capacity", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("timestamped_at", sa.DateTime(timezone=True)),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signature_proof"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_signature_proof_folder_id"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["document_version.id"], name="fk_signature_proof_version_id"
        ),
        sa.ForeignKeyConstraint(["step_run_id"], ["step_run.id"], name="fk_signature_proof_step_run_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_signature_proof_collectivity_id"
        ),
        sa.UniqueConstraint("session_id", name="uq_signature_proof_session_id"),
        sa.UniqueConstraint("step_run_id", name="uq_signature_proof_step_run_id"),
    )
    op.create_index("ix_signature_proof_folder_id", "signature_proof", ["folder_id"])
    op.create_table(
        "signature_session",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("folder_version", sa.Integer(), nullable=False),
        sa.Column("step_run_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer()),
        sa.Column("login_session_id", sa.Integer()),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("capacity", sa.String(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("chain", JSON, nullable=False),
        sa.Column("attributes", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("algorithm", sa.String(), nullable=False),
        sa.Column("range_start", sa.Integer(), nullable=False),
        sa.Column("range_end", sa.Integer(), nullable=False),
        sa.Column("prepared_sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signature_session"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_signature_session_folder_id"),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name="fk_signature_session_document_id"),
        sa.ForeignKeyConstraint(
            ["version_id"], ["document_version.id"], name="fk_signature_session_version_id"
        ),
        sa.ForeignKeyConstraint(["step_run_id"], ["step_run.id"], name="fk_signature_session_step_run_id"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_signature_session_user_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_signature_session_collectivity_id"
        ),
    )
    op.create_index("ix_signature_session_folder_id", "signature_session", ["folder_id"])


def downgrade() -> None:
    op.drop_table("signature_session")
    op.drop_table("signature_proof")
    op.drop_table("certificate")
