"""What must be true of an individual order beyond what every act asks."""

from datetime import date

from workflows.family import Facts, Problem


def addressee_is_not_alone_in_the_subject(facts: Facts, _today: date) -> Problem | None:
    """The subject says what is decided: a name alone would say of whom, and it is read by the Préfecture and in lists."""
    subject, addressee = (str(facts.get(key) or "").strip().casefold() for key in ("subject", "addressee"))
    if not subject or subject != addressee:
        return None
    return Problem(
        "subject-is-a-name",
        "subject",
        "L’objet ne dit que le nom de la personne. Écrivez ce qui est décidé, par exemple « Permis de construire ».",
    )
