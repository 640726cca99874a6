"""Nobody alone attests the service of an invoice and signs it; an expense without an order is told where that is asked."""

import re

import pytest

from app.core.db import reading
from app.core.refusals import Refusal
from app.folders.access import authorize
from app.people import desks
from app.people.own_settings.changing import change_setting
from app.purchasing import views
from app.purchasing.separating import without_order
from tests.builders.house import House
from tests.purchasing.world import BUYER, GRAVEL, MAYOR, an_invoice, an_order, arrived
from workflows.rights import Rights

pytestmark = pytest.mark.in_turn
FINANCE = "n.abgrallec"


def _page(house: House, login: str, address: str) -> str:
    page = house.client(login).get(address).get_data(as_text=True)
    return re.sub(r"\s+", " ", page.replace("\u202f", " ").replace("\xa0", " "))


def _to_sign(house: House, invoice: int, *service: str) -> int:
    for who in (*service, FINANCE):
        house.approve(invoice, who)
    while house.folder(invoice).place != "bon_a_payer":
        house.approve(invoice, "s.rivoal")
    return invoice


@pytest.mark.law("INV-02")
def test_who_attested_the_service_or_the_delivery_does_not_sign_unless_the_collectivity_lets_him(
    house: House,
) -> None:
    place = house.actor(MAYOR).collectivity_id
    desks.seat(place, "technique", MAYOR, Rights.read(["create", "act"]))
    attested = _to_sign(house, an_invoice(house, "M-1", (GRAVEL, "1", "TNE", "62")), MAYOR)
    page = _page(house, MAYOR, f"/dossiers/{attested}")
    assert "vous avez attesté le service fait de cette facture" in page
    with pytest.raises(Refusal, match="sign-gated") as refused:
        house.sign(attested, MAYOR)
    assert "une autre personne la signe" in refused.value.facts["details"]
    # The delivery of its order is the service too
    order = an_order(house)
    arrived(house, order, {0: "40", 1: "12", 2: "1"}, who=MAYOR)
    delivered = _to_sign(
        house, an_invoice(house, house.folder(order).number, (GRAVEL, "40", "TNE", "62")), BUYER
    )
    with pytest.raises(Refusal, match="sign-gated"):
        house.sign(delivered, MAYOR)
    # Who attested nothing signs, and whoever attested alone is no matter of others
    other = _to_sign(house, an_invoice(house, "M-2", (GRAVEL, "2", "TNE", "62")), BUYER)
    assert "vous avez attesté" not in _page(house, MAYOR, f"/dossiers/{other}")
    house.sign(other, MAYOR)
    change_setting(house.actor("k.morizur"), "service_and_signature", {"service_and_signature": "off"})
    house.sign(attested, MAYOR)
    house.sign(delivered, MAYOR)


def test_an_invoice_of_some_weight_without_an_order_is_told_where_the_collectivity_asks_for_it(
    house: House,
) -> None:
    large, small, named = (
        an_invoice(house, ref, (GRAVEL, count, "TNE", "62"))
        for ref, count in (("", "40"), ("", "1"), ("M-1", "40"))
    )

    def told(folder_id: int) -> list[str]:
        with reading() as db:
            return [one.sentence for one in without_order(db, authorize(db, house.actor(BUYER), folder_id))]

    assert told(large) == []  # below a threshold that is the commune's, no order is the law
    change_setting(house.actor("k.morizur"), "order_needed_from", {"order_needed_from": "2000"})
    assert "ni bon de commande ni engagement" in told(large)[0]
    assert "Dépense sans bon de commande" in _page(house, BUYER, f"/dossiers/{large}")
    assert (told(small), told(named)) == ([], [])
    credit = an_invoice(house, "", (GRAVEL, "40", "TNE", "62"), credit=True)
    assert told(credit) == []
    house.approve(large, BUYER)  # told, and no more


def test_the_orders_of_a_state_are_found_and_what_was_not_looked_through_follows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    coming, over, whole = an_order(house), an_order(house), an_order(house)
    everything = {0: "40", 1: "12", 2: "1"}
    for order in (over, whole):
        arrived(house, order, everything)
    lines = (
        (GRAVEL, "40", "TNE", "62"),
        ("Sel de déneigement", "12", "TNE", "118"),
        ("Transport", "1", "C62", "290"),
    )
    an_invoice(house, house.folder(whole).number, *lines)
    an_invoice(house, house.folder(over).number, *lines, (GRAVEL, "10", "TNE", "62"))
    delivered = an_order(house)
    arrived(house, delivered, everything)
    client = house.client(BUYER)

    def shown(state: str, more: str = "") -> set[int]:
        page = client.get(f"/commandes?etat={state}{more}").get_data(as_text=True)
        return {int(number) for number in re.findall(r"/commandes/(\d+)\"", page)}

    every = {coming, over, whole, delivered}
    for state, orders in (
        ("", every), ("a-livrer", {coming}), ("livrees", {delivered}), ("facturees", {whole}), ("depassees", {over}),
        ("hasard", every),
    ):  # fmt: skip
        assert shown(state) == orders, state
    assert "10 046,40 € restent à facturer ici" in _page(house, BUYER, "/commandes")
    answer = client.get("/commandes/export.csv?etat=depassees").get_data(as_text=True)
    assert house.folder(over).number in answer
    assert house.folder(whole).number not in answer
    monkeypatch.setattr(views, "LOOKED", 2)
    monkeypatch.setattr(views.orders_shown, "__kwdefaults__", {"state": "", "before": None, "size": 2})
    assert "avant=" in client.get("/commandes?etat=a-livrer").get_data(as_text=True)
    assert "de plus anciennes en ont peut-être" in _page(house, BUYER, "/commandes?etat=a-livrer")
    assert shown("a-livrer", f"&avant={whole}") == {coming}
    assert shown("") == {delivered, whole}
    assert shown("", f"&avant={whole}") == {over, coming}
