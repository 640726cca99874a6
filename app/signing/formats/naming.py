"""The name of a signature beside the file that it signs."""

import unicodedata

LONGEST_NAME = 60  # of a document or of a person, in a file name
LETTERS = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"}
)


def signature_name(document: str, rank: int, signer: str, suffix: str = ".p7s") -> str:
    """The name of the n-th signature beside a document: letters, digits, hyphens and underscores, for any disk or mail.

    >>> signature_name("Délibération n° 12.xml", 2, "Gwenaël C’HOADEG")
    'Deliberation-n-12-xml-2-Gwenael-C-HOADEG.p7s'
    """
    return f"{_plain(document) or 'document'}-{rank}-{_plain(signer) or 'signataire'}{suffix}"


def _plain(text: str) -> str:
    """ASCII that reads as the text does; what is no letter or digit becomes one hyphen."""
    flat = unicodedata.normalize("NFKD", text.translate(LETTERS).replace("°", " "))
    letters = "".join(sign for sign in flat if not unicodedata.combining(sign))
    parts = "".join(
        sign if sign.isascii() and (sign.isalnum() or sign == "_") else " " for sign in letters
    ).split()
    return "-".join(parts)[:LONGEST_NAME].strip("-")
