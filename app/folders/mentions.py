"""The people whom the words of a note name after « @ », among those who may be written to about it.

A whole name does, a family name alone, or a first name alone that one person bears and that no other name follows. What
names nobody, or two people, writes to nobody: whoever wrote it is shown it.
"""

import re
from collections.abc import Sequence

from app.core.texts import key_of

_AT = re.compile(r"(?<![\w@.])@(?=[^\W\d_])")
_WORD = re.compile(r"[^\W\d_]+")
_NEXT = re.compile(r"[ \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}'’-]?([^\W\d_]+)")
_LONGEST = 8
"""Words of a name that are compared."""


def mentioned(words: str, people: Sequence[tuple[int, str]]) -> tuple[frozenset[int], tuple[str, ...]]:
    """The numbers of those whom these words name, and the names after « @ » that none of them alone bears.

    >>> people = [(1, "Nolwenn Abgrallec"), (2, "Gaud Le Bras"), (3, "Gaud Morvan")]
    >>> mentioned("@Nolwenn Abgrallec à vérifier, @le bras aussi", people)
    (frozenset({1, 2}), ())
    >>> mentioned("Voir @Nolwenn, @Gaud, @Nolwenn Martin et x@kerlann.example", people)
    (frozenset({1}), ('Gaud', 'Nolwenn Martin'))
    """
    names = [(number, [key_of(word) for word in _WORD.findall(name)]) for number, name in people]
    found, unknown = set[int](), dict[str, None]()
    for at in _AT.finditer(words):
        after = _following(words, at.end())
        keys = [key_of(word) for word in after]
        bearers = (
            [number for number, name in names if keys[: len(name)] == name]
            or [number for number, name in names if name[1:] and keys[: len(name) - 1] == name[1:]]
            or [number for number, name in names if name[:1] == keys[:1] and not _named_on(after)]
        )
        if len(bearers) == 1:
            found.add(bearers[0])
        else:
            unknown[" ".join(after[: 2 if _named_on(after) else 1])] = None
    return frozenset(found), tuple(unknown)


def _following(words: str, start: int) -> list[str]:
    """The words that follow each other from there."""
    after: list[str] = []
    match = _WORD.match(words, start)
    while match and len(after) < _LONGEST:
        after.append(match[match.lastindex or 0])
        match = _NEXT.match(words, match.end())
    return after


def _named_on(after: Sequence[str]) -> bool:
    """Whether a name goes on after its first word."""
    return len(after) > 1 and after[1][0].isupper()
