"""Let a parcel's own bytes go once its sending is settled, where they can be made again: after they were, and only then.

Of each, in this order, so that a kill anywhere loses nothing: its frame is read out of it, the parcel is made again and
compared, the frame is written; a week later the parcel is made again from what was written and compared, its bytes go, and
the row says so. The next look goes on from wherever it stopped. What is compressed, or damaged, or that something else names,
stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

import sqlalchemy as sa
import structlog

from app.core import digests
from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import vault
from app.folders.models import Document, DocumentVersion
from app.transmission.frames import Frame, frame_of
from app.transmission.models import TO_LIGHTEN, ParcelDamage, ParcelFrame, Transmission
from app.transmission.sent import DAMAGED, FRAMED, LIGHT, WHOLE, frame_in, journal_tells, weighed

log = structlog.get_logger()
EVERY: Final = timedelta(days=1)
SECONDS: Final = 5.0
"""How long a look lasts in the worker, each minute, until all of the day were looked at."""
BATCH: Final = 100
LATER: Final = timedelta(days=7)
"""How long both are there: a copy begun before the frame was, or a base put back from before it, still finds the bytes."""
GRACE: Final = timedelta(days=1)
"""Bytes that were deposited again less than this ago stay: the row that names them may not be written yet."""
_sendings: Any = Transmission.__table__


@dataclass(frozen=True)
class Settled:
    """A sending that was acknowledged long enough ago, and where its parcel's bytes are."""

    id: int
    collectivity_id: int
    folder_id: int
    sha256: str
    state: str
    ended_at: datetime


@dataclass
class Tally:
    """How many parcels were let go and their bytes, how many wait for it, how many stay for good, how many are damaged."""

    light: int = 0
    size: int = 0
    framed: int = 0
    whole: int = 0
    damaged: int = 0

    def add(self, state: str, size: int) -> None:
        """Count one."""
        if state == LIGHT:
            self.light, self.size = self.light + 1, self.size + size
        elif state == FRAMED:
            self.framed += 1
        elif state == WHOLE:
            self.whole += 1
        else:
            self.damaged += 1


class Watch:
    """What the watchdog calls: once a day all that is due is looked at, some seconds of each minute."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._began: datetime | None = None
        self._going: Iterator[tuple[str, int]] | None = None
        self._tally = Tally()

    def __call__(self) -> None:
        """Look for some seconds; nothing when parcels are kept for ever."""
        if not self._days or not self._due():
            return
        until = monotonic() + SECONDS
        going, self._going = self._going, None  # one that fails is begun anew: what was done is done
        for state, size in going or ():
            self._tally.add(state, size)
            if monotonic() > until:
                self._going = going
                return
        if any(vars(self._tally).values()):
            log.info("parcels.lightened", **vars(self._tally))
        self._began = now()

    def _due(self) -> bool:
        if self._going is None:
            if self._began is not None and abs(now() - self._began) < EVERY:
                return False
            self._going, self._tally = looked_at(self._days), Tally()
        return True


def lighten(days: int) -> Tally:
    """Look at all that is due now, without waiting."""
    tally = Tally()
    for state, size in looked_at(days):
        tally.add(state, size)
    return tally


def looked_at(days: int) -> Iterator[tuple[str, int]]:
    """Look at each parcel whose sending was acknowledged so many days ago: where its bytes are then, and their size.

    A batch is in memory at a time, and no connection is held while a parcel is looked at.
    """
    limit, after = now() - timedelta(days=days), None
    while batch := _batch(limit, after):
        damaged = _damaged(batch)
        for settled in batch:
            state, size = _look(settled)
            if (not state) is not (settled.id in damaged):
                _note(settled.id, damaged=not state)
            yield state, size
        after = batch[-1]


def count_damaged(db: Db) -> tuple[int, datetime | None]:
    """How many parcels the last looks saw damaged, and since when the first of them is."""
    damages = sa.select(sa.func.count(), sa.func.min(ParcelDamage.seen_at))
    count, since = db.execute(damages).one()
    return count, since


def _damaged(batch: list[Settled]) -> set[int]:
    """Those of a batch that a former look saw damaged."""
    numbers = [settled.id for settled in batch]
    with reading() as db:
        known = sa.select(ParcelDamage.transmission_id).where(ParcelDamage.transmission_id.in_(numbers))
        return set(db.scalars(known))


@use_case
def _note(db: Db, number: int, *, damaged: bool) -> None:
    """Write that a parcel is damaged, once, or that it is so no more."""
    sending = db.get_one(Transmission, number, with_for_update=True)
    row = db.get(ParcelDamage, number)
    if damaged and row is None:
        town = sending.collectivity_id
        db.add(ParcelDamage(transmission_id=number, collectivity_id=town, seen_at=now()))
    elif row is not None and not damaged:
        db.delete(row)


def _batch(limit: datetime, after: Settled | None) -> list[Settled]:
    columns = _sendings.c
    query = sa.select(
        columns.id,
        columns.collectivity_id,
        columns.folder_id,
        columns.package_sha256,
        columns.parcel,
        columns.ended_at,
    ).where(sa.text(TO_LIGHTEN), columns.ended_at < limit)
    if after is not None:
        later = sa.and_(columns.ended_at == after.ended_at, columns.id > after.id)
        query = query.where(sa.or_(columns.ended_at > after.ended_at, later))
    with reading() as db:
        return [
            Settled(*row) for row in db.execute(query.order_by(columns.ended_at, columns.id).limit(BATCH))
        ]


def _look(settled: Settled) -> tuple[str, int]:
    try:
        return _let_go(settled) if settled.state == FRAMED else (_frame(settled), 0)
    except Refusal as refusal:
        if refusal.key not in DAMAGED:
            raise
        # It may be put right from a backup: it is looked at again the next day, and what there is stays until then
        digest = refusal.facts.get("sha256")
        log.warning("parcel.damaged", transmission=settled.id, why=refusal.key, sha256=digest)
    except (
        ValueError
    ) as fault:  # of a frame that was altered in the base: the others are not kept waiting for it
        log.warning("parcel.damaged", transmission=settled.id, why=repr(fault), sha256=settled.sha256)
    return "", 0


def _frame(settled: Settled) -> str:
    """Write the frame of a parcel that was made again from it; where the parcel stays for good, that."""
    with reading(settled.collectivity_id) as db:
        known = journal_tells(db, settled.folder_id, settled.sha256)
        other = digests.named_beside(db, settled.sha256, Transmission.__tablename__, settled.id)
        query = sa.select(DocumentVersion.sha256).join(Document, Document.id == DocumentVersion.document_id)
        versions = set(db.scalars(query.where(Document.folder_id == settled.folder_id)))
    frame = _read_frame(settled, versions) if known and not other else None
    if frame is None or weighed(frame, settled.collectivity_id)[0] != settled.sha256:
        return _mark(settled.id, "", WHOLE)
    return _write_frame(settled.id, frame)


def _read_frame(settled: Settled, versions: set[str]) -> Frame | None:
    with TemporaryDirectory(prefix="paraphe-frame-") as room:
        parcel = Path(room) / "parcel"
        vault.store().fetch(vault.scope(settled.collectivity_id), settled.sha256, parcel)
        return frame_of(parcel, versions, Path(room))


def _let_go(settled: Settled) -> tuple[str, int]:
    """Make the parcel again from what is written, then let its bytes go; it stays where it is not the same, or named."""
    with reading(settled.collectivity_id) as db:
        row, frame = db.get(ParcelFrame, settled.id), frame_in(db, settled.id)
        other = digests.named_beside(db, settled.sha256, Transmission.__tablename__, settled.id)
    if row is None or frame is None:  # taken out of the base: nothing gives the parcel but its own bytes
        return _mark(settled.id, FRAMED, WHOLE), 0
    if now() - row.made_at < LATER:
        return FRAMED, 0
    store, scope = vault.store(), vault.scope(settled.collectivity_id)
    remade, size = weighed(frame, settled.collectivity_id)
    if remade != settled.sha256 or other:
        if store.exists(scope, settled.sha256):
            return _mark(settled.id, FRAMED, WHOLE), 0
        raise Refusal("file-missing", sha256=settled.sha256)
    store.forget(scope, settled.sha256, now(), GRACE)
    if store.exists(scope, settled.sha256):
        return FRAMED, 0
    return _mark(settled.id, FRAMED, LIGHT), size


@use_case
def _write_frame(db: Db, number: int, frame: Frame) -> str:
    """Keep the frame, once: what another worker wrote stays. Returns where the bytes are."""
    row = db.get_one(Transmission, number, with_for_update=True)
    if not row.parcel:
        row.parcel = FRAMED
        db.add(
            ParcelFrame(
                transmission_id=number,
                collectivity_id=row.collectivity_id,
                wrap=frame.wrap,
                parts=list(frame.parts),
                around=frame.around,
                made_at=now(),
            )
        )
    return row.parcel


@use_case
def _mark(db: Db, number: int, before: str, state: str) -> str:
    """Write where the bytes are, unless another worker has meanwhile; a frame that was written stays."""
    row = db.get_one(Transmission, number, with_for_update=True)
    if row.parcel == before:
        row.parcel = state
    return row.parcel
