"""What a change of a desk would stop is told before it is saved, in the words in which the save asks about it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.circuits import library, own_types, rules
from app.circuits.gestures import Gesture
from app.circuits.rules import draft_of
from app.core.clock import PARIS, now
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import sending
from app.operations.absences.planning import Wanted, plan
from app.people import accounts, desks, hierarchy
from app.people.models import Desk
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import House
from tests.folders.test_asking import ask
from tests.operations.test_leaving import finance_asks
from tests.operations.test_people_and_desks import DESKS, K, R, desk, seen, sure, user, words
from workflows.emitting import BRANCH, EMITTER
from workflows.own_types import Definition
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

G, N, T = "g.trehorel", "n.abgrallec", "t.lescoat"


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def asks_the_superior(
    house: House, name: str = "invoice", height: int = 1, beside: Sequence[Mapping[str, str]] = ()
) -> None:
    """The circuit of a family asks first the superior of the desk that deposits, and all of those `beside`."""
    with reading(here(house)) as db:
        circuit = library.in_force(db, here(house))[name].to_data()
    first = next(one for one in circuit["steps"] if one["kind"] == "visa")
    who, quorum = [{"superior": height}, *beside], "all" if beside else "any"
    head = {**first, "key": "chef", "label": "Accord du chef", "who": who, "quorum": quorum}
    circuit["steps"] = [head, *(one for one in circuit["steps"] if one["key"] != "chef")]
    circuits.publish(house.actor(K), name, library.as_yaml(circuit))


def form(house: House, client: FlaskClient, key: str, **more: Any) -> dict[str, Any]:
    one = desk(key)
    shown = {"name": one.name, "shown_name": one.name, "parent": str(one.parent_id or "")}
    return {"csrf_token": house.csrf(client), **shown, "shown_parent": shown["parent"], **more}


def told_before(client: FlaskClient, key: str, data: dict[str, Any]) -> str:
    answer = client.post(f"{DESKS}/{desk(key).id}/avant", data=data)
    assert answer.status_code == 200
    return words(answer)


def test_each_box_says_what_it_would_stop_as_the_save_asks_it_and_writes_nothing(house: House) -> None:
    house.an_invoice(at="service_done")
    client, number = house.client(K), user(R).id
    boxes = {"seen": seen("technique"), "person": [str(number)]}
    kept = form(house, client, "technique", **boxes, **{f"rights-{number}": ["create", "act"]})
    assert told_before(client, "technique", kept) == ""
    fewer = form(house, client, "technique", **boxes, **{f"rights-{number}": ["create"]})
    told = told_before(client, "technique", fewer)
    assert "1 dossier y attend, et personne n’a le droit de viser et rejeter." in told
    assert "Enregistrer quand même" in told
    assert seen("technique") == boxes["seen"]
    asked = client.post(f"{DESKS}/{desk('technique').id}", data=fewer)
    assert asked.status_code == 409
    assert told.removeprefix("Enregistrer arrêterait ceci") in words(asked)
    done = client.post(f"{DESKS}/{desk('technique').id}", data={**fewer, "sure": sure(asked)})
    assert done.status_code == 302


def test_a_right_limited_to_some_types_says_what_it_would_stop(house: House) -> None:
    house.an_invoice(at="service_done")
    client, number = house.client(K), user(R).id
    page = client.get(f"{DESKS}/{desk('technique').id}/titulaires/{number}").text
    assert f'data-foresee="{DESKS}/{desk("technique").id}/avant"' in page
    limited = {"csrf_token": house.csrf(client), "by_type": str(number), "all": ["create"]}
    told = told_before(client, "technique", {**limited, "types": ["act:contract"]})
    assert "1 dossier y attend, et personne n’a le droit de viser" in told
    assert told_before(client, "technique", {**limited, "types": ["act:invoice"]}) == ""
    shown = words(client.get(f"/administration/personnes/{number}"))
    assert "Changer ses droits au bureau « Services techniques »" in shown


def test_a_desk_that_moves_says_which_superior_would_lack_or_have_nobody(house: House) -> None:
    asks_the_superior(house)
    client, page = house.client(K), f"{DESKS}/{desk('comptabilite').id}"
    top = form(house, client, "comptabilite") | {"parent": ""}
    told = told_before(client, "comptabilite", top)
    assert "« Comptabilité » n’aurait plus le supérieur que demande le circuit de « Factures »" in told
    council = form(house, client, "comptabilite") | {"parent": str(desk("conseil").id)}
    told = told_before(client, "comptabilite", council)
    assert "« Conseil municipal » deviendrait le supérieur que demande le circuit de « Factures »" in told
    assert "personne n’y a le droit de viser et rejeter" in told
    head = form(house, client, "comptabilite") | {"parent": str(desk("direction").id)}
    assert told_before(client, "comptabilite", head) == ""
    asked = client.post(page, data=top)
    assert asked.status_code == 409
    assert "n’aurait plus le supérieur" in words(asked)
    assert desk("comptabilite").parent_id == desk("finances").id
    assert client.post(page, data=top | {"sure": sure(asked)}).status_code == 302
    assert desk("comptabilite").parent_id is None
    absent = form(house, client, "comptabilite") | {"parent": "987654"}
    asked = client.post(f"{DESKS}/{desk('comptabilite').id}/avant", data=absent)
    assert asked.status_code == 404  # as the verb refuses it


def test_folders_on_their_way_to_a_superior_are_counted_when_the_desk_moves(house: House) -> None:
    with reading(here(house)) as db:
        circuit = library.in_force(db, here(house))["invoice"].to_data()
    rank, last = next((n, one) for n, one in enumerate(circuit["steps"]) if one["kind"] == "visa")
    head = {**last, "key": "chef", "label": "Accord du chef", "who": [{"superior": 1}], "quorum": "any"}
    circuit["steps"].insert(rank + 1, head)
    circuits.publish(house.actor(K), "invoice", library.as_yaml(circuit))
    house.an_invoice(at="service_done")
    del circuit["steps"][rank + 1]
    circuits.publish(house.actor(K), "invoice", library.as_yaml(circuit))  # the folder keeps its own
    client = house.client(K)
    for parent in ("", str(desk("conseil").id)):
        told = told_before(client, "comptabilite", form(house, client, "comptabilite") | {"parent": parent})
        assert "Une étape à venir de 1 dossier en cours demanderait un supérieur" in told
    above = form(house, client, "comptabilite") | {"parent": str(desk("direction").id)}
    assert told_before(client, "comptabilite", above) == ""


def test_a_folder_that_waits_at_the_superior_is_ended_there_by_who_has_it_once_the_desk_has_moved(
    house: House,
) -> None:
    """Nothing is announced of it, and nothing stops: what was found when it came there stands, for who has two parts too."""
    asks_the_superior(house)
    one_part = house.an_invoice(at="chef")
    asks_the_superior(house, beside=[{"desk": "comptabilite"}])
    for key in ("comptabilite", "finances"):
        desks.seat(here(house), key, T, Rights.read(["create", "act"]))
    two_parts = house.an_invoice(at="chef")
    coming = house.an_invoice(at="draft")
    client = house.client(K)
    top = form(house, client, "comptabilite") | {"parent": ""}
    told = told_before(client, "comptabilite", top)
    assert "« Comptabilité » n’aurait plus le supérieur que demande le circuit de « Factures »" in told
    assert "en cours" not in told
    page = f"{DESKS}/{desk('comptabilite').id}"
    asked = client.post(page, data=top)
    assert client.post(page, data=top | {"sure": sure(asked)}).status_code == 302
    for folder in (one_part, two_parts):
        page = words(house.client(T).get(f"/dossiers/{folder}"))
        assert "On attend" in page
        assert "Direction des finances" in page or "Tifenn Lescoat" in page
        house.approve(folder, T)
    assert house.folder(one_part).place == "service_done"
    house.approve(two_parts, N)
    assert house.folder(two_parts).place == "service_done"
    with pytest.raises(Refusal, match="desk-missing"):
        sending.send(house.actor(G), coming, version=house.folder(coming).version)


def test_who_administers_a_branch_is_told_before_and_nothing_of_the_others(house: House) -> None:
    asks_the_superior(house, height=2)
    regies = hierarchy.open_desk(house.actor(K), "Régies", desk("comptabilite").id)
    desks.seat(here(house), "regies", G, Rights.read(["create"]))
    desks.seat(here(house), "direction", "s.rivoal", Rights.read(["create"]))
    accounts.delegate(house.actor(K), user(N).id, desk("finances").id)
    client = house.client(N)
    moved = form(house, client, "regies") | {"parent": str(desk("finances").id)}
    told = told_before(client, "regies", moved)
    assert "Un bureau hors de votre branche deviendrait le supérieur" in told
    assert "Direction générale" not in told
    assert regies == desk("regies").id
    number = user(T).id
    last = form(house, client, "finances", seen=seen("finances"), person=[str(number)])
    told = told_before(client, "finances", last)
    assert "ne tiendrait plus aucun bureau" in told
    assert "Enregistrer quand même" not in told
    outside = client.post(f"{DESKS}/{desk('direction').id}/avant", data=form(house, client, "finances"))
    assert outside.status_code == 404
    assert house.client(R).post(f"{DESKS}/{regies}/avant").status_code in {400, 403}


def test_a_superior_outside_the_branch_is_answered_as_one_that_is_not_there_before_as_by_the_save(
    house: House,
) -> None:
    asks_the_superior(house)
    accounts.delegate(house.actor(K), user(N).id, desk("finances").id)
    client, page = house.client(N), f"{DESKS}/{desk('comptabilite').id}"
    answers = set()
    # One where nobody acts, one where somebody does, none, and the top
    for parent in (str(desk("conseil").id), str(desk("direction").id), "987654", ""):
        data = form(house, client, "comptabilite") | {"parent": parent, "sure": "1"}
        for answer in (
            client.post(f"{page}/avant", data=data),
            client.get(f"{page}/deplacer?vers={parent}"),
            client.post(f"{page}/deplacer", data=data),
            client.post(page, data=data),
        ):
            answers.add((answer.status_code, "Ce bureau n’existe pas ici." in words(answer)))
    assert answers == {(404, True)}
    inside = form(house, client, "comptabilite")
    assert told_before(client, "comptabilite", inside) == ""


def test_all_that_uses_a_desk_is_told_and_led_to(house: House) -> None:
    actor, page = house.actor(K), f"{DESKS}/{desk('conseil').id}"
    with reading(here(house)) as db:
        circuit = library.in_force(db, here(house))["invoice"].to_data()
    circuit["steps"][0]["told"] = ["conseil"]
    circuits.publish(actor, "invoice", library.as_yaml(circuit))
    number = own_types.open_type(actor, "contract", "Marché de voirie")
    seen_there = Definition("Marché de voirie", visibility="desks", seen_at=("conseil",))
    revision = own_types.draw_up(actor, number, seen_there, shown=1)
    own_types.publish_type(actor, number, shown=revision)
    of_desk = {"op": "in", "value": ["conseil"]}
    with reading(here(house)) as db:
        draft = draft_of(db, here(house), "invoice")
    rows = [
        Gesture("write", f"r{rank}", step={"when": {**of_desk, "field": field}, "circuit": "invoice"})
        for rank, field in enumerate((EMITTER, BRANCH), start=1)
    ]
    rules.change(
        actor,
        "invoice",
        draft.version,
        rows,
        "invoice",
    )
    with reading(here(house)) as db:
        draft = draft_of(db, here(house), "invoice")
    rules.publish_rules(actor, "invoice", draft.version, draft.in_force)
    answer = house.client(K).get(page)
    shown = words(answer)
    step = circuit["steps"][0]
    assert f"Circuit « Factures », étape « {step['label']} » : le bureau lit le dossier, sans agir." in shown
    assert "Type « Marché de voirie » : ses titulaires en lisent les dossiers, sans agir." in shown
    assert "Règle 1 de « Facture » : regarde si ce bureau dépose le dossier." in shown
    assert "Règle 2 de « Facture » : regarde si ce bureau dépose le dossier, lui ou un de ceux dont" in shown
    for address in (
        f"/circuits/invoice?etape={step['key']}",
        f"/administration/types/{number}",
        "/administration/regles/invoice?regle=r1",
    ):
        assert f'href="{address}"' in answer.text
    with reading() as db:
        root = db.scalars(sa.select(Desk).where(Desk.key == "conseil")).one()
    accounts.delegate(actor, user(N).id, root.id)
    branch = house.client(N).get(page)
    assert "Marché de voirie" in words(branch)
    assert "/administration/types" not in branch.text
    assert "Règle 1" not in words(branch)
    closing = words(house.client(K).get(f"{page}/fermer"))
    assert "ôtez-le des bureaux qui lisent" in closing


def test_a_box_says_when_it_would_leave_one_person_alone_and_away(house: House) -> None:
    desks.seat(here(house), "direction", T, [Right.ACT])
    first, last = now() - timedelta(hours=1), now() + timedelta(days=3)
    zone = [f"{one.astimezone(PARIS):%Y-%m-%dT%H:%M}" for one in (first, last)]
    plan(house.actor(T), Wanted(house.actor(T).user_id or 0, None, *zone))
    client, number, other = house.client(K), user("s.rivoal").id, user(T).id
    data = form(
        house,
        client,
        "direction",
        seen=seen("direction"),
        person=[str(number), str(other)],
        **{f"rights-{number}": ["create"], f"rights-{other}": ["act"]},
    )
    told = told_before(client, "direction", data)
    assert told.startswith("Une étape n’y tiendrait plus qu’à une seule personne")
    assert "serait la seule personne à pouvoir viser et rejeter ici. Absence jusqu’au" in told
    assert "Enregistrer quand même" not in told  # it stops nothing
    assert client.post(f"{DESKS}/{desk('direction').id}", data=data).status_code == 302


def test_the_folders_that_will_come_to_a_desk_are_counted_and_told_before_nobody_could_take_them(
    house: House,
) -> None:
    folder = house.an_invoice(at="finance")
    client, number = house.client(K), user("a.kervadec").id
    page = words(client.get(f"{DESKS}/{desk('maire').id}"))
    assert "0 dossier y attend quelqu’un aujourd’hui" in page
    assert "1 dossier en cours y viendra à une étape suivante" in page
    kept = form(house, client, "maire", seen=seen("maire"), person=[str(number)])
    told = told_before(client, "maire", {**kept, f"rights-{number}": ["act"]})
    assert f"1 dossier en cours s’arrêterait à une étape à venir : n° {folder}." in told
    # By its own version of the circuit, whatever the one that is in force
    with reading(here(house)) as db:
        circuit = library.in_force(db, here(house))["invoice"].to_data()
    step = next(step for step in circuit["steps"] if step["key"] == "finance")
    step["who"] = [{"desk": "direction"}]
    circuits.publish(house.actor(K), "invoice", library.as_yaml(circuit))
    people = [str(user(login).id) for login in (N, T)]
    none = form(house, client, "finances", seen=seen("finances"), person=people)
    told = told_before(client, "finances", none)
    assert f"1 dossier en cours s’arrêterait à l’étape d’aujourd’hui : n° {folder}." in told


def test_two_desks_that_must_both_decide_need_two_people(house: House) -> None:
    with reading(here(house)) as db:
        circuit = library.in_force(db, here(house))["invoice"].to_data()
    step = next(step for step in circuit["steps"] if step["key"] == "finance")
    step["who"], step["quorum"] = [{"desk": "finances"}, {"desk": "direction"}], "all"
    for login in (N, T):
        desks.seat(here(house), "direction", login, [Right.ACT])
    desks.seat(here(house), "direction", "s.rivoal", [])
    desks.seat(here(house), "finances", N, [Right.ACT])
    desks.seat(here(house), "finances", T, [])
    circuits.publish(house.actor(K), "invoice", library.as_yaml(circuit))
    folder = house.an_invoice(at="service_done")
    client, number = house.client(K), user(T).id
    left = form(house, client, "direction", seen=seen("direction"), person=[str(number)])
    told = told_before(client, "direction", left)
    assert f"1 dossier en cours s’arrêterait à une étape à venir : n° {folder}." in told
    assert "plus assez de personnes différentes" in told


def test_the_last_who_deposits_from_a_desk_leaves_no_draft_and_no_rejection_unseen(house: House) -> None:
    house.an_invoice(at="draft")
    house.an_invoice(at="service_done")
    client, number = house.client(K), user(G).id
    fewer = form(house, client, "comptabilite", seen=seen("comptabilite"), person=[str(number)])
    told = told_before(client, "comptabilite", {**fewer, f"rights-{number}": ["act"]})
    assert "Personne n’y aurait plus le droit de déposer, et 2 dossiers en partent" in told


def test_a_right_taken_back_from_the_last_who_may_give_an_opinion_is_asked_about(house: House) -> None:
    """Whoever else may act at the desk asked it, and does not answer himself."""
    folder_id = house.an_invoice(at="finance")
    desks.seat(here(house), "direction", N, [Right.ACT])
    ask(house, N, folder_id, "direction")
    client, number, asker = house.client(K), user("s.rivoal").id, user(N).id
    boxes = {"seen": seen("direction"), "person": [str(number), str(asker)], f"rights-{asker}": ["act"]}
    fewer = form(house, client, "direction", **boxes, **{f"rights-{number}": ["create"]})
    told = told_before(client, "direction", fewer)
    assert f"1 dossier en cours s’arrêterait à l’étape d’aujourd’hui : n° {folder_id}." in told
    assert client.post(f"{DESKS}/{desk('direction').id}", data=fewer).status_code == 409
    kept = form(house, client, "direction", **boxes, **{f"rights-{number}": ["act"]})
    assert told_before(client, "direction", kept) == ""


def test_a_right_taken_back_where_software_takes_the_part_stops_no_folder(house: House) -> None:
    finance_asks(house, [{"desk": "finances"}, {"desk": "technique"}], "all")
    folder_id = house.an_invoice(at="finance")
    desks.seat(here(house), "finances", T, [])
    client, number = house.client(K), user(N).id
    boxes = {"seen": seen("finances"), "person": [str(number)]}
    fewer = form(house, client, "finances", **boxes, **{f"rights-{number}": ["create"]})
    stops = f"1 dossier en cours s’arrêterait à l’étape d’aujourd’hui : n° {folder_id}"
    assert stops in told_before(client, "finances", fewer)
    Software(house, "finances", [Right.ACT])
    assert stops not in told_before(client, "finances", fewer)
