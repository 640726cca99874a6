"""The acquits that a Treasury writes, valid against PES_V2_Acquit_Autonome_V2.xsd, in ISO-8859-1."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.sax.saxutils import quoteattr

from app.channels.helios.acquit import RETOUR
from app.channels.helios.flow import Flow

_ENCODING: Final = "ISO-8859-1"


@dataclass(frozen=True)
class Fault:
    """An anomaly to write: its code and label, and the piece and line that it names."""

    code: str
    label: str
    piece: str = ""
    line: str = ""


@dataclass(frozen=True)
class Answer:
    """The answer to one thing: `key` holds its own elements (NumBord and ExerciceBord, IdMarche, or IdUnique)."""

    domain: str
    key: tuple[tuple[str, str], ...] = ()
    fault: Fault | None = None


def write_acquit(flow: Flow, day: date, answers: Iterable[Answer], sender: str, remark: str) -> bytes:
    """The bytes of an acquit of `flow`; `sender` signs it (32 characters at most), `remark` is a comment at its head."""
    head = [("Version", "2"), ("TypFic", flow.kind), ("NomFic", flow.name)]
    named = [
        ("DteStr", day.isoformat()),
        ("IdPost", flow.post),
        ("IdColl", flow.siret),
        ("CodCol", flow.code),
        ("CodBud", flow.budget),
        ("LibelleColBud", flow.label),
    ]
    text = (
        f'<?xml version="1.0" encoding="{_ENCODING}"?>\n<n:PES_ACQUIT xmlns:n="{RETOUR}"><!-- {remark} -->'
        f"<Enveloppe><Parametres>{_values(head)}</Parametres>"
        f"<Emetteur>{_values([('Sigle', sender), ('Adresse', 'FACTICE')])}</Emetteur></Enveloppe>"
        f"<EnTetePES>{_values([pair for pair in named if pair[1]])}</EnTetePES>"
        f"<ACQUIT><EnTeteAcquit>{_values([('IdVer', '2')])}</EnTeteAcquit>{''.join(map(_element, answers))}</ACQUIT>"
        "</n:PES_ACQUIT>\n"
    )
    return text.encode(_ENCODING, "xmlcharrefreplace")


def _element(answer: Answer) -> str:
    state = [("DomaineAck", answer.domain), ("EtatAck", "0" if answer.fault else "1"), *answer.key]
    return f"<ElementACQUIT>{_values(state)}{_fault(answer.fault) if answer.fault else ''}</ElementACQUIT>"


def _fault(fault: Fault) -> str:
    element = f"<Erreur>{_values([('NumAnoAck', fault.code), ('LibelleAnoAck', fault.label)])}</Erreur>"
    if fault.line:
        element = f"<DetailLigne>{_values([('NumLigne', fault.line)])}{element}</DetailLigne>"
    if fault.piece:
        element = f"<DetailPiece>{_values([('NumPiece', fault.piece)])}{element}</DetailPiece>"
    return element


def _values(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<{name} V={quoteattr(value)}/>" for name, value in pairs)
