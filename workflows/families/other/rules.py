"""What must be true of a document before it enters its circuit."""

from datetime import date

from workflows.family import Facts, Problem


def dated_in_the_past(facts: Facts, today: date) -> Problem | None:
    """Nobody signs what bears a date to come: a signature does not antedate (Code civil art. 1377)."""
    dated = facts.get("dated_on")
    if dated is None or str(dated) <= today.isoformat():
        return None
    return Problem(
        "dated-in-the-future",
        "dated_on",
        "La date du document est dans le futur. Corrigez-la, ou attendez ce jour pour l’envoyer.",
    )
