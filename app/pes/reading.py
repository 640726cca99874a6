"""What a PES v2 flow orders to pay or to collect, read in one pass whatever its size.

Names and places are those of the Treasury's schema 5.17 (PES_Aller.xsd): elements without namespace, values in `V`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import IO, Any

from app.core.french import euros, jour

ROOT = "{http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller}PES_Aller"
DOMAINS = {"PES_DepenseAller": "dépenses", "PES_RecetteAller": "recettes"}
KINDS = {"01": "ordinaire", "02": "annulation", "03": "ordre de paiement"}
WHAT = {"dépenses": "Mandat", "recettes": "Titre"}
HEAVY = frozenset({"Fichier", "FactureIndiv", "Marche"})
MOST_ROWS = 400


@dataclass(frozen=True)
class Piece:
    """A mandat or a titre: its number, who is paid or owes, for what, and its amount without tax in euros."""

    number: str
    third: str
    object: str
    amount: Decimal


@dataclass(frozen=True)
class Slip:
    """A bordereau with its pieces; `total` is the amount that it declares, without tax, in euros."""

    number: str
    year: str
    kind: str
    domain: str
    total: Decimal
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Flow:
    """A flow: its name and day, the body and budget that it belongs to, and its bordereaux in the order of the file."""

    file_name: str
    written_on: str
    siret: str
    budget: str
    slips: tuple[Slip, ...]

    @property
    def domain(self) -> str:
        """« dépenses », « recettes », or both."""
        return " et ".join(one for one in DOMAINS.values() if any(slip.domain == one for slip in self.slips))

    @property
    def total(self) -> Decimal:
        """What its bordereaux declare together, without tax, in euros."""
        return sum((slip.total for slip in self.slips), Decimal(0))

    @property
    def pieces(self) -> int:
        """How many mandats and titres it holds."""
        return sum(len(slip.pieces) for slip in self.slips)


def read_flow(stream: IO[bytes]) -> Flow | None:
    """The flow in an open file that has passed intake; None when the file is another XML, or is cut."""
    from lxml import etree

    said: dict[str, str] = {}
    slips: list[Slip] = []
    domain = ""
    reading: Any = etree.iterparse(
        stream,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for rank, (event, element) in enumerate(reading):
            if not rank and element.tag != ROOT:
                return None
            if event == "start":
                domain = DOMAINS.get(element.tag, domain)
            elif element.tag in {"Parametres", "EnTetePES"}:
                said |= {one.tag: one.get("V", "") for one in element}
            elif element.tag == "Bordereau":
                slips.append(_slip(element, domain))
                _forget(element)
            elif element.tag in HEAVY:
                element.clear()  # alone: an attachment may stand within a piece, whose number comes before it
    except etree.XMLSyntaxError:
        return None
    budget = f"{said.get('LibelleColBud', '')} ({said.get('CodCol', '')}, budget {said.get('CodBud', '')})"
    return Flow(
        said.get("NomFic", ""),
        said.get("DteStr", ""),
        said.get("IdColl", ""),
        budget.strip(),
        tuple(slips),
    )


def rows_of(flow: Flow) -> Iterator[tuple[str, str]]:
    """Label and value of what a signatory reads, every mandat and titre included; where there are too many it is said."""
    yield "Nom du flux", flow.file_name
    yield "Date du flux", jour(flow.written_on)
    yield "Budget", flow.budget
    plural = "x" if len(flow.slips) > 1 else ""
    yield (
        "Contenu",
        f"{len(flow.slips)} bordereau{plural}, {flow.domain}, total hors taxes {euros(flow.total)}",
    )
    left = MOST_ROWS
    for slip in flow.slips:
        kind = KINDS.get(slip.kind, slip.kind)
        yield (
            f"Bordereau {slip.number} de {slip.year}",
            f"{slip.domain}, {kind}, {_many(slip)}, {euros(slip.total)}",
        )
        for piece in slip.pieces:
            left -= 1
            if left < 0:
                hidden = flow.pieces - MOST_ROWS
                yield (
                    "Suite",
                    f"{hidden} autres mandats ou titres ne sont pas montrés ici : téléchargez le flux pour les lire.",
                )
                return
            words = [piece.third, piece.object, euros(piece.amount)]
            yield f"{WHAT[slip.domain]} {piece.number}", ", ".join(one for one in words if one)


def _many(slip: Slip) -> str:
    return f"{len(slip.pieces)} {WHAT[slip.domain].lower()}{'s' if len(slip.pieces) > 1 else ''}"


def _slip(element: Any, domain: str) -> Slip:
    block = _values(element.find("BlocBordereau"))
    pieces = tuple(_piece(one) for one in element.iterfind("Piece"))
    total = _amount(block.get("MtBordHT") or block.get("MtBordHt"))
    return Slip(
        block.get("IdBord", ""), block.get("Exer", ""), block.get("TypBord", ""), domain, total, pieces
    )


def _piece(element: Any) -> Piece:
    block = element.find("BlocPiece")
    said = _values(block) | _values(block.find("InfoPce") if block is not None else None)
    third = next((one.get("V", "") for one in element.iterfind(".//InfoTiers/Nom")), "")
    lines = [one.get("V") for one in element.iterfind(".//MtHT")]
    amount = sum((_amount(one) for one in lines), Decimal(0))
    return Piece(said.get("IdPce", ""), third, said.get("Obj") or said.get("ObjPce") or "", amount)


def _values(block: Any) -> dict[str, str]:
    return {one.tag: one.get("V", "") for one in block} if block is not None else {}


def _amount(text: str | None) -> Decimal:
    try:
        value = Decimal(text or "0")
    except InvalidOperation:
        return Decimal(0)
    return value if value.is_finite() else Decimal(0)


def _forget(element: Any) -> None:
    """Give back the memory of what has been read."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]
