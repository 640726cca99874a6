"""What the commands of the operators refuse, in French."""

SENTENCES: dict[str, tuple[int, str]] = {
    "leaving-moved": (
        409,
        "Le compte reste ouvert : ce qui s’arrêterait a changé depuis que la page l’a montré. Relisez la liste, puis recommencez.",
    ),
    "leaving-folders": (
        409,
        "Rien n’a été confié : aucun dossier n’attend plus cette personne à une étape qui puisse l’être. Relisez la liste.",
    ),
    "leaving-reason": (
        422,
        "Le compte reste ouvert : quelque chose s’arrêterait encore. Réglez chaque point, ou écrivez pourquoi vous le fermez quand même, de {shortest} à {most} signes sur une ligne.",
    ),
    "leaving-heir": (
        422,
        "Rien n’a changé : personne n’est choisi. Choisissez à qui le confier, puis recommencez.",
    ),
    "closing-date": (
        422,
        "Rien n’est prévu : écrivez un jour et une heure à venir, d’ici deux ans, comme 31/12/2026 18:00.",
    ),
    "closing-none": (
        409,
        "Rien n’a changé : aucune fermeture du compte de {name} n’est prévue. Rechargez la page.",
    ),
    "absence-whose": (
        403,
        "Rien n’a été enregistré : l’absence d’une personne s’écrit par elle-même, par le secrétariat qu’elle a choisi ou par un administrateur. Demandez-le-leur.",
    ),
    "absence-own-cover": (
        403,
        "Rien n’a été enregistré : qui écrit l’absence d’un autre ne se confie pas ses dossiers à soi-même. Choisissez quelqu’un d’autre, ou demandez à la personne de l’écrire.",
    ),
    "absence-branch": (
        403,
        "Rien n’a été enregistré : choisissez un bureau de votre branche ; seul un administrateur de la collectivité confie tous les bureaux d’une personne.",
    ),
    "absence-unknown": (
        404,
        "Cette absence n’existe pas, ou n’est pas à vous. Rechargez la page « Absences ».",
    ),
    "absence-changed": (
        409,
        "Rien n’a changé : cette absence vient d’être modifiée ailleurs. Rechargez la page « Absences », relisez-la, puis recommencez.",
    ),
    "absence-dates": (
        422,
        "Rien n’a été enregistré : donnez le jour et l’heure du début, puis ceux de la fin.",
    ),
    "absence-hour": (
        422,
        "Rien n’a été enregistré : il n’est jamais {hour} le {day}, les horloges avancent d’une heure cette nuit-là. Donnez une autre heure.",
    ),
    "absence-order": (
        422,
        "Rien n’a été enregistré : la fin vient avant le début. Corrigez l’une des deux.",
    ),
    "absence-past": (
        409,
        "Rien n’a été enregistré : cette absence est déjà finie. Choisissez une fin à venir.",
    ),
    "absence-long": (
        422,
        "Rien n’a été enregistré : une absence dure trois ans au plus. Au-delà, demandez à l’administrateur de donner le bureau à quelqu’un d’autre.",
    ),
    "absence-cover": (
        422,
        "Rien n’a été enregistré : cette personne n’a pas de compte ouvert ici, ou ne convient pas. Choisissez quelqu’un dans la liste.",
    ),
    "absence-self": (
        422,
        "Rien n’a été enregistré : une personne n’assure pas son propre intérim. Choisissez quelqu’un d’autre, ou personne.",
    ),
    "absence-desk": (
        422,
        "Rien n’a été enregistré : ce bureau n’est pas un de ceux de la personne absente. Choisissez-en un autre, ou tous.",
    ),
    "absence-power": (
        422,
        "Rien n’a été enregistré : choisissez si la personne qui assure l’intérim pourra agir, ou seulement lire.",
    ),
    "absence-type": (
        422,
        "Rien n’a été enregistré : un de ces types de dossiers n’existe pas ici. Choisissez-les de nouveau.",
    ),
    "absence-away": (
        409,
        "Rien n’a été enregistré : une absence {cover:de} est déjà inscrite, du {begins} au {ends}. Choisissez quelqu’un d’autre, ou d’autres dates.",
    ),
    "absence-loop": (
        409,
        "Rien n’a été enregistré : l’intérim tournerait en rond, celui {cover:de} revenant à ce moment-là à {absent}. Choisissez quelqu’un d’autre.",
    ),
    "absence-twice": (
        409,
        "Rien n’a été enregistré : {cover} assure déjà cet intérim à ce moment-là. Modifiez plutôt l’absence qui existe.",
    ),
    "absence-emitter": (
        409,
        "Rien n’a été enregistré : {cover} a déposé {what} là ({folders}), et déciderait de son propre dépôt. Choisissez quelqu’un d’autre, d’autres types, ou la lecture seule.",
    ),
    "people-file-moved": (
        409,
        "Rien n’est écrit : des comptes ou des bureaux ont changé depuis ; relisez ce qui serait écrit.",
    ),
    "people-file-none": (422, "Rien n’a été lu : choisissez le fichier de la liste."),
    "people-file-unread": (
        422,
        "Ce fichier ne se lit pas comme une liste. Rien n’a changé : dans votre tableur, enregistrez-le au format CSV, puis reprenez.",
    ),
    "people-file-unrecognised": (
        422,
        "Le codage de ce fichier n’est pas reconnu. Rien n’a changé : si c’est une liste au format CSV, choisissez comment votre "
        "tableur l’a écrite sous « Lire autrement » (souvent Mac OS Roman, sur un Mac).",
    ),
    "people-file-encoding": (
        422,
        "La liste ne se lit pas dans le codage {encoding}. Rien n’a changé : choisissez-en un autre.",
    ),
    "people-file-columns": (
        422,
        "La première ligne du fichier ne nomme pas ces colonnes : {missing}. Rien n’a changé : lisez la liste autrement, ou ajoutez-les, puis reprenez.",
    ),
    "people-file-empty": (
        422,
        "Ce fichier ne contient personne : rien ne suit la ligne d’intitulés. Rien n’a changé : écrivez une personne par ligne, puis reprenez.",
    ),
    "people-file-long": (
        413,
        "Ce fichier est trop long : {lines:n} lignes au plus, et {size}. Rien n’a changé : coupez-le en plusieurs.",
    ),
    "share-away": (
        409,
        "Le partage où était {folder} n’est pas monté ({mount}). Rien n’y a été écrit : montez-le, puis recommencez ; s’il n’y en a plus, lancez « flask --app wsgi share forget {folder} ».",
    ),
    "share-unknown": (
        404,
        "Aucun partage n’est noté pour {folder}. Rien n’a changé : vérifiez le chemin, que « flask --app wsgi doctor --only partages » donne quand il manque.",
    ),
    "examination-hurry": (
        429,
        "Un examen vient d’être demandé ou commencé. Rien n’a été demandé de plus : attendez {minutes:n minute}, puis recommencez.",
    ),
    "examination-not-yours": (
        403,
        "Cet examen est celui de toute l’installation : seuls les administrateurs qui la tiennent (PARAPHE_OPERATORS) le demandent. Rien n’a été fait : adressez-vous à eux.",
    ),
    "statement-moved": (
        409,
        "Rien n’est enregistré : quelqu’un d’autre vient de changer ces textes. Ce qui est en vigueur est écrit sous chaque champ qui en diffère : revoyez-le, puis enregistrez.",
    ),
    "statement-long": (
        422,
        "Un texte est trop long : {most} signes pour une ligne, {text:n} pour un texte. Raccourcissez-le.",
    ),
    "statement-unproven": (
        422,
        "Un état de conformité s’écrit avec la date de l’évaluation, passée, et le nom de qui l’a faite. Donnez les deux, ou laissez « Non évalué ».",
    ),
    "start-done": (
        409,
        "La commune a déjà des bureaux : un modèle ne se pose qu’au tout début. Rien n’a été créé : ouvrez ou changez les bureaux un à un, sous « Bureaux ».",
    ),
    "start-unknown": (
        404,
        "Ce modèle n’existe pas. Rien n’a été créé : choisissez-en un dans la liste.",
    ),
    "start-nothing": (
        422,
        "Aucun bureau n’est coché. Cochez ceux qu’il vous faut, ou choisissez « Vide ».",
    ),
    "start-desk-asked": (
        422,
        "Le circuit de « {family} » demande le bureau « {desk} », qui n’est pas coché. Cochez ce bureau, ou décochez ce circuit.",
    ),
    "start-above": (
        422,
        "« {name} » dépendrait de lui-même. Choisissez-lui un autre bureau de rattachement.",
    ),
    "start-circuit": (
        422,
        "Rien n’est créé : le circuit « {family} » ne pourrait pas être publié. {details} Décochez-le, ou réglez ces points.",
    ),
    "start-label": (
        422,
        "Le nom du circuit de « {family} » manque, ou dépasse {most} signes. Écrivez-le sur une ligne, plus court.",
    ),
    "trial-unknown": (
        404,
        "Ce point ne s’essaie pas d’ici. Rien n’a été essayé : rechargez « Mise en service », et choisissez parmi ceux qui ont un bouton.",
    ),
    "trial-hurry": (
        429,
        "Ce point vient d’être essayé : son résultat est sur la page. Rien n’a été essayé de plus : attendez {seconds:n seconde}, puis recommencez.",
    ),
    "trial-busy": (
        429,
        "Un autre essai est en cours. Rien n’a été essayé de plus : attendez {seconds:n seconde} au plus, puis recommencez.",
    ),
    "mark-unwritten": (
        503,
        "Le repère du journal n’a pas pu être écrit dans {folder} ({why}). Vérifiez le dossier, ses droits et la place libre, puis recommencez.",
    ),
    "marks-none": (
        404,
        "Il n’y a aucun repère dans {folder}. Prenez-en un par « flask --app wsgi marks take », ou donnez un autre dossier.",
    ),
    "account-open": (
        409,
        "Le compte de {name} est ouvert. Rien n’a été ôté : fermez-le d’abord (« Administration », « Personnes »), puis réduisez-le.",
    ),
    "account-letter": (
        409,
        "Le courriel qui annonce à {name} la fermeture de son compte n’est pas encore parti. Rien n’a été ôté : recommencez dans quelques minutes ; s’il ne part pas, « Administration », « Travail de fond » dit pourquoi.",
    ),
    "person-file-there": (
        409,
        "Le fichier {name} existe déjà. Rien n’a été écrit : donnez un autre nom, un export n’en remplace jamais un autre.",
    ),
    "person-file": (
        503,
        "Le fichier {name} n’a pas pu être écrit ({why}). Vérifiez le dossier, ses droits et la place libre, puis recommencez.",
    ),
    "backup-there": (
        409,
        "Le fichier {name} existe déjà. Aucune sauvegarde n’a été faite : donnez un autre nom, une sauvegarde n’en remplace jamais une autre.",
    ),
    "backup-begun": (
        409,
        "Une sauvegarde s’écrit dans {name}, ou y a été interrompue. Aucune n’a été faite : si plus rien ne l’écrit, ôtez ce fichier et recommencez.",
    ),
    "backup-unwritten": (
        503,
        "La sauvegarde {name} n’a pas pu être écrite ({why}). Il n’en reste rien : vérifiez le dossier, ses droits et la place libre.",
    ),
    "backup-command": (
        422,
        "La commande « {command} » a échoué (code {code}). Aucune ligne n’a été écrite dans la base : essayez-la seule, vérifiez sa clé ou son mot de passe, puis recommencez.",
    ),
    "backup-command-unknown": (
        422,
        "La commande « {command} » n’est pas installée ici, ou ne peut pas être lancée. Rien n’a été fait : installez-la, ou donnez-en une autre.",
    ),
    "backup-behind": (
        409,
        "La base est à la version {found}, ce programme en demande {wanted}. Aucune sauvegarde n’a été faite : sauvegardez avec la version du programme qui sert cette base, ou lancez « flask --app wsgi upgrade ».",
    ),
    "copy-absent": (
        404,
        "La sauvegarde {name} ne peut pas être lue ({why}). Rien n’a été écrit : vérifiez le nom et les droits du fichier.",
    ),
    "copy-broken": (
        422,
        "Cette sauvegarde ne peut pas être remise : {what}. La base n’a pas reçu une ligne : prenez-en une autre.",
    ),
    "copy-newer": (
        409,
        "Cette sauvegarde vient d’une version plus récente ({version}, {revision}), inconnue ici. Rien n’a été écrit : installez cette version du programme, puis recommencez.",
    ),
    "copy-differs": (
        500,
        "Relues dans la nouvelle base, ces tables ne disent pas ce que disait l’ancienne : {tables}. Rien n’a été gardé : signalez-le, et ne vous servez pas de la nouvelle base.",
    ),
    "copy-dangling": (
        422,
        "Des lignes nomment ce qui n’existe pas ({tables}). Rien n’a été gardé : prenez une autre sauvegarde, ou, si vous passiez à PostgreSQL, gardez l’ancienne base et signalez-le.",
    ),
    "restore-base-filled": (
        409,
        "La base des réglages n’est pas vide ({tables}). Rien n’a été écrit : donnez dans PARAPHE_DATABASE_URL une base neuve, sans aucune table.",
    ),
    "restore-store-filled": (
        409,
        "Le dépôt {url} contient déjà des documents. Rien n’a été écrit : donnez dans PARAPHE_STORE_URL une place neuve.",
    ),
    "restore-unwritten": (
        503,
        "{name} n’a pas pu être écrit ({why}). La base n’a pas reçu une ligne : vérifiez le dossier, ses droits et la place libre, puis relancez avec la même sauvegarde.",
    ),
    "restore-folder-filled": (
        409,
        "Le dossier {folder} contient déjà des fichiers. Rien n’a été écrit : videz-le ou réglez-en un autre.",
    ),
    "copy-unfit": (
        422,
        "La table {table} contient ce que la nouvelle base ne peut pas garder ({why}). Aucune ligne n’y a été écrite : signalez-le, et gardez l’ancienne base.",
    ),
    "move-not-sqlite": (
        409,
        "La base des réglages n’est pas SQLite. Rien n’a été fait : vérifiez PARAPHE_DATABASE_URL, cette commande ne va que de SQLite à PostgreSQL.",
    ),
    "move-target": (
        422,
        "La base à remplir ne peut pas l’être : {why}. Rien n’a été écrit : donnez une adresse postgresql://compte@serveur/base et vérifiez que ce serveur répond.",
    ),
    "move-target-filled": (
        409,
        "La base à remplir n’est pas vide ({tables}). Rien n’y a été écrit : donnez une base neuve, sans aucune table.",
    ),
    "resume-words": (
        422,
        "Rien n’a repris : il faut dire pourquoi, avec --words, par exemple « l’ancien serveur est éteint ».",
    ),
    "journal-check-lasts": (
        409,
        "Une vérification du journal est déjà en cours, demandée par {by}. Rechargez cette page dans un moment : elle dira ce qu’elle a trouvé.",
    ),
    "trace-days": (
        422,
        "Cette période ne se lit pas. Choisissez deux jours, le premier avant le dernier, ou laissez-les vides.",
    ),
    "resume-nothing": (
        409,
        "Aucune restauration ne retient les envois. Rien n’a changé : vérifiez que vous êtes sur la bonne installation.",
    ),
    "declared-large": (
        413,
        "Ce fichier dépasse {most} Mo. Rien n’a été écrit : une collectivité tient en moins, vérifiez que c’est le bon.",
    ),
    "declared-invalid": (
        422,
        "Ce fichier ne peut pas être appliqué. {details} Rien n’a été écrit : corrigez, puis recommencez.",
    ),
    "declared-stopped": (
        422,
        "Rien n’a été écrit : « {where} » a tout arrêté. {why} Corrigez-le dans le fichier ou ici, puis recommencez.",
    ),
    "declared-stops": (
        409,
        "Rien n’a été écrit : après ce fichier, quelque chose s’arrêterait. {what} Corrigez le fichier, ou recommencez avec "
        "« --malgre » suivi du motif.",
    ),
    "declared-nobody": (
        422,
        "Rien n’a été écrit : après ce fichier, plus personne n’administrerait la collectivité. Écrivez « administrator: true » "
        "à qui l’administre, puis recommencez.",
    ),
    "declared-type": (
        422,
        "« {type} » n’est ni une famille, ni un type publié dans le fichier ou dans la collectivité. Corrigez sa clé.",
    ),
    "declared-circuit": (
        422,
        "Le circuit « {circuit} » n’est pour « {family} » ni dans le fichier ni dans la collectivité. Ajoutez-le, ou corrigez son nom.",
    ),
    "declared-person": (
        422,
        "« {login} » n’a de compte ni dans le fichier ni dans la collectivité. Ajoutez-le, ou corrigez son identifiant.",
    ),
    "declared-desk": (
        422,
        "Le bureau « {desk} » n’est ni dans le fichier ni dans la collectivité. Ajoutez-le, ou corrigez sa clé.",
    ),
}
