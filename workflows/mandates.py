"""Who may sign in the commune's name: as mayor, by delegation or as suppléant; from when, until when, and for what."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import combinations
from typing import Any

from workflows.errors import Refusal
from workflows.vocabulary import Kind

__all__ = [
    "Act",
    "Bound",
    "How",
    "Kind",
    "Mandate",
    "bounds",
    "check",
    "conflicts",
    "covers",
    "fitting",
    "over",
    "scope",
    "stands",
    "words",
]


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be signed, as a mandate looks at it; `matter` is « 7.5.2 », the amount in cents.

    `priced` says that the family has an amount: then an unknown one is above every ceiling. `named_substitution`: the
    council delegated this power to the mayor, and to no substitute unless it said so (CGCT L2122-23).
    """

    family: str
    matter: str | None = None
    amount_cents: int | None = None
    priced: bool = False
    named_substitution: bool = False

    @property
    def weight_cents(self) -> int | None:
        """What a ceiling is compared with: the amount without its sign, 0 where there is none, None where it is unknown."""
        if not self.priced:
            return 0
        return None if self.amount_cents is None else abs(self.amount_cents)


@dataclass(frozen=True, slots=True)
class Mandate:
    """One right to sign of one person; `title` is « le maire », « l’adjointe aux finances », « le premier adjoint ».

    `starts_on` is, for a delegation, the day when its order is executory; `ends_on` is the last day, None when open
    (CGCT L2122-20). `ended`: put to an end at once. No family means all; matters narrow the families that have one.
    `order_off`: its order is executory no more (transmission cancelled, suspended by a judge: CGCT L2131-1, L2131-6).
    """

    id: int
    person: int
    kind: Kind
    title: str
    starts_on: date
    ends_on: date | None = None
    ended: bool = False
    families: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    ceiling_cents: int | None = None
    rank: int | None = None
    order_number: str = ""
    order_folder: int | None = None
    order_off: bool = False
    accredited_on: date | None = None
    given_by: "Mandate | None" = None


def over(mandate: Mandate, today: date) -> bool:
    """Whether a mandate is of the past, by itself or because the office it comes from has ended."""
    own = mandate.ended or (mandate.ends_on is not None and mandate.ends_on < today)
    return own or (mandate.given_by is not None and over(mandate.given_by, today))


def last_day(mandate: Mandate) -> date | None:
    """The last day of a mandate, by itself or with the office that it comes from; None when open."""
    of_office = last_day(mandate.given_by) if mandate.given_by is not None else None
    return min((day for day in (mandate.ends_on, of_office) if day is not None), default=None)


def check(mandate: Mandate, act: Act, today: date) -> None:
    """Refuse a signature by this mandate before it begins, after its end, outside its scope, above its ceiling, its order off.

    An act signed before the delegation is executory is void and cannot be cured (CGCT L2122-18, L2131-1).
    """
    about = {"words": words(mandate), "order": mandate.order_number}
    if mandate.ended or (mandate.ends_on is not None and mandate.ends_on < today):
        raise Refusal("mandate-ended", **about)
    if mandate.given_by is not None and over(mandate.given_by, today):
        raise Refusal("mandate-fell", **about)
    if today < mandate.starts_on:
        key = "mandate-not-executory" if mandate.kind.delegated else "mandate-not-begun"
        raise Refusal(key, date=f"{mandate.starts_on:%d/%m/%Y}", **about)
    _check_scope(mandate, act, about)
    if mandate.order_off:
        raise Refusal("mandate-order-off", **about)


def covers(mandate: Mandate, act: Act, today: date) -> bool:
    """Whether this act may be signed by this mandate today (`check`)."""
    try:
        check(mandate, act, today)
    except Refusal:
        return False
    return True


def stands(mandate: Mandate, family: str, today: date) -> bool:
    """Whether some act of this family may be signed by this mandate today: it has begun, is not over, and holds the family."""
    began = mandate.starts_on <= today and not over(mandate, today) and not mandate.order_off
    return began and (not mandate.families or family in mandate.families)


class How(StrEnum):
    """How a fact of an act is compared with a bound; the lists of folders say each of them in SQL (`app/folders/access.py`)."""

    AMONG = "among"
    """It is one of the values."""
    NOT_AMONG = "not_among"
    """It is none of them."""
    WITHIN = "within"
    """It is one of the values or below it (7.5 holds 7.5.2, and not 7.50), or the act has no such fact."""
    AT_MOST = "at_most"
    """It is known, and the one value or less."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One bound of a mandate: the fact of an `Act` that is compared, how, with what, and why a signature is refused outside."""

    fact: str
    how: How
    values: tuple[str | int, ...]
    refusal: str

    def holds(self, act: Act) -> bool:
        """Whether an act is inside."""
        return _HOLDS[self.how](getattr(act, self.fact), self.values)


_HOLDS: Mapping[How, Callable[[Any, tuple[Any, ...]], bool]] = {
    How.AMONG: lambda fact, values: fact in values,
    How.NOT_AMONG: lambda fact, values: fact not in values,
    How.WITHIN: lambda fact, values: fact is None or _covered(fact, values),
    How.AT_MOST: lambda fact, values: fact is not None and fact <= values[0],
}


def bounds(mandate: Mandate, named_substitution: Iterable[str]) -> tuple[Bound, ...]:
    """The bounds of a mandate, none for what it does not limit: the one place where they are said.

    `check` compares them with one act and tells the first that it breaks; lists compare them with the steps that they
    hold. `named_substitution`: the families that no substitute signs unless his mandate names them (CGCT L2122-23).
    """
    unnamed = mandate.kind is Kind.SUBSTITUTE and not mandate.families
    reserved = tuple(sorted(named_substitution)) if unnamed else ()
    ceiling = () if mandate.ceiling_cents is None else (mandate.ceiling_cents,)
    every = (
        Bound("family", How.AMONG, mandate.families, "mandate-outside-family"),
        Bound("family", How.NOT_AMONG, reserved, "mandate-council-decides"),
        Bound("matter", How.WITHIN, mandate.matters, "mandate-outside-matter"),
        Bound("weight_cents", How.AT_MOST, ceiling, "mandate-above-ceiling"),
    )
    return tuple(bound for bound in every if bound.values)


def scope(mandate: Mandate, today: date, named_substitution: Iterable[str]) -> tuple[Bound, ...] | None:
    """The bounds of a mandate, None when it is not in force; inside of them `check` refuses nothing, outside it refuses."""
    if over(mandate, today) or today < mandate.starts_on or mandate.order_off:
        return None
    return bounds(mandate, named_substitution)


def _check_scope(mandate: Mandate, act: Act, about: dict[str, str]) -> None:
    named = (act.family,) if act.named_substitution else ()
    broken = next((bound for bound in bounds(mandate, named) if not bound.holds(act)), None)
    if broken is None:
        return
    if broken.how is not How.AT_MOST:
        matter = {"matter": act.matter or "sans matière"} if broken.fact == "matter" else {}
        raise Refusal(broken.refusal, **about, **matter)
    ceiling = f"{(mandate.ceiling_cents or 0) / 100:,.2f}".translate({44: "\u202f", 46: ","})
    key = "mandate-amount-unknown" if act.weight_cents is None else broken.refusal
    raise Refusal(key, ceiling=ceiling, **about)


def _covered(matter: str, prefixes: Iterable[str]) -> bool:
    """Whether a matter is one of these or below it: 7.5 holds 7.5.2, and not 7.50."""
    return any(matter == prefix or matter.startswith(f"{prefix}.") for prefix in prefixes)


# Of several reasons, the one nearest to a signature is told.
_NEARNESS = (
    "mandate-ended",
    "mandate-fell",
    "mandate-outside-family",
    "mandate-council-decides",
    "mandate-outside-matter",
    "mandate-not-begun",
    "mandate-not-executory",
    "mandate-amount-unknown",
    "mandate-above-ceiling",
    "mandate-order-off",
)


def fitting(mandates: Iterable[Mandate], act: Act, today: date) -> tuple[Mandate, ...]:
    """The mandates by which this act may be signed, the strongest first; refuses when there is none, and says why.

    Without any mandate at all: `mandate-missing`; else the reason of the one that comes nearest (see `check`).
    """
    fit: list[Mandate] = []
    reasons: list[Refusal] = []
    for mandate in mandates:
        try:
            check(mandate, act, today)
        except Refusal as refusal:
            reasons.append(refusal)
        else:
            fit.append(mandate)
    if fit:
        order = list(Kind)
        return tuple(
            sorted(fit, key=lambda mandate: (order.index(mandate.kind), mandate.rank or 0, mandate.id))
        )
    raise max(reasons, key=lambda refusal: _NEARNESS.index(refusal.key), default=Refusal("mandate-missing"))


def words(mandate: Mandate) -> str:
    """In which capacity the person signs, in the exact words that the act bears.

    « Le maire »; « Pour le maire et par délégation, l’adjoint aux finances »; « Le premier adjoint, suppléant »
    (CGCT L2122-17).
    """
    title = f"{mandate.title[:1].lower()}{mandate.title[1:]}"
    if mandate.kind is Kind.MAYOR:
        return _capital(title)
    if mandate.kind is Kind.SUBSTITUTE:
        feminine = title.startswith(("la ", "l’adjointe", "l’élue"))
        return _capital(f"{title}, {'suppléante' if feminine else 'suppléant'}")
    giver = mandate.given_by.title if mandate.given_by is not None else "le maire"
    return f"Pour {giver[:1].lower()}{giver[1:]} et par délégation, {title}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def conflicts(mandates: Iterable[Mandate], today: date) -> Iterator[tuple[Mandate, Mandate]]:
    """The delegations of function that two elected persons hold over the same acts without an order of priority.

    Several deputies may share a function only if the order says who comes first (CGCT L2122-18). Officers may share
    a signature freely; one person's own delegations do not conflict.
    """
    live = [mandate for mandate in mandates if mandate.kind is Kind.FUNCTION and not over(mandate, today)]
    for first, second in combinations(live, 2):
        ordered = first.rank is not None and second.rank is not None and first.rank != second.rank
        if first.person != second.person and not ordered and _overlap(first, second):
            yield first, second


def _overlap(first: Mandate, second: Mandate) -> bool:
    """Whether some act, on some day, is in the scope of both; a ceiling does not part them: below it both may sign."""
    apart = (first.ends_on is not None and first.ends_on < second.starts_on) or (
        second.ends_on is not None and second.ends_on < first.starts_on
    )
    if apart:
        return False
    if first.families and second.families and not set(first.families) & set(second.families):
        return False
    if not first.matters or not second.matters:
        return True
    return any(
        _covered(matter, (other,)) or _covered(other, (matter,))
        for matter in first.matters
        for other in second.matters
    )
