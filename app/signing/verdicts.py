"""The verdicts on documents that we keep: judged once in a process apart, remembered, judged again when trust changes."""

import json
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import vault
from app.people.actor import Actor
from app.signing import setting
from app.signing.examine import OURS, Examined, examine
from app.signing.models import VerdictRecord
from app.signing.verdict import Verdict, dump, load

# Each child takes a processor and up to a gigabyte. Whoever looks at a folder waits for a turn, but not for long: with an
# authority that does not answer, those who wait would take every thread, and nobody could decide any more.
_turns = threading.BoundedSemaphore(2)
WAIT = 3.0  # seconds
# A certificate may be revoked tomorrow; a silent authority may answer in a moment
GOOD_FOR, SILENCE_FOR = timedelta(days=1), timedelta(minutes=10)


@dataclass(frozen=True)
class Remembered:
    """Verdicts judged at `judged_at`; `fresh` while nothing says that they should be judged again."""

    verdicts: tuple[Verdict, ...]
    judged_at: datetime
    fresh: bool


def remembered(db: Db, hashes: Collection[str]) -> Mapping[str, Remembered]:
    """What is known of these bytes (SHA-256), in the collectivity that the session was opened for."""
    if not hashes:
        return {}
    epoch = setting.epoch()
    rows = db.scalars(sa.select(VerdictRecord).where(VerdictRecord.sha256.in_(hashes)))
    return {row.sha256: _read(row, epoch) for row in rows}


def judge_kept(actor: Actor, sha256: str) -> Remembered:
    """Judge kept bytes, unless what is known of them is fresh; refuses what `examine` refuses, and remembers nothing then.

    Refuses `verifier-busy` when no turn came in three seconds. Whoever calls has checked that this actor may read these bytes.
    """
    if (known := _known(actor, sha256)) is not None:
        return known
    if not _turns.acquire(timeout=WAIT):
        raise Refusal("verifier-busy")
    try:
        if (
            known := _known(actor, sha256)
        ) is not None:  # whoever had the turn before may have asked the same
            return known
        epoch, moment = setting.epoch(), now()
        with vault.local(actor.collectivity_id, sha256) as path:
            found = examine(path, setting.whom(), moment, limits=OURS)
        _remember(actor, sha256, epoch, found, moment)
        return Remembered(found.verdicts, moment, fresh=True)
    finally:
        _turns.release()


def _known(actor: Actor, sha256: str) -> Remembered | None:
    with reading(actor.collectivity_id) as db:
        known = remembered(db, [sha256]).get(sha256)
    return known if known is not None and known.fresh else None


@use_case
def _remember(db: Db, actor: Actor, sha256: str, epoch: str, found: Examined, moment: datetime) -> None:
    row = db.scalar(sa.select(VerdictRecord).where(VerdictRecord.sha256 == sha256))
    if row is None:
        row = VerdictRecord(collectivity_id=actor.collectivity_id, sha256=sha256)
        db.add(row)
    row.epoch, row.kind, row.judged_at = epoch, found.kind, moment
    row.verdicts = json.loads(dump(found.verdicts))


def _read(row: VerdictRecord, epoch: str) -> Remembered:
    verdicts = load(json.dumps(row.verdicts))
    limit = SILENCE_FOR if any(one.temporary for one in verdicts) else GOOD_FOR
    # Bytes without a signature will never have one, whatever we believe
    fresh = not verdicts or (row.epoch == epoch and now() - row.judged_at < limit)
    return Remembered(verdicts, row.judged_at, fresh)
