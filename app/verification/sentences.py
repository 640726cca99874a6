"""What is answered to whoever has a file verified that cannot be: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "document-locked": (
        422,
        "Rien n’a été vérifié : ce PDF est protégé par un mot de passe. Ôtez la protection, puis recommencez.",
    ),
    "too-many-signatures": (
        422,
        "Rien n’a été vérifié : ce fichier porte plus de {limit} signatures. Vérifiez-le avec un outil spécialisé.",
    ),
    "too-many-revisions": (
        422,
        "Rien n’a été vérifié : ce fichier a été modifié plus de {limit} fois. Vérifiez-le avec un outil spécialisé.",
    ),
    "kind-unknown": (
        415,
        "Rien n’a été vérifié : ce fichier n’est ni un PDF, ni un XML, ni un conteneur ASiC, ni une signature séparée (.p7s ou XAdES). Choisissez le fichier signé lui-même.",
    ),
    "format-unsupported": (
        415,
        "Rien n’a été vérifié : format non pris en charge ({what}). Vérifiez ce fichier avec un outil spécialisé, ou demandez à "
        "son auteur une signature PAdES, CAdES ou XAdES ordinaire.",
    ),
    "pdf-damaged": (
        422,
        "Rien n’a été vérifié : ce PDF est abîmé ou incomplet. Demandez-en un autre exemplaire à son auteur.",
    ),
    "content-missing": (
        422,
        "Rien n’a été vérifié : cette signature est séparée de son contenu. Joignez aussi le fichier qui a été signé.",
    ),
    "content-unexpected": (
        422,
        "Rien n’a été vérifié : ce fichier contient déjà ce qui est signé. Envoyez-le seul, sans second fichier.",
    ),
    "signature-file-unreadable": (
        422,
        "Rien n’a été vérifié : cette signature séparée n’est pas lisible. Demandez-la de nouveau à son auteur.",
    ),
    "container-unsound": (
        422,
        "Rien n’a été vérifié : ce conteneur n’est pas sûr ({why}) ; deux logiciels pourraient y lire deux contenus. Demandez-en "
        "un autre exemplaire à son auteur.",
    ),
    "file-too-complex": (
        422,
        "Rien n’a été vérifié : ce fichier demande trop de calcul ou de mémoire. Vérifiez-le avec un outil spécialisé.",
    ),
    "verification-too-long": (
        422,
        "Vérification trop longue : elle a été arrêtée avant sa fin, et les signatures de ce fichier restent indéterminées. "
        "Rien ne dit qu’il est valide : vérifiez-le avec un outil spécialisé.",
    ),
    "verify-too-large": (
        413,
        "Rien n’a été vérifié : ce fichier dépasse la limite de {limit}. Vérifiez-le avec un outil spécialisé.",
    ),
    "answer-too-large": (
        413,
        "Aucun document n’a été produit : ce qui a été envoyé n’est pas le verdict que cette page a montré. Faites vérifier le "
        "fichier de nouveau, puis téléchargez son verdict depuis la page.",
    ),
    "verifier-busy": (
        503,
        "Rien n’a été vérifié : trop de fichiers sont en cours de vérification. Recommencez dans une minute.",
    ),
    "attestation-expired": (
        410,
        "Ce verdict n’est plus là : il est oublié après un quart d’heure. Faites vérifier le fichier de nouveau, puis téléchargez-le.",
    ),
    "attestation-not-sealed": (
        503,
        "Aucun document n’a été produit : le cachet de cette installation ne peut pas servir en ce moment, et un verdict sans "
        "cachet ne prouverait rien. Recommencez plus tard ; si cela dure, prévenez l’administrateur.",
    ),
    "signed-version-unknown": (
        404,
        "La version signée n’a pas été trouvée dans ce fichier. Recommencez sa vérification.",
    ),
    "signed-version-other-file": (
        422,
        "Rien n’a été téléchargé : ce fichier n’est pas celui qui vient d’être vérifié. Choisissez le même fichier, ou faites "
        "vérifier celui-ci d’abord.",
    ),
    "pes-unreadable": (
        422,
        (
            "Rien n’a été fait : ce flux comptable n’est pas un XML lisible ({why}). Exportez-le de nouveau depuis "
            "le logiciel comptable, puis redéposez-le."
        ),
    ),
    "pes-doctype": (
        422,
        (
            "Rien n’a été fait : ce flux contient une déclaration DOCTYPE, qu’aucun flux comptable ne porte. "
            "Exportez-le de nouveau depuis le logiciel comptable."
        ),
    ),
    "pes-not-a-flow": (
        422,
        (
            "Rien n’a été fait : ce fichier n’est pas un flux comptable PES_Aller (son élément principal est « {root} »). "
            "Choisissez le fichier PES_Aller exporté par le logiciel comptable."
        ),
    ),
    "pes-too-complex": (
        422,
        (
            "Rien n’a été fait : ce flux contient {what}, ce qu’aucun logiciel comptable n’écrit. Exportez-le "
            "de nouveau, ou découpez-le en plusieurs flux."
        ),
    ),
    "xades-unreadable": (
        422,
        "Rien n’a été vérifié : cette signature XAdES n’est pas lisible ({why}). Demandez-la de nouveau à son auteur.",
    ),
}
