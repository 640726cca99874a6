"""Signing many folders with one key: prepared a few at a time, signed in the page, embedded by the worker."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from app.batches import crew
from app.batches.carry import AGAIN, Order, all_locked, finish, locked, order_of, refuse
from app.batches.gesture import SIGN, mine, row_key
from app.batches.models import Batch, BatchItem
from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import News, Row, post
from app.core.questions import gather, hold
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.documents import main_digests, versions_of
from app.people.actor import Actor
from app.people.identity import factor_named
from app.people.login import returning
from app.signing import copies, deferred, enrol, sign
from app.signing.authority import Wording
from app.signing.models import SignatureSession
from app.signing.ports import ExternalKey, Prepared
from app.trust import authorities
from app.trust.certificates import asking_once, check_certificate

PART = 10
"""Folders prepared at one go: enough to keep the key busy, few enough for the page to move."""
FIRST = 3
"""Folders of the first part: the worker begins on them while the page has the next ones prepared."""
TOGETHER = PART
"""Folders in hand at once: while one waits for its timestamp, the others are worked on."""
SIGNED_AGAIN = frozenset({"session-closed", "signature-too-large"})
"""What has the folder wait for its key once more: by the page that is still open, else by the next one."""
_items: Any = BatchItem.__table__
# Every folder of a batch runs it: built once
_done = (
    sa.update(_items)
    .where(_items.c.id == sa.bindparam("item"), _items.c.state == "signed")
    .values(state="done", changed_at=sa.bindparam("moment"), signatures=None)
)
Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Offer:
    """One folder whose bytes wait for the key: what is to be signed, and the session that will take it back."""

    item_id: int
    session: str
    prepared: Sequence[Prepared]


@dataclass(frozen=True)
class Answer:
    """The signatures that the key made for one folder, in the order of the offer."""

    item_id: int
    session: str
    signatures: Sequence[bytes]


def prepare_next(
    actor: Actor, batch_id: int, holder: str, key: ExternalKey, *, most: int = PART, anew: bool = True
) -> list[Offer]:
    """Prepare the next folders for the page that holds the batch; an empty list when none waits any more.

    `anew`: what was prepared and never answered is prepared again; without, it goes on waiting beside the next ones.

    A folder that may not be signed is refused with its reason and the next ones go on. What is wrong with the
    certificate stops the whole request: nothing would be gained by refusing two hundred folders for it.
    """
    while reserved := _reserve(actor, batch_id, holder, most, anew=anew):
        with asking_once(("prepare", batch_id), authorities.trust()):
            check(actor, key)
            folders = [wanted for _, wanted in reserved]
            items = [item_id for item_id, _ in reserved]
            attach = partial(_attach, actor=actor, batch_id=batch_id, holder=holder, items=items)
            outcomes = sign.prepare_together(actor, folders, key, _together, attach)
        offers = _offered(actor, batch_id, items, outcomes)
        if offers:
            return offers
        with reading(actor.collectivity_id) as db:
            order = order_of(db, batch_id)
        finish(order)
    return []


def check(actor: Actor, key: ExternalKey) -> None:
    """Refuse a certificate that may not sign for this person, before any folder is looked at (`app.trust.certificates`)."""
    with reading(actor.collectivity_id) as db:
        enrolled = enrol.enrolled_of(db, actor.user_id)
    check_certificate(key.certificate, key.chain, trust=authorities.trust(), moment=now(), enrolled=enrolled)


def _offered(
    actor: Actor, batch_id: int, items: Sequence[int], outcomes: Sequence[sign.Ready | Exception]
) -> list[Offer]:
    """What waits for the key; a folder that may not be signed is refused, and what says nothing of it is raised."""
    offers, faults = list[Offer](), list[Exception]()
    for item_id, outcome in zip(items, outcomes, strict=True):
        if isinstance(outcome, sign.Ready):
            offers.append(Offer(item_id, outcome.session, outcome.prepared))
        elif isinstance(outcome, Refusal) and not (outcome.key in AGAIN or _of_every_folder(outcome.key)):
            with reading(actor.collectivity_id) as db:
                order = order_of(db, batch_id)
            refuse(order, item_id, outcome.key, outcome.facts)
        else:
            faults.append(outcome)
    if faults:
        raise faults[0]
    return offers


def _of_every_folder(key: str) -> bool:
    """Whether no folder may be signed now: by what the certificate is (not what a family asks of it), or by the caps."""
    return (
        key == "revocation-unknown"
        or key.startswith(copies.REFUSED)
        or (key.startswith("certificate-") and key != "certificate-wrong-purpose")
    )


@use_case
def _reserve(
    db: Db, actor: Actor, batch_id: int, holder: str, most: int, *, anew: bool
) -> list[tuple[int, sign.Wanted]]:
    """The next items for this page, each with its folder; one that a process died on, before it was prepared, is among them.

    Refuses `batch-factor` where a second factor is asked before signing since the batch was taken up.
    """
    batch = mine(db, actor, batch_id, lock=True)
    if batch.ended_at is not None:
        return []
    if batch.holder is None or batch.holder != holder or batch.kind != "sign":
        raise Refusal("batch-elsewhere")
    batch.seen_at = now()
    prepared = BatchItem.state == "prepared"
    if not anew:
        prepared = sa.and_(prepared, BatchItem.signature_session.is_(None))
    query = sa.select(BatchItem).where(
        BatchItem.batch_id == batch_id, sa.or_(BatchItem.state == "waiting", prepared)
    )
    if anew and not _begun(db, batch_id):
        most = min(most, FIRST)
    items = db.scalars(query.order_by(BatchItem.position).limit(most).with_for_update()).all()
    shown = main_digests(
        db, sa.select(BatchItem.folder_id).where(BatchItem.id.in_([item.id for item in items]))
    )
    if not factor_named(db, actor, shown):
        raise Refusal("batch-factor")
    for item in items:
        item.state, item.signature_session, item.changed_at = "prepared", None, now()
    return [(item.id, sign.Wanted(item.folder_id, item.folder_version, _shown(item))) for item in items]


def _shown(item: BatchItem) -> Wording | None:
    # Of a batch taken up before both were kept, nothing is compared
    return None if item.wording is None or item.absent is None else Wording(item.wording, item.absent)


def _begun(db: Db, batch_id: int) -> bool:
    """Whether the key has signed a folder of this batch."""
    query = sa.select(BatchItem.id).where(
        BatchItem.batch_id == batch_id, BatchItem.state.in_(["signed", "done"])
    )
    return db.scalar(query.limit(1)) is not None


def _attach(
    db: Db,
    sessions: Sequence[str | None],
    *,
    actor: Actor,
    batch_id: int,
    holder: str,
    items: Sequence[int],
) -> None:
    """Note with each item the session that was just opened for it, in the transaction of the sessions.

    Refuses `batch-elsewhere` where another page holds the batch by now: then none of them is kept.
    """
    batch = mine(db, actor, batch_id, lock=True)
    if batch.holder != holder:
        raise Refusal("batch-elsewhere")
    opened = {item: session for item, session in zip(items, sessions, strict=True) if session is not None}
    for item_id, item in all_locked(db, opened, "prepared").items():
        item.signature_session = opened[item_id]


@use_case
def receive(db: Db, actor: Actor, batch_id: int, answers: Sequence[Answer]) -> int:
    """Keep the signatures that a page made, each with its folder, and have the worker embed them; how many were taken.

    The same answer sent twice is taken once. What comes too late, or from a page that holds the batch no more, is left:
    its folder is prepared anew.
    """
    return receive_in(db, actor, mine(db, actor, batch_id, lock=True), answers)


def receive_in(db: Db, actor: Actor, batch: Batch, answers: Sequence[Answer]) -> int:
    """The same in the transaction of a caller who holds the lock of the batch."""
    batch.seen_at = now()
    taken: list[BatchItem] = []
    prepared = all_locked(db, [answer.item_id for answer in answers], "prepared")
    fitting: dict[str, tuple[BatchItem, Answer]] = {}
    for answer in answers:
        item = prepared.get(answer.item_id)
        if item is not None and item.batch_id == batch.id and item.signature_session == answer.session:
            fitting.setdefault(answer.session, (item, answer))
    in_time = deferred.receive(db, actor, list(fitting), batch.id) if fitting else frozenset()
    for item, answer in (fitting[session] for session in fitting if session in in_time):
        item.state, item.changed_at = "signed", now()
        item.signatures = [signature.hex() for signature in answer.signatures]
        taken.append(item)
    if taken:
        first = min(taken, key=lambda item: item.id)
        # With its session: a folder that was put back may be signed again by the same page, in the same turn
        key = f"{row_key(batch, first.id)}-{(first.signature_session or '')[:8]}"
        for item in taken:
            item.carrier = key
        payload = {"batch_id": batch.id, "items": [item.id for item in taken]}
        post(db, batch.collectivity_id, [News(SIGN, key, payload)])
    return len(taken)


def certificate_of(actor: Actor, session: str) -> bytes:
    """The certificate that a session was prepared for; refuses one that is not this person's (`session-used`)."""
    with reading(actor.collectivity_id) as db:
        query = sa.select(SignatureSession.certificate).where(
            SignatureSession.id == session, SignatureSession.user_id == actor.user_id
        )
        certificate = db.scalar(query)
    if certificate is None:
        raise Refusal("session-used")
    return bytes(certificate)


def carry_signatures(row: Row) -> None:
    """Embed, timestamp, check and move what a page signed, a few folders at once; each is tried once more after a kill."""
    with reading(row.collectivity_id) as db:
        order = order_of(db, row.payload["batch_id"])
        crew.call(db, order.batch_id)
        query = sa.select(BatchItem.id, BatchItem.signature_session, BatchItem.signatures).where(
            BatchItem.id.in_(row.payload["items"]),
            BatchItem.state == "signed",
            BatchItem.carrier == row.key,
        )
        waiting = db.execute(query.order_by(BatchItem.position)).all()
    sessions = [row.signature_session for row in waiting if row.signature_session]
    taken = deferred.take(order.collectivity_id, order.user_id, order.batch_id, sessions) if sessions else {}
    received = _read(order, waiting, taken)
    with asking_once(("embed", order.batch_id), authorities.trust()):
        faults = [
            fault for fault in _together(lambda signed: _carry(order, signed), received) if fault is not None
        ]
    finish(order)
    if faults:
        raise faults[0]


@dataclass(frozen=True)
class _Received:
    """What a page signed of one folder: its session, taken for this worker (None: it is over), signatures in hexadecimal."""

    item_id: int
    session: SignatureSession | None
    signatures: Sequence[str]
    actor: Actor | Refusal | None = None
    terms: sign.Terms | Refusal | None = None
    fault: Exception | None = None


def _read(order: Order, waiting: Sequence[Any], taken: Mapping[str, SignatureSession]) -> list[_Received]:
    """What the base says of those that are taken in hand; where it breaks, of each by itself, so that one holds back no other."""
    try:
        with reading(order.collectivity_id) as db:
            gather(db)
            return _received(db, order, waiting, taken)
    except Exception as fault:  # noqa: BLE001 - whatever it is, the others' signatures are theirs
        if len(waiting) == 1:
            (row,) = waiting
            session = taken.get(row.signature_session)
            return [_Received(row.id, session, row.signatures or [], fault=fault)]
    return [received for row in waiting for received in _read(order, [row], _own(row, taken))]


def _own(row: Any, taken: Mapping[str, SignatureSession]) -> dict[str, SignatureSession]:
    """Of the sessions that were taken, that of one folder."""
    session = taken.get(row.signature_session)
    return {} if session is None else {row.signature_session: session}


def _received(
    db: Db, order: Order, waiting: Sequence[Any], taken: Mapping[str, SignatureSession]
) -> list[_Received]:
    """Those that are taken in hand together, with what the base says of each, read at one go before any is dated.

    Each in the name and session of whoever signed it: the batch may have been taken up in another since.
    """
    actors: dict[int | None, Actor | Refusal] = {}
    for login_session_id in {each.login_session_id for each in taken.values()}:
        actors[login_session_id] = _returning(db, order, login_session_id)
    for login_session_id, actor in actors.items():
        if isinstance(actor, Actor):
            own = [each for each in taken.values() if each.login_session_id == login_session_id]
            sign.look_ahead(db, actor, [each.folder_id for each in own])
            hold(db, versions_of(db, [each.version_id for each in own]))
    received = []
    for row in waiting:
        session = taken.get(row.signature_session)
        whose = actors[session.login_session_id] if session is not None else None
        terms = _terms(db, whose, session) if session is not None and isinstance(whose, Actor) else None
        received.append(_Received(row.id, session, row.signatures or [], whose, terms))
    return received


def _returning(db: Db, order: Order, login_session_id: int | None) -> Actor | Refusal:
    try:
        return returning(db, order.user_id, login_session_id, order.address)
    except Refusal as refusal:
        return refusal


def _terms(db: Db, actor: Actor, session: SignatureSession) -> sign.Terms | Refusal:
    try:
        return sign.terms_of(db, actor, session)
    except Refusal as refusal:
        return refusal


def _together(work: Callable[[Given], Made], entries: Iterable[Given]) -> Iterator[Made | Exception]:
    """What each piece of work gave, or why it failed, once all have been tried; they share the answers on revocation."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        running = [pool.submit(copy_context().run, work, entry) for entry in entries]
    for future in running:
        fault = future.exception()
        if fault is None:
            yield future.result()
        elif isinstance(fault, Exception):
            yield fault
        else:
            raise fault


def _carry(order: Order, received: _Received) -> None:
    """One folder to its end, whatever the end; only what says nothing of the folder goes on to be tried again."""
    try:
        _embed(received)
    except Refusal as refusal:
        if refusal.key in AGAIN:
            raise
        if _signed_meanwhile(order, received.item_id):
            note_done(order, received.item_id)
        elif refusal.key in SIGNED_AGAIN:
            put_back(order, received.item_id)
        else:
            refuse(order, received.item_id, refusal.key, refusal.facts)


def _embed(received: _Received) -> None:
    """Complete one signature, in the name and session of whoever made it; its result is in the transaction of its move."""
    session, actor = received.session, received.actor
    if received.fault is not None:
        raise received.fault
    if session is None or actor is None:
        raise Refusal("session-used")
    if isinstance(actor, Refusal):
        raise actor
    assert received.terms is not None  # noqa: S101 - read with the actor
    sign.complete_taken(
        actor,
        session,
        [bytes.fromhex(each) for each in received.signatures],
        terms=received.terms,
        along=lambda db: _note_done(db, received.item_id),
    )


def _signed_meanwhile(order: Order, item_id: int) -> bool:
    """Whether another process that was thought dead has signed it meanwhile."""
    query = (
        sa.select(SignatureSession.state)
        .join(BatchItem, BatchItem.signature_session == SignatureSession.id)
        .where(BatchItem.id == item_id)
    )
    with reading(order.collectivity_id) as db:
        return db.scalar(query) == "done"


@use_case
def note_done(db: Db, order: Order, item_id: int) -> None:
    """Note that a folder is signed, where another process wrote its proof, its version and its move."""
    del order  # gives the collectivity
    _note_done(db, item_id)


def _note_done(db: Db, item_id: int) -> None:
    db.connection().execute(_done, {"item": item_id, "moment": now()})


@use_case
def put_back(db: Db, order: Order, item_id: int) -> None:
    """Let a folder wait again for its key: its session was closed meanwhile, or its time did not fit where it goes."""
    del order  # gives the collectivity
    item = locked(db, item_id, "signed")
    if item is not None:
        copies.end(db, item.signature_session or "")
        item.state, item.changed_at, item.signatures, item.signature_session = "waiting", now(), None, None
