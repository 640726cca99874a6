"""What one does to the steps of a circuit that is being written: add, copy, remove, move, write again; pure, on its data.

A definition has the schema of the families' YAML; each function gives a new one and leaves its own as it was.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from app.core.refusals import Refusal
from workflows.loader import MAX_STEPS

Definition = dict[str, Any]
NEW = {"label": "Nouvelle étape", "kind": "visa", "who": [], "quorum": "any"}


@dataclass(frozen=True)
class Gesture:
    """One gesture: `kind` is add, copy, remove, move or write; on the step of this key, towards this place from 0.

    `step` is what is written of it, with the schema of a step.
    """

    kind: str
    key: str = ""
    place: int = 0
    step: Mapping[str, Any] = field(default_factory=dict)


def played(definition: Mapping[str, Any], gesture: Gesture) -> Definition:
    """The definition after a gesture.

    Refuses `step-gone` on a step that is no longer there, `circuit-long` beyond `MAX_STEPS`. A step that is written and
    is gone comes back at the end: what somebody typed is not lost because another one removed it.
    """
    made: Definition = deepcopy(dict(definition))
    steps: list[dict[str, Any]] = made["steps"]
    if gesture.kind in {"add", "copy"} and len(steps) >= MAX_STEPS:
        raise Refusal("circuit-long", most=MAX_STEPS)
    if gesture.kind == "add":
        steps.insert(_inside(gesture.place, len(steps)), {"key": free_key(made), **deepcopy(NEW)})
        return made
    at = next((rank for rank, step in enumerate(steps) if step["key"] == gesture.key), None)
    if gesture.kind == "write":
        written = {**deepcopy(dict(gesture.step)), "key": gesture.key}
        if at is None:
            steps.append(written)
        else:
            steps[at] = written
        return made
    if at is None:
        raise Refusal("step-gone")
    if gesture.kind == "copy":
        label = f"{steps[at].get('label') or ''} (copie)"
        steps.insert(at + 1, {**deepcopy(steps[at]), "key": free_key(made), "label": label})
    elif gesture.kind == "remove":
        del steps[at]
    elif gesture.kind == "move":
        step = steps.pop(at)
        steps.insert(_inside(gesture.place, len(steps)), step)
    else:
        raise Refusal("bad-request", detail="geste inconnu")
    return made


def free_key(definition: Mapping[str, Any]) -> str:
    """A key that no step has: « step_4 »."""
    taken = {step["key"] for step in definition["steps"]}
    return next(key for rank in range(1, len(taken) + 2) if (key := f"step_{rank}") not in taken)


def _inside(place: int, most: int) -> int:
    return max(0, min(place, most))
