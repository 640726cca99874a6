"""What is known of a channel without opening it: its words, and what its answers are worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from app.transmission.ports import AnswerKind
from app.transmission.settings import names

STATES: Final[Mapping[str, str]] = {
    "ready": "Préparation de l’envoi",
    "sending": "Envoi en cours",
    "sent": "Transmis, accusé attendu",
    "uncertain": "Réponse perdue : vérification en cours",
    "acknowledged": "Accusé de réception reçu",
    "partial": "Accepté en partie par le destinataire",
    "refused": "Refusé par le destinataire",
}
ANSWERS: Final[Mapping[AnswerKind, str]] = {
    AnswerKind.ACKNOWLEDGED: "Accusé de réception",
    AnswerKind.PARTIAL: "Accusé partiel",
    AnswerKind.REFUSED: "Anomalie",
    AnswerKind.PENDING: "Réponse à vérifier",
}


@dataclass(frozen=True)
class Traits:
    """What a channel says of itself in `traits.py` of its folder; all of it has a default, and so has the file.

    `states` are the words of a sending (by `Transmission.state`) and `answers` the titles of what came back, where they are
    not those of everybody. `to_call`: whom to call when no answer comes. `relayed_to`: whom a relay operator passes it all on
    to; administrators are told of its silence. Empty where no operator stands between.
    `state_date`: the day on which the addressee received it counts in law (CGCT L2131-1). `tagged`: a folder's list and page
    show where its sending stands. `asked_again`: the addressee may answer again, and is asked for days after the first answer.
    """

    states: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[AnswerKind, str] = field(default_factory=dict)
    to_call: str = "le destinataire"
    relayed_to: str = ""
    state_date: bool = False
    tagged: bool = True
    asked_again: bool = False

    def state(self, state: str) -> str:
        """The state of a sending in French, empty for what is none."""
        return self.states.get(state) or STATES.get(state, "")

    def answer(self, kind: AnswerKind) -> str:
        """The title of an answer in French."""
        return self.answers.get(kind) or ANSWERS[kind]


@lru_cache(maxsize=32)
def traits_of(channel: str) -> Traits:
    """What is known of this channel; of one that is no more, whose sendings are still shown, what is known of any."""
    if channel not in names() or find_spec(f"app.channels.{channel}.traits") is None:
        return Traits()
    traits: Traits = import_module(f"app.channels.{channel}.traits").TRAITS
    return traits


def having(trait: str) -> list[str]:
    """The channels that have this trait."""
    return [name for name in names() if getattr(traits_of(name), trait)]
