"""What is answered when a key does not open or does not answer: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "passphrase-wrong": (
        403,
        "Rien n’a été signé : le mot de passe n’ouvre pas ce certificat. Vérifiez-le, puis recommencez.",
    ),
    "key-file-unreadable": (
        500,
        "Rien n’a été signé : le fichier de clé du serveur n’est pas lisible. Prévenez l’administrateur.",
    ),
    "key-file-empty": (
        500,
        (
            "Rien n’a été signé : le fichier de clé ne contient pas à la fois une clé et son certificat. "
            "Prévenez l’administrateur."
        ),
    ),
    "browser-answer-invalid": (
        400,
        (
            "Rien n’a été signé : la réponse de la page est incomplète ({what}). Rechargez la page, puis "
            "recommencez."
        ),
    ),
    "token-silent": (
        503,
        (
            "Rien n’a été signé : le module de sécurité (HSM) n’a pas répondu ({why}). Vérifiez qu’il est "
            "branché et joignable, puis recommencez."
        ),
    ),
    "token-pin-refused": (
        503,
        (
            "Rien n’a été signé : le jeton « {token} » a refusé son code PIN, qui ne lui sera plus présenté. "
            "Corrigez le réglage, puis redémarrez Paraphe."
        ),
    ),
    "token-key-missing": (
        503,
        (
            "Rien n’a été signé : le jeton « {token} » ne contient pas exactement une clé nommée « {label} » et "
            "son certificat. Corrigez le réglage, ou ce que contient le jeton."
        ),
    ),
    "pin-file-unreadable": (
        500,
        "Rien n’a été signé : le fichier du code PIN du cachet n’est pas lisible. Vérifiez son chemin et ses droits.",
    ),
    "card-answer-invalid": (
        400,
        (
            "Rien n’a été signé : la réponse de la carte est incomplète ({what}). Retirez-la, remettez-la, puis "
            "recommencez."
        ),
    ),
    "card-algorithm-missing": (
        422,
        (
            "Rien n’a été signé : cette carte ne sait pas signer en {wanted}. Choisissez un autre certificat, ou "
            "demandez une carte plus récente à votre autorité de certification."
        ),
    ),
    "card-algorithm-other": (
        422,
        (
            "Rien n’a été signé : la carte a signé autrement ({said}) que ce qui lui était demandé. Recommencez, "
            "et si cela se répète, choisissez un autre certificat."
        ),
    ),
}
