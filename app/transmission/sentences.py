"""What people are told of what leaves, and of what comes back."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "s2low-unreadable": (
        422,
        "Rien n’a changé : ce fichier n’est ni un .p12, ni un PEM de certificat et de clé. Redemandez-le à qui l’a délivré.",
    ),
    "s2low-passphrase": (
        422,
        "Rien n’a changé : ce fichier ne s’ouvre pas avec cette phrase de passe. Tapez-la de nouveau, ou redemandez le fichier.",
    ),
    "s2low-keyless": (
        422,
        "Rien n’a changé : ce fichier n’a pas la clé du certificat. Exportez-le avec sa clé privée.",
    ),
    "s2low-other-key": (
        422,
        "Rien n’a changé : la clé de ce fichier n’est pas celle de son certificat. Exportez les deux ensemble.",
    ),
    "s2low-ended": (
        422,
        "Rien n’a changé : ce certificat vaut du {begins} au {ends}. Donnez celui qui a cours.",
    ),
    "s2low-unfit": (
        422,
        "Rien n’a changé : ce certificat ne peut pas servir à s’identifier auprès de l’opérateur (usage « TLS client » absent). Demandez-en un autre.",
    ),
    "s2low-login": (
        422,
        "Rien n’a changé : un compte technique va avec son mot de passe, tous deux sans accents. Donnez les deux, ou aucun.",
    ),
    "parcel-none": (404, "Rien n’est parti de ce dossier par cet envoi. Rechargez la page du dossier."),
    "parcel-apart": (
        403,
        "Cet envoi n’est donné qu’à qui a une part dans ce dossier. Téléchargez ses documents depuis sa page.",
    ),
    "parcel-untold": (
        500,
        "L’envoi « {name} » n’est pas donné : le journal ne connaît pas son empreinte. Prévenez l’administrateur et citez "
        "l’empreinte {sha256}.",
    ),
    "parcel-differs": (
        500,
        "L’envoi « {name} » n’est pas donné : refait de ses documents, il n’est plus à l’octet ce qu’il était. Prévenez "
        "l’administrateur et citez l’empreinte {sha256}.",
    ),
    "channel-unknown": (422, "Le canal « {channel} » n’existe pas. Corrigez le circuit."),
}
