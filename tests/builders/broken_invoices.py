"""E-invoices that are imperfect, odd or hostile, each made of a sound one, with what may be read of it and what is told."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

ASSETS = Path(__file__).parent.parent / "assets"
SAMPLES = ASSETS / "invoices"
PAGE = ASSETS / "acts" / "facture-scannee-FA-2026-1187.pdf"
CII = (SAMPLES / "cii-extended-fr.xml").read_bytes().removeprefix(b"\xef\xbb\xbf")
UBL = (SAMPLES / "ubl-en16931-fr.xml").read_bytes()
OK = (SAMPLES / "fx-basic-fr-ok.pdf").read_bytes()
OF_CII = {
    "number": "F20260023", "issue_date": "2026-01-31", "currency": "EUR", "seller": "LE FOURNISSEUR",
    "seller_siren": "123456782", "total_ht": "100.00", "total_vat": "4.90", "total_ttc": "104.90", "payable": "104.90",
    "iban": "FR20 1254 2547 2569 8542 5874 698",
}  # fmt: skip
OF_UBL = {
    "number": "F124212", "issue_date": "2026-06-17", "currency": "EUR", "seller": "Au bon moulin",
    "seller_siren": "999999998", "total_ht": "273.00", "total_vat": "35.03", "total_ttc": "308.03", "payable": "208.03",
    "iban": "FR2012421242124212421242124",
}  # fmt: skip
OLD = {
    "number": "RE-2015-17", "issue_date": "2015-03-05", "currency": "EUR", "seller": "Lieferant GmbH",
    "seller_siren": None, "total_ht": "198.00", "total_vat": "37.62", "total_ttc": "235.62", "payable": "235.62", "iban": None,
}  # fmt: skip
NOTHING: dict[str, str | None] = dict.fromkeys(OF_CII)


@dataclass(frozen=True)
class Broken:
    """A file by its suffix; `fields`: what is read (None: nothing may be), the rest as in the sound one.

    `refused`: the key of its refusal, else `told`: words of what is said of it, empty where it changes nothing.
    """

    name: str
    suffix: str
    data: bytes
    sound: dict[str, str | None] = field(default_factory=dict)
    fields: dict[str, str | None] = field(default_factory=dict)
    told: str = ""
    refused: str = ""

    @property
    def expected(self) -> dict[str, str | None]:
        """What each fact must be."""
        return {**self.sound, **self.fields}


def zugferd_1() -> bytes:
    """A small invoice of 2015, in the vocabulary that came before EN 16931."""
    names = (
        ("rsm", "urn:ferd:CrossIndustryDocument:invoice:1p0"),
        ("ram", "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:12"),
        ("udt", "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:15"),
    )
    summation = "ram:SpecifiedTradeSettlementMonetarySummation"
    head = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in names)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rsm:CrossIndustryDocument {head}>'
        "<rsm:HeaderExchangedDocument><ram:ID>RE-2015-17</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime>"
        '<udt:DateTimeString format="102">20150305</udt:DateTimeString></ram:IssueDateTime></rsm:HeaderExchangedDocument>'
        "<rsm:SpecifiedSupplyChainTradeTransaction><ram:ApplicableSupplyChainTradeAgreement><ram:SellerTradeParty>"
        "<ram:Name>Lieferant GmbH</ram:Name></ram:SellerTradeParty></ram:ApplicableSupplyChainTradeAgreement>"
        "<ram:ApplicableSupplyChainTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>"
        f"<{summation}><ram:LineTotalAmount>198.00</ram:LineTotalAmount><ram:TaxBasisTotalAmount>198.00"
        "</ram:TaxBasisTotalAmount><ram:TaxTotalAmount>37.62</ram:TaxTotalAmount><ram:GrandTotalAmount>235.62"
        f"</ram:GrandTotalAmount><ram:DuePayableAmount>235.62</ram:DuePayableAmount></{summation}>"
        "</ram:ApplicableSupplyChainTradeSettlement><ram:IncludedSupplyChainTradeLineItem>"
        "<ram:SpecifiedSupplyChainTradeSettlement><ram:SpecifiedTradeSettlementMonetarySummation><ram:LineTotalAmount>198.00"
        "</ram:LineTotalAmount></ram:SpecifiedTradeSettlementMonetarySummation></ram:SpecifiedSupplyChainTradeSettlement>"
        "<ram:SpecifiedTradeProduct><ram:Name>Trennblätter A4</ram:Name></ram:SpecifiedTradeProduct>"
        "</ram:IncludedSupplyChainTradeLineItem></rsm:SpecifiedSupplyChainTradeTransaction></rsm:CrossIndustryDocument>"
    ).encode()


def attached(room: Path, *files: tuple[str, bytes], then: Callable[[object], None] | None = None) -> bytes:
    """A page that carries these files; `then` spoils the document before it is written."""
    import pikepdf

    path = room / "made.pdf"
    with pikepdf.open(PAGE) as pdf:
        for name, data in files:
            pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, data, filename=name)
        if then is not None:
            then(pdf)
        pdf.save(path)
    return path.read_bytes()


def _wrongly_compressed(pdf: object) -> None:
    import pikepdf

    stream = pdf.attachments["factur-x.xml"].obj.EF.F  # type: ignore[attr-defined]
    stream.write(b"\x78\x9cno deflate", filter=pikepdf.Name.FlateDecode)


def _changed(before: str, after: str, source: bytes = CII) -> bytes:
    assert before.encode() in source, before
    return source.replace(before.encode(), after.encode())


def _without(pattern: str, source: bytes = CII) -> bytes:
    made = re.sub(pattern.encode(), b"", source, flags=re.DOTALL)
    assert made != source, pattern
    return made


def _doctype(inside: str) -> bytes:
    return CII.replace(b"?>", f"?><!DOCTYPE a [{inside}]>".encode(), 1)


def every(room: Path) -> Iterator[Broken]:
    """All of them, in data, then in a page."""
    yield from _in_data()
    yield from _in_pages(room)


def _in_data() -> Iterator[Broken]:
    def xml(name: str, data: bytes, told: str = "", refused: str = "", **fields: str | None) -> Broken:
        sound = OF_UBL if data.lstrip()[:600].find(b"oasis") >= 0 else OF_CII
        return Broken(name, "xml", data, {**sound}, fields, told, refused)

    total = "GrandTotalAmount>104.90<"
    no_number = "n’est pas un montant en chiffres"
    yield xml("cut in the middle", CII[: len(CII) // 2], refused="xml-malformed")
    yield xml("cut inside a number", CII[: CII.index(b"20260023")], refused="xml-malformed")
    yield xml("nothing in it", b"", refused="file-empty")
    yield xml("something after its end", CII + b"fin", refused="xml-malformed")
    yield xml(
        "latin under the name of UTF-8",
        _changed("LE FOURNISSEUR", "ÉTÉ").decode().encode("cp1252"),
        refused="xml-encoding",
    )
    yield xml(
        "an entity", _doctype('<!ENTITY n "F1">').replace(b">F20260023<", b">&n;<"), refused="xml-doctype"
    )
    yield xml("a bomb of entities", _doctype('<!ENTITY a "aa"><!ENTITY b "&a;&a;">'), refused="xml-doctype")
    yield xml(
        "a file of the server", _doctype('<!ENTITY n SYSTEM "file:///etc/passwd">'), refused="xml-doctype"
    )
    yield xml("deeper than a hundred", b"<a>" * 200 + b"</a>" * 200, refused="xml-too-deep")
    yield xml("UTF-16", CII.decode().split("?>", 1)[1].encode("utf-16"))
    yield xml(
        "a price for next to nothing",
        _changed(">60.0000</ram:ChargeAmount>", ">9999999999999</ram:ChargeAmount>").replace(
            b'unitCode="C62">1.0000</ram:Basis', b'unitCode="C62">0.00000000000000000001</ram:Basis'
        ),
    )
    yield xml("no number", _without(r"<ram:ID>F20260023</ram:ID>"), "BR-02", number=None)
    yield xml(
        "no total", _without(r"<ram:GrandTotalAmount>.*?</ram:GrandTotalAmount>"), "BR-14", total_ttc=None
    )
    yield xml(
        "no currency",
        _without(r"<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>"),
        "BR-05",
        currency=None,
    )
    yield xml(
        "a total of 400 figures", _changed(total, f"GrandTotalAmount>{'9' * 400}<"), no_number, total_ttc=None
    )
    yield xml(
        "a total with a power of ten", _changed(total, "GrandTotalAmount>1E3<"), no_number, total_ttc=None
    )
    yield xml(
        "a total that is no number", _changed(total, "GrandTotalAmount>NaN<"), no_number, total_ttc=None
    )
    yield xml("a total with a comma", _changed(total, "GrandTotalAmount>104,90<"), no_number, total_ttc=None)
    yield xml("a total in words", _changed(total, "GrandTotalAmount>cent<"), no_number, total_ttc=None)
    yield xml(
        "another total",
        _changed(total, "GrandTotalAmount>1049.00<"),
        "n’est pas la somme du HT",
        total_ttc="1049.00",
    )
    yield xml(
        "a negative total",
        _changed(total, "GrandTotalAmount>-104.90<"),
        "n’est pas la somme du HT",
        total_ttc="-104.90",
    )
    yield xml(
        "another amount to pay",
        _changed("DuePayableAmount>104.90<", "DuePayableAmount>1049.00<"),
        "net à payer",
        payable="1049.00",
    )
    yield xml(
        "a day that is none",
        _changed("20260131", "20260231"),
        "« 20260231 » n’est pas une date",
        issue_date=None,
    )
    yield xml("a day of zeros", _changed("20260131", "00000000"), "n’est pas une date", issue_date=None)
    yield xml(
        "a day in French", _changed(">20260131<", ">31/01/2026<"), "n’est pas une date", issue_date=None
    )
    yield xml(
        "an account with a false key",
        _changed("FR20 1254", "FR21 1254"),
        "La clé de l’IBAN",
        iban="FR21 1254 2547 2569 8542 5874 698",
    )
    second = "</ram:SpecifiedTradeSettlementPaymentMeans>"
    means = (
        f"{second}<ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>30</ram:TypeCode>"
        f"<ram:PayeePartyCreditorFinancialAccount><ram:IBANID>DE89370400440532013000</ram:IBANID>"
        f"</ram:PayeePartyCreditorFinancialAccount>{second}"
    )
    yield xml("two accounts", CII.replace(second.encode(), means.encode(), 1), "d’autres comptes")
    yield xml(
        "another sum of the lines",
        _changed("<ram:LineTotalAmount>95.00<", "<ram:LineTotalAmount>90.00<"),
        "BR-CO-10",
    )
    yield xml(
        "a VAT that is badly reckoned",
        _changed("<ram:CalculatedAmount>2.20<", "<ram:CalculatedAmount>3.20<"),
        "total de la TVA",
    )
    yield xml("a quantity beyond all", _changed(">1.0000<", ">1E99999999<"), "schéma")
    yield xml(
        "a number turned about",
        _changed(">F20260023<", ">F2026&#x202E;0023<"),
        "signes invisibles",
        number="F2026\u202e0023",
    )
    yield xml(
        "a number without end",
        _changed(">F20260023<", f">{'F' * 5000}<"),
        "a 5000 signes, c’est trop long",
        number=None,
    )
    yield xml("a number on two lines", _changed(">F20260023<", ">F2026\n   0023<"), "", number="F2026 0023")
    proposed: dict[str, str | None] = dict(NOTHING)
    yield xml(
        "an unknown version",
        _changed("CrossIndustryInvoice:100", "CrossIndustryInvoice:13"),
        "est proposé, vérifiez-le",
        **proposed,
    )
    yield xml(
        "an unknown UBL",
        _changed("xsd:Invoice-2", "xsd:Invoice-9", UBL),
        "est proposé, vérifiez-le",
        **proposed,
    )
    yield xml("a currency that is none", _changed(">EUR<", ">EURO<", UBL), "BR-CL-04", currency="EURO")
    foreign = '<cac:TaxTotal><cbc:TaxAmount currencyID="USD">40.28</cbc:TaxAmount></cac:TaxTotal>'
    both = UBL.replace(b"<cac:TaxTotal>", foreign.encode() + b"<cac:TaxTotal>", 1)
    yield xml("VAT in two currencies", both, "")
    yield xml(
        "a VAT number of no country", _changed(">FR11999999998<", ">QQ11999999998<", UBL), "code d’un pays"
    )
    yield xml(
        "an empty invoice",
        CII[: CII.index(b"<rsm:ExchangedDocumentContext>")] + b"</rsm:CrossIndustryInvoice>",
        "BR-14",
        **proposed,
    )
    for other in (b"<Invoice><ID>1</ID></Invoice>", b"<rss><channel/></rss>"):
        yield Broken(
            f"no invoice, {other[1:4].decode()}",
            "xml",
            other,
            dict(NOTHING),
            told="n’est pas une facture connue",
        )


def _in_pages(room: Path) -> Iterator[Broken]:
    def pdf(
        name: str, *files: tuple[str, bytes], told: str = "", refused: str = "", **fields: str | None
    ) -> Broken:
        return Broken(name, "pdf", attached(room, *files), {**OF_CII}, fields, told, refused)

    ours = "factur-x.xml"
    none: dict[str, str | None] = dict(NOTHING)
    other = _changed("F20260023", "F20260024").replace(b">104.90<", b">9.99<")
    yield Broken("cut in two", "pdf", OK[: len(OK) // 2], refused="file-truncated")
    yield Broken("without its end", "pdf", OK[:-200], refused="file-truncated")
    yield pdf("data that are empty", (ours, b""), told="illisibles", **none)
    yield pdf("data that are blank", (ours, b" \n"), told="illisibles", **none)
    yield pdf("data cut in two", (ours, CII[: len(CII) // 2]), told="illisibles", **none)
    yield pdf("data that are no text", (ours, bytes(range(256))), told="illisibles", **none)
    yield pdf("data padded with zeros", (ours, CII + b"\0" * 40), told="octets nuls")
    yield pdf(
        "data in another encoding",
        (ours, _changed("LE FOURNISSEUR", "ÉTÉ").decode().encode("cp1252")),
        told="Windows-1252",
        seller="ÉTÉ",
    )
    yield Broken(
        "data wrongly compressed",
        "pdf",
        attached(room, (ours, CII), then=_wrongly_compressed),
        dict(NOTHING),
        told="illisibles",
    )
    yield pdf("two invoices", ("copie.xml", other), (ours, CII), told="« copie.xml » dit n° F20260024, 9.99")
    yield pdf("twice the same", ("copie.xml", CII), (ours, CII))
    yield pdf("a notice beside", (ours, CII), ("notice.xml", b"<notice/>"))
    yield pdf("data of an unusual name", ("ma-facture.xml", CII), told="nom inhabituel")
    yield pdf("data without suffix", ("facture", CII), told="nom inhabituel")
    yield pdf(
        "data without suffix nor declaration",
        ("facture", b"\xef\xbb\xbf" + CII.split(b"?>", 1)[1]),
        told="nom inhabituel",
    )
    yield pdf("data in capitals", ("FACTUR-X.XML", CII))
    yield pdf("data under the name of ZUGFeRD", ("ZUGFeRD-invoice.xml", CII))
    yield Broken(
        "ZUGFeRD 1",
        "pdf",
        attached(room, ("ZUGFeRD-invoice.xml", zugferd_1())),
        OLD,
        told="ancienne version (ZUGFeRD 1)",
    )
    yield pdf("data of something else", (ours, b"<order/>"), told="ne sont pas d’une facture connue", **none)
    yield pdf("hostile data", (ours, _doctype('<!ENTITY a "aa">')), refused="xml-doctype")
    yield pdf(
        "hostile data beside", (ours, CII), ("z.xml", _doctype('<!ENTITY a "aa">')), refused="xml-doctype"
    )
    yield pdf("data deeper than a hundred", (ours, b"<a>" * 200 + b"</a>" * 200), refused="xml-too-deep")
    yield Broken(
        "data of another invoice than the page", "pdf", _other_data(room), {}, told="la page affiche"
    )


def _other_data(room: Path) -> bytes:
    """The page of one invoice with the data of another."""
    import pikepdf

    path = room / "other.pdf"
    with pikepdf.open(SAMPLES / "fx-basic-fr-ok.pdf") as pdf:
        (name,) = pdf.attachments
        data = (
            pdf.attachments[name]
            .get_file()
            .read_bytes()
            .replace(b"3042.00", b"3142.00")
            .replace(b"507.00", b"607.00")
        )
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, data, filename=name)
        pdf.save(path)
    return path.read_bytes()
