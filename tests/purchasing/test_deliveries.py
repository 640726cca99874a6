"""What came of an order is attested by the service that ordered: in parts, once for two clicks, corrected with a reason."""

import io
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders.models import Folder
from app.purchasing.deliveries import deliveries_of, sums
from tests.builders.house import House
from tests.purchasing.world import BUYER, an_order, arrived

pytestmark = pytest.mark.in_turn


def _came(house: House, order: int) -> dict[int, str]:
    with reading() as db:
        return {rank: str(total) for rank, total in sums(deliveries_of(db, [order])[order]).items()}


def _text(house: House, login: str, address: str) -> str:
    page = house.client(login).get(address).get_data(as_text=True)
    return re.sub(r"\s+", " ", page)


@pytest.mark.both_databases
def test_an_order_comes_in_parts_each_attested_once_and_corrected_with_a_reason(house: House) -> None:
    order = an_order(house)
    first = arrived(house, order, {0: "40", 1: "4,5"})
    assert _came(house, order) == {0: "40", 1: "4.5"}
    # A second click, or a colleague's page of before, adds nothing: it is told
    version = house.folder(order).version
    arrived(house, order, {1: "4.5"}, version=version)
    with pytest.raises(Refusal) as again:
        arrived(house, order, {1: "4.5"}, version=version)
    assert (again.value.key, _came(house, order)[1]) == ("moved-on", "9.0")
    # More than was ordered is told, and is attested with a word alone
    with pytest.raises(Refusal) as over:
        arrived(house, order, {1: "4"})
    assert over.value.key == "delivery-over"
    assert "il en reste 3" in over.value.facts["lines"].replace("\xa0", " ")
    arrived(house, order, {1: "4"}, note="Un sac de trop, gardé.")
    # A correction takes the place of what it corrects; none is corrected twice, and both stay readable
    with pytest.raises(Refusal) as silent:
        arrived(house, order, {0: "38"}, corrects=first)
    assert silent.value.key == "reason-needed"
    arrived(house, order, {0: "38"}, corrects=first, reason="Pesée relue.")
    with pytest.raises(Refusal) as twice:
        arrived(house, order, {0: "40"}, corrects=first, reason="Non.")
    assert twice.value.key == "delivery-corrected"
    assert _came(house, order) == {0: "38", 1: "8.5"}
    assert [one for one in house.journal(order) if one.startswith("order.")] == [
        *["order.delivered"] * 3,
        "order.delivery_corrected",
    ]
    page = _text(house, BUYER, f"/commandes/{order}")
    assert "Livré en partie" in page
    assert "Corrigée : elle ne compte plus" in page.replace("\xa0", " ")
    assert "Reste 2 t à livrer" in page.replace("\xa0", " ")


def test_what_came_came_on_a_day_of_paris_that_the_order_has_seen(house: House) -> None:
    order = an_order(house)
    with engine().begin() as connection:
        made = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)  # the third, in Paris
        connection.execute(sa.update(Folder).where(Folder.id == order).values(created_at=made))
    with pytest.raises(Refusal) as before:
        arrived(house, order, {0: "1"}, day=date(2026, 11, 2))
    assert before.value.key == "delivery-day"
    arrived(house, order, {0: "1"}, day=date(2026, 11, 3))


def test_who_ordered_attests_from_the_page_with_a_photograph_and_nobody_else(house: House) -> None:
    order, draft = an_order(house), an_order(house, at="finance")
    client = house.client(BUYER)
    address = f"/commandes/{order}/livraison"
    page = client.get(address).get_data(as_text=True)
    assert re.search(r'name="q\.1"\s+value="12"', page)  # what is left
    form = {
        "csrf_token": house.csrf(client),
        "version": house.folder(order).version,
        "day": today().isoformat(),
    }
    answer = client.post(address, data={**form, "q.0": "beaucoup", "q.1": "9", "note": "Palette 3"})
    page = answer.get_data(as_text=True)
    assert (answer.status_code, 'value="beaucoup"' in page, 'value="Palette 3"' in page) == (422, True, True)
    photograph = (Path(__file__).parents[2] / "app" / "static" / "icon-192.png").read_bytes()
    files = {"file": (io.BytesIO(photograph), "bon-0412.png")}
    answer = client.post(address, data={**form, "q.0": "0", "q.1": "9", "q.2": "1", **files})
    assert (answer.status_code, answer.location) == (302, f"/commandes/{order}")
    assert _came(house, order) == {1: "9", 2: "1"}
    (note,) = house.versions(order, "delivery")
    assert note.filename == "bon-0412.pdf"
    assert house.bytes_of(house.versions(order, "original")[-1]) == photograph
    assert f"/dossiers/{order}?document=" in client.get(f"/commandes/{order}").get_data(as_text=True)
    assert "bon-0412" in _text(house, BUYER, f"/dossiers/{order}")
    # Who read it at his step reads its page, and attests nothing; who never met it knows nothing of it
    assert "Enregistrer une livraison" not in _text(house, "n.abgrallec", f"/commandes/{order}")
    other = house.client("n.abgrallec")
    assert other.get(address).status_code == 403
    assert other.post(address, data={**form, "csrf_token": house.csrf(other), "q.0": "1"}).status_code == 403
    assert house.client("m.kerzerho").get(f"/commandes/{order}").status_code in {403, 404}
    with pytest.raises(Refusal) as unsigned:
        arrived(house, draft, {0: "1"})
    assert unsigned.value.key == "order-not-signed"
    for day in (None, today() + timedelta(days=1), today() - timedelta(days=9)):
        with pytest.raises(Refusal) as refused:
            arrived(house, order, {0: "1"}, day=day)
        assert refused.value.key == "delivery-day"
    with pytest.raises(Refusal) as nothing:
        arrived(house, order, {0: "0"})
    assert nothing.value.key == "delivery-nothing"
