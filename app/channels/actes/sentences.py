"""What people are told of the Préfecture's nomenclature: it cannot be renewed, or has nothing to do with a folder."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "budget-other-body": (
        422,
        "Rien n’a été déposé : ce budget porte le SIRET {siret} (IdEtab), et la collectivité a le SIREN {siren}. Déposez-le "
        "dans le parapheur de cette autre collectivité, ou corrigez le SIRET du budget dans le logiciel de finances.",
    ),
    "matter-not-asked": (
        409,
        "Ce dossier n’est pas un acte : il n’a pas de matière à choisir. Revenez à son brouillon.",
    ),
    "matter-unknown": (
        422,
        "La matière n’a pas changé : celle-ci n’est pas dans la classification en vigueur. Choisissez-en une dans la liste.",
    ),
    "classification-unset": (
        409,
        "La classification n’a pas été renouvelée : celle d’avant reste en vigueur. {why} Réessayez ensuite.",
    ),
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
