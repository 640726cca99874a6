"""A collectivity has several circuits for one family: opened from another, published under the same law, closed."""

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.circuits import drafting, library, named, rules
from app.circuits.closing import close_circuit
from app.circuits.drafting import draft_of
from app.circuits.gestures import Gesture
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.journal.models import JournalEntry
from app.operations.desks.views import asked_for
from app.people import desks, identity
from app.transmission.settings import names as channels
from tests.builders.house import PASSWORD, House
from workflows.family import family

pytestmark = pytest.mark.in_turn
K, G = "k.morizur", "g.trehorel"
CHANNELS = channels()


def words(answer: TestResponse) -> str:
    """What a person reads of a page, each space a plain one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def opened(house: House, label: str = "Voirie courte", like: str = "invoice") -> str:
    client = house.client(K)
    data = {"csrf_token": house.csrf(client), "label": label, "comme": like}
    answer = client.post("/circuits/nouveau", data=data)
    assert answer.status_code == 302, words(answer)
    return str(answer.location.rpartition("/")[2])


def close(house: House, name: str, closed: bool = True) -> TestResponse:
    client = house.client(K)
    data = {"csrf_token": house.csrf(client), "closed": "1" if closed else "0"}
    return client.post(f"/circuits/{name}/fermer", data=data, follow_redirects=True)


def definition(house: House, name: str) -> dict[str, Any]:
    here = house.actor(K).collectivity_id
    with reading(here) as db:
        return dict(draft_of(db, here, name).definition)


def test_a_circuit_is_opened_from_another_and_published_beside_it(house: House) -> None:
    name = opened(house)
    assert name == "invoice.voirie-courte"
    mayor = house.actor(K)
    drafting.change(mayor, name, 1, [Gesture("remove", "direction")])
    page = house.client(K).get(f"/circuits/{name}/publier")
    told = words(page)
    assert "Ce circuit est nouveau." in told
    assert "Étape 1, Service fait : " in told
    assert "Direction générale" not in told.partition("Ce qui change")[2].partition("Étape 4")[0]
    copied = told.partition("Ce qui le distingue de « ")[2].partition("Ce qui change")[0]
    assert "d’origine" in copied
    assert "L’étape « Direction générale » est retirée." in copied
    assert "Aucune règle ne le prend encore : aucun nouveau dossier ne suivra la version 1." in told
    assert 'href="/administration/regles/invoice"' in page.get_data(as_text=True)
    assert drafting.publish_draft(mayor, name, 2, 0, CHANNELS) == 1
    with reading(mayor.collectivity_id) as db:
        assert library.current(db, mayor.collectivity_id, "invoice") is None
        ways = library.in_force(db, mayor.collectivity_id)
    assert [one.key for one in ways[name].steps] == ["service_done", "finance", "bon_a_payer", "handover"]
    assert ways["invoice"] == family("invoice").circuit
    listed = words(house.client(K).get("/circuits"))
    assert "Facture Voirie courte 1" in listed
    assert "Aucune règle ne le prend." in listed
    assert "Circuit habituel, suivi sans règle." in listed
    assert "Aucune règle ne prend ce circuit" in words(house.client(K).get(f"/circuits/{name}"))
    folder_id = house.an_invoice()
    assert house.folder(folder_id).place == "service_done"
    with reading(mayor.collectivity_id) as db:  # no rule takes it
        assert library.circuit_of(db, house.folder(folder_id).circuit_version_id or 0) == ways["invoice"]


def test_it_obeys_the_law_of_its_family(house: House) -> None:
    name = opened(house)
    with pytest.raises(Refusal, match="circuit-locked"):
        drafting.change(house.actor(K), name, 1, [Gesture("remove", "bon_a_payer")])
    page = house.client(K).get(f"/circuits/{name}?etape=bon_a_payer")
    assert "Elle ne se retire pas" in words(page)
    source = library.as_yaml({**definition(house, name), "steps": definition(house, name)["steps"][:2]})
    drafting.take_in(house.actor(K), name, 1, source)
    with pytest.raises(Refusal, match="circuit-unready"):
        drafting.publish_draft(house.actor(K), name, 2, 0, CHANNELS)


def test_two_circuits_of_a_family_never_have_one_name(house: House) -> None:
    name = opened(house)
    other = opened(house, "Voirie longue", name)
    client = house.client(K)
    for label in ("Voirie Courte", family("invoice").circuit.label, "", "x" * 121):
        data = {"csrf_token": house.csrf(client), "label": label, "comme": "invoice"}
        answer = client.post("/circuits/nouveau", data=data)
        assert answer.status_code == 422
        assert "Le circuit n’est pas ouvert" in words(answer)
    drafting.publish_draft(house.actor(K), name, 1, 0, CHANNELS)
    drafting.change(house.actor(K), other, 1, [], "Voirie courte")
    with pytest.raises(Refusal, match="circuit-twice"):
        drafting.publish_draft(house.actor(K), other, 2, 0, CHANNELS)
    answer = client.post("/circuits/nouveau", data={"csrf_token": house.csrf(client), "label": "Y"})
    assert answer.status_code == 422
    assert "Choisissez le type de dossier, et le circuit" in words(answer)
    act = named.open_circuit(house.actor(K), "deliberation", "Voirie courte", "deliberation")
    assert act == "deliberation.voirie-courte"


def test_a_closed_circuit_changes_no_more_until_it_is_opened_again(house: House) -> None:
    name = opened(house)
    drafting.publish_draft(house.actor(K), name, 1, 0, CHANNELS)
    assert "Le circuit est fermé" in words(close(house, name))
    page = house.client(K).get(f"/circuits/{name}?etape=bon_a_payer")
    assert "Ce circuit est fermé" in words(page)
    gestures = re.findall(r'name="gesture"\s+value="([^"]*)"', page.get_data(as_text=True))
    assert set(gestures) <= {"save"}, "a closed circuit offers what it refuses"
    for refused in ("/publier", "/texte", "/versions"):
        answer = house.client(K).get(f"/circuits/{name}{refused}").get_data(as_text=True)
        assert not re.findall(r'<button[^>]*type="submit"[^>]*>(?:Publier|Importer)', answer)
    assert "Aucun nouveau dossier ne le suit." in words(house.client(K).get("/circuits"))
    close_circuit(house.actor(K), name, closed=True)  # it is so already
    with pytest.raises(Refusal, match="circuit-closed"):
        drafting.change(house.actor(K), name, 0, [Gesture("remove", "direction")])
    assert opened(house) == "invoice.voirie-courte-2"  # its name is free
    answer = close(house, name, closed=False)
    assert answer.status_code == 422
    assert "est déjà le nom d’un circuit de cette famille" in words(answer)
    close(house, "invoice.voirie-courte-2")
    assert "Le circuit est rouvert" in words(close(house, name, closed=False))
    assert close(house, "invoice").status_code == 409
    assert close(house, "invoice.rien").status_code == 404
    with reading() as db:
        told = [
            row.event
            for row in db.scalars(sa.select(JournalEntry).order_by(JournalEntry.id))
            if row.event.startswith("circuit.")
        ]
    assert told == [
        "circuit.opened",
        "circuit.published",
        "circuit.closed",
        "circuit.opened",
        "circuit.closed",
        "circuit.reopened",
    ]


def test_the_desks_that_it_names_say_so_and_another_commune_never_meets_it(house: House) -> None:
    name = opened(house)
    drafting.publish_draft(house.actor(K), name, 1, 0, CHANNELS)
    with reading(house.actor(K).collectivity_id) as db:
        here = house.actor(K).collectivity_id
        uses = {one.key: one.uses for one in asked_for(db, here)[1].values()}
    assert "Factures, Voirie courte" in {use.label for use in uses["finances"]}
    other = desks.create_collectivity(
        "200023414", "Autre", department="029", district="1", nature="31", settings={}
    )
    with reading(other) as db:
        assert named.named(db, other) == []
        assert set(library.in_force(db, other)) == set(library.catalogue())
        with pytest.raises(Refusal, match="circuit-unknown"):
            draft_of(db, other, name)


def test_a_folder_is_never_sent_by_a_circuit_that_was_never_published(house: House) -> None:
    name, actor = opened(house), house.actor(G)
    with reading(actor.collectivity_id) as db, pytest.raises(Refusal, match="circuit-unknown"):
        library.freeze(db, actor.collectivity_id, name)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_old_session_publishes_neither_a_circuit_nor_rules_before_it_proves_who_is_there(
    house: House,
) -> None:
    name, client = opened(house), house.client(K)
    token = house.csrf(client)
    identity.configure(5)
    with engine().begin() as connection:
        connection.execute(
            sa.text("UPDATE login_session SET created_at = '2026-01-01 00:00:00', proven_at = NULL")
        )
    try:
        form = {"csrf_token": token, "version": "1", "over": "0"}
        asked = client.post(f"/circuits/{name}/publier", data=form)
        assert asked.status_code == 403
        assert "Confirmez que c’est vous" in words(asked)
        rules.change(house.actor(K), "invoice", 0, [Gesture("add")])
        for page in ("/administration/regles/invoice/publier", "/administration/regles/invoice/versions"):
            assert "Confirmez que c’est vous" in words(client.post(page, data={**form, "number": "1"}))
        with reading(house.actor(K).collectivity_id) as db:
            assert library.current(db, house.actor(K).collectivity_id, name) is None
        done = client.post(f"/circuits/{name}/publier", data={**form, "answer": PASSWORD})
        assert done.status_code == 302
    finally:
        identity.configure(house.settings.reauth_minutes)
