"""An invoice without data: what its page seems to say is proposed, and entered by a person alone."""

import html
from collections.abc import Mapping
from pathlib import Path
from time import process_time

import pytest
import sqlalchemy as sa
from pypdfium2 import PdfDocument

from app.core.db import engine, reading
from app.folders import sockets
from app.folders.models import DocumentWords
from app.invoices.mismatch import compare_text, flat
from app.invoices.proposals import said
from tests.builders.house import House
from tests.builders.scans import printed
from tests.invoices.test_history import Office

pytestmark = pytest.mark.in_turn
G, K = "g.trehorel", "k.morizur"
IBAN, SIRET = "FR3299999000010123456789A09", "21290999800016"
SUPPLIER = "35600000000048"
PAGE = """Menuiserie Arzel-Huon
SIRET 356 000 000 00048
FACTURE N° F26-11-005
Date de facture : 12/11/2026
Bon de commande n° BC-2026-118
Commune de Kerlann-sur-Mer SIRET 212 909 998 00016
Total HT 2 535,00 €
Total TVA 507,00 €
Total TTC 3 042,00 €
IBAN FR32 9999 9000 0101 2345 6789 A09
Date d'échéance : 12 décembre 2026
"""


BLANK = "\N{NO-BREAK SPACE}"
PARTS = {"total_ht", "total_vat"}


def told(text: str, buyer: str = SIRET[:9]) -> dict[str, str]:
    return {one.field: one.value for one in said(text, buyer=buyer)}


def test_what_a_page_says_plainly_is_proposed() -> None:
    assert told(PAGE) == {
        "number": "F26-11-005",
        "issue_date": "2026-11-12",
        "due_date": "2026-12-12",
        "total_ht": "2535.00",
        "total_vat": "507.00",
        "total_ttc": "3042.00",
        "currency": "EUR",
        "seller_siret": SUPPLIER,
        "iban": IBAN,
        "order_ref": "BC-2026-118",
    }
    # A number beside the title, above its day, and the tax beside its rate
    head = PAGE.replace("FACTURE N° F26-11-005\nDate de facture :", "FACTURE\nLe Port\nN° F26-11-005\nDate :")
    assert told(head.replace("Total TVA", "TVA 20 %")) == told(PAGE)


@pytest.mark.parametrize(
    ("replaced", "by", "lost"),
    [
        (
            "Total TTC 3 042,00 €",
            "Total TTC 3 042,00 €\nTotal TTC 304,20 €",
            {"total_ttc", "total_ht", "total_vat"},
        ),
        ("Total HT 2 535,00 €", "Total HT 2 000,00 €", {"total_ht", "total_vat"}),
        ("2345 6789 A09", "2345 6789 A08", {"iban"}),
        ("356 000 000 00048", "356 000 000 00049", {"seller_siret"}),
        ("IBAN FR32", "IBAN DE89 3704 0044 0532 0130 00\nIBAN FR32", {"iban"}),
        ("12/11/2026", "31/02/2026", {"issue_date"}),
        ("12/11/2026", "12/11/2099", {"issue_date"}),
        ("FACTURE N° F26-11-005", "FACTURE N° F26-11-005\nFACTURE N° F26-11-006", {"number"}),
        ("SIRET 356 000 000 00048", "", {"seller_siret"}),
        ("Total TTC 3 042,00 €", "Acompte versé 42,00 €\nNet à payer 3 000,00 €", {"total_ttc"} | PARTS),
        ("Total TTC 3 042,00 €", "Total TTC 12.345 €", {"total_ttc"} | PARTS),
        ("Total TVA 507,00 €", "TVA 20 % 507,00 €\nTVA 10 % 12,00 €", PARTS),
        ("Total TVA 507,00 €", "TVA 20 % 570,00 €", PARTS),
        ("FACTURE N° F26-11-005\n", "FACTURE\nLe Port\nN° BC-2026-118\nDate : 12/11/2026\n", {"number"}),
        (
            "FACTURE N° F26-11-005\n",
            "FACTURE\nLe Port\nN° 1-A\nDu 12/11/2026\nN° 2-A\nDu 12/11/2026\n",
            {"number"},
        ),
        ("Menuiserie Arzel-Huon", "Menuiserie Arzel-Huon, 3 700 CHF", {"currency"}),
    ],
)
def test_what_is_doubtful_is_not_proposed(replaced: str, by: str, lost: set[str]) -> None:
    assert replaced in PAGE
    assert set(told(PAGE)) - set(told(PAGE.replace(replaced, by))) == lost


def test_a_credit_note_is_proposed_as_one_below_zero() -> None:
    for title in ("AVOIR N° A26-11-005", "AVOIR\nN° A26-11-005", "FACTURE D’AVOIR\nAvoir n° A26-11-005"):
        found = told(PAGE.replace("FACTURE N° F26-11-005", title))
        assert (found["type_code"], found["total_ttc"], found["number"]) == ("381", "-3042.00", "A26-11-005")
    # A sentence of the supplier's is no title
    verb = told(PAGE.replace("FACTURE N°", "Avoir la garantie d’un travail soigné\nN° de facture :"))
    assert ("type_code" in verb, verb["total_ttc"]) == (False, "3042.00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 200_000,
        "Total TTC " * 20_000,
        "FR32 9999 " * 20_000,
        "1 " * 100_000,
        # a mailed page of blanks or points that one of our patterns would try in every way, for hours
        f"commande{BLANK * 199_000}x",
        f"date{BLANK * 199_000}x",
        f"Facture n°{BLANK * 199_000}x",
        f"Total TTC\n{'.' * 199_000}x",
    ],
)
def test_a_page_that_says_nothing_or_too_much_is_read_at_once(text: str) -> None:
    began = process_time()
    assert told(flat(text)) == {}
    assert compare_text(text, {"number": "F-1", "total_ttc": "1.00"}) == []
    assert process_time() - began < 20


def proposed(house: House, folder_id: int) -> Mapping[str, str]:
    folder = house.folder(folder_id)
    with reading(folder.collectivity_id) as db:
        every = sockets.proposals_for(db, db.merge(folder, load=False))
    return {one.field: one.value for one in every if one.empty}


def places(house: House, folder_id: int) -> Mapping[str, tuple[int, ...]]:
    """Where the page says what it says, whether it was taken up or not."""
    folder = house.folder(folder_id)
    with reading(folder.collectivity_id) as db:
        every = sockets.proposals_for(db, db.merge(folder, load=False))
    return {one.field: one.place for one in every}


def standing(path: Path, signs: str) -> tuple[int, ...]:
    """Where signs stand on the one page of a file, as a reader of PDF says it; in ten-thousandths."""
    with PdfDocument(path) as pages:
        page = pages[0]
        text = page.get_textpage()
        index, count = text.search(signs).get_next() or (0, 0)
        boxes = [text.get_charbox(index + rank) for rank in range(count)]
        width, height = page.get_size()
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    across, down = 10_000 / width, 10_000 / height
    return (
        1,
        *(round(share) for share in (min(lefts) * across, (height - max(tops)) * down)),
        *(round(share) for share in (max(rights) * across, (height - min(bottoms)) * down)),
    )


def near(one: tuple[int, ...], other: tuple[int, ...], by: int) -> bool:
    return len(one) == len(other) and all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


SIGNS = {
    "number": "F26-11-005",
    "issue_date": "12/11/2026",
    "due_date": "12 décembre 2026",
    "total_ht": "2 535,00",
    "total_vat": "507,00",
    "total_ttc": "3 042,00",
    "seller_siret": "356 000 000 00048",
    "iban": "FR32 9999 9000 0101 2345 6789 A09",
    "order_ref": "BC-2026-118",
    "currency": "EUR",
}


def test_a_person_takes_up_what_the_page_says_and_the_rest_stays_empty(house: House, tmp_path: Path) -> None:
    # the total stands in a line before, too: the one that its label names is framed
    file = printed(
        tmp_path / "facture.pdf", PAGE.replace("Total HT", "Acompte de 3 042,00 € sur devis\nTotal HT")
    )
    folder_id = house.deposit(G, "invoice", file)
    house.drain()
    found = places(house, folder_id)
    assert set(found) == set(SIGNS)
    for field, signs in SIGNS.items():
        wanted = standing(file, f"TTC {signs}" if field == "total_ttc" else signs)
        if field == "total_ttc":
            wanted = (wanted[0], found[field][1], *wanted[2:])
        assert near(found[field], wanted, 6), field
    client = house.client(G)
    address = f"/dossiers/{folder_id}/brouillon"
    page = html.unescape(client.get(address).get_data(as_text=True))
    assert '"iban": {"label": "IBAN' in page
    assert "Lu sur la page, à confirmer" in page
    assert "Total TTC 3 042,00 EUR" in page.replace("\u202f", " ").replace("\u00a0", " ")
    assert house.folder(folder_id).fields.get("total_ttc") is None  # nothing enters by itself

    def take(what: str, **typed: str) -> None:
        folder = house.folder(folder_id)
        data = {
            "csrf_token": house.csrf(client),
            "version": str(folder.version),
            "action": f"take:{what}",
            **typed,
        }
        assert client.post(address, data=data).status_code == 302

    take("total_ttc")
    assert house.folder(folder_id).fields["total_ttc"] == "3042.00"
    assert "iban" not in house.folder(folder_id).fields
    take("all", total_ttc="3042.00", number="AUTRE-1")
    fields = house.folder(folder_id).fields
    assert (fields["number"], fields["iban"], fields["issue_date"]) == ("AUTRE-1", IBAN, "2026-11-12")
    take("rien", **{key: str(value) for key, value in fields.items()})
    assert house.folder(folder_id).fields == fields
    assert not proposed(house, folder_id)
    assert places(house, folder_id) == found  # framed still, when its field is looked at
    # What is entered and is nowhere on the page is told to whoever decides
    shown = html.unescape(client.get(address).get_data(as_text=True))
    assert "La page ne semble pas dire la même chose (Numéro de facture)" in shown
    house.save(
        folder_id, G, {"number": "F26-11-005", "total_ttc": "304.20", "iban": "DE89370400440532013000"}
    )
    shown = html.unescape(client.get(address).get_data(as_text=True))
    for label in ("Total TTC", "IBAN"):
        assert f"La page ne semble pas dire la même chose ({label})" in shown
    assert "(Numéro de facture)" not in shown
    with engine().begin() as connection:  # nor does a page made for it hold who looks at the folder
        connection.execute(sa.update(DocumentWords).values(text=f"commande{BLANK * 199_000}x", places=[]))
    assert proposed(house, folder_id) == {}


def test_a_scan_is_recognised_and_its_values_are_to_be_confirmed(house: House, tmp_path: Path) -> None:
    with PdfDocument(printed(tmp_path / "facture.pdf", PAGE)) as pages:
        picture = pages[0].render(scale=200 / 72, grayscale=True).to_pil()
    picture.save(tmp_path / "scan.png")
    folder_id = house.deposit(G, "invoice", tmp_path / "scan.png")
    house.drain()
    found = proposed(house, folder_id)
    assert (found["total_ttc"], found["iban"]) == ("3042.00", IBAN)
    framed = places(house, folder_id)
    for field in found:
        assert near(framed[field], standing(tmp_path / "facture.pdf", SIGNS[field]), 60), field
    page = house.client(G).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    assert "Reconnu sur l’image, à confirmer" in html.unescape(page)
    assert house.folder(folder_id).fields.get("total_ttc") is None
    # Its SIRET tells the name by which this supplier is known to who reads a folder of it, and to nobody else
    office = Office(house, tmp_path)
    poste = {"seller": "Poste Kerlann", "seller_siret": "35600000000048", "seller_siren": "356000000"}
    office.send(office.draft(signed=True, number="F-1", **poste))
    stranger = house.deposit("k.morizur", "invoice", tmp_path / "scan.png")
    house.drain()
    for login, draft, there in ((G, folder_id, True), ("k.morizur", stranger, False)):
        page = house.client(login).get(f"/dossiers/{draft}/brouillon").get_data(as_text=True)
        assert "Reconnu sur l’image, à confirmer" in html.unescape(page)
        assert ("Poste Kerlann" in page) is there, login
        assert ("que la page ne porte pas" in page) is there, "known by its SIRET, and told as such"
    house.save(folder_id, G, {"total_ttc": "304.20"})
    page = html.unescape(house.client(G).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True))
    assert "Sur l’image, Paraphe reconnaît" in page


def test_an_invoice_with_data_is_proposed_nothing(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    house.drain()
    assert not proposed(house, folder_id)
    assert "à confirmer" not in house.client(G).get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
