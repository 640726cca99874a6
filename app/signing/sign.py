"""The verbs of signing: prepare, complete, seal; one shape wherever the key lives.

Prepare writes what will be signed and for whom. The key works elsewhere. Complete proves the signature, embeds it,
reads the file again, and only then writes the new version, the proof and the move in one transaction. A process killed
in between leaves the folder waiting for its signature, on the bytes it had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import instant_preuve
from app.core.outbox import post
from app.core.refusals import Refusal
from app.core.security import new_token
from app.core.transaction import use_case
from app.files import vault
from app.folders.access import authorize, lock, refuse_stranger
from app.folders.documents import add_version, last_version
from app.folders.keep import Kept
from app.folders.models import Document, DocumentVersion, Folder, StepRun
from app.folders.move import Present, Said, move, part_of, present
from app.folders.seats import slots_of
from app.people.actor import Actor
from app.signing import levels, setting
from app.signing.algorithms import of as algorithm_of
from app.signing.formats import pades, placement
from app.signing.keys.browser import BrowserKey
from app.signing.models import Certificate, SignatureProof, SignatureSession
from app.signing.ports import Box, ExternalKey, FieldPlan, Prepared, ServerKey, SignatureFacts, Stamp
from app.signing.trust import CertificateFacts, Enrolled, check_certificate, issuers_of
from workflows.circuit import StepKind
from workflows.engine import choices
from workflows.events import Action, Moved

PDF = "application/pdf"


@dataclass(frozen=True)
class Ready:
    """What waits for a key: the session, the bytes to sign, and what the signer is told of his own certificate."""

    session: str
    prepared: Prepared
    certificate: CertificateFacts


@dataclass(frozen=True)
class Ground:
    """The folder as it is signed: its main document, the bytes that were shown, and the part the actor takes."""

    family: str
    folder_version: int
    document_id: int
    version_id: int
    sha256: str
    filename: str
    step_run_id: int
    field: str
    plan: tuple[tuple[str, str | None], ...]


def field_name(step: str, rank: int) -> str:
    """The signature field of the n-th part of a step; made before the first signature of the round."""
    return f"Signature_{step}_{rank + 1}"


def prepare(actor: Actor, folder_id: int, *, version: int, key: ExternalKey, box: Box | None = None) -> Ready:
    """Write what this person would sign with this certificate, on the very bytes that the page shows.

    Refuses whoever may not sign here (`not-your-turn`, `not-yours`), an older page (`moved-on`), and every certificate
    that may not sign (`app.signing.trust`): not enrolled to this person, wrong use, expired, revoked, unknown.
    """
    with reading(actor.collectivity_id) as db:
        ground = _ground(db, actor, folder_id, version)
        enrolled = _enrolled(db, actor)
    moment = now()
    facts = check_certificate(
        key.certificate, key.chain, trust=setting.trust(), moment=moment, enrolled=enrolled
    )
    chain = tuple(key.chain) or issuers_of(key.certificate, trust=setting.trust(), moment=moment)
    with TemporaryDirectory(prefix="paraphe-sign-") as room:
        prepared, sha256 = _write(
            actor, ground, key.certificate, chain, actor.capacity, box, moment, Path(room)
        )
    session, public = new_token(), BrowserKey(key.certificate, chain)
    _save(actor, session, folder_id, ground, public, prepared, sha256, actor.capacity)
    return Ready(session, prepared, facts)


def complete(actor: Actor, session: str, signature: bytes) -> Moved:
    """Embed the signature, prove it, and pass the folder on; once, whatever is clicked or killed.

    Refuses a session that is not this person's, has expired or already served (`session-used`); a certificate revoked
    since, a signature that does not verify, a silent timestamp authority: then nothing is signed.
    """
    claimed = claim(actor, session)
    try:
        return _finish(actor, claimed, signature)
    except Exception:
        fail(claimed.id)
        raise


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
    alive = row.state == "claimed" and now() < row.expires_at + timedelta(minutes=1)
    return "pending" if alive else "nothing"


def seal(actor: Actor, folder_id: int, step: str, key: ServerKey) -> Moved | None:
    """Seal the main document with the collectivity's own key; None when the folder is no longer at that step."""
    with reading(actor.collectivity_id) as db:
        folder = db.get_one(Folder, folder_id)
        if folder.place != step:
            return None
        ground = _ground_of(db, folder, present(db, folder), 0)
    moment = now()
    check_certificate(key.certificate, key.chain, trust=setting.trust(), moment=moment, enrolled=None)
    session = new_token()
    with TemporaryDirectory(prefix="paraphe-sign-") as room:
        prepared, sha256 = _write(
            actor, ground, key.certificate, key.chain, "Cachet", None, moment, Path(room)
        )
    public = BrowserKey(key.certificate, tuple(key.chain))
    _save(actor, session, folder_id, ground, public, prepared, sha256, "Cachet")
    return complete(actor, session, key.sign(prepared.attributes))


def _ground(db: Db, actor: Actor, folder_id: int, version: int) -> Ground:
    folder = authorize(db, actor, folder_id)
    if folder.version != version:
        raise Refusal("moved-on", folder_id=folder_id, title="Ce dossier a avancé")
    here = present(db, folder) if folder.circuit_version_id else None
    asker = here.asker(actor, folder) if here else None
    if here is None or asker is None or Action.SIGN not in choices(here.circuit, here.standing, asker):
        raise Refusal("not-your-turn")
    rank = [run.slot for run in here.runs].index(part_of(db, folder, here, actor) or "")
    return _ground_of(db, folder, here, rank)


def _ground_of(db: Db, folder: Folder, here: Present, rank: int) -> Ground:
    document = db.scalars(
        sa.select(Document).where(
            Document.folder_id == folder.id, Document.role == "main", Document.removed_at.is_(None)
        )
    ).one()
    last = last_version(db, document.id)
    return Ground(
        folder.family,
        folder.version,
        document.id,
        last.id,
        last.sha256,
        last.filename,
        here.runs[rank].id,
        field_name(folder.place, rank),
        tuple(_plan(db, folder, here)),
    )


def _plan(db: Db, folder: Folder, here: Present) -> Sequence[tuple[str, str | None]]:
    """Every signature field of the folder's way, in order; a seal has no place on the page."""
    found: list[tuple[str, str | None]] = []
    for step in here.circuit.applicable(folder.fields):
        if step.kind is StepKind.SIGN:
            found += [
                (field_name(step.key, rank), "visible") for rank in range(len(slots_of(db, folder, step)))
            ]
        elif step.kind is StepKind.SEAL:
            found.append((field_name(step.key, 0), None))
    return found


def _write(
    actor: Actor,
    ground: Ground,
    certificate: bytes,
    chain: Sequence[bytes],
    capacity: str,
    box: Box | None,
    moment: datetime,
    room: Path,
) -> tuple[Prepared, str]:
    """Prepare the file and keep it: the bytes that were shown, one more revision, and a hole for the signature."""
    scope, source, target = vault.scope(actor.collectivity_id), room / "source.pdf", room / "prepared.pdf"
    vault.store().fetch(scope, ground.sha256, source)
    visible = any(name == ground.field and how for name, how in ground.plan)
    stamp = Stamp(stamp_lines(actor, capacity, moment)) if visible else None
    prepared = pades.prepare(
        source,
        target,
        certificate=certificate,
        chain=chain,
        field=ground.field,
        fields=_fields(source, ground, box),
        stamp=stamp,
        reason=None,
        location=actor.collectivity_name or None,
        now=moment,
        timestamped=levels.timestamper_for(ground.family) is not None,
    )
    return prepared, vault.store().put_file(scope, target).sha256


def stamp_lines(actor: Actor, capacity: str, moment: datetime) -> tuple[str, ...]:
    """First name, name, capacity and date, legibly (CRPA L212-1)."""
    who = f"{actor.first_name} {actor.last_name.upper()}".strip() or actor.name
    return tuple(
        one for one in ("Signé électroniquement par", who, capacity, f"le {instant_preuve(moment)}") if one
    )


def _fields(source: Path, ground: Ground, box: Box | None) -> list[FieldPlan]:
    """The fields and their places: by the person, by a tag in the text, or side by side at the foot of the last page."""
    visible = [name for name, how in ground.plan if how]
    plans = []
    for name, how in ground.plan:
        if how is None:
            plans.append(FieldPlan(name, None))
            continue
        rank = visible.index(name)
        place = box if box is not None and name == ground.field else None
        place = place or placement.tag_box(source, f"#signature{rank + 1}#")
        if place is None and len(visible) == 1:
            place = placement.tag_box(source, "#signature#")
        plans.append(FieldPlan(name, place or placement.default_box(source, rank, len(visible))))
    return plans


def _enrolled(db: Db, actor: Actor) -> list[Enrolled]:
    query = sa.select(Certificate.fingerprint).where(
        Certificate.user_id == actor.user_id, Certificate.withdrawn_at.is_(None)
    )
    return [Enrolled(fingerprint=one) for one in db.scalars(query)]


@use_case
def _save(
    db: Db,
    actor: Actor,
    session: str,
    folder_id: int,
    ground: Ground,
    key: BrowserKey,
    prepared: Prepared,
    sha256: str,
    capacity: str,
) -> None:
    moment = now()
    db.add(
        SignatureSession(
            id=session,
            collectivity_id=actor.collectivity_id,
            folder_id=folder_id,
            document_id=ground.document_id,
            version_id=ground.version_id,
            folder_version=ground.folder_version,
            step_run_id=ground.step_run_id,
            user_id=actor.user_id,
            login_session_id=actor.session_id,
            field=ground.field,
            capacity=capacity,
            certificate=key.certificate,
            chain=[one.hex() for one in key.chain],
            attributes=prepared.attributes,
            digest=prepared.digest,
            algorithm=prepared.algorithm,
            range_start=prepared.start,
            range_end=prepared.end,
            prepared_sha256=sha256,
            state="prepared",
            expires_at=moment + timedelta(minutes=setting.minutes()),
            created_at=moment,
        )
    )


@use_case
def claim(db: Db, actor: Actor, session: str) -> SignatureSession:
    """Take a session for good: of two who come at once, one has it; refuses `session-used`."""
    taken = db.scalar(
        sa.update(SignatureSession)
        .where(
            SignatureSession.id == session,
            SignatureSession.collectivity_id == actor.collectivity_id,
            SignatureSession.user_id.is_(None)
            if actor.user_id is None
            else SignatureSession.user_id == actor.user_id,
            SignatureSession.login_session_id.is_(None)
            if actor.session_id is None
            else SignatureSession.login_session_id == actor.session_id,
            SignatureSession.state == "prepared",
            SignatureSession.expires_at > now(),
        )
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
    query = sa.update(SignatureSession).where(
        SignatureSession.id == session, SignatureSession.state == "claimed"
    )
    db.execute(query.values(state="failed").execution_options(synchronize_session=False))


def _finish(actor: Actor, row: SignatureSession, signature: bytes) -> Moved:
    """The part that waits for the network, outside any transaction; then the one transaction that tells."""
    with reading(actor.collectivity_id) as db:
        _still_asked(db, actor, row)
        source_version = db.get_one(DocumentVersion, row.version_id)
        enrolled = _enrolled(db, actor) if actor.user_id is not None else None
        family = db.get_one(Folder, row.folder_id).family
    chain = [bytes.fromhex(one) for one in row.chain]
    moment, timestamper = now(), levels.timestamper_for(family)
    certificate = check_certificate(
        row.certificate, chain, trust=setting.trust(), moment=moment, enrolled=enrolled
    )
    prepared = Prepared(row.field, row.attributes, row.digest, row.range_start, row.range_end, row.algorithm)
    scope = vault.scope(actor.collectivity_id)
    with TemporaryDirectory(prefix="paraphe-sign-") as room:
        source, target = Path(room) / "source.pdf", Path(room) / "signed.pdf"
        vault.store().fetch(scope, source_version.sha256, source)
        vault.store().fetch(scope, row.prepared_sha256, target)
        pades.complete(
            target,
            prepared,
            certificate=row.certificate,
            chain=chain,
            signature=signature,
            timestamper=timestamper,
        )
        facts = pades.check(
            target,
            source=source,
            field=row.field,
            certificate=row.certificate,
            trust=setting.trust(),
            timestamped=timestamper is not None,
            moment=now(),
        )
        stored = vault.store().put_file(scope, target)
    note = {"facts": [f"Signé par {actor.name}, {row.capacity}"], "text": True, "signatures": []}
    kept = Kept(
        "main",
        "",
        source_version.filename,
        stored.sha256,
        stored.size,
        PDF,
        source_version.pages,
        "signed",
        note,
    )
    return tell(actor, row.id, kept, certificate, facts)


def _still_asked(db: Db, actor: Actor, row: SignatureSession) -> None:
    """Refuse whoever lost his part since he prepared, before anything is dated or kept: a signed file must not lie about.

    A folder that moved meanwhile is told by `tell`, under the lock; the law is asked there once more.
    """
    if actor.kind == "system":
        return
    folder = authorize(db, actor, row.folder_id)
    here = present(db, folder)
    offered = choices(here.circuit, here.standing, here.asker(actor, folder))
    if folder.version == row.folder_version and Action.SIGN not in offered:
        raise Refusal("not-your-turn")


@use_case
def tell(
    db: Db, actor: Actor, session: str, kept: Kept, certificate: CertificateFacts, facts: SignatureFacts
) -> Moved:
    """Write the signed version, its proof, and the move: together or not at all."""
    row = db.get_one(SignatureSession, session, with_for_update=True)
    folder = lock(db, actor, row.folder_id, None)
    document = db.get_one(Document, row.document_id)
    changed = row.state != "claimed" or last_version(db, document.id).id != row.version_id
    if changed or folder.version != row.folder_version:
        raise _overtaken(db, actor, row, folder)
    version = add_version(db, document, folder, actor, kept)
    db.add(
        SignatureProof(
            collectivity_id=actor.collectivity_id,
            folder_id=folder.id,
            version_id=version.id,
            step_run_id=row.step_run_id,
            session_id=row.id,
            name=actor.name,
            capacity=row.capacity,
            subject=certificate.subject,
            issuer=certificate.issuer,
            serial=certificate.serial,
            fingerprint=certificate.fingerprint_sha256,
            field=row.field,
            level=facts.level,
            signed_at=facts.signed_at or now(),
            timestamped_at=facts.timestamped_at,
        )
    )
    row.state = "done"
    said = Said(capacity=row.capacity, facts=_proof(row, kept, certificate, facts, actor))
    moved = move(db, folder, Action.SEAL if actor.kind == "system" else Action.SIGN, actor, said)
    if left := levels.to_add(db, folder, version):
        post(db, folder.collectivity_id, left)
    return moved


def _overtaken(db: Db, actor: Actor, row: SignatureSession, folder: Folder) -> Refusal:
    """Why this signature came too late: it can be made again while its part of the step is awaited, else it is over."""
    refuse_stranger(db, actor, folder)
    awaited = db.get_one(StepRun, row.step_run_id).state == "active"
    if row.state == "claimed" and awaited:
        return Refusal("document-changed")
    return Refusal("moved-on", folder_id=folder.id, title="Ce dossier a avancé")


def _proof(
    row: SignatureSession, kept: Kept, certificate: CertificateFacts, facts: SignatureFacts, actor: Actor
) -> Mapping[str, Any]:
    return {
        "document": row.document_id,
        "sha256": kept.sha256,
        "field": row.field,
        "level": facts.level,
        "certificate": certificate.fingerprint_sha256,
        "signature": facts.signature_sha256,
        "timestamp": facts.timestamped_at.isoformat() if facts.timestamped_at else None,
        "address": actor.address,
        "algorithm": str(algorithm_of(row.certificate).digest),
    }
