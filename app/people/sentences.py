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
    "identity-refused": (
        403,
        "Ce mot de passe n’est pas celui de votre compte Paraphe. Vérifiez-le et recommencez ; vous pouvez vous tromper encore {left} fois avant que la session se ferme.",
    ),
    "identity-closed": (
        401,
        "Rien n’a été fait : trop de mots de passe faux, cette session est fermée. Reconnectez-vous, puis recommencez.",
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
    "desk-taken": (409, "Le bureau « {desk} » existe déjà. Choisissez une autre clé."),
    "user-unknown": (
        404,
        "Aucun compte n’a l’identifiant « {login} ». Ouvrez-le d’abord, ou vérifiez l’identifiant.",
    ),
    "email-invalid": (
        422,
        "L’adresse « {email} » n’est pas une adresse de courriel valable. Écrivez-la comme prenom.nom@commune.fr.",
    ),
    "place-invalid": (
        422,
        "Le lieu de signature est une commune et un code postal de 5 chiffres. Vérifiez les deux.",
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
    "mandate-unknown": (404, "Ce mandat n’existe pas ou a déjà pris fin. Rechargez la liste des mandats."),
    "application-name": (
        422,
        "L’application n’est pas entrée : donnez-lui un nom, de {longest} signes au plus.",
    ),
    "application-name-taken": (
        409,
        "L’application n’est pas entrée : « {name} » est déjà en service. Donnez un autre nom, ou un nouveau jeton à celle qui existe.",
    ),
    "application-unknown": (
        404,
        "Cette application n’existe pas ou n’est plus en service. Rechargez la liste des applications.",
    ),
    "application-rotated": (
        409,
        "Le jeton n’a pas changé : « {name} » en a reçu un autre depuis que cette page a été ouverte. Rechargez la liste.",
    ),
    "application-several": (
        409,
        "Le jeton n’a pas changé : plusieurs applications en service s’appellent « {name} ». Choisissez-la dans Administration, Applications.",
    ),
    "account-closed": (
        403,
        "Rien n’a été fait : le compte qui l’a demandé a été fermé. Adressez-vous à l’administrateur de la commune.",
    ),
    "session-closed": (
        401,
        "Rien n’a été fait : la session qui l’a demandé s’est fermée. Reconnectez-vous, puis reprenez.",
    ),
}
