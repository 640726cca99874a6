"""What is known of a hand-over without opening it: nobody answers, the file was put where the other software takes it."""

from typing import Final

from app.transmission.ports import AnswerKind
from app.transmission.traits import Traits

TRAITS: Final = Traits(
    states={"sent": "Remise en cours", "acknowledged": "Fichier remis", "refused": "Remise refusée"},
    answers={AnswerKind.ACKNOWLEDGED: "Trace de la remise"},
    tagged=False,
)
