"""The answers of the Préfecture, read tolerantly: whatever their state, no receipt is ever lost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.channels.actes.naming import IDENTIFIER
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
    from lxml.etree import _Element

_CODES: Final = {"ARActe": "1-2", "AnomalieActe": "1-3", "AnomalieEnveloppe": "ANO"}
_MOJIBAKE: Final = re.compile("[ÃÂ][\u0080-\u00bf]")
_LAST_CLOSING: Final = re.compile(
    rb"</\s*(?:[A-Za-z_][\w.-]*:)?(?:ARActe|AnomalieActe|AnomalieEnveloppe)\s*>", re.DOTALL
)
_DECLARATION: Final = re.compile(rb"^\s*<\?xml[^>]*\?>")


@dataclass(frozen=True)
class Receipt:
    """An answer as far as it could be read.

    `code` is 1-2, 1-3, ANO or None; `conforming` says whether a schema accepts it; `raw` is every byte received;
    `said_after` is the sentence that a relay operator glued behind the XML.
    """

    code: str | None
    identifier: str | None
    siren: str | None
    number: str | None
    received_on: date | None
    anomaly: str | None
    detail: str | None
    said_after: str | None
    conforming: bool
    raw: bytes

    @property
    def reason(self) -> str | None:
        """The anomaly in the Préfecture's words, or None."""
        parts = [part for part in (self.anomaly, self.detail) if part]
        return " : ".join(parts) or self.said_after

    def concerns(self, identifier: str | None, siren: str, number: str) -> bool:
        """True when this answer is about that act: by its identifier, else by what is known of SIREN and number."""
        if self.identifier is not None:
            return self.identifier == identifier
        # An anomaly of the envelope names no act: all those it carried are concerned.
        return self.siren in {None, siren} and self.number in {None, number}


def read_receipt(raw: bytes, schema_folder: Path | None = None) -> Receipt:
    """Read an answer of any conformity; what cannot be understood has no code and keeps its bytes.

    What precedes the XML (a status of S2LOW) and what follows it (a sentence) is set apart, mixed encodings are
    repaired, and the schema of 2018 then that of 2004 are tried.
    """
    start = max(raw.find(b"<"), 0)
    ends = [found.end() for found in _LAST_CLOSING.finditer(raw)]
    end = ends[-1] if ends else len(raw)
    body = raw[start:end]
    after = _decode(raw[end:]).strip() or None
    top, sound = _tree(body)
    if top is None:
        return Receipt(None, None, None, None, None, None, None, after, conforming=False, raw=raw)
    # Only the answer's own: further down, an IDActe names the act that this one corrects.
    identifier = _own(top, "IDActe")
    parts = IDENTIFIER.fullmatch(identifier) if identifier else None
    code = _CODES.get(_local(top.tag))
    return Receipt(
        code=code,
        identifier=identifier,
        siren=parts["siren"] if parts else _value(top, "SIREN"),
        number=parts["number"] if parts else _value(top, "NumeroInterne"),
        received_on=_day(_value(top, "DateReception") or _text(top, "Date")),
        anomaly=_text(top, "Nature"),
        detail=_repair(_text(top, "Detail")),
        said_after=after,
        conforming=sound and _conforms(top, schema_folder),
        raw=raw,
    )


def _tree(body: bytes) -> tuple[_Element | None, bool]:
    """The document and whether it was read without repair."""
    from lxml import etree

    undeclared = _DECLARATION.sub(b"", body)
    for attempt, sound in ((body, True), (_decode(undeclared).encode(), False)):
        try:
            found = etree.fromstring(attempt, strict_parser() if sound else recovering_parser())
        except (etree.XMLSyntaxError, ValueError):
            continue
        if found is not None and isinstance(found.tag, str):
            return found, sound and not has_doctype(found)
    return None, False


def _conforms(top: _Element, schema_folder: Path | None) -> bool:
    folders = [schema_folder] if schema_folder else []
    return any(
        load_schema(folder).validate(top.getroottree())
        for folder in (*folders, SHIPPED / "2018", SHIPPED / "2004")
    )


def _own(element: _Element, local: str) -> str | None:
    """The attribute of that local name, whatever its namespace."""
    return next((str(value).strip() for name, value in element.attrib.items() if _local(name) == local), None)


def _value(top: _Element, local: str) -> str | None:
    """The first attribute or element of that local name, whatever its namespace."""
    found = (_own(element, local) for element in top.iter())
    return next(filter(None, found), None) or _text(top, local)


def _text(top: _Element, local: str) -> str | None:
    for element in top.iter():
        if _local(element.tag) == local and element.text and element.text.strip():
            return element.text.strip()
    return None


def _local(name: object) -> str:
    text = str(name)
    return (
        text.removeprefix(f"{{{ACTES}}}").removeprefix(f"{{{INSEE}}}").rsplit("}", 1)[-1].rsplit(":", 1)[-1]
    )


def _decode(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def _repair(text: str | None) -> str | None:
    """Undo UTF-8 that was stored under a declaration of ISO-8859-1, which S2LOW does."""
    if text is None or not _MOJIBAKE.search(text):
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
