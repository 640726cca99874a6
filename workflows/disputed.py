"""Facts of which a file says one thing and a person another: until somebody rules, the law is tried on each of them."""

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod

from workflows.condition import Condition, Facts

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
    tried = _versions(facts, condition.fields)
    return tried is None or any(condition.holds(one) for one in tried)


def surely_holds(condition: Condition, facts: Facts) -> bool:
    """Whether the rule holds whichever of the disputed values is the right one."""
    tried = _versions(facts, condition.fields)
    return tried is not None and all(condition.holds(one) for one in tried)


def _versions(facts: Facts, fields: frozenset[str]) -> Iterator[Facts] | None:
    """The facts under each combination of the values of these fields; None when there are too many to be tried."""
    disputed = sorted(fields & facts.others.keys()) if isinstance(facts, Disputed) else []
    if not disputed:
        return iter((facts,))
    offered = [values(facts, key) for key in disputed]
    if prod(map(len, offered)) > MOST:
        return None
    return ({**facts, **dict(zip(disputed, chosen, strict=True))} for chosen in product(*offered))
