"""What a person is told when a folder does not move."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "file-above": (
        422,
        "« {filename} » fait {size}, et la collectivité accepte {most} au plus par fichier : il n’a pas été déposé. Réduisez-le, ou demandez à l’administrateur d’élever cette limite.",
    ),
    "continuation-document": (
        422,
        "Rien n’a été créé : une pièce choisie n’est plus au dossier, ou pas dans cette version. Rechargez la page, puis choisissez encore.",
    ),
    "continuation-main": (
        422,
        "Rien n’a été créé : le document principal doit être parmi les pièces reprises. Choisissez-en une version, ou un autre document principal.",
    ),
    "continuation-closed": (
        422,
        "Rien n’a été créé : un dossier « {type} » n’est lu que par ceux qui y agissent, et ses pièces ne vont que dans un dossier qui l’est aussi. Choisissez un tel type.",
    ),
    "view-gone": (
        404,
        "Rien n’a été fait : cette vue n’existe plus, ou n’est pas à vous. Revenez à « Vues enregistrées ».",
    ),
    "view-moved-on": (
        409,
        "Rien n’a été enregistré : quelqu’un a changé cette vue entre-temps, elle s’appelle « {name} ». Relisez-la, puis recommencez.",
    ),
    "view-name": (422, "Rien n’a été enregistré : donnez à la vue un nom, de {most} signes au plus."),
    "view-same": (
        422,
        "Rien n’a été enregistré : vous avez déjà une vue « {name} ». Choisissez un autre nom.",
    ),
    "view-desk": (
        422,
        "Rien n’a été enregistré : une vue se partage avec un bureau que l’on tient, par la personne qui l’a faite. Choisissez un de vos bureaux, ou personne.",
    ),
    "view-many": (
        409,
        "Rien n’a été enregistré : chacun garde {most} vues au plus. Retirez-en une sous « Vues enregistrées ».",
    ),
    "view-desk-many": (
        409,
        "Rien n’a été enregistré : un bureau partage {most} vues au plus. Gardez celle-ci pour vous, ou retirez-en une.",
    ),
    "view-filter": (
        422,
        "Rien n’a été enregistré : un filtre de cette vue n’existe pas, ou ne vous est pas ouvert. Revenez à la liste, choisissez vos filtres et recommencez.",
    ),
    "carry-off": (
        403,
        "Rien n’a été emporté : votre collectivité ne permet pas d’emporter des dossiers. Lisez celui-ci avec une connexion.",
    ),
    "carry-restricted": (
        403,
        "Rien n’a été emporté : la lecture de ce dossier est réservée. Lisez-le avec une connexion.",
    ),
    "carry-awaited": (
        409,
        "Rien n’a été emporté : on n’emporte qu’un dossier qui vous attend, et celui-ci ne vous attend pas, ou plus. Revenez à « À traiter ».",
    ),
    "carry-many": (
        409,
        "Rien n’a été emporté : vous avez déjà {most} dossiers avec vous. Rendez-en un sous « Dossiers emportés », puis recommencez.",
    ),
    "carry-session": (
        403,
        "Rien n’a été emporté : un dossier s’emporte dans un navigateur. Ouvrez sa page, puis recommencez.",
    ),
    "carry-gone": (
        404,
        "Rien n’a été fait : cette copie n’existe plus, ou n’est pas à vous. Revenez à « Dossiers emportés ».",
    ),
    "not-awaited": (
        409,
        "Rien n’a été marqué : ce dossier ne vous attend pas, ou plus. Revenez à « À traiter » pour voir ce qui vous attend.",
    ),
    "ticked-none": (
        422,
        "Rien n’a été fait : aucun dossier n’est coché. Cochez-en au moins un, puis recommencez.",
    ),
    "ticked-many": (
        422,
        "Rien n’a été fait : plus de {limit} dossiers sont cochés. Décochez-en, puis recommencez.",
    ),
    "ticked-gone": (
        409,
        "Rien n’a été fait : aucun de ces dossiers ne vous attend plus. Revenez à « À traiter » pour voir ce qui vous attend.",
    ),
    "hide-unopened": (
        409,
        "Rien n’a été masqué : ouvrez d’abord ce dossier, puis choisissez jusqu’à quand il se masque.",
    ),
    "hide-late": (
        422,
        "Rien n’a été masqué : l’échéance de ce dossier est arrivée, il reste dans votre liste. Décidez, confiez-le ou demandez un avis.",
    ),
    "hide-moment": (422, "Rien n’a été masqué : choisissez un jour et une heure à venir, puis recommencez."),
    "hide-far": (
        422,
        "Rien n’a été masqué : ce dossier se masque au plus tard jusqu’au {day}, pour revenir avant son échéance. Choisissez un jour plus proche.",
    ),
    "not-your-turn": (
        403,
        "Ce n’est pas à vous de décider à cette étape. Rien n’a été enregistré : voyez dans le circuit qui est attendu.",
    ),
    "cover-own-deposit": (
        403,
        "Rien n’a été fait : vous avez déposé ce dossier, et nul ne décide de son propre dépôt en l’absence d’un autre. Il attend {absent}, ou un autre titulaire : voyez dans le circuit qui est attendu.",
    ),
    "cover-mandate": (
        403,
        "Rien n’a été signé : l’intérim n’est pas une délégation de signature. En l’absence {absent:de}, vous ne signez que par votre propre mandat : il faut un arrêté de délégation à votre nom qui porte sur ce dossier, exécutoire avant la signature (CGCT L2122-18, L2122-19, L2131-1). {details}",
    ),
    "cover-over": (
        409,
        "Rien n’a été fait : votre intérim en l’absence {absent:de} est terminé, ou a été réduit. Rechargez la page pour voir ce qui vous attend.",
    ),
    "facts-awaited": (
        422,
        "Rien n’a été fait : à l’étape « {step} », il faut remplir {fields} avant de {verb}. Ouvrez le dossier, remplissez ce qui "
        "manque, puis recommencez.",
    ),
    "reading-awaited": (
        422,
        "Rien n’a été fait : à l’étape « {step} », la lecture est exigée avant de {verb}, et il vous reste à voir en entier {documents}. Ouvrez le dossier, faites défiler chaque document jusqu’à sa dernière page (chaque page d’un flux), ou téléchargez-le, puis recommencez.",
    ),
    "reading-person": (
        403,
        "Rien n’a été fait : à l’étape « {step} », la lecture des documents est exigée, et un logiciel ne lit pas. Une personne de ce bureau doit ouvrir le dossier et décider.",
    ),
    "facts-not-asked": (
        409,
        "Rien n’a été enregistré : l’étape « {step} » ne demande de remplir aucun champ. Décidez depuis la page du dossier.",
    ),
    "facts-to-fix": (422, "Rien n’a été enregistré. {details}"),
    "opinion-asked": (
        422,
        "Rien n’a été enregistré : cette étape demande un avis. Ouvrez le dossier, dites si votre avis est favorable ou défavorable, puis donnez-le.",
    ),
    "opinion-not-asked": (
        422,
        "Rien n’a été enregistré : cette étape ne demande pas d’avis, elle décide. Visez le dossier, ou rejetez-le avec un motif.",
    ),
    "opinion-word": (
        422,
        "Rien n’a été enregistré : un avis défavorable se motive. Écrivez en quelques mots ce qui ne va pas.",
    ),
    "send-back-nobody": (
        409,
        (
            "Rien n’a été renvoyé : plus personne ne peut agir à l’étape « {step} ». Choisissez une autre étape, ou rejetez-le "
            "à la personne qui l’a déposé."
        ),
    ),
    "send-back-many": (
        409,
        (
            "Rien n’a été renvoyé : ce dossier l’a déjà été trop de fois depuis son envoi. Rejetez-le à la personne qui l’a "
            "déposé, ou décidez."
        ),
    ),
    "relief-forbidden": (
        403,
        (
            "Rien n’a été changé : remplacer qui est attendu, ou passer un visa, revient à qui administre la collectivité, ou la "
            "branche du bureau attendu. Adressez-vous à cette personne."
        ),
    ),
    "replacing-part": (
        422,
        "Rien n’a été changé : choisissez qui est remplacé, parmi ceux que l’étape attend encore.",
    ),
    "replacing-fixed": (
        409,
        (
            "Personne n’a été remplacé : l’étape « {step} » n’est ni un visa ni un avis. Qui signe, publie ou archive le doit "
            "à un mandat ou au circuit : donnez-y le droit à quelqu’un."
        ),
    ),
    "replacing-locked": (
        409,
        "Personne n’a été remplacé : l’étape « {step} » est imposée par {by} : elle doit être donnée par qui y est attendu.",
    ),
    "passing-held": (409, "Rien n’a été passé : {details}"),
    "passing-reason": (
        422,
        "Rien n’a été passé : écrivez le motif, il sera lu par qui a déposé et par qui était attendu, et porté au journal.",
    ),
    "handing-reason": (
        422,
        "Rien n’a été confié : écrivez le motif, il sera lu par le bureau choisi et par qui a déposé, et porté au journal.",
    ),
    "handing-desk": (422, "Rien n’a été confié : choisissez à quel bureau vous confiez ce dossier."),
    "handing-many": (
        422,
        "Rien n’a été confié : ce dossier l’a déjà été {most} fois depuis son envoi. Décidez, ou rejetez-le.",
    ),
    "handing-refused": (422, "Rien n’a été confié à « {desk} ». {details}"),
    "opinion-desks": (
        422,
        "Rien n’a été demandé : choisissez à qui vous demandez un avis, un bureau ou plusieurs, {most} au plus.",
    ),
    "opinion-question": (
        422,
        "Rien n’a été demandé : écrivez votre question, elle sera lue avec le dossier et restera avec la réponse.",
    ),
    "opinion-waits": (
        422,
        "Rien n’a été demandé : choisissez si l’étape attend l’avis, ou non.",
    ),
    "opinion-date": (
        422,
        "Rien n’a été demandé : la réponse se souhaite pour un jour à venir, dans l’année. Corrigez la date, ou effacez-la.",
    ),
    "opinion-many": (
        409,
        "Rien n’a été demandé : {most} avis au plus se demandent sur un dossier depuis son envoi. Décidez, ou rejetez-le.",
    ),
    "opinion-unknown": (
        409,
        "Rien n’a été enregistré : cette demande d’avis n’est pas dans ce dossier. Rechargez sa page.",
    ),
    "opinion-elsewhere": (
        403,
        "Rien n’a été enregistré : cet avis est demandé à « {desk} », où vous ne pouvez pas viser ce dossier.",
    ),
    "acted-already": (
        409,
        "{who} déjà {act} ce dossier {when} : rien de plus n’a été enregistré. Ouvrez-le pour voir où il en est.",
    ),
    "export-many": (
        422,
        "Cette liste a plus de {most:n} dossiers. Rien n’a été téléchargé : choisissez un type, un état ou des mots, puis recommencez.",
    ),
    "export-none": (
        404,
        "Aucun dossier que vous pouvez lire ne correspond. Rien n’a été téléchargé : revenez au suivi et changez de recherche.",
    ),
    "note-empty": (422, "La note est vide. Rien n’a été écrit : tapez-la, puis recommencez."),
    "note-many": (
        422,
        "Vous avez déjà écrit {most} notes à côté de ce dossier. Rien n’a été écrit : répondez par courriel, ou joignez une pièce.",
    ),
    "note-desk": (
        422,
        "Ce bureau n’est pas un des vôtres que le dossier a atteints. Rien n’a été écrit : choisissez qui lit la note.",
    ),
    "note-alone": (
        422,
        "Une note pour soi seul ne prévient personne, et un logiciel n’en écrit pas. Rien n’a été écrit : choisissez qui la lit.",
    ),
    "note-reader": (
        422,
        "Une des personnes à prévenir ne lirait pas cette note. Rien n’a été écrit : choisissez parmi celles qui sont proposées.",
    ),
    "note-told-many": (
        422,
        "{most} personnes au plus sont prévenues d’une note. Rien n’a été écrit : choisissez-en moins, puis recommencez.",
    ),
    "looks-on": (
        403,
        "Rien n’est enregistré : le type de ce dossier en ouvre la lecture à toute la collectivité, et vous n’y avez pas d’autre "
        "part. Écrivez une note pour vous seul, ou parlez-en à qui l’a déposé.",
    ),
    "note-follower": (
        403,
        "Ce logiciel suit les dossiers de son bureau et n’y écrit rien. Rien n’a été écrit : donnez-lui un droit de plus, dans « Applications ».",
    ),
    "note-settled": (
        409,
        "Cette note a été marquée réglée par {who}. Rien n’a été écrit : écrivez une autre note.",
    ),
    "note-stays": (
        409,
        "D’autres que vous lisent cette note : elle reste. Rien n’a changé : marquez-la réglée, ou répondez-y.",
    ),
    "pin-document": (
        422,
        "Rien n’a été écrit : une note s’épingle sur une page d’un PDF de ce dossier, dans une version qui y est. Écrivez-la sans l’épingler, ou choisissez une autre pièce.",
    ),
    "pin-page": (
        422,
        "Rien n’a été écrit : cette pièce n’a pas cette page. Donnez un numéro de 1 à {pages}, ou laissez-le vide.",
    ),
    "pin-box": (
        422,
        "Rien n’a été écrit : l’endroit choisi n’est pas dans la page. Choisissez-le de nouveau, ou épinglez la note sur la page entière.",
    ),
    "note-take-back-late": (
        409,
        "Cette note n’a pas été annulée : les {seconds} secondes pour le faire sont passées. Marquez-la réglée, ou répondez-y.",
    ),
    "note-take-back-read": (
        409,
        "Cette note n’a pas été annulée : quelqu’un a ouvert le dossier depuis, y a répondu ou en a reçu le courriel. Marquez-la réglée, ou répondez-y.",
    ),
    "note-gone": (
        404,
        "Cette note n’est plus là, ou n’est pas pour vous. Rien n’a changé : revenez au dossier et relisez ses notes.",
    ),
    "words-long": (
        422,
        "Ce texte a {got:n} caractères, et il en faut {most:n} au plus. Rien n’a été enregistré : raccourcissez-le ; un long texte se joint au dossier.",
    ),
    "reason-needed": (
        422,
        "Le dossier n’a pas été rejeté : écrivez le motif, il sera lu par le déposant et par ceux qui ont déjà visé.",
    ),
    "number-no-register": (
        422,
        "Aucun numéro n’a été réservé : ce type de dossier n’a pas de registre. Écrivez son numéro.",
    ),
    "number-register-full": (
        409,
        "Aucun numéro n’a été réservé : le registre de l’année est plein. Écrivez un numéro.",
    ),
    "several-subjects": (
        422,
        "Rien n’a été déposé : vous avez choisi {count} fichiers. Dites si chacun est un dossier, ou si les suivants sont les annexes du premier, puis choisissez-les à nouveau.",
    ),
    "annex-is-subject": (
        422,
        "Rien n’a été ajouté : « {filename} » est un autre document du même type ({family} n° {number}), qui se dépose dans un "
        "dossier à part. S’il n’est là que comme annexe, cochez « Même une autre facture ou un autre flux » en l’ajoutant "
        "(`annexes_said` dans l’API).",
    ),
    "nothing-to-sign": (422, "Le dossier n’est pas parti : ajoutez le document principal."),
    "to-fix": (
        422,
        "Le dossier n’est pas parti : {details} Corrigez, puis renvoyez.",
    ),
    "coming-forbidden": (
        403,
        "Rien n’a changé : les étapes à venir de ce dossier ne sont pas à vous. Demandez-le à un administrateur qui le lit, ou à "
        "qui en a le droit au bureau qui l’a déposé.",
    ),
    "coming-over": (
        409,
        "Rien n’a changé : ce dossier n’est pas en circuit, et n’a pas d’étape à venir. Ouvrez-le pour voir où il en est.",
    ),
    "coming-reason": (
        422,
        "Rien n’a changé : écrivez le motif, il sera lu par qui a déposé et porté au journal et sur le bordereau.",
    ),
    "coming-none": (
        422,
        "Rien n’a changé : il n’y a aucun changement. Ajoutez un avis, remplacez un bureau ou retirez une étape.",
    ),
    "coming-gone": (
        409,
        "Rien n’a changé : {what} n’est plus à venir. Relisez les étapes, puis recommencez.",
    ),
    "coming-locked": (
        422,
        "Rien n’a changé : {by} impose l’étape « {step} ». Vous pouvez en remplacer un bureau, jamais la retirer.",
    ),
    "coming-unnamed": (
        409,
        "Rien n’a changé : plus aucune étape à venir de ce dossier ne nomme cette personne. Relisez la page.",
    ),
    "coming-heir": (
        422,
        "Rien n’a changé : choisissez qui prend sa place, soit une personne, soit un bureau.",
    ),
    "heir-own": (
        422,
        "Rien n’a changé : vous ne lisez pas ce dossier, et qui administre ne le donne ni à soi-même ni à un bureau qu’il tient. "
        "Choisissez une autre personne, ou un autre bureau.",
    ),
    "coming-refused": (422, "Rien n’a changé. {details}"),
    "not-editable": (
        409,
        "Ce dossier est en circuit : il ne peut plus être modifié. Reprenez-le d’abord, ou demandez un rejet.",
    ),
    "not-emitter": (
        403,
        "Ce dossier appartient à un autre bureau : seul le bureau qui l’a déposé peut le modifier. Rejetez-le pour qu’il le corrige.",
    ),
    "no-desk": (
        403,
        "Rien n’a été déposé : aucun de vos bureaux ne dépose, ou pas celui qui est demandé. Choisissez-en un autre, ou demandez ce droit à l’administrateur de la commune.",
    ),
    "desk-not-here": (
        403,
        "Rien n’a été enregistré : « {type} » ne se dépose pas au titre de ce bureau. Choisissez {desks}.",
    ),
    "family-restricted": (
        403,
        "Rien n’a été déposé : « {family} » est à accès restreint et ne se dépose que depuis le bureau « {desks} ». Demandez à l’administrateur de vous y inscrire avec le droit de déposer.",
    ),
    "type-not-granted": (
        403,
        "Rien n’a été déposé : aucun de vos bureaux ne vous donne le droit de déposer « {type} ». Choisissez un autre type, ou demandez ce droit à un administrateur.",
    ),
    "type-not-granted-there": (
        403,
        "Rien n’a été préparé : au bureau qui a déposé l’acte, votre droit de déposer ne va pas jusqu’à « {type} ». Demandez-le à un administrateur, ou à qui l’a déjà à ce bureau.",
    ),
    "type-not-here": (
        403,
        "Rien n’a été déposé : « {type} » ne se dépose pas depuis vos bureaux. Choisissez un autre type, ou demandez à un administrateur d’y ajouter le vôtre.",
    ),
    "begun-elsewhere": (422, "« {family} » ne se dépose pas ici : ouvrez l’acte ou le courrier. {help}"),
    "act-cancelled": (
        409,
        "La transmission de cet acte a été annulée à la préfecture : il ne se publie plus. Déposez un nouvel acte.",
    ),
    "no-file": (422, "Aucun fichier n’a été reçu. Choisissez un document, puis recommencez."),
    "document-unknown": (404, "Ce document n’est pas dans ce dossier. Rouvrez-le depuis ses pièces."),
    "document-stays": (
        422,
        "Ce document a été reçu, signé ou lu dans un autre : il reste tel qu’il est et rien n’a changé. Remplacez le document "
        "principal ou une annexe.",
    ),
    "main-stays": (422, "Le document principal ne se retire pas : remplacez-le."),
    "desk-missing": (
        422,
        "Le dossier n’est pas parti : l’étape « {step} » ne trouve pas son bureau ({what}). Choisissez-le, ou demandez à l’administrateur de corriger le circuit.",
    ),
    "nobody-there": (
        422,
        "Le dossier n’est pas parti : à l’étape « {step} », il faut {needed:n personne} avec le droit « {right} », et {able}. Prévenez l’administrateur.",
    ),
    "nothing-to-repair": (
        409,
        "Il n’y a pas de copie à accepter pour ce document. Rechargez la page.",
    ),
    "date-missing": (
        422,
        "Rien n’a été enregistré : donnez la date à laquelle l’acte a été affiché, publié ou notifié.",
    ),
    "date-future": (
        422,
        "Rien n’a été enregistré : cette date est dans le futur. Donnez le jour où l’acte a été affiché, publié ou notifié.",
    ),
    "date-before-signature": (
        422,
        "Rien n’a été enregistré : cet acte a été signé le {signed_on}, il n’a pas pu être affiché, publié ou notifié avant. "
        "Donnez le jour où il l’a été.",
    ),
    "not-urgent": (
        409,
        "Rien n’a été enregistré : seul un acte qui se publie en ligne, et qui n’est pas encore affiché, s’affiche en urgence. "
        "Rechargez la page.",
    ),
    "urgency-reason-missing": (
        422,
        "Rien n’a été enregistré : écrivez en quoi il y a urgence, de {shortest} à {longest} caractères. Sans urgence, mettez "
        "l’acte en ligne.",
    ),
    "date-before-act": (
        422,
        "Rien n’a été enregistré : cette date précède celle de la décision. Vérifiez-la.",
    ),
    "favourite-unknown": (
        422,
        "Vos favoris n’ont pas changé : cette valeur n’est plus proposée. Rechargez la page, puis choisissez dans la liste.",
    ),
    "key-reused": (
        422,
        "Rien n’a été enregistré : cette clé d’idempotence a déjà servi pour un autre envoi. Donnez une clé neuve à chaque envoi.",
    ),
    "form-spent": (
        409,
        "Rien de plus n’a été déposé : cette page avait déjà déposé d’autres fichiers, dans le dossier n° {folder}. Ouvrez-le "
        "pour les voir ; pour en déposer d’autres, rechargez d’abord cette page.",
    ),
    "form-undone": (
        409,
        "Rien de plus n’a été ajouté : cette page avait déjà ajouté ces fichiers, et une annexe du dossier a été retirée "
        "depuis. Rechargez la page pour voir celles qui y sont, puis ajoutez de nouveau celle qui manque.",
    ),
    "form-overtaken": (
        409,
        "Rien n’a été remplacé : cette page avait déjà envoyé ce fichier, et le document a été changé ou retiré depuis. "
        "Rouvrez le dossier pour voir celui qui s’y trouve, puis remplacez-le de nouveau s’il le faut.",
    ),
    "own-caution": (
        403,
        "Rien n’a changé : vous avez déposé ce dossier, écrit cette valeur ou noté un appel, une autre personne tranche.",
    ),
    "word-needed": (422, "Rien n’a changé : écrivez d’un mot ce qui vous fait trancher ainsi."),
    "none-ticked": (422, "Rien n’a changé : cochez au moins un des points à lever."),
    "nothing-to-rule": (409, "Rien n’a changé : ce point n’est plus à trancher. Rouvrez le dossier."),
    "not-rejected": (403, "Le dossier n’a pas été rejeté, rien n’a changé. {details}"),
    "visa-gated": (409, "Votre visa n’a pas été donné, et rien n’a changé. {details}"),
    "visa-held": (409, "Votre visa n’a pas été donné, et rien n’est parti. {details}"),
    "ruled-too-late": (
        409,
        "Rien n’a changé : ce dossier est déjà signé avec les deux valeurs sous les yeux. Rejetez-le pour qu’il soit corrigé.",
    ),
    "software-never-signs": (
        403,
        "Rien n’a été enregistré : cette étape attend une signature, et une application ne signe jamais. La personne habilitée signe dans Paraphe.",
    ),
}
