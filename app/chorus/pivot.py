"""Read the pivot of an invoice (CPPFacturePivot, AIFE): what it says, and the files that it carries, unpacked under limits.

Elements are read by their local names: real files differ by namespaces and attributes. Source: CPPFacturePivot_V2_02.xsd.
"""

import io
import re
import zipfile
from base64 import b64decode
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from app.core.refusals import Refusal, catalogue
from app.core.texts import cleaned
from app.files.naming import clean_filename
from app.files.xml import parse_xml

MOST_PIECES: Final = 200
MOST_BYTES: Final = 100 * 1024 * 1024
"""Of one file once unpacked."""
MOST_IN_ALL: Final = 250 * 1024 * 1024
MAIN: Final = "01"
XML_DATA: Final = frozenset({"factureublafnor", "factureciiafnor"})
READABLE: Final = "facturepdf"
LONGEST: Final = 400
ALREADY_PAID: Final = "A2"
"""The frame of an invoice that is paid already, by a card of the buyer."""
COMPLETED: Final = "complétée"
_SIRET: Final = "1"
"""`TypeIdentifiant` of a SIRET."""


class Unreadable(Exception):  # noqa: N818 - said of a file
    """Why a pivot cannot be read, as a French sentence without its full stop."""


@dataclass(frozen=True)
class Piece:
    """A file of an invoice: its name, what Chorus Pro calls it, whether it is the invoice itself, its bytes."""

    name: str
    category: str
    main: bool
    data: bytes


@dataclass(frozen=True)
class Pivot:
    """What a pivot says of an invoice, as written; `facts` are the fields of the form that it tells.

    `frame`: A1 to A25, `again`: « Non », « Complétée » or « Recyclée ».
    """

    number: int
    again: str
    frame: str
    facts: dict[str, str]
    buyer_siret: str
    buyer: str
    service: str
    service_name: str
    payee: str
    pieces: tuple[Piece, ...]

    @property
    def paid_already(self) -> bool:
        """Whether the buyer paid it when he bought: it is never mandated again."""
        return self.frame == ALREADY_PAID


def read(data: bytes, number: int) -> Pivot:
    """The invoice of this number in a pivot; raises `Unreadable`."""
    try:
        root = parse_xml(data, "pivot.xml", long_texts=True)
    except Refusal as refusal:
        raise Unreadable(catalogue.say(refusal.key, refusal.facts)[1].rstrip(".")) from refusal
    if _name(root) != "CPPFacturePivot":
        raise Unreadable(f"Chorus Pro a donné un fichier « {_name(root)[:40]} », et non une facture")
    every = [unit for unit in root.iter() if _name(unit) == "CPPFacturePivotUnitaire"]
    for unit in every:
        if _at(unit, "DonneesFacture", "IdCPRO") == str(number):
            return _read(unit, number)
    raise Unreadable(f"Chorus Pro a donné un fichier où la facture {number} n’est pas")


def _read(unit: Any, number: int) -> Pivot:
    facts = {
        "number": _at(unit, "DonneesFacture", "Id"),
        "type_code": _at(unit, "DonneesFacture", "Type"),
        "issue_date": _day(_at(unit, "DonneesFacture", "DateEmissionFacture")),
        "seller": _at(unit, "Fournisseur", "RaisonSociale")
        or " ".join(filter(None, (_at(unit, "Fournisseur", "Prenom"), _at(unit, "Fournisseur", "Nom")))),
        "seller_siret": _siret(unit, "Fournisseur"),
        "currency": _at(unit, "DonneesFacture", "Devise"),
        "total_ht": _amount(_at(unit, "DonneesFacture", "Montants", "MontantHT")),
        "total_vat": _vat(unit),
        "total_ttc": _amount(_at(unit, "DonneesFacture", "Montants", "MontantTTC")),
        "order_ref": _at(unit, "DonneesFacture", "Engagement", "NumeroEngagement"),
        "contract_ref": _at(unit, "DonneesFacture", "Engagement", "NumeroMarche"),
        "iban": _iban(unit),
        "frame": _at(unit, "DonneesFacture", "Cadre"),
    }
    return Pivot(
        number,
        _at(unit, "DonneesFacture", "Renvoi"),
        _at(unit, "DonneesFacture", "Cadre"),
        {key: value for key, value in facts.items() if value},
        _siret(unit, "Debiteur"),
        _at(unit, "Debiteur", "Nom") or _at(unit, "Debiteur", "RaisonSociale"),
        _at(unit, "Debiteur", "CodeService"),
        _at(unit, "Debiteur", "NomService"),
        _at(unit, "Fournisseur", "ReferenceBancaire", "RaisonSocialeEncaisseur"),
        _pieces(unit),
    )


def _siret(unit: Any, party: str) -> str:
    """The SIRET of a party; empty for what is known by another number."""
    return _at(unit, party, "Identifiant") if _at(unit, party, "TypeIdentifiant") == _SIRET else ""


def _iban(unit: Any) -> str:
    """The account in the form of an IBAN; of one in the older form (RIB) nothing is said."""
    for party in _children(unit, "Fournisseur"):
        for reference in _children(party, "ReferenceBancaire"):
            if reference.get("Type", "IBAN") == "IBAN":
                return re.sub(r"\s", "", _at(reference, "Compte")).upper()
    return ""


def _vat(unit: Any) -> str:
    """The sum of the VAT of each rate; empty where one is missing."""
    amounts = [
        _decimal(_at(line, "MontantTVA"))
        for data in _children(unit, "DonneesFacture")
        for table in _children(data, "TVAs")
        for line in _children(table, "TVA")
    ]
    known = [amount for amount in amounts if amount is not None]
    return f"{sum(known):.2f}" if known and len(known) == len(amounts) else ""


def _pieces(unit: Any) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    size = 0
    for element in _children(unit, "PJ"):
        if len(pieces) == MOST_PIECES:
            raise Unreadable(f"La facture a plus de {MOST_PIECES} pièces jointes")
        name = clean_filename(_at(element, "NomPJOrigine") or _at(element, "NomPJ") or "piece-jointe")
        contents = _children(element, "Contenu")
        data = _unpacked("".join((contents[0].text if contents else "") or ""), name)
        size += len(data)
        if size > MOST_IN_ALL:
            raise Unreadable(f"Les pièces jointes font plus de {MOST_IN_ALL // 1024 // 1024} Mo")
        if data:
            pieces.append(Piece(name, _at(element, "CategoriePJ"), _at(element, "TypePJ") == MAIN, data))
    return tuple(pieces)


def _unpacked(text: str, name: str) -> bytes:
    """The bytes of a file: of a zip of one file, that file; anything else as it is, an office document among them."""
    try:
        data = b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise Unreadable(f"La pièce « {name} » n’est pas lisible (base64)") from error
    if not data.startswith(b"PK\x03\x04"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) != 1 or entries[0].flag_bits & 1:
                return data
            with archive.open(entries[0]) as stream:
                inside = stream.read(MOST_BYTES + 1)
    except (
        Exception
    ) as error:  # an unpacker fails in its own ways (LZMAError, RuntimeError), and the bytes are others'
        raise Unreadable(f"La pièce « {name} » est un zip illisible") from error
    if len(inside) > MOST_BYTES:
        raise Unreadable(f"La pièce « {name} » fait plus de {MOST_BYTES // 1024 // 1024} Mo")
    return inside


def in_order(pivot: Pivot) -> list[Piece]:
    """The files of an invoice, the one to read and sign first: data that are read, a PDF, or whatever is there.

    What is called a readable copy stays beside the data that it shows.
    """
    return sorted(pivot.pieces, key=_rank)


def _rank(piece: Piece) -> int:
    kind = re.sub(r"[\s_-]", "", piece.category).lower()
    pdf, xml = (
        piece.data[:1024].lstrip().startswith(b"%PDF-"),
        piece.data[:256].lstrip().startswith((b"<", b"\xef\xbb\xbf<")),
    )
    if piece.main and (pdf or kind in XML_DATA or (xml and _is_data(piece.data))):
        return 0
    if pdf and (kind == READABLE or piece.name.upper().startswith("PJ00")):
        return 1
    return 2 if piece.main and not xml else 3 if pdf else 4


def _is_data(data: bytes) -> bool:
    """Whether an XML is an invoice of the norm: its root says so."""
    head = data[:4096]
    return any(root in head for root in (b"CrossIndustryInvoice", b"Invoice-2", b"CreditNote-2"))


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _children(element: Any, name: str) -> list[Any]:
    return [child for child in element if _name(child) == name]


def _at(element: Any, *path: str) -> str:
    """The text at a path, on one line; empty where there is none."""
    for name in path:
        inside = _children(element, name)
        if not inside:
            return ""
        element = inside[0]
    return " ".join(cleaned(element.text or "").split())[:LONGEST]


def _decimal(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and abs(amount) < 10**13 else None


def _amount(text: str) -> str:
    """An amount of the pivot, which writes six decimals, in cents; as written where it has more than cents."""
    amount = _decimal(text)
    if amount is None:
        return ""
    cents = amount.quantize(Decimal("0.01"))
    return f"{cents if cents == amount else amount.normalize():f}"


def _day(text: str) -> str:
    match = re.match(r"\d{4}-\d{2}-\d{2}", text)
    return match.group() if match else ""
