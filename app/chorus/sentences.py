"""What people are told of Chorus Pro when it refuses: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "chorus-siret": (
        422,
        "Rien n’a changé : « {siret} » n’est pas un SIRET (quatorze chiffres, le dernier en est la clé). Séparez-les par des virgules.",
    ),
    "chorus-sirets": (
        422,
        "Rien n’a changé : la liste a plus de {most} SIRET. Gardez ceux qui reçoivent des factures.",
    ),
    "chorus-service": (
        422,
        "Rien n’a changé : « {code}… » est plus long qu’un code de service ({most} signes). Séparez-les par des virgules.",
    ),
    "chorus-services": (
        422,
        "Rien n’a changé : la liste a plus de {most} services. Laissez-la vide pour les relever tous.",
    ),
    "chorus-fetched": (409, "Rien n’a changé : cette facture est déjà relevée. Rechargez la page."),
    "chorus-settled": (409, "Rien n’a changé : cet état n’est plus à redire. Rechargez la page."),
    "chorus-none": (
        409,
        "Cette facture n’est pas venue par Chorus Pro : il n’y a rien à y répondre, revenez à son dossier.",
    ),
    "chorus-apart": (
        403,
        "Ce que Chorus Pro dit de cette facture n’est lu que de ses bureaux. Lisez ses pièces sur la page du dossier.",
    ),
    "chorus-in-hand": (
        409,
        "Rien n’est envoyé : ce dossier est dans son circuit. Rejetez-le d’abord au bureau qui l’a déposé, ou interrompez le délai de paiement.",
    ),
    "chorus-kept-here": (
        409,
        "Rien n’est envoyé : la collectivité garde ici ses états (« Réglages »). Rejetez cette facture sur le portail de Chorus Pro, "
        "puis abandonnez ce dossier.",
    ),
    "chorus-works": (
        409,
        "Rien n’est envoyé : les états d’une facture de travaux se donnent sur Chorus Pro. Demandez-les à ceux que le marché désigne.",
    ),
    "chorus-rejected": (
        409,
        "Rien de plus n’est envoyé : le rejet de cette facture est déjà dit à Chorus Pro, ou va l’être. Rechargez la page.",
    ),
    "chorus-mandated": (
        409,
        "Rien de plus n’est envoyé : le mandat de cette facture est déjà dit à Chorus Pro, ou va l’être. Rechargez la page.",
    ),
    "chorus-unsigned": (
        409,
        "Rien n’est envoyé : cette facture n’est pas encore signée. Attendez sa signature pour dire qu’elle est mandatée.",
    ),
    "chorus-reason": (422, "Rien n’est envoyé : choisissez le motif du rejet, Chorus Pro le demande."),
    "chorus-sentence": (
        422,
        "Rien n’est envoyé : écrivez en une phrase ce que le fournisseur doit corriger.",
    ),
    "chorus-card": (
        409,
        "Rien n’est envoyé : cette facture est déjà payée par carte d’achat (cadre A2), et ne se mandate pas une seconde fois. "
        "Gardez-la comme justificatif.",
    ),
    "mandate-none": (
        409,
        "Rien n’est noté : ce dossier n’est pas une facture, et n’a pas de mandat de paiement. Vérifiez son numéro.",
    ),
    "mandate-other": (
        409,
        "Le mandat « {number} » est déjà noté pour cette facture : « {other} » ne prend pas sa place, et la différence est dite "
        "dans le dossier. Vérifiez lequel est le bon.",
    ),
    "chorus-mandate": (
        422,
        "Rien n’est envoyé : écrivez le numéro du mandat, {most} signes au plus, avec un chiffre.",
    ),
}
