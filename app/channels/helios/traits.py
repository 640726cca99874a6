"""What is known of Hélios without opening it: the public accountant answers by an acquit, in the words of finance desks."""

from typing import Final

from app.transmission.ports import AnswerKind
from app.transmission.traits import Traits

TRAITS: Final = Traits(
    states={
        "sent": "Transmis, acquit attendu",
        "acknowledged": "Acquitté",
        "partial": "Acquit partiel",
        "refused": "Refusé par le comptable public",
    },
    answers={
        AnswerKind.ACKNOWLEDGED: "Acquit",
        AnswerKind.PARTIAL: "Acquit partiel",
        AnswerKind.REFUSED: "Acquit négatif",
    },
    relayed_to="le comptable public",
    to_call="l’opérateur puis le comptable public",
    asked_again=True,
)
