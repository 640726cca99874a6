"""What a text may hold here: the characters of XML 1.0, which both databases, every page and every file we make can keep."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from app.core.refusals import Refusal
from workflows.letters import foreign

# Everything but the production Char: NUL, which PostgreSQL cannot hold; the other controls, which no XML can; half of a
# surrogate pair, which has no bytes. Source: XML 1.0 §2.2.
_STRANGE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


_LIGATURES = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "’": "'", "ß": "ss"})


class _Plain(dict[int, str]):
    """Each character without its accents, as it is met: thousands of names are searched for one word."""

    MOST = 5_000

    def __missing__(self, point: int) -> str:
        parts = unicodedata.normalize("NFKD", _LIGATURES.get(point) or chr(point))
        plain = "".join(sign for sign in parts if not unicodedata.combining(sign))
        if len(self) < self.MOST:
            self[point] = plain
        return plain


_PLAIN = _Plain()


def strange(text: str) -> str | None:
    r"""The first character of a text that cannot be kept, by its number, or None.

    >>> strange("a\0b"), strange("\ud800"), strange("Délibération\r\n\t🙂")
    ('U+0000', 'U+D800', None)
    """
    match = _STRANGE.search(text)
    return f"U+{ord(match.group()):04X}" if match else None


def plain(text: str) -> str:
    r"""What a person wrote, stripped, without what shows nothing and may turn what follows it; its lines stay.

    A joiner stays, which makes one picture of several. Source: UAX #9; UTS #39.

    >>> plain(" Sous réserve\N{RIGHT-TO-LEFT OVERRIDE}\N{SOFT HYPHEN}.\u2028Bien "), plain("\N{ZERO WIDTH SPACE}")
    ('Sous réserve.\nBien', '')
    """
    if not text.isascii():
        text = text.replace("\u2028", "\n").replace("\u2029", "\n")
        text = "".join(
            sign for sign in text if sign == "\N{ZERO WIDTH JOINER}" or unicodedata.category(sign) != "Cf"
        )
    text = text.strip()
    return text if text.strip("\N{ZERO WIDTH JOINER} ") else ""


def line_of(text: str) -> str:
    r"""A text on one line, its spaces plain; refuses `text-hidden` a sign that shows nothing, or turns what follows it.

    >>> line_of(" Le  maire\N{NO-BREAK SPACE}délégué ")
    'Le maire délégué'
    """
    line = " ".join(text.split())
    if (sign := next((letter for letter in line if not letter.isprintable()), None)) is not None:
        raise Refusal("text-hidden", sign=f"U+{ord(sign):04X}")
    return line


def whole(text: str | None, most: int = 2**31 - 1) -> int | None:
    """The whole number that a text is, or None: plain digits alone, no more of them than `most` has, and no more than it.

    `int` also reads signs, spaces and the digits of other scripts, and fails beyond 4,300 digits.

    >>> whole("12"), whole("²"), whole("٣"), whole("-1"), whole("9" * 5000), whole("13", 12), whole("")
    (12, None, None, None, None, None, None)
    """
    if not text or not (text.isascii() and text.isdigit()) or len(text) > len(str(most)):
        return None
    return int(text) if int(text) <= most else None


def refuse_foreign(*names: str) -> None:
    """Refuse `text-alphabet` a name that holds a letter of another alphabet, which would be read as one of ours."""
    for name in names:
        if sign := foreign(name):
            raise Refusal("text-alphabet", text=name, sign=sign)


def cleaned(text: str) -> str:
    r"""A text that others wrote, with a mark where a character cannot be kept: it is shown, never refused.

    >>> cleaned("Jean\0Martin")
    'Jean�Martin'
    """
    return _STRANGE.sub("\N{REPLACEMENT CHARACTER}", text)


def texts_in(data: Any) -> Iterable[str]:
    """Every text of a JSON value, names included, whatever its depth."""
    waiting = [data]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            waiting += [*node, *node.values()]
        elif isinstance(node, list):
            waiting += node


def letters_of(text: str) -> str:
    """The letters and digits of a text as `key_of` has them: two names that are read alike have the same.

    >>> letters_of("Jean-Marie LE GOFF"), letters_of("Jean Marie Le Goff")
    ('jeanmarielegoff', 'jeanmarielegoff')
    """
    return "".join(letter for letter in key_of(text) if letter.isalnum())


# Signs that are drawn alike in most typefaces, and letters that no accent makes of another. Source: Unicode UTS #39 §4.
_DRAWN = str.maketrans("I1|0øØłŁđĐðÐħĦŧŦŋŊıəƏ", "lllooollddddhhttnniee")


def looks_of(text: str) -> frozenset[str]:
    """How a name may be read: two names that have one in common are taken for each other.

    >>> looks_of("Katell") & looks_of("KateII"), sorted(looks_of("BERNARD") & looks_of("Bernard"))
    (frozenset({'katell'}), ['bemard', 'bernard'])
    """
    drawn = letters_of(text.translate(_DRAWN)).replace("rn", "m").replace("vv", "w")
    return frozenset({letters_of(text), drawn})


def key_of(text: str) -> str:
    """The search key of a text: without accents, ligatures nor capitals.

    >>> key_of("Œuvre d’Élie")
    "oeuvre d'elie"
    """
    if text.isascii():  # nine names in ten, at a tenth of the time
        return text.lower()
    return text.translate(_PLAIN).lower()
