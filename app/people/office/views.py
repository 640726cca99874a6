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
    """One mandate: whose, in which capacity, for what, from when to when, and its state with its tone."""

    id: int
    person: str
    capacity: str
    kind: str
    scope: str
    order: str
    dates: str
    state: str
    tone: str
    over: bool
    flows: bool = False
    accredited_on: date | None = None


def view(mandate: Mandate, person: str, today: date, *, active: bool = True) -> MandateView:
    """A mandate for a page, on that day; `active`: whether the account of who has it is open."""
    state, tone = _state(mandate, today)
    if not active and not over(mandate, today):
        state, tone = "Compte fermé : ne sert plus", "warn"
    order = f"Arrêté {mandate.order_number}" if mandate.order_number else ""
    return MandateView(
        mandate.id,
        person,
        words(mandate),
        mandate.kind.label,
        scope(mandate),
        order,
        _dates(mandate),
        state,
        tone,
        over(mandate, today),
        mandate.accredited_on is not None or bool(to_accredit([mandate], today)),
        mandate.accredited_on,
    )


def scope(mandate: Mandate) -> str:
    """« Factures, Délibérations ; matières 7.5, 7.1 ; jusqu’à 10 000,00 € »."""
    known = families()
    names = [known[name].plural if name in known else name for name in mandate.families]
    parts = [", ".join(names) or "Tous les dossiers"]
    if mandate.matters:
        parts.append(f"matière{'s' if len(mandate.matters) > 1 else ''} {', '.join(mandate.matters)}")
    if mandate.ceiling_cents is not None:
        parts.append(f"jusqu’à {euros(mandate.ceiling_cents / 100)}")
    if mandate.rank is not None:
        parts.append(f"priorité {mandate.rank}")
    return " ; ".join(parts)


def last_day(mandate: Mandate) -> date | None:
    """The last day of a mandate, its giver's when that comes first; None when open."""
    days = [mandate.ends_on, mandate.given_by.ends_on if mandate.given_by is not None else None]
    return min((day for day in days if day is not None), default=None)


def warnings(pairs: Iterable[tuple[Mandate, Mandate]], names: dict[int, str]) -> list[str]:
    """What is told of delegations of the same acts without an order of priority."""
    return [
        f"{names[first.person]} et {names[second.person]} ont la même délégation de fonction sans ordre de priorité. "
        "L’arrêté doit dire qui passe avant l’autre : inscrivez-le dans « Ordre de priorité »."
        for first, second in pairs
    ]


def _dates(mandate: Mandate) -> str:
    start = f"{'Exécutoire' if mandate.kind.delegated else 'Depuis'} le {jour(mandate.starts_on)}"
    end = last_day(mandate)
    return f"{start}, jusqu’au {jour(end)}" if end is not None else start


def _state(mandate: Mandate, today: date) -> tuple[str, str]:
    if mandate.ended or (mandate.ends_on is not None and mandate.ends_on < today):
        return "Terminé", ""
    if over(mandate, today):
        return "Tombé avec le mandat du maire", ""
    if today < mandate.starts_on:
        return "Pas encore exécutoire" if mandate.kind.delegated else "À venir", "warn"
    if mandate.order_off:
        return "Arrêté non exécutoire aujourd’hui", "danger"
    end = last_day(mandate)
    if end is not None and (end - today).days <= SHOWN_AS_SOON:
        return f"Finit le {jour(end)}", "warn"
    return "En cours", "ok"
