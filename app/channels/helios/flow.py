"""A flow as the Treasury identifies and answers it: its header, its bordereaux and pieces, its attachments.

One pass of expat, whatever the size: nothing is kept but numbers. Names are those of the schema 5.17 (PES_Aller.xsd).
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.parsers import expat

ALLER: Final = "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller"
DOMAINS: Final = {"PES_DepenseAller": "5", "PES_RecetteAller": "6"}
"""The domain (DomaineAck) in which the Treasury answers a bordereau of each part."""

_CHUNK: Final = 1024 * 1024
_SEPARATOR: Final = "}"
_HEADER: Final = {
    "Parametres": frozenset({"TypFic", "NomFic"}),
    "EnTetePES": frozenset({"DteStr", "IdPost", "IdColl", "CodCol", "CodBud", "LibelleColBud"}),
}


@dataclass(frozen=True)
class Slip:
    """A bordereau: the domain that answers it, its number, its year, its kind (TypBord), and its mandats or titres."""

    domain: str
    number: str
    year: str
    pieces: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True)
class Flow:
    """What identifies a flow (`name` and `code`: NomFic and CodCol) and what an acquit may speak of.

    `markets`: each contract as an acquit names it (IdMarche): IdContrat, a dash, the sequence on three digits.
    """

    kind: str
    name: str
    code: str
    siret: str
    post: str
    budget: str
    label: str
    slips: tuple[Slip, ...]
    attachments: tuple[str, ...]
    markets: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Neither bordereau, attachment nor contract: such a flow is never acquitted."""
        return not (self.slips or self.attachments or self.markets)


class Unreadable(Exception):  # noqa: N818 - said of a document
    """Not a flow that may leave: not PES_Aller, ill-formed, or with a DOCTYPE."""


def read_flow(path: Path) -> Flow:
    """The flow of a file; refuses with `Unreadable`."""
    reading = _Reading()
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = False
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.StartDoctypeDeclHandler = reading.doctype
    try:
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable(str(error)) from error
    return reading.flow()


class _Reading:
    """What has been met so far, one element after the other."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._header: dict[str, str] = {}
        self._slips: list[Slip] = []
        self._open: dict[str, str] = {}
        self._pieces: list[str] = []
        self._attachments: list[str] = []
        self._markets: list[str] = []

    def doctype(self, *_: object) -> None:
        raise Unreadable("DOCTYPE")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._path and name != f"{ALLER}{_SEPARATOR}PES_Aller":
            raise Unreadable(name)
        parent = self._path[-1] if self._path else ""
        value = attributes.get("V", "")
        self._path.append(name)
        if name in _HEADER.get(parent, ()) and len(self._path) <= 4:
            self._header.setdefault(name, value)
        elif parent == "BlocBordereau" and name in {"IdBord", "Exer", "TypBord"}:
            self._open[name] = value
        elif name == "IdPce" and parent in {"InfoPce", "BlocPiece"}:
            self._pieces.append(value)
        elif name == "IdUnique" and parent == "PJ":
            self._attachments.append(value)
        elif name == "IdContrat" and parent in {"IdentifiantMarche", "IdentifiantConcession"}:
            self._markets.append(value)
        elif name == "SequenceEnvoi" and parent in {"IdentifiantMarche", "IdentifiantConcession"}:
            self._markets[-1:] = [f"{market}-{value.zfill(3)}" for market in self._markets[-1:]]

    def end(self, name: str) -> None:
        self._path.pop()
        if name != "Bordereau" or len(self._path) < 2:
            return
        domain = DOMAINS.get(self._path[1], "")
        number, year, kind = (self._open.get(tag, "") for tag in ("IdBord", "Exer", "TypBord"))
        slip = Slip(domain, number, year, tuple(self._pieces), kind)
        self._slips.append(slip)
        self._open, self._pieces = {}, []

    def flow(self) -> Flow:
        header = self._header
        return Flow(
            kind=header.get("TypFic", ""),
            name=header.get("NomFic", "").strip(),
            code=header.get("CodCol", "").strip(),
            siret=re.sub(r"\s", "", header.get("IdColl", "")),
            post=header.get("IdPost", ""),
            budget=header.get("CodBud", ""),
            label=header.get("LibelleColBud", ""),
            slips=tuple(self._slips),
            attachments=tuple(self._attachments),
            markets=tuple(self._markets),
        )
