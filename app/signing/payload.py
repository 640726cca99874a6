"""What the signing pages send in JSON: read once, in one place, or refused as a question that nobody asks."""

from typing import Any

from flask import request

from app.core.http import read_json
from app.core.refusals import Refusal
from app.signing.authority import Wording
from app.signing.placing.web import box_of
from app.signing.ports import Box

MOST = 1_000
"""Characters of words that a page shows: they are said back to who posted them."""


def body() -> dict[str, Any]:
    """The JSON object of the request; refuses `bad-request`."""
    content = read_json() if request.is_json else None
    if not isinstance(content, dict):
        raise Refusal("bad-request", detail="un objet JSON est attendu")
    return content


def whole(content: dict[str, Any], name: str) -> int:
    """A whole number of it; refuses `bad-request`."""
    value = content.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal("bad-request", detail=f"« {name} » doit être un nombre entier")
    return value


def box(content: dict[str, Any]) -> Box | None:
    """The place that the person chose, or None; refuses `bad-request`."""
    try:
        return box_of(content["box"]) if content.get("box") is not None else None
    except ValueError:
        raise Refusal("bad-request", detail="l’emplacement de la signature n’est pas lisible") from None


def mandate(content: dict[str, Any]) -> int | None:
    """The mandate by which the person signs, or None; refuses `bad-request`."""
    return whole(content, "mandate") if content.get("mandate") is not None else None


def shown(content: dict[str, Any]) -> Wording | None:
    """In which words, and in whose absence, the page said that one signs; None of a client that says none.

    Refuses `bad-request`.
    """
    wording = content.get("shown")
    if wording is None:
        return None
    texts = [wording.get(name) for name in Wording._fields] if isinstance(wording, dict) else [None]
    if not isinstance(wording, dict) or not all(
        isinstance(text, str) and len(text) <= MOST for text in texts
    ):
        raise Refusal("bad-request", detail="« shown » dit « capacity » et « absent », deux textes")
    return Wording(wording["capacity"], wording["absent"])
