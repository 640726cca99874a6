"""What the step where a folder stands requires before it is left: its fields, and those that nobody has filled in yet."""

from collections.abc import Sequence

from app.circuits.library import family_of
from app.core.refusals import Refusal
from app.folders.models import Folder
from workflows.circuit import Step
from workflows.fields import Field


def required(folder: Folder, step: Step) -> tuple[Field, ...]:
    """The fields that a step requires of this folder; one that its version of the type has not is required of nobody."""
    family = family_of(folder.in_force)
    return tuple(field for key in step.requires if (field := family.field(key)) is not None)


def missing(folder: Folder, step: Step) -> tuple[Field, ...]:
    """Those of them that nobody has filled in."""
    awaited = step.awaits(folder.fields)
    return tuple(field for field in required(folder, step) if field.key in awaited) if awaited else ()


def refuse_unfilled(folder: Folder, step: Step) -> None:
    """Refuse `facts-awaited` as long as a field that the step requires is empty."""
    if lacking := missing(folder, step):
        raise Refusal("facts-awaited", fields=names(lacking), verb=step.kind.infinitive, step=step.label)


def names(fields: Sequence[Field]) -> str:
    """« A », « B »."""
    return ", ".join(f"« {field.label} »" for field in fields)


def reminder(folder: Folder, step: Step) -> str:
    """« À remplir avant de viser : « Numéro d’engagement » »; empty when nothing lacks."""
    lacking = missing(folder, step)
    return f"À remplir avant de {step.kind.infinitive} : {names(lacking)}" if lacking else ""
