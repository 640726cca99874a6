"""What a PES v2 flow says of itself, once read: header, bordereaux, attachments, and its pieces in pages for a screen."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from workflows.family import Family

SIGNED_AS = "pes"
"""What the families of flows say of their signature (`workflows.family.SIGNATURES`): it is how they are known."""
DOMAINS = {"PES_DepenseAller": "dépenses", "PES_RecetteAller": "recettes"}
KINDS = {"01": "ordinaire", "02": "annulation", "03": "ordre de paiement"}
WHAT = {"dépenses": "mandat", "recettes": "titre"}
ZERO = Decimal(0)


def is_flow(family: Family) -> bool:
    """Whether a family is one of payment flows."""
    return family.signature == SIGNED_AS


@dataclass
class Slip:
    """A bordereau: what it declares (`total`, `vat` and `announced`, None where it says nothing) and what it holds.

    Amounts are in euros, without tax except `vat`. `page` is the page of the reading where it begins, from 1;
    `numbers` are those of its mandats or titres.
    """

    number: str
    year: str
    kind: str
    domain: str
    total: Decimal | None
    vat: Decimal | None
    announced: int | None
    running: str
    page: int = 1
    pieces: int = 0
    lines_total: Decimal = ZERO
    lines_vat: Decimal = ZERO
    numbers: list[str] = field(default_factory=list)

    @property
    def what(self) -> str:
        """« mandat » or « titre »."""
        return WHAT[self.domain]


@dataclass(frozen=True)
class Attachment:
    """A file carried by the flow: `start` and `end` are the bytes of its `Fichier` element, start tag included."""

    unique_id: str
    name: str
    kind: str
    description: str
    media: str
    concerns: str
    start: int
    end: int


@dataclass(frozen=True)
class Finding:
    """What a signatory should look at: a title, a sentence, and the page of the reading where it is seen (0: nowhere)."""

    key: str
    title: str
    text: str
    page: int = 0


@dataclass(frozen=True)
class Account:
    """Where a piece pays a third party; `third` is the identifier that the flow gives, else the name."""

    third: str
    name: str
    iban: str
    piece: str
    page: int


@dataclass
class Flow:
    """A flow as it was read. `pages` are compressed, each read by `page_content`, so that only the one shown is in memory.

    `announced`: the electronic attachments that its pieces name, each with the first piece and page that name it.
    `unread`: the pieces, with their page, an amount of which is no number. `garbled`: a text whose accents are spoilt.
    `contracts`: how many public contracts and concessions it tells (PES_Marche). `payees`: the names that are paid on each
    account, each with the first piece and page that pays it. `paper`: its bordereaux are signed on paper. `schema`: the
    version of the Treasury's schema that it follows, empty for none that is known, None where nobody compared; `newer`: the
    elements that no known version has.
    """

    header: Mapping[str, str]
    slips: list[Slip]
    attachments: list[Attachment]
    accounts: list[Account]
    pages: list[bytes]
    announced: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    unread: Sequence[tuple[str, int]] = ()
    garbled: str = ""
    contracts: int = 0
    payees: Mapping[str, Mapping[str, tuple[str, int]]] = field(default_factory=dict)
    paper: bool = False
    schema: str | None = None
    newer: Sequence[str] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def file_name(self) -> str:
        """NomFic."""
        return self.header.get("NomFic", "")

    @property
    def domain(self) -> str:
        """« dépenses », « recettes », « marchés », or several; « pièces jointes » for what follows alone."""
        names = [domain for domain in DOMAINS.values() if any(slip.domain == domain for slip in self.slips)]
        names += ["marchés"] if self.contracts else []
        return " et ".join(names) or "pièces jointes"

    @property
    def budget(self) -> str:
        """The budget, with its codes for the accountant."""
        header = self.header
        label, body, code = (header.get(tag, "") for tag in ("LibelleColBud", "CodCol", "CodBud"))
        return f"{label} ({body}, budget {code})".strip()

    @property
    def total(self) -> Decimal:
        """What its bordereaux declare together, without tax, in euros."""
        return sum((slip.total or ZERO for slip in self.slips), ZERO)

    @property
    def total_with_tax(self) -> Decimal:
        """What its lines add up to, tax included, in euros."""
        return sum((slip.lines_total + slip.lines_vat for slip in self.slips), ZERO)

    @property
    def to_sign(self) -> int:
        """How many bordereaux are signed here."""
        return 0 if self.paper else len(self.slips)

    @property
    def pieces(self) -> int:
        """How many mandats and titres it holds."""
        return sum(slip.pieces for slip in self.slips)


def masked(iban: str) -> str:
    """What may be shown of an account: the country and the ends (« FR76 •••• 0185 »)."""
    return f"{iban[:4]} •••• {iban[-4:]}" if len(iban) > 8 else "••••"


def page_bytes(blocks: Sequence[Mapping[str, Any]]) -> bytes:
    """A page as it is kept."""
    return zlib.compress(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")).encode())


def page_content(compressed: bytes) -> list[dict[str, Any]]:
    """The blocks of a page: `kind` is slip (a bordereau or its continuation), attachments, or others (all other values)."""
    blocks: list[dict[str, Any]] = json.loads(zlib.decompress(compressed))
    return blocks
