"""What a Treasury sends of itself (PES_Retour): the payments of a flow as a file of it says them, and the box where they wait.

The file is valid against PES_Retour.xsd (RETOUR, 5.17), in ISO-8859-1. The box is a folder, where nothing is ever changed:

    returns/<SIREN>/<number>.xml    a file that waits, and the name that it bears there
    returns/<SIREN>/<number>.json   its name and when it came
    returns/<SIREN>/<number>.taken  somebody said that it was taken
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from app.channels import create_only
from app.channels.helios.flow import Flow
from app.transmission.ports import Listed

RETOUR: Final = "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/retour"
_ENCODING: Final = "ISO-8859-1"
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True)
class _Domain:
    """How a domain writes a return: the names of its elements, and the codes of a line that is settled by money."""

    part: str
    head: str
    piece: str
    total: str
    count: str
    amount: str
    move: str
    day: str
    moved: str
    settled: str
    line: str
    origin: str
    detail: str


_SPENT: Final = _Domain(
    "PES_DepenseRetour", "EnTeteDepense", "InfoPiece", "InfoPaiement", "NbrPay", "MtPayTot",
    "PaiementEmargement", "DtePay", "MtPay", "05", "01", "01", "InfoLignePce",
)  # fmt: skip
_EARNED: Final = _Domain(
    "PES_RecetteRetour", "EnTeteRecette", "BlocPiece", "InfoRecouvrement", "NbrReco", "MtRecoTot",
    "EncaissementEmargement", "DteReco", "MtReco", "02", "05", "02", "InfoLignePiece",
)  # fmt: skip
_DOMAINS: Final = {"PES_DepenseAller": _SPENT, "PES_RecetteAller": _EARNED}


class Box:
    """The files that a simulated Treasury sent of itself to one collectivity."""

    def __init__(self, root: Path, siren: str) -> None:
        self._home = root / "returns" / siren

    def put(self, name: str, raw: bytes, moment: datetime) -> str:
        """Let a file wait; returns its reference."""
        number = max((int(path.stem) for path in self._home.glob("[0-9]*.xml")), default=0) + 1
        while not create_only(self._home / f"{number}.xml", raw):
            number += 1
        record = {"name": name, "date": moment.strftime("%Y-%m-%d %H:%M:%S")}
        create_only(self._home / f"{number}.json", json.dumps(record).encode())
        return str(number)

    def waiting(self) -> Sequence[Listed]:
        """Those that nobody took, the oldest first."""
        numbers = sorted(int(path.stem) for path in self._home.glob("[0-9]*.json"))
        left = [number for number in numbers if not (self._home / f"{number}.taken").exists()]
        records = {number: json.loads((self._home / f"{number}.json").read_bytes()) for number in left}
        return [Listed(str(number), record["name"], record["date"]) for number, record in records.items()]

    def content(self, reference: str) -> bytes:
        """The bytes of one, taken or not; refuses with LookupError what it never had."""
        path = self._home / f"{reference}.xml"
        if not reference.isdecimal() or not path.is_file():
            raise LookupError(reference)
        return path.read_bytes()

    def take(self, reference: str) -> None:
        """It was taken: it waits no more; refuses with LookupError what it never had."""
        self.content(reference)
        create_only(self._home / f"{reference}.taken", b"")


def write_return(
    flow: Flow, file: Path, moment: datetime, remark: str, share: int = 100
) -> tuple[str, bytes]:
    """The name and the bytes of a return that says every line of `flow` paid that day, `share` per cent of it."""
    kind = "DEP" if any(slip.domain == "5" for slip in flow.slips) else "RCE"
    day = moment.date()
    stamp = moment.strftime("%Y%m%d%H%M%S%f")[:17]
    name = f"PES2R_{kind}__P_{flow.code}_{flow.budget}_{flow.post}_{day:%Y%m%d}_{day:%Y%m%d}_{stamp}.xml"
    head = [("Version", "1"), ("TypFic", f"PES2R_{kind}"), ("NomFic", name)]
    named = [
        ("DteStr", day.isoformat()),
        ("IdPost", flow.post),
        ("IdColl", flow.siret),
        ("CodColl", flow.code),
        ("CodBud", flow.budget),
        ("LibelleColBud", flow.label),
    ]
    text = (
        f'<?xml version="1.0" encoding="{_ENCODING}"?>\n<n:PES_Retour xmlns:n="{RETOUR}"><!-- {remark} -->'
        f"<Enveloppe><Parametres>{_values(head)}</Parametres></Enveloppe>"
        f"<EnTetePES>{_values([pair for pair in named if pair[1]])}</EnTetePES>"
        f"{''.join(_parts(file, day, share))}</n:PES_Retour>\n"
    )
    return name, text.encode(_ENCODING, "xmlcharrefreplace")


def _parts(file: Path, day: date, share: int) -> Iterator[str]:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    root = etree.parse(str(file), parser).getroot()
    for name, domain in _DOMAINS.items():
        slips = root.findall(f"{name}/Bordereau")
        if not slips:
            continue
        head = _values([("TypRestit", "P"), ("IdVer", "2"), ("NatInf", "2")])
        written = "".join(_slip(slip, domain, day, share) for slip in slips)
        yield f"<{domain.part}><{domain.head}>{head}</{domain.head}>{written}</{domain.part}>"


def _slip(slip: Any, domain: _Domain, day: date, share: int) -> str:
    fields = [(key, _value(slip, f"BlocBordereau/{key}")) for key in ("Exer", "IdBord", "TypBord")]
    pieces = "".join(_piece(piece, domain, day, share) for piece in slip.findall("Piece"))
    return f"<Bordereau><BlocBordereau>{_values(fields)}</BlocBordereau>{pieces}</Bordereau>"


def _piece(piece: Any, domain: _Domain, day: date, share: int) -> str:
    fields = [(key, _value(piece, f".//{key}")) for key in ("IdPce", "TypPce", "NatPce")]
    fields += [("DtePcePec", day.isoformat()), ("EtatPce", domain.settled)]
    lines = "".join(_line(line, domain, day, share) for line in piece.findall("LigneDePiece"))
    return f"<Piece><{domain.piece}>{_values(fields)}</{domain.piece}>{lines}</Piece>"


def _line(line: Any, domain: _Domain, day: date, share: int) -> str:
    place = f"BlocLignePiece/{domain.detail}"
    before, vat = _value(line, f"{place}/MtHT"), _value(line, f"{place}/MtTVA")
    due = Decimal(before or 0) + Decimal(vat or 0)
    moved = f"{(due * share / 100).quantize(_CENT)}"
    fields = [("IdLigne", _value(line, f"{place}/IdLigne")), ("EtatLigPce", domain.line), ("MtHT", before)]
    fields += [("MtTVA", vat)] if vat else []
    total = _values([(domain.count, "1"), (domain.amount, moved)])
    move = _values([("OrgEma", domain.origin), (domain.day, day.isoformat()), (domain.moved, moved)])
    return (
        f"<LigneDePiece><BlocLignePiece><InfoLignePiece>{_values(fields)}</InfoLignePiece>"
        f"<{domain.total}>{total}</{domain.total}></BlocLignePiece><{domain.move}>{move}</{domain.move}></LigneDePiece>"
    )


def _value(element: Any, path: str) -> str:
    return str(next((node.get("V", "") for node in element.iterfind(path)), ""))


def _values(pairs: Sequence[tuple[str, str]]) -> str:
    return "".join(f"<{name} V={quoteattr(value)}/>" for name, value in pairs)
