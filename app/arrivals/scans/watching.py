"""Looking at the folders of scanners, minute after minute: each file is kept and committed, and only then filed.

Killed between any two steps, the file is found where it was left and brought again: its arrival is known by its bytes and its
name, and is not written twice.
"""

import errno
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Final

import sqlalchemy as sa
import structlog

from app.arrivals import receiving
from app.arrivals.models import Arrival, Scanner, Way
from app.arrivals.scans import inbox, separating, sources
from app.arrivals.scans.inbox import Copy, Inbox, UnquietError
from app.arrivals.scans.sources import Source
from app.core.clock import now
from app.core.db import Db, reading
from app.core.faults import words_of
from app.core.french import instant
from app.core.grammar import et_autres
from app.core.outbox import News, Outbox, Row, post
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.transaction import use_case
from app.files.naming import clean_filename
from app.folders.keep import Incoming
from app.people.actor import Actor
from app.people.models import Collectivity
from config import Settings

log = structlog.get_logger()
KIND: Final = "arrivals.scan"
EMPTY, LARGE, STRANGE = "arrival-scan-empty", "arrival-scan-large", "arrival-scan-strange"
WRITTEN: Final = "written"
"""Among the clues of an arrival: when its file was written, as the share says it."""
TRUSTED: Final = timedelta(days=7)
"""How old the clock of a scanner may say that a file is; else it came when it was taken."""
TOLD: Final = 3
"""How many files, or folders, are named in what is told."""
_WORDS: Final = {
    errno.ENOENT: "le dossier n’est pas là, ou son partage n’est pas monté",
    errno.ENOTDIR: "un lien, ou un fichier, est à la place du dossier, et n’est pas suivi",
    errno.EACCES: "Paraphe n’en a pas le droit ; il lui faut lire, écrire et déplacer dans ce dossier",
    errno.EPERM: "Paraphe n’en a pas le droit ; il lui faut lire, écrire et déplacer dans ce dossier",
    errno.ENOSPC: "il n’y a plus de place sur le disque",
    errno.EDQUOT: "il n’y a plus de place sur le disque",
    errno.EISDIR: "un dossier du même nom est déjà là où il doit être rangé",
    errno.EROFS: "ce dossier ne se laisse pas écrire",
    errno.ESTALE: "le partage ne répond plus",
    errno.EIO: "le disque ou le partage ne répond plus",
}


def look(settings: Settings) -> None:
    """Ask that each folder be looked at, once a minute, whoever looks; nothing where the host has opened none."""
    if settings.scans_root is None:
        return
    with reading() as db:
        active = db.execute(sa.select(Scanner.id, Scanner.collectivity_id).where(Scanner.active)).all()
    if active:
        at = f"{now():%Y%m%d%H%M}"
        _ask({f"{KIND}-{row.id}-{at}": (row.collectivity_id, row.id) for row in active})


@use_case
def _ask(db: Db, wanted: dict[str, tuple[int, int]]) -> None:
    known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(wanted))))
    for key, (collectivity_id, number) in wanted.items():
        if key not in known:
            post(db, collectivity_id, [News(KIND, key, {"scanner": number})])


@use_case
def ask_now(db: Db, actor: Actor, number: int) -> None:
    """Ask that one folder be looked at without waiting for its minute; refuses `not-found`."""
    row = db.get(Scanner, number)
    if row is None or row.collectivity_id != actor.collectivity_id:
        raise Refusal("not-found")
    post(db, actor.collectivity_id, [News(KIND, f"{KIND}-{number}-{token_hex(6)}", {"scanner": number})])


class Round:
    """What the worker does of a look."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, row: Row) -> None:
        """Take what is whole; what goes wrong is told on the page of scanners and by the doctor, and tried at the next look."""
        with reading(row.collectivity_id) as db:
            found = db.get(Scanner, row.payload["scanner"])
            source = sources.plain(found) if found is not None and found.active else None
        if source is not None and self._settings.scans_root is not None:
            take(source, self._settings, now())


def take(source: Source, settings: Settings, moment: datetime) -> int:
    """Look at a folder once, and take what is whole there; how many files were kept that were not here before."""
    with reading(source.collectivity_id) as db:
        siren = db.get_one(Collectivity, source.collectivity_id).siren
    root = settings.scans_root or Path("/nonexistent")
    try:
        with inbox.opened(root, siren, source.folder, make=not source.made and root.is_dir()) as entered:
            if entered is None:  # another process looks
                return 0
            there = inbox.listed(entered, source.seen, moment)
            eye = _Look(source, settings, moment, entered)
            count, faults = eye.take(there)
    except OSError as fault:
        log.warning("arrivals.scan_unread", scanner=source.id, error=repr(fault))
        sources.note(source, seen=source.seen, waits=source.waits, fault=words(fault), made=source.made)
        return 0
    if there.folders:
        faults.append(f"{_named(there.folders)} : un dossier n’est pas pris, posez ses fichiers à côté")
    sources.note(
        source, seen=there.seen, waits=there.waits + eye.unquiet, fault=" ; ".join(faults), made=True
    )
    return count


class _Look:
    """One look at one folder."""

    def __init__(self, source: Source, settings: Settings, moment: datetime, entered: Inbox) -> None:
        self._source, self._limit, self._moment = source, settings.upload_limit, moment
        self._inbox = entered
        self.unquiet = 0
        """Files that somebody still writes in, though they were taken for whole."""

    def take(self, there: inbox.Listed) -> tuple[int, list[str]]:
        """Take each file that is whole, whatever becomes of the others: how many were new, and what went wrong."""
        count, failed = 0, {}
        for name in (*there.whole, *there.strange):
            try:
                inbox.claim(self._inbox, name)
            except FileNotFoundError:
                continue
            except OSError as fault:
                failed[name] = words(fault)
        for name in inbox.claimed(self._inbox):
            try:
                count += self._one(name)
            except FileNotFoundError:
                continue
            except UnquietError:
                self.unquiet += 1
            except (OSError, Refusal) as fault:
                log.warning("arrivals.scan_unread", scanner=self._source.id, error=repr(fault))
                failed[name] = words(fault)
        reasons: dict[str, list[str]] = {}
        for name, why in failed.items():
            reasons.setdefault(why, []).append(name)
        return count, [f"{_named(names)} : {why}" for why, names in reasons.items()]

    def _one(self, name: str) -> bool:
        """Keep a file that was claimed, then file it; whether it was not here before. Raises `OSError`, `UnquietError`."""
        path = self._inbox.taking / name
        size, modified, regular = inbox.size_of(path)
        if not regular or not size or size > self._limit:
            why = STRANGE if not regular else LARGE if size else EMPTY
            new = self._brought(name, f"{why} {size} {modified}", modified, refused=why).new
            inbox.file_away(path, self._inbox.refused, f"{self._moment:%Y%m%d%H%M%S}")
            return new
        with tempfile.TemporaryDirectory(prefix="paraphe-") as room:
            target = Path(room) / "fichier"
            copy = inbox.copied(path, target, self._moment)
            new = self._keep(name, Incoming(target, clean_filename(inbox.shown(name))), copy)
        inbox.file_away(path, self._inbox.taken, copy.sha256[:12])
        return new

    def _keep(self, name: str, file: Incoming, copy: Copy) -> bool:
        """Keep a file; one that came before under this name, and was written again since, is told and put aside."""
        received = self._brought(name, copy.sha256, copy.modified, file)
        if received.new:
            return True
        with reading(self._source.collectivity_id) as db:
            first = db.get_one(Arrival, received.id)
            written, day = first.clues.get(WRITTEN), first.received_at
        if written == str(copy.modified):
            return False  # it was kept, and whoever was to move it died
        told = (
            f"Le même fichier, du même nom, est arrivé {instant(day)} : il n’a pas été pris une seconde fois."
        )
        return self._brought(name, f"{copy.sha256} {copy.modified}", copy.modified, file, ignored=told).new

    def _brought(
        self, name: str, mark: str, modified: int, *files: Incoming, refused: str = "", ignored: str = ""
    ) -> receiving.Received:
        source, shown = self._source, inbox.shown(name)
        return receiving.receive(
            source.collectivity_id,
            Way.SCAN,
            f"{source.id} {mark} {shown}",
            files,
            origin=f"{source.name} : {shown}",
            name=f"Numériseur {source.name}",
            received_at=_when(modified, self._moment),
            kind=source.kind,
            clues={
                "scanner": source.name,
                WRITTEN: str(modified),
                **({separating.SPLIT: source.split} if source.split else {}),
            },
            refused=refused,
            ignored=ignored,
        )


def _named(names: Sequence[str]) -> str:
    """Files, or folders, as they are told: « a.pdf », « b.pdf » et 2 autres."""
    listed = ", ".join(f"« {inbox.shown(one)} »" for one in names[:TOLD])
    return listed + et_autres(len(names) - TOLD)


def _when(modified: int, moment: datetime) -> datetime:
    """When a file came: when it was written, as far as the clock of a scanner is believed."""
    try:
        written = datetime.fromtimestamp(modified / 1e9, UTC)
    except (OverflowError, ValueError, OSError):
        return moment
    return written if moment - TRUSTED <= written <= moment else moment


def words(fault: Exception) -> str:
    """Why a file, or a folder, was not taken, in a clause."""
    if isinstance(fault, Refusal):
        return sentences.say(fault.key, fault.facts)[1].rstrip(".")
    number = fault.errno if isinstance(fault, OSError) else None
    return _WORDS.get(number or 0) or words_of(fault) or type(fault).__name__
