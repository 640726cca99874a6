"""What the signing room answers when it refuses: status and French sentence for each key; each room inside it brings its own."""

from app.core.refusals import Sentences
from app.signing.formats import sentences as formats
from app.signing.handwriting import sentences as handwriting
from app.signing.keys import sentences as keys
from app.signing.paper import sentences as paper
from app.signing.placing import sentences as placing
from app.signing.remote import sentences as remote
from app.signing.verifier import sentences as verifier

SENTENCES: Sentences = {
    "would-be-refused": (
        409,
        "Rien n’a été signé : ce dossier serait refusé à l’envoi. {details} Rejetez-le pour qu’il soit corrigé.",
    ),
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
    "signature-of-software": (
        403,
        "Rien n’a été signé : une signature est l’acte d’une personne, pas d’un logiciel. Ouvrez ce dossier avec votre compte.",
    ),
    "certificate-to-confirm": (
        403,
        (
            "Rien n’a été signé : le certificat {name:de} attend l’accord d’un administrateur ; « Mes certificats » dit pourquoi. "
            "Demandez-le-lui, ou signez avec un autre certificat."
        ),
    ),
    "certificate-refused": (403, "Le certificat n’a pas été inscrit : {details}"),
    "certificate-unchecked": (503, "Le certificat n’a pas été inscrit : {details}"),
    "certificate-taken": (
        409,
        (
            "Le certificat n’a pas été inscrit : une autre personne signe déjà avec lui. Choisissez le vôtre, ou adressez-vous à "
            "l’administrateur."
        ),
    ),
    "possession-over": (
        409,
        (
            "Le certificat n’a pas été inscrit : cette demande a déjà servi, a expiré ou appartient à une autre session. "
            "Recommencez l’inscription."
        ),
    ),
    "possession-wrong": (
        403,
        (
            "Le certificat n’a pas été inscrit : la réponse n’est pas faite avec la clé de ce certificat. Recommencez avec le "
            "fichier ou la carte qui contient les deux."
        ),
    ),
    "certificate-own-word": (
        403,
        "Rien n’a changé : un administrateur ne confirme pas son propre certificat. Demandez-le à un autre administrateur ; "
        "s’il n’y en a pas, faites-en nommer un.",
    ),
    "certificate-reason-needed": (
        422,
        "Rien n’a changé : son titulaire lira pourquoi. Écrivez le motif, puis recommencez.",
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
    "session-used": (
        409,
        "Rien n’a été signé cette fois : cette signature a déjà servi, a expiré ou appartient à une autre session. "
        "Rouvrez le dossier : il dit s’il est signé.",
    ),
    "prepared-too-many-person": (
        429,
        "Rien n’a été signé : trop de documents préparés à votre nom attendent déjà leur signature. Terminez celle qui est ouverte, ou recommencez dans {minutes} minutes.",
    ),
    "prepared-too-many-address": (
        429,
        "Rien n’a été signé : trop de documents préparés depuis votre adresse réseau attendent déjà leur signature. Recommencez dans {minutes} minutes, ou prévenez l’administrateur.",
    ),
    "prepared-too-many-house": (
        503,
        "Rien n’a été signé : trop de documents préparés attendent déjà leur signature sur ce serveur. Recommencez dans {minutes} minutes, ou prévenez l’administrateur.",
    ),
    "document-changed": (
        409,
        "Rien n’a été signé : le document a changé entre-temps, une autre signature vient d’y être apposée. Recommencez.",
    ),
    "certificate-unknown": (
        404,
        "Ce certificat n’est pas inscrit à votre nom. Rechargez la liste de vos certificats.",
    ),
    "level-needs-timestamp": (
        503,
        "Rien n’a été signé : ce type de dossier demande le niveau {level}, et aucune autorité d’horodatage n’est réglée. "
        "Prévenez l’administrateur.",
    ),
    "mandate-not-offered": (
        403,
        "Rien n’a été signé : la qualité choisie n’est pas la vôtre, ou ne vaut pas pour ce dossier. Rechargez la page, puis choisissez parmi celles qu’elle propose.",
    ),
    "mandate-lost": (
        409,
        "Rien n’a été signé : vous ne pouvez plus signer en qualité de « {words} », inscrite sur le document préparé. Recommencez la signature : la page propose les qualités qui restent.",
    ),
    "certificate-wrong-purpose": (
        403,
        "Rien n’a été signé : le certificat {name:de} est inscrit pour un autre usage ({purpose}). Signez avec un certificat inscrit pour les actes, ou faites corriger l’usage par l’administrateur.",
    ),
    "certificate-is-seal": (
        422,
        "Le certificat n’a pas été inscrit : il est fait pour le cachet d’un organisme, pas pour la signature d’une personne. Choisissez l’usage « Cachet de la collectivité », ou un autre certificat.",
    ),
    "certificate-purpose-set": (
        403,
        "Rien n’a changé : ce certificat est déjà inscrit pour un autre usage. Demandez à l’administrateur de le changer.",
    ),
    "certificate-owner-unknown": (
        404,
        "Le certificat n’a pas été inscrit : cette personne n’a pas de compte ouvert. Choisissez-la dans la liste.",
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
    **formats.SENTENCES,
    **handwriting.SENTENCES,
    **keys.SENTENCES,
    **paper.SENTENCES,
    **placing.SENTENCES,
    **remote.SENTENCES,
    **verifier.SENTENCES,
}
