"""relay silence: the times during which a way to the State did not answer; and what could not be read of a letter."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0032_relay_silence", "0031_certificate_ended"


def upgrade() -> None:
    op.create_table(
        "relay_silence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_relay_silence"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_relay_silence_collectivity_id"
        ),
    )
    op.create_index(
        "ix_relay_silence_open",
        "relay_silence",
        ["collectivity_id", "channel"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.add_column("state_letter", sa.Column("trouble", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("state_letter", "trouble")
    op.drop_index("ix_relay_silence_open", "relay_silence")
    op.drop_table("relay_silence")
