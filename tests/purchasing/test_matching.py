"""An invoice beside its order: what agrees is one line, what differs stands before whoever decides, whoever races."""

import re

import pytest
import sqlalchemy as sa

from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders import decide, ruling
from app.folders.access import authorize
from app.folders.models import Folder
from app.people import desks
from app.people.own_settings.changing import change_setting
from app.purchasing.matching import cautions
from app.purchasing.models import OrderKey
from tests.builders.house import House
from tests.display.test_folder_page import heard
from tests.purchasing.world import (
    BUYER,
    FREIGHT,
    GRAVEL,
    LINES,
    SALT,
    an_invoice,
    an_order,
    arrived,
    told,
)

pytestmark = pytest.mark.in_turn
FINANCE = "n.abgrallec"


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u202f", " ").replace("\xa0", " "))


def _without_tags(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def _page(house: House, login: str, address: str) -> str:
    return _plain(house.client(login).get(address).get_data(as_text=True))


@pytest.mark.both_databases
def test_an_invoice_that_says_as_its_order_is_one_line_and_another_stands_before_who_decides(
    house: House,
) -> None:
    order = an_order(house)
    number = house.folder(order).number
    arrived(house, order, {0: "40", 1: "9", 2: "1"})
    right = an_invoice(house, f"Commande {number}", (GRAVEL, "40", "TNE", "62"))
    assert told(house, right, BUYER) == {}
    page = _page(house, BUYER, f"/dossiers/{right}")
    assert "d’accord avec ce qui est commandé et livré, 2 047,20 € restent à facturer" in page
    # The mock-up's own: twelve tonnes of salt where nine came, and a dearer freight
    wrong = an_invoice(house, number, (SALT, "12", "TNE", "118"), (FREIGHT, "1", "C62", "310"))
    points = told(house, wrong, BUYER)
    assert set(points) == {
        "order-undelivered",
        "order-price",
    }  # 24 € of 5 023,20 € are within the tolerance of a total
    assert "Sel de déneigement, facturé 12 t, livré 9 t" in _plain(points["order-undelivered"])
    assert "Transport, 290,00 € sur le bon, 310,00 € facturés" in _plain(points["order-price"])
    page = _page(house, BUYER, f"/dossiers/{wrong}")
    assert "Facturé, et pas livré" in page
    assert "Prix au-dessus de la commande" in page
    balance = _page(house, BUYER, f"/commandes/{order}")
    assert "Facturé, pas livré : 3 t" in balance
    assert "20,00 € de plus par unité" in balance
    assert "Facturé 24,00 € de plus que commandé" in balance
    assert "Les factures ne disent pas ce qui est commandé et livré" in balance
    assert "Tolérance : 1 % du total (de 5 à 50 €), 0,5 % d’un prix" in balance
    totals = _without_tags(balance)
    assert "Total HT 4 186,00 € 3 832,00 € 4 206,00 €" in totals
    assert "TVA 837,20 € 766,40 € 841,20 €" in totals
    assert "Total TTC 24,00 € de plus, admis 5 023,20 € 4 598,40 € 5 047,20 €" in totals
    # What came since is no difference any more; a credit note is taken off what was billed
    arrived(house, order, {1: "3"})
    assert set(told(house, wrong, BUYER)) == {"order-price"}
    an_invoice(house, number, (FREIGHT, "1", "C62", "310"), credit=True)
    balance = _page(house, BUYER, f"/commandes/{order}")
    assert "Reste à facturer 348,00 € TTC" in _without_tags(balance)


def test_an_invoice_above_its_order_waits_for_a_person_who_did_not_deposit_it(house: House) -> None:
    order = an_order(house)
    number = house.folder(order).number
    arrived(house, order, {0: "40", 1: "12", 2: "1"})
    first = an_invoice(house, number, (GRAVEL, "40", "TNE", "62"), (SALT, "12", "TNE", "118"))
    second = an_invoice(house, number, (GRAVEL, "10", "TNE", "62"))
    assert told(house, first, BUYER) == {}
    assert "order-over" in told(house, second, BUYER)
    over = _plain(told(house, second, BUYER)["order-over"])
    assert "5 023,20 € commandés, 5 419,20 € facturés, dont 4 675,20 € par d’autres factures" in over
    assert _page(house, BUYER, "/suivi").count("Facturé au-delà de la commande") == 1
    house.approve(second, BUYER)  # who attests the service says nothing of what is owed
    with pytest.raises(Refusal) as held:
        house.approve(second, FINANCE)
    assert (held.value.key, "Facturé au-delà de la commande" in str(held.value.facts)) == (
        "visa-gated",
        True,
    )
    with reading() as db:
        folder = authorize(db, house.actor(FINANCE), second)
        about = next(one.about for one in cautions(db, folder) if one.key == "order-over")
    version = house.folder(second).version
    ruling.rule(
        house.actor(FINANCE), second, version=version, about=about, keep="", word="Avenant signé ce matin."
    )
    house.approve(second, FINANCE)
    # The page of an order says it on top and on its line, be it billed without a detail, and how to ask for the money back
    salt = an_order(house, lines=LINES[1:2], seller_email="siege@arzel-huon.example")
    billed = an_invoice(house, house.folder(salt).number, charge="1500")
    page = _page(house, BUYER, f"/commandes/{salt}")
    words = _without_tags(page)
    assert f"La facture {house.folder(billed).number} ne dit pas ce qui est commandé et livré" in words
    assert (
        "Sel de déneigement, facturé 100,80 € TTC de plus que commandé ; facturé 1 800,00 € TTC, livré"
        in words
    )
    assert (
        "Sel de déneigement Facturé 100,80 € TTC de plus que commandé 12 t 0 t sans détail 118,00 €" in words
    )
    assert "Total TTC 100,80 € de plus 1 699,20 € 0,00 € 1 800,00 €" in words
    assert f"mailto:siege@arzel-huon.example?subject=Facture%20{house.folder(billed).number}" in page
    # Rejected after all, it is owed no more: what it was added to is whole again
    decide.reject(house.actor("a.kervadec"), second, version=house.folder(second).version, reason="Doublon.")
    assert "Reste à facturer 348,00 € TTC" in _without_tags(_page(house, BUYER, f"/commandes/{order}"))


def test_an_invoice_agrees_only_where_its_total_was_compared_with_what_came(house: House) -> None:
    order = an_order(house)
    number = house.folder(order).number
    arrived(house, order, {0: "40"})
    # Its line agrees, its total does not: 1 500 € stand beside it
    charged = an_invoice(house, number, (GRAVEL, "40", "TNE", "62"), charge="1500")
    points = told(house, charged, BUYER)
    assert set(points) == {"order-undelivered"}
    assert "4 776,00 € facturés, 2 976,00 € pour ce qui est livré, soit 1 800,00 €" in _plain(
        points["order-undelivered"]
    )
    assert "d’accord avec" not in _page(house, BUYER, f"/dossiers/{charged}")
    decide.reject(house.actor(BUYER), charged, version=house.folder(charged).version, reason="Frais indus.")
    # A credit note that is on its way hides nothing: it may be rejected; and it has words of its own
    back = an_invoice(house, number, (GRAVEL, "400", "TNE", "62"), credit=True)
    page = _page(house, BUYER, f"/dossiers/{back}")
    assert "d’accord avec" not in page
    assert "un avoir, qui sera déduit de ce qui est facturé une fois signé" in page
    assert "Avoir au-delà de ce qui est facturé" in page
    arrived(house, order, {1: "12", 2: "1"})
    huge = an_invoice(house, number, (GRAVEL, "440", "TNE", "62"))
    assert {"order-over", "order-undelivered"} == set(told(house, huge, BUYER))
    house.approve(huge, BUYER)
    with pytest.raises(Refusal) as gated:
        house.approve(huge, FINANCE)
    assert gated.value.key == "visa-gated"
    # Signed, it is taken off; an invoice that is above its order by itself is told all the same
    with engine().begin() as connection:
        connection.execute(sa.update(Folder).where(Folder.id == back).values(place="done", phase="done"))
    assert "32 736,00 € facturés par cette facture seule" in _plain(told(house, huge, BUYER)["order-over"])


def test_of_two_invoices_that_race_the_later_is_always_told_and_the_first_once_it_is_signed(
    house: House,
) -> None:
    order = an_order(house)
    number = house.folder(order).number
    arrived(house, order, {0: "40", 1: "12", 2: "1"})
    lines = ((GRAVEL, "40", "TNE", "62"), (SALT, "9", "TNE", "118"))
    first, second = (
        an_invoice(house, number, *lines),
        an_invoice(house, number, (SALT, "12", "TNE", "118"), *lines[:1]),
    )
    assert "order-over" not in told(house, first, BUYER)
    assert "order-over" in told(house, second, BUYER)
    with engine().begin() as connection:
        connection.execute(sa.update(Folder).where(Folder.id == second).values(place="done", phase="done"))
    assert "order-over" in told(house, first, BUYER)


def test_what_an_invoice_names_badly_is_told(house: House) -> None:
    order, cancelled = an_order(house), an_order(house, at="finance", engagement="2026-E-0398")
    number = house.folder(order).number
    arrived(house, order, {0: "40", 1: "12", 2: "1"})
    assert set(told(house, an_invoice(house, "BC-2026-9999", (GRAVEL, "1", "TNE", "62")), BUYER)) == {
        "order-unknown"
    }
    assert told(house, an_invoice(house, "MARCHE 2024-06", (GRAVEL, "1", "TNE", "62")), BUYER) == {}
    other = an_invoice(house, number, (GRAVEL, "1", "TNE", "62"), siret="99999999800010")
    assert set(told(house, other, BUYER)) == {"order-seller"}
    # Kilograms are no tonnes, and a line that is on no order is compared with nothing
    odd = told(
        house, an_invoice(house, number, (GRAVEL, "900", "KGM", "0.062"), ("Bâche", "1", "C62", "9")), BUYER
    )
    assert set(odd) == {"order-units", "order-lines"}
    assert "« Bâche »" in _plain(odd["order-lines"])
    # By its engagement: an order that is not signed yet, then one that was given up
    by_engagement = an_invoice(house, "2026 E 0398", (GRAVEL, "1", "TNE", "62"))
    assert {"order-not-standing", "order-undelivered"} == set(told(house, by_engagement, BUYER))
    decide.reject(
        house.actor(FINANCE), cancelled, version=house.folder(cancelled).version, reason="Crédits épuisés."
    )
    assert "rejeté ou abandonné" in told(house, by_engagement, BUYER)["order-not-standing"]
    # Two orders of one engagement: which one is for the supplier to say
    an_order(house, engagement="2026-E-0398")
    assert set(told(house, by_engagement, BUYER)) == {"order-several"}


def test_who_may_not_read_an_order_learns_no_figure_of_it_and_another_commune_nothing(house: House) -> None:
    order = an_order(house)
    number = house.folder(order).number
    invoice = an_invoice(house, number, (GRAVEL, "40", "TNE", "70"))
    clerk = told(house, invoice, "g.trehorel")
    assert set(clerk) == set(told(house, invoice, BUYER))
    assert len(clerk) == 2
    for sentence in clerk.values():
        assert _plain(sentence).startswith("La commande existe, et vous ne pouvez pas la lire")
    assert "La commande existe" in _page(house, "g.trehorel", f"/dossiers/{invoice}")
    assert house.client("g.trehorel").get(f"/commandes/{order}").status_code in {403, 404}
    assert number not in _page(house, "g.trehorel", "/commandes")
    assert number in _page(house, BUYER, "/commandes")
    table = house.client(BUYER).get("/commandes/export.csv").get_data(as_text=True)
    assert f"{number};" in table
    assert ";5023,20;0,00;3360,00;1663,20;Rien n’est livré" in table
    # The same number elsewhere is another order
    with engine().begin() as connection:
        there = desks.create_collectivity(
            "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
        )
        connection.execute(sa.update(Folder).where(Folder.id == order).values(collectivity_id=there))
        connection.execute(
            sa.update(OrderKey).where(OrderKey.folder_id == order).values(collectivity_id=there)
        )
    assert set(told(house, invoice, BUYER)) == {"order-unknown"}


def test_the_tolerances_are_those_of_the_collectivity(house: House) -> None:
    order = an_order(house)
    number = house.folder(order).number
    arrived(house, order, {0: "40", 1: "12", 2: "1"})
    invoice = an_invoice(house, number, (FREIGHT, "1", "C62", "295"))
    assert set(told(house, invoice, BUYER)) == {"order-price"}
    change_setting(house.actor("k.morizur"), "order_price_percent", {"order_price_percent": "2"})
    assert told(house, invoice, BUYER) == {}


def test_the_pages_ask_the_base_no_more_for_many_orders_and_invoices_than_for_one(house: House) -> None:
    counts: list[list[int]] = []
    client = house.client(BUYER)
    for _ in range(2):
        order = an_order(house)
        arrived(house, order, {0: "40", 1: "12", 2: "1"})
        number = house.folder(order).number
        invoices = [an_invoice(house, number, (GRAVEL, "1", "TNE", "62")) for _ in range(1 + len(counts))]
        paths = ("/commandes", f"/commandes/{order}", f"/dossiers/{invoices[-1]}", "/suivi")
        for path in paths:
            client.get(path)
        counts.append([])
        for path in paths:
            with heard() as statements:
                assert client.get(path).status_code == 200
            counts[-1].append(len(statements))
    assert counts[0] == counts[1]
    assert counts[0][0] <= 8, counts
    assert counts[0][1] <= 14, counts
    assert counts[0][2] <= 22, counts
