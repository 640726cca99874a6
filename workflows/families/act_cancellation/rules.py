"""What must be true of the cancellation of an act that was transmitted."""

from collections.abc import Mapping
from datetime import date

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
