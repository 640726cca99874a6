"""What a person of the demonstration is told when a simulator cannot play."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "simulator-absent": (
        409,
        "{office} n’est pas simulée sur cette installation : aucun scénario n’y est joué et rien n’a changé. Pour vous "
        "exercer, réglez {setting} sur « simulated », jamais en production.",
    ),
    "simulator-answered": (
        409,
        "Cet envoi est inconnu du simulateur ou a déjà sa réponse : rien n’a changé. Rechargez la page.",
    ),
}
