"""Once a day, take away what no longer serves: links and sessions that have ended, files that no row names, old addresses.

Only what is over goes, and well after its end: whatever is under way is younger than what is swept. Done again, it finds
nothing. Letters and sendings stay in the outbox, and every line in the journal; addresses go after their own delay, in the
journal by a line that says so (decision 0025).
"""

import os
import re
import shutil
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from app.batches.models import Batch
from app.core import digests, heartbeat, outbox
from app.core.clock import now
from app.core.db import Base, Db, reading
from app.core.outbox import Outbox
from app.core.transaction import use_case
from app.files import vault
from app.folders import carried
from app.folders.once import DepositKey, PostedForm
from app.journal.erasing import believed, erase_old, waits
from app.journal.origins import KEPT_APART
from app.people.models import Challenge, Collectivity, LoginSession, PasswordReset
from app.signing import copies
from app.signing.models import RemoteRequest, SignatureSession

log = structlog.get_logger()
EVERY = timedelta(days=1)
WHOLE = timedelta(days=7)
"""How often the worker reads the whole base, where files are left that no index names."""
BATCH = 1_000
"""Files, or rows, that are looked at together."""
MOST = 20_000
"""Files that no index names, at most, that one sweep looks for; the others wait for the next."""
OVER = timedelta(days=1)
"""How long a session or a link that has ended is still kept."""
LETTERS = 5000
"""Letters whose address goes in one sweep; the rest waits for the next day's."""
KEYS = timedelta(days=30)
"""How long the key of a deposit by API still answers with its folder."""
DONE = timedelta(days=30)
"""How long what was done of background work that serves nobody any more is still kept."""
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True)
class Swept:
    """What was taken away, by kind; `size` is that of the documents, in bytes; `doubtful` ones were left."""

    half_written: int
    rooms: int
    documents: int
    size: int
    doubtful: int
    signatures: int
    logins: int
    links: int
    keys: int
    addresses: int
    done: int


def sweep(days: int, addresses: int, *, whole: bool = True) -> Swept:
    """Take away what is over; documents that no row names only after so many days, and never when that is 0.

    `whole`: read the whole base for those that no index names; else they wait.
    `addresses`: after how many days an address goes, from the journal and beside; never when that is 0,
    nor while the clock is not to be believed.
    """
    moment = now()
    rows = _rows(moment)
    copies.sweep(moment)
    documents = _documents(moment, timedelta(days=days), whole=whole) if days else (0, 0, 0)
    gone = erase_old(addresses)
    if addresses and believed(addresses):
        _places(moment - timedelta(days=addresses))
    for why in waits(addresses, heartbeat.last(heartbeat.SWEEP)):
        log.warning("sweep.addresses_wait", why=why)
    half_written, rooms = vault.store().sweep(moment), _rooms_left(moment - OVER)
    return Swept(half_written, rooms, *documents, *rows, gone, _done(moment - DONE))


def _rooms_left(before: datetime) -> int:
    """Rooms that a process left among the temporary files when it was killed: documents lie there, that nothing waits for.

    Those of this account alone, in which nothing was made or moved since.
    """
    gone = 0
    for room in Path(tempfile.gettempdir()).glob("paraphe-*"):
        with suppress(OSError):
            status = room.lstat()
            ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
            if ours and status.st_mtime < before.timestamp():
                shutil.rmtree(room)
                gone += 1
    return gone


def _done(before: datetime) -> int:
    """What was done of background work that leaves no trace elsewhere: rounds of fetching, looks at what is deposited."""
    with reading() as db:
        everybody = list(db.scalars(sa.select(Collectivity.id)))
    gone = 0
    for collectivity_id in everybody:
        while went := outbox.forget_done(collectivity_id, before, BATCH):
            gone += went
    return gone


@use_case
def _places(db: Db, before: datetime) -> None:
    """From where a signature was made, a batch taken up, or what a letter tells, long ago: as in the journal."""
    for model in (SignatureSession, Batch):
        old = sa.update(model).where(model.created_at < before, model.address != "").values(address="")
        db.execute(old.execution_options(synchronize_session=False))
    query = (
        sa.select(Outbox.id, Outbox.payload)
        .where(Outbox.kind == "mail", Outbox.created_at < before)
        .where(Outbox.payload["address"].as_string() != "")
        .order_by(Outbox.id)
        .limit(LETTERS)
    )
    for number, payload in db.execute(query).all():
        left = {**payload, **{name: "" for name in KEPT_APART if name in payload}}
        letter = sa.update(Outbox).where(Outbox.id == number).values(payload=left)
        db.execute(letter.execution_options(synchronize_session=False))


@use_case
def _rows(db: Db, moment: datetime) -> tuple[int, int, int, int]:
    """Signatures prepared and never made, sessions and links that have ended, keys of deposits that were long ago.

    What was asked of the trust service goes with them, uncounted: nobody is told of it but who asked.
    """
    over = moment - OVER
    # One that was made is what its author's browser may still ask about.
    ended = sa.delete(SignatureSession).where(
        SignatureSession.state != "done", SignatureSession.expires_at < over
    )
    requests = sa.delete(RemoteRequest).where(RemoteRequest.expires_at < over)
    db.execute(requests.execution_options(synchronize_session=False))
    # The questions first: they name their session
    questions = sa.delete(Challenge).where(Challenge.expires_at < moment)
    db.execute(questions.execution_options(synchronize_session=False))
    # What was taken along before the sessions that took it, for the same reason: its day is shorter than their wait
    db.execute(carried.forgotten(moment).execution_options(synchronize_session=False))
    logins = sa.delete(LoginSession).where(
        sa.or_(LoginSession.expires_at < over, LoginSession.revoked_at < over)
    )
    links = sa.delete(PasswordReset).where(PasswordReset.expires_at < over)
    keys = sa.delete(DepositKey).where(DepositKey.created_at < moment - KEYS)
    forms = sa.delete(PostedForm).where(PostedForm.created_at < moment - KEYS)
    signatures, logged, sent, deposited, posted = (
        len(db.execute(query.returning(sa.literal(1)).execution_options(synchronize_session=False)).all())
        for query in (ended, logins, links, keys, forms)
    )
    return signatures, logged, sent, deposited + posted


def _documents(moment: datetime, age: timedelta, *, whole: bool) -> tuple[int, int, int]:
    """Files of the store that are old and that no row names: how many went, their bytes, and how many were left in doubt.

    They are listed by batches, of which the indexes of digests name nearly all: what a sweep holds in memory does not
    follow what the store holds. What is left is looked for in everything that is written, when `whole`.

    The order is the proof: the old ones are listed, then every row is read, and a file that was deposited again since
    is no longer old. A file just stored, whose row is not yet written, is younger than any transaction.
    """
    old = (entry for entry in vault.store().old(moment, age) if not vault.waits(entry[0]))
    every, unnamed = Counter[str](), Counter[str]()
    sizes: dict[tuple[str, str], int] = {}
    while batch := list(islice(old, BATCH)):
        every.update(scope for scope, _, _ in batch)
        named = _named_by_index([sha256 for _, sha256, _ in batch])
        for scope, sha256, size in batch:
            if sha256 not in named:
                unnamed[scope] += 1
                if len(sizes) < MOST:
                    sizes[scope, sha256] = size
    if not sizes or not whole:
        return 0, 0, 0
    lost = _written_nowhere({bytes.fromhex(sha256) for _, sha256 in sizes})
    count = size = doubtful = 0
    for scope in unnamed:
        mine = [sha256 for place, sha256 in sizes if place == scope]
        orphans = [digest for digest in mine if bytes.fromhex(digest) in lost]
        if 2 * (len(orphans) + unnamed[scope] - len(mine)) > every[scope]:
            # Crashes leave few: this looks like another base, or one of long ago, put before these documents.
            doubtful += len(orphans)
            continue
        gone = [digest for digest in orphans if vault.store().forget(scope, digest, moment, age)]
        count, size = count + len(gone), size + sum(sizes[scope, digest] for digest in gone)
    return count, size, doubtful


def _named_by_index(listed: Sequence[str]) -> frozenset[str]:
    """Those of these digests that a column of digests holds, as its index answers."""
    with reading() as db:
        _one_moment(db)
        return digests.named(db, listed)


def _written_nowhere(listed: set[bytes]) -> set[bytes]:
    """Those of these digests that no row has, whatever the table and the column: a slice to come is covered as well."""
    left = set(listed)
    with reading() as db:
        _one_moment(db)
        for table in Base.metadata.sorted_tables:
            columns = [column for column in table.columns if _may_name(column)]
            if not columns or not left:
                continue
            # As text: a digest is found at any depth of a JSON value.
            texts = [sa.cast(column, sa.Text) for column in columns]
            rows = db.connection().execution_options(stream_results=True).execute(sa.select(*texts))
            for row in rows.yield_per(BATCH):
                left.difference_update(
                    bytes.fromhex(digest) for digest in _DIGEST.findall(" ".join(filter(None, row)))
                )
    return left


def _one_moment(db: Db) -> None:
    """Read one moment of the base, in which a name that goes from a row to another is never missed; SQLite does anyway."""
    if db.get_bind().dialect.name == "postgresql":
        db.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def _may_name(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, sa.String | sa.JSON)


def watch(days: int, addresses: int, *beside: Callable[[], None]) -> Callable[[], None]:
    """The watchdog's round in a worker: what the outbox asks each minute, what is `beside`, and the sweep once a day."""

    def round_() -> None:
        outbox.watch()
        for job in beside:
            job()
        last = heartbeat.last(heartbeat.SWEEP)
        if (
            last is not None and abs(now() - last) < EVERY
        ):  # one of a day to come is of a clock that was wrong
            return
        heartbeat.beat(heartbeat.SWEEP, now())  # first: a sweep that fails waits for its next day too
        read = heartbeat.last("sweep.whole")
        whole = read is None or abs(now() - read) >= WHOLE
        try:
            log.info("sweep.done", **vars(sweep(days, addresses, whole=whole)))
            if whole:
                heartbeat.beat("sweep.whole", now())
        except Exception as fault:  # noqa: BLE001 - nothing that serves depends on it
            log.warning("sweep.failed", error=repr(fault))

    return round_
