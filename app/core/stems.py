"""The words of a text as they are searched: without accents nor capitals, each by its French stem.

A word has up to two forms: its stem without accents, and the stem of the word without accents. « réalisée » and « REALISEE »
have one in common, whoever typed the accents. Both databases index the same forms, made here and nowhere else.
"""

import re
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from app.core.days import days_in
from app.core.texts import key_of

LONGEST = 40
"""Signs of a word that are searched; the rest of a longer one says nothing more."""
SPACE = r"[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]"
WORD = re.compile(r"[^\W_]{2,}")
_GROUPS = re.compile(
    rf"(?<!\w)(?:\d{{3}}{SPACE}\d{{3}}{SPACE}\d{{3}}{SPACE}\d{{5}}|\d{{1,3}}(?:{SPACE}\d{{3}})+)(?!\w)"
)
"""« 17 520 », and a SIRET by groups: one number, whatever its spaces."""
_CUT = re.compile(r"(?<![^\W\d_])([^\W\d_]{2,}+)-[^\S\n]*+\n\s*+([^\W\d_]{2,})")
"""A word that the end of a line cut in two; each sign is read once, however long a word or a blank of a hostile file is."""
# What stands in every text tells none from another (the list of Snowball for French, without what is also a noun)
STOP = frozenset(
    re.findall(
        r"\w+",
        "au aux avec ce ces cet cette dans de des du elle en et eux il je la le les leur lui ma mais me mes moi mon ne nos "
        "notre nous on ou par pas pour qu que qui sa se ses son sur ta te tes toi ton tu un une vos votre vous est sont etre "
        "ete etait ont avait ainsi dont",
    )
)
_lock = threading.Lock()


def words_in(text: str) -> Iterator[str]:
    """The words of a text, as they stand: letters and figures, of two signs at least.

    >>> list(words_in("L’enrobé 0/10, rue des Goélands"))
    ['enrobé', '10', 'rue', 'des', 'Goélands']
    """
    return (match[0] for match in WORD.finditer(text))


@lru_cache(maxsize=50_000)
def forms(word: str) -> tuple[str, ...]:
    """The forms under which a word is searched; none for a word that every text has.

    >>> forms("Enrobés"), forms("réalisée"), forms("REALISEE"), forms("3042"), forms("des")
    (('enrob',), ('realis', 'realise'), ('realise',), ('3042',), ())
    """
    lower = word[:LONGEST].lower()
    plain = key_of(lower)
    if plain in STOP or len(plain) < 2:
        return ()
    if any(sign.isdigit() for sign in plain):
        return (plain,)
    stem = _stem(plain)
    return (stem,) if plain == lower else tuple(dict.fromkeys((key_of(_stem(lower)), stem)))


def forms_in(text: str) -> list[str]:
    """Every form of a text to be indexed, each once, in the order of the text: numbers whole and by groups, days before all.

    >>> forms_in("Enrobé : 17 520,00 €, les enrobés")
    ['17520', 'enrob', '17', '520', '00']
    >>> forms_in("le 12/03/2026")
    ['§20260312', '12', '03', '2026']
    """
    days = [form for _, form in days_in(text)]
    numbers = (number for _, number in numbers_in(text))
    whole = (match[1] + match[2] for match in _CUT.finditer(text))
    once = dict.fromkeys(words_in(text))  # a text says most of its words again and again
    # Cut before it is remembered: what a file calls a word may be as long as the file
    every = (form for part in (numbers, whole, once) for word in part for form in forms(word[:LONGEST]))
    return list(dict.fromkeys([*days, *every]))


def numbers_in(text: str) -> Iterator[tuple[tuple[int, int], str]]:
    """Where a text has a number by groups of figures, and the number without its spaces.

    >>> list(numbers_in("jauge de 15 000 places, le 12 34"))
    [((9, 15), '15000')]
    """
    return ((match.span(), re.sub(SPACE, "", match[0])) for match in _GROUPS.finditer(text))


def joined(every: list[str]) -> str:
    """Forms as one text in which each stands between two spaces."""
    return f" {' '.join(every)} " if every else " "


def _stem(word: str) -> str:
    with _lock:  # a stemmer keeps the word it is at
        return str(_stemmer().stemWord(word)) or word


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("french")
