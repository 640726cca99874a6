"""A type of folders may open their reading to every person of the collectivity: kept with the folder."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0115_read_by_all", "0114_supplier_accounts"
COLUMN = "read_by_all"
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
VERSION = sa.table("folder_type_version", sa.column("id"), sa.column("definition", JSON))
FOLDER = sa.table(
    "folder",
    *map(sa.column, ("id", "type_version_id", "restricted", COLUMN)),
    sa.column("sources", JSON),
)
STEP = sa.table("step_run", *map(sa.column, ("folder_id", "restricted")))
INDEXES = {
    "ix_folder_read_by_all": ["collectivity_id", "id"],
    "ix_folder_read_by_all_family": ["collectivity_id", "family", "id"],
}


def upgrade() -> None:
    op.add_column("folder", sa.Column(COLUMN, sa.Boolean(), nullable=False, server_default=sa.false()))
    for name, columns in INDEXES.items():
        here = sa.text(COLUMN)
        op.create_index(name, "folder", columns, postgresql_where=here, sqlite_where=here)
    # A base that came down and goes up again has such folders; below 0080, going up took them for closed ones
    link = op.get_bind()
    for version in link.execute(sa.select(VERSION)).all():
        if version.definition.get("visibility") == "all":
            born = FOLDER.c.sources["read_as"].as_string()
            ours = sa.and_(FOLDER.c.type_version_id == version.id, born.is_(None))
            link.execute(FOLDER.update().where(ours).values(restricted=sa.false(), **{COLUMN: sa.true()}))
            reached = STEP.c.folder_id.in_(sa.select(FOLDER.c.id).where(ours))
            link.execute(STEP.update().where(reached).values(restricted=sa.false()))


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "folder")
    op.drop_column("folder", COLUMN)
