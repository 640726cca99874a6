"""What the verbs of orders refuse, in French."""

SENTENCES: dict[str, tuple[int, str]] = {
    "not-an-order": (409, "Ce dossier n’est pas un bon de commande : ouvrez sa page depuis « Suivi »."),
    "order-not-signed": (
        409,
        "Ce bon de commande n’est pas signé : attendez sa signature pour noter ce qui arrive.",
    ),
    "order-not-yours": (
        403,
        "Le bureau qui a commandé note ce qui est livré, et ce n’est pas le vôtre. Prévenez un de ses titulaires.",
    ),
    "delivery-day": (
        422,
        "Donnez le jour où c’est arrivé : ni dans le futur, ni avant que la commande existe.",
    ),
    "delivery-quantity": (422, "« {line} » : ce n’est pas une quantité. Écrivez-la 2,5, ou laissez vide."),
    "delivery-line": (
        422,
        "Rien n’est noté : ce bon n’a pas de ligne de rang {rank}. Donnez un rang de 0 à {last}.",
    ),
    "delivery-nothing": (422, "Rien n’est noté. Donnez la quantité arrivée d’une ligne au moins."),
    "delivery-over": (
        422,
        "C’est plus que ce qui est commandé : {lines}. Corrigez la quantité, ou dites en un mot pourquoi.",
    ),
    "delivery-corrected": (
        409,
        "Cette livraison a déjà été corrigée : corrigez celle qui a pris sa place.",
    ),
    "order-mail-address": (
        422,
        "Ce n’est pas une adresse électronique. Écrivez-la par exemple commandes@fournisseur.fr.",
    ),
    "order-siret": (
        422,
        "« {siret} » n’est pas un SIRET : quatorze chiffres, ceux du certificat d’inscription de l’INSEE. Laissez vide sinon.",
    ),
    "order-mail-waits": (409, "Un envoi de ce bon est déjà en cours : attendez sa réponse, dans un instant."),
}
