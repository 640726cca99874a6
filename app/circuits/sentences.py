"""What an administrator is told when a circuit is refused."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "circuit-unknown": (404, "Ce circuit n’existe pas. Choisissez-en un dans la liste des circuits."),
    "circuit-outdated": (
        409,
        "Le dossier n’est pas parti et rien n’est perdu : le circuit en vigueur de « {family} » ne suit plus les règles de ce type. "
        "{details} Demandez à un administrateur d’en publier une nouvelle version, puis renvoyez le dossier.",
    ),
}
