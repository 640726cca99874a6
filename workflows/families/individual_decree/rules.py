"""What must be true of an individual order beyond what every act asks."""

from datetime import date

from workflows.acts.rules import act_number
from workflows.family import Facts, Problem

NORMALISE = {"former_number": act_number}


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


def names_the_former_order(facts: Facts, _today: date) -> Problem | None:
    """An order that withdraws or repeals another names it, and another than itself (CRPA L242-1)."""
    how, former = facts.get("former_how"), facts.get("former_number")
    if bool(how) == bool(former) and (former is None or former != facts.get("number")):
        return None
    key = "former_how" if former and not how else "former_number"
    sentence = "Dites s’il s’agit d’un retrait ou d’une abrogation, et le numéro de l’arrêté visé, qui n’est pas celui-ci."
    return Problem("former-incomplete", key, sentence)
