"""What an administrator is told when a circuit is refused."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "circuit-unknown": (404, "Ce circuit n’existe pas. Choisissez-en un dans la liste des circuits."),
}
