"""What must be true of a deliberation, and of the circuit it follows."""

from datetime import date

from workflows.circuit import Circuit, StepKind, WhoKind
from workflows.family import Facts, Problem

VOTES = ("votes_for", "votes_against", "votes_abstained")


def votes_are_counts(facts: Facts, _today: date) -> Problem | None:
    """Nobody votes a negative number of times."""
    for key in VOTES:
        count = facts.get(key)
        if isinstance(count, int) and count < 0:
            return Problem("votes-negative", key, "Un nombre de voix n’est jamais négatif. Corrigez-le.")
    return None


def signed_by_mayor_and_secretary(circuit: Circuit) -> str | None:
    """One step that nobody skips gathers both signatures (CGCT L2121-23)."""
    for step in circuit.steps:
        secretary = any(who.kind is WhoKind.ROLE and who.value == "sitting_secretary" for who in step.who)
        everybody = step.quorum.needed(len(step.who)) == len(step.who) > 1
        if step.kind is StepKind.SIGN and step.when is None and secretary and everybody:
            return None
    return "Le maire et le secrétaire de séance doivent signer à la même étape, tous les deux."
