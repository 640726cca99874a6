"""Signing the folders of a batch at the trust service: gathered first, so that one accord covers all that the service takes.

The accord pins the very hashes of these folders (`CscKey.challenges`). What the service answers is kept in the transaction
that gives each folder its signatures: a process killed afterwards asks nobody again, the worker embeds what is here.
"""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from pydantic import SecretStr

from app.batches.gesture import mine
from app.batches.models import BatchItem
from app.batches.signatures import PART, Answer, prepare_next, receive_in
from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.people.actor import Actor
from app.signing import copies, setting
from app.signing.keys.csc import CscKey
from app.signing.models import RemoteRequest, SignatureSession
from app.signing.remote import pending, signing, waiting
from app.signing.remote.mine import Linked, own
from app.signing.remote.pending import Authorisation
from app.signing.session import unpack


@dataclass(frozen=True)
class Gathered:
    """How far the gathering is: `ready` folders wait for one `accord`, asked once it covers all that it can.

    `over`: nothing waits for an accord any more. `busy`: the service is answering another request of this batch.
    """

    ready: int = 0
    accord: Authorisation | None = None
    over: bool = False
    busy: bool = False


def key_of(actor: Actor, key_id: int) -> tuple[Linked, CscKey]:
    """One's own credential as the service has it now; refuses what `mine.own` and `signing.opened` refuse."""
    linked = own(actor, key_id, setting.remote_service().url)
    return linked, signing.opened(linked.credential, linked.certificate)


def gather(actor: Actor, batch_id: int, holder: str, key_id: int) -> Gathered:
    """Prepare the next folders for the page that holds the batch; when one accord can cover no more, ask for it.

    Refuses what `prepare_next` refuses, and a credential that signs without asking anybody (`csc-credential-unguarded`).
    """
    linked, key = key_of(actor, key_id)
    if not key.wants:
        raise Refusal("csc-credential-unguarded")
    if _answering(actor, batch_id, holder):
        return Gathered(busy=True)
    room = key.most - sum(len(hashes) for _, hashes in _ready(actor, batch_id))
    if room > 0 and _prepared(actor, batch_id, holder, key, min(PART, room)):
        ready = _ready(actor, batch_id)
        if sum(len(hashes) for _, hashes in ready) < key.most:
            return Gathered(len(ready))
    ready = _ready(actor, batch_id)
    if not ready:
        return Gathered(over=True)
    accord = pending.open_request(
        actor,
        linked.credential,
        linked.certificate,
        key.challenges([digest for _, hashes in ready for digest in hashes]),
        batch_id=batch_id,
        parts=[(session, len(hashes)) for session, hashes in ready],
    )
    return Gathered(len(ready), accord)


def _prepared(actor: Actor, batch_id: int, holder: str, key: CscKey, most: int) -> bool:
    """Whether more folders were prepared; where no more copies may wait, those that do are asked for first."""
    try:
        return bool(prepare_next(actor, batch_id, holder, key, most=most, anew=False))
    except Refusal as refusal:
        if not refusal.key.startswith(copies.REFUSED) or not _ready(actor, batch_id):
            raise
        return False


def answer(
    actor: Actor, batch_id: int, request: str, *, pin: SecretStr | None = None, otp: SecretStr | None = None
) -> Authorisation:
    """Pass the codes on for a request of this batch; says what is asked next (`signing.answer`)."""
    with reading(actor.collectivity_id) as db:
        mine(db, actor, batch_id)
    row = pending.take(actor, request=request, batch_id=batch_id)
    return _pass_on(actor, row, pin=pin, otp=otp)


def come_back(actor: Actor, row: RemoteRequest, code: SecretStr) -> None:
    """Pass on the code that the service's page gave back; the page that held the batch is gone (`signing.answer`)."""
    with reading(actor.collectivity_id) as db:
        holder = mine(db, actor, int(row.batch_id or 0)).holder
    _pass_on(actor, row, code=code)
    _let_go(actor, int(row.batch_id or 0), holder)


def _pass_on(actor: Actor, row: RemoteRequest, **codes: SecretStr | None) -> Authorisation:
    """Have the service sign, unless another page has prepared the same folders anew meanwhile (`batch-elsewhere`)."""
    with reading(actor.collectivity_id) as db:
        sessions = [session for session, _ in row.parts or []]
        query = sa.select(sa.func.count()).where(
            BatchItem.signature_session.in_(sessions), BatchItem.state.in_(["prepared", "signed", "done"])
        )
        still = db.scalar(query)
    if still != len(sessions):
        pending.end(row.id, "failed")
        raise Refusal("batch-elsewhere")
    return signing.answer(row, lambda name, signatures: _keep(actor, name, signatures), **codes)


@use_case
def _keep(db: Db, actor: Actor, request: str, signatures: Sequence[bytes]) -> Authorisation:
    """Keep what the service signed, and give every folder whose signatures are all here to the worker."""
    batch_id = db.get_one(RemoteRequest, request).batch_id
    batch = mine(db, actor, int(batch_id or 0), lock=True)
    accord = pending.keep_in(db, request, signatures)
    row = db.get_one(RemoteRequest, request)
    receive_in(db, actor, batch, _answers(db, row))
    if not row.challenges:
        row.status = "done"
    return accord


def _answers(db: Db, row: RemoteRequest) -> list[Answer]:
    """The folders of a request whose signatures are all here; one that was received before is left by `receive_in`."""
    signed, answers, start = [b64decode(text) for text in row.signatures], [], 0
    query = sa.select(BatchItem).where(BatchItem.batch_id == row.batch_id)
    items = {item.signature_session: item.id for item in db.scalars(query)}
    for session, count in row.parts or []:
        signatures = signed[start : start + count]
        start += count
        if len(signatures) == count and session in items:
            answers.append(Answer(items[session], session, signatures))
    return answers


@use_case
def _let_go(db: Db, actor: Actor, batch_id: int, holder: str | None) -> None:
    batch = mine(db, actor, batch_id, lock=True)
    if batch.holder == holder:  # else another page has taken it up meanwhile
        batch.holder = None


@use_case
def _answering(db: Db, actor: Actor, batch_id: int, holder: str) -> bool:
    """Whether the service is being asked for this batch at this moment, or was a moment ago by a process that died.

    If not, what is prepared and can no longer be received waits again: its session expired, or is of an earlier login, or
    was prepared in other words than the page shows that holds the batch.
    Refuses a page that holds the batch no more (`batch-elsewhere`).
    """
    batch = mine(db, actor, batch_id, lock=True)
    if batch.ended_at is None and (batch.holder is None or batch.holder != holder):
        raise Refusal("batch-elsewhere")
    if waiting.in_hand(db, batch_id):
        return True
    # A page that took the batch up since may have shown other words than those in which it was prepared
    worded = sa.and_(
        sa.or_(BatchItem.wording.is_(None), SignatureSession.capacity == BatchItem.wording),
        sa.or_(
            BatchItem.absent.is_(None),
            SignatureSession.absent.is_(None),
            SignatureSession.absent == BatchItem.absent,
        ),
    )
    usable = sa.select(SignatureSession.id).where(
        worded,
        SignatureSession.user_id == actor.user_id,
        SignatureSession.login_session_id.is_not_distinct_from(actor.session_id),
        SignatureSession.state == "prepared",
        SignatureSession.expires_at > now(),
    )
    strays = sa.update(BatchItem).where(
        BatchItem.batch_id == batch_id,
        BatchItem.state == "prepared",
        BatchItem.signature_session.not_in(usable),
    )
    again = strays.values(state="waiting", signature_session=None)
    db.execute(again.execution_options(synchronize_session=False))
    return False


def _ready(actor: Actor, batch_id: int) -> list[tuple[str, list[bytes]]]:
    """What is prepared in the order of the list: each folder's session, and the hashes that it waits for."""
    query = (
        sa.select(SignatureSession)
        .join(BatchItem, BatchItem.signature_session == SignatureSession.id)
        .where(
            BatchItem.batch_id == batch_id,
            BatchItem.state == "prepared",
            SignatureSession.user_id == actor.user_id,
        )
        .order_by(BatchItem.position)
    )
    with reading(actor.collectivity_id) as db:
        return [(row.id, signing.hashes_of(unpack(row))) for row in db.scalars(query)]
