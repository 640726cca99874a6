"""What the rights matrix looks at: the words of an answer, all that a database holds, and a second folder like the first."""

import re
from typing import Any

import sqlalchemy as sa

from app.core.db import Base, engine, writing
from app.folders.models import Document, DocumentVersion, Folder, StepRun


def plain(answer: Any) -> str:
    """The body of an answer without what differs at each asking: the form's token, the number of an incident."""
    return re.sub(r'(csrf[_-]token"[^>]*(?:value|content)=")[^"]+', r"\1", answer.get_data(as_text=True))


def snapshot() -> dict[str, int]:
    """How many rows each table has, and the sums that any change of a folder, a step, a document or a journal changes."""
    parts = [
        f"SELECT '{table.name}' AS what, COUNT(*) AS n FROM {table.name}"
        for table in Base.metadata.sorted_tables
    ]
    parts += [
        "SELECT 'versions', SUM(version) FROM folder",
        "SELECT 'active', COUNT(*) FROM step_run WHERE state = 'active'",
        "SELECT 'removed', COUNT(removed_at) FROM document",
        "SELECT 'lines', SUM(seq) FROM chain_head",
    ]
    with engine().connect() as connection:
        return {what: int(n or 0) for what, n in connection.execute(sa.text(" UNION ALL ".join(parts)))}


def twin(folder_id: int) -> int:
    """A copy of a folder as it stands, with its documents and steps: another number, another future."""

    def copy(row: Any, **changed: Any) -> Any:
        columns = {column.key for column in sa.inspect(type(row)).columns} - {"id"}
        return type(row)(**{name: getattr(row, name) for name in columns} | changed)

    with writing() as db, db.begin():
        made = copy(db.get_one(Folder, folder_id))
        db.add(made)
        db.flush()
        for document in db.scalars(
            sa.select(Document).where(Document.folder_id == folder_id).order_by(Document.id)
        ).all():
            other = copy(document, folder_id=made.id)
            db.add(other)
            db.flush()
            versions = db.scalars(
                sa.select(DocumentVersion).where(DocumentVersion.document_id == document.id)
            ).all()
            db.add_all([copy(one, document_id=other.id) for one in versions])
        steps = db.scalars(
            sa.select(StepRun).where(StepRun.folder_id == folder_id).order_by(StepRun.id)
        ).all()
        db.add_all([copy(one, folder_id=made.id) for one in steps])
        return int(made.id)
