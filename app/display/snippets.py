"""The words that a search found, marked in the text where they stand."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from app.core.stems import WORD, forms
from app.core.texts import key_of
from app.folders.search import Word

AROUND, WIDTH = 60, 180
"""Signs shown before the first word that is marked, and in all."""


class Piece(NamedTuple):
    """A part of a text, marked or not."""

    text: str
    marked: bool


def wanted(words: Sequence[Word]) -> frozenset[str]:
    """The forms of what is searched."""
    return frozenset(form for word in words for token in word.tokens for form in token)


def marked(text: str, words: Sequence[Word]) -> list[Piece]:
    """A whole text in pieces, its words marked; a part of one too, where it was found by that part alone.

    >>> from app.folders.search import words_of
    >>> [one.text for one in marked("Voirie, enrobés", words_of("enrobé", 6)) if one.marked]
    ['enrobés']
    """
    spans = _spans(text, wanted(words))
    key = key_of(text)
    if not spans and len(key) == len(text):
        for word in words:
            at = key.find(key_of(word.typed))
            spans += [(at, at + len(key_of(word.typed)))] if at >= 0 else []
    return _pieces(text, sorted(spans))


def around(text: str, forms_wanted: Collection[str]) -> list[Piece]:
    """The part of a long text where the most of the words stand together, with them marked; empty where none does."""
    spans = _spans(text, forms_wanted)
    if not spans:
        return []
    words = [frozenset(forms(text[start:end])) & frozenset(forms_wanted) for start, end in spans]

    def together(rank: int) -> int:
        near = (
            one
            for one, (start, _) in zip(words[rank:], spans[rank:], strict=True)
            if start - spans[rank][0] < WIDTH - AROUND
        )
        return len(frozenset().union(*near))

    first = spans[max(range(min(len(spans), 200)), key=together)][0]
    start = max(0, first - AROUND)
    start = max(text.find(" ", start, first), start - 1) + 1 if start else 0
    end = len(text) if start + WIDTH >= len(text) else text.rfind(" ", first, start + WIDTH)
    end = end if end > first else start + WIDTH
    shown = [(one - start, other - start) for one, other in spans if start <= one and other <= end]
    pieces = _pieces(text[start:end], shown)
    before, after = [Piece("… ", False)] if start else [], [Piece(" …", False)] if end < len(text) else []
    return [*before, *pieces, *after]


def _spans(text: str, forms_wanted: Collection[str]) -> list[tuple[int, int]]:
    looked = frozenset(forms_wanted)
    initials = {one[0] for one in looked}
    return [
        found.span()
        for found in WORD.finditer(text)
        if key_of(found[0][0])[:1] in initials and looked & frozenset(forms(found[0]))
    ]


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    pieces, at = [], 0
    for start, end in spans:
        if start < at:
            continue
        pieces += [Piece(text[at:start], False), Piece(text[start:end], True)]
        at = end
    return [one for one in (*pieces, Piece(text[at:], False)) if one.text]
