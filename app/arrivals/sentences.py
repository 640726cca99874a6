"""What is answered about arrivals."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "arrival-no-desk": (
        409,
        "Aucun bureau ne reçoit ce qui arrive. Choisissez un bureau de tri ouvert, où quelqu’un a le droit de déposer : « Administration », « Arrivées ».",
    ),
    "arrival-no-file": (
        422,
        "Rien de ce qui est arrivé n’est une pièce à déposer. Regardez ce qui a été gardé, demandez la facture au fournisseur, puis mettez cette arrivée de côté.",
    ),
    "arrival-none": (
        409,
        "Ce dossier n’est pas arrivé de lui-même, ou ce qui est arrivé n’est lu que de ses bureaux. Lisez ses pièces sur sa page.",
    ),
    "arrival-not-apart": (
        409,
        "Rien n’a changé : cette pièce est la facture de ce dossier, ou on en a déjà décidé. Rechargez la page.",
    ),
    "arrival-settled": (
        409,
        "Rien n’a été fait : cette arrivée a changé depuis que la page est affichée. Rechargez la page.",
    ),
    "arrival-dangerous": (
        403,
        "« {filename} » n’est donné à personne : l’antivirus a reconnu un virus en lui, ou dans ce qui est arrivé avec lui. Demandez la pièce à qui l’a envoyée.",
    ),
    "arrival-shared": (
        403,
        "« {filename} » porte aussi des pièces d’autres dossiers, que vous ne lisez pas. Chaque document du vôtre vous est donné à part.",
    ),
    "arrival-word": (
        422,
        "Rien n’a été mis de côté : écrivez pourquoi, en {longest} signes au plus.",
    ),
    "routing-moved": (
        409,
        "Rien n’a changé : quelqu’un d’autre a changé ce choix entre-temps. Regardez ce qui est en vigueur, puis recommencez.",
    ),
    "routing-kind": (
        422,
        "Rien n’a changé ({where}) : ce type n’est pas de ceux qui peuvent arriver d’eux-mêmes. Choisissez dans la liste.",
    ),
    "routing-desk": (
        422,
        "Rien n’a changé ({where}) : personne ne peut déposer ce type à ce bureau. Donnez-y le droit de déposer à quelqu’un, ou choisissez un autre bureau.",
    ),
    "routing-closed": (
        422,
        "Rien n’a changé ({where}) : ce bureau n’existe pas, ou il est fermé. Choisissez dans la liste.",
    ),
    "routing-no-desk": (
        422,
        "Rien n’a changé : choisissez d’abord le bureau de tri, qui reçoit ce qu’aucune règle ne prend.",
    ),
    "routing-empty": (
        422,
        "Rien n’a changé : demandez au moins une chose à chaque règle. Ce que rien ne prend va au bureau de tri.",
    ),
    "routing-clue": (
        422,
        "Rien n’a changé : « {what} » n’est pas ce qu’une règle peut comparer, ou sa valeur est vide. Corrigez-la.",
    ),
    "routing-seller": (
        422,
        "Rien n’a changé : écrivez le SIRET du fournisseur (14 chiffres), son SIREN (9), ou leurs premiers chiffres suivis de *.",
    ),
    "routing-long": (
        422,
        "Rien n’a changé : « {what} » a plus de {longest} signes. Écrivez-en deux règles.",
    ),
    "routing-many": (
        422,
        "Rien n’a changé : il y a plus de {most} règles. Retirez celles qui ne servent plus.",
    ),
    "routing-gone": (
        409,
        "Rien n’a changé : cette règle n’est plus là. Regardez celles qui sont en vigueur, puis recommencez.",
    ),
    "arrival-sender": (
        422,
        "Cet expéditeur n’est pas de ceux que l’administration a reconnus. Regardez ce qui est arrivé, puis laissez-le entrer ou mettez-le de côté.",
    ),
    "arrival-mail-encrypted": (
        422,
        "Ce courriel est chiffré, ou ses pièces sont enfermées dans une signature : rien n’en a été ouvert. Demandez la facture sans chiffrement, ou ouvrez le courriel gardé et déposez-la.",
    ),
    "arrival-mail-unread": (
        422,
        "Ce courriel n’a pas pu être lu. Ouvrez le courriel gardé avec votre logiciel de courriel, puis déposez la facture.",
    ),
    "arrival-mail-many": (
        422,
        "Ce courriel porte trop de pièces pour en faire des dossiers. Ouvrez le courriel gardé, puis déposez ce qu’il faut.",
    ),
    "arrival-mail-large": (
        422,
        "Ce courriel dépasse la taille que Paraphe prend : il est resté dans sa boîte, et son en-tête seul est gardé. Ouvrez-le là-bas, puis déposez la facture.",
    ),
    "mailbox-moved": (
        409,
        "Rien n’a changé : quelqu’un d’autre a changé cette boîte entre-temps. Regardez ce qui est en vigueur, puis recommencez.",
    ),
    "mailbox-many": (422, "Rien n’a changé : {most} boîtes au plus. Changez-en une qui ne sert plus."),
    "mailbox-host": (
        422,
        "Rien n’a changé : écrivez le nom du serveur IMAP (imap.exemple.fr), son port et la façon de s’y relier.",
    ),
    "mailbox-login": (
        422,
        "Rien n’a changé : écrivez le compte de la boîte, sans guillemets, et le dossier à relever.",
    ),
    "mailbox-password": (
        422,
        "Rien n’a changé : donnez le mot de passe de la boîte. Il est demandé de nouveau quand le serveur ou le compte change.",
    ),
    "mailbox-sender": (
        422,
        "Rien n’a changé : « {what} » n’est ni une adresse, ni @domaine.fr. Écrivez-en une par ligne, {most} au plus.",
    ),
    "mailbox-taken": (
        422,
        "Rien n’a changé : cette boîte et ce dossier sont déjà relevés. Changez ceux qui sont là.",
    ),
    "arrival-scan-empty": (
        422,
        "Ce fichier du numériseur est vide : il est rangé sous « refusés », dans son dossier. Numérisez la pièce de nouveau, puis mettez cette arrivée de côté.",
    ),
    "arrival-scan-large": (
        422,
        "Ce fichier du numériseur dépasse la taille que Paraphe prend : il est rangé tel quel sous « refusés », dans son dossier. Numérisez la pièce en moins de points, ou en plusieurs fichiers.",
    ),
    "arrival-scan-strange": (
        422,
        "Ce que le numériseur a posé n’est pas un fichier, mais un lien ou autre chose : il est rangé tel quel sous « refusés », et n’a pas été ouvert. Numérisez la pièce de nouveau, puis mettez cette arrivée de côté.",
    ),
    "arrival-scan-between": (
        422,
        "Cette pile ne contient que des pages de séparation, ou des pages blanches. Regardez ce qui a été gardé : si ses pages sont seulement pâles, « Réessayer » l’ouvre d’un tenant ; sinon numérisez-la de nouveau, puis mettez cette arrivée de côté.",
    ),
    "scanner-split": (422, "Rien n’a changé : choisissez dans la liste comment séparer une pile."),
    "scanner-moved": (
        409,
        "Rien n’a changé : quelqu’un d’autre a changé ce numériseur entre-temps. Regardez ce qui est en vigueur, puis recommencez.",
    ),
    "scanner-many": (422, "Rien n’a changé : {most} numériseurs au plus. Changez-en un qui ne sert plus."),
    "scanner-name": (
        422,
        "Rien n’a changé : donnez un nom au numériseur, de {longest} signes au plus.",
    ),
    "scanner-folder": (
        422,
        "Rien n’a changé : écrivez le dossier comme un nom seul, de lettres sans accents, de chiffres, de points et de tirets (accueil).",
    ),
    "scanner-taken": (
        422,
        "Rien n’a changé : ce dossier est déjà celui d’un numériseur. Changez celui qui est là, ou donnez un autre nom.",
    ),
}
