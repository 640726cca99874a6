"""When a step applies: small declarative rules on the facts of a folder, data and never code."""

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import permutations, product
from math import prod
from typing import Any

Facts = Mapping[str, object]

Tell = Callable[[str], None]
"""Takes one fault, a French sentence; the reading goes on, so that all faults are told together."""

MAX_DEPTH, MAX_PARTS = 6, 20
OWN = "own_"
"""What the keys of a type's own fields begin with: no family has such a field, so no rule of law reads one."""
SEVERAL = frozenset({"emitter_branch"})
"""The facts that have several values at once: a desk is of its own branch and of all those above it."""

_FIELD = re.compile(r"[a-z][a-z0-9_]{0,43}", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MAX_DIGITS = 15  # what a JSON number carries without loss


class Condition(ABC):
    """A rule on the facts of a folder."""

    __slots__ = ()

    @abstractmethod
    def holds(self, facts: Facts) -> bool:
        """True when the facts satisfy the rule."""

    @property
    def never(self) -> bool:
        """True when the rule plainly contradicts itself; a doubt is not a contradiction."""
        return False

    @property
    @abstractmethod
    def fields(self) -> frozenset[str]:
        """The keys of the facts that the rule reads."""

    @abstractmethod
    def to_data(self) -> dict[str, object]:
        """The same rule as the schema writes it."""


@dataclass(frozen=True, slots=True)
class Test(Condition):
    """One comparison; a missing field makes it false, whatever the operator.

    A number in the circuit is compared as Decimal, so « 4000 » equals « 4000.00 »; two texts are equal as
    texts, so that matter « 7.1 » is not matter « 7.10 »; order is that of numbers or of ISO dates. A fact of several values
    (a tuple) equals each of them.
    """

    __test__ = False  # a name that pytest would collect

    field: str
    op: str
    value: Decimal | str | tuple[Decimal | str, ...] | None = None

    def holds(self, facts: Facts) -> bool:
        """True when the fact is there and compares as asked."""
        fact = facts.get(self.field)
        if fact is None or fact == "":
            return False
        return _OPERATORS[self.op](fact, self.value)

    @property
    def fields(self) -> frozenset[str]:
        """The one field compared."""
        return frozenset({self.field})

    def to_data(self) -> dict[str, object]:
        """`{field, op, value}`, numbers as JSON numbers."""
        written: dict[str, object] = {"field": self.field, "op": self.op}
        if isinstance(self.value, tuple):
            written["value"] = [_plain(item) for item in self.value]
        elif self.value is not None:
            written["value"] = _plain(self.value)
        return written


@dataclass(frozen=True, slots=True)
class AllOf(Condition):
    """Every part holds."""

    parts: tuple[Condition, ...]

    def holds(self, facts: Facts) -> bool:
        """True when no part fails."""
        return all(part.holds(facts) for part in self.parts)

    @property
    def never(self) -> bool:
        """True when one part never holds, or two exclude each other."""
        return any(part.never for part in self.parts) or any(
            _exclude(*two) for two in permutations(self.parts, 2)
        )

    @property
    def fields(self) -> frozenset[str]:
        """The fields of every part."""
        return frozenset().union(*(part.fields for part in self.parts))

    def to_data(self) -> dict[str, object]:
        """`{all: [...]}`."""
        return {"all": [part.to_data() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class AnyOf(Condition):
    """At least one part holds."""

    parts: tuple[Condition, ...]

    def holds(self, facts: Facts) -> bool:
        """True when one part holds."""
        return any(part.holds(facts) for part in self.parts)

    @property
    def never(self) -> bool:
        """True when no part ever holds."""
        return all(part.never for part in self.parts)

    @property
    def fields(self) -> frozenset[str]:
        """The fields of every part."""
        return frozenset().union(*(part.fields for part in self.parts))

    def to_data(self) -> dict[str, object]:
        """`{any: [...]}`."""
        return {"any": [part.to_data() for part in self.parts]}


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """The part does not hold."""

    part: Condition

    def holds(self, facts: Facts) -> bool:
        """True when the part fails."""
        return not self.part.holds(facts)

    @property
    def fields(self) -> frozenset[str]:
        """The fields of the part."""
        return self.part.fields

    def to_data(self) -> dict[str, object]:
        """`{not: …}`."""
        return {"not": self.part.to_data()}


def tests_of(condition: Condition) -> Iterator[Test]:
    """Every comparison that a rule makes."""
    if isinstance(condition, Test):
        yield condition
    elif isinstance(condition, Not):
        yield from tests_of(condition.part)
    elif isinstance(condition, AllOf | AnyOf):
        for part in condition.parts:
            yield from tests_of(part)


def _number(value: object) -> Decimal | None:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = Decimal(str(value))
        return number if number.is_finite() else None
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _text(value: object) -> str:
    if isinstance(value, datetime):
        value = value.date()
    return value.isoformat() if isinstance(value, date) else str(value)


def _plain(value: Decimal | str) -> int | float | str:
    if isinstance(value, str):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def _equal(fact: object, value: object) -> bool:
    if isinstance(fact, tuple):  # a branch of desks is each of its desks
        return any(_equal(member, value) for member in fact)
    if isinstance(fact, str) and isinstance(value, str):
        return fact == value
    left, right = _number(fact), _number(value)
    return left == right if left is not None and right is not None else _text(fact) == _text(value)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[object, Any], bool]:
    def holds(fact: object, value: Any) -> bool:
        left, right = _number(fact), _number(value)
        if left is not None and right is not None:
            return compare(left, right)
        first, second = _text(fact), _text(value)
        both_dates = _ISO_DATE.fullmatch(first) and _ISO_DATE.fullmatch(second)
        return bool(both_dates) and compare(first, second)

    return holds


_OPERATORS: dict[str, Callable[[object, Any], bool]] = {
    "==": _equal,
    "!=": lambda fact, value: not _equal(fact, value),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    "in": lambda fact, value: any(_equal(fact, item) for item in value),
    "starts_with": lambda fact, value: _text(fact).startswith(value),
    "present": lambda _fact, _value: True,
}
_ORDERS = frozenset({">", ">=", "<", "<="})


def _exclude(first: Condition, second: Condition) -> bool:
    """No fact satisfies both: the contrary, a second value of one field, bounds with nothing between."""
    if second == Not(first):
        return True
    if not isinstance(first, Test) or not isinstance(second, Test) or first.field != second.field:
        return False
    if first.field in SEVERAL:  # to be of one and of another is no contradiction
        return first.op == "==" and second.op == "!=" and first.value == second.value
    pinned = {first.field: first.value}
    if first.op == "==":
        return not second.holds(pinned)
    if first.op in {">", ">="} and second.op in {"<", "<="}:
        tightest = Test(second.field, "<", second.value) if first.op == ">" else second
        return not tightest.holds(pinned)
    return False


def read(data: object, tell: Tell, depth: int = MAX_DEPTH) -> Condition | None:
    """The rule written in `data`; each fault is told, and what is faulty is left out."""
    if not isinstance(data, Mapping):
        tell("elle s’écrit {field, op, value}, ou all, any, not.")
        return None
    if depth == 0:
        tell(f"plus de {MAX_DEPTH} niveaux emboîtés.")
        return None
    if len(data) == 1 and "not" in data:
        part = read(data["not"], tell, depth - 1)
        return None if part is None else Not(part)
    if len(data) == 1 and ("all" in data or "any" in data):
        ((word, written),) = data.items()
        if not isinstance(written, list | tuple) or not 1 <= len(written) <= MAX_PARTS:
            tell(f"« {word} » demande une liste de 1 à {MAX_PARTS} conditions.")
            return None
        parts = tuple(p for w in written if (p := read(w, tell, depth - 1)) is not None)
        return AllOf(parts) if word == "all" else AnyOf(parts)
    return _test(data, tell)


def _test(data: Mapping[str, Any], tell: Tell) -> Test | None:
    for unknown in (name for name in data if name not in {"field", "op", "value"}):
        tell(f"le champ « {unknown} » est inconnu.")
    name, op = data.get("field"), data.get("op")
    if not isinstance(name, str) or not _FIELD.fullmatch(name):
        tell("« field » doit nommer un champ du dossier.")
        return None
    if not isinstance(op, str) or op not in _OPERATORS:
        tell(f"l’opérateur « {op} » est inconnu ; choisissez parmi {' '.join(_OPERATORS)}.")
        return None
    if op == "present":
        if "value" in data:
            tell("« present » ne prend pas de valeur.")
        return Test(name, op)
    return Test(name, op, _value(op, data.get("value"), tell))


def _value(op: str, data: object, tell: Tell) -> Decimal | str | tuple[Decimal | str, ...]:
    if op == "in":
        if isinstance(data, list | tuple) and data:
            return tuple(_scalar(item, tell) for item in data)
        tell("« in » demande une liste de valeurs, non vide.")
        return ()
    value = _scalar(data, tell)
    if op == "starts_with" and not isinstance(value, str):
        tell("« starts_with » demande un texte, à mettre entre guillemets.")
    if (
        op in _ORDERS
        and isinstance(value, str)
        and value
        and not (_NUMBER.fullmatch(value) or _ISO_DATE.fullmatch(value))
    ):
        tell(f"« {op} » compare des nombres ou des dates (AAAA-MM-JJ), pas « {value} ».")
    return value


def _scalar(data: object, tell: Tell) -> Decimal | str:
    if isinstance(data, date):  # YAML reads an unquoted 2026-01-31 as a date
        return _text(data)
    if isinstance(data, int | float | Decimal) and not isinstance(data, bool):
        number = Decimal(str(data))
        if number.is_finite() and max(len(number.as_tuple().digits), abs(number.adjusted())) <= _MAX_DIGITS:
            return number
    elif isinstance(data, str) and data:
        return data
    tell("« value » doit être un nombre, une date ou un texte non vide.")
    return ""


# Facts of which a file says one thing and a person another: until somebody rules, the law is tried on each of them.

MOST = 512
"""Combinations of values that are tried; beyond, what could hold is taken to hold, and nothing is taken to be sure."""


class Disputed(Mapping[str, object]):
    """The facts as they stand, and beside some of them the other values that nobody has ruled out (`others`).

    Reads as the facts that stand; only the questions of this room try the others.
    """

    __slots__ = ("_facts", "others")

    def __init__(self, facts: Facts, others: Mapping[str, tuple[object, ...]]) -> None:
        self._facts = facts
        self.others = others

    def __getitem__(self, key: str) -> object:
        return self._facts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)


def values(facts: Facts, key: str) -> tuple[object, ...]:
    """Every value that a fact may have, the one that stands first; None for a fact that is not there."""
    others = facts.others.get(key, ()) if isinstance(facts, Disputed) else ()
    return (facts.get(key), *others)


def may_hold(condition: Condition, facts: Facts) -> bool:
    """Whether the rule holds for the facts that stand, or for other values of those that are disputed."""
    tried = versions(facts, condition.fields)
    return tried is None or any(condition.holds(version) for version in tried)


def possible(condition: Condition, facts: Facts, unknown: frozenset[str]) -> bool:
    """Whether the rule may come to hold: facts of the keys of `unknown` may become anything, disputed ones be either value."""
    if not condition.fields & unknown:
        return may_hold(condition, facts)
    tried = versions(facts, condition.fields)
    return tried is None or any(_outcomes(condition, version, unknown)[0] for version in tried)


def _outcomes(condition: Condition, facts: Facts, unknown: frozenset[str]) -> tuple[bool, bool]:
    """Whether the rule may come to hold, and whether it may come to fail."""
    if isinstance(condition, Test) and condition.field in unknown:
        return True, True
    if isinstance(condition, Not):
        holds, fails = _outcomes(condition.part, facts, unknown)
        return fails, holds
    if isinstance(condition, AllOf | AnyOf):
        parts = [_outcomes(part, facts, unknown) for part in condition.parts]
        hold, fail = [holds for holds, _ in parts], [fails for _, fails in parts]
        return (all(hold), any(fail)) if isinstance(condition, AllOf) else (any(hold), all(fail))
    return condition.holds(facts), not condition.holds(facts)


def surely_holds(condition: Condition, facts: Facts) -> bool:
    """Whether the rule holds whichever of the disputed values is the right one."""
    tried = versions(facts, condition.fields)
    return tried is not None and all(condition.holds(version) for version in tried)


def versions(facts: Facts, fields: frozenset[str]) -> Iterator[Facts] | None:
    """The facts under each combination of the values of these fields; None when there are too many to be tried."""
    disputed = sorted(fields & facts.others.keys()) if isinstance(facts, Disputed) else []
    if not disputed:
        return iter((facts,))
    offered = [values(facts, key) for key in disputed]
    if prod(map(len, offered)) > MOST:
        return None
    return ({**facts, **dict(zip(disputed, chosen, strict=True))} for chosen in product(*offered))


def plainly_within(condition: Condition | None, other: Condition | None) -> bool:
    """Whether a condition (None: always) holds only where another does, as it is written: a doubt is no.

    >>> above, low = Test("total_ttc", ">=", Decimal(1000)), Test("total_ttc", "<", Decimal(5))
    >>> plainly_within(AllOf((above, low)), above), plainly_within(low, above), plainly_within(above, None)
    (True, False, True)
    """
    if other is None or condition == other:
        return True
    parts = condition.parts if isinstance(condition, AllOf) else (condition,)
    wanted = other.parts if isinstance(other, AllOf) else (other,)
    return all(part in parts for part in wanted)
