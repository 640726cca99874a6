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
class Said:
    """The answer to one thing: `key` holds its own elements (NumBord and ExerciceBord, IdMarche, or IdUnique)."""

    domain: str
    key: tuple[tuple[str, str], ...] = ()
    fault: Fault | None = None


def write_acquit(flow: Flow, day: date, said: Iterable[Said], sender: str, remark: str) -> bytes:
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
        f"<EnTetePES>{_values([one for one in named if one[1]])}</EnTetePES>"
        f"<ACQUIT><EnTeteAcquit>{_values([('IdVer', '2')])}</EnTeteAcquit>{''.join(map(_element, said))}</ACQUIT>"
        "</n:PES_ACQUIT>\n"
    )
    return text.encode(_ENCODING, "xmlcharrefreplace")


def _element(one: Said) -> str:
    state = [("DomaineAck", one.domain), ("EtatAck", "0" if one.fault else "1"), *one.key]
    return f"<ElementACQUIT>{_values(state)}{_fault(one.fault) if one.fault else ''}</ElementACQUIT>"


def _fault(fault: Fault) -> str:
    made = f"<Erreur>{_values([('NumAnoAck', fault.code), ('LibelleAnoAck', fault.label)])}</Erreur>"
    if fault.line:
        made = f"<DetailLigne>{_values([('NumLigne', fault.line)])}{made}</DetailLigne>"
    if fault.piece:
        made = f"<DetailPiece>{_values([('NumPiece', fault.piece)])}{made}</DetailPiece>"
    return made


def _values(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<{name} V={quoteattr(value)}/>" for name, value in pairs)
