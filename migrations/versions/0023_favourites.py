"""favourites: the values of long lists that each person keeps at hand."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0023_favourites", "0022_publication"


def upgrade() -> None:
    op.create_table(
        "favourite",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "kind", "value", name="pk_favourite"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_favourite_user_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_favourite_collectivity_id"
        ),
    )


def downgrade() -> None:
    op.drop_table("favourite")
