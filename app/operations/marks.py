"""The heads of all journals, written down each day and dated by an authority: whoever remakes a chain cannot remake its past.

A mark is a file of lines of « journal head » and, beside it, the token of a timestamp authority over its bytes (RFC 3161):
the installation's, whatever authority a collectivity has, for a mark holds the journals of all.
Kept in the data folder and, by choice, mailed (`app.operations.posted`) and in a folder outside, where whoever runs this
server should not be able to write.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from app.core import heartbeat
from app.core.clock import now
from app.core.db import reading
from app.core.refusals import Refusal
from app.journal import anchors
from app.operations import shares
from app.operations.helping import apart, busy
from config import Settings

FOLDER = "reperes"
BESIDE = ".tsr"
EVERY, AGAIN = timedelta(days=1), timedelta(hours=1)
LATE = timedelta(days=2)
"""After so long without a mark, the doctor says so."""
BEAT, TRIED = "mark", "mark.tried"
log = structlog.get_logger()


@dataclass(frozen=True)
class Mark:
    """A mark that was taken: its file, how many heads it holds, whether an authority dated it."""

    path: Path
    heads: int
    dated: bool


@dataclass(frozen=True)
class MarkState:
    """What a mark says now: its name, the hour that its authority gives (None without a token), and what is wrong."""

    name: str
    hour: datetime | None
    fault: str | None


def take(settings: Settings) -> Mark:
    """Write the heads of now here, and in the folder outside if there is one; refuses what either step refuses."""
    mark = write_here(settings)
    copy_outside(settings, mark)
    return mark


def write_here(settings: Settings) -> Mark:
    """Write the heads of now, dated by the authority where there is one, in the folder of the data.

    Refuses what the authority refuses (`timestamp-silent`, `timestamp-wrong-clock`), and `mark-unwritten`.
    """
    from app.trust import authorities

    moment = now()
    lines = _lines(moment)
    data = "".join(lines).encode()
    client = authorities.timestamper()
    token = client.token(hashlib.sha256(data).digest(), "sha256") if client is not None else None
    name = f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}.txt"
    ours = settings.data_dir / FOLDER
    _write(ours, name, data, token, ours=True)
    return Mark(ours / name, len(lines), token is not None)


def copy_outside(settings: Settings, mark: Mark) -> None:
    """Write a mark in the folder outside, if there is one, in the same bytes; refuses `mark-unwritten` and `share-away`.

    The folder is never made: where its share is not mounted, a new one would be on this very disk.
    """
    if settings.marks_folder is not None:
        if os.path.isdir(settings.marks_folder):  # noqa: PTH112 (as in the doctor: Path.is_dir raises on a share that hangs)
            shares.use(settings.marks_folder, shares.MARKS)
        beside = mark.path.with_name(f"{mark.path.name}{BESIDE}")
        token = beside.read_bytes() if mark.dated else None
        _write(settings.marks_folder, mark.path.name, mark.path.read_bytes(), token, ours=False)


def _lines(moment: datetime) -> list[str]:
    with reading() as db:
        return [f"{line}\n" for line in anchors.heads(db, moment)]


def _write(folder: Path, name: str, data: bytes, token: bytes | None, *, ours: bool) -> None:
    """The token first: a mark that is there is whole."""
    try:
        if ours:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for target, content in ((folder / f"{name}{BESIDE}", token), (folder / name, data)):
            if content is not None:
                part = target.with_name(f"{target.name}.part")
                part.write_bytes(content)
                part.replace(target)
    except OSError as error:
        raise Refusal("mark-unwritten", folder=str(folder), why=error.strerror or str(error)) from error


def begin(settings: Settings) -> None:
    """Once a minute in the worker: have the mark that is due taken apart; what dates it is not kept in memory all day."""
    try:
        if _due() and not busy():
            apart(settings, daily, "paraphe-repere")
    except Exception as fault:  # noqa: BLE001 - as `daily`
        log.warning("mark.failed", error=repr(fault))


def _due() -> bool:
    last, tried = heartbeat.last(BEAT), heartbeat.last(TRIED)
    return (last is None or now() - last >= EVERY) and (tried is None or now() - tried >= AGAIN)


def daily(settings: Settings) -> None:
    """Take a mark when the last one is a day old, mail it where it is asked, copy it outside; one not taken is tried in an hour.

    A folder outside that is away holds back neither the letter nor the next day's mark: the doctor tells it.
    """
    if not _due():
        return
    heartbeat.beat(TRIED, now())
    try:
        mark = write_here(settings)
        if settings.marks_mail:
            from app.operations.posted import announce

            announce(mark.path)
        heartbeat.beat(BEAT, now())
        copy_outside(settings, mark)
    except Exception as fault:  # noqa: BLE001 - nothing that serves depends on it, and doctor tells it
        log.warning("mark.failed", error=repr(fault))


def verify(folder: Path) -> Iterator[MarkState]:
    """Each mark of a folder, the oldest first: whether its token is an authority's over these bytes, and the journal agrees.

    Refuses `marks-none`, a folder without any.
    """
    names = sorted(folder.glob("*.txt")) if folder.is_dir() else []
    if not names:
        raise Refusal("marks-none", folder=str(folder))
    for path in names:
        yield _state(path)


def _state(path: Path) -> MarkState:
    from app.trust import authorities
    from app.trust.timestamp import proven_hour

    data, beside = path.read_bytes(), path.with_name(f"{path.name}{BESIDE}")
    hour: datetime | None = None
    if beside.is_file():
        try:
            hour = proven_hour(beside.read_bytes(), data, authorities.trust())
        except ValueError as error:
            return MarkState(path.name, None, f"son horodatage ne tient pas ({error})")
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        return MarkState(path.name, hour, "ce n’est pas un repère de Paraphe")
    with reading() as db:
        count, fault = anchors.compare(db, lines)
    return MarkState(path.name, hour, fault or (None if count else "aucune ligne à comparer"))
