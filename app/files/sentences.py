"""What the house says when it refuses a file, each time with the remedy."""

SENTENCES: dict[str, tuple[int, str]] = {
    "file-empty": (
        422,
        "« {filename} » est vide (0 octet) : rien n’a été déposé. "
        "Vérifiez le fichier sur votre poste, puis redéposez-le.",
    ),
    "file-infected": (
        422,
        "« {filename} » est refusé par l’antivirus, qui y reconnaît « {what} ». Rien n’a été déposé. "
        "Ne l’ouvrez pas, prévenez votre service informatique, puis redemandez le document à qui vous l’a envoyé.",
    ),
    "antivirus-silent": (
        503,
        "L’antivirus de ce serveur ne répond pas : « {filename} » n’a pas été examiné, et rien n’a été déposé. "
        "Recommencez dans quelques minutes ; si cela dure, prévenez l’administrateur.",
    ),
    "antivirus-too-large": (
        422,
        "« {filename} » est trop lourd pour l’antivirus de ce serveur : il n’a pas été examiné, et rien n’a été déposé. "
        "Allégez-le ou séparez-le ; sinon, demandez à l’administrateur d’élever les limites de l’antivirus.",
    ),
    "handed-infected": (
        403,
        "« {filename} » n’est donné à personne : l’antivirus y reconnaît « {what} ». "
        "Prévenez votre service informatique, puis redemandez la pièce à qui l’a envoyée.",
    ),
    "handed-unseen": (
        503,
        "« {filename} » n’est pas donné : l’antivirus de ce serveur ne répond pas, et personne ne l’a examiné. "
        "Recommencez dans quelques minutes ; si cela dure, prévenez l’administrateur.",
    ),
    "handed-too-large": (
        422,
        "« {filename} » n’est pas donné : il est trop lourd pour l’antivirus de ce serveur, et personne ne l’a examiné. "
        "Demandez à l’administrateur d’élever les limites de l’antivirus.",
    ),
    "file-truncated": (
        422,
        "« {filename} » est incomplet : la fin du fichier manque. Rien n’a été déposé. "
        "Copiez-le ou enregistrez-le de nouveau depuis son origine, puis redéposez-le.",
    ),
    "file-damaged": (
        422,
        "« {filename} » est abîmé au point de ne pas pouvoir être lu ni réparé. Rien n’a été déposé. "
        "Produisez de nouveau le PDF depuis le document d’origine, puis redéposez-le.",
    ),
    "file-disguised": (
        422,
        "« {filename} » n’est pas ce que son nom annonce : son contenu est {found}. Rien n’a été déposé. "
        "Enregistrez le document au bon format, puis redéposez-le.",
    ),
    "file-type-unsupported": (
        422,
        "« {filename} » n’est pas d’un type accepté ici. Rien n’a été déposé. "
        "Types acceptés : {accepted}. Enregistrez le document dans l’un d’eux, puis redéposez-le.",
    ),
    "file-encrypted": (
        422,
        "Ce PDF est chiffré : il ne pourrait pas être signé. "
        "Enregistrez-le sans mot de passe, puis redéposez-le.",
    ),
    "file-xfa": (
        422,
        "Ce PDF contient un formulaire dynamique (XFA) : ce qu’il affiche peut changer après la signature. "
        "Rien n’a été déposé. Imprimez-le en PDF pour en figer le contenu, puis redéposez-le.",
    ),
    "file-javascript": (
        422,
        "Ce PDF contient un programme (JavaScript) : ce qu’il affiche peut changer après la signature. "
        "Rien n’a été déposé. Imprimez-le en PDF pour l’en débarrasser, puis redéposez-le.",
    ),
    "file-launch": (
        422,
        "Ce PDF demande à lancer un programme à l’ouverture ou au clic. Rien n’a été déposé. "
        "Imprimez-le en PDF pour l’en débarrasser, puis redéposez-le ; si vous ne l’attendiez pas, "
        "prévenez votre service informatique.",
    ),
    "file-two-faced": (
        422,
        "Ce PDF ne se montre pas partout de la même façon : il contient {what}. "
        "Aucune copie ne garderait à coup sûr ce que vous voyez. Rien n’a été déposé. "
        "Imprimez-le en PDF pour en figer le contenu, puis redéposez-le.",
    ),
    "file-elsewhere": (
        422,
        "Une partie du contenu de ce PDF est dans un autre fichier : ce qu’il affiche n’est pas en lui. "
        "Rien n’a été déposé. Imprimez-le en PDF pour l’y mettre, puis redéposez-le.",
    ),
    "file-certified": (
        422,
        "Ce PDF est certifié par {signer} sans aucune modification permise : le signer ici romprait cette "
        "certification. Rien n’a été déposé. Demandez à son auteur un exemplaire non certifié, ou déposez-le "
        "en annexe.",
    ),
    "file-certified-closed": (
        422,
        "Ce PDF est certifié par {signer} et ne prévoit aucun emplacement de signature libre : "
        "le signer ici romprait cette certification. Rien n’a été déposé. "
        "Demandez à son auteur un exemplaire avec un champ de signature, "
        "ou déposez-le en annexe.",
    ),
    "file-page-loop": (
        422,
        "Les pages de ce PDF tournent en boucle : aucune liste de pages ne peut en être tirée. "
        "Rien n’a été déposé. Produisez de nouveau le PDF depuis le document d’origine, puis redéposez-le.",
    ),
    "file-too-heavy": (
        422,
        "« {filename} » demande trop de mémoire ou de temps pour être lu. Rien n’a été déposé. "
        "Imprimez-le en PDF ou réduisez-le, puis redéposez-le.",
    ),
    "file-inflates": (
        422,
        "Ce PDF contient des données qui, une fois décompressées, dépassent {limit}. Rien n’a été déposé. "
        "Imprimez-le en PDF ou réduisez la définition de ses images, puis redéposez-le.",
    ),
    "file-signed-damaged": (
        422,
        "Ce PDF porte déjà une signature et il est abîmé : le réparer détruirait cette signature. "
        "Rien n’a été déposé. Demandez à son auteur un exemplaire intact, puis redéposez-le.",
    ),
    "file-signed-preceded": (
        422,
        "Ce PDF est signé, mais des octets étrangers ont été ajoutés devant son contenu : une autre signature ne peut pas "
        "y être ajoutée, et les ôter toucherait au fichier signé. Rien n’a été déposé. Demandez à son auteur l’exemplaire "
        "d’origine, ou déposez celui-ci en annexe ; la page « Vérifier une signature » dit ce que sa signature vaut.",
    ),
    "file-not-signable": (
        422,
        "« {filename} » s’affiche, mais sa construction ne permet pas d’y ajouter une signature, même une fois réparé. "
        "Rien n’a été déposé. Imprimez-le en PDF (« Imprimer », puis « Enregistrer au format PDF »), puis redéposez-le.",
    ),
    "file-signed-not-signable": (
        422,
        "« {filename} » porte déjà une signature, et sa construction ne permet pas d’en ajouter une autre : le réparer "
        "détruirait la première. Rien n’a été déposé. Demandez à son auteur un exemplaire non signé, ou déposez-le en annexe.",
    ),
    "file-earlier-broken": (
        422,
        "« {filename} » porte déjà une signature, que la nôtre romprait. Rien n’a été déposé. "
        "Demandez à son auteur un exemplaire non signé, ou déposez-le en annexe.",
    ),
    "file-certified-fields": (
        422,
        "« {filename} » est certifié, et aucun des emplacements de signature que son auteur a laissés ne peut servir ici : "
        "ils sont remplis, cachés, hors de la page, ou exigent une signature d’un autre genre. Rien n’a été déposé. "
        "Demandez à son auteur un exemplaire avec un emplacement visible et sans exigence, ou déposez-le en annexe.",
    ),
    "xml-doctype": (
        422,
        "« {filename} » contient une déclaration DOCTYPE, refusée par sécurité. Rien n’a été déposé. "
        "Demandez à l’émetteur un fichier XML sans DOCTYPE, puis redéposez-le.",
    ),
    "xml-malformed": (
        422,
        "« {filename} » n’est pas un XML bien formé (ligne {line}). Rien n’a été déposé. "
        "Exportez-le de nouveau depuis le logiciel d’origine, puis redéposez-le.",
    ),
    "xml-encoding": (
        422,
        "« {filename} » annonce l’encodage {declared} : son contenu n’y est pas conforme, "
        "ou cet encodage n’est pas accepté. "
        "Rien n’a été déposé. Exportez-le de nouveau en UTF-8, puis redéposez-le.",
    ),
    "xml-too-deep": (
        422,
        "« {filename} » imbrique plus de {limit} niveaux d’éléments : il ne sera pas lu. "
        "Rien n’a été déposé. Exportez-le de nouveau depuis le logiciel d’origine, puis redéposez-le.",
    ),
    "xml-too-many-attributes": (
        422,
        "« {filename} » donne plus de {limit:n} attributs à un même élément : il ne sera pas lu. "
        "Rien n’a été déposé. Exportez-le de nouveau depuis le logiciel d’origine, puis redéposez-le.",
    ),
    "xml-too-large": (
        422,
        "« {filename} » dépasse {limit}, la taille admise pour un fichier XML. Rien n’a été déposé. "
        "Séparez-le en plusieurs envois, puis redéposez-les.",
    ),
    "xml-not-shown": (
        422,
        "« {filename} » dépasse {limit} : il ne peut pas être montré en entier à qui le signerait. "
        "Rien n’a été déposé ni signé. Déposez le PDF à signer, et ce fichier en annexe.",
    ),
    "office-unavailable": (
        422,
        "« {filename} » ne peut pas être converti en PDF : LibreOffice n’est pas installé sur ce serveur. "
        "Rien n’a été déposé. Enregistrez-le en PDF depuis votre traitement de texte, puis déposez ce PDF.",
    ),
    "office-busy": (
        503,
        "Trop de documents bureautiques sont en cours de conversion. Rien n’a été déposé : recommencez dans une minute, ou enregistrez le vôtre en PDF.",
    ),
    "office-failed": (
        422,
        "« {filename} » n’a pas pu être converti en PDF ({reason}). Rien n’a été déposé. "
        "Enregistrez-le en PDF depuis votre traitement de texte, puis déposez ce PDF.",
    ),
    "image-damaged": (
        422,
        "L’image « {filename} » est abîmée ou incomplète. Rien n’a été déposé. "
        "Numérisez ou exportez-la de nouveau, puis redéposez-la.",
    ),
    "image-too-large": (
        422,
        "L’image « {filename} » dépasse {limit} millions de points. Rien n’a été déposé. "
        "Numérisez-la à 300 points par pouce au plus, puis redéposez-la.",
    ),
    "confined-silent": (
        503,
        "Le contrôle des documents déposés ne démarre pas sur ce serveur. Rien n’a été déposé. "
        "Recommencez dans un instant ; si cela dure, prévenez l’administrateur.",
    ),
    "file-missing": (
        500,
        "Ce document n’est plus dans le coffre des fichiers. Rien n’a été fait. "
        "Prévenez l’administrateur et citez l’empreinte {sha256}.",
    ),
    "file-altered": (
        500,
        "Ce document a été altéré dans le coffre des fichiers : "
        "ses octets ne correspondent plus à son empreinte. Il n’est pas servi. "
        "Prévenez l’administrateur et citez l’empreinte {sha256}.",
    ),
    "store-away": (
        503,
        "Le dépôt des documents n’est pas à sa place : son partage n’est pas monté. Rien n’a été enregistré, rien n’est "
        "perdu. Prévenez l’administrateur, puis recommencez une fois le partage revenu.",
    ),
    "store-unavailable": (
        503,
        "Le coffre des fichiers ne répond pas. Rien n’a été enregistré. "
        "Recommencez dans un instant ; si cela dure, prévenez l’administrateur.",
    ),
    "store-overwrites": (
        500,
        "Le coffre des fichiers accepte qu’un document soit remplacé : il ne peut pas servir à un parapheur. "
        "Rien n’a été enregistré. Choisissez un service S3 qui respecte If-None-Match.",
    ),
}
