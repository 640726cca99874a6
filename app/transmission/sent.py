"""The very parcel that was made to leave: as the store has it, or made again from its frame and the versions, and compared.

Nothing is given whose digest is not the one that the sending and the journal have.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256 as digest
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any, Final

import sqlalchemy as sa

from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.files import vault
from app.journal.models import JournalEntry
from app.transmission.frames import Frame, pieces
from app.transmission.models import ParcelFrame, Transmission

DAMAGED: Final = frozenset({"file-altered", "file-missing"})
WHOLE, FRAMED, LIGHT = "whole", "framed", "light"
"""Of a parcel that was looked at: kept as it left, made again if need be, its own bytes gone (`Transmission.parcel`)."""
SENDING: Final = "transmission.sending"
BATCH: Final = 100
_sendings: Any = Transmission.__table__
_PARCELS: Final = (
    "id", "collectivity_id", "folder_id", "round", "step", "channel", "package_name", "package_sha256", "parcel", "sent_at",
    "simulated",
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """A parcel that was made to leave: of which sending, its name for the other side and its SHA-256.

    `state` says where its bytes are: `WHOLE`, `FRAMED`, `LIGHT`, or empty before it was looked at.
    """

    id: int
    collectivity_id: int
    folder_id: int
    round: int
    step: str
    channel: str
    name: str
    sha256: str
    state: str
    sent_at: datetime | None
    simulated: bool


def parcels(db: Db, *which: sa.ColumnElement[bool], most: int | None = None) -> list[Sent]:
    """The parcels of these sendings, the first sending to the last."""
    query = sa.select(*(_sendings.c[name] for name in _PARCELS)).where(
        _sendings.c.package_sha256.is_not(None), *which
    )
    return [Sent(*row) for row in db.execute(query.order_by(_sendings.c.id).limit(most))]


def parcels_of(db: Db, folder_id: int) -> list[Sent]:
    """Those of a folder, of whatever round."""
    return parcels(db, _sendings.c.folder_id == folder_id)


def parcel(db: Db, folder_id: int, number: int) -> Sent:
    """That of one sending of a folder; refuses `parcel-none`."""
    for sent in parcels(db, _sendings.c.folder_id == folder_id, _sendings.c.id == number):
        return sent
    raise Refusal("parcel-none")


def frame_in(db: Db, number: int) -> Frame | None:
    """What is around the documents of this sending, as the base has it."""
    row = db.get(ParcelFrame, number)
    if row is None:
        return None
    parts: Any = row.parts  # whatever JSON stands there, if somebody altered the base
    return Frame(row.wrap, tuple(parts) if isinstance(parts, list) else (), row.around)


def journal_tells(db: Db, folder_id: int, sha256: str) -> bool:
    """Whether the journal says of this folder that these very bytes were about to leave."""
    lines = sa.select(JournalEntry.facts).where(
        JournalEntry.folder_id == folder_id, JournalEntry.event == SENDING
    )
    return any(json.loads(facts).get("sha256") == sha256 for facts in db.scalars(lines))


def weighed(frame: Frame, collectivity_id: int) -> tuple[str, int]:
    """The SHA-256 and the size of a parcel made again, which goes nowhere; refuses as `pieces`."""
    counted, size = digest(), 0
    for piece in pieces(frame, collectivity_id):
        counted.update(piece)
        size += len(piece)
    return counted.hexdigest(), size


def differences(db: Db, collectivity_id: int) -> Iterator[str]:
    """Each parcel that could not be given as it left, of those that the base says were sent; nothing is written."""
    after = 0
    while batch := parcels(
        db, _sendings.c.collectivity_id == collectivity_id, _sendings.c.id > after, most=BATCH
    ):
        for sent in batch:
            if why := _lost(sent):
                yield f"dossier n° {sent.folder_id} : l’envoi « {sent.name} » {why} (SHA-256 {sent.sha256})"
        after = batch[-1].id


def _lost(sent: Sent) -> str:
    """Why a parcel could not be given, empty where it could."""
    try:
        with TemporaryDirectory(prefix="paraphe-") as room:
            fetch(sent, Path(room) / "parcel")
    except Refusal as refusal:
        if refusal.key == "parcel-untold":
            return "n’est pas celui du journal"
        if refusal.key == "parcel-differs" or refusal.facts.get("sha256") != sent.sha256:
            return "ne se refait plus à l’octet de ses documents"
        if refusal.key in DAMAGED:
            return "manque au dépôt, ou y est altéré"
        raise
    return ""


def fetch(sent: Sent, target: Path) -> None:
    """Write the very bytes that were made to leave; refused, nothing is left at `target`.

    Refuses `parcel-untold` where the journal does not know them, `parcel-differs` where what is made again is not them,
    and `file-altered` or `file-missing` where a document of theirs, or they themselves, are not what they were.
    """
    with reading(sent.collectivity_id) as db:
        if not journal_tells(db, sent.folder_id, sent.sha256):
            raise Refusal("parcel-untold", name=sent.name, sha256=sent.sha256)
    try:
        vault.store().fetch(vault.scope(sent.collectivity_id), sent.sha256, target)
    except Refusal as refusal:
        if refusal.key not in DAMAGED:
            raise
        with reading(sent.collectivity_id) as db:  # now: a worker may have let the bytes go just before
            frame = frame_in(db, sent.id)
        if frame is None:
            raise
        _make_again(sent, frame, target)


def _make_again(sent: Sent, frame: Frame, target: Path) -> None:
    partial = target.with_name(f".{target.name}.{token_hex(8)}")
    counted = digest()
    try:
        with partial.open("xb") as copy:
            for piece in pieces(frame, sent.collectivity_id):
                counted.update(piece)
                copy.write(piece)
        if counted.hexdigest() != sent.sha256:
            raise Refusal("parcel-differs", name=sent.name, sha256=sent.sha256)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
