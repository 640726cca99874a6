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
    "arrival-settled": (
        409,
        "Rien n’a été fait : cette arrivée a changé depuis que la page est affichée. Rechargez la page.",
    ),
    "arrival-dangerous": (
        403,
        "« {filename} » n’est donné à personne : l’antivirus a reconnu un virus dans ce qui est arrivé avec lui. Demandez la pièce à qui l’a envoyée.",
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
}
