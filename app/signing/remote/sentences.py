"""What is answered when the trust service, or what was asked of it, says no: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "csc-silent": (
        503,
        "Rien n’a été signé : le service de signature à distance n’a pas répondu. Recommencez dans quelques minutes.",
    ),
    "csc-access-refused": (
        503,
        (
            "Rien n’a été signé : le service de signature à distance refuse l’accès de Paraphe. Prévenez "
            "l’administrateur."
        ),
    ),
    "csc-code-wrong": (
        403,
        (
            "Rien n’a été signé : le code donné n’est pas celui que le service de signature attendait. Vérifiez-le, ou "
            "recommencez depuis le début pour en recevoir un nouveau."
        ),
    ),
    "csc-answer-invalid": (
        502,
        (
            "Rien n’a été signé : la réponse du service de signature à distance n’est pas celle attendue ({what}). "
            "Recommencez, et prévenez l’administrateur si cela se répète."
        ),
    ),
    "csc-credential-unusable": (
        403,
        (
            "Rien n’a été signé : le certificat « {credential} » du service de signature à distance n’est pas "
            "utilisable. Adressez-vous à ce service."
        ),
    ),
    "csc-credential-locked": (
        403,
        (
            "Rien n’a été signé : le service de signature à distance a bloqué ce certificat après trop d’essais. "
            "Débloquez-le auprès de ce service, puis recommencez."
        ),
    ),
    "csc-authorization-expired": (
        409,
        (
            "Rien n’a été signé : l’autorisation donnée au service de signature à distance a expiré ou a déjà servi. "
            "Recommencez, et donnez-en une nouvelle."
        ),
    ),
    "csc-declined": (
        403,
        (
            "Rien n’a été signé : l’autorisation n’a pas été donnée sur la page du service de signature à distance. "
            "Recommencez quand vous le souhaitez."
        ),
    ),
    "csc-return-unknown": (
        409,
        (
            "Rien n’a été signé : ce retour du service de signature à distance ne répond à aucune demande de votre "
            "session, ou y a déjà répondu. Rouvrez le dossier : il dit s’il est signé."
        ),
    ),
    "csc-request-over": (
        409,
        (
            "Rien n’a été signé cette fois : cette demande au service de signature à distance a expiré, a déjà servi "
            "ou appartient à une autre session. Recommencez depuis le début."
        ),
    ),
    "csc-at-work": (
        409,
        (
            "Rien de plus n’a été demandé : la signature que vous avez déjà autorisée est en cours d’apposition. "
            "Attendez deux minutes, puis rouvrez le dossier : s’il n’est pas signé, recommencez, sans nouvel accord."
        ),
    ),
    "csc-not-configured": (
        409,
        (
            "Rien n’a été signé : aucun service de signature à distance n’est réglé ici. Signez avec un fichier ou "
            "une carte, ou adressez-vous à l’administrateur."
        ),
    ),
    "csc-key-unknown": (
        403,
        (
            "Rien n’a été signé : ce certificat à distance n’est pas inscrit à votre nom. Inscrivez le vôtre dans "
            "« Mes certificats »."
        ),
    ),
    "csc-certificate-changed": (
        409,
        (
            "Rien n’a été signé : le service de signature à distance présente un autre certificat que celui qui est "
            "inscrit à votre nom. Inscrivez le nouveau dans « Mes certificats »."
        ),
    ),
    "csc-credential-taken": (
        409,
        (
            "Rien n’a été inscrit : ce certificat à distance est déjà inscrit au nom d’une autre personne. "
            "Adressez-vous à l’administrateur."
        ),
    ),
    "csc-credential-unguarded": (
        403,
        (
            "Rien n’a été inscrit : le service ne demande ni code ni accord pour ce certificat, d’autres que vous "
            "pourraient signer avec. Demandez au service d’en protéger l’usage par un code."
        ),
    ),
    "csc-proof-wrong": (
        502,
        (
            "Rien n’a été inscrit : la réponse du service de signature à distance n’est pas faite avec ce "
            "certificat. Recommencez, et prévenez l’administrateur si cela se répète."
        ),
    ),
    "csc-address-unsafe": (
        500,
        (
            "Rien n’a été signé : l’adresse du service de signature à distance ({host}) n’est pas en https. "
            "Prévenez l’administrateur."
        ),
    ),
}
