"""What was born of a closed act before closing was handed down (replies, cancellations) is closed as the act is.

Said again of what is closed already, so that a base which came down below 0080 and goes up again is as it was. The column
`restricted` that 0080 made is what lists read; `sources.read_as` is what the page, letters and the steps to come read.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0082_born_closed", "0081_opinions"

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
VERSION = sa.table(
    "folder_type_version", sa.column("id"), sa.column("collectivity_id"), sa.column("definition", JSON)
)
DESK = sa.table("desk", sa.column("id"), sa.column("key"), sa.column("collectivity_id"))
FOLDER = sa.table(
    "folder",
    *map(sa.column, ("id", "family", "type_version_id", "emitter_desk_id", "restricted")),
    sa.column("fields", JSON),
    sa.column("sources", JSON),
)
STEP = sa.table("step_run", *map(sa.column, ("folder_id", "desk_id", "restricted")))
BORN = ("act_cancellation", "prefecture_reply")


def upgrade() -> None:
    link = op.get_bind()
    closing = {one.id: one for one in link.execute(sa.select(VERSION)) if one.definition.get("visibility")}
    for folder, name, version in _born(link, closing) if closing else ():
        _close(link, folder, name, _seen(link, version))


def _born(
    link: sa.Connection, closing: dict[int, sa.Row[tuple[object, ...]]]
) -> Iterator[tuple[sa.Row[tuple[object, ...]], str, sa.Row[tuple[object, ...]]]]:
    """Each folder that was born of a closed act, with the name in force of that one and the version that closes it."""
    born = link.execute(sa.select(FOLDER).where(FOLDER.c.family.in_(BORN)).order_by(FOLDER.c.id)).all()
    for folder in born:
        number = (folder.fields.get("followup") or {}).get("act_folder")
        act = link.execute(sa.select(FOLDER).where(FOLDER.c.id == number)).first()
        if act is not None and act.type_version_id in closing:
            yield folder, f"{act.family}~{act.type_version_id}", closing[act.type_version_id]


def _seen(link: sa.Connection, version: sa.Row[tuple[object, ...]]) -> list[int]:
    """The desks whose holders read what has reached them all the same."""
    if version.definition["visibility"] != "desks":
        return []
    keys = version.definition.get("seen_at", [])
    here = DESK.c.collectivity_id == version.collectivity_id
    return list(link.scalars(sa.select(DESK.c.id).where(here, DESK.c.key.in_(keys))))


def _close(link: sa.Connection, folder: sa.Row[tuple[object, ...]], name: str, seen: list[int]) -> None:
    """The folder, at the desk that deposits it and at each that it reached; those that were told of it read it no more."""
    sources = {**folder.sources, "read_as": name}
    restricted = folder.emitter_desk_id not in seen
    link.execute(
        FOLDER.update().where(FOLDER.c.id == folder.id).values(sources=sources, restricted=restricted)
    )
    apart = sa.or_(STEP.c.desk_id.is_(None), STEP.c.desk_id.not_in(seen))
    link.execute(STEP.update().where(STEP.c.folder_id == folder.id, apart).values(restricted=sa.true()))


def downgrade() -> None:
    """Nothing: what was closed stays closed, and the program of before reads both columns as this one does."""
