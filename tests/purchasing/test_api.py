"""Other software orders, attests deliveries and reads a balance as the browser does, within the rights of its desk."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from app.core.clock import today
from tests.api.software import Software
from tests.builders.house import ACT, House
from tests.purchasing.world import GRAVEL, LINES, SELLER, an_invoice, an_order
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
PHOTO = (Path(__file__).parents[2] / "app" / "static" / "icon-192.png").read_bytes()


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

    # With the photograph of what came: examined, kept beside the order, and named by the delivery
    def pictured(content: bytes, name: str, **changed: Any) -> Any:
        version = house.folder(order).version
        delivery = {"version": version, "day": today().isoformat(), "quantities": {"2": "1"}, **changed}
        form = {"delivery": json.dumps(delivery), "file": (io.BytesIO(content), name)}
        place = f"/api/v1/folders/{order}/deliveries/photo"
        return technique.client.post(
            place, headers=technique.headers, data=form, content_type="multipart/form-data"
        )

    for content, name, changed, status in (
        (b"#!/bin/sh", "photo.png", {}, 422),
        (PHOTO, "photo.png", {"quantities": {"x": "1"}}, 400),
        (PHOTO, "photo.png", {"day": "hier"}, 422),
        (PHOTO, "photo.png", {"version": 1}, 409),
        (PHOTO, "", {}, 400),
    ):
        refused = pictured(content, name, **changed)
        assert refused.status_code == status, (name, changed, refused.get_data(as_text=True))
    answer = pictured(PHOTO, "photo.png")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    last = answer.json["deliveries"][-1]
    assert (last["quantities"], answer.json["deliveries"][0]["document"]) == ({"2": "1"}, None)
    documents = technique.get(f"/folders/{order}").json["documents"]
    assert last["document"] in [one["id"] for one in documents]
    payroll = Software(house, "paye", [Right.CREATE])
    assert payroll.get(f"/folders/{order}/order").status_code == 404
    assert technique.get(f"/folders/{made.json['id']}/order").status_code == 409
    none = technique.get(f"/folders/{house.an_invoice()}/order")
    assert (none.status_code, none.json["key"], none.json["title"]) == (
        409,
        "not-an-order",
        "Ce dossier n’est pas un bon de commande",
    )
