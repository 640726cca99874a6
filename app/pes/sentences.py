"""What the finance office is told of a flow that is not taken in, in words that its software's maker can act on."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "flow-too-many": (
        422,
        "Rien n’a été déposé : ce flux contient plus de {limit:n} pièces jointes. Demandez au logiciel de finances de l’exporter en plusieurs flux.",
    ),
    "flow-unreadable": (
        422,
        "Rien n’a été déposé : ce fichier n’est pas un flux comptable PES_Aller complet. Exportez-le de nouveau depuis le logiciel de finances, puis déposez-le sans l’ouvrir ni l’enregistrer ailleurs.",
    ),
    "flow-empty": (
        422,
        "Rien n’a été déposé : ce flux ne contient aucun mandat, aucun titre, aucun marché, ni pièce jointe seule, et Hélios n’acquitte jamais un flux vide. Vérifiez la sélection des bordereaux dans le logiciel de finances, puis exportez de nouveau.",
    ),
    "flow-name-missing": (
        422,
        "Rien n’a été déposé : {what} manque dans l’en-tête du flux, et Hélios s’en sert pour le reconnaître. L’éditeur du logiciel de finances doit le renseigner à l’export.",
    ),
    "flow-name-used": (
        409,
        "Rien n’a été déposé : un autre dossier porte déjà le flux « {name} » (NomFic) du budget collecteur {code} (CodCol), et Hélios refuse un nom déjà reçu. Si c’est un autre flux, exportez-le sous un nom nouveau depuis le logiciel de finances.",
    ),
    "flow-other-body": (
        422,
        "Rien n’a été déposé : ce flux porte le SIRET {siret} (EnTetePES/IdColl), et la collectivité a le SIREN {siren}. Déposez-le dans le parapheur de cette autre collectivité, ou corrigez le SIRET du budget dans le logiciel de finances.",
    ),
    "flow-schema": (
        422,
        "Rien n’a été déposé : ce flux ne suit pas les schémas PES connus, ni {version}. {faults} Transmettez cette liste à l’éditeur du logiciel de finances, puis déposez le flux corrigé.",
    ),
    "flow-schema-unfinished": (
        422,
        "Rien n’a été déposé : ce flux a trop d’écarts avec les schémas PES connus, sa fin n’a pas été comparée. Demandez à "
        "l’éditeur du logiciel de finances un flux qui les suit ; si son schéma est plus récent, voyez avec l’administrateur.",
    ),
    "return-not-whole": (
        403,
        "Ce fichier n’est pas téléchargé : il parle aussi de flux que vous ne lisez pas, ou d’une autre collectivité. Lisez sur sa page ce qui concerne vos flux, ou demandez-le à qui lit tous les flux.",
    ),
    "attachment-unknown": (
        404,
        "Cette pièce jointe n’est pas dans le flux. Revenez au dossier, puis choisissez-la dans sa liste.",
    ),
    "attachment-unreadable": (
        422,
        "Cette pièce jointe ne se lit pas : {why}. Demandez au logiciel de finances de la joindre de nouveau, puis d’exporter le flux.",
    ),
}
