"""Signatures under way: written when they are prepared, claimed once, ended once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files.store import Stored
from app.people.actor import Actor
from app.signing import setting
from app.signing.authority import Authority
from app.signing.context import SigningContext
from app.signing.models import SignatureSession
from app.signing.ports import Prepared
from app.signing.writers import SignerCertificate


def pack(prepared: Sequence[Prepared]) -> list[dict[str, Any]]:
    """What waits for signatures, as a row keeps it: bytes in hexadecimal."""
    return [
        {
            "field": entry.field,
            "attributes": entry.attributes.hex(),
            "digest": entry.digest.hex(),
            "start": entry.start,
            "end": entry.end,
            "algorithm": entry.algorithm,
        }
        for entry in prepared
    ]


def unpack(row: SignatureSession) -> list[Prepared]:
    """What `pack` wrote."""
    return [
        Prepared(
            fields["field"],
            bytes.fromhex(fields["attributes"]),
            bytes.fromhex(fields["digest"]),
            fields["start"],
            fields["end"],
            fields["algorithm"],
        )
        for fields in row.prepared
    ]


@dataclass(frozen=True)
class Opening:
    """A session that is to be written: what was prepared, for whose key; `copy`: the prepared file, None where none is kept."""

    session: str
    folder_id: int
    context: SigningContext
    signer: SignerCertificate
    prepared: Sequence[Prepared]
    copy: Stored | None
    capacity: Authority


@use_case
def save(
    db: Db, actor: Actor, openings: Sequence[Opening], along: Callable[[Db], None] | None = None
) -> None:
    """Write prepared signatures, which live as long as the settings say, and what goes `along`: all or nothing."""
    for opening in openings:
        open_session(db, actor, opening, state="prepared")
    if along is not None:
        along(db)


def open_session(db: Db, actor: Actor, opening: Opening, *, state: str) -> SignatureSession:
    """The session of a signature, in the caller's transaction."""
    moment, context, signer, copy = now(), opening.context, opening.signer, opening.copy
    row = SignatureSession(
        id=opening.session,
        collectivity_id=actor.collectivity_id,
        folder_id=opening.folder_id,
        document_id=context.document_id,
        version_id=context.version_id,
        folder_version=context.folder_version,
        step_run_id=context.step_run_id,
        user_id=actor.user_id,
        login_session_id=actor.session_id,
        field=context.field,
        capacity=opening.capacity.wording,
        absent=opening.capacity.absent,
        mandate_id=opening.capacity.mandate_id,
        certificate=signer.certificate,
        chain=[der.hex() for der in signer.chain],
        prepared=pack(opening.prepared),
        prepared_sha256=copy.sha256 if copy else "",
        prepared_size=copy.size if copy else None,
        address=actor.address,
        state=state,
        expires_at=moment + timedelta(minutes=setting.minutes()),
        created_at=moment,
    )
    db.add(row)
    return row


def alive(actor: Actor, sessions: Sequence[str]) -> tuple[sa.ColumnElement[bool], ...]:
    """What makes of these sessions those that this person, in this login session, may still complete (nobody: `IS NULL`)."""
    return (
        SignatureSession.id.in_(sessions),
        SignatureSession.collectivity_id == actor.collectivity_id,
        SignatureSession.user_id == actor.user_id,
        SignatureSession.login_session_id == actor.session_id,
        SignatureSession.state == "prepared",
        SignatureSession.expires_at > now(),
    )


@use_case
def claim(db: Db, actor: Actor, session: str) -> SignatureSession:
    """Take a session for good: of two who come at once, one has it; refuses `session-used`."""
    taken = db.scalar(
        sa.update(SignatureSession)
        .where(*alive(actor, [session]))
        .values(state="claimed")
        .returning(SignatureSession)
        .execution_options(synchronize_session=False)
    )
    if taken is None:
        raise Refusal("session-used")
    return taken


@use_case
def fail(db: Db, session: str) -> None:
    """Note that a claimed session ended without a signature."""
    # Only what is claimed: a session that is done stays done, whoever reports a fault later.
    query = sa.update(SignatureSession).where(
        SignatureSession.id == session, SignatureSession.state == "claimed"
    )
    db.execute(query.values(state="failed").execution_options(synchronize_session=False))


def state_of(actor: Actor, folder_id: int, session: str) -> str:
    """What became of a session of this person on this folder: `done`, `pending`, or `nothing` was signed."""
    with reading(actor.collectivity_id) as db:
        query = sa.select(SignatureSession).where(
            SignatureSession.id == session,
            SignatureSession.folder_id == folder_id,
            SignatureSession.user_id == actor.user_id,
        )
        row = db.scalar(query)
    if row is None:
        return "nothing"
    if row.state == "done":
        return "done"
    # Claimed in its last second, it may still be worked on.
    alive = row.state == "claimed" and now() < row.expires_at + timedelta(minutes=1)
    return "pending" if alive else "nothing"
