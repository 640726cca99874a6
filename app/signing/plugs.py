"""What signing brings to a folder: its page, the seal that starts alone, and the proofs shown beside the document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment

from app.core.db import Db
from app.core.french import instant_preuve
from app.core.outbox import Hopeless, Row, handles
from app.folders import sockets
from app.people.actor import system
from app.signing import setting
from app.signing.models import SignatureProof
from workflows.events import Action


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
    handles("step.seal")(_seal)


def _signatures(db: Db, folder_id: int) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in db.scalars(
        sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id).order_by(SignatureProof.id)
    ):
        proven = (
            f"Horodatage du {instant_preuve(row.timestamped_at)}" if row.timestamped_at else "Sans horodatage"
        )
        words = f"Fichier rouvert et vérifié après signature, PAdES {row.level}. {proven}"
        found.setdefault(row.version_id, []).append(
            SignatureView(row.name, row.capacity, instant_preuve(row.signed_at), words, "ok")
        )
    return found


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

    key = setting.seal_key()
    if key is None:
        raise Hopeless("aucun cachet n’est configuré (PARAPHE_SEAL_P12)")
    seal(system(row.collectivity_id), row.payload["folder_id"], row.payload["step"], key)
