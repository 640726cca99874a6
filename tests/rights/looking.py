"""What the rights matrix looks at: the words of an answer, all that a database holds, and a second folder like the first."""

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.core.db import Base, engine, writing
from app.folders.models import Document, DocumentVersion, Folder, StepRun

UNSTEADY = {
    ("login_session", "seen_at"),  # a session notes that it serves, once in five minutes
    ("application", "used_at"),  # and so does a token
    ("application", "calls_on"),  # whose calls of the day are counted
    ("application", "calls"),
    ("application", "refused"),
    *(
        ("journal_entry", one) for one in ("id", "seq", "previous", "hash")
    ),  # whose refused signatures leave a line
}
OF_A_REFUSAL = ("'signature.refused'", "'signatures_refused-")
TOLD = {"chain_head", "journal_origin", "refusal_tally"}
"""What a refused signature changes beside its line in the journal (`tests/signing/test_refused_signatures.py`)."""


def plain(answer: Any) -> str:
    """The body of an answer without what differs at each asking: the form's token, the number of an incident."""
    text = answer.get_data(as_text=True)
    return re.sub(r'(csrf[_-]token"[^>]*(?:value|content)="|data-seal=")[^"]+', r"\1", text)


def headers(answer: Any) -> dict[str, str]:
    """The headers of an answer without its hour and its number; of a cookie only its name, for its signature holds the hour too."""
    return {
        name: value.partition("=")[0] if name == "Set-Cookie" else value
        for name, value in answer.headers.items()
        if name not in {"Date", "X-Request-Id"}
    }


@dataclass(frozen=True)
class Answer:
    """What can be told of two answers to whom they are given: `body` is the SHA-256 of `plain`, `headers` those of `headers`."""

    status: int
    body: str
    headers: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, answer: Any) -> "Answer":
        """By its bytes: a scene keeps thousands of them."""
        body = sha256(plain(answer).encode()).hexdigest()
        return cls(answer.status_code, body, tuple(sorted(headers(answer).items())))


def snapshot(data: Path) -> dict[str, str]:
    """All that an installation keeps: for each table how many rows and their SHA-256, and every object of the store."""
    found = {}
    with engine().connect() as connection:
        for table in (one for one in Base.metadata.sorted_tables if one.name not in TOLD):
            names = ", ".join(one.name for one in table.columns if (table.name, one.name) not in UNSTEADY)
            rows = connection.execute(sa.text(f"SELECT {names} FROM {table.name}")).all()
            rows = [one for one in map(repr, rows) if not any(word in one for word in OF_A_REFUSAL)]
            lines = "\n".join(sorted(rows))
            found[table.name] = f"{len(rows)} {sha256(lines.encode()).hexdigest()}"
    files = [(one, one.stat()) for one in sorted((data / "documents").rglob("*")) if one.is_file()]
    kept = "\n".join(f"{one} {seen.st_size} {seen.st_mtime_ns}" for one, seen in files)
    assert files
    return {**found, "store": f"{len(files)} {sha256(kept.encode()).hexdigest()}"}


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
