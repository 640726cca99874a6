"""What people are told of Chorus Pro when it refuses: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "chorus-siret": (
        422,
        "Rien n’a changé : « {siret} » n’est pas un SIRET (quatorze chiffres, le dernier en est la clé). Séparez-les par des virgules.",
    ),
    "chorus-sirets": (
        422,
        "Rien n’a changé : la liste a plus de {most} SIRET. Gardez ceux qui reçoivent des factures.",
    ),
}
