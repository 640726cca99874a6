"""What is answered when a document cannot be signed, or what was signed does not hold: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "document-unreadable": (
        422,
        "Les pages de ce PDF ne sont pas lisibles. Rien n’a été fait : produisez-le de nouveau depuis le document "
        "d’origine, puis redéposez-le.",
    ),
    "document-not-signable": (
        422,
        (
            "Rien n’a été signé : la construction de ce PDF ne permet pas d’y ajouter une signature. Enregistrez-le de "
            "nouveau depuis le logiciel qui l’a produit, puis redéposez-le."
        ),
    ),
    "document-certified": (
        422,
        (
            "Rien n’a été signé : l’auteur de ce PDF l’a certifié en interdisant d’y ajouter cette "
            "signature. Demandez-lui un exemplaire non certifié."
        ),
    ),
    "field-unknown": (
        422,
        "Rien n’a été signé : ce document n’a pas d’emplacement de signature nommé « {field} ». Rechargez la page.",
    ),
    "field-already-signed": (
        409,
        "Rien n’a été ajouté : l’emplacement « {field} » porte déjà une signature. Rechargez la page.",
    ),
    "stamp-outside-page": (
        422,
        "Rien n’a été signé : le cartouche de signature sortirait de la page {page}. Placez-le de nouveau.",
    ),
    "stamp-too-large": (
        422,
        "Rien n’a été signé : le cartouche de signature prendrait plus d’un huitième de la page {page}. Réduisez-le, puis "
        "recommencez.",
    ),
    "stamp-glyph-missing": (
        422,
        (
            "Rien n’a été signé : le caractère « {character} » ({code}) ne peut pas être imprimé dans le "
            "cartouche. Corrigez le nom ou la qualité du signataire."
        ),
    ),
    "prepared-file-changed": (
        409,
        (
            "Rien n’a été signé : le document préparé a changé entre-temps. Recommencez depuis la page du "
            "dossier."
        ),
    ),
    "signature-too-large": (
        503,
        (
            "Rien n’a été signé : l’horodatage reçu est plus grand que les précédents et ne tient pas dans la place "
            "réservée. Recommencez : la place sera assez grande."
        ),
    ),
    "signature-not-valid-after-embedding": (
        500,
        (
            "Rien n’a été signé : la vérification de la signature a échoué ({why}). Le document reste à "
            "signer ; prévenez l’administrateur."
        ),
    ),
    "pes-encoding": (
        422,
        (
            "Rien n’a été signé : Hélios n’accepte que les flux encodés en ISO-8859-1, et celui-ci est en "
            "{encoding}. Réglez l’encodage dans le logiciel comptable, puis exportez le flux de nouveau."
        ),
    ),
    "pes-already-signed": (
        409,
        (
            "Rien n’a été signé : ce flux porte déjà une signature, et Hélios n’en admet qu’une. Transmettez-le "
            "tel quel, ou exportez de nouveau un flux non signé."
        ),
    ),
    "pes-nothing-to-sign": (
        422,
        (
            "Rien n’a été signé : ce flux ne contient aucun bordereau. Un flux de marchés ou de pièces jointes seules ne se "
            "signe pas : rejetez-le, et demandez que le circuit le transmette sans signature."
        ),
    ),
    "pes-misplaced": (
        422,
        (
            "Rien n’a été signé : ce flux contient {what}. Exportez-le de nouveau depuis le logiciel comptable, "
            "et signalez-le à son éditeur."
        ),
    ),
    "pes-not-dematerialised": (
        422,
        (
            "Rien n’a été signé : Hélios rejetterait ce flux, car {where}/InfoDematerialisee y vaut « {value} ». "
            "Dans le logiciel comptable, déclarez tous les bordereaux dématérialisés (InfoDematerialisee = 1), ou tous "
            "signés sur papier (0), puis exportez le flux de nouveau."
        ),
    ),
    "pes-id-missing": (
        422,
        (
            "Rien n’a été signé : ni tous les bordereaux ni le flux n’ont l’identifiant que la signature doit "
            "désigner. Demandez à l’éditeur du logiciel comptable de renseigner l’attribut Id de chaque Bordereau."
        ),
    ),
    "pes-id-twice": (
        422,
        (
            "Rien n’a été signé : l’identifiant « {id} » figure deux fois dans ce flux, et la signature ne "
            "désignerait rien de certain. Signalez-le à l’éditeur du logiciel comptable."
        ),
    ),
    "pes-id-invalid": (
        422,
        (
            "Rien n’a été signé : l’identifiant « {id} » n’est pas utilisable. Il commence par une lettre et "
            "n’a que lettres sans accent, chiffres, points et tirets : signalez-le à l’éditeur du logiciel comptable."
        ),
    ),
    "pes-key-not-rsa": (
        403,
        (
            "Rien n’a été signé : Hélios n’accepte que les clés RSA, et ce certificat a une clé d’un autre genre "
            "({kind}). Choisissez un certificat à clé RSA."
        ),
    ),
    "pes-signatory-incomplete": (
        422,
        (
            "Rien n’a été signé : {what} du signataire manque ou contient un caractère interdit, et Hélios "
            "l’exige. Demandez à l’administrateur de compléter la fiche du compte, ou le lieu de signature de "
            "la collectivité."
        ),
    ),
    "archive-answer-missing": (
        503,
        "L’archivage attend : une autorité n’a pas dit si un certificat est révoqué ({why}). Le document signé est inchangé. "
        "Attendez : l’ajout est repris tout seul.",
    ),
    "archive-timestamp-silent": (
        503,
        "L’archivage attend : l’horodatage ne peut pas servir ({why}). Le document signé est inchangé. Attendez : l’ajout est repris tout seul.",
    ),
    "archive-not-made": (
        500,
        "Les preuves d’archivage n’ont pas été ajoutées : {why}. Le document signé est inchangé ; prévenez l’administrateur.",
    ),
}
