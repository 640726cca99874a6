"""A step of several desks: how many are enough is told everywhere, and nobody is asked twice, nor once he has acted."""

import html
import re

import pytest

from app.core.db import reading
from app.display import queues
from app.folders import sending
from app.people import desks
from tests.builders import circuits
from tests.builders.house import House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
G, R, N, K = "g.trehorel", "r.pellenec", "n.abgrallec", "k.morizur"
CIRCUIT = """
key: invoice
label: Essai
steps:
  - { key: visas, label: Deux visas, kind: visa, who: [{desk: technique}, {desk: finances}, {desk: direction}], quorum: 2 }
  - { key: un_visa, label: Un visa, kind: visa, who: [{desk: technique}, {desk: finances}], quorum: any }
  - { key: bon_a_payer, label: Bon à payer, kind: sign, who: { desk: maire } }
  - { key: handover, label: Remise, kind: transmit, channel: handover }
"""


def page(house: House, login: str, address: str) -> str:
    text = re.sub("<[^>]+>", " ", house.client(login).get(address).get_data(as_text=True))
    return " ".join(html.unescape(text).split())


def waiting(house: House, login: str) -> tuple[list[int], int]:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        return [line.id for line in queues.todo(db, actor)], queues.counters(db, actor).todo


def sent(house: House) -> int:
    """An invoice at two visas of three; r.pellenec sits at two of the three desks."""
    desks.seat(house.actor(R).collectivity_id, "finances", R, [Right.ACT])
    circuits.publish(house.actor(K), "invoice", CIRCUIT)
    folder_id = house.an_invoice(at="draft")
    draft = page(house, G, f"/dossiers/{folder_id}/brouillon")
    assert "Visa, 2 parmi Solenn Rivoal, Direction des finances et Ronan Pellenec" in draft
    assert "Visa, Direction des finances ou Ronan Pellenec" in draft
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    return folder_id


def test_who_is_awaited_is_told_with_how_many_are_enough_and_less_after_each(house: House) -> None:
    folder_id = sent(house)
    finance = "Nolwenn Abgrallec, Tifenn Lescoat ou 1 autre (Direction des finances)"
    assert f"On attend 2 parmi Solenn Rivoal, {finance} et Ronan Pellenec" in page(
        house, G, f"/dossiers/{folder_id}"
    )
    assert "2 sur 3" in page(house, G, "/suivi")
    house.approve(folder_id, N)
    shown = page(house, G, f"/dossiers/{folder_id}")
    assert "On attend Solenn Rivoal ou Ronan Pellenec" in shown
    assert "un seul suffit" in page(house, G, "/suivi")
    assert "On attend Solenn Rivoal ou Ronan Pellenec" in page(house, G, f"/dossiers/{folder_id}/bordereau")


def test_a_folder_awaits_somebody_once_whatever_his_desks_and_no_more_once_he_has_acted(house: House) -> None:
    folder_id = sent(house)
    assert waiting(house, R) == ([folder_id], 1)
    house.approve(folder_id, R)
    assert waiting(house, R) == ([], 0)
    assert waiting(house, N) == ([folder_id], 1)
    house.approve(folder_id, N)
    assert house.folder(folder_id).place == "un_visa"
    assert waiting(house, R) == ([folder_id], 1)


def test_the_last_act_is_that_of_who_acted_last_whatever_the_order_of_the_desks(house: House) -> None:
    every = CIRCUIT.replace("Deux visas", "Trois visas").replace("quorum: 2", "quorum: all")
    circuits.publish(house.actor(K), "invoice", every)
    folder_id = house.an_invoice(at="draft")
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    for login in ("s.rivoal", N, R):  # the third desk, the second, the first
        house.approve(folder_id, login)
    assert house.folder(folder_id).place == "un_visa"
    assert "visé par Ronan Pellenec, " in page(house, N, "/a-traiter")
