"""What the page of a circuit, or of rules, posts: the part that is open, as its schema writes it, and the gesture."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.circuits.checking import operators
from app.circuits.drafting import LONGEST_LABEL
from app.circuits.gestures import STEPS, Gesture, Parts
from app.core.db import key_in
from app.core.refusals import Refusal
from app.core.texts import whole
from workflows.circuit import StepKind, WhoKind
from workflows.family import Family, Field, normalised
from workflows.fields import parse
from workflows.loader import MAX_WHO, is_step_key

LONGEST_VALUE = 300
LONGEST_NAME, LONGEST_KEY = 120, 44
ROWS = 20
SEPARATOR = ";"
TOLD = frozenset({"draft-moved", "draft-gone"})
"""What is refused that tells what became of a draft since its page was opened."""
LISTS = ("addtold", "untold", "addalltold", "unalltold", "addrequires", "unrequires")
"""The gestures on lists of keys: the desks that are told, of a step and of the whole circuit, and the fields that it requires."""


@dataclass(frozen=True)
class Form:
    """What a page posted: the values of each name."""

    values: Mapping[str, Sequence[str]]

    def get(self, key: str, default: str = "") -> str:
        """The first value of this name."""
        return next(iter(self.values.get(key, ())), default)

    def getlist(self, key: str) -> Sequence[str]:
        """Every value of this name."""
        return self.values.get(key, ())

    def __contains__(self, key: str) -> bool:
        return key in self.values


def gestures(
    form: Form,
    steps: Sequence[Mapping[str, Any]],
    typed: Callable[[Mapping[str, Any] | None], Mapping[str, Any]],
    parts: Parts = STEPS,
) -> list[Gesture]:
    """What was done on the page, in order: what is typed in the open part, then the button that was pressed.

    `steps` are those of the draft as it is, `typed` reads the open one, given what it was; refuses `bad-request` of a button
    that the page has not, and of a part that no draft could have.
    """
    gestures = []
    key = form.get("open", "")[:40]
    before = next((step for step in steps if step["key"] == key), None)
    if key and before is None and not is_step_key(key):
        raise Refusal("bad-request", detail="étape inconnue")
    if key:
        step = typed(before)
        if before is None or step != {name: value for name, value in before.items() if name != "key"}:
            gestures.append(Gesture("write", key, step=step))
    verb, _, rest = form.get("gesture", "").partition(":")
    if verb == "add":
        gestures.append(Gesture("add", place=_place(rest)))
    elif verb in {"copy", "remove"}:
        gestures.append(Gesture(verb, rest))
    elif verb in {"up", "down"}:
        at = next((rank for rank, step in enumerate(steps) if step["key"] == rest), None)
        if at is None:
            raise Refusal(parts.gone)
        gestures.append(Gesture("move", rest, max(0, at + (1 if verb == "down" else -1))))
    elif verb == "move":
        moved, _, place = rest.rpartition(":")
        gestures.append(Gesture("move", moved, _place(place)))
    elif verb not in {"", "save", "open", "close", "unwho", "uncond", "addcond", "addwho", "discard", *LISTS}:
        raise Refusal("bad-request", detail="geste inconnu")
    return gestures


def opened_after(form: Form, keys: Callable[[], Sequence[str]]) -> str:
    """The part that is open after the gesture that was posted; empty for none. `keys`: those of the draft as it is now."""
    verb, _, rest = form.get("gesture").partition(":")
    if verb in {"close", "remove"}:
        return ""
    if verb == "open":
        return rest
    if verb in {"add", "copy"}:
        known = keys()
        place = key_in(rest) or 0 if verb == "add" else known.index(rest) + 1 if rest in known else 0
        return known[min(place, len(known) - 1)] if known else ""
    return form.get("open")[:40]


def number(form: Mapping[str, str], name: str) -> int:
    """A number that the page showed; refuses `bad-request`."""
    posted = key_in(form.get(name))
    if posted is None:
        raise Refusal("bad-request", detail=f"{name} manque")
    return posted


def _place(text: str) -> int:
    place = key_in(text)
    if place is None:
        raise Refusal("bad-request", detail="place inconnue")
    return place


def step_in(family: Family, form: Form, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The open step as it is typed, valid or not, with the schema of a step and without its key."""
    kind = form.get("kind", "")
    if kind not in set(StepKind):
        raise Refusal("bad-request", detail="nature d’étape inconnue")
    step: dict[str, Any] = {"label": form.get("label", "").strip()[:LONGEST_LABEL], "kind": kind}
    if not StepKind(kind).automatic:
        who = _who(form)
        step["who"], step["quorum"] = who, _quorum(form, len(who))
    when = _when(family, form, before)
    if when is not None:
        step["when"] = when
    days = form.get("days", "").strip()[:9]
    if days:
        number = whole(days)
        step["days"] = days if number is None else number
    if informed := keys_in(form, "told"):
        step["told"] = informed
    if not StepKind(kind).automatic and (requires := keys_in(form, "requires")):
        step["requires"] = requires
    if not StepKind(kind).automatic and form.get("reading"):
        step["reading"] = True
    if kind == StepKind.TRANSMIT and form.get("channel"):
        step["channel"] = form.get("channel")[:40]
    return step


def keys_in(form: Form, name: str) -> list[str]:
    """The keys of a list (`told`, `all_told`: desks; `requires`: fields) as it is left after the gesture."""
    gone = form.get("gesture").removeprefix(f"un{name.replace('_', '')}:")
    keys = [key for rank, key in enumerate(form.getlist(name)) if gone != str(rank)]
    return list(dict.fromkeys(key[:LONGEST_KEY] for key in [*keys, form.get(f"{name}_add")] if key))[
        : MAX_WHO + 1
    ]


def row_in(family: Family, form: Form, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The open row of rules as it is typed, valid or not, without its key."""
    return {"when": _when(family, form, before), "circuit": form.get("circuit", "")[:LONGEST_NAME]}


def _who(form: Form) -> list[dict[str, Any]]:
    gone = form.get("gesture", "").removeprefix("unwho:")
    rows = [row for rank, row in enumerate(form.getlist("who")) if gone != str(rank)]
    actors: list[dict[str, Any]] = []
    for row in [*rows, form.get("who_add", "")][: MAX_WHO + 1]:
        kind, _, value = row.partition(":")
        if not value or kind not in set(WhoKind):
            continue
        actor: dict[str, Any] = {kind: value[:60]}
        if kind == WhoKind.SUPERIOR:
            actor = {kind: key_in(value) or 1}
        if actor not in actors:
            actors.append(actor)
    return actors


def _quorum(form: Form, actors: int) -> str | int:
    rule = form.get("quorum", "any")
    if rule != "n":
        return "all" if rule == "all" else "any"
    typed = form.get("quorum_n", "").strip()[:3]
    if not typed:
        return max(actors, 1)
    number = whole(typed)
    return typed if number is None else number


def _when(family: Family, form: Form, before: Mapping[str, Any] | None) -> Any:
    if form.get("when") == "kept" and before is not None:
        return before.get("when")
    gone = form.get("gesture", "").removeprefix("uncond:")
    rows = [
        _row(family, form, rank)
        for rank in range(ROWS)
        if f"cond_field_{rank}" in form and gone != str(rank) and form.get(f"cond_field_{rank}")
    ]
    if form.get("gesture") == "addcond" and len(rows) < ROWS:
        first = family.fields[0]
        rows.append({"field": first.key, "op": operators(first)[0], "value": ""})
    if not rows:
        return None
    word = "any" if form.get("cond_word") == "any" else "all"
    return rows[0] if len(rows) == 1 else {word: rows}


def _row(family: Family, form: Form, rank: int) -> dict[str, Any]:
    key = form.get(f"cond_field_{rank}")[:LONGEST_KEY]
    field = family.comparable(key)
    op = form.get(f"cond_op_{rank}", "")[:12]
    if field is None:
        return {"field": key, "op": op, "value": ""}
    if op not in operators(field):
        op = operators(field)[0]
    if op == "present":
        return {"field": key, "op": op}
    typed = [text.strip()[:LONGEST_VALUE] for text in form.getlist(f"cond_value_{rank}")]
    if op == "in":
        parts = [part for text in typed for part in (text.split(SEPARATOR) if not field.choices else [text])]
        return {
            "field": key,
            "op": op,
            "value": [_value(family, field, op, part.strip()) for part in parts if part.strip()],
        }
    return {"field": key, "op": op, "value": _value(family, field, op, typed[0] if typed else "")}


def _value(family: Family, field: Field, op: str, typed: str) -> Any:
    """The value as the schema writes it, in the form in which folders keep the field (a SIRET without spaces).

    What is not of the field's type stays as typed, for the page to tell.
    """
    if not typed or op == "starts_with":
        return typed
    try:
        parsed = parse(field, typed)
    except ValueError:
        return typed
    value = normalised(family, {field.key: typed}).get(field.key, parsed)  # what is computed is never typed
    if field.type in {"integer", "date"}:
        return value
    if field.type != "amount":
        return str(value)
    number = Decimal(str(value))
    return int(number) if number == number.to_integral_value() else float(number)
