"""What is answered when a signature cannot stand where it was put: status and French sentence for each key."""

from app.core.refusals import Sentences

SENTENCES: Sentences = {
    "place-certified": (
        422,
        (
            "Rien n’a été signé : l’auteur de ce PDF certifié a fixé l’emplacement de la signature. "
            "Laissez-la à l’emplacement prévu, puis recommencez."
        ),
    ),
    "place-made": (
        422,
        (
            "Rien n’a été signé : l’emplacement de chaque signature a été fixé par la première, et ne peut plus changer. "
            "Laissez la vôtre à l’emplacement prévu, puis recommencez."
        ),
    ),
    "place-outside-page": (
        422,
        "Rien n’a été enregistré : une signature sortirait de la page {page}. Placez-la de nouveau.",
    ),
    "place-too-large": (
        422,
        "Rien n’a été enregistré : une signature prendrait plus d’un huitième de la page {page}. Réduisez-la.",
    ),
    "place-overlap": (
        422,
        "Rien n’a été enregistré : deux signatures se recouvrent page {page}. Écartez-les.",
    ),
    "place-unknown": (
        422,
        (
            "Rien n’a été enregistré : une des signatures placées n’est plus demandée par le circuit. "
            "Rechargez la page, puis placez-les de nouveau."
        ),
    ),
}
