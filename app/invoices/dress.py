"""Data that are an invoice in another dress than today's: an older version, an unknown vocabulary, another encoding.

What they have in common with EN 16931 is read by the same paths, once their elements bear today's names; the bytes that are
kept are those that came.
"""

import re
from dataclasses import dataclass
from typing import Any

from app.core.refusals import Refusal
from app.invoices.fields import CII, NAMESPACES, ROOTS, UBL, fields_of

OLD = {"urn:ferd:CrossIndustryDocument:invoice:1p0": "ZUGFeRD 1"}
"""Namespaces of the versions that came before EN 16931."""
HOSTILE = frozenset({"xml-doctype", "xml-too-deep", "xml-too-large", "xml-too-many-attributes"})
_NAMED = {"CrossIndustryDocument": CII, "CrossIndustryInvoice": CII, "Invoice": UBL, "CreditNote": UBL}
_TODAY = {
    "CrossIndustryDocument": "CrossIndustryInvoice",
    "SpecifiedExchangedDocumentContext": "ExchangedDocumentContext",
    "HeaderExchangedDocument": "ExchangedDocument",
    "SpecifiedSupplyChainTradeTransaction": "SupplyChainTradeTransaction",
    "ApplicableSupplyChainTradeAgreement": "ApplicableHeaderTradeAgreement",
    "ApplicableSupplyChainTradeDelivery": "ApplicableHeaderTradeDelivery",
    "ApplicableSupplyChainTradeSettlement": "ApplicableHeaderTradeSettlement",
    "SpecifiedSupplyChainTradeAgreement": "SpecifiedLineTradeAgreement",
    "SpecifiedSupplyChainTradeDelivery": "SpecifiedLineTradeDelivery",
    "SpecifiedSupplyChainTradeSettlement": "SpecifiedLineTradeSettlement",
    "ApplicablePercent": "RateApplicablePercent",
}
"""What ZUGFeRD 1 called the elements of CII D16B."""
_SUMMATION = "SpecifiedTradeSettlementMonetarySummation"
_TYPES = frozenset({"DateTimeString", "DateString", "Indicator"})
_NEEDED = frozenset({"number", "seller", "total_ttc"})
"""Without these nobody says of an unknown vocabulary that it is an invoice."""
_DECLARED = re.compile(r"""(<\?xml\s[^>]*?encoding\s*=\s*["'])[A-Za-z0-9._-]+(["'])""")


@dataclass(frozen=True)
class Dressed:
    """The tree of an invoice in the names of today, CII or UBL, and in French what was unusual in it.

    `sure`: whether its vocabulary is known; of another, what seems understood is only proposed. `asis`: whether the tree is
    that of the bytes.
    """

    root: Any
    kind: str
    doubts: tuple[str, ...] = ()
    sure: bool = True
    asis: bool = True


def recognise(data: bytes, name: str) -> Dressed | None:
    """The invoice in these bytes, None for an XML that is something else.

    Refuses what `parse_xml` refuses, but an encoding other than the announced one, which is told.
    """
    root, doubts = _parsed(data, name)
    kind = ROOTS.get(str(root.tag))
    if kind is not None:
        return Dressed(root, kind, doubts)
    namespace, _, tag = str(root.tag).removeprefix("{").rpartition("}")
    kind = _NAMED.get(tag)
    if kind is None or not namespace:
        return None
    today = _renamed(root, kind)
    if fields_of(today, kind).keys() < _NEEDED:
        return None
    if namespace in OLD:
        old = (
            f"Les données « {name} » sont d’une ancienne version ({OLD[namespace]}), d’avant la norme EN 16931 : ce qu’elles "
            "ont en commun avec elle a été lu."
        )
        return Dressed(today, kind, (*doubts, old), asis=False)
    odd = (
        f"Les données « {name} » ne portent pas le vocabulaire d’une facture connue (« {namespace[:80]} ») : ce qui semble en "
        "être compris est proposé, vérifiez-le sur la page."
    )
    return Dressed(today, kind, (*doubts, odd), sure=False, asis=False)


def _parsed(data: bytes, name: str) -> tuple[Any, tuple[str, ...]]:
    from app.files.xml import parse_xml

    try:
        return parse_xml(data, name), ()
    except Refusal as refusal:
        if refusal.key == "xml-malformed" and data[:1] in {b"<", b"\xef"} and data.endswith(b"\0"):
            return parse_xml(data.rstrip(b"\0"), name), (
                f"Les données « {name} » finissent par des octets nuls, qui ont été laissés de côté.",
            )
        if refusal.key != "xml-encoding":
            raise
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            raise refusal from None
        # Read again by the same guard: what hid in one encoding does not hide in the other
        root = parse_xml(_DECLARED.sub(r"\1utf-8\2", text, count=1).encode(), name)
        declared = refusal.facts.get("declared") or "UTF-8"
        return root, (
            f"Les données « {name} » ne sont pas dans l’encodage qu’elles annoncent ({declared}) : elles ont été lues en "
            "Windows-1252. Vérifiez les noms accentués.",
        )


def _renamed(root: Any, kind: str) -> Any:
    """The same tree with the names and namespaces of today, which follow from its names and from its shape alone."""
    from lxml import etree

    def place(element: Any, depth: int, lined: bool) -> Any:
        tag = etree.QName(element).localname
        if kind == UBL:
            leaf = not any(isinstance(child.tag, str) for child in element)
            space = "" if depth == 0 else NAMESPACES["cbc" if leaf else "cac"]
            full = (
                f"{{{space}}}{tag}" if space else next(known for known in ROOTS if known.endswith(f"}}{tag}"))
            )
        else:
            if tag == _SUMMATION:
                tag = f"SpecifiedTradeSettlement{'Line' if lined else 'Header'}MonetarySummation"
            tag = _TODAY.get(tag, tag)
            full = f"{{{NAMESPACES['rsm' if depth < 2 else 'udt' if tag in _TYPES else 'ram']}}}{tag}"
        renamed = etree.Element(full, {key: value for key, value in element.attrib.items() if "}" not in key})
        renamed.text = element.text
        lined = lined or tag == "IncludedSupplyChainTradeLineItem"
        renamed.extend(place(child, depth + 1, lined) for child in element if isinstance(child.tag, str))
        return renamed

    return place(root, 0, False)
