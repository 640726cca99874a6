"""Orders of the town of the tests: the one of the mock-ups, brought to any step by the verbs."""

from pathlib import Path
from typing import Any

from app.folders import deposit, sending
from tests.builders.house import ACT, House

SELLER = {"seller": "Voirie Arzel-Huon", "seller_siret": "90000000500014"}
LINES = [
    {"designation": "Gravillons 6/10", "quantity": "40", "unit": "t", "price": "62", "vat": "20"},
    {"designation": "Sel de déneigement", "quantity": "12", "unit": "t", "price": "118", "vat": "20"},
    {"designation": "Transport", "quantity": "1", "price": "290", "vat": "20"},
]
BUYER, MAYOR = "r.pellenec", "a.kervadec"


def an_order(house: House, at: str = "done", path: Path = ACT, **facts: Any) -> int:
    """An order of the technical services that waits at a step (or `draft`), of the first free number of its register."""
    folder_id = house.deposit(BUYER, "purchase_order", path)
    version = house.folder(folder_id).version
    if "number" not in facts:
        from app.folders import numbering

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
