"""certificate owner: how a key was proven, one owner for each certificate, who ended it; doubles are kept and marked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0027_certificate_owner", "0026_refused_signatures"
OWNED = "withdrawn_at IS NULL AND NOT doubled"
FIRST = (
    "SELECT MIN(id) FROM certificate AS first"
    " WHERE first.fingerprint = certificate.fingerprint AND first.withdrawn_at IS NULL"
)
ADDED = (
    ("proof", sa.String(), False, "declared"),
    ("proven_at", sa.DateTime(timezone=True), True, None),
    ("assurance", sa.String(), True, None),
    ("to_confirm", sa.Boolean(), False, sa.false()),
    ("confirmed_at", sa.DateTime(timezone=True), True, None),
    ("confirmed_by", sa.String(), True, None),
    ("doubled", sa.Boolean(), False, sa.false()),
    ("withdrawn_by", sa.String(), True, None),
    ("withdrawn_reason", sa.String(), False, ""),
)


def upgrade() -> None:
    for name, kind, nullable, default in ADDED:
        op.add_column("certificate", sa.Column(name, kind, nullable=nullable, server_default=default))
    # Whoever came first keeps it as its owner; the others still sign with it until an administrator has decided.
    op.execute(
        sa.text(f"UPDATE certificate SET doubled = true WHERE withdrawn_at IS NULL AND id <> ({FIRST})")
    )
    where = sa.text(OWNED)
    op.create_index(
        "uq_certificate_owner",
        "certificate",
        ["fingerprint"],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )
    op.create_table(
        "possession_challenge",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("login_session_id", sa.Integer(), nullable=True),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_possession_challenge"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_possession_challenge_user_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_possession_challenge_collectivity_id"
        ),
    )


def downgrade() -> None:
    op.drop_table("possession_challenge")
    op.drop_index("uq_certificate_owner", "certificate")
    for name, *_ in reversed(ADDED):
        op.drop_column("certificate", name)
