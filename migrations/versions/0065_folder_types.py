"""Types of folders that a collectivity makes from the families, by numbered versions; a folder keeps the one it was made with."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

revision, down_revision = "0065_folder_types", "0064_named_files"


def upgrade() -> None:
    op.create_table(
        "folder_type",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("family", sa.String(), nullable=False),
        sa.Column("draft", JSON, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.UniqueConstraint("collectivity_id", "key"),
    )
    op.create_table(
        "folder_type_version",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("type_id", sa.Integer(), sa.ForeignKey("folder_type.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.UniqueConstraint("type_id", "number"),
    )
    op.create_index(
        "ix_folder_type_version_collectivity_id", "folder_type_version", ["collectivity_id", "type_id"]
    )
    # By hand: SQLite adds a column that refers to a table, where its own tool would write the whole table again
    op.execute(
        "ALTER TABLE folder ADD COLUMN type_version_id INTEGER"
        " CONSTRAINT fk_folder_type_version_id REFERENCES folder_type_version (id)"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_folder_type_version_id", "folder", type_="foreignkey")
    op.drop_column("folder", "type_version_id")
    op.drop_table("folder_type_version")
    op.drop_table("folder_type")
