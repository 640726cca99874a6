"""Other software orders, attests deliveries and reads a balance as the browser does, within the rights of its desk."""

import pytest

from app.core.clock import today
from tests.api.software import Software
from tests.builders.house import ACT, House
from tests.purchasing.world import GRAVEL, LINES, SELLER, an_invoice, an_order
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


def test_software_orders_attests_and_reads_the_balance(house: House) -> None:
    technique = Software(house, "technique", [Right.CREATE, Right.ACT])
    facts = {"number": "BC-2026-0700", "object": "Sel", **SELLER, "lines": LINES}
    made = technique.deposit("purchase_order", ACT, facts)
    assert made.status_code == 201, made.get_data(as_text=True)
    assert made.json["facts"]["total_ttc"] == "5023.20"
    order = an_order(house)
    number = house.folder(order).number
    an_invoice(house, number, (GRAVEL, "40", "TNE", "62"))
    read = technique.get(f"/folders/{order}/order")
    assert (read.status_code, read.json["left"], read.json["complete"]) == (200, "2047.20", False)
    told = {"version": read.json["version"], "day": today().isoformat(), "quantities": {"0": "40", "1": "9"}}
    answer = technique.post(f"/folders/{order}/deliveries", **told)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert [one["delivered"] for one in answer.json["lines"]] == ["40", "9", "0"]
    # The same call once more adds nothing: its version is of before
    assert technique.post(f"/folders/{order}/deliveries", **told).status_code == 409
    corrected = {**told, "version": answer.json["version"], "corrects": answer.json["deliveries"][0]["id"]}
    assert technique.post(f"/folders/{order}/deliveries", **corrected).status_code == 422
    answer = technique.post(f"/folders/{order}/deliveries", **corrected, reason="Recompté.")
    assert [one["standing"] for one in answer.json["deliveries"]] == [False, True]
    assert (
        technique.post(f"/folders/{order}/deliveries", **{**told, "quantities": {"x": "1"}}).status_code
        == 400
    )
    strange = technique.post(f"/folders/{order}/deliveries", **{**told, "quantities": {"0": "5", "7": "3"}})
    assert (strange.status_code, "pas de ligne de rang 7" in strange.get_data(as_text=True)) == (422, True)
    payroll = Software(house, "paye", [Right.CREATE])
    assert payroll.get(f"/folders/{order}/order").status_code == 404
    assert technique.get(f"/folders/{made.json['id']}/order").status_code == 409
