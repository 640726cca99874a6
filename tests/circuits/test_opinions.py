"""An opinion binds nobody: favourable or not, the folder goes on, and whoever decides after reads it."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits import drafting, library
from app.circuits.gestures import Gesture
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import decide
from app.folders.models import Folder
from app.folders.sockets import cautions
from app.journal.models import JournalEntry
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import House
from tests.circuits.test_editor import words
from workflows.circuit import Circuit
from workflows.engine import Asker, Standing, choices
from workflows.family import family, imposed
from workflows.joining import contains
from workflows.loader import load
from workflows.vocabulary import Action, Right

pytestmark = pytest.mark.in_turn
K, N = "k.morizur", "n.abgrallec"
WHY = "Le bon de commande ne le couvre pas."


def steps(**kinds: str) -> dict[str, Any]:
    """The circuit of invoices, these of its steps with another nature."""
    data = family("invoice").circuit.to_data()
    for step in data["steps"]:
        step["kind"] = kinds.get(step["key"], step["kind"])
    return data


def asked_of_finances(house: House) -> int:
    """A folder that waits for the opinion of the finance desk."""
    circuits.publish(house.actor(K), "invoice", library.as_yaml(steps(finance="opinion")))
    return house.an_invoice("finance")


def give(house: House, folder_id: int, opinion: str, comment: str = "") -> None:
    version = house.folder(folder_id).version
    decide.approve(house.actor(N), folder_id, version=version, comment=comment, opinion=opinion)


def test_an_unfavourable_opinion_lets_the_folder_go_on_and_is_read_by_whoever_decides_after(
    house: House,
) -> None:
    folder_id = asked_of_finances(house)
    client = house.client(N)
    page = words(client.get(f"/dossiers/{folder_id}"))
    assert "À vous de donner un avis" in page
    assert "Donner cet avis" in page
    assert "Rejeter" not in page
    data = {"csrf_token": house.csrf(client), "version": str(house.folder(folder_id).version)}
    refused = client.post(f"/dossiers/{folder_id}/viser", data={**data, "opinion": "unfavourable"})
    assert refused.status_code == 422
    form = refused.get_data(as_text=True)
    form = form[form.index('value="unfavourable"') :][:1500]
    assert "checked" in form[: form.index(">")]
    assert "autofocus" in form
    assert "un avis défavorable se motive" in form
    said = client.post(
        f"/dossiers/{folder_id}/viser", data={**data, "opinion": "unfavourable", "comment": WHY}
    )
    assert said.status_code == 302
    folder = house.folder(folder_id)
    assert (folder.phase, folder.place) == ("running", "bon_a_payer")
    for login in ("a.kervadec", "g.trehorel"):
        told = words(house.client(login).get(f"/dossiers/{folder_id}"))
        assert "Avis défavorable de Nolwenn Abgrallec" in told
        assert WHY in told
    assert "Avis défavorable de Nolwenn Abgrallec" in words(
        house.client("a.kervadec").get(f"/dossiers/{folder_id}/bordereau")
    )
    with reading(house.actor(K).collectivity_id) as db:
        assert "opinion" in [one.key for one in cautions(db, db.get_one(Folder, folder_id))]
        line = db.scalars(
            sa.select(JournalEntry.facts)
            .where(JournalEntry.folder_id == folder_id, JournalEntry.event == "folder.approve")
            .order_by(JournalEntry.id.desc())
        ).first()
    assert json.loads(line or "{}")["opinion"] == "unfavourable"
    shown = Software(house, "comptabilite", [Right.CREATE]).get(f"/folders/{folder_id}").json
    part = next(one for one in shown["steps"] if one["key"] == "finance")["parts"][0]
    assert (part["opinion"], part["comment"]) == ("unfavourable", WHY)


def test_an_opinion_says_what_it_is_and_decides_nothing(house: House) -> None:
    folder_id = asked_of_finances(house)
    version = house.folder(folder_id).version
    for opinion, comment, key in (
        ("", "", "opinion-asked"),
        ("unfavourable", " ", "opinion-word"),
        ("peut-être", "", "bad-request"),
    ):
        with pytest.raises(Refusal, match=key):
            give(house, folder_id, opinion, comment)
    with pytest.raises(Refusal, match="action-impossible-here"):
        decide.reject(house.actor(N), folder_id, version=version, reason="non")
    assert house.folder(folder_id).version == version
    software = Software(house, "finances", [Right.ACT])
    assert software.post(f"/folders/{folder_id}/approve", version=version).status_code == 422
    answer = software.post(f"/folders/{folder_id}/approve", version=version, opinion="favourable")
    assert answer.status_code == 200
    assert not [
        one
        for one in words(house.client("a.kervadec").get(f"/dossiers/{folder_id}")).split(".")
        if "défavorable" in one
    ]
    usual = house.an_invoice("service_done")
    with pytest.raises(Refusal, match="opinion-not-asked"):
        decide.approve(
            house.actor("r.pellenec"), usual, version=house.folder(usual).version, opinion="favourable"
        )


def test_no_step_that_the_law_imposes_becomes_an_opinion(house: House) -> None:
    for name, one in (
        (name, family(name)) for name in ("invoice", "deliberation", "act_cancellation", "pes")
    ):
        for key in imposed(one, one.circuit):
            if one.circuit.step(key).kind.automatic:
                continue
            data = one.circuit.to_data()
            step = next(step for step in data["steps"] if step["key"] == key)
            with pytest.raises(Refusal, match="circuit-locked"):
                drafting.change(
                    house.actor(K), name, 0, [Gesture("write", key, step={**step, "kind": "opinion"})]
                )


def test_the_engine_offers_no_rejection_and_a_visa_asks_more_than_an_opinion() -> None:
    circuit: Circuit = load(steps(finance="opinion"))
    slot = "desk:finances"
    offered = choices(circuit, Standing("finance", {}, (slot,)), Asker(1, frozenset({slot})))
    assert Action.APPROVE in offered
    assert Action.REJECT not in offered
    assert contains(family("invoice").circuit, circuit, {})
    assert not contains(circuit, family("invoice").circuit, {})
