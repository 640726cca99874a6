"""What signing brings to a folder: its page, the seal that starts alone, and the proofs shown beside the document."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from jinja2 import Environment

from app.core.db import Db, reading
from app.core.french import instant_preuve
from app.core.outbox import Hopeless, Needless, Outbox, Row, each_round, handles
from app.core.questions import OF, Question, ask
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display.timeline import planned_circuit
from app.folders import sockets
from app.folders.documents import JUDGE, current_versions
from app.folders.models import DocumentVersion, Folder, StepRun
from app.folders.rows import DOCUMENTS, posted
from app.folders.sockets import Tag
from app.people import persons
from app.people.accounts import certificates_from
from app.people.actor import system
from app.people.covers import in_absence
from app.people.own_settings.registry import Trial, declare, offer
from app.signing import copies, earlier, expiry, foreseen, levels, refused, seals, setting, timestamping
from app.signing.attesting import attestation_seal
from app.signing.authority import quality
from app.signing.enrol import common_name
from app.signing.enrolling.carried import carry
from app.signing.models import Augmentation, Certificate, SignatureProof
from app.signing.paper import sheet as paper
from app.signing.placing import plan
from app.signing.placing import web as placing
from app.signing.renewal import daily
from app.signing.verdicts.content import PROOFS, contents_of
from app.signing.views import SignatureView, address, by_hand, in_both_names, judged
from app.trust.assurance import LABELS
from app.verification import sockets as attestations
from app.verification.records import judge_kept, key_of, remembered
from config import Settings
from workflows.family import Problem
from workflows.vocabulary import Action

log = structlog.get_logger()
PDF = "application/pdf"
ARCHIVING = {
    "pending": "archivage en cours",
    "running": "archivage en cours",
    "parked": "archivage arrêté après le dernier essai",
}


AUGMENTED = Question((Augmentation,), Augmentation.folder_id == OF)


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    setting.configure(settings)
    if carry not in persons.JOINED:
        persons.JOINED.append(carry)
    declare(seals.setting(), *timestamping.settings())
    offer(Trial("seal", seals.GROUP, "Page scellée pour essai", seals.missing, seals.trial))
    offer(Trial("timestamp", timestamping.GROUP, "Jeton d’essai", timestamping.missing, timestamping.trial))
    certificates_from(_certified)
    attestations.seals(seals.there_for, attestation_seal)
    sockets.signable("pes", _flow)
    sockets.dry_run(_dry_run)
    sockets.action(Action.SIGN, "signing.dialog", "dialog")
    sockets.preparation(placing.ENDPOINT, placing.card)
    sockets.capacity(quality)
    sockets.check(_room_left)
    sockets.question(PROOFS, AUGMENTED, paper.ON_PAPER)
    sockets.signatures(_signatures)
    sockets.proofs(_proofs)
    sockets.caution(earlier.cautions)
    sockets.tag(_tag)
    sockets.acts(paper.acts)
    sockets.signed_days(paper.signed_days)
    sockets.acts(_acts)
    shown = foreseen.Shown(templates)
    sockets.band(shown.band)
    sockets.beside_draft(shown.card)
    sockets.caution(foreseen.cautions)
    sockets.caution(paper.cautions, of=lambda family: family.paper_signature)
    handles("step.seal")(_seal)
    handles(levels.AUGMENT)(_augment)
    handles(JUDGE, indoors=True, passing=True)(_judge)
    each_round("signature.renewal", daily)
    each_round("signing.expiry", expiry.daily)
    each_round("signing.abandoned", refused.lapsed)
    each_round("signing.copies", copies.round_)


def _certified(db: Db, user_id: int) -> bool:
    """Whether somebody has enrolled a certificate here that he has not withdrawn."""
    row = sa.exists().where(Certificate.user_id == user_id, Certificate.withdrawn_at.is_(None))
    return bool(db.scalar(sa.select(row)))


def _dry_run(path: Path) -> sockets.DryRun:
    from app.signing.dry_run import dry_run

    return dry_run(path)


def _flow(path: Path) -> Sequence[str]:
    """How a payment flow would be signed; what could not be signed is better known on the day of its deposit."""
    from app.signing.formats.pes_before import foreseen

    mode, targets = foreseen(path)
    if mode is None:
        return ("Aucun bordereau à signer",)
    many = f"{len(targets)} bordereaux à signer" if len(targets) > 1 else "1 bordereau à signer"
    return (many if mode == "bordereau" else "Signature globale du flux",)


def _room_left(db: Db, folder: Folder) -> list[Problem]:
    """A certified document takes no more signatures than its author left fields for: better known before it is sent."""
    try:
        free = plan.main_version(db, folder).note.get("free_fields")
        wanted = len(plan.parts_of(db, folder, planned_circuit(db, folder))) if free is not None else 0
    except Refusal:  # no PDF to sign, or a desk that is missing: told elsewhere
        return []
    if free is None or wanted <= free:
        return []
    sentence = (
        f"Ce PDF est certifié : son auteur a laissé {free} emplacement{'s' if free > 1 else ''} de signature, le circuit en "
        f"demande {wanted}. Demandez-lui un exemplaire avec assez d’emplacements, ou non certifié."
    )
    return [Problem("document-certified-few", "", sentence)]


def _signatures(db: Db, folder_id: int) -> Mapping[int, list[Any]]:
    """The verdicts on the current version of each PDF and of each signature beside a file; else what was proven when made.

    A payment flow may hold a thousand signatures: its page says how many were made, and links to their verdicts.
    """
    current: dict[int, tuple[DocumentVersion, str]] = {}
    contents = contents_of(db, folder_id)
    for version in current_versions(db, folder_id).values():
        content = contents.get(version.id)
        if version.media_type == PDF or content is not None:
            current[version.id] = (version, key_of(version.sha256, content))
    known = remembered(db, {key for _, key in current.values()})
    proofs = [row for row, _ in reversed(ask(db, PROOFS, folder_id))]
    versions = {version.id: version for _, version in ask(db, DOCUMENTS, folder_id) if version is not None}
    accounts = {row.fingerprint: row.name for row in proofs if row.holder}
    by_version: dict[int, list[Any]] = {}
    preserved = _preservations(db, folder_id)
    done: set[int] = set()
    for version, key in current.values():
        url = address(folder_id, version.document_id, version.number)
        record = known.get(key)
        if record is None or not record.fresh:
            by_version[version.id] = [SignatureView("", "", "", "", "", ask_url=url)]
            continue
        done.add(version.document_id)
        views = [
            judged(verdict, url, accounts.get(verdict.fingerprint_sha256, "")) for verdict in record.verdicts
        ]
        by_version[version.id] = [
            replace(view, verdict=view.verdict + preserved.get(version.id, "")) for view in views
        ]
    for row in proofs:
        signed_version = versions[row.version_id]
        if signed_version.document_id not in done:
            url = address(folder_id, signed_version.document_id, signed_version.number)
            by_version.setdefault(row.version_id, []).insert(
                0, _when_made(row, preserved.get(row.version_id, ""), url)
            )
    for signed in paper.of_folder(db, folder_id):
        by_version.setdefault(signed.version_id, []).append(by_hand(signed))
    return by_version


def _when_made(row: SignatureProof, archived: str, url: str) -> SignatureView:
    stamped = row.timestamped_at
    proven = f"Horodatage du {instant_preuve(stamped)}" if stamped else "Sans horodatage"
    many = f", {row.count} signatures" if row.count > 1 else ""
    reached = LABELS.get(row.assurance or "", "")
    level = f"{reached[:1].upper()}{reached[1:]}. " if reached else ""
    sentence = f"{level}Fichier rouvert et vérifié après signature, {row.format} {row.level}{many}. {proven}{archived}"
    name = in_both_names(row.name, row.holder)
    certificate = f"Certificat émis par « {common_name(row.issuer)} », numéro {row.serial}"
    return SignatureView(
        name, row.capacity, instant_preuve(row.signed_at), sentence, "ok", url, certificate=certificate
    )


def _acts(db: Db, folder_id: int) -> Mapping[int, str]:
    """What was signed with a certificate in another name: its part of the step says both, and in whose absence."""
    proofs = {row.step_run_id: row for row, _ in ask(db, PROOFS, folder_id) if row.holder}
    if not proofs:
        return {}
    query = sa.select(StepRun.id, StepRun.absent).where(StepRun.id.in_(proofs))
    absents: dict[int, str | None] = {row.id: row.absent for row in db.execute(query)}
    return {
        number: f"Signé par {in_both_names(in_absence(proof.name, absents.get(number)), proof.holder)}"
        for number, proof in proofs.items()
    }


def _preservations(db: Db, folder_id: int) -> Mapping[int, str]:
    """What has been added for later to each signed version, or that it is still to come."""
    versions = {version.id: version for _, version in ask(db, DOCUMENTS, folder_id) if version is not None}
    signed = [versions[row.version_id] for row, _ in ask(db, PROOFS, folder_id)]
    notes: dict[int, str] = {}
    for (augmentation,) in ask(db, AUGMENTED, folder_id):
        note = f". Niveau d’archive {augmentation.level} le {instant_preuve(augmentation.made_at)}"
        for signed_version in signed:
            if (
                signed_version.document_id == augmentation.document_id
                and signed_version.round == versions[augmentation.version_id].round
            ):
                notes[signed_version.id] = note
    for row in _rows(db, folder_id):
        document_id, level = row.payload["document_id"], row.payload["level"]
        note = f". Signé, {ARCHIVING[row.state]} (niveau {level})"
        notes.update(
            (version.id, note) for version in versions.values() if version.document_id == document_id
        )
    return notes


def _rows(db: Db, folder_id: int) -> list[Outbox]:
    """The rows that are still to bring a document of the folder to its archive level."""
    return [row for row in posted(db, folder_id, levels.AUGMENT) if row.state in ARCHIVING]


def _tag(db: Db, folder: Folder) -> Tag | None:
    states = {row.state for row in _rows(db, folder.id)}
    if "parked" in states:
        return Tag("warn", "exclamation-circle", f"Signé, {ARCHIVING['parked']}")
    return Tag("info", "hourglass-split", f"Signé, {ARCHIVING['pending']}") if states else None


def _proofs(db: Db, folder_id: int) -> list[dict[str, Any]]:
    rows = [row for row, _ in ask(db, PROOFS, folder_id)]
    return [
        {
            "name": row.name,
            "holder": row.holder,
            "capacity": row.capacity,
            "signed_at": row.signed_at.isoformat(),
            "serial": row.serial,
            "issuer": common_name(row.issuer),
            "level": row.level,
            "assurance": row.assurance,
            "original": "",
        }
        for row in rows
    ] + [paper.proof(row) for row in paper.of_folder(db, folder_id)]


def _seal(row: Row) -> None:
    """Seal the folder that entered a seal step; without a key there is nothing to try again."""
    from app.signing.sealing import seal

    try:
        key = seals.of_collectivity(row.collectivity_id)
    except Refusal as refusal:
        if refusal.key not in {"token-pin-refused", "seal-shut"}:
            raise
        # Each try with a wrong PIN brings the token nearer to locking itself: somebody has to correct it first
        raise Hopeless(sentences.say(refusal.key, refusal.facts)[1]) from refusal
    if key is None:
        raise Hopeless(
            "ni la collectivité (Réglages) ni l’installation (PARAPHE_SEAL_P12, PARAPHE_SEAL_PKCS11_MODULE) n’ont de cachet"
        )
    try:
        seal(system(row.collectivity_id), row.payload["folder_id"], row.payload["step"], key)
    except Refusal as refusal:
        if refusal.key not in {"certificate-not-seal", "seal-too-low"}:
            raise
        raise Hopeless(sentences.say(refusal.key, refusal.facts)[1]) from refusal


def _judge(row: Row) -> None:
    """Judge the signatures of a deposited file, so that whoever decides, and the API, read a verdict and no question."""
    with reading(row.collectivity_id) as db:
        version = db.get(DocumentVersion, row.payload["version_id"])
    if version is None:
        raise Needless("ce fichier n’est plus là")
    try:
        judge_kept(system(row.collectivity_id), version.sha256)
    except Refusal as refusal:
        if refusal.key == "verifier-busy":
            raise
        raise Needless(sentences.say(refusal.key, refusal.facts)[1]) from refusal  # the page says so too


def _augment(row: Row) -> None:
    from app.signing.augment import augment

    augment(row)
