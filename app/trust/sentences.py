"""What is answered when a certificate, a key or an hour is not to be relied on: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "certificate-unreadable": (
        400,
        (
            "Rien n’a été signé : le certificat reçu n’est pas lisible. Choisissez le fichier .p12 ou .pfx "
            "remis par votre autorité de certification."
        ),
    ),
    "certificate-not-enrolled": (
        403,
        (
            "Rien n’a été signé : le certificat {name:de} n’est pas enregistré à votre nom. Choisissez le "
            "vôtre, ou inscrivez-le sous « Mes certificats »."
        ),
    ),
    "certificate-to-confirm": (
        403,
        (
            "Rien n’a été signé : le certificat {name:de} attend l’accord d’un administrateur ; « Mes certificats » dit pourquoi. "
            "Demandez-le-lui, ou signez avec un autre certificat."
        ),
    ),
    "certificate-authentication-only": (
        403,
        (
            "Rien n’a été signé : ce certificat sert à s’identifier, pas à signer (usage « non-répudiation » "
            "absent). Choisissez votre certificat de signature."
        ),
    ),
    "certificate-is-authority": (
        403,
        (
            "Rien n’a été signé : ce certificat est celui d’une autorité, pas d’une personne. Choisissez "
            "votre certificat de signature."
        ),
    ),
    "certificate-other-use": (
        403,
        "Rien n’a été signé : ce certificat est réservé à un autre usage (identification, serveur, horodatage, "
        "révocation ou logiciel). Choisissez votre certificat de signature.",
    ),
    "certificate-not-yet-valid": (
        403,
        "Rien n’a été signé : ce certificat ne sera valable qu’à partir du {date}. Attendez ce jour, ou choisissez-en un autre.",
    ),
    "certificate-expired": (
        403,
        (
            "Rien n’a été signé : ce certificat a expiré le {date}. Demandez son renouvellement à votre "
            "autorité de certification."
        ),
    ),
    "certificate-issuer-missing": (
        403,
        "Rien n’a été signé : l’autorité « {issuer} », qui a délivré ce certificat, n’est pas connue ici, et "
        "son certificat ne l’accompagne pas. Joignez la chaîne de votre certificat (un fichier PEM de tous, ou le .p12), "
        "ou demandez à l’administrateur d’ajouter l’autorité si la commune lui fait confiance.",
    ),
    "certificate-issuer-unknown": (
        403,
        (
            "Rien n’a été signé : l’autorité « {issuer} » qui a délivré ce certificat n’est pas reconnue "
            "ici. Demandez à l’administrateur de l’ajouter si la commune lui fait confiance."
        ),
    ),
    "certificate-chain-invalid": (
        403,
        (
            "Rien n’a été signé : la chaîne de ce certificat n’est pas valable ({why}). Exportez-le de "
            "nouveau avec tous les certificats de la chaîne."
        ),
    ),
    "certificate-revoked": (
        403,
        (
            "Rien n’a été signé : ce certificat a été révoqué le {date}. Demandez-en un nouveau à votre "
            "autorité de certification."
        ),
    ),
    "certificate-issuer-revoked": (
        403,
        (
            "Rien n’a été signé : l’autorité qui a délivré ce certificat a été révoquée le {date}. Prévenez "
            "l’administrateur."
        ),
    ),
    "revocation-unknown": (
        503,
        (
            "Rien n’a été signé : l’autorité de certification n’a pas répondu, et nous ne pouvons pas savoir "
            "si ce certificat est révoqué. Recommencez dans quelques minutes."
        ),
    ),
    "key-weak": (
        403,
        (
            "Rien n’a été signé : la clé de ce certificat est trop faible ({strength}). Il faut au moins RSA "
            "2048 bits ou la courbe P-256."
        ),
    ),
    "key-kind-unknown": (
        403,
        (
            "Rien n’a été signé : ce genre de clé ({kind}) n’est pas accepté. Il faut une clé RSA ou une "
            "courbe P-256, P-384 ou P-521."
        ),
    ),
    "hash-not-allowed": (
        400,
        "Rien n’a été signé : l’empreinte {digest} n’est pas acceptée. Il faut SHA-256, SHA-384 ou SHA-512.",
    ),
    "timestamp-silent": (
        503,
        "L’horodatage n’a pas répondu. Rien n’a été apposé sur ce document, il reste à signer : recommencez dans un instant.",
    ),
    "timestamp-wrong-clock": (
        503,
        "Rien n’a été signé : l’autorité d’horodatage donne une heure fausse ({gap} sur notre horloge), et la signature "
        "porterait cette date. Recommencez plus tard ; si cela dure, prévenez l’administrateur.",
    ),
    "timestamp-account-shut": (
        503,
        "Rien n’a été signé : le compte de la collectivité auprès de son autorité d’horodatage n’est plus lisible, la clé de "
        "l’installation ayant changé. Demandez à un administrateur de le donner de nouveau (Administration, Réglages).",
    ),
    "timestamp-several": (
        422,
        "Rien n’a changé : donnez {most} autorités d’horodatage au plus, une par ligne.",
    ),
    "timestamp-address": (
        422,
        "Rien n’a changé : l’adresse « {url} » ne peut pas servir, {why}. Donnez-en une autre.",
    ),
    "timestamp-account": (
        422,
        "Rien n’a changé : écrivez le compte de l’autorité d’horodatage comme « compte:mot de passe », deux-points entre les deux.",
    ),
    "timestamp-clear": (
        422,
        "Rien n’a changé : un mot de passe ne part pas en clair. Donnez une adresse en https, ou n’indiquez pas de compte.",
    ),
    "certificate-wrong-purpose": (
        403,
        "Rien n’a été signé : le certificat {name:de} est inscrit pour un autre usage ({purpose}). Signez avec un certificat inscrit pour les actes, ou faites corriger l’usage par l’administrateur.",
    ),
    "assurance-too-low": (
        403,
        "Rien n’a été signé : ce type de dossier demande au moins une {asked}, et ce certificat donne une {reached}. Signez avec un certificat de ce niveau, ou laissez signer une personne qui en a un.",
    ),
    "certificate-not-seal": (
        403,
        (
            "Rien n’a été scellé : le certificat du cachet, « {name} », est fait pour la signature d’une personne. "
            "Réglez-en un qui est fait pour le cachet de la commune, puis relancez."
        ),
    ),
    "seal-too-low": (
        403,
        (
            "Rien n’a été scellé : ce type de dossier demande au moins le niveau d’une {asked}, le certificat du cachet "
            "donne celui d’une {reached}. Réglez un certificat de ce niveau, puis relancez."
        ),
    ),
    "signature-not-yours": (
        403,
        (
            "Rien n’a été signé : la signature reçue n’est pas celle de ce document par ce certificat. "
            "Recommencez depuis la page du dossier."
        ),
    ),
}
