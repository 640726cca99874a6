"""The verdicts on documents that we keep: judged once in a process apart, remembered, judged again when trust changes."""

import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.transaction import use_case
from app.files import vault
from app.people.actor import Actor
from app.trust import authorities
from app.verification.examine import OURS, Examined, examine
from app.verification.models import VerdictRecord
from app.verification.slots import place
from app.verification.verdict import Verdict, dump, load

WAIT = 3.0  # seconds that somebody who looks at a folder waits for a place
# A certificate may be revoked tomorrow; a silent authority may answer in a moment
GOOD_FOR, SILENCE_FOR = timedelta(days=1), timedelta(minutes=10)


@dataclass(frozen=True)
class Remembered:
    """Verdicts judged at `judged_at`; `fresh` while nothing says that they should be judged again."""

    verdicts: tuple[Verdict, ...]
    judged_at: datetime
    fresh: bool


def key_of(sha256: str, content: str | None = None) -> str:
    """What verdicts are remembered by: the file's SHA-256, or both hashes when it signs a content beside it."""
    return sha256 if content is None else hashlib.sha256(f"{sha256} {content}".encode()).hexdigest()


def remembered(db: Db, keys: Collection[str]) -> Mapping[str, Remembered]:
    """What is known by these keys (`key_of`), in the collectivity that the session was opened for."""
    if not keys:
        return {}
    epoch = authorities.epoch()
    rows = db.scalars(sa.select(VerdictRecord).where(VerdictRecord.sha256.in_(keys)))
    return {row.sha256: _read(row, epoch) for row in rows}


def judge_kept(actor: Actor, sha256: str, content: str | None = None) -> Remembered:
    """Judge kept bytes, unless what is known of them is fresh; `content`: SHA-256 of the file that they sign, beside them.

    Refuses what `examine` refuses, and remembers nothing then; refuses `verifier-busy` when no place came free in three
    seconds, or when somebody waits already. Whoever calls has checked that this actor may read both.
    """
    key = key_of(sha256, content)
    if (known := _known(actor, key)) is not None:
        return known
    with place(wait=WAIT), ExitStack() as opened:
        if (known := _known(actor, key)) is not None:  # whoever had the place before may have asked the same
            return known
        epoch, moment = authorities.epoch(), now()
        collectivity_id = actor.collectivity_id
        path = opened.enter_context(vault.local(collectivity_id, sha256))
        beside = opened.enter_context(vault.local(collectivity_id, content)) if content is not None else None
        examined = examine(path, authorities.whom(), moment, beside, limits=OURS)
        if authorities.epoch() == epoch:
            # What this file itself teaches, its verdicts were already judged by: they hold in the epoch that follows
            authorities.remember(examined.authorities)
            epoch = authorities.epoch()
        _remember(actor, key, epoch, examined, moment)
        return Remembered(examined.verdicts, moment, fresh=True)


def _known(actor: Actor, key: str) -> Remembered | None:
    with reading(actor.collectivity_id) as db:
        known = remembered(db, [key]).get(key)
    return known if known is not None and known.fresh else None


@use_case
def _remember(db: Db, actor: Actor, key: str, epoch: str, examined: Examined, moment: datetime) -> None:
    row = db.scalar(sa.select(VerdictRecord).where(VerdictRecord.sha256 == key))
    if row is None:
        row = VerdictRecord(collectivity_id=actor.collectivity_id, sha256=key)
        db.add(row)
    row.epoch, row.kind, row.judged_at = epoch, examined.kind, moment
    row.verdicts = json.loads(dump(examined.verdicts))


def _read(row: VerdictRecord, epoch: str) -> Remembered:
    verdicts = load(json.dumps(row.verdicts))
    limit = SILENCE_FOR if any(verdict.temporary for verdict in verdicts) else GOOD_FOR
    # Bytes without a signature will never have one, whatever we believe
    fresh = not verdicts or (row.epoch == epoch and now() - row.judged_at < limit)
    return Remembered(verdicts, row.judged_at, fresh)
