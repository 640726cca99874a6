"""A delegated administrator: the desk whose branch somebody administers."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0077_branches", "0076_persons"

NAME = "fk_user_account_branch_id"


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        # In place: the table is named by others, and is not made again for a column
        op.execute(
            f"ALTER TABLE user_account ADD COLUMN branch_id INTEGER CONSTRAINT {NAME} REFERENCES desk (id)"
        )
        return
    op.add_column("user_account", sa.Column("branch_id", sa.Integer(), nullable=True))
    op.create_foreign_key(NAME, "user_account", "desk", ["branch_id"], ["id"])


def downgrade() -> None:
    op.drop_column("user_account", "branch_id")
