"""second factors: passkeys, applications of codes, recovery codes, the questions put to them, and who takes lost ones off."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
PERSON = "user_account.id"

revision, down_revision = "0043_factors", "0042_treasury_returns"


def upgrade() -> None:
    _sessions()
    _factors()
    _questions()


def _sessions() -> None:
    for column in (
        sa.Column("opened_by", sa.String(), nullable=False, server_default="password"),
        sa.Column("proven_by", sa.String(), nullable=True),
        sa.Column("proven_for", JSON, nullable=True),
    ):
        op.add_column("login_session", column)


def _factors() -> None:
    op.create_table(
        "factor",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey(PERSON), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("credential_id", sa.String(), nullable=True, unique=True),
        sa.Column("public_key", sa.String(), nullable=True),
        sa.Column("sign_count", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("transports", JSON, nullable=False),
        sa.Column("synced", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("trusted_from", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.Column("removed_by", sa.String(), nullable=True),
    )
    op.create_index("ix_factor_user_id", "factor", ["user_id"])
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey(PERSON), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False, unique=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
    )
    op.create_index("ix_recovery_code_user_id", "recovery_code", ["user_id"])


def _questions() -> None:
    op.create_table(
        "identity_challenge",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("token_hash", sa.String(), nullable=False, unique=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey(PERSON), nullable=True),
        sa.Column("session_id", sa.Integer(), sa.ForeignKey("login_session.id"), nullable=True),
        sa.Column("documents", JSON, nullable=True),
        sa.Column("secret", sa.String(), nullable=True),
        sa.Column("password_seen", sa.String(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("wrong", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
    )
    op.create_index("ix_identity_challenge_expires_at", "identity_challenge", ["expires_at"])
    op.create_table(
        "factor_reset",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("user_id", sa.Integer(), sa.ForeignKey(PERSON), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), sa.ForeignKey(PERSON), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    for table in ("factor_reset", "identity_challenge", "recovery_code", "factor"):
        op.drop_table(table)
    for column in ("proven_for", "proven_by", "opened_by"):
        op.drop_column("login_session", column)
