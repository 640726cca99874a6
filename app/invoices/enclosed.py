"""The data that a PDF invoice carries: every XML attached to it is looked at, and what is unusual is said."""

import logging
import re
import zlib
from codecs import BOM_UTF8
from collections.abc import Iterable
from pathlib import Path

from app.core.refusals import Refusal
from app.invoices.dress import HOSTILE, recognise
from app.invoices.fields import fields_of

STANDARD = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
"""The names under which an invoice is looked for (Factur-X 1.0, ZUGFeRD 2, XRechnung), the most usual first."""
MOST = 20
"""XML attachments that are looked at in one PDF."""
_INVOICE_ROOT = re.compile(
    rb"<(?:[\w.-]+:)?(?:CrossIndustryInvoice|CrossIndustryDocument|Invoice|CreditNote)[\s>]"
)
_XML = (b"<", b"\xff\xfe<\x00", b"\xfe\xff\x00<")
"""How the bytes of an XML begin, with or without a mark of their encoding."""


def data_in(path: Path) -> tuple[str, bytes, list[str]]:
    """The name and bytes of the invoice in a PDF that passed intake (empty for none), and what is doubtful, in French.

    Refuses what is hostile in an attached XML, as in one that is deposited alone.
    """
    invoices: list[tuple[str, bytes]] = []
    doubts: list[str] = []
    attached = _attached(path)
    if attached is None:
        return (
            "",
            b"",
            ["Les fichiers joints à ce PDF n’ont pas pu être lus : il n’est montré que comme une page."],
        )
    for name, data in attached[:MOST]:
        about = _recognised(name, data)
        if about is None:
            invoices.append((name, data))
        elif about:
            doubts.append(about)
    if len(attached) > MOST:
        doubts.append(f"Ce PDF porte {len(attached)} fichiers XML ; les {MOST} premiers ont été lus.")
    if not invoices:
        return "", b"", doubts
    name, data = min(invoices, key=lambda invoice: _rank(invoice[0]))
    if name.lower() not in STANDARD:
        doubts.append(
            f"Les données de la facture ont un nom inhabituel, « {name} » : d’autres logiciels ne les liront pas."
        )
    others = [invoice for invoice in invoices if invoice[1] != data]
    if others:
        doubts.append(_several(name, data, others))
    return name, data, doubts


def _several(name: str, data: bytes, others: Iterable[tuple[str, bytes]]) -> str:
    invoices = " ; ".join(_in_short(*invoice) for invoice in [(name, data), *others])
    return f"Ce PDF porte plusieurs factures en données, qui ne sont pas les mêmes : {invoices}. Seule « {name} » a été lue."


def _in_short(name: str, data: bytes) -> str:
    invoice = recognise(data, name)
    fields = fields_of(invoice.root, invoice.kind) if invoice else {}
    return f"« {name} » dit n° {fields.get('number', 'absent')}, {fields.get('total_ttc', 'sans total')}"


def _rank(name: str) -> tuple[int, str]:
    known = name.lower()
    return (STANDARD.index(known) if known in STANDARD else len(STANDARD), known)


def _recognised(name: str, data: bytes) -> str | None:
    """None for an invoice; else why its data are not read, empty for an XML that is something else."""
    try:
        invoice = recognise(data, name)
    except Refusal as refusal:
        if refusal.key in HOSTILE:
            raise
        return f"Les données jointes « {name} » sont illisibles : rien n’en a été lu."
    if invoice is not None:
        return None
    if name.lower() in STANDARD or _INVOICE_ROOT.search(data[:4096]):
        return f"Les données jointes « {name} » ne sont pas d’une facture connue (CII ou UBL) : rien n’en a été lu."
    return ""


def _attached(path: Path) -> list[tuple[str, bytes]] | None:
    """The XML files attached to a PDF, by name; None when the library cannot follow them."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        with path.open("rb") as file:
            return [
                (name, data)
                for name, several in PdfReader(file).attachments.items()
                for data in several
                if name.lower().endswith(".xml") or data.removeprefix(BOM_UTF8).lstrip().startswith(_XML)
            ]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error):
        return None
