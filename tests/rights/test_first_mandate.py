"""The first mandate closes the signature to everybody else: what stops with it is counted, confirmed, told and shown."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import stranded
from app.operations.examined import commune
from app.operations.findings import Level
from app.people.mandates import open_mandate
from app.people.models import MandateRow
from tests.builders.house import House
from tests.builders.mandates import of_mayor
from tests.operations.test_folder_types import words

pytestmark = pytest.mark.in_turn
K, A, N = "k.morizur", "a.kervadec", "n.abgrallec"
OFFICE = "/administration/mandats"


def recorded(house: House) -> int:
    with reading(house.actor(K).collectivity_id) as db:
        return db.scalar(sa.select(sa.func.count(MandateRow.id))) or 0


def test_the_first_mandate_says_before_it_is_written_how_many_folders_nobody_could_sign(house: House) -> None:
    waiting = [house.an_invoice(at="bon_a_payer") for _ in range(2)]
    later = of_mayor(house, starts_on=today() + timedelta(days=30))
    for wanted in (later, of_mayor(house, user_id=house.actor(N).user_id)):
        with pytest.raises(Refusal, match="mandate-first") as refused:
            open_mandate(house.actor(K), wanted, sure=1)
        assert refused.value.facts["count"] == 2
    assert recorded(house) == 0
    house.sign(waiting[0], A)
    assert open_mandate(house.actor(K), of_mayor(house))  # who signs them has it: nothing stops
    house.sign(waiting[1], A)


def test_the_page_asks_and_then_who_mends_it_is_told_and_commissioning_is_red(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    client = house.client(K)
    assert "tout de suite même s’il commence plus tard" in words(client.get(OFFICE))
    typed = {
        "csrf_token": house.csrf(client),
        "kind": "mayor",
        "person": str(house.actor(A).user_id),
        "starts_on": (today() + timedelta(days=30)).isoformat(),
        "title": "Le maire",
    }
    asked = client.post(OFFICE, data=typed)
    assert asked.status_code == 409
    assert "un dossier attend une signature que plus personne ne pourrait donner" in words(asked)
    assert recorded(house) == 0
    watch = stranded.Watch()
    watch()
    assert client.post(OFFICE, data={**typed, "sure": "1"}).status_code == 302
    watch()
    with reading() as db:
        keys = db.scalars(sa.select(Outbox.key).where(Outbox.folder_id == folder_id, Outbox.kind == "mail"))
        assert any(key.startswith(f"nobody_may_act-{folder_id}-") for key in keys)
    with reading(house.actor(K).collectivity_id) as db:
        point = {one.name: one for one in commune.points(db, house.actor(K).collectivity_id)}[
            "mandats de signature"
        ]
    assert point.level is Level.RED
    assert "aucun n’a cours aujourd’hui" in point.sentence
