"""What the law makes the signature of a payment flow mean, by what its bordereaux hold (CGCT D1617-23)."""

from app.circuits.library import family_of
from app.core.db import Db
from app.folders.models import Folder
from app.pes.models import FlowIndex

SERVICE = "certifie le service fait de chaque dépense et le caractère exécutoire des pièces justificatives"
ENFORCEABLE = "rend ces titres exécutoires"


def meaning(db: Db, folder: Folder) -> str:
    """One or two sentences; empty for a flow that has no bordereau signed here."""
    index = db.get(FlowIndex, folder.id)
    if index is None or index.summary.get("paper"):
        return ""
    slips = index.summary["slips"]
    mandats, titres = slips["mandats"], slips["titres"]
    pay = family_of(folder.in_force).restricted
    sentences = []
    if mandats:
        ordered = "Vous ordonnancez cette paye" if pay else "Vous ordonnancez ces dépenses"
        sentences.append(
            f"{ordered} : votre signature {_on(mandats)} de mandats {SERVICE}, et le comptable public paiera (CGCT D1617-23)."
        )
    if titres:
        sentences.append(
            f"Votre signature {_on(titres)} de titres {ENFORCEABLE}, et le comptable public les recouvrera (CGCT D1617-23)."
        )
    return " ".join(sentences)


def _on(count: int) -> str:
    return "du bordereau" if count == 1 else f"des {count} bordereaux"
