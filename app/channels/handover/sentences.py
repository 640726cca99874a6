"""What is told when a collectivity's own address for hand-overs is refused."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "handover-secret": (
        422,
        "Le secret de remise compte {least} caractères au moins. Rien n’a été changé : donnez-en un plus long, ou laissez Paraphe le tirer.",
    ),
    "handover-address": (
        422,
        "Rien n’a été changé : cette adresse ne peut pas servir aux remises, donnez-en une autre. {why}",
    ),
}
