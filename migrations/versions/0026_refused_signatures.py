"""refused signatures: how many a person had lately, and the signatures that were prepared and never came back."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0026_refused_signatures", "0025_transmission_identifier"
NAME = "ix_signature_session_prepared"


def upgrade() -> None:
    op.create_table(
        "refusal_tally",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("minute_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("unwritten", sa.Integer(), nullable=False),
        sa.Column("window_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_refusal_tally"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_refusal_tally_user_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_refusal_tally_collectivity_id"
        ),
    )
    where = sa.text("state = 'prepared'")
    op.create_index(NAME, "signature_session", ["expires_at"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index(NAME, "signature_session")
    op.drop_table("refusal_tally")
