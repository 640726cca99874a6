"""One file of all that a commune has here, of one moment, while folders move.

The rows are of one moment of the base; the documents that they name are never changed, so they are read afterwards, each
verified by its digest. One that the store has lost or that was altered is told, and keeps nothing else out of the copy.
"""

import json
import os
import re
import secrets
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.core import schema
from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.version import VERSION
from app.files import vault
from app.journal import anchors
from app.journal.chain import one_moment
from app.operations import shares
from app.operations.keeping import archive, rows
from app.transmission.sent import FRAMED, LIGHT
from app.transmission.settings import declared
from config import Settings

_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_FILES = {
    "document_version": "sha256",
    "receipt": "sha256",
    "transmission": "package_sha256",
    "public_file": "sha256",
    "state_letter": "sha256",
    "treasury_return": "sha256",
    "arrival_file": "sha256",
    "chorus_piece": "sha256",
}
"""Where a row names a file that the store must hold, in the part of its collectivity."""
_MADE_AGAIN = {"transmission": sa.column("parcel", sa.Text).in_([FRAMED, LIGHT])}
"""But for these, whose bytes are made again from documents that it must hold (`app/transmission/sent.py`)."""


HANDOVERS, CHOSEN, ASIDE = "remises", "remises-choisies", "remises-restaurees"
"""Where the commune's software takes what is handed over, and where a restoration lays it instead: it is not taken twice."""


@dataclass(frozen=True)
class Copied:
    """What a copy holds: rows, documents and their bytes, files of folders; and the documents that the store had lost."""

    rows: int
    documents: int
    size: int
    files: int
    lost: list[str]


def folders(settings: Settings) -> dict[str, Path]:
    """The folders that go with a base, by the name that they have in a copy: memory that no row holds."""
    return {
        "autorites-vues": settings.data_dir / "autorites-vues",
        "reperes": settings.data_dir / "reperes",
        **{
            name: path
            for model in declared().values()
            for name, path in model.read(settings).copied().items()
        },
    }


def backup(settings: Settings, target: Path, command: Sequence[str] = ()) -> Copied:
    """Copy the installation into a new file, through `command` when there is one; nothing of it is stopped or changed.

    Refuses `backup-behind` when the base is not at the schema of this version, `share-away` when its folder is not on the
    share where it was, and what `archive.written` refuses.
    """
    revision, wanted = schema.revisions()
    if revision != wanted:
        raise Refusal("backup-behind", found=revision or "vide", wanted=wanted)
    if target.parent.is_dir():
        shares.use(target.parent, shares.BACKUPS)
    with archive.written(target, command) as out:
        writer = archive.Writer(out)
        opening = {
            "format": archive.FORMAT,
            "id": secrets.token_hex(16),
            "at": now().astimezone(UTC).isoformat(timespec="seconds"),
            "version": VERSION,
            "revision": revision,
        }
        writer.put(archive.OPENING, _json(opening))
        with reading() as db:
            one_moment(db)
            tables, named, needed, heads = _rows(db, writer)
        documents, lost = _documents(writer, named, needed, settings.data_dir)
        files = _folders(writer, folders(settings))
        manifest = {
            "id": opening["id"],
            "tables": tables,
            "documents": documents,
            "lost": lost,
            "heads": heads,
            "members": writer.members,
        }
        writer.put(archive.MANIFEST, _json(manifest))
        writer.close()
    count = sum(table["rows"] for table in tables.values())
    return Copied(count, documents["count"], documents["size"], files, lost)


def _rows(
    db: Db, writer: archive.Writer
) -> tuple[dict[str, Any], set[bytes], set[tuple[str, str]], list[str]]:
    """Write every table; what was counted, every digest that a row holds, the files that must be there, the chains' heads."""
    connection, tables = db.connection(), {}
    named: set[bytes] = set()
    numbers = rows.next_numbers(connection)
    for form in rows.forms(connection):
        columns = {"columns": form.columns, "order": form.order, "given": numbers.get(form.name)}
        writer.put(f"tables/{form.name}/columns.json", _json(columns))
        tally = rows.Tally()
        for rank, piece in enumerate(_pieces(rows.lines(connection, form), tally), start=1):
            named.update(bytes.fromhex(digest) for digest in _DIGEST.findall(piece))
            writer.put(f"tables/{form.name}/{rank:06}.jsonl.z", zlib.compress(piece.encode()))
        tables[form.name] = tally.as_facts()
    return tables, named, set(_needed(db)), list(anchors.heads(db, now()))


def _pieces(lines: Iterator[str], tally: rows.Tally) -> Iterator[str]:
    """The lines in pieces of a few megabytes."""
    piece: list[str] = []
    size = 0
    for line in lines:
        tally.add(line)
        piece.append(line + "\n")
        size += len(line)
        if size > archive.CHUNK:
            yield "".join(piece)
            piece, size = [], 0
    if piece:
        yield "".join(piece)


def _needed(db: Db) -> Iterator[tuple[str, str]]:
    """The files that rows name: scope and digest."""
    for table, column in _FILES.items():
        form = sa.table(table, sa.column("collectivity_id", sa.Integer), sa.column(column, sa.Text))
        query = (
            sa.select(form.c.collectivity_id, form.c[column]).where(form.c[column].is_not(None)).distinct()
        )
        if table in _MADE_AGAIN:
            query = query.where(~_MADE_AGAIN[table])
        for number, digest in db.execute(query):
            if _DIGEST.fullmatch(digest):
                yield vault.scope(number), digest


def _documents(
    writer: archive.Writer, named: set[bytes], needed: set[tuple[str, str]], near: Path
) -> tuple[dict[str, Any], list[str]]:
    """Write every kept file whose digest a row holds; how many, and those that rows need and that are lost or altered."""
    count = size = 0
    every = sha256()
    lost: list[str] = []
    missing = set(needed)
    near.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sauvegarde-", dir=near) as room:
        local = Path(room) / "document"
        # Prepared copies first: they go once they have served.
        for scope, digest, _ in sorted(
            vault.store().objects(), key=lambda entry: (not vault.waits(entry[0]), entry)
        ):
            if bytes.fromhex(digest) not in named:
                continue
            try:
                vault.store().fetch(scope, digest, local)
            except Refusal as refusal:
                if refusal.key not in {"file-altered", "file-missing"}:
                    raise
                if not vault.waits(scope):
                    missing.add((scope, digest))
                continue
            size += writer.put_named(f"documents/{scope}/{digest}", local)
            every.update(f"{scope}/{digest}\n".encode())
            count += 1
            missing.discard((scope, digest))
    lost.extend(f"{scope}/{digest}" for scope, digest in sorted(missing))
    return {"count": count, "size": size, "digest": every.hexdigest()}, lost


def _folders(writer: archive.Writer, places: dict[str, Path]) -> int:
    """Write the files of the folders, hidden ones too; how many. One that is taken away meanwhile is not there any more."""
    count = 0
    for name, place in places.items():
        paths = [Path(folder) / name for folder, _, files in os.walk(place) for name in files]
        for path in sorted(path for path in paths if path.is_file() and not path.is_symlink()):
            with suppress(FileNotFoundError):
                writer.put_file(f"folders/{name}/{path.relative_to(place).as_posix()}", path)
                count += 1
    return count


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
