"""An act as its collectivity declares it: read from a parcel's facts, not yet judged."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from app.channels.actes.naming import NATURES, act_identifier, normalise_number
from app.core.clock import PARIS
from app.transmission.ports import Parcel, ParcelFile

_HEAD: Final = 1024


@dataclass(frozen=True)
class Act:
    """The facts of an act; what could not be read is None or empty, and the rules say so.

    `matters` is a path of integers, `classified_on` the date of the classification it was made under when the
    folder remembers one, `previous` the identifier of the act that this one corrects.
    """

    number: str
    decided_on: date | None
    nature: int | None
    matters: tuple[int, ...]
    subject: str
    classified_on: date | None = None
    paper: bool = False
    previous: str | None = None


@dataclass(frozen=True)
class Piece:
    """One file as the Préfecture will judge it: `kind` comes from its bytes, never from its name."""

    title: str
    type_code: str | None
    size: int
    kind: str
    field: str = ""
    path: Path | None = None
    sha256: str | None = None


def read_act(parcel: Parcel) -> Act:
    """The act of a parcel.

    Facts read: `number`, `decision_date`, `nature` (1 to 6 or its two letters), `matter` (« 7.5.2 » or a list),
    `subject` (else the folder's title), and if present `classification_date`, `paper`, `previous_act`.
    """
    facts = parcel.facts
    return Act(
        number=normalise_number(_text(facts, "number")),
        decided_on=_day(facts.get("decision_date")),
        nature=_nature(facts.get("nature")),
        matters=_path(facts.get("matter")),
        subject=_text(facts, "subject") or parcel.title.strip(),
        classified_on=_day(facts.get("classification_date")),
        paper=facts.get("paper") is True,
        previous=_text(facts, "previous_act") or None,
    )


def identifier_of(act: Act, department: str, siren: str) -> str | None:
    """The identifier of an act, or None as long as one of its parts is missing."""
    if act.decided_on is None or act.nature not in NATURES or not act.number:
        return None
    return act_identifier(department, siren, act.decided_on, act.number, act.nature)


def main_files(parcel: Parcel) -> tuple[ParcelFile, ...]:
    """The files that claim to be the act itself; there must be one."""
    return tuple(file for file in parcel.files if file.role == "main")


def annex_files(parcel: Parcel) -> tuple[ParcelFile, ...]:
    """The annexes, in the order of the folder."""
    return tuple(file for file in parcel.files if file.role == "attachment")


def read_piece(file: ParcelFile, default_type: str | None) -> Piece:
    """A file of the parcel as the Préfecture will judge it; `default_type` is that of one to which no type was given."""
    with file.path.open("rb") as source:
        head = source.read(_HEAD)
    field = "main" if file.role == "main" else f"attachment:{file.document_id}"
    code = file.type_code or default_type
    size = file.path.stat().st_size
    return Piece(file.title, code, size, sniff(head), field, file.path, file.sha256)


def sniff(head: bytes) -> str:
    """What the first bytes are: « pdf », « png », « jpg », « xml » or « other »; the name is not asked."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if b"%PDF-" in head[:_HEAD]:
        return "pdf"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    # A page of HTML is no act either: only a declared XML is.
    return "xml" if text.startswith(b"<?xml") else "other"


def _text(facts: Mapping[str, Any], key: str) -> str:
    value = facts.get(key)
    return "" if value is None else str(value).strip()


def _day(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.astimezone(PARIS).date() if value.tzinfo else value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value).strip()) if value else None
    except ValueError:
        return None


def _nature(value: Any) -> int | None:
    text = str(value).strip().upper()
    return next((code for code, letters in NATURES.items() if text in {str(code), letters}), None)


def _path(value: Any) -> tuple[int, ...]:
    parts = value if isinstance(value, (list, tuple)) else str(value or "").strip().split(".")
    texts = [str(part).strip() for part in parts]
    return (
        tuple(map(int, texts)) if texts and all(re.fullmatch(r"[0-9]{1,3}", text) for text in texts) else ()
    )
