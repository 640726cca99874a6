"""annex types: annexes of acts that are in their circuit without a type keep the one under which they would have left.

From this release an annex has no type but the one that is chosen (`FileTypes`); of what is already being decided or signed
nobody is asked again. Drafts are left as they are: whoever completes one chooses.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision, down_revision = "0040_annex_types", "0039_later_answers"
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
USUAL = {"1": "99_DE", "2": "99_AR", "3": "99_AI", "4": "99_DC", "5": "99_BU", "6": "99_AU"}
"""The type of an act of each nature, as this release knows them."""
NATURES = {"DE": "1", "AR": "2", "AI": "3", "CC": "4", "BF": "5", "AU": "6"}
"""How the identifier of an act names its nature."""


def upgrade() -> None:
    connection = op.get_bind()
    folder = sa.table("folder", sa.column("id"), sa.column("phase"), sa.column("fields", JSON))
    document = sa.table(
        "document",
        *(sa.column(name) for name in ("id", "folder_id", "role", "type_code", "removed_at")),
    )
    untyped = sa.and_(
        document.c.role == "attachment", document.c.type_code.is_(None), document.c.removed_at.is_(None)
    )
    query = (
        sa.select(document.c.id, folder.c.fields)
        .join(folder, folder.c.id == document.c.folder_id)
        .where(untyped, folder.c.phase == "running")
    )
    for row in connection.execute(query).all():
        code = USUAL.get(_nature(row.fields))
        if code is not None:
            connection.execute(sa.update(document).where(document.c.id == row.id).values(type_code=code))


def _nature(fields: dict[str, Any]) -> str:
    """The nature of an act, or of the act that a reply is about; empty for what is neither."""
    about = fields.get("followup")
    if isinstance(about, dict):
        return NATURES.get(str(about.get("identifier", "")).rpartition("-")[2], "")
    return str(fields.get("nature") or "")


def downgrade() -> None:
    """Nothing to undo: the type that was written is the one that the release before takes where none is."""
