"""What is proposed to a collectivity that begins: desks under one another, and a circuit for each family that names no other.

A circuit of a kit is that of its family, with the desks of the kit in place of those that the family names, and its words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.people.own_settings.population import THRESHOLD
from workflows.circuit import Circuit
from workflows.family import Family, families
from workflows.loader import load
from workflows.rights import Rights
from workflows.vocabulary import Right, StepKind, WhoKind


@dataclass(frozen=True)
class DeskPlan:
    """A desk that is proposed: the key by which circuits name it, its name, the key of its superior, empty for none.

    `deposits`: whether folders are deposited there, so that its holders have that right.
    """

    key: str
    name: str
    parent: str = ""
    deposits: bool = True


@dataclass(frozen=True)
class Kit:
    """A ready-made start: its label, whom it is for, its desks, each after its superior.

    `moved`: the desk of the kit that takes the place of one that families name; `worded`: words of their steps, and those
    that are put in their place.
    """

    key: str
    label: str
    summary: str
    desks: tuple[DeskPlan, ...]
    moved: Mapping[str, str] = field(default_factory=dict)
    worded: Mapping[str, str] = field(default_factory=dict)

    def circuit(self, family: Family) -> Circuit:
        """The circuit that is proposed for a family; the family's own where the kit changes nothing of it."""
        definition = family.circuit.to_data()
        steps: list[dict[str, Any]] = []
        for step in definition["steps"]:
            new_step = {**step, "label": self._worded(step["label"])}
            if "who" in step:
                new_step["who"] = [self._moved(who) for who in step["who"]]
            if not steps or not _already(steps[-1], new_step):
                steps.append(new_step)
        return load({**definition, "steps": steps})

    def circuits(self) -> dict[str, Circuit]:
        """The circuit that is proposed for each family, by its name."""
        return {name: self.circuit(family) for name, family in families().items()}

    def rights(self, key: str) -> Rights:
        """What the circuits of the kit ask of who holds a desk, and to deposit where folders are."""
        plan = next(desk for desk in self.desks if desk.key == key)
        rights = {Right.CREATE} if plan.deposits else set()
        for name, circuit in self.circuits().items():
            rights |= {step.kind.right for step in circuit.steps for who in step.who if who.value == key}
            if key in families()[name].restricted_to:
                rights.add(Right.CREATE)
        return Rights.of(*rights)

    def _moved(self, who: Mapping[str, Any]) -> dict[str, Any]:
        named = who.get(WhoKind.DESK.value)
        return (
            {WhoKind.DESK.value: self.moved.get(str(named), str(named))} if named is not None else dict(who)
        )

    def _worded(self, label: str) -> str:
        for former, own in self.worded.items():
            label = label.replace(former, own)
        return label


def needed_desks(family: Family, circuit: Circuit) -> frozenset[str]:
    """The keys of the desks without which no folder of this family could go through this circuit."""
    named = {who.value for step in circuit.steps for who in step.who if who.kind is WhoKind.DESK}
    return frozenset(named | set(family.restricted_to))


def _already(before: Mapping[str, Any], step: Mapping[str, Any]) -> bool:
    """Whether a visa only asks again those who have just given theirs, whatever the folder."""
    visas = before["kind"] == step["kind"] == StepKind.VISA.value
    return visas and "when" not in before and before["who"] == step["who"]


SMALL = Kit(
    "petite",
    "Mairie de moins de 3 500 habitants",
    "Un secrétariat qui prépare, contrôle et publie, et le maire qui signe.",
    (
        DeskPlan("maire", "Bureau du maire", deposits=False),
        DeskPlan("secretariat", "Secrétariat de mairie", "maire"),
        DeskPlan("paye", "Paye", "secretariat"),
    ),
    {"direction": "secretariat", "finances": "secretariat"},
    {"Direction générale": "Visa du secrétariat", "Contrôle des finances": "Contrôle du secrétariat"},
)
TOWN = Kit(
    "mairie",
    "Mairie",
    "Une direction générale, des finances, un secrétariat et des services, sous le maire.",
    (
        DeskPlan("maire", "Bureau du maire", deposits=False),
        DeskPlan("direction", "Direction générale", "maire"),
        DeskPlan("finances", "Direction des finances", "direction"),
        DeskPlan("secretariat", "Secrétariat général", "direction"),
        DeskPlan("paye", "Service de la paye", "direction"),
        DeskPlan("technique", "Services techniques", "direction"),
    ),
)
UNION = Kit(
    "intercommunalite",
    "Intercommunalité",
    "Le même partage sous un président : communauté, syndicat, établissement public.",
    (
        DeskPlan("president", "Bureau du président", deposits=False),
        DeskPlan("direction", "Direction générale", "president"),
        DeskPlan("finances", "Direction des finances", "direction"),
        DeskPlan("secretariat", "Secrétariat des assemblées", "direction"),
        DeskPlan("paye", "Service de la paye", "direction"),
        DeskPlan("technique", "Pôle technique", "direction"),
    ),
    {"maire": "president"},
    {"du maire": "du président", "Maire": "Président"},
)
KITS = {kit.key: kit for kit in (SMALL, TOWN, UNION)}
EMPTY = "vide"
COMMUNE = "31"
"""The nature of a commune, by its code of @ctes."""


def first_shown(nature: str, inhabitants: int | None = None) -> str:
    """Which kit is shown first to a collectivity of this nature, and of this size where it was said."""
    if nature != COMMUNE:
        return UNION.key
    return SMALL.key if inhabitants is not None and inhabitants < THRESHOLD else TOWN.key
