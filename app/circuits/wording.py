"""How a family's facts, desks, people and values are called in a sentence, for conditions that are told in words."""

from collections.abc import Mapping
from typing import Any

from app.core.french import spaces
from workflows.drawing import value_key
from workflows.family import Family


def names_of(family: Family, desks: Mapping[str, str], people: Mapping[Any, str]) -> dict[str, str]:
    """The names that a condition of this family is read with (`drawing.Names`): `desks` by key, `people` as values name them."""
    facts = {field.key: f"{field.label[:1].lower()}{field.label[1:]}" for field in family.compared}
    offered: dict[str, Mapping[Any, str]] = {"desk": desks, "person": people}
    worth = {
        value_key(field.key, value): spaces(label)
        for field in family.compared
        for value, label in (field.choices or offered.get(field.type, {})).items()
    }
    return {**facts, **desks, **worth}


def money_of(family: Family) -> frozenset[str]:
    """The facts of a family that are amounts in euros."""
    return frozenset(field.key for field in family.fields if field.type == "amount")
