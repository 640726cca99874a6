"""Whether conditions leave no case out: several steps keep one stage of the law only where one of them always applies."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from math import prod

from workflows.condition import Condition, Test, tests_of
from workflows.fields import Field

MOST = 4096
"""Cases that are tried; beyond, nothing is proven, and what is not proven is refused."""
_CENT = Decimal("0.01")


def covers(conditions: Sequence[Condition], fields: Mapping[str, Field]) -> bool:
    """Whether one of these conditions holds whatever the facts are, each of its field's type.

    Proven by trying: a comparison changes its answer at the value that it names and nowhere else, so each such value is
    tried with its neighbours (a cent, a whole, a day), each choice of a list, and no value at all unless the field is
    required from the sending on. What is not an amount, a number, a date or a choice is never proven.

    >>> amount = {"total": Field("total", "Montant", "amount", "submit")}
    >>> covers([Test("total", "<", Decimal(4000)), Test("total", ">=", Decimal(4000))], amount)
    True
    >>> covers([Test("total", "<", Decimal(4000)), Test("total", ">", Decimal(4000))], amount)
    False
    """
    compared: dict[str, list[Test]] = {}
    for test in (test for condition in conditions for test in tests_of(condition)):
        compared.setdefault(test.field, []).append(test)
    cases = {key: trials(fields.get(key), tests) for key, tests in compared.items()}
    if not all(cases.values()) or prod(map(len, cases.values())) > MOST:
        return False
    return all(
        any(condition.holds(dict(zip(cases, case, strict=True))) for condition in conditions)
        for case in product(*cases.values())
    )


def trials(field: Field | None, tests: Sequence[Test]) -> list[object]:
    """The values that make every difference for these comparisons; empty where that cannot be said."""
    if field is None:
        return []
    missing: list[object] = [] if field.required_from == "submit" else [None]
    if field.choices:
        return [*missing, *field.choices]
    if any(test.op == "starts_with" for test in tests):
        return []
    named = [
        value for test in tests for value in (test.value if isinstance(test.value, tuple) else (test.value,))
    ]
    try:
        around = [near for value in named if value is not None for near in _around(field, value)]
    except (ValueError, ArithmeticError, OverflowError):
        return []
    return [*missing, *dict.fromkeys(around)]


def _around(field: Field, value: Decimal | str) -> list[object]:
    if field.type == "amount" and isinstance(value, Decimal):
        near = value.quantize(_CENT)
        return [near - _CENT, near, near + _CENT]
    if field.type == "integer" and isinstance(value, Decimal):
        whole = int(value.to_integral_value())
        return [whole - 1, whole, whole + 1]
    if field.type == "date" and isinstance(value, str):
        day = date.fromisoformat(value)
        return [(day + timedelta(days=offset)).isoformat() for offset in (-1, 0, 1)]
    raise ValueError(f"{field.type}: not proven by its neighbours")
