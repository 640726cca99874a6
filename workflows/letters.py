"""The letters that a name is written in here: Latin, as the civil status writes names, so that none is read as another.

« Αrmel » with a Greek capital, or « mаire » with a Cyrillic a, would be somebody else under the name that everybody reads.
Source: Unicode UTS #39 §5 (one script); circulaire du 23 juillet 2014 (alphabet romain).
"""

import unicodedata

# Letters that no accent makes of another: French, of the other countries of Europe, Turkish
_OWN = frozenset("æœøłđðþßħŋıŧə")
_ACCENTS = frozenset({*range(0x0300, 0x0370), 0xFE0E, 0xFE0F}) - {0x034F}  # which shows nothing
# What is written between words in France, beside the signs of ASCII
_SIGNS = frozenset("’‘“”«»‐‑–—…·•×÷±€§¶¿¡´¨¸‹›−⁄")
# Signs that are drawn as letters, or as nothing: the estimated sign, the blank of Braille
_DRAWN = frozenset({0x212E, 0x2800, *range(0x1F100, 0x1F200), *range(0x24B6, 0x24EA)})
_APL = range(0x2336, 0x2396)  # symbols, with an alpha and an iota among them


def foreign(text: str) -> str:
    """The first sign of a text that is no Latin letter and is told as one, with its number; empty where there is none.

    >>> foreign("Solènn L’Œuvre, 1ᵉʳ adjoint, nᵒ 2"), foreign("Αrmel")
    ('', 'Α (U+0391)')
    """
    for sign in unicodedata.normalize("NFC", text):
        if not _is_plain(sign) or not all(_is_latin(part) for part in unicodedata.normalize("NFKD", sign)):
            return f"{sign} (U+{ord(sign):04X})"
    return ""


def _is_plain(sign: str) -> bool:
    """Whether a sign that is no letter is one that is written between words, and no drawing of a bar or of a stroke."""
    kind = unicodedata.category(sign)
    return not kind.startswith(("P", "Sm", "Sk", "Sc")) or sign.isascii() or sign in _SIGNS


def _is_latin(sign: str) -> bool:
    kind = unicodedata.category(sign)
    if kind.startswith("M"):
        return ord(sign) in _ACCENTS
    if kind == "Nd":
        return sign.isascii()
    if kind == "So":
        return ord(sign) not in _APL and ord(sign) not in _DRAWN
    return not kind.startswith("L") or sign.isascii() or sign.lower() in _OWN
