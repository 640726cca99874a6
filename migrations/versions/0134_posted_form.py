"""posted_form: what the form of a page makes of files, once."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0134_posted_form", "0133_parcel_damage"


def upgrade() -> None:
    op.create_table(
        "posted_form",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collectivity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "mark", "part", name="pk_posted_form"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_posted_form_user_id"),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name="fk_posted_form_folder_id"),
        sa.ForeignKeyConstraint(
            ["collectivity_id"], ["collectivity.id"], name="fk_posted_form_collectivity_id"
        ),
    )


def downgrade() -> None:
    op.drop_table("posted_form")
