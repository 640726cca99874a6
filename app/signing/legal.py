"""The legal sentence that a signer reads before signing, by family of document."""

from app.core.db import Db
from app.folders.models import Folder
from app.folders.sockets import meaning_of

REGISTER = (
    "Il n’est pas certain que sa signature électronique suffise au registre, tenu sur papier (CGCT R2121-9, R2122-7) : "
    "faites-y classer un exemplaire signé à la main."
)
"""REG-06: nobody has settled it. Said of each order before it is signed, and nothing is held back for it."""
SENTENCES = {
    "invoice": "Vous donnez le bon à payer : la dépense est due et les pièces la justifient.",
    "pes": "Vous ordonnancez ces dépenses et ces recettes.",
    "pes_payroll": "Vous ordonnancez cette paye : le comptable public la versera, au vu des bulletins joints.",
    "deliberation": "Vous signez l’extrait du registre des délibérations, adopté en séance (CGCT L2121-23).",
    "regulatory_decree": f"Vous prenez cet arrêté ; il s’imposera à tous une fois publié. {REGISTER}",
    "individual_decree": f"Vous prenez cet arrêté ; il s’appliquera à la personne une fois notifié. {REGISTER}",
    "decision": "Vous décidez par délégation du conseil, dans ses limites, et lui en rendez compte (CGCT L2122-22).",
    "contract": "Vous engagez la commune par ce contrat.",
    "act_cancellation": "Vous donnez votre accord : la préfecture annule la transmission de l’acte, qui n’est plus exécutoire.",
    "budget": "Vous attestez que ce document budgétaire est celui que l’assemblée a adopté.",
}


def legal_sentence(db: Db, folder: Folder) -> str:
    """What the signature of this folder means, by what is in it, else in its family's words; empty when nothing more is said."""
    return meaning_of(db, folder) or SENTENCES.get(folder.family, "")
