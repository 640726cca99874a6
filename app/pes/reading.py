"""Read a PES v2 flow in one pass of expat, whatever its size: nothing is kept but what a signatory reads, in compressed pages.

Names and places are those of the Treasury's schema 5.17 (PES_Aller.xsd): elements without namespace, values in `V`. The
amount of a bordereau is MtBordHT for mandats and MtBordHt for titres (CommunDepense.xsd, CommunRecette.xsd).
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any, NoReturn
from xml.parsers import expat

from app.core.refusals import Refusal
from app.core.texts import whole
from app.files.xml import spelled
from app.pes.flow import DOMAINS, Account, Attachment, Flow, Slip
from app.pes.pages import Pages

ROOT = "http://www.minefi.gouv.fr/cp/helios/pes_v2/Rev0/aller PES_Aller"
BLOCK = 1 << 16
MOST_ATTACHMENTS = 50_000
LONGEST_MARK = 10 << 20  # bytes of one tag or comment: no flow has any near that
ELECTRONIC = "01"
ON_PAPER = frozenset({"0", "false"})
"""What InfoDematerialisee says of bordereaux that are signed on paper."""
CONTRACTS = frozenset({"Marche", "Concession"})
FILE_VALUES = ("IdUnique", "NomPJ", "TypePJ", "Description", "MIMEType")
# UTF-8 read as Latin-1, and the control characters that Windows-1252 writes for its dashes and quotes
GARBLED = re.compile("[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u0080|[\u0080-\u009f]")
Values = list[tuple[str, str, str]]


class _OtherFileError(Exception):
    """The root is not that of a flow."""


def read_flow(stream: IO[bytes]) -> Flow | None:
    """The flow in an open file; None when the file is another XML, or is cut. Refuses `flow-too-many` attachments."""
    walk = _Walk()
    parser = walk.parser
    fed = 0
    try:
        while block := stream.read(BLOCK):
            fed += len(block)
            parser.Parse(block, False)
            if fed - parser.CurrentByteIndex > LONGEST_MARK and not walk.inside_file:
                return None
        parser.Parse(b"", True)
    except (expat.ExpatError, _OtherFileError, UnicodeError, LookupError, ValueError):
        return None
    return walk.flow()


class _Walk:
    """The state of the pass: what is open, and what its values were."""

    def __init__(self) -> None:
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.StartDoctypeDeclHandler = self.doctype
        self.path: list[str] = []
        self.header: dict[str, str] = {}
        self.others: Values = []
        self.slips: list[Slip] = []
        self.slip_values: Values | None = None
        self.piece: Values | None = None
        self.lines: list[Values] = []
        self.line: Values | None = None
        self.refs: list[dict[str, str]] = []
        self.ref: dict[str, str] | None = None
        self.file: Values | None = None
        self.place = (0, 0)
        self.inside_file = False
        self.announced: dict[str, tuple[str, int]] = {}
        self.unread: list[tuple[str, int]] = []
        self.garbled = ""
        self.contracts = 0
        self.dematerialised: set[str] = set()
        self.attachments: list[Attachment] = []
        self.accounts: dict[tuple[str, str], Account] = {}
        self.payees: dict[str, dict[str, tuple[str, int]]] = {}
        self.pages = Pages()

    def doctype(self, *_: Any) -> NoReturn:
        """Never legitimate: without it there is no entity, and no second reading of the file."""
        raise _OtherFileError

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins: it opens a part of the flow, or gives a value of the part that is open."""
        path = self.path
        if not path and name != ROOT:
            raise _OtherFileError
        path.append(name)
        # What opens a part is seen first: an attribute V that the schema does not give it must not hide what it holds
        if name == "Bordereau" and len(path) == 3 and path[1] in DOMAINS:
            self.slip_values = []
        elif name == "Piece" and self.slip_values is not None and self.piece is None:
            self.open_slip()
            self.piece, self.lines, self.refs = [], [], []
        elif name == "LigneDePiece" and self.piece is not None and self.line is None:
            self.line = []
        elif name == "PJRef" and self.piece is not None and self.ref is None:
            self.ref = {}
        elif name in CONTRACTS and len(path) == 4 and path[1] == "PES_Marche":
            self.contracts += 1
        elif name == "PJ" and self.file is None:
            self.file, self.place = [], (0, 0)
        elif name == "Fichier" and self.file is not None:
            self.file.append(("", "MIMEType", attributes.get("MIMEType", "")))
            self.place, self.inside_file = (self.parser.CurrentByteIndex, 0), True
        elif "V" in attributes:
            self.value(path[-2] if len(path) > 1 else "", name, attributes["V"])

    def value(self, parent: str, name: str, text: str) -> None:
        """A value belongs to the innermost part that is open; a hidden character in it is read by its number."""
        if not self.garbled and not text.isascii() and GARBLED.search(text):
            self.garbled = text
        text = spelled(text)
        if self.ref is not None:
            self.ref[name] = text
        elif self.file is not None:
            self.file.append((parent, name, text))
        elif self.line is not None:
            self.line.append((parent, name, text))
        elif self.piece is not None:
            self.piece.append((parent, name, text))
        elif self.slip_values is not None:
            self.slip_values.append((parent, name, text))
        else:
            if name == "InfoDematerialisee":
                self.dematerialised.add(text)
            if parent in {"Parametres", "EnTetePES"}:
                self.header.setdefault(name, text)
            self.others.append((" › ".join(self.path[1:-1]), name, text))

    def end(self, name: str) -> None:
        """An element ends: what it held is complete."""
        self.path.pop()
        if name == "PJRef" and self.ref is not None:
            self.refs.append(self.ref)
            self.ref = None
        elif name == "Fichier" and self.file is not None:
            self.place, self.inside_file = (self.place[0], self.parser.CurrentByteIndex), False
        elif name == "PJ" and self.file is not None:
            self.keep_file(self.file)
            self.file = None
        elif name == "LigneDePiece" and self.line is not None:
            self.lines.append(self.line)
            self.line = None
        elif name == "Piece" and self.piece is not None:
            self.keep_piece()
        elif name == "Bordereau" and self.slip_values is not None and len(self.path) == 2:
            self.open_slip()
            self.pages.close_slip()
            self.slip_values = None

    def open_slip(self) -> None:
        """The head of a bordereau is complete at its first piece, or at its end when it has none."""
        if self.pages.slip is not None or self.slip_values is None:
            return
        values = {name: text for parent, name, text in self.slip_values if parent == "BlocBordereau"}
        declared = values.get("MtBordHT", values.get("MtBordHt"))
        slip = Slip(
            number=values.get("IdBord", ""),
            year=values.get("Exer", ""),
            kind=values.get("TypBord", ""),
            domain=DOMAINS[self.path[1]],
            total=amount(declared),
            vat=amount(values.get("MtBordTVA", values.get("MtBordTva"))),
            announced=whole(values.get("NbrPce")),
            running=values.get("MtCumulAnnuel", ""),
        )
        self.slips.append(slip)
        self.pages.open_slip(slip, self.slip_values)

    def keep_piece(self) -> None:
        """A mandat or a titre goes to its page."""
        slip, piece = self.slips[-1], self.piece or []
        number = _first(piece, "IdPce")
        page = self.pages.next_page(max(len(self.lines), 1))
        lines = [self.line_of(line, number, page) for line in self.lines]
        if any(line["unread"] for line in lines):
            self.unread.append((number, page))
        for ref in self.refs:
            if ref.get("Support") == ELECTRONIC:
                self.announced.setdefault(ref.get("IdUnique", ""), (number, page))
        slip.pieces += 1
        slip.numbers.append(number)
        slip.lines_total += sum((Decimal(line["ht"]) for line in lines), Decimal(0))
        slip.lines_vat += sum((Decimal(line["vat"]) for line in lines), Decimal(0))
        self.pages.add_piece(
            {
                "n": number,
                "nature": _first(piece, "NatPce"),
                "object": _first(piece, "Obj") or _first(piece, "ObjPce"),
                "refs": self.refs,
                "lines": lines,
                "fields": piece,
            }
        )
        self.piece, self.lines, self.refs = None, [], []

    def line_of(self, line: Values, number: str, page: int) -> dict[str, Any]:
        """A line as it is shown; the account that it pays is remembered once for each third party."""
        names = [
            text
            for parent, name, text in line
            if parent == "InfoTiers" and name in {"Nom", "ComplNom", "Prenom"}
        ]
        third, iban = " ".join(names), _first(line, "IBAN").replace(" ", "").upper()
        key = _first(line, "IdTiers") or third
        if iban and third:
            self.payees.setdefault(iban, {}).setdefault(" ".join(third.upper().split()), (number, page))
        if iban and key:
            self.accounts.setdefault((key, iban), Account(key, third, iban, number, page))
        before = amount(_first(line, "MtHT"))
        vat = amount(_first(line, "MtTVA") or "0")
        return {
            "third": third,
            "imputation": " ".join(
                code for name in ("Nature", "Fonction", "Operation") if (code := _first(line, name))
            ),
            "label": " ".join(label for name in ("LibVir1", "LibVir2") if (label := _first(line, name))),
            "mode": _first(line, "ModRegl"),
            "iban": iban,
            "ht": str(before or 0),
            "vat": str(vat or 0),
            "unread": before is None or vat is None,
            "fields": line,
        }

    def keep_file(self, values: Values) -> None:
        """An attachment is known by the bytes where its content stands."""
        if len(self.attachments) >= MOST_ATTACHMENTS:
            raise Refusal("flow-too-many", limit=MOST_ATTACHMENTS)
        unique_id, name, kind, description, media = (_first(values, name) for name in FILE_VALUES)
        more = ", ".join(f"{name} {text}" for _, name, text in values if name not in FILE_VALUES)
        start, end = self.place
        self.attachments.append(Attachment(unique_id, name, kind, description, media, more, start, end))

    def flow(self) -> Flow:
        """What was read, with the attachments and every other value after the pieces."""
        self.pages.add_attachments(self.attachments)
        self.pages.add_others(self.others)
        return Flow(
            self.header,
            self.slips,
            self.attachments,
            list(self.accounts.values()),
            self.pages.done(),
            self.announced,
            self.unread,
            self.garbled,
            self.contracts,
            payees=self.payees,
            paper=bool(self.dematerialised) and self.dematerialised <= ON_PAPER,
        )


def amount(text: str | None) -> Decimal | None:
    """An amount in euros, or None when there is none to read.

    >>> amount("412.60"), amount("NaN"), amount(None)
    (Decimal('412.60'), None, None)
    """
    try:
        value = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < 10**15 else None


def _first(values: Values, wanted: str) -> str:
    return next((text for _, name, text in values if name == wanted), "")
