"""The three answers of a Préfecture to an act, valid against the schema: 1-2, 1-3 and the anomaly of an envelope."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import TYPE_CHECKING

from app.channels.actes.xmltree import child, root, tag, write

if TYPE_CHECKING:
    from pathlib import Path

    from lxml.etree import _Element


def write_receipt(
    act: _Element,
    identifier: str,
    received_on: date,
    classified_on: date,
    remark: str | None = None,
    schema_folder: Path | None = None,
) -> bytes:
    """The bytes of the message 1-2 that acknowledges `act`; `remark` becomes a comment at the head of it."""
    top = _answer("ARActe", remark)
    top.set(tag("DateReception"), received_on.isoformat())
    top.set(tag("IDActe"), identifier)
    _copy(top, "ActeRecu", act)
    child(top, "ClassificationDateVersionEnCours", classified_on.isoformat())
    return write(top, schema_folder)


def write_anomaly(
    act: _Element,
    nature: str,
    detail: str,
    noted_on: date,
    classified_on: date,
    remark: str | None = None,
    schema_folder: Path | None = None,
) -> bytes:
    """The bytes of the message 1-3 that refuses `act`; `nature` is a code of three digits."""
    top = _answer("AnomalieActe", remark)
    child(top, "Date", noted_on.isoformat())
    child(top, "Nature", nature)
    child(top, "Detail", detail)
    _copy(top, "ActeRecu", act)
    child(top, "ClassificationDateVersionEnCours", classified_on.isoformat())
    return write(top, schema_folder)


def write_envelope_anomaly(
    envelope: _Element,
    nature: str,
    detail: str,
    noted_on: date,
    remark: str | None = None,
    schema_folder: Path | None = None,
) -> bytes:
    """The bytes of the message that refuses a whole envelope; `nature` is one of 001 to 005, or 100."""
    top = _answer("AnomalieEnveloppe", remark)
    child(top, "Date", noted_on.isoformat())
    child(top, "Nature", nature)
    child(top, "Detail", detail)
    _copy(top, "EnveloppeRecue", envelope)
    return write(top, schema_folder)


def _answer(name: str, remark: str | None) -> _Element:
    from lxml import etree

    top = root(name)
    if remark:
        top.append(etree.Comment(f" {remark} "))
    return top


def _copy(parent: _Element, name: str, source: _Element) -> None:
    element = child(parent, name)
    for key, value in source.attrib.items():
        if str(key).startswith(tag("")):
            element.set(key, value)
    element.extend(deepcopy(part) for part in source)
