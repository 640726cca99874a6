"""The acquit of the Treasury, read per bordereau, piece, line and attachment (PES_V2_Acquit_Autonome_V2.xsd, 5.17)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from app.channels.helios.anomalies import explain

if TYPE_CHECKING:
    from lxml.etree import _Element

    from app.channels.helios.flow import Flow
from collections import defaultdict

from app.channels.helios.flow import Flow, Slip
from app.transmission.ports import Fault, Part
from workflows.flows.keys import same_number, series

RETOUR: Final = "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/retour/v2"
WHOLE: Final = frozenset({"0", "1", "2"})
"""The domains that judge the flow as a whole: technique, signature technique, signature globale."""

_PIECES: Final = {"5": "mandat", "6": "titre"}
_DOMAINS: Final = {
    "0": "contrôle technique",
    "1": "signature",
    "2": "signature du flux",
    "7": "rôle",
    "8": "budget",
    "9": "état de l’actif",
    "10": "état du passif",
    "12": "facture",
    "99": "paramétrage",
}


class Verdict(StrEnum):
    """What an acquit decides of a flow."""

    ACCEPTED = "accepted"
    PARTIAL = "partial"
    REFUSED = "refused"


@dataclass(frozen=True)
class Anomaly:
    """What is wrong, and where: a piece and a line when the Treasury names them."""

    text: str
    piece: str = ""
    line: str = ""


@dataclass(frozen=True)
class Element:
    """The answer to one thing of the flow: a bordereau, an attachment, a contract, or the flow itself."""

    domain: str
    accepted: bool
    slip: str
    year: str
    attachment: str
    market: str
    anomalies: tuple[Anomaly, ...]

    @property
    def name(self) -> str:
        """What it is, as a finance desk calls it."""
        if self.slip:
            return f"bordereau {self.slip}" + (f" de {self.year}" if self.year else "")
        if self.attachment:
            return f"pièce jointe {self.attachment}"
        if self.market:
            return f"marché {self.market}"
        return _DOMAINS.get(self.domain, f"domaine {self.domain}")

    def faults(self) -> Iterator[tuple[str, str]]:
        """Each anomaly: its place (« mandat 2, ligne 1 », or nothing), then what is wrong."""
        piece = _PIECES.get(self.domain, "pièce")
        for anomaly in self.anomalies:
            place = f"{piece} {anomaly.piece}" if anomaly.piece else ""
            yield place + (f", ligne {anomaly.line}" if anomaly.line else ""), anomaly.text


@dataclass(frozen=True)
class Acquit:
    """An acquit as far as it could be read: which flow it answers (NomFic, CodCol, SIRET), when, and what it says."""

    name: str
    code: str
    siret: str
    day: date | None
    elements: tuple[Element, ...]
    refused_whole: bool = False

    def concerns(self, flow: Flow) -> bool:
        """True when it answers that flow: same NomFic, and same CodCol and SIRET as far as it says them."""
        return (
            bool(self.name)
            and self.name == flow.name
            and self.code in {"", flow.code}
            and self.siret in {"", flow.siret}
        )

    @property
    def refused(self) -> tuple[Element, ...]:
        """What the Treasury did not take."""
        return tuple(element for element in self.elements if not element.accepted)

    @property
    def verdict(self) -> Verdict | None:
        """What it decides; None when it answers nothing at all."""
        if self.refused_whole or any(element.domain in WHOLE for element in self.refused):
            return Verdict.REFUSED
        if not self.elements:
            return None
        if not self.refused:
            return Verdict.ACCEPTED
        return Verdict.REFUSED if len(self.refused) == len(self.elements) else Verdict.PARTIAL

    def reason(self, name: str) -> str:
        """Why the flow comes back, by mandat, what must not be sent again, and what to do."""
        partial = self.verdict is Verdict.PARTIAL
        head = "Acquit partiel : une partie du flux est refusée." if partial else "Le flux est refusé."
        sentences = [head, *(_sentence(element) for element in self.refused)]
        taken = (
            [element.name for element in self.elements if element.accepted and element.slip]
            if partial
            else []
        )
        if taken:
            many = len(taken) > 1
            sentences.append(
                f"Déjà pris en charge, à ne pas renvoyer : {', '.join(taken)}."
                if many
                else f"Le {taken[0]} est pris en charge : ne le renvoyez pas."
            )
        sentences.append(
            "Corrigez dans le logiciel de finances, puis déposez un nouveau flux sous un autre nom : "
            f"« {name} » a servi."
        )
        return " ".join(sentences)


def read_acquit(raw: bytes) -> Acquit | None:
    """The acquit in these bytes, or None when they are none: the caller keeps them whatever they are.

    A `PES_NonAcquit` of older versions is a refusal of the whole. A DOCTYPE is never legitimate.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        top = etree.fromstring(raw, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None
    local = etree.QName(top).localname
    if getattr(top.getroottree().docinfo, "doctype", "") or local not in {"PES_ACQUIT", "PES_NonAcquit"}:
        return None
    return Acquit(
        name=_first(top, "NomFic"),
        code=_first(top, "CodCol"),
        siret=_first(top, "IdColl"),
        day=_day(_first(top, "DteStr")),
        elements=tuple(_element(node) for node in _each(top, "ElementACQUIT")),
        refused_whole=local == "PES_NonAcquit",
    )


def rows_of(acquit: Acquit) -> Iterator[tuple[str, str]]:
    """Label and value of what a finance desk reads: each bordereau, attachment and contract, then its faults."""
    yield "Acquit du flux", acquit.name
    if acquit.day is not None:
        yield "Date de l’acquit", f"{acquit.day:%d/%m/%Y}"
    if acquit.refused_whole:
        yield "Flux", "Refusé en entier"
    for element in acquit.elements:
        yield _capital(element.name), "Pris en charge" if element.accepted else "Refusé"
        for place, text in element.faults():
            yield _capital(place) or "Motif", text


def _sentence(element: Element) -> str:
    faults = [f"{place} : {text}" if place else text for place, text in element.faults()]
    return f"{_capital(element.name)}, {' ; '.join(faults) or 'refusé sans motif'}."


def _element(node: _Element) -> Element:
    return Element(
        domain=_own(node, "DomaineAck"),
        accepted=_own(node, "EtatAck").lower() in {"1", "true"},
        slip=_own(node, "NumBord"),
        year=_own(node, "ExerciceBord"),
        attachment=_own(node, "IdUnique"),
        market=_own(node, "IdMarche"),
        anomalies=tuple(_anomalies(node)),
    )


def _anomalies(node: _Element) -> Iterator[Anomaly]:
    for fault in _children(node, "Erreur"):
        yield Anomaly(_text(fault))
    for piece in _children(node, "DetailPiece"):
        number = _own(piece, "NumPiece")
        lines = list(_children(piece, "DetailLigne"))
        faults = list(_children(piece, "Erreur"))
        yield from (Anomaly(_text(fault), number) for fault in faults)
        for line in lines:
            for fault in _children(line, "Erreur"):
                yield Anomaly(_text(fault), number, _own(line, "NumLigne"))
        if not faults and not lines:
            yield Anomaly("refusé sans motif", number)


def _text(fault: _Element) -> str:
    return explain(_own(fault, "NumAnoAck"), _own(fault, "LibelleAnoAck"))


def _each(top: _Element, local: str) -> Iterator[_Element]:
    return (node for node in top.iter() if str(node.tag).rsplit("}", 1)[-1] == local)


def _children(node: _Element, local: str) -> Iterator[_Element]:
    return (child for child in node if str(child.tag).rsplit("}", 1)[-1] == local)


def _own(node: _Element, local: str) -> str:
    return next(((child.get("V") or child.text or "").strip() for child in _children(node, local)), "")


def _first(top: _Element, local: str) -> str:
    return next(((node.get("V") or node.text or "").strip() for node in _each(top, local)), "")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_SERIES_DOMAINS: Final = {"5": "dépenses", "6": "recettes"}


def parts_of(flow: Flow, acquit: Acquit) -> tuple[Part, ...]:
    """Its parts, in the order of the flow; none for a flow that was refused as a whole, of which nothing was taken.

    What an acquit of acceptance does not name was taken with the rest; what any other does not name is unknown, and left
    out. Several bordereaux of one number are answered in their order.
    """
    refused = acquit.verdict is Verdict.REFUSED
    return tuple(part for part in _parts(flow, acquit) if not (refused and part.accepted))


def _parts(flow: Flow, acquit: Acquit) -> Iterator[Part]:
    whole = acquit.verdict is Verdict.ACCEPTED
    # An element is taken from here once it has answered a bordereau: several may have one number.
    left: dict[str, list[Element]] = defaultdict(list)
    for element in acquit.elements:
        left[element.domain].append(element)
    for slip in flow.slips:
        answer = _take(left[slip.domain], slip)
        if answer is not None or whole:
            where = series(flow.code, flow.budget, _SERIES_DOMAINS.get(slip.domain, ""), slip.year, slip.kind)
            yield _part("slip", where, slip.number, answer, slip.pieces)
    for unique_id in flow.attachments:
        answer = next((element for element in acquit.elements if element.attachment == unique_id), None)
        if answer is not None or whole:
            yield _part("attachment", "", unique_id, answer, ())


def _part(kind: str, where: str, number: str, answer: Element | None, pieces: tuple[str, ...]) -> Part:
    faults = (
        tuple(Fault(anomaly.piece, anomaly.line, anomaly.text) for anomaly in answer.anomalies)
        if answer
        else ()
    )
    accepted = answer is None or answer.accepted
    return Part("slip" if kind == "slip" else "attachment", where, number, accepted, pieces, faults)


def _take(answers: list[Element], slip: Slip) -> Element | None:
    """The answer to this bordereau, which then answers no other."""
    for answer in answers:
        if answer.slip and same_number(answer.slip, slip.number) and answer.year in {"", slip.year}:
            answers.remove(answer)
            return answer
    return None
