"""The messages about an act that the Préfecture already has, 2-1 to 6-2: one table, written strictly, read tolerantly.

Source: actesv1_1.xsd. The Préfecture's are written here too, because the simulated one speaks the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from app.channels.actes.message import transliterate
from app.channels.actes.tolerant import anywhere, conforms, day, local, open_message, own, repair, text, texts
from app.channels.actes.xmltree import child, root, tag, write

if TYPE_CHECKING:
    from lxml.etree import _Element

Files = Literal["none", "one", "many", "pieces"]


@dataclass(frozen=True)
class Form:
    """What a message of this code is made of: its root, its dates, its free text and its documents."""

    root: str
    letter_date: bool = False  # `DateCourrierPref`, which ties a reply to its letter
    reception: bool = False
    free_text: str | None = None
    files: Files = "none"


FORMS: Final = {
    "2-1": Form("CourrierSimple", letter_date=True, files="one"),
    "2-2": Form("ReponseCourrierSimple", letter_date=True, files="one"),
    "3-1": Form("DemandePieceComplementaire", letter_date=True, free_text="DescriptionPieces", files="one"),
    "3-2": Form("ARDemandePieceComplementaire", letter_date=True),
    "3-3": Form("RefusPieceComplementaire", letter_date=True, files="one"),
    "3-4": Form("PieceComplementaire", letter_date=True, files="many"),
    "3-5": Form("ARPieceComplementaire", letter_date=True, reception=True),
    "4-1": Form("LettreObservations", letter_date=True, free_text="Motif", files="one"),
    "4-2": Form("ARLettreObservations", letter_date=True),
    "4-3": Form("RejetLettreObservations", letter_date=True, files="one"),
    "4-4": Form("ReponseLettreObservations", letter_date=True, files="one"),
    "4-5": Form("ARReponseRejetLettreObservations", letter_date=True, reception=True),
    "5-1": Form("DefereTA", free_text="NatureIllegalite", files="pieces"),
    "6-1": Form("Annulation"),
    "6-2": Form("ARAnnulation", reception=True),
}
LETTERS: Final = ("2-1", "3-1", "4-1", "5-1")
"""What the Préfecture writes of itself."""
ACKNOWLEDGEMENTS: Final = {"3-1": "3-2", "4-1": "4-2"}
"""The letters that are acknowledged by themselves, and by which message; 2-1 and 5-1 are not."""
REPLIES: Final = {"2-1": ("2-2",), "3-1": ("3-4", "3-3"), "4-1": ("4-4", "4-3"), "5-1": ()}
"""What may be answered to each letter (W03); nothing is answered to a referral by this way."""
RECEIPTS: Final = {"3-3": "3-5", "3-4": "3-5", "4-3": "4-5", "4-4": "4-5", "6-1": "6-2"}
"""What the Préfecture sends back to each message of the collectivity; 2-2, 3-2 and 4-2 have no receipt."""
_RECEIPT_OF_REPLY: Final = frozenset({"3-5", "4-5"})


@dataclass(frozen=True)
class Exchange:
    """A message about an act: `dated_on` is the letter's date (the day of filing for 5-1), `free_text` what it says."""

    code: str
    identifier: str
    dated_on: date | None = None
    received_on: date | None = None
    free_text: str | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadExchange:
    """A message as far as it could be read; `raw` is every byte received, `conforming` what a schema says of it."""

    code: str | None
    identifier: str | None
    dated_on: date | None
    received_on: date | None
    free_text: str | None
    files: tuple[str, ...]
    conforming: bool
    raw: bytes


def write_exchange(exchange: Exchange, remark: str | None = None, schema_folder: Path | None = None) -> bytes:
    """The bytes of a message in ISO-8859-1; `remark` becomes a comment before it. Refuses with ValueError."""
    from lxml import etree

    form = FORMS[exchange.code]
    top = root(form.root)
    if remark:
        top.addprevious(etree.Comment(f" {remark} "))  # before it: some messages may hold nothing
    _dates(top, exchange, form)
    if exchange.code == "5-1":
        child(top, "DateDepot", _iso(exchange.dated_on))
    if form.free_text:
        child(top, form.free_text, transliterate(exchange.free_text or ""))
    _files(top, exchange, form)
    return write(top, schema_folder)


def read_exchange(raw: bytes, schema_folder: Path | None = None) -> ReadExchange:
    """Read a message of any conformity; what cannot be understood has no code and keeps its bytes."""
    opened = open_message(raw)
    top = opened.top
    if top is None or opened.code not in FORMS:
        return ReadExchange(None, None, None, None, None, (), conforming=False, raw=raw)
    form = FORMS[opened.code]
    free_text = "".join(_inner(top, form.free_text)).strip() if form.free_text else ""
    return ReadExchange(
        code=opened.code,
        identifier=own(top, "IDActe") or anywhere(top, "IDActe"),
        dated_on=day(anywhere(top, "DateCourrierPref") or text(top, "DateDepot")),
        received_on=day(anywhere(top, "DateReception")),
        free_text=repair(free_text) or None,
        files=tuple(texts(top, "NomFichier")),
        conforming=conforms(opened, schema_folder),
        raw=raw,
    )


def write_classification_request(known: date | None, schema_folder: Path | None = None) -> bytes:
    """The bytes of the message 7-1; `known` is the date of the classification held, None to be sent it whole."""
    top = root("DemandeClassification")
    if known is not None:
        child(top, "DateClassification", known.isoformat())
    return write(top, schema_folder)


def write_classification_unchanged(dated: date, schema_folder: Path | None = None) -> bytes:
    """The bytes of the message 7-3: the classification of that date is still in force."""
    top = root("ReponseClassificationSansChangement")
    child(top, "DateClassification", dated.isoformat())
    return write(top, schema_folder)


def read_classification_date(raw: bytes) -> tuple[str | None, date | None]:
    """The code (7-1, 7-2 or 7-3) and the date of a message about the classification; None for what is not one."""
    opened = open_message(raw)
    if opened.top is None or opened.code not in {"7-1", "7-2", "7-3"}:
        return None, None
    return opened.code, day(text(opened.top, "DateClassification"))


def _dates(top: _Element, exchange: Exchange, form: Form) -> None:
    if form.reception:
        top.set(tag("DateReception"), _iso(exchange.received_on))
    bearer = child(top, "InfosCourrierPref") if exchange.code in _RECEIPT_OF_REPLY else top
    bearer.set(tag("IDActe"), exchange.identifier)
    if form.letter_date:
        bearer.set(tag("DateCourrierPref"), _iso(exchange.dated_on))


def _files(top: _Element, exchange: Exchange, form: Form) -> None:
    if form.files == "one" and len(exchange.files) != 1:
        raise ValueError(f"{exchange.code} carries one document, not {len(exchange.files)}")
    if form.files == "none" and exchange.files:
        raise ValueError(f"{exchange.code} carries no document")
    if form.files in {"one", "none"}:
        for name in exchange.files:
            child(child(top, "Document"), "NomFichier", name)
        return
    listed = child(top, "Documents" if form.files == "many" else "PiecesJointes")
    for name in exchange.files:
        child(child(listed, "Document" if form.files == "many" else "PieceJointe"), "NomFichier", name)


def _inner(top: _Element, name: str) -> Iterator[str]:
    """All that an element says, were it cut by comments or by elements that the schema does not know."""
    for element in top.iter():
        if local(element.tag) == name:
            yield from (str(part) for part in element.itertext())
            return


def _iso(moment: date | None) -> str:
    if moment is None:
        raise ValueError("a date is missing")
    return moment.isoformat()
