"""What the Préfecture's nomenclature answers when it cannot be renewed."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "classification-unreachable": (
        502,
        "La classification n’a pas été renouvelée : la préfecture ne répond pas. Celle d’avant reste en vigueur ; "
        "réessayez plus tard.",
    ),
    "classification-unreadable": (
        502,
        "La classification n’a pas été renouvelée : la réponse reçue n’en est pas une. Celle d’avant reste en vigueur ; "
        "prévenez l’administrateur.",
    ),
}
