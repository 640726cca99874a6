"""What the JSON of every slice is made of: models that are at once the check, the French words of a fault, and the description.

A slice has what it takes in `schemas` and what it gives in `shapes`. Both are imported at the first call, with this module:
building the models has no part in showing a page (docs/decisions/0026-json-by-one-stack.md).
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from app.core.grammar import plural

LONGEST_DIGITS = 100
_WORDS = {
    "missing": "Ce champ est obligatoire.",
    "extra_forbidden": "Ce champ n’existe pas.",
    "is_instance_of": "Un seul fichier est attendu, avec son nom.",
}


def attribute(description: str, example: Any = None, **more: Any) -> Any:
    """What a field is for, in French, with an example; `more` is what pydantic knows of a field (`max_length`, `ge`…)."""
    return Field(description=description, examples=None if example is None else [example], **more)


def shaped(pattern: str, sentence: str) -> AfterValidator:
    """A text of this form from end to end, refused by this sentence otherwise."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(sentence)
        return text

    return AfterValidator(check)


def _plain(number: Any) -> int:
    """Only plain digits: `int` also reads spaces, signs, underscores and the digits of other scripts."""
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) <= LONGEST_DIGITS:
        return int(number)
    raise ValueError("Un nombre entier est attendu.")


Rank = Annotated[int, BeforeValidator(_plain)]
"""A whole number of a query."""


def _day(value: Any) -> Any:
    """Only « 2026-12-05 »: a model that takes no other type takes no text for a day, and JSON has no day."""
    if not isinstance(value, str):
        return value
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(value)
    except ValueError:
        pass  # the 30th of February
    raise ValueError("Un jour est attendu, comme 2026-12-05.")


Day = Annotated[
    date,
    BeforeValidator(_day, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "date"}),
]
"""A day that is sent."""
Moment = Annotated[
    datetime, PlainSerializer(datetime.isoformat), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A date with its hour, in UTC."""


class Taken(BaseModel):
    """What is sent: a name that is not known is refused, so that a typing fault is never silent, and so is another type."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)


class Given(BaseModel):
    """What is answered: these facts and no other, whatever else is known of the thing."""

    model_config = ConfigDict(
        from_attributes=True, populate_by_name=True, json_schema_extra={"additionalProperties": False}
    )


def faults(error: ValidationError) -> Iterator[dict[str, str]]:
    """Each fault with the field it is about (`facts.seller`), whatever its depth, and its French sentence."""
    for fault in error.errors(include_url=False):
        path = ".".join(str(part) for part in fault["loc"] if part != "[key]")
        yield {"key": "field-invalid", "field": path or "demande", "sentence": _sentence(fault)}


def _sentence(fault: ErrorDetails) -> str:
    kind, bounds = fault["type"], fault.get("ctx", {})
    if not fault["loc"]:
        return "Un objet JSON est attendu."
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in _BOUNDS:
        return _BOUNDS[kind](bounds)
    return (
        "Ce champ ne peut pas être nul." if fault["input"] is None else "Ce champ n’est pas du type attendu."
    )


def _listed(expected: str) -> str:
    """The values of a closed list, which the library gives in English: « 'todo', 'late' or 'done' »."""
    return ", ".join(re.findall("'([^']*)'", expected))


_BOUNDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "value_error": lambda bounds: str(bounds["error"]),
    "string_too_long": lambda bounds: f"{plural(bounds['max_length'], 'signe')} au plus sont attendus.",
    "string_too_short": lambda bounds: f"Il faut au moins {plural(bounds['min_length'], 'signe')}.",
    "too_short": lambda bounds: f"Il en faut au moins {bounds['min_length']}.",
    "greater_than_equal": lambda bounds: f"Un nombre de {bounds['ge']} au moins est attendu.",
    "less_than_equal": lambda bounds: f"Un nombre de {bounds['le']} au plus est attendu.",
    "literal_error": lambda bounds: f"Une valeur parmi {_listed(bounds['expected'])} est attendue.",
}
