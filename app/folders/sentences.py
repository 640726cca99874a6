"""What a person is told when a folder does not move."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "not-your-turn": (403, "Ce n’est pas à vous de décider à cette étape. Rien n’a été enregistré."),
    "reason-needed": (
        422,
        "Le dossier n’a pas été rejeté : écrivez le motif, il sera lu par le déposant et par ceux qui ont déjà visé.",
    ),
    "nothing-to-sign": (422, "Le dossier n’est pas parti : ajoutez le document principal."),
    "to-fix": (422, "Le dossier n’est pas parti : il reste {count} point(s) à régler. {details}"),
    "not-editable": (
        409,
        "Ce dossier est en circuit : il ne peut plus être modifié. Reprenez-le d’abord, ou demandez un rejet.",
    ),
    "not-emitter": (
        403,
        "Ce dossier appartient à un autre bureau : seul le bureau qui l’a déposé peut le modifier.",
    ),
    "no-desk": (403, "Votre compte ne permet pas de déposer. Demandez-le à l’administrateur de la commune."),
    "no-file": (422, "Aucun fichier n’a été reçu. Choisissez un document, puis recommencez."),
    "document-unknown": (404, "Ce document n’est pas dans ce dossier."),
    "main-stays": (422, "Le document principal ne se retire pas : remplacez-le."),
    "desk-missing": (
        422,
        "Le dossier n’est pas parti : l’étape « {step} » ne trouve pas son bureau ({what}). Choisissez-le, ou demandez à l’administrateur de corriger le circuit.",
    ),
    "nobody-there": (
        422,
        "Le dossier n’est pas parti : à l’étape « {step} », personne ne peut agir ({needed} personne(s) avec le droit « {right} » sont nécessaires). Prévenez l’administrateur.",
    ),
    "nothing-to-repair": (409, "Il n’y a pas de copie réparée à accepter pour ce document."),
    "date-missing": (422, "L’acte n’a pas été publié : donnez la date de mise en ligne."),
    "date-future": (
        422,
        "L’acte n’a pas été publié : la date de mise en ligne ne peut pas être dans le futur.",
    ),
    "date-before-act": (422, "L’acte n’a pas été publié : la date de mise en ligne précède la décision."),
    "title-missing": (422, "Le dossier n’a pas été enregistré : donnez un objet."),
}
