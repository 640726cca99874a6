"""A right may be for some types of folders alone, and to publish is a right apart from the visa, which gave it until now.

Whoever might put a visa might publish: he is given both, so that nobody loses or gains anything. A step keeps the type made
from its family, by which a limited right is looked up where it waits.
"""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision, down_revision = "0073_rights_by_type", "0072_closed_desks"

HOLDER = sa.table("holder", sa.column("user_id"), sa.column("desk_id"), sa.column("rights", JSON))
APPLICATION = sa.table("application", sa.column("id"), sa.column("rights", JSON))
ORDER = ("create", "act", "sign", "publish", "archive", "reroute")


def upgrade() -> None:
    op.add_column("step_run", sa.Column("own_type", sa.String(), nullable=False, server_default=""))
    op.execute(
        "UPDATE step_run SET own_type = (SELECT t.key FROM folder f "
        "JOIN folder_type_version v ON v.id = f.type_version_id JOIN folder_type t ON t.id = v.type_id "
        "WHERE f.id = step_run.folder_id) "
        "WHERE folder_id IN (SELECT id FROM folder WHERE type_version_id IS NOT NULL)"
    )
    _rewrite(lambda rights: [one for one in ORDER if one in rights or (one == "publish" and "act" in rights)])


def downgrade() -> None:
    # A right for some types is none for all of them; whoever may put visas may publish again, as that version knows it
    _rewrite(lambda rights: [one for one in ORDER if one in rights and one != "publish"])
    op.drop_column("step_run", "own_type")


def _rewrite(changed: Callable[[list[str]], list[str]]) -> None:
    link = op.get_bind()
    for table, keys in ((HOLDER, ("user_id", "desk_id")), (APPLICATION, ("id",))):
        for row in link.execute(sa.select(table)).mappings().all():
            if (rights := changed(row["rights"])) != row["rights"]:
                which = sa.and_(*(table.c[key] == row[key] for key in keys))
                link.execute(table.update().where(which).values(rights=rights))
