"""The words that a search found, marked in the text where they stand."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.core.days import days_in, form_of
from app.core.stems import LONGEST, WORD, forms, numbers_in
from app.core.texts import key_of
from app.folders.search import Word

AROUND, WIDTH = 60, 180
"""Signs shown before the first word that is marked, and in all."""


class Piece(NamedTuple):
    """A part of a text, marked or not."""

    text: str
    marked: bool


def wanted(words: Sequence[Word]) -> frozenset[str]:
    """The forms of what is searched in texts; of a day, that of the day."""
    return frozenset(form for word in words if not word.is_date for token in word.tokens for form in token)


def marked(text: str, words: Sequence[Word]) -> list[Piece]:
    """A title in pieces, its words marked; a part of one too, where it was found by that part alone; of a day, the whole of it.

    >>> from app.folders.search import dated, words_of
    >>> [one.text for one in marked("Voirie, enrobés", words_of("enrobé", 6)) if one.marked]
    ['enrobés']
    >>> [one.text for one in marked("RA-2026-131, le 1er déc. 2026", [dated(1, 12, 2026)]) if one.marked]
    ['1er déc. 2026']
    """
    key = key_of(text)
    alike = len(key) == len(text)
    spans = [span for span, _ in _spans(text, words)]
    if alike:
        spans += [one.span() for word in words if word.check for one in re.finditer(word.check, key)]
    if not spans and alike:
        for word in words:
            at = key.find(key_of(word.typed))
            spans += [(at, at + len(key_of(word.typed)))] if at >= 0 else []
    return _pieces(text, sorted(spans))


def around(text: str, words: Sequence[Word]) -> list[Piece]:
    """The part of a long text where the most of the words stand together, with them marked; empty where none does."""
    spans = sorted(_spans(text, words))
    if not spans:
        return []

    def together(rank: int) -> int:
        near = (forms for (start, _), forms in spans[rank:] if start - spans[rank][0][0] < WIDTH - AROUND)
        return len(frozenset().union(*near))

    first = spans[max(range(min(len(spans), 200)), key=together)][0][0]
    start = max(0, first - AROUND)
    start = max(text.find(" ", start, first), start - 1) + 1 if start else 0
    end = len(text) if start + WIDTH >= len(text) else text.rfind(" ", first, start + WIDTH)
    end = end if end > first else start + WIDTH
    shown = [(one - start, other - start) for (one, other), _ in spans if start <= one and other <= end]
    pieces = _pieces(text[start:end], shown)
    before, after = [Piece("… ", False)] if start else [], [Piece(" …", False)] if end < len(text) else []
    return [*before, *pieces, *after]


def _spans(text: str, words: Sequence[Word]) -> Iterator[tuple[tuple[int, int], frozenset[str]]]:
    """Where a text has these words, and what it has of them there; of a day, the whole of it.

    A text may be long and hostile: what is looked for in it is of a bounded length at each place.
    """
    looked = wanted([one for one in words if not one.dated])
    initials = {one[0] for one in looked}
    for match in WORD.finditer(text) if looked else ():
        if key_of(match[0][0])[:1] in initials and (mine := looked & frozenset(forms(match[0]))):
            yield match.span(), mine
    grouped = frozenset(form for form in looked if len(form) > 3 and form.isdecimal())
    for span, number in numbers_in(text) if grouped else ():
        if number[:LONGEST] in grouped:
            yield span, frozenset({number[:LONGEST]})
    days = {form_of(word.days[0]): word.typed for word in words if word.in_texts and word.days is not None}
    for span, form in days_in(text) if days else ():
        if form in days:
            yield span, frozenset({days[form]})


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    pieces, at = [], 0
    for start, end in spans:
        if start < at:
            continue
        pieces += [Piece(text[at:start], False), Piece(text[start:end], True)]
        at = end
    return [one for one in (*pieces, Piece(text[at:], False)) if one.text]
