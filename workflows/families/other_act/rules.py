"""What must be true of an act that is none of the others."""

from datetime import date

from workflows.family import Facts, Problem

BUDGETARY = 5


def nature_is_none_of_the_others(facts: Facts, _today: date) -> Problem | None:
    """A budget has a family of its own, whose seal is verified: it is not deposited here as a PDF."""
    if str(facts.get("nature")) != str(BUDGETARY):
        return None
    return Problem(
        "nature-of-a-budget",
        "nature",
        "Un document budgétaire se dépose comme « Document budgétaire », dont le scellement est vérifié.",
    )
