"""The key that a title is searched by: no accents, no capitals, œ as oe; written by the application, never by a query."""

import re
import unicodedata

_LIGATURES = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "’": "'", "ß": "ss"})
_NUMBERED = re.compile(r"\bn[°º]\s*")
_BETWEEN = re.compile(r"(?<=\w)[-_/.‐‑–—](?=[^\W_])")
_ANY = "\0"  # no key holds it
ESCAPE = "!"
"""The sign that escapes another in a pattern of `patterns`."""
_LITERAL = str.maketrans({one: ESCAPE + one for one in (ESCAPE, "%", "_")})


def key_of(text: str) -> str:
    """The search key of a text.

    >>> key_of("Œuvre d’Élie")
    "oeuvre d'elie"
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(one for one in decomposed if not unicodedata.combining(one)).lower()


def patterns(text: str, most: int) -> list[str]:
    """What a key must be LIKE (ESCAPE `!`), one pattern for each word, `most` of them: all must match.

    A number is found as it is printed: « n° 2026-057 » finds 2026_057, whatever separates its parts.

    >>> patterns("N° 2026-057 Élie", 6)
    ['%2026_057%', '%elie%']
    """
    words = key_of(_NUMBERED.sub("", text.lower())).split()
    return [f"%{_BETWEEN.sub(_ANY, word).translate(_LITERAL).replace(_ANY, '_')}%" for word in words[:most]]
