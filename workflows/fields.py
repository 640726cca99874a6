"""What can be asked of a depositor, and the one way each kind of answer is written down."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

FieldType = Literal[
    "text",
    "longtext",
    "date",
    "amount",
    "decimal",
    "integer",
    "siret",
    "iban",
    "choice",
    "desk",
    "person",
    "member",
    "lines",
    "matter",
    "nature",
]
Moment = Literal["submit", "publish"]

UNCOMPARED: tuple[FieldType, ...] = ("member", "lines")
"""The types of fields that no condition reads: an account's number is that of one installation, and a table is no value."""
MAX_TEXT, MAX_LONGTEXT = 1000, 20_000
MAX_LINES, MAX_TOLD = 50, 5
"""How many lines a table has at most, and how many of its faults are told at once."""
Line = dict[str, str | int]
"""The cells of a line that are filled, by the key of their column."""

_AMOUNT = re.compile(r"-?\d{1,13}(\.\d+)?", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,4})?", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,12}", re.ASCII)
_FRENCH_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
_SIRET = re.compile(r"\d{14}", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_MATTER = re.compile(r"[1-9](\.\d{1,2}){1,4}", re.ASCII)  # two levels at least, five at most (@ctes)
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing asked of a depositor; `required_from` is the moment from which it may not be missing.

    `listed`: lists of folders show it. `columns`: of a table of lines (`lines`), what each line is asked. A `person` is one
    who may sign, whom a circuit may await; a `member` is anybody of the collectivity.
    """

    key: str
    label: str
    type: FieldType
    required_from: Moment | None = None
    help: str = ""
    choices: Mapping[str, str] = attribute(default_factory=dict)
    default: str | int | None = None
    listed: bool = False
    columns: tuple["Field", ...] = ()
    computed: bool = False


def parse(field: Field, value: object) -> str | int | list[Line]:
    """The answer as it is kept: ISO dates, amounts « 1234.50 », decimals « 2.5 », lines by column, the rest as text.

    Idempotent. Raises ValueError with a French sentence when the answer is not of the field's type.
    """
    return _PARSERS[field.type](field, value)


def _text(field: Field, value: object) -> str:
    text = str(value).strip()
    if len(text) > MAX_TEXT or not text.isprintable():
        raise ValueError(f"« {field.label} » doit tenir sur une ligne, en {MAX_TEXT} signes au plus.")
    return text


def _longtext(field: Field, value: object) -> str:
    text = str(value).replace("\r\n", "\n").strip()
    if len(text) > MAX_LONGTEXT:
        raise ValueError(f"« {field.label} » doit tenir en {MAX_LONGTEXT} signes au plus.")
    return text


def _date(field: Field, value: object) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).strip()
    typed = _FRENCH_DATE.fullmatch(text)
    try:
        day = date(int(typed[3]), int(typed[2]), int(typed[1])) if typed else date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"« {field.label} » n’est pas une date. Écrivez-la JJ/MM/AAAA.") from None
    return day.isoformat()


def _amount(field: Field, value: object) -> str:
    text = "".join(str(value).removesuffix("€").split()).replace(",", ".").replace("−", "-")
    number = Decimal(text) if _AMOUNT.fullmatch(text) else None
    if number is None or number != number.quantize(_CENT):
        raise ValueError(f"« {field.label} » n’est pas un montant en euros et centimes. Écrivez-le 1234,50.")
    return str(number.quantize(_CENT))


def _decimal(field: Field, value: object) -> str:
    text = "".join(str(value).removesuffix("€").split()).replace(",", ".").replace("−", "-")
    if not _DECIMAL.fullmatch(text):
        raise ValueError(
            f"« {field.label} » n’est pas un nombre. Écrivez-le 2,5, avec quatre décimales au plus."
        )
    whole, _, decimals = f"{Decimal(text):f}".partition(".")
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _integer(field: Field, value: object) -> int:
    text = str(value).strip()
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"« {field.label} » n’est pas un nombre entier.")
    return int(text)


def _siret(field: Field, value: object) -> str:
    text = "".join(str(value).split())
    # the control key is not asked for: La Poste's does not follow the rule, and a typing fault is not a fraud
    if not _SIRET.fullmatch(text):
        raise ValueError(f"« {field.label} » n’est pas un SIRET. Écrivez-le en quatorze chiffres.")
    return text


def _iban(field: Field, value: object) -> str:
    text = "".join(str(value).split()).upper()
    # ISO 13616: letters count from 10, the first four signs come last, and the whole is 1 modulo 97
    figures = "".join(str(int(sign, 36)) for sign in text[4:] + text[:4]) if _IBAN.fullmatch(text) else ""
    if not figures or int(figures) % 97 != 1:
        raise ValueError(f"« {field.label} » n’est pas un IBAN. Recopiez-le du relevé d’identité bancaire.")
    return text


def _choice(field: Field, value: object) -> str:
    text = str(value).strip()
    if text not in field.choices:
        raise ValueError(f"« {field.label} » n’est pas l’un des choix proposés. Choisissez dans la liste.")
    return text


def _nature(field: Field, value: object) -> int:
    return int(_choice(field, value))


def _matter(field: Field, value: object) -> str:
    text = str(value).strip()
    if not _MATTER.fullmatch(text):
        raise ValueError(
            f"« {field.label} » n’est pas une matière de la nomenclature. Écrivez-la par exemple 7.5."
        )
    return text


def _desk(field: Field, value: object) -> str:
    text = str(value).strip()
    if not _REFERENCE.fullmatch(text):
        raise ValueError(f"« {field.label} » ne désigne pas un bureau. Choisissez dans la liste.")
    return text


def _person(field: Field, value: object) -> int:
    text = str(value).strip()
    if not _INTEGER.fullmatch(text) or int(text) < 1:
        raise ValueError(f"« {field.label} » ne désigne pas une personne. Choisissez dans la liste.")
    return int(text)


def _lines(field: Field, value: object) -> list[Line]:
    if not isinstance(value, list) or not all(isinstance(line, Mapping) for line in value):
        raise ValueError(f"« {field.label} » est un tableau : donnez une liste de lignes.")
    lines = filled(value)
    if len(lines) > MAX_LINES:
        raise ValueError(f"« {field.label} » a {len(lines)} lignes, {MAX_LINES} au plus.")
    faults = [sentence for _, _, sentence in line_faults(field, lines)]
    if faults:
        more = f" Et {len(faults) - MAX_TOLD} autres." if len(faults) > MAX_TOLD else ""
        raise ValueError(" ".join(faults[:MAX_TOLD]) + more)
    return [
        {
            column.key: _PARSERS[column.type](column, line[column.key])  # type: ignore[misc]
            for column in field.columns
            if column.key in line
        }
        for line in lines
    ]


def filled(lines: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """The lines that say something, each without its empty cells."""
    cells = (
        {key: cell for key, cell in line.items() if cell is not None and str(cell).strip()} for line in lines
    )
    return [line for line in cells if line]


def line_faults(field: Field, lines: Iterable[Mapping[str, object]]) -> list[tuple[int, str, str]]:
    """All that is wrong in the lines of a table: the rank of the line from 0, the key of the column, a sentence."""
    return [
        (rank, key, f"« {field.label} », ligne {rank + 1} : {sentence}")
        for rank, line in enumerate(lines)
        for key, sentence in _cell_faults(field, line)
    ]


def _cell_faults(field: Field, line: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    columns = {column.key: column for column in field.columns}
    yield from ((key, f"« {key[:40]} » n’est pas une colonne.") for key in line if key not in columns)
    for key, column in columns.items():
        if key in line:
            try:
                _PARSERS[column.type](column, line[key])
            except ValueError as error:
                yield key, str(error)
        elif column.required_from is not None:
            yield key, f"« {column.label} » reste à renseigner."


_PARSERS: dict[FieldType, Callable[[Field, object], str | int | list[Line]]] = {
    "text": _text,
    "longtext": _longtext,
    "date": _date,
    "amount": _amount,
    "decimal": _decimal,
    "integer": _integer,
    "siret": _siret,
    "iban": _iban,
    "choice": _choice,
    "desk": _desk,
    "person": _person,
    "member": _person,
    "lines": _lines,
    "matter": _matter,
    "nature": _nature,
}
