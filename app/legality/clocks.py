"""What a letter of the Préfecture is, and how long one has to answer it."""

from dataclasses import dataclass
from datetime import date

from app.core.french import jour
from workflows.deadlines import two_months_after


@dataclass(frozen=True)
class Kind:
    """A kind of letter: its name, how urgent it is, and what its clock means."""

    label: str
    icon: str
    urgent: bool
    clock: str


REFERRAL = "5-1"
KINDS = {
    "2-1": Kind("Courrier simple", "envelope", False, "Aucun délai légal."),
    "3-1": Kind(
        "Demande de pièces complémentaires",
        "paperclip",
        True,
        "Le délai de recours du préfet repart à la réception des pièces. Sans réponse dans les deux mois, il peut "
        "considérer que vous refusez.",
    ),
    "4-1": Kind(
        "Lettre d’observations",
        "exclamation-triangle",
        True,
        "Recours gracieux du préfet : sans réponse dans les deux mois, il est réputé rejeté et le tribunal peut être saisi.",
    ),
    "5-1": Kind(
        "Déféré au tribunal administratif",
        "bank",
        True,
        "Le tribunal est saisi : rien ne se répond par cette voie. Prévenez le maire et votre conseil.",
    ),
    "1-3": Kind(
        "Anomalie reçue après l’accusé",
        "exclamation-triangle",
        False,
        "L’accusé reste valable. Appelez la préfecture si l’anomalie vous paraît fondée.",
    ),
}
UNREAD = Kind("Message illisible", "question-circle", True, "Ouvrez-le, puis appelez la préfecture.")
_TIMED = frozenset({"3-1", "4-1"})


def kind_of(code: str | None) -> Kind:
    """What a message of this code is to people."""
    return KINDS.get(code or "", UNREAD)


def answer_due(code: str | None, received_on: date) -> date | None:
    """The last day to answer: two months from reception for 3-1 and 4-1, whose silence counts (CGCT L2131-6)."""
    return two_months_after(received_on) if code in _TIMED else None


def counter(due_on: date | None, closed: bool, today: date, *, urgent: bool = False) -> tuple[str, str]:
    """The tone and the words of a deadline counter: « Reste 12 jours, avant le 3 février 2027 »; without one, its urgency."""
    if closed:
        return "ok", "Traité"
    if due_on is None:
        return ("danger", "Urgent") if urgent else ("", "Aucun délai")
    left = (due_on - today).days
    if left < 0:
        return "danger", f"Dépassé de {-left} jour{'s' if left < -1 else ''}, c’était le {jour(due_on)}"
    if left == 0:
        return "danger", f"Dernier jour, {jour(due_on)}"
    tone = "danger" if left <= 7 else "warn" if left <= 21 else "info"
    return tone, f"Reste {left} jour{'s' if left > 1 else ''}, jusqu’au {jour(due_on)}"
