"""Which pages of a document of several a browser was shown, as long as its session lasts: all of them make the whole."""

from collections.abc import MutableMapping
from typing import Any

LEAVES = "leaves"
MOST = 2_000
"""Signs of the cookie for the documents read in part (a browser keeps 4 KB): beyond, the documents opened first are dropped."""


def all_shown(session: MutableMapping[str, Any], document: str, number: int, pages: int) -> bool:
    """Whether each of the pages was shown to this session, this one being the last; `document` names the very version."""
    if pages <= 1:
        return True
    known: dict[str, str] = dict(session.get(LEAVES, {}))
    before = int(known.pop(document, "0"), 16)
    shown = before | 1 << (number - 1)
    whole = shown == (1 << pages) - 1
    if not whole:
        known[document] = f"{shown:x}"
        while len(known) > 1 and sum(len(name) + len(bits) + 6 for name, bits in known.items()) > MOST:
            del known[next(iter(known))]
    if whole or shown != before:
        session[LEAVES] = known
    return whole
