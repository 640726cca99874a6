"""Orders of the town of the tests: the one of the mock-ups, brought to any step by the verbs."""

import itertools
import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.core.clock import today
from app.core.db import reading
from app.folders import deposit, numbering, sending
from app.folders.access import authorize
from app.purchasing.deliveries import Arrived, deliver
from app.purchasing.matching import cautions
from tests.builders.house import ACT, House

SELLER = {"seller": "Voirie Arzel-Huon", "seller_siret": "90000000500014"}
LINES = [
    {"designation": "Gravillons 6/10", "quantity": "40", "unit": "t", "price": "62", "vat": "20"},
    {"designation": "Sel de déneigement", "quantity": "12", "unit": "t", "price": "118", "vat": "20"},
    {"designation": "Transport", "quantity": "1", "price": "290", "vat": "20"},
]
BUYER, CLERK, MAYOR = "r.pellenec", "g.trehorel", "a.kervadec"


def an_order(house: House, at: str = "done", path: Path = ACT, **facts: Any) -> int:
    """An order of the technical services that waits at a step (or `draft`), of the first free number of its register."""
    folder_id = house.deposit(BUYER, "purchase_order", path)
    version = house.folder(folder_id).version
    if "number" not in facts:
        numbering.take_number(house.actor(BUYER), folder_id, version=version)
    typed = {"object": "Gravillons et sel de déneigement", "lines": LINES, **SELLER, **facts}
    deposit.save(
        house.actor(BUYER), folder_id, version=house.folder(folder_id).version, title=None, facts=typed
    )
    if at == "draft":
        return folder_id
    sending.send(house.actor(BUYER), folder_id, version=house.folder(folder_id).version)
    for place, who in (("finance", "n.abgrallec"), ("direction", "s.rivoal")):
        if house.folder(folder_id).place == at:
            return folder_id
        if house.folder(folder_id).place == place:
            house.approve(folder_id, who)
    if at == "done":
        house.sign(folder_id, MAYOR)
    return folder_id


_UBL = """<?xml version="1.0" encoding="UTF-8"?>
<{root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{root}-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>{number}</cbc:ID>
<cbc:IssueDate>{day}</cbc:IssueDate><cbc:{root}TypeCode>{code}</cbc:{root}TypeCode>
<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
<cac:OrderReference><cbc:ID>{order_ref}</cbc:ID></cac:OrderReference>
<cac:AccountingSupplierParty><cac:Party><cac:PartyLegalEntity><cbc:RegistrationName>Voirie Arzel-Huon</cbc:RegistrationName>
<cbc:CompanyID schemeID="0009">{siret}</cbc:CompanyID></cac:PartyLegalEntity></cac:Party></cac:AccountingSupplierParty>
<cac:TaxTotal><cbc:TaxAmount currencyID="EUR">{vat}</cbc:TaxAmount></cac:TaxTotal>
<cac:LegalMonetaryTotal><cbc:TaxExclusiveAmount currencyID="EUR">{ht}</cbc:TaxExclusiveAmount>
<cbc:TaxInclusiveAmount currencyID="EUR">{ttc}</cbc:TaxInclusiveAmount>
<cbc:PayableAmount currencyID="EUR">{ttc}</cbc:PayableAmount></cac:LegalMonetaryTotal>
{lines}</{root}>"""
_LINE = """<cac:{root}Line><cbc:ID>{rank}</cbc:ID><cbc:{word}Quantity unitCode="{unit}">{quantity}</cbc:{word}Quantity>
<cbc:LineExtensionAmount currencyID="EUR">{total}</cbc:LineExtensionAmount><cac:Item><cbc:Name>{name}</cbc:Name></cac:Item>
<cac:Price><cbc:PriceAmount currencyID="EUR">{price}</cbc:PriceAmount></cac:Price></cac:{root}Line>"""
_numbers = itertools.count(1)
GRAVEL, SALT, FREIGHT = "Gravillons 6/10", "Sel de déneigement", "Transport"


def an_invoice(
    house: House,
    order_ref: str,
    *lines: tuple[str, str, str, str],
    send: bool = True,
    siret: str = SELLER["seller_siret"],
    credit: bool = False,
    charge: str = "0",
) -> int:
    """An invoice in data, of these lines (name, quantity, code of the unit, price), that waits for the service (or a draft).

    `charge`: euros without VAT that its total holds beside its lines.
    """
    root = "CreditNote" if credit else "Invoice"
    rank = next(_numbers)
    totals = [Decimal(quantity) * Decimal(price) for _, quantity, _, price in lines]
    ht = sum(totals, Decimal(charge))
    written = "".join(
        _LINE.format(
            root=root,
            word="Credited" if credit else "Invoiced",
            rank=n,
            unit=unit,
            quantity=quantity,
            total=f"{total:.2f}",
            name=name,
            price=price,
        )
        for n, ((name, quantity, unit, price), total) in enumerate(zip(lines, totals, strict=True), 1)
    )
    xml = _UBL.format(
        root=root,
        number=f"F26-{rank:04}",
        day=today() - timedelta(days=rank + 3),  # of another day than the others: none is taken for another
        code=381 if credit else 380,
        order_ref=order_ref,
        siret=siret,
        ht=f"{ht:.2f}",
        vat=f"{ht / 5:.2f}",
        ttc=f"{ht * 6 / 5:.2f}",
        lines=written,
    )
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / f"facture-{rank}.xml"
        path.write_text(xml, encoding="utf-8")
        folder_id = house.deposit(CLERK, "invoice", path)
    house.save(folder_id, CLERK, {"received_on": today().isoformat(), "proof_of_service": "technique"})
    if send:
        sending.send(house.actor(CLERK), folder_id, version=house.folder(folder_id).version)
    return folder_id


def arrived(house: House, order: int, quantities: dict[int, str], **more: Any) -> int:
    """What came of an order today, attested by the service that ordered."""
    version = more.pop("version", None) or house.folder(order).version
    note = more.pop("note", "")
    return deliver(
        house.actor(more.pop("who", BUYER)),
        order,
        version=version,
        arrived=Arrived(more.pop("day", today()), quantities, note),
        **more,
    )


def told(house: House, folder_id: int, login: str = "n.abgrallec") -> dict[str, str]:
    """What stands before whoever decides on an invoice because of its order: a sentence by key."""
    with reading() as db:
        folder = authorize(db, house.actor(login), folder_id)
        return {one.key: one.sentence for one in cautions(db, folder)}
