"""A type of folders may close their reading to who may act: kept with the folder, and with each desk that it reaches."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0080_restricted_types", "0079_logo"


JSON = sa.JSON().with_variant(JSONB(), "postgresql")
VERSION = sa.table(
    "folder_type_version", sa.column("id"), sa.column("collectivity_id"), sa.column("definition", JSON)
)
DESK = sa.table("desk", sa.column("id"), sa.column("key"), sa.column("collectivity_id"))
FOLDER = sa.table(
    "folder", sa.column("id"), *map(sa.column, ("type_version_id", "emitter_desk_id", "restricted"))
)
STEP = sa.table("step_run", *map(sa.column, ("folder_id", "desk_id", "kind", "restricted")))


def upgrade() -> None:
    for table in ("folder", "step_run"):
        op.add_column(table, sa.Column("restricted", sa.Boolean(), nullable=False, server_default=sa.false()))
    # A base that came down and goes up again has types that close their reading, and folders of them
    link = op.get_bind()
    for version in link.execute(sa.select(VERSION)).all():
        if visibility := version.definition.get("visibility"):
            keys = version.definition.get("seen_at", []) if visibility == "desks" else []
            _close(link, version, keys)


def _close(link: sa.Connection, version: sa.Row[tuple[object, ...]], keys: list[str]) -> None:
    """Folders of this version, and what they reach, are read by who may act, but at the desks of these keys."""
    here = DESK.c.collectivity_id == version.collectivity_id
    seen = link.scalars(sa.select(DESK.c.id).where(here, DESK.c.key.in_(keys))).all()
    ours = FOLDER.c.type_version_id == version.id
    elsewhere = FOLDER.c.emitter_desk_id.not_in(seen)
    link.execute(FOLDER.update().where(ours, elsewhere).values(restricted=sa.true()))
    reached = STEP.c.folder_id.in_(sa.select(FOLDER.c.id).where(ours))
    apart = sa.or_(STEP.c.desk_id.is_(None), STEP.c.desk_id.not_in(seen))
    link.execute(STEP.update().where(reached, apart, STEP.c.kind != "told").values(restricted=sa.true()))


def downgrade() -> None:
    for table in ("step_run", "folder"):
        op.drop_column(table, "restricted")
