"""What a person is asked to authorise at the trust service, kept while he looks for a code or visits the service's page.

A request belongs to one person in one login session. Of two answers that come at once, one is passed on; each return
of the service's page serves once; what the service signed is kept, so that what fails afterwards asks for no new code.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.security import new_token
from app.core.transaction import use_case
from app.people.actor import Actor
from app.signing import setting
from app.signing.authority import Wording
from app.signing.deferred import WAIT
from app.signing.keys.csc import Challenge
from app.signing.models import RemoteRequest, SignatureSession
from app.signing.remote.waiting import withdraw

UNKNOWN = "Ce retour n’est pas attendu"
BUSY = timedelta(seconds=90)
"""More than one answer takes at the service, or one signature to be embedded: beyond, whoever had it in hand is dead."""


@dataclass(frozen=True)
class Authorisation:
    """What the person does now: give what `wants` names, or authorise on the service's `page`; nothing when all is signed."""

    request: str
    wants: tuple[str, ...] = ()
    page: str = ""


@use_case
def open_request(
    db: Db,
    actor: Actor,
    credential: str,
    certificate: bytes,
    challenges: Sequence[Challenge],
    *,
    folder_id: int | None = None,
    session_id: str | None = None,
    statement: str | None = None,
    box: list[Any] | None = None,
    batch_id: int | None = None,
    parts: Sequence[tuple[str, int]] = (),
) -> Authorisation:
    """Keep what is asked; what was prepared for it waits as long as the request does. A batch asks one thing at a time."""
    moment, name = now(), new_token()
    if batch_id is not None:
        withdraw(db, batch_id)
    ends = moment + timedelta(minutes=setting.remote_minutes())
    row = RemoteRequest(
        id=name,
        collectivity_id=actor.collectivity_id,
        user_id=actor.user_id,
        login_session_id=actor.session_id,
        credential=credential,
        certificate=certificate,
        folder_id=folder_id,
        session_id=session_id,
        batch_id=batch_id,
        parts=[[*part] for part in parts] or None,
        statement=statement,
        box=box,
        signatures=[],
        busy_until=moment,
        status="waiting",
        expires_at=ends,
        created_at=moment,
    )
    authorisation = _await(row, challenges)
    db.add(row)
    sessions = [session_id, *(session for session, _ in parts)]
    query = sa.update(SignatureSession).where(SignatureSession.id.in_(sessions))
    db.execute(query.values(expires_at=ends).execution_options(synchronize_session=False))
    return authorisation


@use_case
def ask_again(db: Db, request: str, challenges: Sequence[Challenge]) -> Authorisation:
    """Put what is left to authorise as the service asks it now, after what was asked first came to nothing."""
    return _await(db.get_one(RemoteRequest, request, with_for_update=True), challenges)


@use_case
def take(
    db: Db,
    actor: Actor,
    *,
    request: str = "",
    state: str = "",
    folder_id: int | None = None,
    batch_id: int | None = None,
) -> RemoteRequest:
    """Take a waiting request, by its name or by the state of a return, to pass its answer on; one answer at a time.

    A state serves once, whatever comes of it. Refuses `csc-request-over` and `csc-return-unknown`: another person's,
    another login session's, another folder's or batch's, answered, being answered, expired.
    """
    moment = now()
    which = (
        RemoteRequest.state == state
        if state
        else sa.and_(
            RemoteRequest.id == request,
            RemoteRequest.folder_id.is_not_distinct_from(folder_id),
            RemoteRequest.batch_id.is_not_distinct_from(batch_id),
            RemoteRequest.state.is_(None),
        )
    )
    taken = db.scalar(
        sa.update(RemoteRequest)
        .where(which, *_his(actor), RemoteRequest.status == "waiting", RemoteRequest.busy_until <= moment)
        .values(busy_until=moment + BUSY, state=None)
        .returning(RemoteRequest)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        if not state:
            raise Refusal("csc-request-over")
        raise Refusal("csc-return-unknown", title=UNKNOWN)
    return taken


@use_case
def keep(db: Db, request: str, signatures: Sequence[bytes]) -> Authorisation:
    """Keep what the service signed, and say what is asked next; nothing when all is signed."""
    return keep_in(db, request, signatures)


def keep_in(db: Db, request: str, signatures: Sequence[bytes]) -> Authorisation:
    """The same in the caller's transaction, which does more with them."""
    row = db.get_one(RemoteRequest, request, with_for_update=True)
    row.signatures = [*row.signatures, *(b64encode(value).decode() for value in signatures)]
    row.busy_until = now()
    authorisation = _await(row, [Challenge.load(challenge) for challenge in row.challenges[1:]])
    if row.status == "held" and row.session_id:
        row.expires_at = now() + WAIT
        query = sa.update(SignatureSession).where(SignatureSession.id == row.session_id)
        db.execute(query.values(expires_at=row.expires_at).execution_options(synchronize_session=False))
    return authorisation


@use_case
def give_back(db: Db, request: str) -> None:
    """Let a taken request be answered again: nothing came of this answer."""
    query = sa.update(RemoteRequest).where(RemoteRequest.id == request)
    db.execute(query.values(busy_until=now()).execution_options(synchronize_session=False))


@use_case
def end(db: Db, request: str, status: str) -> None:
    """Close a request for good: « done » or « failed »."""
    query = sa.update(RemoteRequest).where(RemoteRequest.id == request)
    db.execute(query.values(status=status, state=None).execution_options(synchronize_session=False))


@use_case
def take_up(db: Db, actor: Actor, request: str, folder_id: int) -> RemoteRequest:
    """Take what the service has signed whole, to embed it; it may be taken again once whoever had it is believed dead.

    The service signs once for each authorisation: a silent timestamp authority or a killed process must not cost a
    second one. Its session serves again, and every check is made anew; signing twice stays impossible (`record.record`).
    Refuses `csc-request-over`, and `session-used` while another click is at it.
    """
    moment = now()
    mine = (
        RemoteRequest.id == request,
        RemoteRequest.folder_id == folder_id,
        RemoteRequest.status == "held",
        *_his(actor),
    )
    taken = db.scalar(
        sa.update(RemoteRequest)
        .where(*mine, RemoteRequest.busy_until <= moment)
        .values(busy_until=moment + BUSY)
        .returning(RemoteRequest)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        known = db.scalar(sa.select(RemoteRequest.id).where(*mine))
        raise Refusal("csc-request-over" if known is None else "session-used")
    query = sa.update(SignatureSession).where(
        SignatureSession.id == taken.session_id, SignatureSession.state.in_(["claimed", "failed"])
    )
    db.execute(query.values(state="prepared").execution_options(synchronize_session=False))
    return taken


def begun(
    actor: Actor,
    folder_id: int,
    version: int,
    credential: str,
    box: list[Any] | None,
    mandate: int | None,
    shown: Wording | None,
) -> RemoteRequest | None:
    """The request of this person, on the folder as it stands, that the service has signed whole or in part.

    `shown`: in these words alone; None for any. Refuses `csc-at-work` while its signature is being embedded, or its answer
    passed on.
    """
    # Of a session opened before this was kept, nothing is compared
    absent = sa.func.coalesce(SignatureSession.absent, shown.absent if shown is not None else "") == (
        shown.absent if shown is not None else ""
    )
    query = (
        sa.select(RemoteRequest)
        .join(SignatureSession, SignatureSession.id == RemoteRequest.session_id)
        .where(
            RemoteRequest.folder_id == folder_id,
            RemoteRequest.credential == credential,
            RemoteRequest.status.in_(["waiting", "held"]),
            SignatureSession.state != "done",
            SignatureSession.folder_version == version,
            *([SignatureSession.mandate_id == mandate] if mandate is not None else []),
            *([SignatureSession.capacity == shown.capacity, absent] if shown is not None else []),
            *_his(actor),
        )
        .order_by(RemoteRequest.created_at.desc())
    )
    with reading(actor.collectivity_id) as db:
        rows = list(db.scalars(query))
    begun_request = next((row for row in rows if row.signatures and row.box == box), None)
    if begun_request is not None and begun_request.busy_until > now():
        raise Refusal("csc-at-work")
    return begun_request


def may_go_on(actor: Actor, request: str) -> bool:
    """Whether a request that failed goes on where it stands, because the service has signed some of it."""
    with reading(actor.collectivity_id) as db:
        query = sa.select(RemoteRequest).where(
            RemoteRequest.id == request, RemoteRequest.status.in_(["waiting", "held"]), *_his(actor)
        )
        row = db.scalar(query)
    return row is not None and bool(row.signatures)


def request_of(actor: Actor, request: str) -> RemoteRequest | None:
    """A request of this person, whatever became of it."""
    with reading(actor.collectivity_id) as db:
        query = sa.select(RemoteRequest).where(
            RemoteRequest.id == request, RemoteRequest.user_id == actor.user_id
        )
        return db.scalar(query)


def _await(row: RemoteRequest, challenges: Sequence[Challenge]) -> Authorisation:
    """Wait for the first of these challenges."""
    row.challenges = [challenge.dump() for challenge in challenges]
    if not challenges:
        row.status, row.state = "held", None
        return Authorisation(row.id)
    first = challenges[0]
    row.status, row.state = "waiting", first.state or None
    return Authorisation(row.id, first.wants, first.page)


def _his(actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        RemoteRequest.collectivity_id == actor.collectivity_id,
        RemoteRequest.user_id == actor.user_id,
        RemoteRequest.login_session_id == actor.session_id,
        RemoteRequest.expires_at > now(),
    )
