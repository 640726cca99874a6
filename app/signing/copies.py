"""Prepared copies: the bytes that wait for a key, how many may wait, and their end.

They lie in a part of the store of their own (`vault.waiting`), which sessions alone name: nothing that was deposited or
signed is ever looked at to remove one. A row loses the name of its copy after the copy is gone, so that a kill in
between is made good at the next round.
"""

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.questions import once
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import vault
from app.people.actor import Actor
from app.signing import setting
from app.signing.models import RemoteRequest, SignatureSession

REFUSED = "prepared-too-many"
"""How the keys of these refusals begin; they end by whose the copies are."""
MOST = 1000
"""Copies that one person may have waiting: two batches of the largest size."""
GRACE = timedelta(minutes=2)
"""How long after its end a copy stays: more than a page takes from its last click to the reading of these bytes."""
UNNAMED = timedelta(days=1)
"""How long a copy without a session is left: no preparation lasts so long."""
A_ROUND = 500
_sessions: Any = SignatureSession.__table__
_requests: Any = RemoteRequest.__table__
_own, _size = _sessions.c.user_id == sa.bindparam("user"), sa.func.coalesce(_sessions.c.prepared_size, 0)
_near = sa.and_(_sessions.c.address == sa.bindparam("address"), _sessions.c.address != "")
_waiting = sa.select(
    *(
        sa.func.coalesce(sa.func.sum(sa.case((which, amount), else_=0)), 0)
        for which, amount in ((_own, 1), (_own, _size), (_near, _size), (sa.true(), _size))
    )
).where(_sessions.c.prepared_sha256 != "")


def refuse_more(db: Db, actor: Actor) -> None:
    """Refuse to prepare one more where too many wait already: of this person, from this address, in the house.

    Counted when a preparation begins, once for those of a batch that begin together, so that those that begin at once may
    exceed a cap by one copy each. Refuses
    `prepared-too-many-person`, `-address` and `-house`; the house's own seal keeps no copy and is not counted.
    """
    if actor.user_id is None:
        return
    who = {"user": actor.user_id, "address": actor.address}
    count, person, address, house = once(
        db, ("copies that wait", *who.values()), lambda: db.execute(_waiting, who).one()
    )
    most = setting.prepared_limits()
    full = (
        ("prepared-too-many-person", count >= MOST or person >= most.person),
        ("prepared-too-many-address", address >= most.address),
        ("prepared-too-many-house", house >= most.house),
    )
    for key, reached in full:
        if reached:
            raise Refusal(key, minutes=setting.minutes() + 3)


def end(db: Db, session: str) -> None:
    """Nobody will take this session again, in the caller's transaction: its copy goes at the next round."""
    query = sa.update(SignatureSession).where(
        SignatureSession.id == session, SignatureSession.state != "done"
    )
    values = {"state": "failed", "expires_at": now(), "batch_id": None}
    db.execute(query.values(values).execution_options(synchronize_session=False))


def let_go() -> int:
    """Once a minute in the worker: remove the copies of what is signed, failed or expired; returns how many went."""
    moment, gone = now(), 0
    for number, collectivity_id, sha256, apart in _over():
        if apart and not _named_elsewhere(collectivity_id, sha256, number):
            # One that was just put again, for another session, is younger than this and stays for its own end
            if not vault.store().forget(vault.waiting(collectivity_id), sha256, moment, GRACE) and (
                vault.store().exists(vault.waiting(collectivity_id), sha256)
            ):
                continue
            gone += 1
        _unname(number)
    return gone


def round_() -> None:
    """The same, as the watchdog calls it."""
    let_go()


def sweep(moment: datetime) -> int:
    """Remove the copies that no session names, left by a kill before theirs was written; returns how many went."""
    old = ((part, sha256) for part, sha256, _ in vault.store().old(moment, UNNAMED) if vault.waits(part))
    gone = 0
    while batch := list(islice(old, A_ROUND)):
        query = sa.select(_sessions.c.collectivity_id, _sessions.c.prepared_sha256).where(
            sa.text("prepared_sha256 <> ''"), _sessions.c.prepared_sha256.in_([sha256 for _, sha256 in batch])
        )
        with reading() as db:
            named = {(vault.waiting(number), sha256) for number, sha256 in db.execute(query)}
        gone += sum(vault.store().forget(*copy, moment, UNNAMED) for copy in batch if copy not in named)
    return gone


def _over() -> list[tuple[str, int, str, bool]]:
    """The sessions whose copy serves no more; one that failed may still be taken again by a batch or by a request."""
    moment = now()
    awaited = sa.exists().where(
        _requests.c.session_id == _sessions.c.id, _requests.c.status.in_(["waiting", "held"])
    )
    failed = sa.and_(_sessions.c.state == "failed", _sessions.c.batch_id.is_(None), ~awaited)
    over = sa.or_(_sessions.c.state == "done", failed, _sessions.c.expires_at < moment - GRACE)
    query = sa.select(
        _sessions.c.id,
        _sessions.c.collectivity_id,
        _sessions.c.prepared_sha256,
        _sessions.c.prepared_size.is_not(None),
    ).where(_sessions.c.prepared_sha256 != "", over)
    with reading() as db:
        return [tuple(row) for row in db.execute(query.order_by(_sessions.c.expires_at).limit(A_ROUND))]


def _named_elsewhere(collectivity_id: int, sha256: str, session: str) -> bool:
    """Whether another session waits on the same bytes, as two of the same second may."""
    query = sa.select(_sessions.c.id).where(
        _sessions.c.prepared_sha256 == sha256,
        _sessions.c.collectivity_id == collectivity_id,
        _sessions.c.id != session,
    )
    with reading() as db:
        return db.execute(query.limit(1)).first() is not None


@use_case
def _unname(db: Db, session: str) -> None:
    db.execute(sa.update(_sessions).where(_sessions.c.id == session).values(prepared_sha256=""))
