"""Read a PES_Retour: what the Treasury says, of itself, of mandats and titres: state, payments, encashments; and of clients.

Names and places are those of the schema 5.17 (`app/pes/xsd/v5.17/PES_V2/RETOUR/Rev0/PES_Retour.xsd`). A file is read whole or
not at all: what cannot be understood of one piece or client leaves the others unsaid, and people are told to open it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from app.pes.motives import motive
from app.pes.reading import amount
from workflows.flows.keys import series

ROOT: Final = "{http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/retour}PES_Retour"
CLIENTS: Final = "PES_ClientRetour"
MOST_BYTES: Final = 150 << 20
MOST_LINES: Final = 500_000
MOST_CLIENTS: Final = 200_000
"""How many amounts left to recover are kept; of a file that has more none is, and its pieces are read all the same."""
MOST_SIGNS: Final = 400
"""The longest value that the schema gives (Commentaire)."""


class Unread(Exception):  # noqa: N818 - said of a file
    """Why a file is no return that may be relied on, as the end of a French sentence."""


@dataclass(frozen=True)
class Domain:
    """How a domain of the file names what is read, in its three shapes; `money`: the origins (OrgEma) that are money moved."""

    name: str
    piece: str
    total: str
    total_amount: str
    move: str
    day: str
    moved: str
    money: frozenset[str]
    what: str


DOMAINS: Final = {
    "PES_DepenseRetour": Domain(
        "dépenses", "InfoPiece", "InfoPaiement", "MtPayTot", "PaiementEmargement", "DtePay", "MtPay",
        frozenset({"01"}), "mandat",
    ),
    "PES_RecetteRetour": Domain(
        "recettes", "BlocPiece", "InfoRecouvrement", "MtRecoTot", "EncaissementEmargement", "DteReco", "MtReco",
        frozenset({"01", "02", "03", "10"}), "titre",
    ),
}  # fmt: skip


@dataclass
class ReturnedLine:
    """A line of a piece, in cents: what is due with tax, what the file says was settled in all (None where it does not say).

    `moves` are the payments or other settlements, each as (origin, day in ISO 8601, cents).
    """

    number: str
    state: str
    due: int
    settled: int | None
    moves: list[tuple[str, str, int]]


@dataclass
class ReturnedPiece:
    """What a file says of a mandat or titre; `series`, `slip` and `number` make it unique, without leading zeros.

    `state` is EtatPce; `states` the day of each state that is dated (taken, rejected, held), in ISO 8601; `reason` the
    words of the accountant.
    """

    domain: str
    series: str
    slip: str
    number: str
    state: str
    states: dict[str, str]
    reason: str
    lines: list[ReturnedLine] = field(default_factory=list)

    @property
    def due(self) -> int:
        """What the lines that the file speaks of are worth with tax, in cents."""
        return sum(line.due for line in self.lines)

    @property
    def money(self) -> list[tuple[str, int]]:
        """What was really paid or encashed: day and cents, the first day first."""
        wanted = next(domain.money for domain in DOMAINS.values() if domain.name == self.domain)
        return sorted(
            (day, cents) for line in self.lines for origin, day, cents in line.moves if origin in wanted
        )


@dataclass(frozen=True)
class Outstanding:
    """What is left to recover of a client for a local product, in cents, and apart the costs of recovering it.

    `client` is the reference that the body gave to the third party (RefTiers), `product` its code (CodProdLoc).
    """

    client: str
    product: str
    cents: int
    costs: int


@dataclass(frozen=True)
class Return:
    """A file that was read: its own name, the SIRET of its budget, its day, and its pieces in the order of the file.

    `outstanding` is said as of the day `outstanding_on`, which is None where the file says nothing of clients; `owed` counts
    what the file has of it, of which `outstanding` has all or, beyond `MOST_CLIENTS`, nothing. `code` are CodColl and CodBud.
    """

    name: str
    siret: str
    budget: str
    written_on: date
    pieces: tuple[ReturnedPiece, ...]
    code: str
    outstanding: tuple[Outstanding, ...] = ()
    outstanding_on: date | None = None
    owed: int = 0


def read_return(raw: bytes) -> Return:
    """What a file says; refuses with `Unread` what is no PES_Retour, is cut, has a DOCTYPE, or says what nobody can read."""
    from lxml import etree

    if len(raw) > MOST_BYTES:
        raise Unread("il est trop lourd")
    reading = _Reading()
    try:
        walk = etree.iterparse(
            BytesIO(raw), events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False
        )
        for event, element in walk:
            reading.see(event, element)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unread("son XML est incomplet ou mal formé") from error
    return reading.whole()


class _Reading:
    """What has been met so far."""

    def __init__(self) -> None:
        self._header: dict[str, str] = {}
        self._pieces: dict[tuple[str, str, str], ReturnedPiece] = {}
        self._open: dict[str, str] = {}
        self._lines = 0
        self._outstanding: list[Outstanding] = []
        self._owed = 0
        self._outstanding_on: date | None = None
        self._depth = 0

    def see(self, event: str, element: Any) -> None:
        """An element begins or ends; what was read of it is given back."""
        if not isinstance(element.tag, str):
            return
        if event == "start":
            if self._depth == 0:
                _refuse_other(element)
            self._depth += 1
            return
        self._depth -= 1
        if element.tag in {"Parametres", "EnTetePES"} and self._depth in {1, 2}:
            self._header |= {
                child.tag: _value(child)
                for child in element.iterchildren("*")
                if child.tag not in self._header
            }
        elif element.tag == "BlocBordereau" and self._depth == 3:
            self._open = {child.tag: _value(child) for child in element.iterchildren("*")}
        elif element.tag == "Piece" and self._depth == 3:
            self._piece(element, DOMAINS.get(element.getparent().getparent().tag))
            element.clear()
        elif element.tag == "Bordereau" and self._depth == 2:
            self._open = {}
            element.clear()
        else:
            self._clients(element)

    def _piece(self, element: Any, domain: Domain | None) -> None:
        if domain is None:
            return
        values = {child.tag: _value(child) for child in element.iterfind(f"{domain.piece}/*")}
        slip, number = _number(self._open, "IdBord"), _number(values, "IdPce")
        header = self._header
        budget = series(
            header.get("CodColl", ""), header.get("CodBud", ""), domain.name,
            _needed(self._open, "Exer"), _needed(self._open, "TypBord"),
        )  # fmt: skip
        days = {
            key: _day(values[key], key) for key in ("DtePcePec", "DtePceRej", "DtePceInst") if key in values
        }
        reason = motive(domain.name, values.get("ObsEtat", ""), values.get("Commentaire", ""))
        piece = self._pieces.setdefault(
            (budget, slip, number),
            ReturnedPiece(domain.name, budget, slip, number, values.get("EtatPce", ""), days, reason),
        )
        lines = {line.number: line for line in piece.lines}
        for line in element.iterchildren("LigneDePiece"):
            self._count()
            read = _line(line, domain)
            if read.number not in lines:
                lines[read.number] = read
                piece.lines.append(read)
                continue
            known = lines[read.number]  # one line in two parts: what both say adds up
            known.due += read.due
            known.moves += read.moves
            known.settled = (
                None if None in (known.settled, read.settled) else (known.settled or 0) + (read.settled or 0)
            )

    def _clients(self, element: Any) -> None:
        """A part of PES_ClientRetour ends, or all of it; anything else is none of it."""
        if self._depth == 2 and element.getparent().tag == CLIENTS:
            self._client(element)
            element.clear()
        elif element.tag == CLIENTS and self._depth == 1:
            if self._outstanding_on is None:
                raise Unread("il ne dit pas de quel jour sont les restes à recouvrer (DateCalcul)")
            element.clear()

    def _client(self, element: Any) -> None:
        if element.tag == "EnTeteClient":
            self._outstanding_on = day_of(_day(element.xpath("string(DateCalcul/@V)"), "DateCalcul"))
        elif element.tag == "Client":
            client = _needed(
                {child.tag: _value(child) for child in element.iterchildren("RefTiers")}, "RefTiers"
            )
            for remainder in element.iterchildren("ResteARecouvrer"):
                values = {child.tag: _value(child) for child in remainder.iterchildren("*")}
                amounts = (_cents(values.get(key, ""), key) for key in ("Rar", "RarFrais"))
                due = Outstanding(client, _needed(values, "CodProdLoc"), *amounts)
                self._owed += 1
                if self._owed <= MOST_CLIENTS:
                    self._outstanding.append(due)

    def _count(self) -> None:
        self._lines += 1
        if self._lines > MOST_LINES:
            raise Unread(f"il a plus de {MOST_LINES} lignes")

    def whole(self) -> Return:
        """All of it; refuses with `Unread` what has no header."""
        siret = self._header.get("IdColl", "").replace(" ", "")
        if len(siret) != 14 or not (siret.isascii() and siret.isdecimal()):
            raise Unread("il ne dit pas le SIRET du budget (EnTetePES/IdColl)")
        label, body, code = (self._header.get(tag, "") for tag in ("LibelleColBud", "CodColl", "CodBud"))
        return Return(
            name=self._header.get("NomFic", "")[:200],
            siret=siret,
            budget=f"{label} ({body}, budget {code})".strip(),
            written_on=date.fromisoformat(_day(self._header.get("DteStr", ""), "DteStr")),
            pieces=tuple(self._pieces.values()),
            code=f"{body} {code}",
            outstanding=tuple(self._outstanding) if self._owed <= MOST_CLIENTS else (),
            outstanding_on=self._outstanding_on,
            owed=self._owed,
        )


def _refuse_other(element: Any) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise Unread("il a une déclaration DOCTYPE, que le format n’admet pas")
    if element.tag != ROOT:
        raise Unread("ce n’est pas un PES_Retour")


def _line(element: Any, domain: Domain) -> ReturnedLine:
    place = "BlocLignePiece/InfoLignePiece"
    values = {child.tag: _value(child) for child in element.iterfind(f"{place}/*")}
    settled = next(
        (_value(child) for child in element.iterfind(f"BlocLignePiece/{domain.total}/{domain.total_amount}")),
        None,
    )
    moves = list(_moves(element, domain))
    return ReturnedLine(
        number=_number(values, "IdLigne"),
        state=values.get("EtatLigPce", "")[:2],
        due=_cents(values.get("MtHT", ""), "MtHT")
        + (_cents(values["MtTVA"], "MtTVA") if values.get("MtTVA") else 0),
        settled=None if settled is None else _cents(settled, domain.total_amount),
        moves=moves,
    )


def _moves(element: Any, domain: Domain) -> Iterator[tuple[str, str, int]]:
    for move in element.iterchildren(domain.move):
        values = {child.tag: _value(child) for child in move.iterchildren("*")}
        yield (
            _needed(values, "OrgEma")[:2],
            _day(values.get(domain.day, ""), domain.day),
            _cents(values.get(domain.moved, ""), domain.moved),
        )


def _value(element: Any) -> str:
    text = str(element.get("V", ""))
    if len(text) > MOST_SIGNS:
        raise Unread(f"la valeur de « {element.tag} » est trop longue")
    return text.strip()


def _needed(values: dict[str, str], key: str) -> str:
    if not values.get(key):
        raise Unread(f"« {key} » manque à un bordereau, une pièce, une ligne ou un client")
    return values[key]


def _number(values: dict[str, str], key: str) -> str:
    """A number as it is compared: the Treasury writes « 22 » where a flow writes « 0022 »."""
    return _needed(values, key).lstrip("0") or "0"


def _day(text: str, key: str) -> str:
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        raise Unread(f"« {text[:20]} » n’est pas une date ({key})") from None


def _cents(text: str, key: str) -> int:
    euros = amount(text)
    if euros is None or euros * 100 != (euros * 100).to_integral_value():
        raise Unread(f"« {text[:20]} » n’est pas un montant ({key})")
    return int(euros * Decimal(100))


def day_of(text: str) -> date:
    """A day that was read."""
    return date.fromisoformat(text)
