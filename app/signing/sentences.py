"""What the signing room answers when it refuses: status and French sentence for each key; each room inside it brings its own."""

from app.core.refusals import Sentences
from app.signing.formats import sentences as formats
from app.signing.handwriting import sentences as handwriting
from app.signing.keys import sentences as keys
from app.signing.paper import sentences as paper
from app.signing.placing import sentences as placing
from app.signing.remote import sentences as remote

SENTENCES: Sentences = {
    "seal-passphrase": (
        422,
        "La phrase de passe n’ouvre pas ce fichier de cachet. Vérifiez-la, puis donnez-le de nouveau.",
    ),
    "seal-unreadable": (
        422,
        "Ce n’est pas un fichier .p12 ou .pfx que l’on puisse ouvrir. Donnez celui que l’autorité de certification a remis.",
    ),
    "seal-keyless": (
        422,
        "Ce fichier ne tient pas à la fois un certificat de cachet et sa clé (RSA ou courbe elliptique). Exportez-le avec la clé.",
    ),
    "seal-refused": (
        422,
        "Ce cachet ne peut pas servir : {why}. Donnez-en un autre.",
    ),
    "seal-shut": (
        503,
        "Rien n’a été scellé : le cachet de la collectivité n’est plus lisible, la clé de l’installation ayant changé. Demandez à "
        "un administrateur de le donner de nouveau (Administration, Réglages).",
    ),
    "sign-gated": (409, "Rien n’a été signé : {details}"),
    "would-be-refused": (
        409,
        "Rien n’a été signé : ce dossier serait refusé à l’envoi. {details} Rejetez-le pour qu’il soit corrigé.",
    ),
    "signature-of-software": (
        403,
        "Rien n’a été signé : une signature est l’acte d’une personne, pas d’un logiciel. Ouvrez ce dossier avec votre compte.",
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
    "opinion-since": (
        409,
        "Rien n’a été signé : un avis a été demandé, rendu ou retiré depuis. Relisez le dossier, puis recommencez.",
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
    "mandate-changed": (
        409,
        "Rien n’a été signé : vos mandats, votre qualité, votre intérim ou la part de l’étape qui vous revient ont changé depuis la page{words}. Ouvrez ou rechargez la page du dossier : elle dit en quelle qualité vous le signez.",
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
    "verification-unknown": (
        404,
        "Aucune vérification de ce document n’est connue. Rouvrez le dossier, puis recommencez.",
    ),
    **formats.SENTENCES,
    **handwriting.SENTENCES,
    **keys.SENTENCES,
    **paper.SENTENCES,
    **placing.SENTENCES,
    **remote.SENTENCES,
}
