"""An order of the commune: its lines make its amount, its number is its own, and it is signed within a ceiling."""

import pytest

from app.core.refusals import Refusal
from tests.builders.house import House
from tests.purchasing.world import LINES, an_order

pytestmark = pytest.mark.in_turn


@pytest.mark.both_databases
def test_an_order_goes_from_its_lines_to_the_signature(house: House) -> None:
    first, second = an_order(house, at="finance"), an_order(house, at="draft")
    order = house.folder(first)
    assert (order.number, order.amount_cents) == ("BC-2026-0001", 502_320)
    assert house.folder(second).number == "BC-2026-0002"
    assert order.title == "Voirie Arzel-Huon, Gravillons et sel de déneigement"
    page = house.client("n.abgrallec").get(f"/dossiers/{first}?onglet=details").get_data(as_text=True)
    assert "Sel de déneigement" in page
    assert "5\u202f023,20\u00a0€" in page
    house.approve(first, "n.abgrallec")
    assert house.folder(first).place == "direction"  # above 4 000 €
    house.approve(first, "s.rivoal")
    house.sign(first, "a.kervadec")
    assert house.folder(first).place == "done"


def test_a_total_is_never_typed_and_follows_what_is_changed(house: House) -> None:
    folder_id = an_order(house, at="draft", total_ttc="1.00")
    assert house.folder(folder_id).amount_cents == 502_320
    client = house.client("r.pellenec")
    page = client.get(f"/dossiers/{folder_id}/brouillon").get_data(as_text=True)
    assert 'name="lines.0.quantity"' in page
    assert 'name="total_ttc"' not in page
    form = {"csrf_token": house.csrf(client), "version": house.folder(folder_id).version, "action": "save"}
    for rank, line in enumerate(LINES[:2]):
        form |= {f"lines.{rank}.{key}": value for key, value in line.items()}
    client.post(f"/dossiers/{folder_id}/brouillon", data={**form, "lines.1.quantity": "2,5"})
    assert house.folder(folder_id).fields["lines"][1]["quantity"] == "2.5"
    assert house.folder(folder_id).amount_cents == 333_000
    client.post(
        f"/dossiers/{folder_id}/brouillon",
        data={**form, "version": house.folder(folder_id).version, "lines.1.price": "deux"},
    )
    assert house.folder(folder_id).amount_cents is None  # nothing is said of lines that are not whole
    with pytest.raises(Refusal) as refused:
        an_order(house, at="finance", number="BC-2026-0001")
    assert refused.value.key == "to-fix"
    assert "BC-2026-0001" in str(refused.value.facts)
