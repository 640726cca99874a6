"""What signing brings to a folder: its page, the seal that starts alone, and the proofs shown beside the document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment

from app.core.db import Db
from app.core.french import instant_preuve
from app.core.outbox import Hopeless, Outbox, Row, each_round, handles
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.folders import sockets
from app.folders.models import DocumentVersion, Folder
from app.folders.views import Tag
from app.people.actor import system
from app.signing import levels, setting
from app.signing.models import Augmentation, SignatureProof
from app.signing.renewal import daily
from workflows.events import Action

ARCHIVING = {
    "pending": "archivage en cours",
    "running": "archivage en cours",
    "parked": "archivage arrêté après le dernier essai",
}
_later = sa.orm.aliased(DocumentVersion)


@dataclass(frozen=True)
class SignatureView:
    """A signature as the page tells it; « verified when it was made » is what the record proves."""

    name: str
    capacity: str
    at: str
    verdict: str
    tone: str


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    del templates  # it prints nothing
    setting.configure(settings)
    sockets.action(Action.SIGN, "signing.dialog", "dialog")
    sockets.signatures(_signatures)
    sockets.proofs(_proofs)
    sockets.tag(_tag)
    handles("step.seal")(_seal)
    handles(levels.AUGMENT)(_augment)
    each_round("signature.renewal", daily)


def _signatures(db: Db, folder_id: int) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    kept = _kept(db, folder_id)
    for row in db.scalars(
        sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id).order_by(SignatureProof.id)
    ):
        proven = (
            f"Horodatage du {instant_preuve(row.timestamped_at)}" if row.timestamped_at else "Sans horodatage"
        )
        words = f"Fichier rouvert et vérifié après signature, PAdES {row.level}. {proven}"
        words += kept.get(row.version_id, "")
        found.setdefault(row.version_id, []).append(
            SignatureView(row.name, row.capacity, instant_preuve(row.signed_at), words, "ok")
        )
    return found


def _kept(db: Db, folder_id: int) -> Mapping[int, str]:
    """What has been added for later to each signed version, or that it is still to come."""
    signed = (
        sa.select(DocumentVersion.id, Augmentation.level, Augmentation.made_at)
        .join(SignatureProof, SignatureProof.version_id == DocumentVersion.id)
        .join(Augmentation, Augmentation.document_id == DocumentVersion.document_id)
        .join(_later, _later.id == Augmentation.version_id)
        .where(SignatureProof.folder_id == folder_id, _later.round == DocumentVersion.round)
        .order_by(Augmentation.id)
    )
    found = {
        one.id: f". Niveau d’archive {one.level} le {instant_preuve(one.made_at)}"
        for one in db.execute(signed)
    }
    for row in _rows(db, folder_id):
        document_id, level = row.payload["document_id"], row.payload["level"]
        words = ARCHIVING[row.state]
        versions = sa.select(DocumentVersion.id).where(DocumentVersion.document_id == document_id)
        found.update(dict.fromkeys(db.scalars(versions), f". Signé, {words} (niveau {level})"))
    return found


def _rows(db: Db, folder_id: int) -> list[Outbox]:
    """The rows that are still to bring a document of the folder to its archive level."""
    query = sa.select(Outbox).where(
        Outbox.folder_id == folder_id, Outbox.kind == levels.AUGMENT, Outbox.state.in_(ARCHIVING)
    )
    return list(db.scalars(query.order_by(Outbox.id)))


def _tag(db: Db, folder: Folder) -> Tag | None:
    states = {row.state for row in _rows(db, folder.id)}
    if "parked" in states:
        return Tag("warn", "exclamation-circle", f"Signé, {ARCHIVING['parked']}")
    return Tag("info", "hourglass-split", f"Signé, {ARCHIVING['pending']}") if states else None


def _proofs(db: Db, folder_id: int) -> list[dict[str, Any]]:
    rows = db.scalars(
        sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id).order_by(SignatureProof.id)
    )
    return [
        {
            "name": row.name,
            "capacity": row.capacity,
            "signed_at": row.signed_at.isoformat(),
            "serial": row.serial,
            "issuer": row.issuer,
            "level": row.level,
        }
        for row in rows
    ]


def _seal(row: Row) -> None:
    """Seal the folder that entered a seal step; without a key there is nothing to try again."""
    from app.signing.sign import seal

    try:
        key = setting.seal_key()
    except Refusal as refusal:
        if refusal.key != "token-pin-refused":
            raise
        # Each try with a wrong PIN brings the token nearer to locking itself: somebody has to correct it first
        raise Hopeless(sentences.say(refusal.key, refusal.facts)[1]) from refusal
    if key is None:
        raise Hopeless("aucun cachet n’est configuré (PARAPHE_SEAL_P12 ou PARAPHE_SEAL_PKCS11_MODULE)")
    seal(system(row.collectivity_id), row.payload["folder_id"], row.payload["step"], key)


def _augment(row: Row) -> None:
    from app.signing.augment import augment

    augment(row)
