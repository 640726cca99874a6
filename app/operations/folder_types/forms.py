"""What an administrator typed of a type, read from the page: a definition, and what of it cannot be read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.core.texts import whole
from app.notices.escalation import NEVER
from workflows.family import Problem
from workflows.own_types import MOST_COLUMNS, MOST_FIELDS, OWN, Column, Definition, OwnField, slug

ESCALATION = "escalation"
NUMBERS = ("days", "retention_years", ESCALATION, "attachments_least", "attachments_most")
_MOST = 999_999
_OR = {ESCALATION: f", ou « {NEVER} »"}


class Form(Protocol):
    """What a page posts: one value of a name, or all of them."""

    def get(self, name: str, default: str, /) -> str:
        """The first value, or `default`."""

    def getlist(self, name: str, /) -> list[str]:
        """Every value, in the order of the page."""

    def __contains__(self, name: object, /) -> bool:
        """Whether the name was posted at all."""


@dataclass(frozen=True)
class Typed:
    """A definition as it was typed, the numbers as they were written, and what of them is no number."""

    definition: Definition
    texts: Mapping[str, str]
    problems: Sequence[Problem] = ()


def typed(form: Form, before: Definition) -> Typed:
    """What the page of a type posts; an own field keeps the key that it has in `before`."""
    texts = {name: form.get(name, "").strip() for name in NUMBERS}
    back = form.get("action", "").removeprefix("back:")
    texts = {name: "" if name == back else text for name, text in texts.items()}
    numbers = {name: _number(name, text) for name, text in texts.items()}
    wrong = [
        Problem(
            "number-invalid",
            name,
            f"« {text} » n’est pas un nombre entier. Écrivez-le en chiffres{_OR.get(name, '')}.",
        )
        for name, text in texts.items()
        if text and numbers[name] is None
    ]
    desks, formats, readers = (
        () if name == back else tuple(dict.fromkeys(form.getlist(name)))
        for name in ("deposited_by", "formats", "seen_at")
    )
    visibility = None if back == "visibility" else form.get("visibility", "") or None
    definition = Definition(
        label=" ".join(form.get("label", "").split()),
        help="" if back == "help" else " ".join(form.get("help", "").split()),
        fields=tuple(_fields(form, {field.key: field for field in before.fields})),
        minimum_signature=None if back == "minimum_signature" else form.get("minimum_signature", "") or None,
        signature_level=None if back == "signature_level" else form.get("signature_level", "") or None,
        deposited_by=desks,
        formats=formats,
        register=None if back == "register" else _register(form),
        icon=None if back == "icon" else form.get("icon", "") or None,
        signature_place=None if back == "signature_place" else form.get("signature_place", "") or None,
        signature_format=None if back == "signature_format" else form.get("signature_format", "") or None,
        visibility=visibility,
        seen_at=readers if visibility == "desks" else (),
        days=numbers["days"],
        retention_years=numbers["retention_years"],
        escalation=numbers["escalation"],
        attachments_least=numbers["attachments_least"],
        attachments_most=numbers["attachments_most"],
    )
    return Typed(definition, texts, wrong)


def _register(form: Form) -> str | None:
    """How a register writes its numbers, from its first letters and where it starts again."""
    prefix = form.get("register", "").strip().upper()
    return (
        f"{prefix}-{'{year}-' if form.get('register_every', '') == 'year' else ''}{{rank}}"
        if prefix
        else None
    )


def as_typed(definition: Definition) -> Typed:
    """A definition as the page shows it first."""
    values = {name: getattr(definition, name) for name in NUMBERS}
    return Typed(definition, {name: _written(name, value) for name, value in values.items()})


def _written(name: str, value: int | None) -> str:
    return "" if value is None else NEVER if name == ESCALATION and not value else str(value)


def _number(name: str, text: str) -> int | None:
    """A number as it was typed; « jamais » of the delay that 0 says never."""
    return 0 if name == ESCALATION and text.casefold() == NEVER else whole(text, _MOST)


def _fields(form: Form, known: Mapping[str, OwnField]) -> Iterator[OwnField]:
    """The own fields in their order: neither those that are taken off, nor the blank rows that add some."""
    # One more than a type may have: that there are too many is said, and not read to the end
    rows = _rows(form, "row", MOST_FIELDS)
    taken = {key for row in rows if (key := form.get(f"{row}-key", "")) in known}
    for row in rows:
        label, lines = _text(form, f"{row}-label"), _lines(form, f"{row}-choices")
        key = form.get(f"{row}-key", "")
        if key not in known:
            if not label and not lines and not _text(form, f"{row}-help"):
                continue
            key = _key(label, taken, OWN)
            taken.add(key)
        kind = form.get(f"{row}-kind", "")
        before = {column.key for column in known[key].columns} if key in known else set()
        yield OwnField(
            key,
            label,
            kind,
            form.get(f"{row}-required", "") == "submit",
            _choices(lines) if kind == "choice" else (),
            help=_text(form, f"{row}-help"),
            listed=f"{row}-listed" in form,
            columns=tuple(_columns(form, row, before, lines)) if kind == "lines" else (),
        )


def _columns(form: Form, row: str, known: set[str], labels: Sequence[str]) -> Iterator[Column]:
    """The columns of a table in their order; of a new one, a column of text for each line of its box."""
    rows = [f"{row}-{column}" for column in _rows(form, f"{row}-column", MOST_COLUMNS, f"{row}-")]
    taken = {key for prefix in rows if (key := form.get(f"{prefix}-key", "")) in known}
    for prefix in rows:
        label, key = _text(form, f"{prefix}-label"), form.get(f"{prefix}-key", "")
        options = [
            text for part in form.get(f"{prefix}-choices", "").split(";") if (text := " ".join(part.split()))
        ]
        if key not in known:
            if not label and not options:
                continue
            key = _key(label, taken, "")
            taken.add(key)
        kind = form.get(f"{prefix}-kind", "")
        choices = _choices(options) if kind == "choice" else ()
        yield Column(key, label, kind, form.get(f"{prefix}-required", "") == "submit", choices)
    for word in () if rows else labels:
        key = _key(word, taken, "")
        taken.add(key)
        yield Column(key, word, "text")


def _rows(form: Form, name: str, most: int, before: str = "") -> list[str]:
    """The rows of a list in the order of the page, but those that are taken off."""
    listed = list(dict.fromkeys(form.getlist(name)))[: most + 2]
    return [row for row in listed if f"{before}{row}-remove" not in form]


def _text(form: Form, name: str) -> str:
    return " ".join(form.get(name, "").split())


def _lines(form: Form, name: str) -> list[str]:
    lines = (" ".join(line.split()) for line in form.get(name, "").splitlines())
    return [line for line in lines if line]


def _choices(labels: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple((slug(label, "-"), label) for label in labels)


def _key(label: str, taken: set[str], begins: str) -> str:
    stem = f"{begins}{slug(label, '_')[:36]}"
    return next(
        key
        for number in range(1, len(taken) + 2)
        if (key := stem if number == 1 else f"{stem}_{number}") not in taken
    )
