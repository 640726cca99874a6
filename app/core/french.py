"""French as it is printed: spaces, dates, amounts; one place makes them all."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from jinja2 import Environment
from jinja2.ext import Extension
from jinja2.lexer import Token

from app.core.clock import PARIS, now, today
from app.core.grammar import THIN, de, et_autres, milliers

HARD = "\u00a0"
_BEFORE_HIGH = re.compile(r"(?<=\S) ([;!?])")
_BEFORE_COLON = re.compile(r"(?<=\S) (:|»|%|€)")
_AFTER_OPEN = re.compile(r"« ")
_AFTER_NUMBER = re.compile(r"(n°|\bM\.|\bMme) (?=\S)")
_LASTING = ContextVar("a day has its year", default=False)
_DAYS = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
_LONG_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")
_LONG_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


def spaces(text: str) -> str:
    """The same text with the no-break spaces of French typography."""
    text = _BEFORE_HIGH.sub(THIN + r"\1", text)
    text = _BEFORE_COLON.sub(HARD + r"\1", text)
    text = _AFTER_OPEN.sub("«" + HARD, text)
    return _AFTER_NUMBER.sub(r"\1" + HARD, text)


class FrenchSpaces(Extension):
    """Sets the spaces of the fixed text of templates, once, when they are compiled."""

    def filter_stream(self, stream: Iterable[Token]) -> Iterable[Token]:
        """Only the text between the tags of Jinja passes here; values are never changed.

        A value counts as a word for the space that follows it (« {{ title }} ») or that precedes it (n° {{ number }}).
        """
        word = ""
        for token in stream:
            if token.type == "data":
                yield Token(token.lineno, "data", spaces(f"{word}{token.value}x")[len(word) : -1])
            else:
                yield token
            word = "x" if token.type == "variable_end" else ""


EURO = "EUR"


class Abroad(Decimal):
    """An amount in another currency than the euro, which `euros` writes with its code."""

    currency: str = ""

    @classmethod
    def of(cls, amount: Decimal, currency: str) -> "Abroad":
        """The amount, in this currency."""
        abroad = cls(amount)
        abroad.currency = currency
        return abroad


def euros(value: Any) -> str:
    """« 3 186,00 € » from a decimal or its text, « 1 801,78 NOK » of one `Abroad`; anything else is given back as it is."""
    try:
        amount = Decimal(str(value)).quantize(Decimal("0.01"))
        whole, cents = f"{abs(amount):.2f}".split(".")
    except (InvalidOperation, ValueError):  # ValueError: « NaN » is a Decimal
        return str(value)
    grouped = f"{int(whole):,}".replace(",", THIN)
    return f"{'−' if amount < 0 else ''}{grouped},{cents}{HARD}{value.currency if isinstance(value, Abroad) else '€'}"


def montant(value: Any) -> str:
    """« 3 186,00 », as a form shows an amount: what `euros` prints, without its sign of currency."""
    return euros(value).removesuffix(f"{HARD}€")


def nombre(value: Any) -> str:
    """« 1 250,5 » : no needless zero, French separators; what is no number is given back as it is written."""
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return str(value)
    if not number.is_finite():
        return str(value)
    whole, _, decimals = f"{number:f}".partition(".")
    decimals = decimals.rstrip("0")
    grouped = f"{int(whole):,}".replace(",", THIN)
    return f"{'-' if number < 0 and whole == '-0' else ''}{grouped},{decimals}" if decimals else grouped


@contextmanager
def for_years() -> Iterator[None]:
    """Within, each day has its year: what is printed or stamped is read in another one."""
    before = _LASTING.set(True)
    try:
        yield
    finally:
        _LASTING.reset(before)


def jour(value: date | str | None) -> str:
    """« jeu. 26 nov. », with the year when it is not this one, or within `for_years`."""
    day = _day(value)
    if day is None:
        return str(value or "")
    year = "" if day.year == today().year and not _LASTING.get() else f" {day.year}"
    return f"{_DAYS[day.weekday()]} {_first(day)} {_MONTHS[day.month - 1]}{year}"


def mois(value: date) -> str:
    """« Novembre 2026 », at the head of a line."""
    name = _LONG_MONTHS[value.month - 1]
    return f"{name[:1].upper()}{name[1:]} {value.year}"


def jour_long(value: date | str | None) -> str:
    """« jeudi 26 novembre 2026 »."""
    day = _day(value)
    if day is None:
        return str(value or "")
    return f"{_LONG_DAYS[day.weekday()]} {_first(day)} {_LONG_MONTHS[day.month - 1]} {day.year}"


def instant(value: datetime | None) -> str:
    """« mar. 24 nov., 10 h 12 », at the town hall's clock."""
    if value is None:
        return ""
    local = value.astimezone(PARIS)
    return f"{jour(local.date())}, {local.hour}{HARD}h{HARD}{local.minute:02d}"


def heure(value: datetime) -> str:
    """« 22 h 55 »."""
    local = value.astimezone(PARIS)
    return f"{local.hour}{HARD}h{HARD}{local.minute:02d}"


def moment_of_day(value: datetime) -> str:
    """« à 22 h 51 » of today, else « le 24 nov. 2026, 22 h 51 »."""
    return f"à {heure(value)}" if value.astimezone(PARIS).date() == today() else f"le {instant(value)}"


def instant_preuve(value: datetime | None) -> str:
    """« 25/11/2026 22:57:12 +01:00 », the form of evidence: to the second, with its offset."""
    if value is None:
        return ""
    local = value.astimezone(PARIS)
    offset = local.strftime("%z")
    return f"{local:%d/%m/%Y %H:%M:%S} {offset[:3]}:{offset[3:]}"


def taille(size: int) -> str:
    """« 84 Ko »."""
    if size < 1024:
        return f"{size}{HARD}octets"
    if size < 1024 * 1024:
        return f"{round(size / 1024)}{HARD}Ko"
    return f"{size / 1024 / 1024:.1f}".replace(".", ",").removesuffix(",0") + f"{HARD}Mo"


def attente(seconds: int) -> str:
    """How long to wait, never less than it is: « 12 secondes », « une minute », « 3 heures »."""
    count, singular, word = seconds, "une seconde", "secondes"
    for size, longer, several in (
        (60, "une minute", "minutes"),
        (60, "une heure", "heures"),
        (24, "un jour", "jours"),
    ):
        if count < size:
            break
        count, singular, word = -(-count // size), longer, several
    return singular if count <= 1 else f"{count}{HARD}{word}"


def depuis(value: datetime | None) -> str:
    """« depuis 9 jours »."""
    if value is None:
        return ""
    seconds = max((now() - value).total_seconds(), 0)
    for size, word in ((86400, "jour"), (3600, "heure"), (60, "minute")):
        count = int(seconds // size)
        if count:
            return f"depuis {count} {word}{'s' if count > 1 else ''}"
    return "depuis un instant"


def _day(value: date | str | None) -> date | None:
    if isinstance(value, datetime):
        return value.astimezone(PARIS).date()
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return None
    return value


def _first(day: date) -> str:
    return "1er" if day.day == 1 else str(day.day)


def install(environment: Environment) -> None:
    """Give the templates their typography and their filters."""
    environment.add_extension(FrenchSpaces)
    for text_filter in (
        spaces,
        euros,
        jour,
        jour_long,
        instant,
        heure,
        instant_preuve,
        taille,
        depuis,
        de,
        et_autres,
        milliers,
    ):
        environment.filters[text_filter.__name__] = text_filter


def grouped(number: str) -> str:
    """A SIRET, a SIREN or an account by groups, as they are printed: « 483 120 775 00031 », « FR76 3000 1007 … »."""
    if number.isdigit() and len(number) in {9, 14}:
        return " ".join(filter(None, (number[:3], number[3:6], number[6:9], number[9:])))
    return (
        " ".join(number[n : n + 4] for n in range(0, len(number), 4))
        if number[:1].isalpha() and number.isalnum()
        else number
    )


def quoted(text: str) -> str:
    """What somebody wrote, in quotation marks at the end of a sentence, with one full stop: « Confirmé. » or « Confirmé »."""
    return f"« {text} »" if text.endswith((".", "!", "?", "…")) else f"« {text} »."
