"""Read what comes back from the State or through a relay operator as far as it can be read, whatever its state.

Answers mix encodings, put their attributes in any order, leave numbers out and have sentences glued around them: bytes are
cut at the XML, repaired when need be, and looked into by local name, never by place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from app.channels.actes.xmltree import (
    ACTES,
    INSEE,
    SHIPPED,
    has_doctype,
    load_schema,
    recovering_parser,
    strict_parser,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lxml.etree import _Element

ROOTS: Final = {
    "Acte": "1-1",
    "ARActe": "1-2",
    "AnomalieActe": "1-3",
    "CourrierSimple": "2-1",
    "ReponseCourrierSimple": "2-2",
    "DemandePieceComplementaire": "3-1",
    "ARDemandePieceComplementaire": "3-2",
    "RefusPieceComplementaire": "3-3",
    "PieceComplementaire": "3-4",
    "ARPieceComplementaire": "3-5",
    "LettreObservations": "4-1",
    "ARLettreObservations": "4-2",
    "RejetLettreObservations": "4-3",
    "ReponseLettreObservations": "4-4",
    "ARReponseRejetLettreObservations": "4-5",
    "DefereTA": "5-1",
    "Annulation": "6-1",
    "ARAnnulation": "6-2",
    "DemandeClassification": "7-1",
    "RetourClassification": "7-2",
    "ReponseClassificationSansChangement": "7-3",
    "AnomalieEnveloppe": "ANO",
}
"""The message that each root of the schema is."""

_MOJIBAKE: Final = re.compile("[ÃÂ][\u0080-\u00bf]")
_CLOSING: Final = re.compile(
    rb"</\s*(?:[A-Za-z_][\w.-]*:)?(?:" + "|".join(ROOTS).encode() + rb")\s*>", re.DOTALL
)
_SELF_CLOSED: Final = re.compile(
    rb"<(?:[A-Za-z_][\w.-]*:)?(?:" + "|".join(ROOTS).encode() + rb")(?:\s[^<>]*)?/>", re.DOTALL
)
_DECLARATION: Final = re.compile(rb"^\s*<\?xml[^>]*\?>")


@dataclass(frozen=True)
class Opened:
    """A message as far as it could be parsed: `sound` without any repair, `said_after` is the sentence behind it."""

    top: _Element | None
    sound: bool
    said_after: str | None

    @property
    def code(self) -> str | None:
        """Its message, such as « 1-2 », or None."""
        return None if self.top is None else ROOTS.get(local(self.top.tag))


def open_message(raw: bytes) -> Opened:
    """Cut, parse and if need be repair; never fails: what cannot be parsed has no `top`."""
    start = max(raw.find(b"<"), 0)
    ends = [match.end() for shape in (_CLOSING, _SELF_CLOSED) for match in shape.finditer(raw)]
    end = max(ends) if ends else len(raw)
    top, sound = _tree(raw[start:end])
    return Opened(top, sound, _decode(raw[end:]).strip() or None)


def conforms(opened: Opened, schema_folder: Path | None = None) -> bool:
    """True when the schema given, that of 2018 or that of 2004 accepts the message as it came."""
    if opened.top is None or not opened.sound:
        return False
    folders = [schema_folder] if schema_folder else []
    document = opened.top.getroottree()
    return any(
        load_schema(folder).validate(document) for folder in (*folders, SHIPPED / "2018", SHIPPED / "2004")
    )


def own(element: _Element, name: str) -> str | None:
    """The attribute of that local name, whatever its namespace and its place."""
    return next((str(value).strip() for key, value in element.attrib.items() if local(key) == name), None)


def anywhere(top: _Element, name: str) -> str | None:
    """The first attribute, else the first element, of that local name."""
    values = (own(element, name) for element in top.iter())
    return next(filter(None, values), None) or text(top, name)


def text(top: _Element, name: str) -> str | None:
    """The text of the first element of that local name that has some, repaired if it was encoded twice."""
    return next(texts(top, name), None)


def texts(top: _Element, name: str) -> Iterator[str]:
    """The texts of every element of that local name, in order."""
    for element in top.iter():
        if local(element.tag) == name and element.text and element.text.strip():
            yield repair(element.text.strip())


def day(written: str | None) -> date | None:
    """The date that a text begins with, or None."""
    try:
        return date.fromisoformat((written or "")[:10])
    except ValueError:
        return None


def local(name: object) -> str:
    """A name without its namespace or prefix."""
    plain = str(name).removeprefix(f"{{{ACTES}}}").removeprefix(f"{{{INSEE}}}")
    return plain.rsplit("}", 1)[-1].rsplit(":", 1)[-1]


def repair(written: str) -> str:
    """Undo UTF-8 that was stored under a declaration of ISO-8859-1, which S2LOW does."""
    if not _MOJIBAKE.search(written):
        return written
    try:
        return written.encode("latin-1").decode()
    except UnicodeError:
        return written


def _tree(body: bytes) -> tuple[_Element | None, bool]:
    """The document and whether it was read without repair."""
    from lxml import etree

    undeclared = _DECLARATION.sub(b"", body)
    for attempt, sound in ((body, True), (_decode(undeclared).encode(), False)):
        try:
            top = etree.fromstring(attempt, strict_parser() if sound else recovering_parser())
        except (etree.XMLSyntaxError, ValueError):
            continue
        if top is not None and isinstance(top.tag, str):
            return top, sound and not has_doctype(top)
    return None, False


def _decode(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")
