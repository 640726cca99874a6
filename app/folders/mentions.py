"""The people whom the words of a note name after « @ », among those who may be written to about it.

A whole name does, a family name alone, or a first name alone that one person bears and that no other name follows; of two
that fit, the longer. What a hyphen or an apostrophe joins is one name, of which a part names nobody. What names nobody, or two
people, writes to nobody: whoever wrote it is shown it.
"""

import re
from collections.abc import Sequence

from app.core.texts import key_of

MENTIONED = "mentioned"
"""The letter to whoever is named beside a note."""
_AT = re.compile(r"(?<![\w@.])@(?=[^\W\d_])")
_JOINED = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_WORD = re.compile(r"[^\W\d_]+")
_SPACES = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
_LONGEST = 8
"""Names after « @ » that are compared."""


def mentioned(words: str, people: Sequence[tuple[int, str]]) -> tuple[frozenset[int], tuple[str, ...]]:
    """The numbers of those whom these words name, and the names after « @ » that none of them alone bears.

    >>> people = [(1, "Nolwenn Abgrallec"), (2, "Gaud Le Bras"), (3, "Gaud Morvan")]
    >>> mentioned("@Nolwenn Abgrallec à vérifier, @le bras aussi", people)
    (frozenset({1, 2}), ())
    >>> mentioned("Voir @Nolwenn, @Gaud, @Nolwenn Martin et x@kerlann.example", people)
    (frozenset({1}), ('Gaud', 'Nolwenn Martin'))
    """
    names = [(number, [_keys(one) for one in _JOINED.findall(name)]) for number, name in people]
    found, unknown = set[int](), dict[str, None]()
    for at in _AT.finditer(words):
        after = _following(words, at.end())
        if (bearer := _bearer(after, names)) is not None:
            found.add(bearer)
        else:
            unknown[" ".join(after[: 2 if _named_on(after) else 1])] = None
    return frozenset(found), tuple(unknown)


def _bearer(after: Sequence[str], names: Sequence[tuple[int, list[list[str]]]]) -> int | None:
    """Who alone is named by what follows « @ »: by his whole name, else his family name, else his first name."""
    ends = _ends(after)
    ways = (
        [(_fits(after, ends, name), number) for number, name in names],
        [(_fits(after, ends, name[1:]), number) for number, name in names],
        [(_fits(after, ends, name[:1], alone=True), number) for number, name in names],
    )
    for way in ways:
        longest = max((length for length, _ in way), default=0)
        if longest:
            bearers = [number for length, number in way if length == longest]
            return bearers[0] if len(bearers) == 1 else None
    return None


def _fits(
    after: Sequence[str],
    ends: dict[tuple[str, ...], int],
    name: Sequence[Sequence[str]],
    *,
    alone: bool = False,
) -> int:
    """How many words of a name stand first after « @ », all of them or none; `alone`: where no name goes on after them."""
    words = tuple(word for one in name for word in one)
    end = ends.get(words, 0)
    return len(words) if end and not (alone and _named_on(after[end - 1 :])) else 0


def _ends(after: Sequence[str]) -> dict[tuple[str, ...], int]:
    """The words of the first names after « @ », of one, of two, of all: « Jean Marc » is read as « Jean-Marc » is."""
    words: tuple[str, ...] = ()
    ends: dict[tuple[str, ...], int] = {}
    for end, one in enumerate(after, 1):
        words += tuple(_keys(one))
        ends[words] = end
    return ends


def _keys(name: str) -> list[str]:
    return [key_of(word) for word in _WORD.findall(name)]


def _following(words: str, start: int) -> list[str]:
    """The names that follow each other from there, each with what is joined to it."""
    after: list[str] = []
    match = _JOINED.match(words, start)
    while match and len(after) < _LONGEST:
        after.append(match[0])
        spaced = words[match.end() : match.end() + 1]
        match = _JOINED.match(words, match.end() + 1) if spaced and spaced in _SPACES else None
    return after


def _named_on(after: Sequence[str]) -> bool:
    """Whether a name goes on after its first word."""
    return len(after) > 1 and after[1][0].isupper()
