"""The collectivity's seal: the same phases as a person's signature in one go, because its key answers at once."""

from collections.abc import Sequence

from app.core.clock import now
from app.core.db import Db, reading
from app.core.security import new_token
from app.core.transaction import use_case
from app.files import vault
from app.folders.keep import Kept
from app.folders.models import DocumentVersion, Folder
from app.folders.move import present
from app.people.actor import Actor
from app.signing.authority import Authority
from app.signing.context import SigningContext, context_of
from app.signing.ports import Prepared, ServerKey, SignatureFacts
from app.signing.record import record_in
from app.signing.session import Opening, open_session
from app.signing.sign import embed, in_hand, kept_of, timestamper_of
from app.signing.writers import SignerCertificate
from app.trust import assurance, authorities
from app.trust.certificates import CertificateFacts, check_certificate
from workflows.engine import Moved


def seal(actor: Actor, folder_id: int, step: str, key: ServerKey) -> Moved | None:
    """Seal the main document with the collectivity's own key; None when the folder is no longer at that step.

    Refuses a certificate made for a person's signature (`certificate-not-seal`), one below the level that the family
    asks for (`seal-too-low`), and whatever else may not sign (`app.trust.certificates`).

    The key answers at once, so nothing waits between the phases: the same checks are made on the file in hand, and the
    session is written with what it gave, in the one transaction that tells. Killed before it, nothing has happened.
    """
    with reading(actor.collectivity_id) as db:
        folder = db.get_one(Folder, folder_id)
        # Without a lock, to spare work that would be for nothing: `record_in` asks again under it.
        if folder.place != step:
            return None
        context = context_of(db, folder, present(db, folder), 0)
        version = db.get_one(DocumentVersion, context.version_id)
    moment, capacity = now(), Authority("Cachet")
    certificate = check_certificate(
        key.certificate, key.chain, trust=authorities.trust(), moment=moment, enrolled=None, sealing=True
    )
    assurance.check(certificate.assurance, context.family, sealing=True)
    authorities.remember(key.chain)
    signer, writer = SignerCertificate(key.certificate, tuple(key.chain)), context.writer
    with in_hand(actor, context, signer, capacity, None, moment) as document:
        context, prepared = document.context, document.prepared
        signatures = [key.sign(each.attributes) for each in prepared]
        facts = embed(
            writer,
            document.source,
            document.target,
            context.field,
            signer,
            prepared,
            signatures,
            timestamper_of(writer, context.settings, context.family),
        )
        stored = vault.store().put_file(vault.scope(actor.collectivity_id), document.target)
    file = kept_of(actor, writer, version, stored, capacity.wording)
    return _tell_sealed(actor, folder_id, context, signer, prepared, file, capacity, certificate, facts)


@use_case
def _tell_sealed(
    db: Db,
    actor: Actor,
    folder_id: int,
    context: SigningContext,
    signer: SignerCertificate,
    prepared: Sequence[Prepared],
    file: Kept,
    capacity: Authority,
    certificate: CertificateFacts,
    facts: SignatureFacts,
) -> Moved:
    """The session of a key that has already answered, and all that `record` writes."""
    opening = Opening(new_token(), folder_id, context, signer, prepared, None, capacity)
    row = open_session(db, actor, opening, state="claimed")
    db.flush()  # the proof names it
    return record_in(db, actor, row, file, certificate, facts, context.settings)
