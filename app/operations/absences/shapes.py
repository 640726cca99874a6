"""What the JSON of absences gives, field by field."""

from app.core.shapes import Given, Moment, attribute
from app.display.shapes import Problem

__all__ = ["AbsenceShown", "Absences", "Problem"]
PATHS: dict[str, str] = {}


class AbsenceShown(Given):
    """One absence."""

    person: str = attribute("Qui est absent.", "Armel Kervadec")
    cover: str | None = attribute("Qui assure l’intérim ; nul quand personne.", "Gaud Le Bras")
    acts: bool = attribute(
        "Vrai quand l’intérim agit, faux quand il lit seulement, ou quand il n’y en a pas."
    )
    limited: bool = attribute(
        "Vrai quand seuls certains types de dossiers sont confiés, faux quand tous le sont."
    )
    types: list[str] = attribute(
        "Ces types, quand `limited` est vrai ; vide quand l’un d’eux ne se dit pas à qui demande."
    )
    starts_at: Moment = attribute("Dès cet instant.")
    ends_at: Moment = attribute("Jusqu’à cet instant, exclu.")


class Absences(Given):
    """The absences of the desk."""

    absences: list[AbsenceShown] = attribute("Dans l’ordre où elles commencent.")
