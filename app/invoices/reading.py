"""An electronic invoice is recognised, its facts are taken out as written, and its faults are named."""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.invoices.checks import odd, remarked, sums
from app.invoices.dress import recognise
from app.invoices.enclosed import data_in
from app.invoices.fields import AMOUNTS, CII, UBL, buyer_numbers, fields_of, hints_of, unusable
from app.invoices.lines import Billed, lines_in
from app.invoices.rows import LABELS, rows_of

Syntax = Literal["Factur-X", "CII", "UBL"]
Verdict = Literal["accept", "accept_with_warnings", "reject"]

# What EN 16931 always demands and the deposit form needs; what is missing is asked for.
REQUIRED = {
    "number": ("Le numéro de facture", "BR-02"),
    "issue_date": ("La date d’émission", "BR-03"),
    "currency": ("La devise", "BR-05"),
    "seller": ("Le nom du vendeur", "BR-06"),
    "total_ht": ("Le total hors taxes", "BR-13"),
    "total_ttc": ("Le total toutes taxes comprises", "BR-14"),
}
NO_INVOICE = (
    "Ce fichier XML n’est pas une facture connue (CII ou UBL) : rien n’en a été lu, et personne n’en verra la page. Demandez "
    "au fournisseur sa facture en PDF."
)
_PROFILES = {"basicwl": "BASIC WL", "en16931": "EN 16931"}
_LEGACY = re.compile(r"^urn:cen\.eu:en16931:2017:(?:compliant|conformant):")
_ELEMENT = re.compile(r"Element '(?:\{[^}]*\})?([^']+)'")


@dataclass(frozen=True)
class Reading:
    """What an electronic invoice says.

    `fields` holds what was found, as written (dates in ISO form); `missing` the keys to ask for; `hints`
    less certain values to offer for what `fields` lacks; `buyer` the numbers of the addressee; `problems` the
    faults in French, `oddities` what else does not hold together, `remarks` what is wrong and changes nothing;
    `rows` a label and a value per line of the screen; `lines` what is billed; `xml` the bytes as received; `verdict` whether
    they keep EN 16931: what breaks it is told to all who decide and stops nobody, for what was delivered must be answered
    (CCP R2192-27).
    """

    syntax: Syntax
    profile: str
    fields: dict[str, str]
    xml: bytes
    xml_name: str
    problems: tuple[str, ...]
    oddities: tuple[str, ...]
    remarks: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    lines: tuple[Billed, ...]
    missing: tuple[str, ...]
    hints: dict[str, str]
    buyer: dict[str, str]
    verdict: Verdict


def read_invoice(path: Path, media_type: str) -> Reading | None:
    """The invoice in a PDF (Factur-X, ZUGFeRD 2) or in an XML (CII, UBL), or nothing when there is none.

    Refuses xml-doctype, xml-malformed, xml-encoding, xml-too-deep, xml-too-large on the XML it finds.
    Source: EN 16931-1 (business terms), Factur-X 1.0, ISO 19005-3 (attachments).
    """
    return look_into(path, media_type)[0]


def look_into(path: Path, media_type: str) -> tuple[Reading | None, list[str]]:
    """The same, and what is doubtful in the files that a PDF carries, in French, an invoice or none being found there."""
    if media_type != "application/pdf":
        reading = _read(path.read_bytes(), path.name, embedded=False)
        return reading, [] if reading else [NO_INVOICE]
    name, xml, doubts = data_in(path)
    return (_read(xml, name, embedded=True) if xml else None), doubts


def render_xml_rows(xml: bytes, name: str = "facture.xml") -> tuple[tuple[str, str], ...]:
    """Label and value of what a reader needs in an invoice in data, lines included; nothing for other XML.

    Refuses what `recognise` refuses.
    """
    invoice = recognise(xml, name)
    return rows_of(invoice.root, invoice.kind) if invoice else ()


def _read(xml: bytes, name: str, *, embedded: bool) -> Reading | None:
    invoice = recognise(xml, name)
    if invoice is None:
        return None
    root, kind = invoice.root, invoice.kind
    fields = fields_of(root, kind)
    guideline = fields.pop("guideline", "")
    hints = hints_of(root, kind) | ({} if invoice.sure else fields)
    fields = fields if invoice.sure else {}
    missing = tuple(key for key in REQUIRED if invoice.sure and key not in fields)
    broken = [_lacking(key, text) for key, text in _lacks(root, kind, missing).items()]
    broken += _against_schema(root) if invoice.asis else []
    doubtful = [*invoice.doubts, *_legacy(guideline), *sums(fields)]
    verdict: Verdict = "reject" if broken else "accept_with_warnings" if doubtful else "accept"
    syntax: Syntax = "Factur-X" if embedded and kind == CII else "UBL" if kind == UBL else "CII"
    return Reading(
        syntax=syntax,
        profile=_profile(root, guideline) if invoice.asis else guideline or "profil non indiqué",
        fields=fields,
        xml=xml,
        xml_name=name,
        problems=(*broken, *doubtful),
        oddities=tuple(odd(root, kind, fields)) if invoice.sure else (),
        remarks=tuple(remarked(root, kind, fields)) if invoice.sure else (),
        rows=rows_of(root, kind),
        lines=lines_in(root, kind),
        missing=missing,
        hints={key: value for key, value in hints.items() if key not in fields},
        buyer=buyer_numbers(root, kind),
        verdict=verdict,
    )


def _lacks(root: Any, kind: str, missing: Iterable[str]) -> dict[str, str]:
    """What EN 16931 demands and the data have not, then what is no date or no amount, as it is written there."""
    written = unusable(root, kind)
    return {key: written.get(key, "") for key in (*missing, *written)}


def _lacking(key: str, text: str) -> str:
    if text and not key.endswith("_date") and key not in AMOUNTS:
        return f"{LABELS.get(key, key)} : « {text[:40]}… » a {len(text)} signes, c’est trop long : rien n’en a été repris."
    if text:
        what = "une date du calendrier" if key.endswith("_date") else "un montant en chiffres"
        return f"{LABELS[key]} : « {f'{text[:40]}…' if len(text) > 40 else text} » n’est pas {what}, rien n’en a été repris."
    label, rule = REQUIRED[key]
    return f"{label} manque dans les données (règle {rule})."


def _profile(root: Any, guideline: str) -> str:
    from facturx import get_level

    try:
        level: str = get_level(root)
    except (ValueError, AttributeError):
        return guideline or "profil non indiqué"
    return _PROFILES.get(level, level.upper())


def _against_schema(root: Any) -> list[str]:
    """The packaged XSD, offline; the rules are run later, by the worker (`app/invoices/rules/`)."""
    from facturx import xml_check_xsd

    _quiet()
    try:
        xml_check_xsd(root)
    except Exception as error:  # noqa: BLE001 (the library raises bare Exception)
        match = _ELEMENT.search(str(error))
        where = f" : élément « {match[1]} »" if match else ""
        return [f"Les données ne respectent pas le schéma de leur profil{where}."]
    return []


def _legacy(guideline: str) -> list[str]:
    if not _LEGACY.match(guideline):
        return []
    return ["Le profil est désigné par une ancienne forme d’identifiant : les données restent lisibles."]


def _quiet() -> None:
    """The library logs each fault as an error of the program; here it becomes a sentence for the page."""
    for name in ("factur-x", "pypdf"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
