"""The first mandate closes the signature to everybody else: what stops with it is counted, confirmed, told and shown."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.circuits import library
from app.core.clock import today
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import stranded
from app.operations.examined import commune
from app.operations.findings import Level
from app.people import desks
from app.people.mandates import end_mandate, open_mandate
from app.people.models import MandateRow
from tests.builders import circuits
from tests.builders.house import House
from tests.builders.mandates import a_mayor_and_a_deputy, of_deputy, of_mayor, record
from tests.operations.test_blocked import why
from tests.operations.test_folder_types import words
from workflows.family import family
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
K, A, B, N = "k.morizur", "a.kervadec", "b.cadiou", "n.abgrallec"
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


def signed_at_both(house: House, quorum: str, also: str = A) -> int:
    """A folder that the mayor's desk signs, and the direction where somebody signs too: both of them, or any."""
    here = house.actor(K).collectivity_id
    desks.seat(here, "direction", also, [Right.SIGN, Right.ACT])
    circuit = family("invoice").circuit.to_data()
    step = next(step for step in circuit["steps"] if step["key"] == "bon_a_payer")
    step["who"], step["quorum"] = [{"desk": "maire"}, {"desk": "direction"}], quorum
    circuits.publish(house.actor(K), "invoice", library.as_yaml(circuit))
    return house.an_invoice(at="bon_a_payer")


def test_the_first_mandate_that_leaves_one_person_for_two_signatures_says_so_before(house: House) -> None:
    desks.seat(house.actor(K).collectivity_id, "maire", B, [Right.SIGN, Right.ACT])
    folder_id = signed_at_both(house, "all")
    assert why(house) == {}
    with pytest.raises(Refusal, match="mandate-first") as refused:
        open_mandate(house.actor(K), of_mayor(house))
    assert refused.value.facts["count"] == 1
    assert why(house) == {}
    open_mandate(house.actor(K), of_mayor(house), sure=1)
    assert "il y faut 2 personnes différentes" in why(house)[folder_id]


def test_the_end_of_a_mandate_that_leaves_one_person_for_two_signatures_says_so_before(house: House) -> None:
    _, deputy = a_mayor_and_a_deputy(house)
    folder_id = signed_at_both(house, "all")
    other = record(house, of_deputy(house, user_id=house.actor(N).user_id, order_number="2026-042"))
    assert why(house) == {}
    client = house.client(K)
    stops = "1 dossier attend une signature que plus personne ne pourrait faire"
    assert stops not in words(client.get(f"{OFFICE}/{other}"))  # he sits at neither desk
    assert stops in words(client.get(f"{OFFICE}/{deputy}"))
    end_mandate(house.actor(K), deputy, reason="Fin de ses fonctions")
    assert "il y faut 2 personnes différentes" in why(house)[folder_id]


def test_one_of_two_desks_that_loses_its_signer_stops_nothing_where_one_signature_is_enough(
    house: House,
) -> None:
    folder_id = signed_at_both(house, "any", also=B)
    with pytest.raises(Refusal, match="mandate-first"):
        open_mandate(house.actor(K), of_mayor(house, user_id=house.actor(N).user_id))
    open_mandate(house.actor(K), of_mayor(house))
    assert why(house) == {}
    house.sign(folder_id, A)
