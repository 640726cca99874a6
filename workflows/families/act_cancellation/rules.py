"""What must be true of the cancellation of an act that was transmitted."""

from collections.abc import Mapping
from datetime import date

from workflows.circuit import Circuit, StepKind
from workflows.family import Facts, Problem


def names_an_act(facts: Facts, _today: date) -> Problem | None:
    """A cancellation names the act that the Préfecture acknowledged (@ctes W01)."""
    about = facts.get("followup")
    if isinstance(about, Mapping) and about.get("identifier"):
        return None
    return Problem(
        "act-missing",
        "motive",
        "Cette annulation ne dit pas quel acte elle vise. Préparez-la depuis le dossier de l’acte.",
    )


def approved_by_another(circuit: Circuit) -> str | None:
    """Somebody puts a visa on it before it leaves: what cancels an act is never the gesture of one desk."""
    for step in circuit.steps:
        if step.kind is StepKind.TRANSMIT:
            break
        if step.kind in {StepKind.VISA, StepKind.SIGN} and step.when is None:
            return None
    return "Une annulation est visée ou signée avant de partir, à une étape que rien ne fait sauter."
