"""What administrators tried of the installation, and the collectivity that a set-up link gives an administrator to."""

import sqlalchemy as sa
from alembic import op

MOMENT = sa.DateTime(timezone=True)

revision, down_revision = "0067_trials_and_setup", "0066_outbox_owner"


def upgrade() -> None:
    op.create_table(
        "doctor_trial",
        sa.Column("scope", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("general", sa.String(), nullable=False),
    )
    # By hand: SQLite adds a column that refers to a table, where its own tool would write the whole table again
    op.execute(
        "ALTER TABLE setup_link ADD COLUMN administers_id INTEGER"
        " CONSTRAINT fk_setup_link_administers_id REFERENCES collectivity (id)"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_setup_link_administers_id", "setup_link", type_="foreignkey")
    op.drop_column("setup_link", "administers_id")
    op.drop_table("doctor_trial")
