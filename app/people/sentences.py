"""What people are told when logging in, or when a desk is set up, is refused."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "login-refused": (
        403,
        "L’identifiant ou le mot de passe ne convient pas. Vérifiez-les, ou demandez un nouveau mot de passe.",
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
    "login-taken": (409, "L’identifiant « {login} » est déjà pris. Choisissez-en un autre."),
    "collectivity-unknown": (
        404,
        "Aucune collectivité n’a le SIREN {siren}. Ouvrez-la d’abord, ou vérifiez le numéro.",
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
}
