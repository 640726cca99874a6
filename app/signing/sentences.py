"""What the signing room answers when it refuses: status and French sentence for each key."""

SENTENCES: dict[str, tuple[int, str]] = {
    "would-be-refused": (409, "Rien n’a été signé. {why}"),
    # the certificate
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
            "Rien n’a été signé : le certificat de {name} n’est pas enregistré à votre nom. Choisissez le "
            "vôtre, ou demandez à l’administrateur de l’enregistrer."
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
    # the key
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
    # the document
    "document-unreadable": (
        422,
        "Ce PDF n’est pas lisible : {why}. Rien n’a été fait : exportez-le de nouveau.",
    ),
    "document-not-signable": (
        422,
        (
            "Rien n’a été signé : ce PDF ne peut pas recevoir de signature ({why}). Enregistrez-le de "
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
    "place-certified": (
        422,
        (
            "Rien n’a été signé : l’auteur de ce PDF certifié a fixé l’emplacement de la signature. "
            "Laissez-la à l’emplacement prévu, puis recommencez."
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
    # the image of a handwritten signature
    "picture-too-large": (
        422,
        "Cette image est trop lourde (2 Mo et 25 millions de points au plus). Réduisez-la, puis recommencez.",
    ),
    "picture-unreadable": (
        422,
        "Cette image n’est pas lisible. Donnez une image PNG ou JPEG, enregistrée de nouveau si besoin.",
    ),
    "picture-blank": (
        422,
        "Cette image est vide. Signez à l’encre foncée sur un fond clair, puis recommencez.",
    ),
    # on paper
    "paper-not-allowed": (
        409,
        "Ce type de dossier ne se signe pas sur papier. Signez-le électroniquement, ou rejetez-le.",
    ),
    "paper-mixed": (
        409,
        (
            "Une signature électronique a déjà été apposée sur ce document : la suivante doit l’être aussi. "
            "Signez électroniquement, ou rejetez le dossier pour le signer en entier sur papier."
        ),
    ),
    "paper-already": (
        409,
        (
            "Rien n’a été signé : une autre signature de ce document a été donnée sur papier. Signez le même "
            "original, puis enregistrez-le par « Signé sur papier… », ou rejetez le dossier."
        ),
    ),
    "paper-before-seal": (
        409,
        (
            "Le circuit appose un cachet électronique sur ce document : il ne peut pas être signé sur papier. "
            "Signez-le électroniquement."
        ),
    ),
    "paper-date-missing": (422, "La date de la signature manque ou n’est pas lisible. Donnez-la."),
    "paper-date-future": (
        422,
        "La date de la signature ne peut pas être dans le futur. Donnez le jour où l’acte a été signé.",
    ),
    "paper-date-before-act": (
        422,
        "La date de la signature précède celle de la décision. Vérifiez les deux.",
    ),
    "paper-no-scan": (422, "La numérisation de l’acte signé manque. Joignez-la en PDF."),
    "paper-scan-damaged": (
        422,
        "« {filename} » est mal construit. Numérisez de nouveau l’acte signé, puis joignez ce fichier.",
    ),
    "paper-incomplete": (
        422,
        (
            "Rien n’a été enregistré. Indiquez qui a signé, en quelle qualité, et où l’original est conservé, en {longest} caractères au "
            "plus pour chacun."
        ),
    ),
    "place-outside-page": (
        422,
        "Rien n’a été enregistré : une signature sortirait de la page {page}. Placez-la de nouveau.",
    ),
    "place-overlap": (
        422,
        "Rien n’a été enregistré : deux signatures se recouvrent page {page}. Écartez-les.",
    ),
    "place-unknown": (
        422,
        (
            "Rien n’a été enregistré : une des signatures placées n’est plus demandée par le circuit. "
            "Rechargez la page, puis placez-les de nouveau."
        ),
    ),
    "stamp-glyph-missing": (
        422,
        (
            "Rien n’a été signé : le caractère « {character} » ({code}) ne peut pas être imprimé dans le "
            "cartouche. Corrigez le nom ou la qualité du signataire."
        ),
    ),
    # prepare, complete, check
    "signature-not-yours": (
        403,
        (
            "Rien n’a été signé : la signature reçue n’est pas celle de ce document par ce certificat. "
            "Recommencez depuis la page du dossier."
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
        500,
        (
            "Rien n’a été signé : la signature et son horodatage ne tiennent pas dans la place réservée. "
            "Prévenez l’administrateur."
        ),
    ),
    "timestamp-silent": (
        503,
        "L’horodatage n’a pas répondu. Rien n’a été apposé sur ce document, il reste à signer : recommencez dans un instant.",
    ),
    "signature-not-valid-after-embedding": (
        500,
        (
            "Rien n’a été signé : la vérification de la signature a échoué ({why}). Le document reste à "
            "signer ; prévenez l’administrateur."
        ),
    ),
    "session-used": (
        409,
        "Rien n’a été signé cette fois : cette signature a déjà servi, a expiré ou appartient à une autre session. "
        "Rouvrez le dossier : il dit s’il est signé.",
    ),
    "document-changed": (
        409,
        "Rien n’a été signé : le document a changé entre-temps, une autre signature vient d’y être apposée. Recommencez.",
    ),
    "certificate-unknown": (
        404,
        "Ce certificat n’est pas inscrit à votre nom. Rechargez la liste de vos certificats.",
    ),
    # the accounting flow (PES v2)
    "pes-unreadable": (
        422,
        (
            "Rien n’a été fait : ce flux PES n’est pas un XML lisible ({why}). Exportez-le de nouveau depuis "
            "le logiciel comptable, puis redéposez-le."
        ),
    ),
    "pes-doctype": (
        422,
        (
            "Rien n’a été fait : ce flux contient une déclaration DOCTYPE, qu’aucun flux PES ne porte. "
            "Exportez-le de nouveau depuis le logiciel comptable."
        ),
    ),
    "pes-not-a-flow": (
        422,
        (
            "Rien n’a été fait : ce fichier n’est pas un flux PES aller (son élément principal est « {root} »). "
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
            "Rien n’a été signé : ce flux ne contient aucun bordereau. Un flux de pièces jointes seules ne se "
            "signe pas : transmettez-le tel quel."
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
            "Dans le logiciel comptable, déclarez les bordereaux dématérialisés (InfoDematerialisee = 1), puis "
            "exportez le flux de nouveau."
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
    # levels above B-T
    "level-needs-timestamp": (
        503,
        "Rien n’a été signé : ce type de dossier demande le niveau {level}, et aucune autorité d’horodatage n’est réglée. "
        "Prévenez l’administrateur.",
    ),
    "archive-answer-missing": (
        503,
        "L’archivage attend : une autorité n’a pas dit si un certificat est révoqué ({why}). Le document signé est inchangé. "
        "Attendez : l’ajout est repris tout seul.",
    ),
    "archive-timestamp-silent": (
        503,
        "L’archivage attend : l’horodatage n’a pas répondu ({why}). Le document signé est inchangé. Attendez : l’ajout est repris tout seul.",
    ),
    "archive-not-made": (
        500,
        "Les preuves d’archivage n’ont pas été ajoutées : {why}. Le document signé est inchangé ; prévenez l’administrateur.",
    ),
    # signatures beside a file
    "xades-unreadable": (
        422,
        "Rien n’a été vérifié : la signature XAdES « {name} » n’est pas lisible ({why}). Demandez-la de nouveau à son auteur, faite à côté du fichier.",
    ),
    # the security module
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
    # the card
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
    # the trust service
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
    # the verification of any file
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
        "Rien n’a été vérifié : ce fichier n’est ni un PDF, ni un flux PES, ni une signature séparée (.p7s ou XAdES). Choisissez le fichier signé lui-même.",
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
    "file-too-complex": (
        422,
        "Rien n’a été vérifié : ce fichier demande trop de calcul ou de mémoire. Vérifiez-le avec un outil spécialisé.",
    ),
    "verifier-busy": (
        503,
        "Rien n’a été vérifié : trop de fichiers sont en cours de vérification. Recommencez dans une minute.",
    ),
    "verification-unknown": (
        404,
        "Aucune vérification de ce document n’est connue. Rouvrez le dossier, puis recommencez.",
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
        "Rien n’a été signé : le certificat de {name} est inscrit pour un autre usage ({purpose}). Signez avec un certificat inscrit pour les actes, ou faites corriger l’usage par l’administrateur.",
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
}
