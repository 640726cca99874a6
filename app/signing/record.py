"""The one transaction that records a signature: the signed version or the file beside it, its proof, and the move."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from app.circuits.library import family_of
from app.core.clock import now
from app.core.db import Db, Write, write
from app.core.outbox import post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock, refuse_stranger
from app.folders.documents import add_document, add_version, last_version
from app.folders.keep import Kept
from app.folders.models import ASKED, Document, DocumentVersion, Folder, StepRun
from app.folders.move import Said, move, present
from app.people.actor import Actor
from app.people.own_settings.registry import Own
from app.signing import authority, levels
from app.signing.enrolling.holder import holder_of
from app.signing.formats.naming import signature_name
from app.signing.models import SignatureProof, SignatureSession
from app.signing.ports import SignatureFacts
from app.signing.writers import Writer, writer_of
from app.trust.algorithms import of as algorithm_of
from app.trust.certificates import CertificateFacts
from workflows.engine import Moved, opinion_awaited
from workflows.vocabulary import Action

_proofs: Any = SignatureProof.__table__
_sessions: Any = SignatureSession.__table__
_state = (
    sa.select(_sessions.c.state)
    .where(_sessions.c.id == sa.bindparam("session"), _sessions.c.collectivity_id == sa.bindparam("here"))
    .with_for_update()
)


@use_case
def record(
    db: Db,
    actor: Actor,
    row: SignatureSession,
    file: Kept,
    certificate: CertificateFacts,
    facts: SignatureFacts,
    settings: Own,
    along: Callable[[Db], None] | None = None,
) -> Moved:
    """Write the signed version or the signature beside it, its proof, the move, and what goes `along`: all or nothing.

    `row`: the session as it was claimed, of which the state alone may have changed since. `settings`: of the collectivity.
    """
    # The rest of a row never changes, and is heavy: its state is read alone, and locked. The object stays outside this
    # session, whose end by a rollback would empty it before the verb is tried again.
    state = db.connection().execute(_state, {"session": row.id, "here": actor.collectivity_id}).scalar_one()
    set_committed_value(row, "state", state)
    moved = record_in(db, actor, row, file, certificate, facts, settings)
    if along is not None:
        along(db)
    return moved


def record_in(
    db: Db,
    actor: Actor,
    row: SignatureSession,
    file: Kept,
    certificate: CertificateFacts,
    facts: SignatureFacts,
    settings: Own,
) -> Moved:
    """The same in the caller's transaction, for the session that he holds."""
    folder = lock(db, actor, row.folder_id, None)
    last = last_version(db, row.document_id)
    # One of these three tells that somebody was quicker, and nothing of this signature may be kept.
    if row.state != "claimed" or last.id != row.version_id or folder.version != row.folder_version:
        raise overtaken(db, actor, row, folder, last)
    position = present(db, folder)
    signing_authority = None
    if actor.kind != "system":
        signing_authority = authority.still(db, actor, folder, row, position, lock=True)
    writer = writer_of(family_of(folder.in_force), last.media_type)
    if writer.suffix:
        version = _beside(db, folder, actor, db.get_one(Document, row.document_id), file, writer)
    else:
        version = add_version(db, row.document_id, folder, actor, file, after=last)
    values = {
        "collectivity_id": actor.collectivity_id,
        "folder_id": folder.id,
        "version_id": version.id,
        "step_run_id": row.step_run_id,
        "session_id": row.id,
        "name": actor.name,
        "holder": holder_of(actor, row.certificate),
        "capacity": row.capacity,
        "mandate_id": row.mandate_id,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": certificate.serial,
        "fingerprint": certificate.fingerprint_sha256,
        "field": row.field,
        "format": writer.name,
        "count": len(row.prepared),
        "level": facts.level,
        "assurance": certificate.assurance,
        "signed_at": facts.signed_at or now(),
        "timestamped_at": facts.timestamped_at,
    }
    # At once, and with statements built once: two parts of one step that are signed at once meet here
    write(db, [Write(_proofs, [values]), Write(_sessions, [{"state": "done"}], where="id", value=row.id)])
    # The statement above has written it: the ORM must not write it again.
    set_committed_value(row, "state", "done")
    proof = {
        **_proof(row, file, certificate, facts, actor, writer),
        **(signing_authority.facts if signing_authority else {}),
    }
    decision = Said(capacity=row.capacity, facts=proof)
    action = Action.SEAL if actor.kind == "system" else Action.SIGN
    part = authority.prepared_part(position, row)
    moved = move(db, folder, action, actor, decision, position, part=part)
    if left := levels.to_add(db, folder, version, settings):
        post(db, folder.collectivity_id, left)
    return moved


def _beside(
    db: Db, folder: Folder, actor: Actor, document: Document, file: Kept, writer: Writer
) -> DocumentVersion:
    """The signature as a document of its own, right after the one that it signs, named by its rank."""
    query = sa.select(sa.func.count()).where(
        Document.folder_id == folder.id, Document.role == "signature", Document.removed_at.is_(None)
    )
    rank = (db.scalar(query) or 0) + 1
    named = signature_name(file.filename, rank, actor.name, writer.suffix)
    whole = Kept(
        file.role, file.title, named, file.sha256, file.size, file.media_type, None, "signed", file.note
    )
    return add_document(db, folder, actor, whole, position=document.position)


def overtaken(db: Db, actor: Actor, row: SignatureSession, folder: Folder, last: DocumentVersion) -> Refusal:
    """Why this signature came too late: it can be made again while its part of the step is awaited, else it is over.

    `opinion-awaited` where the step now waits for an opinion, `opinion-since` where the document is the one that was prepared
    and an opinion was asked, given or taken back meanwhile, else `document-changed`; `moved-on` where it is over.
    """
    refuse_stranger(db, actor, folder)
    if row.state != "claimed" or db.get_one(StepRun, row.step_run_id).state != "active":
        return Refusal("moved-on", folder_id=folder.id, title="Ce dossier a avancé")
    position = present(db, folder)
    if position.step is not None and position.standing.awaited:
        return opinion_awaited(position.step, position.standing.awaited)
    if last.id == row.version_id and _asked_since(db, folder, row.created_at):
        return Refusal("opinion-since")
    return Refusal("document-changed")


def _asked_since(db: Db, folder: Folder, moment: datetime) -> bool:
    """Whether an opinion about the folder was asked, given or taken back since then."""
    query = sa.select(StepRun.id).where(
        StepRun.folder_id == folder.id,
        StepRun.slot.startswith(ASKED),
        sa.or_(StepRun.entered_at >= moment, StepRun.ended_at >= moment),
    )
    return db.scalar(query.limit(1)) is not None


def _proof(
    row: SignatureSession,
    file: Kept,
    certificate: CertificateFacts,
    facts: SignatureFacts,
    actor: Actor,
    writer: Writer,
) -> Mapping[str, Any]:
    holder = holder_of(actor, row.certificate)
    return {
        **({"holder": holder} if holder else {}),
        "document": row.document_id,
        "sha256": file.sha256,
        "field": row.field,
        "format": writer.name,
        "count": len(row.prepared),
        "level": facts.level,
        "assurance": certificate.assurance,
        "certificate": certificate.fingerprint_sha256,
        "signature": facts.signature_sha256,
        "timestamp": facts.timestamped_at.isoformat() if facts.timestamped_at else None,
        "address": actor.address,
        "algorithm": str(algorithm_of(row.certificate).digest),
        **({"batch": row.batch_id} if row.batch_id is not None else {}),
    }
