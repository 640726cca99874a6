"""What must be true of a budgetary document beyond what every act asks."""

from datetime import date

from workflows.family import Facts, Problem


def matter_is_budgetary(facts: Facts, _today: date) -> Problem | None:
    """The State takes an XML for nature 5 and matter 7.1 alone (@ctes A08)."""
    matter, nature = str(facts.get("matter") or ""), facts.get("nature")
    if (matter == "7.1" or matter.startswith("7.1.")) and nature in (None, 5, "5"):
        return None
    return Problem(
        "not-budgetary",
        "matter",
        "Un budget en XML se transmet avec la nature 5 et la matière 7.1. Choisissez-les.",
    )
