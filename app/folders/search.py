"""The key that a title is searched by: no accents, no capitals, œ as oe; written by the application, never by a query."""

import unicodedata

_LIGATURES = str.maketrans({"œ": "oe", "Œ": "oe", "æ": "ae", "Æ": "ae", "’": "'", "ß": "ss"})


def key_of(text: str) -> str:
    """The search key of a text.

    >>> key_of("Œuvre d’Élie")
    "oeuvre d'elie"
    """
    decomposed = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return "".join(one for one in decomposed if not unicodedata.combining(one)).lower()
