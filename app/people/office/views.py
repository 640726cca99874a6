"""A signing mandate as pages show it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.core.french import euros, jour
from app.people.mandates import to_accredit
from workflows.family import families
from workflows.mandates import Mandate, over, words

SHOWN_AS_SOON = 60


@dataclass(frozen=True)
class MandateView:
    """One mandate: whose, in which words, for what, from when to when, and its state with its tone."""

    id: int
    person: str
    words: str
    kind: str
    scope: str
    order: str
    dates: str
    state: str
    tone: str
    over: bool
    flows: bool = False
    accredited_on: date | None = None


def view(one: Mandate, person: str, today: date) -> MandateView:
    """A mandate for a page, on that day."""
    state, tone = _state(one, today)
    order = f"Arrêté {one.order_number}" if one.order_number else ""
    return MandateView(
        one.id,
        person,
        words(one),
        one.kind.label,
        scope(one),
        order,
        _dates(one),
        state,
        tone,
        over(one, today),
        one.accredited_on is not None or bool(to_accredit([one], today)),
        one.accredited_on,
    )


def scope(one: Mandate) -> str:
    """« Factures, Délibérations ; matières 7.5, 7.1 ; jusqu’à 10 000,00 € »."""
    known = families()
    names = [known[name].plural if name in known else name for name in one.families]
    parts = [", ".join(names) or "Tous les dossiers"]
    if one.matters:
        parts.append(f"matière{'s' if len(one.matters) > 1 else ''} {', '.join(one.matters)}")
    if one.ceiling_cents is not None:
        parts.append(f"jusqu’à {euros(one.ceiling_cents / 100)}")
    if one.rank is not None:
        parts.append(f"priorité {one.rank}")
    return " ; ".join(parts)


def last_day(one: Mandate) -> date | None:
    """The last day of a mandate, its giver's when that comes first; None when open."""
    days = [one.ends_on, one.given_by.ends_on if one.given_by is not None else None]
    return min((day for day in days if day is not None), default=None)


def warnings(found: Iterable[tuple[Mandate, Mandate]], names: dict[int, str]) -> list[str]:
    """What is told of delegations of the same acts without an order of priority."""
    return [
        f"{names[first.person]} et {names[second.person]} ont la même délégation de fonction sans ordre de priorité. "
        "L’arrêté doit dire qui passe avant l’autre : inscrivez-le dans « Ordre de priorité »."
        for first, second in found
    ]


def _dates(one: Mandate) -> str:
    start = f"{'Exécutoire' if one.kind.delegated else 'Depuis'} le {jour(one.starts_on)}"
    end = last_day(one)
    return f"{start}, jusqu’au {jour(end)}" if end is not None else start


def _state(one: Mandate, today: date) -> tuple[str, str]:
    if one.ended or (one.ends_on is not None and one.ends_on < today):
        return "Terminé", ""
    if over(one, today):
        return "Tombé avec le mandat du maire", ""
    if today < one.starts_on:
        return "Pas encore exécutoire" if one.kind.delegated else "À venir", "warn"
    if one.order_off:
        return "Arrêté non exécutoire aujourd’hui", "danger"
    end = last_day(one)
    if end is not None and (end - today).days <= SHOWN_AS_SOON:
        return f"Finit le {jour(end)}", "warn"
    return "En cours", "ok"
