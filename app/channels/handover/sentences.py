"""What is told when a collectivity's own address for hand-overs is refused."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "handover-folder": (
        422,
        "Rien n’a été changé : « {folder} » n’est pas un dossier possible. Écrivez {most} noms au plus, séparés par « / », en lettres "
        "sans accent, chiffres, points et tirets, sans « .. » : ils sont pris sous le dossier de la collectivité.",
    ),
    "handover-both": (
        422,
        "Rien n’a été changé : une remise va à une adresse ou à un dossier, pas aux deux. Revenez d’abord à la valeur de "
        "l’installation pour l’autre.",
    ),
    "handover-secret": (
        422,
        "Le secret de remise compte {least} caractères au moins. Rien n’a été changé : donnez-en un plus long, ou laissez Paraphe le tirer.",
    ),
    "handover-address": (
        422,
        "Rien n’a été changé : cette adresse ne peut pas servir aux remises, donnez-en une autre. {why}",
    ),
}
