"""Whether a folder that is written in is still on the disk where it was: a share that is not mounted leaves an empty one.

What is written under a mount point while its share is away lies on the disk of this machine, and is hidden when the share
comes back. So the mount point of each folder is noted at its first use (`os.path.ismount`: another device than its parent's;
a bind mount of the same disk is not told apart). A deeper one, later, is a share that was mounted since: it is noted instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, DisconnectionError

from app.core import schema
from app.core.clock import now
from app.core.db import Db, engine, reading, unreachable
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import vault
from app.files.store import STAGING, mount_of
from app.folders.models import DocumentVersion
from app.operations.findings import Level, Remark, Unwell
from app.operations.models import DoctorPlace
from config import Settings

BACKUPS, MARKS, DOCUMENTS = "backups", "marks", "documents"
REGULAR = timedelta(hours=20)
"""A folder of backups is told of once it took some this far apart: a disk plugged in once for one copy is not missed."""
FORGOTTEN = timedelta(days=35)
"""And no more once it took none for so long."""
_WORDS = {
    BACKUPS: "le dossier des sauvegardes",
    MARKS: "le dossier des repères (PARAPHE_MARKS_FOLDER)",
    DOCUMENTS: "le dépôt des documents (PARAPHE_STORE_URL)",
}


@dataclass(frozen=True)
class Place:
    """A folder, what is written there, and the mount point on which it was."""

    path: Path
    kind: str
    mount: str


def begins(folder: Path) -> None:
    """Refuse `store-away` for the folder of documents before it is opened, and made: a share that is away leaves an empty one.

    Its mount point is not the one that was noted; or the base names documents, and nothing of a store is there. Where no
    base answers, a store that is there is opened, and none is begun.
    """
    try:
        away = _misplaced(folder)
    except (DBAPIError, DisconnectionError) as error:
        if not unreachable(error):
            raise
        away = not (folder / STAGING).is_dir()
    except OSError:  # a share whose server is gone
        away = True
    if away:
        raise Refusal("store-away")


def _misplaced(folder: Path) -> bool:
    if not sa.inspect(engine()).has_table(DoctorPlace.__tablename__):
        return False  # a base to come: a restoration puts the documents first
    with reading() as db:
        row = db.get(DoctorPlace, str(folder.absolute()))
        deposited = db.scalar(sa.select(DocumentVersion.id).limit(1)) is not None
    if row is not None and _away(row.mount, str(mount_of(folder))):
        return True
    return deposited and next(folder.glob("*/??"), None) is None


def use(folder: Path, kind: str) -> None:
    """Note where a folder is before something is written there; refuses `share-away` when its share is not mounted."""
    if schema.behind():
        return
    place = Place(folder.absolute(), kind, str(mount_of(folder)))
    with reading() as db:
        row = db.get(DoctorPlace, str(place.path))
        away = row is not None and _away(row.mount, place.mount)
        mount = row.mount if row is not None else ""
    if away:
        raise Refusal("share-away", folder=str(place.path), mount=mount)
    _note(place, now())


def _away(noted: str, mounted: str) -> bool:
    """Whether the mount point of now is not the one that was noted, nor one under it."""
    return not Path(mounted).is_relative_to(noted)


@use_case
def _note(db: Db, place: Place, moment: datetime) -> None:
    row = db.get(DoctorPlace, str(place.path))
    if row is None:
        db.add(
            DoctorPlace(
                path=str(place.path), kind=place.kind, mount=place.mount, known_at=moment, used_at=moment
            )
        )
    elif not _away(row.mount, place.mount):
        row.kind, row.mount, row.used_at = place.kind, place.mount, moment


def look(settings: Settings) -> str | Remark:
    """Each folder that is written in is on the disk where it was; a store that should hold documents holds some."""
    if schema.behind():
        return Remark("à examiner une fois la base à jour", Level.UNKNOWN)
    with reading() as db:
        known = [Place(Path(row.path), row.kind, row.mount) for row in _places(db, settings)]
        deposited = db.scalar(sa.select(DocumentVersion.id).limit(1)) is not None
    away = [place for place in known if _away(place.mount, str(mount_of(place.path)))]
    if away:
        listed = " ; ".join(f"{_WORDS[place.kind]}, {place.path}, était sur {place.mount}" for place in away)
        raise Unwell(
            f"un partage n’est pas monté ({listed}) : montez-le ; ce qui s’écrirait là resterait sur le disque de cette machine"
        )
    if deposited and _bare():
        raise Unwell(
            "la base nomme des documents et leur dépôt est vide : montez son partage, ou corrigez PARAPHE_STORE_URL"
        )
    for folder in _store(settings):
        use(folder, DOCUMENTS)
    count = len(known)
    if not count:
        return Remark("aucun dossier n’a encore été noté", Level.NONE)
    return f"{count} dossier{'s' if count > 1 else ''} où l’on écrit, à {'leur' if count > 1 else 'sa'} place"


def _bare() -> bool:
    """Whether the store holds nothing, or may not be begun where it should hold something."""
    try:
        return next(vault.store().objects(), None) is None
    except Refusal as refusal:
        if refusal.key != "store-away":
            raise
        return True


def _places(db: Db, settings: Settings) -> list[DoctorPlace]:
    """The folders that the settings name now, and those of regular backups."""
    named = {
        str(folder.absolute()) for folder in (*_store(settings), settings.marks_folder) if folder is not None
    }
    return [
        row
        for row in db.scalars(sa.select(DoctorPlace).order_by(DoctorPlace.path))
        if row.path in named
        or (row.kind == BACKUPS and row.used_at - row.known_at >= REGULAR and now() - row.used_at < FORGOTTEN)
    ]


@use_case
def forget(db: Db, folder: Path) -> None:
    """Forget on which share a folder was, once there is none any more; refuses `share-unknown`, a folder that nobody noted."""
    row = db.get(DoctorPlace, str(folder.absolute()))
    if row is None:
        raise Refusal("share-unknown", folder=str(folder.absolute()))
    db.execute(sa.delete(DoctorPlace).where(DoctorPlace.path == row.path))


def _store(settings: Settings) -> Iterator[Path]:
    parts = urlsplit(settings.store_url)
    if parts.scheme == "file":
        yield Path(unquote(parts.netloc + parts.path))
