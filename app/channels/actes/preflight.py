"""The rules of the State as a list that people read: each one kept or broken, with what to do on its line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.channels.actes.message import transliterate
from workflows.family import Problem

Lines = tuple[tuple[tuple[str, ...], str, str], ...]
ENVELOPE: Final = (("E01", "E02", "E03"), "L’enveloppe", "est celle de la collectivité")
ACT: Final[Lines] = (
    (("A01",), "Le numéro de l’acte", "s’écrit comme la préfecture l’accepte"),
    (("A02",), "Ce numéro", "n’a servi à aucun autre acte"),
    (("A03",), "La date de la décision", "n’est pas à venir"),
    (("A04",), "L’objet", "tient sur une ligne, en lettres que la préfecture lit"),
    (("A05",), "La nature", "est dans la classification"),
    (("A06",), "La matière", "a deux niveaux au moins et est dans la classification"),
    (("A07",), "La classification", "est celle en vigueur"),
    (("A08",), "L’acte", "est un seul fichier, du bon format"),
    (("A09",), "Les annexes", "ont un format accepté"),
    (("A10",), "Le type de chaque fichier", "est permis pour cette nature"),
    (("A11",), "Le poids", "est sous la limite"),
    (("A12",), "Les fichiers PDF", "s’ouvrent, et leurs signatures sont entières"),
    (("A13",), "Le scellement du budget", "est intact"),
    (
        ("A14",),
        "Le budget",
        "est celui de la collectivité, le dossier dit ce qu’il dit et les PDF qu’il demande sont joints",
    ),
    (("X01", "X02", "X03", "X04", "X05", "X06"), "Le message", "suit le schéma et les noms de la préfecture"),
    ENVELOPE,
)
BUDGETARY: Final = frozenset({"A13", "A14"})
"""Told of budgets alone: no other act has a seal, nor a file that declares it."""
UNREAD: Final = {"A13": frozenset({"A08", "X01"}), "A14": frozenset({"A08", "X01", "A13"})}
"""What cannot be judged of a budget as long as one of these is broken."""
REPLY: Final[Lines] = (
    (("W03",), "La réponse", "va à un courrier reçu, avec les documents qu’il attend"),
    (("A09",), "Les documents", "ont un format accepté"),
    (("A10",), "Le type de chaque document", "est choisi"),
    ENVELOPE,
)
CANCELLATION: Final[Lines] = (
    (("W01",), "L’annulation", "vise un acte dont la préfecture a accusé réception"),
    ENVELOPE,
)


@dataclass(frozen=True)
class Line:
    """One rule as people read it: `says` what was read when it is in order, `fixes` what to do when it is not."""

    label: str
    says: str
    fixes: tuple[str, ...]

    @property
    def in_order(self) -> bool:
        """True when nothing is to be done."""
        return not self.fixes


def lines(problems: Sequence[Problem], *, about: str, budget: bool) -> tuple[Line, ...]:
    """The list, in the order of the rules, of an act (`about` is empty) or of a message about one (`about` is its code).

    A message that cannot be made yet is told so, not told right.
    """
    table = ACT if not about else CANCELLATION if about == "6-1" else REPLY
    act_is_sound = not any(problem.key.startswith("A") and problem.key != "A02" for problem in problems)
    listed = []
    for rules, label, says in table:
        if rules[0] in BUDGETARY and not budget:
            continue
        fixes = tuple(problem.sentence for problem in problems if problem.key in rules)
        if not fixes and rules[0].startswith("X") and not act_is_sound:
            fixes = ("Sera vérifié quand les points ci-dessus seront réglés.",)
        if not fixes and not UNREAD.get(rules[0], frozenset()).isdisjoint(
            problem.key for problem in problems
        ):
            fixes = ("Sera vérifié quand le fichier du budget sera en règle.",)
        listed.append(Line(label, says, fixes))
    return tuple(listed)


def subject_sent(subject: str) -> str:
    """The subject as it will travel, letter for letter."""
    return transliterate(subject)
