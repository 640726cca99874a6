"""Tables of rules say which circuit a folder takes, by numbered versions; a folder keeps the one that chose its circuit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)

revision, down_revision = "0070_rule_tables", "0069_small_indexes"


def upgrade() -> None:
    op.create_table(
        "rule_table_version",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("published_by", sa.String(), nullable=False),
        sa.UniqueConstraint("collectivity_id", "kind", "number"),
    )
    op.create_table(
        "rule_table_draft",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("collectivity_id", sa.Integer(), sa.ForeignKey("collectivity.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("definition", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_by_id", sa.Integer(), nullable=True),
        sa.UniqueConstraint("collectivity_id", "kind"),
    )
    op.add_column("folder", sa.Column("rule", JSON, nullable=True))
    # By hand: SQLite adds a column that refers to a table, where its own tool would write the whole table again
    op.execute(
        "ALTER TABLE folder ADD COLUMN rule_version_id INTEGER"
        " CONSTRAINT fk_folder_rule_version_id REFERENCES rule_table_version (id)"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_folder_rule_version_id", "folder", type_="foreignkey")
    op.drop_column("folder", "rule_version_id")
    op.drop_column("folder", "rule")
    op.drop_table("rule_table_draft")
    op.drop_table("rule_table_version")
