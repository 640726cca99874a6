"""What a person is told of the hours and the rhythm of letters."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "rhythm-unknown": (
        422,
        "Rien n’a changé : choisissez un rythme et une heure de la liste, puis « Enregistrer ».",
    ),
    "rhythm-type": (
        422,
        "Rien n’a changé : aucun dossier de ce type ne peut vous attendre, ou le type est fermé. Choisissez un type de la liste.",
    ),
    "stop-link-unknown": (
        422,
        "Ce lien n’arrête aucun courriel : il est incomplet, ou n’est pas de Paraphe. Reprenez-le en entier dans le courriel, ou connectez-vous, puis « Mon compte », « Mes courriels ».",
    ),
    "agenda-unknown": (
        404,
        "Cette adresse d’agenda ne répond pas, ou plus. Connectez-vous, puis « Mon compte », « Mon agenda », pour en créer une autre.",
    ),
    "mail-escalations": (
        422,
        "Rien n’a changé : « {text} » ne dit pas le délai d’une famille. Écrivez son nom, deux points, un nombre de jours ouvrés de 1 à {most} ou « jamais », une virgule entre deux familles : Facture : 3, Délibération : jamais. Les familles : {names}.",
    ),
    "mail-escalations-closed": (
        422,
        "Rien n’a changé : les dossiers de « {family} » sont réservés, et ne sont jamais comptés pour le bureau supérieur. Retirez cette famille.",
    ),
    "mail-escalations-twice": (
        422,
        "Rien n’a changé : « {family} » a deux délais. Gardez-en un.",
    ),
    "mail-hours-night": (
        422,
        "Rien n’a changé : « {text} » ne laisse pas une heure de jour aux courriels qui rappellent ce qui attend, et qui ne partent jamais avant 6 h ni après 20 h. Choisissez des heures qui en comprennent une.",
    ),
    "mail-hours": (
        422,
        "Rien n’a changé : « {text} » ne dit pas deux heures d’un même jour. Écrivez la première, un tiret, la seconde : 8-19, ou 8:30-18:30.",
    ),
}
