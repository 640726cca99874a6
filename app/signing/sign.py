"""The verbs of signing, prepare and complete: one shape wherever the key lives and whatever the format.

Prepare writes what will be signed and for whom. The key works elsewhere. Complete proves the signatures, embeds them,
reads the file again, and only then writes the new version, the proof and the move in one transaction. A process killed
in between leaves the folder waiting for its signature, on the bytes it had.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Protocol, TypeVar

from app.circuits.library import family_of
from app.core.clock import now
from app.core.db import Db, reading
from app.core.grammar import de
from app.core.questions import gather, hold
from app.core.refusals import Refusal
from app.core.security import new_token
from app.files import vault
from app.files.store import Stored
from app.folders.access import authorize, authorize_ahead, read_by
from app.folders.documents import last_version
from app.folders.keep import Kept
from app.folders.models import DocumentVersion, Folder
from app.folders.move import not_your_turn, present, read_present
from app.folders.sockets import read_for_gates_of
from app.people import identity
from app.people.actor import Actor
from app.people.desks import show_guide
from app.people.models import Collectivity
from app.people.own_settings.registry import Own
from app.signing import authority, copies, enrol, levels
from app.signing.authority import Authority, Wording
from app.signing.context import (
    SigningContext,
    as_certified,
    as_written,
    context_for,
    fields_of,
    read_ahead,
    seal_lines,
    stamp_lines,
    where_to_verify,
)
from app.signing.enrolling.holder import holder_of
from app.signing.formats.container import TOKEN
from app.signing.formats.pes_text import Signatory
from app.signing.models import SignatureSession
from app.signing.paper.sheet import refuse_obstacles
from app.signing.ports import Box, ExternalKey, Prepared, SignatureFacts, Stamp
from app.signing.record import overtaken, record
from app.signing.refused import watched
from app.signing.session import Opening, claim, fail, save, unpack
from app.signing.views import in_both_names
from app.signing.writers import SignerCertificate, Work, Writer, writer_of
from app.trust import assurance, authorities
from app.trust.certificates import CertificateFacts, Enrolled, check_certificate, issuers_of
from app.trust.timestamp import TimestampClient
from workflows.engine import Moved, choices
from workflows.vocabulary import Action

Given = TypeVar("Given")
Done = TypeVar("Done")


class Together(Protocol):
    """Does a piece of work on each of several things at once: what each gave, or why it failed, in their order."""

    def __call__(self, work: Callable[[Given], Done], entries: Iterable[Given]) -> Iterator[Done | Exception]:
        """Once all have been tried."""
        ...


@dataclass(frozen=True)
class Ready:
    """What waits for a key: the session, the bytes to sign, and what the signer is told of his own certificate.

    One `Prepared` for each signature that the document takes: one, or one for each bordereau of a payment flow.
    """

    session: str
    prepared: Sequence[Prepared]
    certificate: CertificateFacts


def prepare(
    actor: Actor,
    folder_id: int,
    *,
    version: int,
    key: ExternalKey,
    box: Box | None = None,
    mandate: int | None = None,
    shown: Wording | None = None,
    confirmed: bool = False,
) -> Ready:
    """Write what this person would sign with this certificate, on the very bytes that the page shows.

    `mandate`: in which of the capacities offered; None for the strongest. `shown`: in which words the page said that one
    signs; refuses `mandate-changed` any other, None where no page said any. `confirmed`: who signs was asked for the whole
    batch that this is a part of. Refuses software (`signature-of-software`), a person who was not asked who he is for too
    long (`identity-needed`) or whose second factor is asked for these very bytes (`identity-factor`), whoever may not sign here
    (`not-your-turn`, `not-found`, `app.signing.authority`), an older page (`moved-on`), every certificate that may not
    sign (`app.trust.certificates`): not enrolled to this person, wrong use, expired, revoked, unknown; and what the
    document's format refuses.
    """
    with watched(actor, "prepare", folder_id=folder_id, certificate=key.certificate):
        if actor.kind != "person":
            raise Refusal("signature-of-software")
        # A factor is asked for these very bytes: it is judged below, once they are known.
        factor = not confirmed and identity.factor_asked(actor)
        if not confirmed and not factor:
            identity.refuse_stale(actor)
        with reading(actor.collectivity_id) as db:
            basis = _basis_of(db, actor, folder_id, version, mandate, shown)
            if factor:
                identity.refuse_stale_in(db, actor, [basis.context.sha256])
        waiting = _made(actor, folder_id, basis, key, box)
        save(actor, [waiting.opening])
        return waiting.ready


class Wanted(NamedTuple):
    """A folder to sign among several, in the version and in the words that were shown; None where no page said any."""

    folder_id: int
    version: int
    shown: Wording | None


def prepare_together(
    actor: Actor,
    folders: Sequence[Wanted],
    key: ExternalKey,
    together: Together,
    along: Callable[[Db, Sequence[str | None]], None],
) -> list[Ready | Exception]:
    """The same for several folders of a batch: what became of each, in their order; in other words than were shown, none.

    Who signs was asked for the whole batch. What the base says of all is read at one go, before the first is written
    (`together` writes them), and their sessions are kept at one go once the last one is: a process killed in between leaves
    copies that no session names. `along` is written with the sessions, which it is told in that order: None where there is none.
    """
    if actor.kind != "person":
        raise Refusal("signature-of-software")
    with reading(actor.collectivity_id) as db:
        gather(db)
        read_ahead(db, look_ahead(db, actor, [folder.folder_id for folder in folders]))
        bases = [_judged(db, actor, *folder) for folder in folders]
    work = [
        (folder.folder_id, basis)
        for folder, basis in zip(folders, bases, strict=True)
        if isinstance(basis, _Basis)
    ]
    written = iter(together(lambda pair: _made(actor, *pair, key, None), work))
    outcomes = [next(written) if isinstance(basis, _Basis) else basis for basis in bases]
    openings = [outcome.opening for outcome in outcomes if isinstance(outcome, _Made)]
    if openings:
        sessions = [outcome.opening.session if isinstance(outcome, _Made) else None for outcome in outcomes]
        save(actor, openings, lambda db: along(db, sessions))
    for folder, outcome in zip(folders, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            with (
                suppress(Refusal),
                watched(actor, "prepare", folder_id=folder.folder_id, certificate=key.certificate),
            ):
                raise outcome
    return [outcome.ready if isinstance(outcome, _Made) else outcome for outcome in outcomes]


def look_ahead(db: Db, actor: Actor, folders: Sequence[int]) -> list[Folder]:
    """Read several folders at one go, where they stand and what their gates look at, for a session that judges each."""
    read_by(db, actor)
    rows = authorize_ahead(db, actor, folders)
    hold(db, rows)
    read_for_gates_of(db, rows)
    read_present(db, rows)
    return rows


def _judged(db: Db, actor: Actor, folder_id: int, version: int, shown: Wording | None) -> "_Basis | Refusal":
    """What the base says of one folder among several, or why it may not be signed."""
    try:
        return _basis_of(db, actor, folder_id, version, None, shown)
    except Refusal as refusal:
        return refusal


@dataclass(frozen=True)
class _Basis:
    """What the base says of a signature before it is prepared."""

    context: SigningContext
    capacity: Authority
    enrolled: Sequence[Enrolled]


def _basis_of(
    db: Db, actor: Actor, folder_id: int, version: int, mandate: int | None, shown: Wording | None
) -> _Basis:
    try:
        context, capacity = context_for(db, actor, folder_id, version, mandate)
    except Refusal as refusal:
        if shown is not None and refusal.key == "mandate-not-offered":
            # The mandate that the page showed, and that is its signer's no more
            raise Refusal("mandate-changed", words=shown.announced()) from refusal
        raise
    if shown is not None:
        shown.refuse_other(capacity)
    enrolled = enrol.enrolled_of(db, actor.user_id)
    copies.refuse_more(db, actor)
    return _Basis(context, capacity, enrolled)


@dataclass(frozen=True)
class _Made:
    """A signature whose copy is kept and waits for its key, and the session that is still to be written."""

    ready: Ready
    opening: Opening


def _made(actor: Actor, folder_id: int, basis: _Basis, key: ExternalKey, box: Box | None) -> _Made:
    """Prepare the file and keep it: the bytes that were shown, and a hole for each signature."""
    context, enrolled = basis.context, basis.enrolled
    moment = now()
    facts = check_certificate(
        key.certificate,
        key.chain,
        trust=authorities.trust(),
        moment=moment,
        enrolled=enrolled,
        purpose=family_of(context.family).certificate_purpose,
    )
    assurance.check(facts.assurance, context.family)
    chain = tuple(key.chain) or issuers_of(key.certificate, trust=authorities.trust(), moment=moment)
    authorities.remember(chain)
    signer = SignerCertificate(key.certificate, chain, once=key.name == "csc")
    with in_hand(actor, context, signer, basis.capacity, box, moment) as document:
        copy = vault.store().put_file(vault.waiting(actor.collectivity_id), document.target)
    session = new_token()
    opening = Opening(session, folder_id, document.context, signer, document.prepared, copy, basis.capacity)
    return _Made(Ready(session, document.prepared, facts), opening)


def complete(actor: Actor, session: str, signatures: Sequence[bytes]) -> Moved:
    """Embed the signatures, prove them, and pass the folder on; once, whatever is clicked or killed.

    `signatures`: one for each `Prepared`, in the same order. Refuses a session that is not this person's, has expired or
    already served (`session-used`); a certificate revoked since, a signature that does not verify, a silent timestamp
    authority: then nothing is signed.
    """
    with watched(actor, "complete", session=session):
        return _completed(actor, claim(actor, session), signatures, None)


def complete_taken(
    actor: Actor,
    claimed: SignatureSession,
    signatures: Sequence[bytes],
    *,
    terms: "Terms | Refusal",
    along: Callable[[Db], None],
) -> Moved:
    """The same for a session that its caller has claimed (`app.signing.deferred`); `along` is written with the move.

    `terms`: what `terms_of` read a moment ago, or why it refused.
    """
    with watched(actor, "complete", session=claimed.id):
        return _completed(actor, claimed, signatures, along, terms)


def _completed(
    actor: Actor,
    claimed: SignatureSession,
    signatures: Sequence[bytes],
    along: Callable[[Db], None] | None,
    terms: "Terms | Refusal | None" = None,
) -> Moved:
    try:
        if terms is None:
            with reading(actor.collectivity_id) as db:
                terms = terms_of(db, actor, claimed)
        return _finish(actor, claimed, terms, signatures, along)
    except Exception:
        # A claimed session that ended badly never serves again (decision 0009).
        fail(claimed.id)
        raise


@dataclass(frozen=True)
class InHand:
    """A document that waits for a key: as it was shown (`source`), with a hole for each signature (`target`)."""

    source: Path
    target: Path
    context: SigningContext
    prepared: Sequence[Prepared]


@contextmanager
def in_hand(
    actor: Actor,
    context: SigningContext,
    signer: SignerCertificate,
    capacity: Authority,
    box: Box | None,
    moment: datetime,
) -> Iterator[InHand]:
    """The document prepared in a room of its own, which goes with what was made in it; refuses what the writer refuses."""
    with TemporaryDirectory(prefix="paraphe-sign-") as room:
        source, target = Path(room) / "source", Path(room) / "prepared"
        vault.store().fetch(vault.scope(actor.collectivity_id), context.sha256, source)
        context = as_certified(context, source)
        work = work_of(actor, context, signer, capacity.wording, box, moment, source)
        prepared = context.writer.prepare(source, target, signer, work)
        yield InHand(source, target, as_written(context, prepared), prepared)


def work_of(
    actor: Actor,
    context: SigningContext,
    signer: SignerCertificate,
    capacity: str,
    box: Box | None,
    moment: datetime,
    source: Path,
) -> Work:
    """What the signature says beside its key, on the document that lies at `source`."""
    fields = fields_of(source, context, box)
    visible = any(plan.name == context.field and plan.box for plan in fields)
    system = actor.kind == "system"
    timestamper = timestamper_of(context.writer, context.settings, context.family)
    holder = holder_of(actor, signer.certificate)
    lines = seal_lines(signer.certificate, moment) if system else stamp_lines(actor, capacity, moment, holder)
    return Work(
        filename=context.filename,
        media_type=context.media_type,
        field=context.field,
        moment=moment,
        reason=capacity or None,
        location=actor.collectivity_name or None,
        signatory=Signatory(capacity, context.city, context.postal_code),
        timestamped=timestamper is not None,
        # A code that serves once allows no second try with more room for the token: it has the whole room at
        # once.
        token_room=TOKEN
        if signer.once or timestamper is None
        else authorities.token_room(timestamper, TOKEN),
        fields=fields,
        fresh=context.first,
        stamp=Stamp((*lines, *where_to_verify()), context.picture) if visible else None,
    )


def place_of(actor: Actor, folder_id: int, *, version: int) -> Box | None:
    """Where the signature that this person would make now will stand, unless he or she puts it elsewhere."""
    with reading(actor.collectivity_id) as db:
        context, _ = context_for(db, actor, folder_id, version, None)
    with TemporaryDirectory(prefix="paraphe-place-") as room:
        source = Path(room) / "source"
        vault.store().fetch(vault.scope(actor.collectivity_id), context.sha256, source)
        context = as_certified(context, source)
        return next(
            (plan.box for plan in fields_of(source, context, None) if plan.name == context.field), None
        )


def timestamper_of(writer: Writer, own: Own, family: str) -> TimestampClient | None:
    """Who gives the time in this format and family, by the settings of the collectivity; as `levels.timestamper_for`."""
    return levels.timestamper_for(own, family) if writer.timestamps else None


@dataclass(frozen=True)
class Terms:
    """What the base says of a signature before it is dated: its family, the bytes that are signed, who may sign, the settings."""

    family: str
    version: DocumentVersion
    enrolled: Sequence[Enrolled] | None
    settings: Own


def terms_of(db: Db, actor: Actor, row: SignatureSession) -> Terms:
    """Read before the network is asked: what was lost meanwhile is refused before anything is dated."""
    folder = _still_asked(db, actor, row)
    return Terms(
        folder.in_force,
        db.get_one(DocumentVersion, row.version_id),
        enrol.enrolled_of(db, actor.user_id) if actor.user_id is not None else None,
        dict(db.get_one(Collectivity, folder.collectivity_id).settings),
    )


def _finish(
    actor: Actor,
    row: SignatureSession,
    terms: Terms | Refusal,
    signatures: Sequence[bytes],
    along: Callable[[Db], None] | None,
) -> Moved:
    """The part that waits for the network, outside any transaction; then the one transaction that tells."""
    if isinstance(terms, Refusal):
        raise terms
    family, version, enrolled = terms.family, terms.version, terms.enrolled
    writer = writer_of(family_of(family), version.media_type)
    signer = SignerCertificate(row.certificate, [bytes.fromhex(der) for der in row.chain])
    moment = now()
    certificate = check_certificate(
        signer.certificate,
        signer.chain,
        trust=authorities.trust(),
        moment=moment,
        enrolled=enrolled,
        purpose=family_of(family).certificate_purpose,
    )
    if actor.user_id is not None:  # what a family asks for is asked of persons
        assurance.check(certificate.assurance, family)
    scope = vault.scope(actor.collectivity_id)
    with TemporaryDirectory(prefix="paraphe-sign-") as room:
        source, target = Path(room) / "source", Path(room) / "signed"
        vault.store().fetch(scope, version.sha256, source)
        # Of before prepared copies had a part of the store of their own.
        waiting = scope if row.prepared_size is None else vault.waiting(actor.collectivity_id)
        vault.store().fetch(waiting, row.prepared_sha256, target)
        dated_by = timestamper_of(writer, terms.settings, family)
        facts = embed(writer, source, target, row.field, signer, unpack(row), signatures, dated_by)
        # The file before the row: a kill leaves at most a file that nothing names.
        stored = vault.store().put_file(scope, target)
    file = kept_of(actor, writer, version, stored, row.capacity, holder_of(actor, row.certificate))
    moved = record(actor, row, file, certificate, facts, terms.settings, along)
    fingerprint = certificate.fingerprint_sha256
    if any(known.fingerprint == fingerprint and not known.proven for known in enrolled or ()):
        enrol.proven(actor, fingerprint)
    if actor.guided and actor.user_id is not None:
        show_guide(actor.user_id, shown=False)  # the first signature is made
    return moved


def embed(
    writer: Writer,
    source: Path,
    target: Path,
    field: str,
    signer: SignerCertificate,
    prepared: Sequence[Prepared],
    signatures: Sequence[bytes],
    timestamper: TimestampClient | None,
) -> SignatureFacts:
    """Prove the signatures, put them in their place with the time, and read the file again."""
    return writer.embed(
        target,
        prepared,
        signatures,
        source=source,
        field=field,
        signer=signer,
        timestamper=timestamper,
        trust=authorities.trust(),
    )


def kept_of(
    actor: Actor, writer: Writer, version: DocumentVersion, stored: Stored, capacity: str, holder: str = ""
) -> Kept:
    """The signed version, or the signature that lies beside the document."""
    note = {
        "facts": [f"Signé par {in_both_names(actor.name, holder)}, {capacity}"],
        "text": True,
        "signatures": [],
    }
    beside = bool(writer.suffix)
    return Kept(
        "signature" if beside else "main",
        f"Signature {de(actor.name)}"[:120] if beside else "",
        version.filename,
        stored.sha256,
        stored.size,
        writer.media_type if beside else version.media_type,
        None if beside else version.pages,
        "signed",
        note,
    )


def _still_asked(db: Db, actor: Actor, row: SignatureSession) -> Folder:
    """The folder, unless it moved or the actor lost his part since he prepared: asked before anything is dated or kept.

    A signed file must not lie about, and a timestamp is asked for nothing that cannot be kept. All of it is asked once more by
    `record`, under the lock, and told in the same words.
    """
    system = actor.kind == "system"
    folder = db.get_one(Folder, row.folder_id) if system else authorize(db, actor, row.folder_id)
    if folder.version != row.folder_version:
        raise overtaken(db, actor, row, folder, last_version(db, row.document_id))
    if system:
        return folder
    position = present(db, folder)
    offered = choices(position.circuit, position.standing, position.asker(actor, folder))
    if Action.SIGN not in offered:
        raise not_your_turn(db, actor, folder, position)
    refuse_obstacles(db, folder)  # another folder may have come in its way since it was prepared
    authority.still(db, actor, folder, row, position)
    return folder
