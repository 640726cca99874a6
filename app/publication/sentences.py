"""What publication answers when it refuses: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "nothing-to-print": (
        404,
        "Aucune copie n’est à imprimer : cet acte n’est pas en ligne, ou ce fichier n’est pas un PDF. Ouvrez le dossier, puis la page publique.",
    ),
    "not-publisher": (
        403,
        "La publication de cet acte revient au bureau que son circuit désigne. Rien n’a été fait : adressez-vous à lui.",
    ),
    "publication-forbidden": (
        409,
        "Rien n’a été mis en ligne : un dossier « {family} » ne se publie pas. Notifiez-le ou transmettez-le à ceux qu’il concerne.",
    ),
    "not-published": (
        409,
        "Rien n’a été mis en ligne : l’étape de publication n’est pas faite. Publiez d’abord l’acte depuis son dossier.",
    ),
    "means-moved": (
        409,
        "Rien n’a changé : quelqu’un d’autre vient de changer le mode de publicité, redit ci-dessous. Revoyez-le, puis enregistrez.",
    ),
    "means-missing": (422, "Rien n’a changé : choisissez un mode de publicité."),
    "means-population": (
        422,
        "Rien n’a changé : seule une commune de moins de 3 500 habitants choisit l’affichage ou le papier. Donnez son nombre d’habitants, ou gardez la publication en ligne.",
    ),
    "means-deliberation": (
        422,
        "Rien n’a changé : donnez le numéro et la date de la délibération par laquelle le conseil a fait ce choix.",
    ),
    "already-online": (
        409,
        "Cet acte est déjà en ligne. Rien n’a changé : pour le remplacer, déposez une version occultée.",
    ),
    "not-online": (409, "Cet acte n’est pas en ligne : rien n’a été retiré. Rechargez la page."),
    "masked-missing": (
        409,
        "L’acte n’a pas été publié : un acte de ce type n’est mis en ligne qu’occulté. Déposez d’abord sa version occultée, depuis « Publication ».",
    ),
    "no-masked-file": (
        422,
        "La version occultée n’a pas été gardée : choisissez un fichier PDF, et un seul.",
    ),
    "masked-damaged": (
        422,
        "La version occultée n’a pas été gardée : « {filename} » est mal construit. Enregistrez-le de nouveau en PDF, puis redéposez-le.",
    ),
    "masked-still-readable": (
        422,
        "La version occultée n’a pas été gardée : le texte de l’original y est encore en entier, même caché sous un dessin. Supprimez les mots à masquer, imprimez le résultat en PDF, puis redéposez-le.",
    ),
    "public-title-missing": (
        422,
        "La version occultée n’a pas été gardée : écrivez l’objet que le public lira, sans donnée personnelle, en {longest} signes au plus.",
    ),
    "replacement-reason-missing": (
        422,
        "L’acte en ligne n’a pas été remplacé : écrivez pourquoi, en {shortest} signes au moins et {longest} au plus. Ce motif est inscrit au journal.",
    ),
    "nothing-to-keep": (
        409,
        "Rien n’a été enregistré : la transmission de cet acte n’a pas été annulée, ou son maintien est déjà décidé. Rechargez la page.",
    ),
    "keeping-reason-missing": (
        422,
        "Le maintien en ligne n’a pas été enregistré : écrivez pourquoi, en {shortest} signes au moins et {longest} au plus. Ce motif est inscrit au journal.",
    ),
    "withdrawal-reason-missing": (
        422,
        "L’acte n’a pas été retiré : écrivez la décision et sa date, en {shortest} signes au moins et {longest} au plus. Ce motif est inscrit au journal.",
    ),
    "online-too-short": (
        409,
        "L’acte n’a pas été retiré : il doit rester en ligne deux mois, jusqu’au {last_day} inclus. Avant cette date, choisissez un motif de droit et écrivez-le.",
    ),
    "act-unavailable": (
        503,
        "Ce fichier est momentanément indisponible : il n’a pas été servi, car ses octets ne sont plus ceux qui ont été publiés. La collectivité est prévenue ; revenez plus tard, ou demandez-lui une copie papier.",
    ),
}
