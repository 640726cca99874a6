"""What the pages of invoices answer when they refuse: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "siret-invalid": (
        422,
        "Rien n’a changé : la ligne {line}, « {text} », ne commence pas par un SIRET (quatorze chiffres, le dernier en est la clé), ou son nom passe cent caractères. Corrigez-la.",
    ),
    "siret-other": (
        422,
        "Rien n’a changé : le SIRET {siret} n’est pas un établissement de cette collectivité, dont le SIREN est {siren}. Ôtez-le.",
    ),
    "siret-twice": (
        422,
        "Rien n’a changé : le SIRET {siret} est deux fois dans la liste. Gardez une seule ligne.",
    ),
    "siret-many": (
        422,
        "Rien n’a changé : la liste a plus de {most} établissements. Gardez ceux qui reçoivent des factures.",
    ),
    "establishments-moved": (
        409,
        "Rien n’a changé : cette liste a été changée depuis que vous l’avez ouverte. Ouvrez-la de nouveau, puis refaites votre changement.",
    ),
    "iban-call-first": (
        409,
        "Rien n’a changé : une personne doit d’abord appeler le fournisseur à un numéro connu, et le noter. Une autre décide ensuite.",
    ),
    "invoice-unlike": (
        409,
        "Aucun autre dossier que vous lisez n’est à comparer à cette facture sous cette adresse. Revenez au dossier : il dit ce "
        "qui lui ressemble.",
    ),
    "twin-choice": (
        422,
        "Rien n’a changé : choisissez « La même facture » ou « Deux factures distinctes ».",
    ),
    "iban-settled": (
        409,
        "Ce compte n’est plus à vérifier : quelqu’un a décidé, ou la facture a changé. Rouvrez le dossier.",
    ),
    "iban-choice": (422, "Rien n’a changé : choisissez ce que vous décidez de ce compte."),
    "call-number": (
        422,
        "Rien n’est noté : écrivez le numéro que vous avez appelé, neuf chiffres au moins et quinze au plus.",
    ),
    "call-number-of-invoice": (
        422,
        "Rien n’est noté : ce numéro est écrit sur la facture, il peut être faux lui aussi. Appelez à un numéro d’une autre source.",
    ),
    "call-origin": (
        422,
        "Rien n’est noté : écrivez d’où vient ce numéro (marché, ancien courrier, annuaire).",
    ),
    "call-word": (422, "Rien n’est noté : écrivez qui a répondu, et ce qui a été dit."),
    "ibans-long": (
        413,
        "Rien n’est importé : le fichier passe {lines} lignes ou {size}. Coupez-le en deux.",
    ),
    "ibans-unread": (
        422,
        "Rien n’est importé : ce fichier n’est pas un texte CSV. Enregistrez-le depuis votre tableur au format CSV.",
    ),
    "ibans-columns": (
        422,
        "Rien n’est importé : la première ligne ne nomme pas {missing}. Écrivez-y « Fournisseur », « SIRET » et « IBAN ».",
    ),
    "ibans-empty": (422, "Rien n’est importé : le fichier n’a aucun compte. Choisissez-en un autre."),
    "ibans-faults": (
        422,
        "Rien n’est importé : {faults}. Corrigez ces lignes, puis envoyez de nouveau le fichier.",
    ),
    "delay-none": (409, "Rien n’a changé : aucun délai de paiement ne court pour ce dossier. Rouvrez-le."),
    "delay-interrupted": (
        409,
        "Rien n’a changé : le délai de cette facture a déjà été interrompu. La loi ne le permet qu’une fois : rejetez la facture "
        "si elle ne peut pas être payée.",
    ),
    "delay-running": (
        409,
        "Rien n’a changé : ce délai court, rien n’est attendu du fournisseur. Rouvrez le dossier.",
    ),
    "performed-day": (
        422,
        "Rien n’a changé : écrivez le jour où tout ce qui est facturé a été livré ou exécuté, du {first} au {last}.",
    ),
    "performed-word": (422, "Rien n’a changé : écrivez ce qui a été fait ce jour-là, et d’où vous le savez."),
    "notice-day": (
        422,
        "Rien n’a changé : écrivez le jour où le fournisseur a reçu la notification, au plus tôt le {first}, au plus tard le {last}.",
    ),
    "notice-reason": (
        422,
        "Rien n’a changé : écrivez ce qui manque ou est faux, et ce que le fournisseur doit fournir.",
    ),
    "complete-day": (
        422,
        "Rien n’a changé : écrivez le jour où tout ce qui était demandé est arrivé, du {first} à aujourd’hui.",
    ),
    "complete-word": (422, "Rien n’a changé : écrivez ce qui a été reçu."),
    "iban-service": (
        409,
        "Rien n’a changé : on atteste ici le service fait. Visez ; les finances décideront de ce compte.",
    ),
    "iban-seller": (
        409,
        "Rien n’a changé : le fournisseur lui-même est en désaccord. Tranchez d’abord ce point, puis revenez au compte.",
    ),
    "call-decider": (
        409,
        "Rien n’est noté : vous signez cette facture, donc vous décidez de ce compte. Demandez à une autre personne d’appeler.",
    ),
    "ibans-gone": (
        409,
        "Rien n’a changé : ce compte n’est plus parmi ceux qui sont connus. Rouvrez la liste.",
    ),
    "register-long": (
        413,
        "Ce registre a plus de {most} factures : choisissez une période plus courte, puis prenez-le de nouveau.",
    ),
    "supplier-none": (
        404,
        "Il n’y a pas ici de fournisseur que vous pouvez lire sous ce numéro. Cherchez-le dans l’annuaire.",
    ),
    "supplier-itself": (422, "Rien n’a changé : choisissez une autre fiche que celle-ci."),
    "supplier-joined": (
        409,
        "Rien n’a changé : d’autres fiches sont réunies avec « {name} ». Ouvrez-la et réunissez celle-ci avec elle.",
    ),
    "supplier-apart": (
        409,
        "Rien n’a changé : cette fiche n’est plus réunie avec celle-ci. Rouvrez la page.",
    ),
    "supplier-reason": (422, "Rien n’a changé : écrivez pourquoi, en deux cents caractères au plus."),
    "suppliers-long": (
        413,
        "Cet annuaire a plus de {most} fournisseurs, trop pour une table : cherchez plutôt ici ceux qu’il vous faut.",
    ),
    "ibans-reason": (422, "Rien n’a changé : écrivez pourquoi, en deux cents caractères au plus."),
}
