"""What the list of establishments answers when it refuses: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "siret-invalid": (
        422,
        "Rien n’a changé : la ligne {line}, « {text} », ne commence pas par un SIRET (quatorze chiffres, le dernier en est la clé), ou son nom passe cent caractères. Corrigez-la.",
    ),
    "siret-other": (
        422,
        "Rien n’a changé : le SIRET {siret} n’est pas un établissement de cette collectivité, dont le SIREN est {siren}. Ôtez-le.",
    ),
    "siret-twice": (
        422,
        "Rien n’a changé : le SIRET {siret} est deux fois dans la liste. Gardez une seule ligne.",
    ),
    "siret-many": (
        422,
        "Rien n’a changé : la liste a plus de {most} établissements. Gardez ceux qui reçoivent des factures.",
    ),
    "establishments-moved": (
        409,
        "Rien n’a changé : cette liste a été changée depuis que vous l’avez ouverte. Ouvrez-la de nouveau, puis refaites votre changement.",
    ),
}
