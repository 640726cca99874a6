"""What is answered when an act signed by hand cannot be taken: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "paper-not-allowed": (
        409,
        "Ce type de dossier ne se signe pas sur papier. Signez-le électroniquement, ou rejetez-le.",
    ),
    "paper-under-cover": (
        409,
        "Vous agissez ici en l’absence de quelqu’un : une signature faite sur papier est déclarée par qui tient le bureau. Signez électroniquement si un arrêté à votre nom le permet, ou attendez son retour.",
    ),
    "paper-mixed": (
        409,
        (
            "Une signature électronique a déjà été apposée sur ce document : la suivante doit l’être aussi. "
            "Signez électroniquement, ou rejetez le dossier pour le signer en entier sur papier."
        ),
    ),
    "paper-already": (
        409,
        (
            "Rien n’a été signé : une autre signature de ce document a été donnée sur papier. Signez le même "
            "original, puis enregistrez-le par « Signé sur papier… », ou rejetez le dossier."
        ),
    ),
    "paper-before-seal": (
        409,
        (
            "Le circuit appose un cachet électronique sur ce document : il ne peut pas être signé sur papier. "
            "Signez-le électroniquement."
        ),
    ),
    "paper-date-missing": (422, "La date de la signature manque ou n’est pas lisible. Donnez-la."),
    "paper-date-future": (
        422,
        "La date de la signature ne peut pas être dans le futur. Donnez le jour où l’acte a été signé.",
    ),
    "paper-date-before-act": (
        422,
        "La date de la signature précède celle de la décision. Vérifiez les deux.",
    ),
    "paper-antedated": (
        422,
        (
            "Le dossier date l’acte du {decided_on}, et vous dites qu’il a été signé le {signed_on} : un arrêté, une décision ou un "
            "contrat n’existe que depuis sa signature. Corrigez le jour de la signature ; si c’est la date du dossier qui est "
            "fausse, rejetez-le pour la corriger ; si l’acte porte bien ces deux dates, cochez-le ci-dessous."
        ),
    ),
    "paper-no-scan": (422, "La numérisation de l’acte signé manque. Joignez-la en PDF."),
    "paper-scan-damaged": (
        422,
        "« {filename} » est mal construit. Numérisez de nouveau l’acte signé, puis joignez ce fichier.",
    ),
    "paper-incomplete": (
        422,
        (
            "Rien n’a été enregistré. Indiquez qui a signé, en quelle qualité, et où l’original est conservé, en {longest} caractères au "
            "plus pour chacun."
        ),
    ),
}
