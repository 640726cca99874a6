"""What an administrator is told when a circuit is refused."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "type-absent": (404, "Ce type de dossiers n’existe pas. Choisissez-en un dans la liste des types."),
    "type-closed": (
        409,
        "Rien n’a été déposé : « {type} » ne se dépose plus. Choisissez un autre type, ou demandez à un administrateur de le rouvrir.",
    ),
    "type-moved": (
        409,
        "Rien n’est enregistré : quelqu’un a changé ce type pendant que vous l’écriviez. Rouvrez la page, puis reprenez.",
    ),
    "type-refused": (422, "Rien n’est enregistré. {details}"),
    "type-behind": (
        409,
        "Rien n’est publié : la version {number} l’a été depuis que ce brouillon a été commencé. Revenez au type, et reprenez-y "
        "ses changements.",
    ),
    "type-same": (
        409,
        "Rien n’est publié : le type est déjà ce que dit sa version {number}. Changez-le d’abord.",
    ),
    "circuit-key": (
        422,
        "« {name} » ne peut pas être le nom d’un circuit : après la famille et un point, il faut des minuscules, des chiffres et des tirets.",
    ),
    "type-family": (
        409,
        "Le type « {type} » est déjà fait à partir de la famille « {family} », et n’en change plus. Donnez une autre clé.",
    ),
    "type-key": (
        422,
        "« {type} » ne peut pas être la clé d’un type : il faut des minuscules, des chiffres et des tirets, et le nom d’aucune famille.",
    ),
    "type-twice": (422, "« {label} » est déjà le nom d’un type de dossiers. Donnez-en un autre."),
    "circuit-unknown": (404, "Ce circuit n’existe pas. Choisissez-en un dans la liste des circuits."),
    "circuit-like": (422, "Choisissez le type de dossier, et le circuit dont celui-ci reprend les étapes."),
    "circuit-closed": (
        409,
        "Rien n’a changé : le circuit « {circuit} » est fermé. Rouvrez-le d’abord, sur sa page.",
    ),
    "circuit-default": (
        409,
        "Rien n’a changé : le circuit habituel d’une famille ne se ferme pas. Ouvrez-en un autre pour les dossiers qui vont autrement.",
    ),
    "circuit-many": (
        422,
        "Rien n’a été ouvert : une famille a {most} circuits au plus. Fermez-en un d’abord.",
    ),
    "circuit-name": (422, "{details}"),
    "circuit-twice": (
        422,
        "« {label} » est déjà le nom d’un circuit de cette famille. Donnez-en un autre.",
    ),
    "circuit-used": (
        409,
        "Rien n’a changé : « {circuit} » est pris par les règles ({users}). Donnez-y un autre circuit, publiez-les, puis fermez celui-ci.",
    ),
    "rules-absent": (
        404,
        "Ces règles n’existent pas. Choisissez un type de dossiers dans la liste des règles.",
    ),
    "rules-long": (422, "Rien n’a été ajouté : un type a {most} règles au plus. Retirez-en une d’abord."),
    "rules-same": (
        409,
        "Rien n’est publié : ce sont les règles déjà en vigueur. Changez-en une d’abord, ou gardez-les : il n’y a rien à faire, vous pouvez fermer cette page.",
    ),
    "rules-unready": (
        422,
        "Rien n’est publié, les règles en vigueur restent les mêmes. {details} Réglez ces points, puis publiez.",
    ),
    "row-gone": (
        409,
        "Rien n’a changé : cette règle n’est plus dans le brouillon. Relisez les règles ci-dessous, puis recommencez.",
    ),
    "type-ruled": (
        409,
        "Rien n’est publié : la nouvelle version retire ou change de nature ce qui est lu ailleurs, {fields} ({users}). Changez-y d’abord les conditions, puis publiez le type.",
    ),
    "circuit-taken": (
        409,
        "Rien n’est publié : « {circuit} » ne peut être réservé à un type, les règles de {kinds} le prennent. Donnez-leur un autre circuit, puis publiez celui-ci.",
    ),
    "circuit-disputed": (
        409,
        "Le dossier n’est pas parti et rien n’est perdu : une valeur corrigée donne les circuits « {circuits} », dont aucun ne contient l’autre, et leurs étapes ne se réunissent pas. {details} Remettez la valeur lue dans le fichier, ou demandez à un administrateur de faire contenir l’un par l’autre.",
    ),
    "circuit-late": (422, "Rien n’est publié. {details} Réglez ces points, puis publiez."),
    "type-late": (
        409,
        "Rien n’est publié : un champ ne serait plus obligatoire à l’envoi, et serait lu avant d’être demandé. {details} Changez "
        "d’abord ces étapes ou ces règles, ou gardez le champ obligatoire.",
    ),
    "circuit-typed": (
        422,
        "Rien n’a changé : ce circuit ne peut être réservé au type « {type} ». Ouvrez un circuit à côté du circuit habituel, qui sert à tous les dossiers, et choisissez un type publié de sa famille.",
    ),
    "draft-moved": (
        409,
        "{who} modifié ce brouillon{where} à {at}, après l’ouverture de cette page. Rien de ce que vous avez saisi n’est perdu : "
        "c’est dans la page, pas encore enregistré. Relisez ce qui a changé, puis enregistrez.",
    ),
    "draft-gone": (
        409,
        "Ce brouillon a été publié ou abandonné depuis l’ouverture de cette page. Rien de ce que vous avez saisi n’est perdu : "
        "c’est dans la page, pas encore enregistré. Relisez, puis enregistrez pour commencer un autre brouillon.",
    ),
    "publish-moved": (
        409,
        "Rien n’est publié : {who} modifié ce brouillon{where} à {at}, après l’ouverture de cette page. La différence ci-dessous "
        "est celle de maintenant : relisez-la, puis publiez.",
    ),
    "publish-gone": (
        409,
        "Rien n’est publié : ce brouillon a été publié ou abandonné depuis l’ouverture de cette page. Revenez aux étapes pour en "
        "commencer un autre.",
    ),
    "step-gone": (
        409,
        "Rien n’a changé : cette étape n’est plus dans le brouillon. Relisez les étapes ci-dessous, puis recommencez.",
    ),
    "circuit-long": (
        422,
        "Rien n’a été ajouté : un circuit a {most} étapes au plus. Retirez-en une d’abord.",
    ),
    "circuit-locked": (
        422,
        "Rien n’a changé : la loi ou le type de dossier l’impose. {details} Vous pouvez ajouter une étape, jamais en retirer une garantie.",
    ),
    "circuit-moved": (
        409,
        "Rien n’est publié : la version {number} est en vigueur depuis l’ouverture de cette page. Relisez la différence avec elle, "
        "puis publiez.",
    ),
    "circuit-unready": (
        422,
        "Rien n’est publié, le circuit en vigueur reste le même. {details} Réglez ces points, puis publiez.",
    ),
    "circuit-same": (
        409,
        "Rien n’est publié : ce sont les étapes déjà en vigueur. Changez-en une d’abord, ou gardez-les : il n’y a rien à faire, vous pouvez fermer cette page.",
    ),
    "circuit-outdated": (
        409,
        "Le dossier n’est pas parti et rien n’est perdu : le circuit en vigueur de « {family} » ne suit plus les règles de ce type. "
        "{details} Demandez à un administrateur d’en publier une nouvelle version, puis renvoyez le dossier.",
    ),
}
