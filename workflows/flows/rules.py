"""What must be true of a payment flow before it enters its circuit."""

from datetime import date

from workflows.family import Facts, Problem


def written_in_the_past(facts: Facts, today: date) -> Problem | None:
    """A flow bears the day of its making (DteStr, PES v2): tomorrow's is a wrong clock, and the Treasury refuses it."""
    written = facts.get("written_on")
    if written is None or str(written) <= today.isoformat():
        return None
    return Problem(
        "written-in-the-future",
        "written_on",
        "La date du flux est dans le futur. Corrigez l’horloge du logiciel de finances, puis exportez le flux de nouveau.",
    )
