"""What must be true of a reply to the Préfecture."""

from collections.abc import Mapping
from datetime import date

from workflows.family import Facts, Problem


def answers_a_letter(facts: Facts, _today: date) -> Problem | None:
    """A reply names the letter that it answers and the act in question (@ctes W03)."""
    about = facts.get("followup")
    if isinstance(about, Mapping) and about.get("identifier") and about.get("letter_date"):
        return None
    return Problem(
        "letter-missing",
        "subject",
        "Cette réponse ne dit pas à quel courrier elle répond. Préparez-la depuis le courrier de la préfecture.",
    )
