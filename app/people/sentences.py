"""What people are told when logging in, or when a desk is set up, is refused."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "login-refused": (
        403,
        "L’identifiant ou le mot de passe ne convient pas. Vérifiez-les, ou demandez un nouveau mot de passe.",
    ),
    "identity-needed": (
        403,
        "Rien n’a été fait : vous vous êtes identifié il y a plus de {minutes} min. Confirmez que c’est vous, puis recommencez.",
    ),
    "identity-whole": (
        403,
        "Rien n’a été fait : ce qui touche à la double authentification demande le mot de passe et le code ensemble, ou une clé d’accès. Confirmez que c’est vous, puis recommencez.",
    ),
    "identity-refused": (
        403,
        "Ce mot de passe, ce code ou cette clé n’est pas celui de votre compte Paraphe. Vérifiez et recommencez ; vous pouvez vous tromper encore {left} fois avant que la session se ferme.",
    ),
    "identity-closed": (
        401,
        "Rien n’a été fait : trop de réponses fausses, cette session est fermée. Reconnectez-vous, puis recommencez.",
    ),
    "identity-factor": (
        403,
        "Rien n’a été fait : la commune demande votre clé d’accès ou votre code pour ces documents mêmes. Confirmez que c’est vous, puis recommencez.",
    ),
    "password-moved": (
        409,
        "Le mot de passe que vous venez d’écrire n’est pas enregistré : un autre vient de l’être ailleurs. Reconnectez-vous avec celui-là.",
    ),
    "factor-needed": (
        403,
        "Le mot de passe convient ; il faut maintenant votre clé d’accès ou votre code. Entrez par la page de connexion.",
    ),
    "factor-due": (
        403,
        "Rien n’a été fait : la commune demande une double authentification. Inscrivez une clé d’accès ou une application de codes dans « Mon compte », puis recommencez.",
    ),
    "factor-ticket": (
        403,
        "Ce passage a expiré ou a déjà servi. Donnez de nouveau votre identifiant et votre mot de passe.",
    ),
    "factor-refused": (
        403,
        "Ce code ou cette clé ne convient pas, ou a déjà servi. Vérifiez, ou utilisez un code de secours ; vous pouvez vous tromper encore {left} fois.",
    ),
    "factor-closed": (
        403,
        "Trop de réponses fausses. Donnez de nouveau votre identifiant et votre mot de passe ; sans votre appareil, utilisez un code de secours ou prévenez l’administrateur.",
    ),
    "factor-begun": (
        409,
        "Rien n’a été inscrit : cette page a plus de cinq minutes ou a déjà servi. Recommencez depuis « Mon compte ».",
    ),
    "factor-many": (
        409,
        "Rien n’a été inscrit : {most} clés et applications au plus par personne. Retirez d’abord celle qui ne sert plus.",
    ),
    "factor-unknown": (404, "Cette clé ou application n’est plus inscrite. Rechargez la page."),
    "factor-last": (
        409,
        "Rien n’a été retiré : la commune demande une double authentification. Inscrivez d’abord une autre clé ou application.",
    ),
    "factor-last-recovery": (
        409,
        "Rien n’a été retiré : vous êtes entré par un code de secours, et c’est votre seule clé ou application. Inscrivez-en d’abord une autre.",
    ),
    "factor-none": (
        409,
        "Aucune clé d’accès ni application n’est inscrite. Inscrivez-en une dans « Mon compte ».",
    ),
    "factor-too-new": (
        403,
        "Rien n’a été signé : un code de secours a servi, et cette clé ou application ne signe pas avant {when}. Attendez, ou prenez-en une autre ; si c’est pressé, deux administrateurs remettent vos clés à zéro, et la nouvelle signe aussitôt.",
    ),
    "factor-own-first": (
        409,
        "La règle n’a pas changé : elle vous fermerait l’administration, car vous n’avez ni clé d’accès ni application de codes. Inscrivez la vôtre d’abord.",
    ),
    "factor-rule": (422, "La règle n’a pas changé : choisissez qui doit avoir une double authentification."),
    "code-refused": (
        422,
        "Ce code ne convient pas. Tapez les six chiffres affichés maintenant ; l’heure de l’appareil doit être juste : ici, il est {hour}.",
    ),
    "passkey-refused": (
        422,
        "La clé d’accès n’a pas été inscrite : la réponse de l’appareil ne convient pas à cette page. Recommencez.",
    ),
    "passkey-empty": (
        422,
        "L’appareil n’en a pas donné : c’est la page qui la lui demande, avec JavaScript. Activez-le, ou prenez une application de codes.",
    ),
    "passkey-known": (409, "Cette clé d’accès est déjà inscrite. Rien n’a été changé : prenez-en une autre."),
    "passkey-unknown": (
        403,
        "Aucun compte ouvert n’a cette clé d’accès, ou elle a déjà répondu. Recommencez, ou entrez avec votre mot de passe.",
    ),
    "passkey-address": (
        409,
        "Les navigateurs n’ouvrent pas de clé d’accès à cette adresse : il faut un nom en https. Utilisez une application de codes, ou demandez à l’administrateur.",
    ),
    "reset-reason": (
        422,
        "La demande n’est pas partie : écrivez pourquoi, et comment vous avez reconnu la personne.",
    ),
    "reset-own": (
        409,
        "La demande n’est pas partie : retirez vos propres clés dans « Mon compte » ; perdues, demandez à un autre administrateur.",
    ),
    "reset-unknown": (404, "Cette personne n’a pas de compte ouvert. Choisissez-la dans la liste."),
    "reset-nothing": (
        409,
        "La demande n’est pas partie : {name} n’a ni clé d’accès ni application de codes inscrite. Vérifiez la personne.",
    ),
    "reset-asked": (409, "Une demande attend déjà pour {name}. Un autre administrateur doit la confirmer."),
    "reset-settled": (409, "Cette demande n’attend plus. Rechargez la page."),
    "reset-two": (
        403,
        "Rien n’a été retiré : il faut deux administrateurs, et un autre que celui qui l’a demandé doit confirmer.",
    ),
    "secret-unreadable": (
        503,
        "Un secret gardé ne se lit plus : la clé de l’installation a changé. Rien n’a été fait : prévenez l’administrateur.",
    ),
    "passwords-busy": (
        503,
        "Trop de personnes se connectent en même temps. Rien n’a été fait : recommencez dans quelques secondes.",
    ),
    "session-unknown": (404, "Cette session n’existe plus. Rechargez la liste de vos sessions."),
    "link-expired": (
        403,
        "Ce lien a déjà servi ou a expiré. Demandez-en un autre depuis « Mot de passe oublié ».",
    ),
    "password-weak": (
        422,
        "Ce mot de passe est trop court : il faut au moins 12 caractères. Rien n’a été changé : choisissez une phrase plus longue.",
    ),
    "password-guessable": (
        422,
        "Ce mot de passe se devine : il est dans les listes connues, suit les touches, ou reprend votre nom ou celui de la commune. Rien n’a été changé : choisissez plusieurs mots sans rapport entre eux.",
    ),
    "password-breached": (
        422,
        "Ce mot de passe est dans les listes de mots de passe volés, que d’autres essaient : il a déjà servi quelque part. Rien n’a été changé : choisissez-en un qui ne sert nulle part.",
    ),
    "person-shared": (
        409,
        "Rien n’a changé : {name} se connecte aussi pour une autre collectivité, avec le même mot de passe et les mêmes clés. La personne seule en change, par « Mon compte » ou « Mot de passe oublié » ; si tout est perdu, demandez à qui exploite Paraphe. Vous pouvez fermer son compte chez vous.",
    ),
    "membership-unknown": (
        404,
        "Rien n’a changé : vous n’avez pas de compte ouvert dans cette collectivité. Rechargez la page et choisissez dans la liste.",
    ),
    "membership-there": (
        409,
        "Vous n’avez rien rejoint : vous avez déjà un compte ouvert dans cette collectivité. Connectez-vous et choisissez-la, ou demandez à son administrateur de fermer le compte en trop.",
    ),
    "login-taken": (409, "L’identifiant « {login} » est déjà pris. Choisissez-en un autre."),
    "collectivity-unknown": (
        404,
        "Aucune collectivité n’a le SIREN {siren}. Ouvrez-la d’abord, ou vérifiez le numéro.",
    ),
    "collectivity-there": (
        409,
        "La collectivité {siren} existe déjà ici : {name}. Rien n’a été changé : vérifiez le SIREN, ou continuez avec elle.",
    ),
    "desk-unknown": (
        404,
        "Le bureau « {desk} » n’existe pas dans cette collectivité. Ouvrez-le d’abord, ou vérifiez sa clé.",
    ),
    "desk-closed": (
        409,
        "Le bureau « {name} » est fermé. Rien n’a changé : rouvrez-le d’abord sous « Bureaux », ou choisissez-en un autre.",
    ),
    "desk-open": (409, "Le bureau « {name} » est déjà ouvert. Rechargez la page."),
    "desk-reopen": (
        403,
        "Le bureau « {name} » reste fermé : ce n’est pas qui administre cette branche qui l’a fermé. Demandez à qui administre la collectivité.",
    ),
    "desk-head": (
        403,
        "Le bureau « {name} » reste ouvert : il est à la tête de votre branche. Demandez-le à qui administre toute la collectivité, qui seul le rouvrirait.",
    ),
    "desk-folders": (
        409,
        "Le bureau « {name} » reste ouvert : des dossiers y attendent, y viendront ou en partent. Menez-les à leur terme, puis recommencez.",
    ),
    "desk-reason": (
        422,
        "Le bureau reste ouvert : quelque chose le nomme encore. Réglez chaque point, ou écrivez pourquoi vous le fermez quand même, de {shortest} à {most} signes sur une ligne.",
    ),
    "desk-taken": (409, "Le bureau « {desk} » existe déjà. Choisissez une autre clé."),
    "user-unknown": (
        404,
        "Aucun compte ouvert n’a l’identifiant « {login} » ici. Vérifiez l’identifiant et la collectivité ; le compte est peut-être fermé.",
    ),
    "email-invalid": (
        422,
        "L’adresse « {email} » n’est pas une adresse de courriel valable. Écrivez-la comme prenom.nom@commune.fr.",
    ),
    "population-invalid": (
        422,
        "Le nombre d’habitants est un nombre entier, comme 3 200. Corrigez-le, ou laissez-le vide.",
    ),
    "place-invalid": (
        422,
        "Le lieu de signature est une commune et un code postal de 5 chiffres. Vérifiez les deux.",
    ),
    "login-invalid": (
        422,
        "Rien n’est ouvert : écrivez un identifiant de 1 à {most} lettres, chiffres et signes, sans espace ni accent, comme « p.nom ».",
    ),
    "name-missing": (422, "Rien n’a changé : écrivez le prénom et le nom."),
    "capacity-missing": (
        422,
        "Rien n’a changé : écrivez la qualité, imprimée sur ce que la personne vise et signe : « Maire », « Directrice des finances ».",
    ),
    "email-missing": (422, "Rien n’a changé : écrivez l’adresse de courriel de la personne."),
    "particulars-long": (
        422,
        "Rien n’a changé : prénom, nom et qualité ont {most} caractères au plus. Écrivez plus court.",
    ),
    "email-taken": (
        409,
        "Rien n’a changé : l’adresse « {email} » est déjà celle du compte de {name}. Donnez-en une autre, ou ouvrez ce compte-là.",
    ),
    "person-unknown": (404, "Cette personne n’a pas de compte ici. Choisissez-la dans la liste."),
    "person-closed": (
        409,
        "Rien n’a changé : le compte de {name} est fermé. Rouvrez-le d’abord sur la page de la personne, ou demandez-le à un administrateur.",
    ),
    "person-trusted": (
        403,
        "Rien n’a changé : {name} a un mandat, un certificat ou un droit d’administrer. Demandez-le à qui administre toute la collectivité, qui seul change son adresse ou lui donne un lien.",
    ),
    "link-not-shown": (
        409,
        "Rien n’a changé : {name} s’est déjà servi de ce compte, et qui lirait ce lien entrerait à sa place. Envoyez-lui le lien par courriel.",
    ),
    "administrator-lost": (
        403,
        "Rien n’a été fait : vous n’administrez plus la collectivité. Demandez à un administrateur pourquoi.",
    ),
    "administrator-emergency": (
        409,
        "Rien n’a changé : {name} est le compte de secours, qui doit administrer. Demandez d’abord à qui exploite Paraphe d’en désigner un autre.",
    ),
    "delegated-whole": (
        409,
        "Rien n’a changé : {name} administre déjà toute la collectivité. Ôtez-lui d’abord ce droit, puis donnez-lui une branche.",
    ),
    "branch-moved": (
        409,
        "Rien n’a changé : {name} n’administre plus cette branche depuis que la page l’a montrée. Relisez la liste.",
    ),
    "branch-heir": (
        409,
        "Rien n’a changé : {name} administre déjà une branche, et la perdrait. Choisissez quelqu’un d’autre, ou ôtez-lui d’abord la sienne.",
    ),
    "name-taken": (
        409,
        "Rien n’a changé : le nom « {name} » est déjà celui d’un compte ouvert, et l’un passerait pour l’autre. Demandez à qui administre la collectivité.",
    ),
    "particulars-own": (
        403,
        "Rien n’a changé : qui administre une branche ne change ni son nom ni sa qualité. Demandez à qui administre la collectivité.",
    ),
    "email-taken-elsewhere": (
        409,
        "Rien n’a changé : l’adresse « {email} » est celle d’un autre compte. Donnez-en une autre.",
    ),
    "branch-seat": (
        422,
        "Rien n’a changé : vous administrez une branche : choisissez le bureau que la personne y tiendra, et ses droits.",
    ),
    "person-moved": (
        409,
        "Rien n’a changé : quelqu’un d’autre vient de modifier le compte de {name}. Revoyez ce qui est écrit ci-dessous, puis recommencez.",
    ),
    "desk-moved": (
        409,
        "Rien n’a changé : quelqu’un d’autre vient de modifier le nom ou la place de ce bureau. Revoyez ce qui est écrit ci-dessous, puis recommencez.",
    ),
    "administrator-own": (
        409,
        "Rien n’a changé : on ne s’ôte pas à soi-même le droit d’administrer. Demandez-le à un autre administrateur.",
    ),
    "desk-name": (422, "Rien n’a changé : donnez au bureau un nom, de {most} signes au plus."),
    "desk-key": (
        422,
        "Rien n’a changé : la clé d’un bureau est faite de lettres sans accent, de chiffres et de tirets. Repartez de la page des bureaux.",
    ),
    "desk-name-taken": (
        409,
        "Rien n’a changé : un bureau s’appelle déjà « {name} ». Deux bureaux du même nom ne se distinguent pas : précisez-le.",
    ),
    "desk-name-not-free": (
        409,
        "Rien n’a changé : ce nom n’est pas libre. Précisez-le, par exemple par celui de votre branche.",
    ),
    "seat-last": (
        409,
        "Rien n’a changé : {name} ne tiendrait plus aucun bureau, et vous ne pourriez plus rien pour son compte. Donnez-lui d’abord un autre bureau de votre branche, fermez son compte, ou demandez à qui administre la collectivité.",
    ),
    "desk-below-itself": (
        409,
        "Rien n’a changé : « {name} » est rattaché à ce bureau, directement ou par un autre. Choisissez un bureau qui ne lui doit rien.",
    ),
    "desk-absent": (404, "Ce bureau n’existe pas ici. Choisissez-le dans la liste."),
    "seat-empty": (422, "Rien n’a changé : cochez au moins un droit à ce bureau, ou n’en choisissez aucun."),
    "invited-nowhere": (422, "Rien n’a changé : choisissez le bureau où donner les droits cochés."),
    "follow-alone": (
        422,
        "Rien n’a changé : « Suivre seulement » ne va avec aucun autre droit, car qui agit à un bureau le suit déjà. Gardez l’un ou l’autre.",
    ),
    "right-type-unknown": (
        422,
        "Rien n’a changé : un droit ne se limite pas à « {type} », qui n’est pas un type de dossiers d’ici. Choisissez-en un de la liste.",
    ),
    "right-twice": (
        422,
        "Rien n’a changé : pour « {right} », cochez « Tous les types », ou certains types, pas les deux.",
    ),
    "seat-nobody": (422, "Rien n’a changé : choisissez la personne à qui donner les droits cochés."),
    "seats-moved": (
        409,
        "Rien n’a changé : quelqu’un d’autre vient de modifier les titulaires de ce bureau. Vos cases sont gardées ci-dessous, à côté de ce qui est en vigueur : vérifiez-les, puis enregistrez.",
    ),
    "setup-done": (
        409,
        "Cette installation est déjà ouverte : quelqu’un l’administre. Demandez-lui un compte, ou connectez-vous.",
    ),
    "setup-which": (
        409,
        "Plusieurs collectivités n’ont pas d’administrateur : {names}. Aucun lien n’est donné : précisez laquelle, par « flask --app wsgi setup-link --siren … ».",
    ),
    "setup-link": (
        403,
        "Ce lien a déjà servi, a expiré ou n’est pas entier. Sur le serveur, tapez « flask --app wsgi setup-link » pour en avoir un autre.",
    ),
    "setup-missing": (422, "Rien n’est encore ouvert : il manque {what}. Écrivez-le."),
    "siren-key": (
        422,
        "« {siren} » n’est pas un SIREN : il a neuf chiffres, dont le dernier est une clé. Recopiez-le de l’avis de situation de l’INSEE.",
    ),
    "department-invalid": (
        422,
        "« {code} » n’est pas le code d’un département. Écrivez-le comme 29, 2A ou 974.",
    ),
    "siren-invalid": (422, "« {siren} » n’est pas un SIREN : il faut 9 chiffres. Vérifiez-le."),
    "mandate-person": (
        404,
        "Le mandat n’a pas été enregistré : cette personne n’a pas de compte ouvert. Choisissez-la dans la liste.",
    ),
    "mandate-incomplete": (
        422,
        "Le mandat n’a pas été enregistré : il manque {details}. Complétez, puis enregistrez de nouveau.",
    ),
    "mandate-dates": (
        422,
        "Rien n’a été enregistré : ces dates se contredisent. Un arrêté n’est exécutoire qu’à sa date ou après, et le dernier jour ne peut précéder ni le premier, ni aujourd’hui pour une fin. Corrigez-les.",
    ),
    "mandate-matter": (
        422,
        "Le mandat n’a pas été enregistré : « {matter} » n’est pas une matière. Écrivez-la comme 7.5 ou 7.5.2, séparées par des virgules.",
    ),
    "mandate-ceiling": (
        422,
        "Le mandat n’a pas été enregistré : le plafond doit être un montant en euros, plus grand que zéro. Corrigez-le, ou laissez-le vide.",
    ),
    "mandate-rank": (
        422,
        "Le mandat n’a pas été enregistré : l’ordre de priorité doit être un nombre entier de 1 à 999. Corrigez-le, ou laissez-le vide.",
    ),
    "mandate-mayor-twice": (
        409,
        "Le mandat n’a pas été enregistré : un maire est déjà en fonction à ces dates. Mettez d’abord fin à son mandat.",
    ),
    "mandate-no-mayor": (
        409,
        "La délégation n’a pas été enregistrée : aucun maire n’est enregistré en fonction à la date de l’arrêté. Enregistrez d’abord son mandat, ou vérifiez la date.",
    ),
    "mandate-date-unreadable": (
        422,
        "Rien n’a été enregistré : « {label} » n’est pas une date. Écrivez-la comme 25/11/2026.",
    ),
    "mandate-twice": (
        409,
        "Rien n’a changé : ce mandat est déjà enregistré, tel quel. Voyez-le dans la liste.",
    ),
    "mandate-first": (
        409,
        "Rien n’est enregistré encore : {waiting}. Dès le premier mandat, même s’il commence plus tard, seules les personnes qui en ont un signent, les dossiers qui viendront à la signature comme ceux-ci. Confirmez plus bas, ou donnez d’abord le mandat de qui doit signer ces dossiers.",
    ),
    "mandate-officer": (
        422,
        "Le mandat n’a pas été enregistré : une fonction ou une suppléance ne se donne qu’à un élu ; un agent reçoit une délégation de signature (CGCT, articles L2122-17 à L2122-19). Changez le mandat ou la personne.",
    ),
    "mandate-order": (
        409,
        "La délégation n’a pas été enregistrée : cet arrêté n’est pas exécutoire aujourd’hui, et un acte signé avant qu’il le soit serait nul. Attendez sa publication et son accusé de réception, puis enregistrez-la.",
    ),
    "mandate-order-to-come": (
        422,
        "La délégation n’a pas été enregistrée : la date de cet arrêté est à venir. Enregistrez-la quand il sera signé et exécutoire.",
    ),
    "mandate-accredited": (
        422,
        "Rien n’a été enregistré : donnez le jour où le comptable public a reçu la délégation et le spécimen de signature, "
        "pas avant le {first}, aujourd’hui au plus tard.",
    ),
    "letter-no-flows": (
        404,
        "Ce mandat ne permet de signer aucun flux comptable : le comptable public n’a pas à le connaître, et il n’y a pas de lettre. Ouvrez celle d’un mandat qui porte sur des flux comptables.",
    ),
    "mandate-endless": (
        422,
        "Rien n’a changé : ce dernier jour n’arrive jamais. Donnez le vrai ; un mandat sans fin prévue reste comme il est.",
    ),
    "mandate-longer": (
        422,
        "Rien n’a changé : ce mandat finit déjà le {last}, et y mettre fin ne le prolonge pas. Donnez ce jour ou un jour d’avant ; pour aller au-delà, enregistrez un nouveau mandat.",
    ),
    "mandate-reason-needed": (
        422,
        "Rien n’a changé : son titulaire lira pourquoi son mandat prend fin. Écrivez le motif, puis recommencez.",
    ),
    "mandate-unknown": (404, "Ce mandat n’existe pas ou a déjà pris fin. Rechargez la liste des mandats."),
    "application-end": (
        422,
        "Aucun jeton n’a été donné : son dernier jour doit être entre aujourd’hui et le {until}. Choisissez-en un autre.",
    ),
    "application-name": (
        422,
        "L’application n’est pas entrée : donnez-lui un nom, de {longest} signes au plus.",
    ),
    "application-name-taken": (
        409,
        "L’application n’est pas entrée : « {name} » est déjà en service. Donnez un autre nom, ou un nouveau jeton à celle qui existe.",
    ),
    "application-name-borne": (
        409,
        "L’application n’est pas entrée : « {name} » est le nom d’une personne d’ici, et le journal ne les distinguerait pas. Donnez-lui le nom du logiciel.",
    ),
    "application-unknown": (
        404,
        "Cette application n’existe pas ou n’est plus en service. Rechargez la liste des applications.",
    ),
    "application-overlap": (
        422,
        "Le jeton n’a pas changé : l’ancien est refusé aussitôt, ou reste valable {days} jours. Choisissez l’un de ces délais.",
    ),
    "application-rotated": (
        409,
        "Le jeton n’a pas changé : « {name} » en a reçu un autre depuis que cette page a été ouverte. Rechargez la liste.",
    ),
    "application-several": (
        409,
        "Le jeton n’a pas changé : plusieurs applications en service s’appellent « {name} ». Choisissez-la dans Administration, Applications.",
    ),
    "emergency-useless": (
        422,
        "Rien n’a changé : {name} n’administre pas : ce compte ne rendrait son accès à personne. Choisissez un compte administrateur (people user … --administrator).",
    ),
    "account-own": (
        409,
        "Rien n’a changé : on ne ferme pas son propre compte. Demandez-le à un autre administrateur, ou à qui exploite Paraphe.",
    ),
    "account-open-already": (
        409,
        "Rien n’a changé : le compte de {name} est ouvert. Pour un nouveau lien de mot de passe, lancez « flask --app wsgi people link ».",
    ),
    "account-reduced": (
        409,
        "Le compte « {login} » est réduit : son identifiant et son adresse sont ôtés, il ne se rouvre pas. Ouvrez-en un autre par « flask --app wsgi people user ».",
    ),
    "account-closed": (
        403,
        "Rien n’a été fait : le compte qui l’a demandé a été fermé. Adressez-vous à l’administrateur de la commune.",
    ),
    "session-closed": (
        401,
        "Rien n’a été fait : la session qui l’a demandé s’est fermée. Reconnectez-vous, puis reprenez.",
    ),
    "setting-unknown": (
        404,
        "Aucun réglage d’une collectivité ne s’appelle « {name} ». Rien n’a changé : prenez l’un de ceux-ci, {names}.",
    ),
    "setting-host": (
        403,
        "Rien n’a changé : « {label} » se règle par qui tient l’installation. Demandez-le-lui.",
    ),
    "setting-empty": (
        422,
        "Rien n’a changé : « {label} » est vide. Écrivez une valeur, ou revenez à celle de l’installation.",
    ),
    "setting-long": (
        422,
        "Rien n’a changé : « {label} » a {count:n} caractères. Écrivez-en {most:n} au plus.",
    ),
    "setting-short": (
        422,
        "Rien n’a changé : « {label} » est trop court. Écrivez {least} caractères au moins.",
    ),
    "setting-lines": (
        422,
        "Rien n’a changé : « {label} » a {count} lignes. Écrivez-en {most} au plus.",
    ),
    "setting-number": (
        422,
        "Rien n’a changé : « {text} » n’est pas un nombre entier. Écrivez « {label} » en chiffres.",
    ),
    "setting-bounds": (
        422,
        "Rien n’a changé : « {label} » va de {least} à {most} {unit}{why}. Choisissez entre les deux.",
    ),
    "setting-address": (
        422,
        "Rien n’a changé : « {label} » demande une adresse entière. Écrivez-la comme https://serveur/chemin.",
    ),
    "setting-choice": (
        422,
        "Rien n’a changé : « {text} » n’est pas un choix de « {label} ». Prenez l’un de ceux-ci, {names}.",
    ),
    "setting-file": (
        422,
        "Rien n’a changé : « {label} » est un fichier, qui se donne à part. Donnez-le par sa page de « Réglages », ou par « settings give ».",
    ),
    "setting-file-large": (
        422,
        "Rien n’a changé : le fichier de « {label} » dépasse {most} Ko. Donnez le certificat, sa chaîne et sa clé, et rien d’autre.",
    ),
    "setting-failed": (
        409,
        "Rien n’a changé : « {label} » a été essayé, et ne sert pas. {why}. Corrigez cela, puis donnez-le de nouveau.",
    ),
    "logo-too-large": (
        422,
        "Rien n’a changé : ce logo est trop lourd (2 Mo et 25 millions de points au plus). Réduisez-le, puis recommencez.",
    ),
    "logo-narrow": (
        422,
        "Rien n’a changé : ce logo est trop étroit, un côté dépasse {most} fois l’autre. Recadrez-le, puis recommencez.",
    ),
    "logo-unreadable": (
        422,
        "Rien n’a changé : ce logo n’est pas une image PNG ou JPEG. Enregistrez-le en PNG, puis recommencez.",
    ),
    "setting-secret-again": (
        422,
        "Rien n’a changé : « {label} » va avec l’ancienne valeur de « {other} », et n’est pas montré à une autre. Tapez-le de "
        "nouveau, ou revenez d’abord à la valeur de l’installation, ce qui l’oublie.",
    ),
    "setting-hidden": (
        422,
        "Rien n’a changé : de l’adresse de « {label} », ce qui suit « ? » n’est pas montré, et ce n’est pas celle d’ici. Écrivez-la en entier.",
    ),
    "setting-moved": (
        409,
        "Rien n’a changé : quelqu’un d’autre vient de changer « {label} », qui vaut maintenant « {value} ». Revoyez-le, puis recommencez.",
    ),
    "closing-days": (
        422,
        "Rien n’a changé : « {text} » n’est pas un jour. Écrivez 24/12 pour chaque année, 15/05/2026 pour une seule, séparés par des virgules.",
    ),
    "closing-days-many": (
        422,
        "Rien n’a changé : {count} jours de fermeture, {most} au plus. Ôtez ceux qui sont passés.",
    ),
    "setting-trial": (
        404,
        "Aucun essai ne s’appelle « {name} ». Rien n’est parti : prenez l’un de ceux-ci, {names}.",
    ),
    "setting-untried": (
        409,
        "Rien n’est parti : {why}. Recommencez une fois cela réglé.",
    ),
}
