"""Read a file of payslips (XHL, the Treasury's DocumentPaye) as a table: one line an agent, what he is paid."""

from dataclasses import dataclass
from xml.parsers import expat

BLOCK = 1 << 16
MOST = 100_000
SLIP, AGENT = "PayeIndivMensuel", "Agent"
AMOUNTS = ("NbHeureTotal", "MtBrut", "MtNet", "MtNetAPayer")


class _NotPayslipsError(Exception):
    """The file is another XML."""


@dataclass(frozen=True)
class Payslip:
    """What an agent is paid for a month; amounts as the file writes them."""

    name: str
    number: str
    job: str
    service: str
    hours: str
    gross: str
    net: str
    paid: str


def payslips(data: bytes) -> list[Payslip] | None:
    """The payslips of a file; None when it is another XML, is cut, or has a DOCTYPE (which no payslip file has)."""
    walk = _Walk()
    parser = expat.ParserCreate()
    parser.StartElementHandler = walk.start
    parser.EndElementHandler = walk.end
    parser.StartDoctypeDeclHandler = walk.doctype
    try:
        for start in range(0, len(data), BLOCK):
            parser.Parse(data[start : start + BLOCK], False)
        parser.Parse(b"", True)
    except (expat.ExpatError, _NotPayslipsError, UnicodeError, LookupError, ValueError):
        return None
    return walk.payslips


class _Walk:
    def __init__(self) -> None:
        self.payslips: list[Payslip] = []
        self.path: list[str] = []
        self.values: dict[str, str] | None = None

    def doctype(self, *_: object) -> None:
        """Never legitimate."""
        raise _NotPayslipsError

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """A value of the payslip that is open, or of its agent; those of its pay lines are in its amounts."""
        name = name.rpartition(":")[2]
        if not self.path and name != "DocumentPaye":
            raise _NotPayslipsError
        self.path.append(name)
        if name == SLIP:
            self.values = {}
        elif self.values is not None and "V" in attributes and self.path[-2] in {SLIP, AGENT}:
            self.values.setdefault(name, attributes["V"])

    def end(self, name: str) -> None:
        """A payslip is complete."""
        self.path.pop()
        if name.rpartition(":")[2] == SLIP and self.values is not None:
            value = self.values.get
            if len(self.payslips) >= MOST:
                raise _NotPayslipsError
            who = " ".join(part for key in ("Nom", "ComplNom", "Prenom") if (part := value(key, "")))
            post = (value("Matricule", ""), value("EmploiMetier", ""), value("Service", ""))
            self.payslips.append(Payslip(who, *post, *(value(key, "") for key in AMOUNTS)))
            self.values = None
