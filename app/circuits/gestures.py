"""What one does to what is being written, steps of a circuit or rows of rules: add, copy, remove, move, write again; pure.

A definition is data, that of a circuit has the schema of the families' YAML; each function gives a new one and leaves its
own as it was.
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
class Parts:
    """What a definition is a list of: under which name, what a new one says, how many at most, how its keys begin.

    `full` and `gone` are the refusals of one too many, and of one that is no longer there.
    """

    name: str
    new: Mapping[str, Any]
    most: int
    stem: str
    full: str
    gone: str


STEPS = Parts("steps", NEW, MAX_STEPS, "step", "circuit-long", "step-gone")


@dataclass(frozen=True)
class Gesture:
    """One gesture: `kind` is add, copy, remove, move or write; on the part of this key, towards this place from 0.

    `step` is what is written of it, with the schema of a step, or of a row.
    """

    kind: str
    key: str = ""
    place: int = 0
    step: Mapping[str, Any] = field(default_factory=dict)


def played(definition: Mapping[str, Any], gesture: Gesture, parts: Parts = STEPS) -> Definition:
    """The definition after a gesture.

    Refuses `step-gone` on a step that is no longer there, `circuit-long` beyond `MAX_STEPS` (`Parts`). A step that is
    written and is gone comes back at the end: what somebody typed is not lost because another one removed it.
    """
    draft: Definition = deepcopy(dict(definition))
    steps: list[dict[str, Any]] = draft[parts.name]
    if gesture.kind in {"add", "copy"} and len(steps) >= parts.most:
        raise Refusal(parts.full, most=parts.most)
    if gesture.kind == "add":
        fresh = {"key": free_key(draft, parts), **deepcopy(dict(parts.new))}
        steps.insert(_inside(gesture.place, len(steps)), fresh)
        return draft
    at = next((rank for rank, step in enumerate(steps) if step["key"] == gesture.key), None)
    if gesture.kind == "write":
        written = {**deepcopy(dict(gesture.step)), "key": gesture.key}
        if at is None:
            steps.append(written)
        else:
            steps[at] = written
        return draft
    if at is None:
        raise Refusal(parts.gone)
    if gesture.kind == "copy":
        copy = {**deepcopy(steps[at]), "key": free_key(draft, parts)}
        if "label" in parts.new:
            copy["label"] = f"{steps[at].get('label') or ''} (copie)"
        steps.insert(at + 1, copy)
    elif gesture.kind == "remove":
        del steps[at]
    elif gesture.kind == "move":
        step = steps.pop(at)
        steps.insert(_inside(gesture.place, len(steps)), step)
    else:
        raise Refusal("bad-request", detail="geste inconnu")
    return draft


def free_key(definition: Mapping[str, Any], parts: Parts = STEPS) -> str:
    """A key that no step has: « step_4 »."""
    taken = {step["key"] for step in definition[parts.name]}
    return next(key for rank in range(1, len(taken) + 2) if (key := f"{parts.stem}_{rank}") not in taken)


def _inside(place: int, most: int) -> int:
    return max(0, min(place, most))
