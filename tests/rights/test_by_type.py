"""Rights for some types of folders alone, to publish apart from the visa, and to follow only: one law by every door."""

import html
import random
import re
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits import named, own_types
from app.circuits.checking import desks_of, problems
from app.circuits.library import as_yaml
from app.core.db import reading
from app.core.refusals import Refusal
from app.core.spreadsheet import as_csv
from app.display import following, queues
from app.folders import access, decide, sending
from app.folders.access import as_text, asking_at, may_read
from app.folders.models import Folder, StepRun
from app.folders.seats import parts_awaited, slots_of
from app.journal.chain import verify
from app.operations.declared.applying import apply_document
from app.operations.declared.present import present
from app.operations.desks import views
from app.operations.persons import importing, lists
from app.operations.state import seats as seats_as_told
from app.people import applications, desks, hierarchy
from app.people.actor import Actor, Seat
from app.people.models import Desk, Holder, User
from app.people.places import places
from app.publication import waiting
from app.publication.publishing import may_publish
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import INVOICE, House, token_in
from tests.operations.test_people_and_desks import sure
from workflows.circuit import StepKind
from workflows.family import families, family
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G, R, T, M = "k.morizur", "g.trehorel", "r.pellenec", "t.lescoat", "m.kerzerho"
DESKS = "/administration/bureaux"


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def seat(house: House, key: str, login: str, *given: str) -> None:
    desks.seat(here(house), key, login, Rights.read(given))


def desk(key: str) -> int:
    with reading() as db:
        return db.scalars(sa.select(Desk.id).where(Desk.key == key)).one()


def user(login: str) -> int:
    with reading() as db:
        return db.scalars(sa.select(User.id).where(User.login == login)).one()


def seen(key: str) -> list[str]:
    with reading() as db:
        rows = db.scalars(sa.select(Holder).where(Holder.desk_id == desk(key))).all()
    return [f"{one.user_id}:{','.join(one.rights)}" for one in rows]


def energy(house: House) -> None:
    """« Facture d’énergie », a type that the commune made from the invoice."""
    actor = house.actor(K)
    number = own_types.open_type(actor, "invoice", "Facture d’énergie")
    own_types.publish_type(actor, number, shown=1)


def asked(house: House, login: str, folder_id: int) -> set[bool]:
    """Whether a folder asks somebody to act, by each door; one answer where they agree."""
    actor, client = house.actor(login), house.client(login)
    with reading(actor.collectivity_id) as db:
        (parts,) = parts_awaited(db, actor.collectivity_id, [folder_id]).values()
        step = house.folder(folder_id).place
        counted = queues.counters(db, actor).todo
        tray = {one.id for one in queues.todo(db, actor)}
    assert counted == len(tray), step
    page = client.get(f"/dossiers/{folder_id}")
    return {
        folder_id in tray,
        any(actor.user_id in part.persons for part in parts),
        page.status_code == 200 and "À vous de " in words(page.get_data(as_text=True)),
    }


def test_a_visa_for_some_types_is_asked_counted_awaited_and_put_for_these_alone(house: House) -> None:
    invoice, act = house.an_invoice(at="service_done"), house.a_deliberation(at="visa")
    for key in ("technique", "direction"):
        seat(house, key, T, "act:invoice")
    assert asked(house, T, invoice) == {True}
    assert asked(house, T, act) == {False}
    with pytest.raises(Refusal, match="not-your-turn"):
        decide.approve(house.actor(T), act, version=house.folder(act).version)
    house.approve(invoice, T)
    assert house.folder(invoice).place != "service_done"


def test_a_right_for_an_own_type_is_none_for_its_family(house: House) -> None:
    energy(house)
    plain = house.an_invoice(at="service_done")
    own = house.deposit(G, "facture-d-energie", INVOICE)
    seat(house, "technique", T, "act:invoice.facture-d-energie")

    house.save(own, G, {"received_on": "2026-11-20", "proof_of_service": "technique"})
    sending.send(house.actor(G), own, version=house.folder(own).version)
    assert asked(house, T, plain) == {False}
    assert asked(house, T, own) == {True}
    with reading() as db:
        kept = set(db.scalars(sa.select(StepRun.own_type).where(StepRun.folder_id == own)))
    assert kept == {"facture-d-energie"}
    house.approve(own, T)


def test_who_deposits_some_types_is_offered_these_alone_and_refused_the_others(house: House) -> None:
    seat(house, "comptabilite", G, "create:contract")
    page = words(house.client(G).get("/deposer").get_data(as_text=True))
    assert families()["contract"].label in page
    assert families()["invoice"].label not in page
    with pytest.raises(Refusal, match="type-not-granted"):
        house.deposit(G, "invoice", INVOICE)
    refused = Software(house, "comptabilite", Rights.read(["create:contract"])).deposit()
    assert (refused.status_code, refused.json["key"]) == (403, "type-not-granted")


def test_a_limit_on_a_restricted_family_limits_who_reads_it(house: House) -> None:
    pay = house.a_pay_flow()
    seat(house, "paye", T, "create:pes_payroll")
    seat(house, "paye", R, "create:invoice", "act")

    def reads(login: str) -> set[bool]:
        actor = house.actor(login)
        with reading(actor.collectivity_id) as db:
            listed = {one.id for one in following.follow(db, actor)}
            door = house.client(login).get(f"/dossiers/{pay}").status_code == 200
            return {may_read(db, actor, db.get_one(Folder, pay)), pay in listed, door}

    assert (reads(M), reads(T), reads(R)) == ({True}, {True}, {False})


def test_who_follows_reads_what_the_desk_has_reached_and_acts_on_nothing(house: House) -> None:
    invoice, act = house.an_invoice(at="service_done"), house.a_deliberation(at="visa")
    seat(house, "technique", T, "follow")
    assert asked(house, T, invoice) == {False}
    page = house.client(T).get(f"/dossiers/{invoice}")
    assert page.status_code == 200
    assert 'action="/dossiers' not in page.get_data(as_text=True)
    with pytest.raises(Refusal, match="not-your-turn"):
        decide.approve(house.actor(T), invoice, version=house.folder(invoice).version)
    seat(house, "finances", T)
    assert house.client(T).get(f"/dossiers/{act}").status_code == 404
    assert not house.actor(T).may_create


def test_to_publish_is_no_visa_and_a_visa_publishes_no_more(house: House) -> None:
    act = house.a_deliberation(at="publication")
    seat(house, "secretariat", T, "act")
    seat(house, "secretariat", R, "publish:deliberation")
    assert asked(house, T, act) == {False}
    assert asked(house, R, act) == {True}
    assert house.client(R).get(f"/dossiers/{act}/publication").status_code == 200
    with reading(here(house)) as db:
        assert [one.folder_id for one in waiting.waiting(db, house.actor(R))[0]] == [act]
        assert waiting.waiting(db, house.actor(T))[0] == []

        folder = db.get_one(Folder, act)
        assert (may_publish(db, house.actor(R), folder), may_publish(db, house.actor(T), folder)) == (
            True,
            False,
        )


def test_a_step_that_nobody_may_act_on_for_this_type_is_told_before_and_stops_the_sending(
    house: House,
) -> None:
    draft = house.an_invoice(at="draft")
    for login in ("n.abgrallec", T):
        seat(house, "finances", login, "act:contract")
    page = words(house.client(K).get(f"{DESKS}/{desk('finances')}").get_data(as_text=True))
    assert (
        "Personne n’a le droit de viser et rejeter pour ce type, que demande le circuit de « Factures », « Bons de commande », "
        "« Flux comptables », « Documents budgétaires »." in page
    )
    law = family("invoice")
    with reading(here(house)) as db:
        told = problems(law, law.circuit.to_data(), desks_of(db, here(house)), ["handover"])
        folder = db.get_one(Folder, draft)
        visa = next(one for one in law.circuit.steps if any(who.value == "finances" for who in one.who))
        (slot,) = slots_of(db, folder, visa)
    assert any(
        "Personne n’a le droit de viser pour ce type à « Direction des finances »" in one.sentence
        for one in told
    )
    assert slot.people == ()
    tried = house.client(G).get(f"/dossiers/{folder.id}/essai").get_data(as_text=True)
    assert "Personne n’a le droit de viser" in words(tried)

    with pytest.raises(Refusal, match="nobody-there"):
        sending.send(house.actor(G), folder.id, version=folder.version)


def test_a_right_given_for_own_types_alone_is_said_of_the_rest_of_the_family(house: House) -> None:
    energy(house)
    for login in ("n.abgrallec", T):
        seat(house, "finances", login, "act:invoice.facture-d-energie")
    with reading(here(house)) as db:
        one = views.desk_of(db, here(house), places(db, here(house)), desk("finances"))
    assert any(
        "n’y est donné que pour certains types propres : pour « Factures »" in words(fault)
        for fault in one.faults
    )


def test_a_right_given_for_the_type_that_a_circuit_is_kept_for_passes_all_that_the_circuit_takes(
    house: House,
) -> None:
    energy(house)
    kept_for = {**family("invoice").circuit.to_data(), "label": "Énergie", "type": "facture-d-energie"}
    name = named.open_circuit(house.actor(K), "invoice", "Énergie", "invoice")
    circuits.publish(house.actor(K), name, as_yaml(kept_for))
    with reading(here(house)) as db:
        shown = views.desk_of(db, here(house), places(db, here(house)), desk("finances"))
    uses = [one for one in shown.uses if one.family == name and one.right is Right.ACT]
    assert uses
    only, other = Rights.read(["act:invoice.facture-d-energie"]), Rights.read(["act:invoice.autre"])
    assert all(one.served(only) and one.wholly_served(only) for one in uses)
    assert not any(one.served(other) for one in uses)
    # What is said of the circuit of every invoice stays true, and names that one alone
    for login in ("n.abgrallec", T):
        seat(house, "finances", login, "act:invoice.facture-d-energie")
    page = words(house.client(K).get(f"{DESKS}/{desk('finances')}").get_data(as_text=True))
    assert "n’y est donné que pour certains types propres : pour « Factures », les autres" in page


def test_the_page_of_rights_by_type_shows_what_is_given_and_saved_as_shown_changes_nothing(
    house: House,
) -> None:
    client, number = house.client(K), user(R)
    page = f"{DESKS}/{desk('technique')}/titulaires/{number}"

    def ticked(shown: str) -> dict[str, Any]:
        """What a browser posts of the boxes and of the hidden fields of the form."""
        form: dict[str, Any] = {"csrf_token": token_in(shown), "seen": [], "all": [], "types": []}
        for box in re.findall(r"<input[^>]*>", shown):
            named = dict(re.findall(r'(\w+)="([^"]*)"', box))
            if named.get("name") in {"seen", "all", "types"} and ("checkbox" not in box or "checked" in box):
                form[named["name"]].append(named["value"])
        return form

    for given in (["create", "act"], ["create", "act:invoice", "act:contract"]):
        seat(house, "technique", R, *given)
        form = ticked(client.get(page).get_data(as_text=True))
        assert form["all"] + form["types"] == given
        assert "c’était déjà ainsi" in words(client.post(page, data=form, follow_redirects=True).text)
    # Nothing ticked at all takes the desk away: it is asked first, though somebody else could do the same
    seat(house, "technique", T, "create", "act")
    none = {**form, "seen": seen("technique"), "all": [], "types": []}
    asked = client.post(page, data=none)
    assert (asked.status_code, "quelqu’un quitterait le bureau" in words(asked.text)) == (409, True)
    with reading() as db:
        assert db.get(Holder, (number, desk("technique"))) is not None
    assert client.post(page, data={**none, "sure": sure(asked)}).status_code == 302
    with reading() as db:
        assert db.get(Holder, (number, desk("technique"))) is None


def test_an_administrator_limits_a_right_to_some_types_on_a_page_and_takes_it_back(house: House) -> None:
    client, number = house.client(K), user(R)
    page = f"{DESKS}/{desk('technique')}/titulaires/{number}"
    shown = client.get(page).get_data(as_text=True)
    form: dict[str, Any] = {"csrf_token": token_in(shown), "seen": seen("technique")}
    both = client.post(page, data={**form, "all": ["create", "act"], "types": ["act:invoice"]})
    assert (both.status_code, "cochez « Tous les types », ou certains types" in words(both.text)) == (
        422,
        True,
    )
    unknown = client.post(page, data={**form, "all": ["create"], "types": ["act:invoice.nulle-part"]})
    assert (unknown.status_code, "n’est pas un type de dossiers d’ici" in words(unknown.text)) == (422, True)
    odd = client.post(page, data={**form, "all": ["create", "follow"]})
    assert (odd.status_code, "ne va avec aucun autre droit" in words(odd.text)) == (422, True)
    house.an_invoice(at="service_done")
    stops = client.post(page, data={**form, "all": ["create"], "types": ["act:contract"]})
    assert (
        stops.status_code,
        "1 dossier y attend, et personne n’a le droit de viser" in words(stops.text),
    ) == (409, True)
    kept = client.post(page, data={**form, "all": ["create"], "types": ["act:invoice", "act:contract"]})
    assert kept.status_code == 302
    with reading() as db:
        assert db.get_one(Holder, (number, desk("technique"))).rights == [
            "create",
            "act:contract",
            "act:invoice",
        ]
    desk_page = client.get(f"{DESKS}/{desk('technique')}").get_data(as_text=True)
    assert "Certains types" in words(desk_page)
    # The page of the desk posts the limit with its box: saving it again changes nothing
    assert 'value="act:contract act:invoice" checked' in desk_page
    again = {
        "csrf_token": token_in(desk_page),
        "seen": seen("technique"),
        "person": [str(number)],
        f"rights-{number}": ["create", "act:contract act:invoice"],
    }
    nothing = client.post(f"{DESKS}/{desk('technique')}", data=again, follow_redirects=True)
    assert "Rien à enregistrer" in words(nothing.text)
    with reading(here(house)) as db:
        assert verify(db, here(house))[1] is None
        assert list(seats_as_told(db, here(house))) == []
    told = words(client.get(f"{DESKS}/{desk('technique')}/historique").get_data(as_text=True))
    assert "Droits à un bureau changés" in told
    assert "viser et rejeter (Contrats et conventions, Factures)" in told


def test_the_history_of_a_desk_is_its_own(house: House) -> None:
    actor = house.actor(K)
    number = hierarchy.open_desk(actor, "Crèche", None)
    hierarchy.change_desk(actor, number, "Crèche municipale", desk("direction"))
    hierarchy.open_desk(actor, "Piscine", None)
    client = house.client(K)
    told = words(client.get(f"{DESKS}/{number}/historique").get_data(as_text=True))
    assert "Bureau ouvert" in told
    assert "nom : Crèche municipale (avant : Crèche)" in told
    assert "Piscine" not in told
    assert client.get(f"{DESKS}/987654/historique").status_code == 404


def test_the_list_and_the_file_of_the_collectivity_say_limited_rights_and_give_them_back(
    house: House,
) -> None:
    energy(house)
    seat(house, "technique", T, "act:invoice.facture-d-energie", "sign:contract")
    actor = house.actor(K)
    with reading(actor.collectivity_id) as db:
        text = as_csv(lists.COLUMNS, importing.exported(db, actor.collectivity_id)).decode("utf-8-sig")
        document = present(db, actor.collectivity_id)
        same = importing.plan(db, actor.collectivity_id, text.encode())
        wrong = importing.plan(
            db, actor.collectivity_id, text.replace("signer:contract", "signer:nulle-part").encode()
        )
    assert "viser:invoice.facture-d-energie, signer:contract" in text
    assert (same.to_do, same.faults) == ((), ())
    assert "n’est pas un type de dossiers d’ici" in wrong.faults[0].why
    assert document["people"][T]["desks"]["technique"] == ["act:invoice.facture-d-energie", "sign:contract"]
    seat(house, "technique", T, "act")
    apply_document(actor, document, invite=False)
    with reading() as db:
        assert db.get_one(Holder, (user(T), desk("technique"))).rights == [
            "act:invoice.facture-d-energie",
            "sign:contract",
        ]
    document["people"][T]["desks"]["technique"] = ["act:invoice.nulle-part"]
    with pytest.raises(Refusal, match="declared-stopped"):
        apply_document(actor, document, invite=False)


def test_software_has_its_rights_for_some_types_too(house: House) -> None:
    invoice = house.an_invoice(at="service_done")
    limited = Software(house, "technique", Rights.read(["act:contract"]))
    assert limited.get("/me").json["rights"] == ["act:contract"]
    assert (
        limited.post(f"/folders/{invoice}/approve", version=house.folder(invoice).version).status_code == 403
    )
    with reading(here(house)) as db:
        (one, *_) = applications.applications(db, here(house))
    assert one.rights == Rights.read(["act:contract"])
    assert "viser et rejeter (Contrats et conventions)" in words(
        house.client(K).get("/administration/applications").text
    )


def test_lists_ask_of_each_step_what_the_click_asks() -> None:
    """Random rights and steps: the condition that a tray adds to its scan says what `Rights.covers` says of the folder."""
    dice, asked_of = random.Random(20261129), 0
    names = sorted(families())[:4]
    types = [*names, *(f"{one}.{own}" for one in names for own in ("a", "b"))]
    row = "SELECT :family AS family, :own AS own_type, :kind AS kind, NULL AS matter, NULL AS amount_cents"
    with sa.create_engine("sqlite://").connect() as connection:
        for _ in range(300):
            held = Rights.read(
                f"{right}{dice.choice(['', f':{dice.choice(types)}', f':{dice.choice(types)}'])}"
                for right in dice.choices(
                    [one for one in Right if one is not Right.FOLLOW], k=dice.randint(0, 4)
                )
            )
            place = Seat(1, "maire", "Maire", held)
            actor = Actor("person", 1, "Essai", user_id=1, seats=(place,))
            listed = sa.text(f"SELECT COUNT(*) FROM ({row}) s WHERE {as_text(asking_at(actor, place))}")
            named = sa.text(f"SELECT COUNT(*) FROM ({row}) s WHERE {as_text(access.asking_in_person(actor))}")
            for kind in StepKind:
                step = {"family": dice.choice(names), "own": dice.choice(["", "a", "b"]), "kind": kind.value}
                law = actor.holds(kind.right, (step["family"], step["own"]))
                assert bool(connection.execute(listed, step).scalar_one()) == law, (held, step)
                assert bool(connection.execute(named, step).scalar_one()) == law, (held, step)
                asked_of += law
    assert asked_of > 200
