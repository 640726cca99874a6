"""Desks that a circuit tells of a folder: they read it from a step on, get one letter, and act on nothing."""

import json
import re
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits import drafting, library
from app.circuits.drafting import draft_of
from app.core.clock import today
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import decide, sending
from app.folders.models import Folder
from app.folders.rehearsal import again, rehearse
from app.folders.route import route_of
from app.journal.models import JournalEntry
from app.people import desks, hierarchy
from app.people.actor import Actor
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import PASSWORD, House
from tests.circuits.test_editor import press, words
from workflows.drawing import mermaid, svg
from workflows.family import family
from workflows.loader import load
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
K, READER = "k.morizur", "c.cabinet"
CIRCUIT = "/circuits/invoice"


def here(house: House) -> int:
    return house.actor(K).collectivity_id


@pytest.fixture
def cabinet(house: House) -> Actor:
    """Somebody who holds a desk of which no circuit asks anything, with no right to act there."""
    hierarchy.open_desk(house.actor(K), "Cabinet", None)
    desks.create_user(
        here(house),
        READER,
        email="cabinet@kerlann-sur-mer.example",
        first_name="Chloé",
        last_name="Cabioch",
        capacity="",
        password=PASSWORD,
    )
    desks.seat(here(house), "cabinet", READER, [Right.CREATE])
    return house.actor(READER)


def tells(house: House, at: str, name: str = "invoice") -> None:
    """Publish a circuit that tells the cabinet at a step, or of every folder as it leaves (`all`)."""
    data = family(name).circuit.to_data()
    if at == "all":
        data["told"] = ["cabinet"]
    else:
        next(one for one in data["steps"] if one["key"] == at)["told"] = ["cabinet"]
    circuits.publish(house.actor(K), name, library.as_yaml(data))


def letters(house: House, folder_id: int) -> list[tuple[str, int]]:
    """The letters about a folder: what each tells, and to whom."""
    with reading(here(house)) as db:
        rows = db.scalars(sa.select(Outbox).where(Outbox.folder_id == folder_id, Outbox.kind == "mail"))
        return [(str(row.payload["event"]), int(row.payload["user_id"])) for row in rows]


def test_a_desk_reads_the_folder_from_its_step_on_gets_one_letter_and_acts_on_nothing(
    house: House, cabinet: Actor
) -> None:
    tells(house, "finance")
    folder_id = house.an_invoice()
    client = house.client(READER)
    assert client.get(f"/dossiers/{folder_id}").status_code == 404  # not before the step
    with reading(here(house)) as db:
        draft = db.get_one(Folder, folder_id)
        way = rehearse(db, again(draft), route_of(db, draft).circuit, today())
    (stage,) = [one for one in way.stages if one.told]
    assert (stage.step.key, [one.label for one in stage.told]) == ("finance", ["Cabinet"])
    depositor = house.client("g.trehorel")
    assert "Pour information : Cabinet" in words(depositor.get(f"/dossiers/{folder_id}"))
    house.approve(folder_id, "r.pellenec")
    assert letters(house, folder_id).count(("for_information", cabinet.user_id)) == 1
    for page in (f"/dossiers/{folder_id}", f"/dossiers/{folder_id}/bordereau"):
        assert "Pour information : Cabinet" in words(client.get(page))
    follow = words(client.get("/suivi"))
    assert house.folder(folder_id).title in follow
    assert house.folder(folder_id).title not in words(client.get("/"))
    software = Software(house, "comptabilite", [Right.CREATE])
    shown = {one["key"]: one["told"] for one in software.get(f"/folders/{folder_id}").json["steps"]}
    assert shown["finance"] == ["cabinet"]
    assert shown["bon_a_payer"] == []
    version = house.folder(folder_id).version
    for act in (
        lambda: decide.approve(cabinet, folder_id, version=version),
        lambda: decide.reject(cabinet, folder_id, version=version, reason="non"),
    ):
        with pytest.raises(Refusal, match="not-your-turn"):
            act()
    with reading(here(house)) as db:
        told = [
            json.loads(row.facts)["told"]
            for row in db.scalars(sa.select(JournalEntry).where(JournalEntry.folder_id == folder_id))
            if "told" in json.loads(row.facts)
        ]
    assert told == [{"cabinet": "Cabinet"}]
    assert "Pour information : Cabinet" in words(client.get(f"/dossiers/{folder_id}"))
    house.drain()
    (letter,) = [one for one in house.mail.letters if "cabinet@" in str(one["To"])]
    assert str(letter["Subject"]).replace("\xa0", " ") == "Paraphe : 1 dossier pour information"
    # It comes back, and leaves again: the desk reads it still, and is not written to twice
    decide.reject(
        house.actor("n.abgrallec"), folder_id, version=house.folder(folder_id).version, reason="à revoir"
    )
    sending.send(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, "r.pellenec")
    assert letters(house, folder_id).count(("for_information", cabinet.user_id)) == 1
    assert client.get(f"/dossiers/{folder_id}").status_code == 200


def test_all_folders_are_told_as_they_leave_and_a_closed_desk_stops_none(
    house: House, cabinet: Actor
) -> None:
    tells(house, "all")
    folder_id = house.an_invoice()
    assert letters(house, folder_id).count(("for_information", cabinet.user_id)) == 1
    assert house.client(READER).get(f"/dossiers/{folder_id}").status_code == 200
    page = words(house.client(K).get("/circuits/invoice"))
    assert "Bureaux informés dès l’envoi (1)" in page
    with reading(here(house)) as db:
        circuit = library.in_force(db, here(house))["invoice"]
    for picture in (mermaid(circuit, {"cabinet": "Cabinet"}), svg(circuit, {"cabinet": "Cabinet"})):
        assert "Pour information : Cabinet" in picture


def test_the_page_of_the_circuit_adds_and_removes_who_is_told(house: House, cabinet: Actor) -> None:
    client, at = house.client(K), f"{CIRCUIT}?etape=finance"
    page = words(press(client, "addtold", at, told_add="cabinet"))
    assert "pour information : Cabinet" in page
    press(client, "addalltold", at, all_told_add="direction")
    told = words(client.get(f"{CIRCUIT}/publier"))
    assert "« Contrôle des finances » : Cabinet est informé sans agir." in told
    assert re.search(r"Dès l’envoi : [^.]* est informé sans agir\.", told)
    press(client, "untold:0", at)
    press(client, "unalltold:0", at)
    with reading(here(house)) as db:
        draft = draft_of(db, here(house), "invoice")
    assert draft.definition == family("invoice").circuit.to_data()
    seen = drafting.change(house.actor(K), "invoice", draft.version, [], informed=["rien"])
    page = words(client.get(CIRCUIT))
    assert "Le bureau « rien », à informer, n’existe pas, ou est fermé" in page
    with pytest.raises(Refusal, match="circuit-unready"):
        drafting.publish_draft(house.actor(K), "invoice", seen, 0, ())


def test_nobody_is_told_of_a_restricted_family(house: House, cabinet: Actor) -> None:
    data: dict[str, Any] = family("pes_payroll").circuit.to_data()
    for told in (
        {**data, "told": ["cabinet"]},
        {**data, "steps": [{**data["steps"][0], "told": ["cabinet"]}, *data["steps"][1:]]},
    ):
        with pytest.raises(Refusal, match="circuit-unready") as refused:
            circuits.publish(house.actor(K), "pes_payroll", library.as_yaml(told))
        assert "est à accès restreint" in refused.value.facts["details"]
    drafting.give_up(house.actor(K), "pes_payroll", 2)
    with pytest.raises(Refusal, match="circuit-locked"):
        drafting.change(house.actor(K), "pes_payroll", 0, [], informed=["cabinet"])
    assert "Ajouter un bureau à informer" not in words(house.client(K).get("/circuits/pes_payroll"))
    assert load({**data, "told": ["cabinet"]}).to_data()["told"] == ["cabinet"]
