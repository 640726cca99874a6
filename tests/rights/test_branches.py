"""A delegated administrator: his branch and nothing else, by every route; another branch and another commune refused alike."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.circuits import own_types
from app.core.clock import today
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.journal.models import JournalEntry
from app.operations.declared.applying import apply_document
from app.operations.declared.present import present
from app.operations.desks import closing
from app.people import accounts, arrivals, desks, hierarchy, rules
from app.people.accounts import Particulars
from app.people.applications import create_application
from app.people.mandates import Wanted, open_mandate
from app.people.models import Desk, Holder, User
from demo.cast import PASSWORD
from tests.builders.house import House
from tests.rights.looking import plain, snapshot
from workflows.mandates import Kind
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, N, T, G, R = "k.morizur", "n.abgrallec", "t.lescoat", "g.trehorel", "r.pellenec"
ABSENT = 987_654
PEOPLE, DESKS = "/administration/personnes", "/administration/bureaux"
ENORA = {
    "first_name": "Enora",
    "last_name": "Quéméner",
    "email": "e.quemener@kerlann-sur-mer.example",
    "login": "e.quemener",
    "capacity": "Comptable",
    "way": "mail",
}


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def user(login: str) -> User:
    with reading() as db:
        return db.scalars(sa.select(User).where(User.login == login)).one()


def desk(key: str) -> Desk:
    with reading() as db:
        return db.scalars(sa.select(Desk).where(Desk.key == key)).one()


def seen(key: str) -> list[str]:
    with reading() as db:
        rows = db.scalars(sa.select(Holder).where(Holder.desk_id == desk(key).id)).all()
    return [f"{one.user_id}:{','.join(one.rights)}" for one in rows]


def elsewhere() -> tuple[int, int]:
    """A desk and a person of another commune."""
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    names = {"email": "m.leroux@autre-ville.example", "first_name": "Maël", "last_name": "Leroux"}
    person = desks.create_user(other, "m.leroux", capacity="Agent", password=PASSWORD, **names)
    place = desks.create_desk(other, "accueil", "Accueil d’Autre-Ville")
    desks.seat(other, "accueil", "m.leroux", Rights.of(Right.ACT))
    return place, person


@pytest.fixture
def branch(house: House) -> FlaskClient:
    """The browser of who administers the finances, with the accounting desk below; he sits at the finances alone."""
    accounts.delegate(house.actor(K), user(N).id, desk("finances").id)
    return house.client(N)


def administered(house: House) -> Iterator[tuple[Rule, str, str]]:
    """Each route of the administration as the application maps it, its guard, each of its methods."""
    views = house.app.view_functions
    for rule in house.app.url_map.iter_rules():
        guard = getattr(views.get(rule.endpoint), "__guard__", "")
        if guard in {"administer", "branch"} and "folder_id" not in rule.arguments:
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                yield rule, guard, method


def address(rule: Rule, **numbers: int) -> str:
    other: dict[str, Any] = {
        "family": "invoice",
        "kind": "invoice",
        "rank": 0,
        "name": "shown_name",
        "key": "bureaux",
        "form": "ods",
    }
    values = {name: numbers.get(name, other.get(name, ABSENT)) for name in rule.arguments}
    built = rule.build(values)
    assert built is not None
    return built[1]


def form(house: House, client: FlaskClient, desk_id: int, user_id: int) -> dict[str, Any]:
    """What would be right if the desk and the person were his."""
    return {
        **ENORA,
        "csrf_token": house.csrf(client),
        "name": "À moi",
        "parent": str(desk_id),
        "desk": str(desk_id),
        "rights": ["sign"],
        "person": [str(user_id)],
        f"rights-{user_id}": ["sign"],
        "added": str(user_id),
        "rights-added": ["sign"],
        "all": ["sign"],
        "branch": str(desk_id),
        "reason": "Je le veux ainsi",
        "sure": "1",
    }


def test_every_route_of_another_branch_and_of_another_commune_is_refused_alike(
    house: House, branch: FlaskClient
) -> None:
    place, person = elsewhere()
    house.an_invoice(at="service_done")
    agent = house.client(R)
    targets = {
        "another branch": {"desk_id": desk("secretariat").id, "user_id": user(K).id},
        "above": {"desk_id": desk("direction").id, "user_id": user("s.rivoal").id},
        "another commune": {"desk_id": place, "user_id": person},
        "nowhere": {"desk_id": ABSENT, "user_id": ABSENT},
    }
    before, tried = snapshot(house.settings.data_dir), 0
    for rule, guard, method in administered(house):
        named = rule.arguments & {"desk_id", "user_id"}
        if guard == "branch" and not named:
            continue  # his own pages: what they show and take is below
        answers = {}
        for where, numbers in targets.items():
            typed = form(house, branch, numbers["desk_id"], numbers["user_id"]) if method == "POST" else None
            answer = branch.open(address(rule, **numbers), method=method, data=typed)
            body = plain(answer).replace(address(rule, **numbers), "…")
            answers[where] = answer.status_code, re.sub(r"\b[0-9A-F]{4}-[0-9A-F]{2}\b", "", body)
            tried += 1
        asked = (rule.endpoint, method, {where: status for where, (status, _) in answers.items()})
        assert len(set(answers.values())) == 1, asked
        status = answers["nowhere"][0]
        if guard == "branch":
            assert status == 404, asked
        else:
            # As to any agent of the commune: the page is closed, whatever is asked of it
            numbers = targets["another branch"]
            typed = form(house, agent, numbers["desk_id"], numbers["user_id"]) if method == "POST" else None
            assert (status, agent.open(address(rule, **numbers), method=method, data=typed).status_code) == (
                403,
                403,
            ), asked
    assert snapshot(house.settings.data_dir) == before
    assert tried > 200


def test_every_route_of_a_branch_is_closed_to_who_administers_nothing(house: House) -> None:
    agent = house.client(R)
    house.an_invoice(at="draft")
    before = snapshot(house.settings.data_dir)
    for rule, _, method in administered(house):
        numbers = {"desk_id": desk("technique").id, "user_id": user(R).id}
        typed = form(house, agent, *numbers.values()) if method == "POST" else None
        answer = agent.open(address(rule, **numbers), method=method, data=typed)
        assert answer.status_code == 403, (rule.endpoint, method)
    assert snapshot(house.settings.data_dir) == before


def test_his_pages_show_his_branch_and_nothing_of_the_others(house: House, branch: FlaskClient) -> None:
    pages = {
        name: words(branch.get(path).get_data(as_text=True))
        for name, path in (
            ("desks", DESKS),
            ("people", PEOPLE),
            ("searched", f"{PEOPLE}?q=rivoal"),
            ("desk", f"{DESKS}/{desk('finances').id}"),
            ("below", f"{DESKS}/{desk('comptabilite').id}"),
            ("new", f"{DESKS}/nouveau"),
            ("invite", f"{PEOPLE}/inviter"),
            ("person", f"{PEOPLE}/{user(T).id}"),
            ("close", f"{DESKS}/{desk('comptabilite').id}/fermer"),
            ("types", f"{DESKS}/{desk('finances').id}/titulaires/{user(T).id}"),
            ("history", f"{DESKS}/historique"),
        )
    }
    for name, page in pages.items():
        shown = page.partition("Aller au contenu")[2]
        for word in (
            "Direction générale",
            "Secrétariat",
            "Services techniques",
            "Rivoal",
            "Pellenec",
            "Kervadec",
        ):
            assert word not in shown.replace("« rivoal »", ""), (name, word)
        assert "Mise en service" not in shown, name
    assert "Direction des finances" in pages["desks"]
    assert "Tifenn Lescoat" in pages["people"]
    assert "Gwenola Tréhorel" in pages["people"]
    assert "Administration" in words(branch.get("/compte").get_data(as_text=True))
    with reading() as db:
        lines = list(
            db.scalars(sa.select(JournalEntry.facts).where(JournalEntry.event == "account.delegated"))
        )
    assert len(lines) == 1


def test_he_opens_invites_seats_gives_rights_and_closes_within_his_branch(
    house: House, branch: FlaskClient
) -> None:
    token = house.csrf(branch)
    top = desk("finances").id
    made = branch.post(f"{DESKS}/nouveau", data={"csrf_token": token, "name": "Régies", "parent": str(top)})
    assert made.status_code == 302
    with reading() as db:
        regies = db.scalars(sa.select(Desk).where(Desk.name == "Régies")).one()
    assert (regies.key, regies.parent_id) == ("finances-regies", top)
    sent = branch.post(
        f"{PEOPLE}/inviter", data={**ENORA, "csrf_token": token, "desk": str(regies.id), "rights": ["act"]}
    )
    assert sent.status_code == 302
    enora = user("e.quemener")
    with reading() as db:
        assert db.get_one(Holder, (enora.id, regies.id)).rights == ["act"]
    limited = branch.post(
        f"{DESKS}/{regies.id}/titulaires/{enora.id}",
        data={"csrf_token": token, "seen": f"{enora.id}:act", "types": ["act:invoice"]},
    )
    assert limited.status_code == 302
    left = {"csrf_token": token, "reason": "Fin de son contrat"}
    gone = branch.post(f"{PEOPLE}/{enora.id}/fermer", data=left)
    assert gone.status_code == 302
    assert not user("e.quemener").active
    closed = branch.post(f"{DESKS}/{regies.id}/fermer", data={"csrf_token": token})
    assert closed.status_code == 302
    told = words(branch.get(f"{DESKS}/historique").get_data(as_text=True))
    assert "Bureau fermé" in told
    assert "viser et rejeter (Factures)" in told


def test_no_act_of_his_reaches_beyond_his_branch(house: House) -> None:
    """The verbs themselves refuse, whatever page or script asks them."""
    accounts.delegate(house.actor(K), user(N).id, desk("finances").id)
    actor, top = house.actor(N), desk("finances").id
    outside, below = desk("secretariat").id, desk("comptabilite").id
    particulars = Particulars("Enora", "Quéméner", ENORA["email"], "Comptable", administrator=False)
    seat = {below: Rights.of(Right.ACT)}
    refusals = {
        "desk-absent": (
            lambda: hierarchy.open_desk(actor, "Piscine", outside),
            lambda: hierarchy.open_desk(actor, "Piscine", None),
            lambda: hierarchy.change_desk(actor, outside, "Secrétariat", top),
            lambda: hierarchy.change_desk(actor, below, "Comptabilité", outside),
            lambda: hierarchy.change_desk(actor, below, "Comptabilité", None),
            lambda: hierarchy.change_desk(actor, top, "Direction des finances", outside),
            lambda: hierarchy.seat_all(actor, outside, {actor.user_id: Rights.of(Right.SIGN)}, {}),
            lambda: closing.close(actor, outside, "Parce que"),
            lambda: closing.reopen(actor, outside),
            lambda: arrivals.invite(
                actor, arrivals.Arrival("e.q", particulars, {outside: Rights.of(Right.ACT)}), by_mail=True
            ),
        ),
        "person-unknown": (
            lambda: hierarchy.seat_all(actor, below, {user(R).id: Rights.of(Right.ACT)}, _held(below)),
            lambda: accounts.change(actor, user(R).id, particulars),
            lambda: accounts.change(actor, user(K).id, particulars),
            lambda: accounts.send_link(actor, user(R).id),
            lambda: accounts.show_link(actor, user(R).id),
            lambda: desks.close_account(actor.collectivity_id, R, by=actor),
            lambda: desks.close_account(actor.collectivity_id, K, by=actor),
        ),
        "right-missing": (
            lambda: accounts.change(
                actor, user(T).id, Particulars("T", "L", "t@x.example", "Agent", administrator=True)
            ),
            lambda: arrivals.invite(
                actor,
                arrivals.Arrival(
                    "e.q", Particulars("E", "Q", "e@x.example", "Agent", administrator=True), seat
                ),
                by_mail=True,
            ),
        ),
        "branch-seat": (
            lambda: arrivals.invite(actor, arrivals.Arrival("e.q", particulars, {}), by_mail=True),
        ),
        "email-taken-elsewhere": (
            lambda: arrivals.invite(
                actor,
                arrivals.Arrival(
                    "e.q", Particulars("E", "Q", user(R).email, "Agent", administrator=False), seat
                ),
                by_mail=True,
            ),
        ),
        "administrator-lost": (
            lambda: accounts.delegate(actor, actor.user_id or 0, desk("direction").id),
            lambda: arrivals.bring(actor, [arrivals.Arrival("e.q", particulars, seat)]),
        ),
    }
    house.an_invoice(at="draft")
    before = snapshot(house.settings.data_dir)
    for key, acts in refusals.items():
        for act in acts:
            with pytest.raises(Refusal, match=key):
                act()
    assert snapshot(house.settings.data_dir) == before


def _held(desk_id: int) -> dict[int, Rights]:
    with reading() as db:
        rows = db.scalars(sa.select(Holder).where(Holder.desk_id == desk_id)).all()
    return {one.user_id: Rights.read(one.rights) for one in rows}


def test_who_sits_elsewhere_too_or_administers_more_is_out_of_his_reach(
    house: House, branch: FlaskClient
) -> None:
    here = house.actor(K).collectivity_id
    assert branch.get(f"{PEOPLE}/{user(T).id}").status_code == 200
    desks.seat(here, "technique", T, Rights.of(Right.ACT))
    assert branch.get(f"{PEOPLE}/{user(T).id}").status_code == 404
    desks.seat(here, "technique", T, Rights())
    accounts.delegate(house.actor(K), user(T).id, desk("direction").id)
    assert branch.get(f"{PEOPLE}/{user(T).id}").status_code == 404
    actor, top, held = house.actor(N), desk("finances").id, _held(desk("finances").id)
    with pytest.raises(Refusal, match="person-unknown"):
        hierarchy.seat_all(actor, top, {user(T).id: Rights()}, held)
    accounts.delegate(house.actor(K), user(T).id, desk("comptabilite").id)
    assert branch.get(f"{PEOPLE}/{user(T).id}").status_code == 200


def test_a_branch_is_given_moved_and_taken_back_and_everybody_concerned_is_told(house: House) -> None:
    client, number = house.client(K), user(N).id
    token = house.csrf(client)
    house.drain()
    given = client.post(
        f"{PEOPLE}/{number}/branche",
        data={"csrf_token": token, "branch": str(desk("finances").id)},
        follow_redirects=True,
    )
    assert "C’est enregistré" in words(given.text)
    assert "administre la branche « Direction des finances »" in words(client.get(PEOPLE).text)
    with reading() as db:
        told = [one.payload["about"] for one in db.scalars(sa.select(Outbox)) if "about" in one.payload]
    assert "le droit d’administrer la branche « Direction des finances »" in told
    assert "Direction des finances" in words(
        client.get("/administration/journal?acte=account.delegated").text
    )
    assert house.client(N).get(DESKS).status_code == 200
    with pytest.raises(Refusal, match="delegated-whole"):
        accounts.delegate(house.actor(K), user(K).id, desk("finances").id)
    taken = client.post(f"{PEOPLE}/{number}/branche", data={"csrf_token": token, "branch": ""})
    assert taken.status_code == 302
    assert house.client(N).get(DESKS).status_code == 403


def test_who_lost_his_branch_since_his_page_does_nothing_more(house: House) -> None:
    accounts.delegate(house.actor(K), user(N).id, desk("finances").id)
    old = house.actor(N)
    accounts.delegate(house.actor(K), user(N).id, None)
    with pytest.raises(Refusal, match="administrator-lost"):
        hierarchy.open_desk(old, "Régies", desk("finances").id)
    accounts.delegate(house.actor(K), user(N).id, desk("comptabilite").id)
    with pytest.raises(Refusal, match="administrator-lost"):
        hierarchy.open_desk(old, "Régies", desk("finances").id)


def test_a_branch_goes_with_the_file_of_the_collectivity_and_with_the_rule_of_factors(house: House) -> None:
    accounts.delegate(house.actor(K), user(N).id, desk("finances").id)
    actor = house.actor(K)
    with reading(actor.collectivity_id) as db:
        document = present(db, actor.collectivity_id)
    assert document["people"][N]["branch"] == "finances"
    assert rules.Rule(rules.Who.ADMINISTRATORS).binds(house.actor(N))
    accounts.delegate(actor, user(N).id, None)
    apply_document(actor, document, invite=False)
    assert user(N).branch_id == desk("finances").id


def renamed(house: House, client: FlaskClient, login: str, **others: str) -> str:
    """What the page answers to other particulars of somebody."""
    was = user(login)
    form = {one: getattr(was, one) for one in ("first_name", "last_name", "email", "capacity")}
    answer = client.post(
        f"{PEOPLE}/{was.id}",
        data={**form, **others, "csrf_token": house.csrf(client)},
        follow_redirects=True,
    )
    return words(answer.get_data(as_text=True))


def administrators_told() -> list[tuple[Any, Any]]:
    """From what to what the letters to the administrators say that a person was named otherwise."""
    with reading() as db:
        rows = [one.payload for one in db.scalars(sa.select(Outbox))]
    return [(one["whose"], one["about"]) for one in rows if one.get("what") == "named"]


def test_he_passes_for_nobody_and_no_name_is_changed_in_silence(house: House, branch: FlaskClient) -> None:
    mayor, own = user("a.kervadec"), user(N)
    names = {"first_name": mayor.first_name, "last_name": mayor.last_name, "capacity": "Maire"}
    assert "est déjà celui d’un compte ouvert" in renamed(house, branch, N, **names)
    page = branch.get(f"{PEOPLE}/{own.id}").text
    fixed = {
        one
        for one in ("first_name", "last_name", "email", "capacity")
        if re.search(rf'id="{one}"[^>]*readonly', page)
    }
    assert fixed == {"first_name", "last_name", "capacity"}
    assert "un administrateur de la collectivité les change" in page
    assert "readonly" not in branch.get(f"{PEOPLE}/{user(G).id}").text
    assert "ne change ni son nom ni sa qualité" in renamed(house, branch, N, first_name="Nolwenn-Anne")
    assert "ne change ni son nom ni sa qualité" in renamed(house, branch, N, capacity="Maire")
    assert (user(N).name, user(N).capacity) == (own.name, own.capacity)
    first, last = mayor.first_name.upper(), mayor.last_name.replace("e", "é")
    assert "est déjà celui d’un compte ouvert" in renamed(house, branch, G, first_name=first, last_name=last)
    # Letters that are drawn as ours, of ours or of another alphabet, in a name, a capacity and the name of a desk
    alike = {"first_name": mayor.first_name, "last_name": mayor.last_name.replace("rv", "ｒv")}
    for others in (
        {**alike, "first_name": "\N{GREEK CAPITAL LETTER ALPHA}rmel"},
        {"first_name": "Sol\N{CYRILLIC SMALL LETTER IE}nn", "last_name": "Rivoal"},
        {"capacity": "M\N{CYRILLIC SMALL LETTER A}ire"},
    ):
        told = renamed(house, branch, G, **others)
        assert "n’est pas une lettre de l’alphabet latin" in told
        assert "Effacez-le, puis tapez la lettre au clavier" in told
    assert "est déjà celui d’un compte ouvert" in renamed(house, branch, G, **alike)
    assert user(G).name == "Gwenola Tréhorel"
    for name, key in (
        ("Bureau du m\N{CYRILLIC SMALL LETTER A}ire", "text-alphabet"),
        ("Bureau-du maıre", "desk-name-not-free"),
    ):
        with pytest.raises(Refusal, match=key):
            hierarchy.open_desk(house.actor(N), name, desk("finances").id)
    for first, last, key in (
        (mayor.first_name, mayor.last_name, "name-taken"),
        ("Arme1", "KERVADEC", "name-taken"),
        ("\N{CYRILLIC CAPITAL LETTER A}rmel", "Kervadec", "text-alphabet"),
    ):
        with pytest.raises(Refusal, match=key):
            arrivals.invite(
                house.actor(N),
                arrivals.Arrival(
                    "a.k",
                    Particulars(first, last, "a.k@x.example", "Agent", administrator=False),
                    {desk("finances").id: Rights.of(Right.ACT)},
                ),
                by_mail=True,
            )
    assert administrators_told() == []
    was = user(G)
    assert "Le compte est enregistré" in renamed(house, branch, G, capacity="Comptable principale")
    assert administrators_told() == [
        (f"{was.name}, {was.capacity}", f"{was.name}, Comptable principale"),
    ]


def test_the_history_of_his_desks_names_no_desk_of_the_others(house: House, branch: FlaskClient) -> None:
    top, below = desk("finances"), desk("comptabilite")
    hierarchy.change_desk(house.actor(K), top.id, top.name, desk("secretariat").id)
    hierarchy.change_desk(house.actor(K), below.id, "Comptabilité générale", top.id)
    told = words(branch.get(f"{DESKS}/{top.id}/historique").get_data(as_text=True))
    assert "rattaché à : un autre bureau" in told
    assert desk("secretariat").name not in told
    every = words(branch.get(f"{DESKS}/historique").get_data(as_text=True))
    assert desk("secretariat").name not in every
    whole = words(house.client(K).get(f"{DESKS}/{top.id}/historique").get_data(as_text=True))
    assert f"rattaché à : {desk('secretariat').name}" in whole


def test_he_opens_again_what_his_branch_closed_and_nothing_else(house: House, branch: FlaskClient) -> None:
    number = hierarchy.open_desk(house.actor(K), "Annexe", desk("finances").id)
    closing.close(house.actor(K), number, "Plus jamais")
    assert "Rouvrir ce bureau" not in branch.get(f"{DESKS}/{number}").text
    refused = branch.post(f"{DESKS}/{number}/rouvrir", data={"csrf_token": house.csrf(branch)})
    assert (refused.status_code, "reste fermé" in words(refused.text)) == (403, True)
    closing.reopen(house.actor(K), number)
    closing.close(house.actor(N), number, "Pour l’été")
    assert "Rouvrir ce bureau" in branch.get(f"{DESKS}/{number}").text
    assert closing.reopen(house.actor(N), number) == "Annexe"
    accounts.delegate(house.actor(K), user(N).id, number)
    closing.close(house.actor(K), number, "Pour l’été")
    with pytest.raises(Refusal, match="desk-reopen"):
        closing.reopen(house.actor(N), number)


def test_no_right_is_given_for_a_type_that_is_not_there_and_one_that_is_goes_by_its_label(
    house: House, branch: FlaskClient
) -> None:
    number, actor = desk("comptabilite").id, house.actor(N)
    future = Rights.read(["act:invoice.facture-d-eau"])
    particulars = Particulars("Enora", "Quéméner", ENORA["email"], "Comptable", administrator=False)
    arrival = arrivals.Arrival("e.quemener", particulars, {number: future})
    house.an_invoice(at="draft")
    before = snapshot(house.settings.data_dir)
    form = {"csrf_token": house.csrf(branch), "seen": seen("finances"), "person": [str(actor.user_id)]}
    form[f"rights-{actor.user_id}"] = ["act", "sign:invoice.facture-d-eau"]
    posted = branch.post(f"{DESKS}/{desk('finances').id}", data={**form, "sure": "1"})
    assert (posted.status_code, "n’est pas un type de dossiers d’ici" in words(posted.text)) == (422, True)
    for act in (
        lambda: arrivals.invite(actor, arrival, by_mail=True),
        lambda: desks.seat(actor.collectivity_id, "comptabilite", T, future),
        lambda: create_application(actor.collectivity_id, "Compta", "comptabilite", future),
    ):
        with pytest.raises(Refusal, match="right-type-unknown"):
            act()
    assert snapshot(house.settings.data_dir) == before
    made = own_types.open_type(house.actor(K), "invoice", "Facture d’eau")
    own_types.publish_type(house.actor(K), made, shown=1)
    person, _ = arrivals.invite(actor, arrival, by_mail=True)
    hierarchy.seat_all(
        actor, number, {person: Rights.read(["act:invoice.facture-d-eau", "archive"])}, _held(number)
    )
    told = words(branch.get(f"{DESKS}/{number}/historique").get_data(as_text=True))
    assert "viser et rejeter (Facture d’eau), archiver (avant : viser et rejeter (Facture d’eau))" in told
    with reading() as db:
        letters = [str(one.payload) for one in db.scalars(sa.select(Outbox))]
    assert any("viser et rejeter (Facture d’eau), archiver" in one for one in letters), (
        "what she has in the end"
    )


def test_who_is_trusted_with_more_is_entered_by_nobody_of_his_branch(
    house: House, branch: FlaskClient
) -> None:
    house.an_invoice(at="draft")
    clerk, token = house.actor(K), house.csrf(branch)
    deputy, _ = arrivals.invite(
        clerk,
        arrivals.Arrival(
            "j.adjoint",
            Particulars("Jos", "Adjoint", "j.adjoint@x.example", "Adjoint aux finances", administrator=False),
            {desk("finances").id: Rights.of(Right.SIGN)},
        ),
        by_mail=True,
    )
    page = f"{PEOPLE}/{deputy}"
    assert "Me montrer un lien" in words(branch.get(page).text)
    since = today() - timedelta(days=100)
    open_mandate(clerk, Wanted(user("a.kervadec").id, Kind.MAYOR, "le maire", since))
    order = {"order_number": "A-1", "order_date": since, "families": ("invoice",), "elected": True}
    open_mandate(clerk, Wanted(deputy, Kind.FUNCTION, "l’adjoint", since, **order))
    accounts.delegate(clerk, user(T).id, desk("comptabilite").id)
    house.enrol(G, "rsa3072")
    for person in (deputy, user(T).id, user(G).id):
        with reading() as db:
            one = db.get_one(User, person)
        same = {"first_name": one.first_name, "last_name": one.last_name, "capacity": one.capacity}
        before = snapshot(house.settings.data_dir)
        shown = words(branch.get(f"{PEOPLE}/{person}").text)
        assert "seul qui administre toute la collectivité change son adresse" in shown
        assert "un lien par courriel" not in shown
        for way in ("lien", "lien-montre"):
            assert branch.post(f"{PEOPLE}/{person}/{way}", data={"csrf_token": token}).status_code == 403
        written = {"csrf_token": token, **same, "email": "a.moi@x.example"}
        refused = branch.post(f"{PEOPLE}/{person}", data=written)
        assert refused.status_code == 403
        assert "a un mandat, un certificat ou un droit d’administrer" in words(refused.text)
        assert snapshot(house.settings.data_dir) == before
    below = desk("comptabilite").id
    hierarchy.seat_all(
        house.actor(N), below, {deputy: Rights.of(Right.ACT)}, _held(below)
    )  # his seats are the branch's
    assert accounts.send_link(clerk, deputy) == "Jos Adjoint"


def test_a_link_that_he_was_shown_ends_with_what_its_account_is_trusted_with(
    house: House, branch: FlaskClient
) -> None:
    """He keeps the link of an invitation that he read, and the collectivity lets the account sign: it opens to nobody."""
    clerk, seat = house.actor(K), {desk("finances").id: Rights.of(Right.SIGN)}
    since = today() - timedelta(days=100)
    given: list[tuple[str, int, str]] = []
    for way in ("show", "show", "show", "mail"):
        login = f"j.adjoint{len(given)}"
        person = Particulars(
            "Jos", f"Adjoint{'abcd'[len(given)]}", f"{login}@x.example", "Adjoint", administrator=False
        )
        number, link = arrivals.invite(
            house.actor(N), arrivals.Arrival(login, person, seat), by_mail=way == "mail"
        )
        given.append((login, number, link.token if link is not None else ""))
    house.drain()
    letters = [one.get_body(("plain",)).get_content() for one in house.mail.to("j.adjoint3@x.example")]
    mailed = re.findall(r"/mot-de-passe#(\S+)", letters[-1])[0]
    mayor, administrator, plain, byletter = given
    form = {"csrf_token": house.csrf(client := house.client(K))}
    told = client.post(
        "/administration/mandats",
        data={
            **form,
            "kind": "mayor",
            "person": mayor[1],
            "title": "le maire",
            "starts_on": since.isoformat(),
        },
        follow_redirects=True,
    )
    assert "celui qui a été montré ne sert plus" in words(told.text)
    with reading() as db:
        one = db.get_one(User, administrator[1])
        wanted = Particulars(one.first_name, one.last_name, one.email, one.capacity, administrator=True)
    accounts.change(clerk, administrator[1], wanted)
    accounts.delegate(clerk, byletter[1], desk("comptabilite").id)
    for _, number, token in (mayor, administrator):
        with pytest.raises(Refusal, match="link-expired"):
            desks.reset(token, "une phrase nouvelle")
        assert "Aucun lien ne sert plus" in words(client.get(f"{PEOPLE}/{number}").text)
    assert desks.reset(plain[2], "une phrase nouvelle") == plain[0]
    assert desks.reset(mailed, "une phrase nouvelle") == byletter[0]  # which its holder alone has read
    assert "Lien montré, qui ne sert plus" in words(client.get("/administration/journal").text)


def test_the_head_of_his_branch_is_closed_by_the_collectivity_alone(
    house: House, branch: FlaskClient
) -> None:
    top = desk("finances").id
    assert "Fermer ce bureau" not in words(branch.get(f"{DESKS}/{top}").text)
    data = {"csrf_token": house.csrf(branch), "reason": "Je ferme tout"}
    refused = branch.post(f"{DESKS}/{top}/fermer", data=data)
    assert refused.status_code == 403
    assert "à la tête de votre branche" in words(refused.text)
    assert desk("finances").closed_at is None
    assert closing.close(house.actor(K), top, "La collectivité ferme") == "Direction des finances"


def test_administration_leads_him_to_what_he_has(house: House, branch: FlaskClient) -> None:
    assert branch.get("/administration").headers["Location"].endswith(DESKS)
    shown = words(branch.get("/administration", follow_redirects=True).text)
    assert "Personnes" in shown
    assert "Applications" not in shown
    assert house.client(R).get("/administration").status_code == 403


def test_nobody_is_put_out_of_his_reach_by_the_last_seat_that_is_taken(
    house: House, branch: FlaskClient
) -> None:
    actor, top, below = house.actor(N), desk("finances").id, desk("comptabilite").id
    for login, place in ((T, top), (G, below), (N, top)):
        held = _held(place)
        with pytest.raises(Refusal, match="seat-last"):
            hierarchy.seat_all(actor, place, {user(login).id: Rights()}, held)
        assert _held(place) == held
    answer = branch.post(
        f"{DESKS}/{top}",
        data={
            "csrf_token": house.csrf(branch),
            "person": str(user(T).id),
            "seen": seen("finances"),
            "sure": "1",
        },
    )
    assert answer.status_code == 409
    assert "ne tiendrait plus aucun bureau" in words(answer.text)
    hierarchy.seat_all(actor, below, {user(T).id: Rights.of(Right.ACT)}, _held(below))
    hierarchy.seat_all(actor, top, {user(T).id: Rights()}, _held(top))  # he sits in the branch still
    assert branch.get(f"{PEOPLE}/{user(T).id}").status_code == 200
    hierarchy.seat_all(house.actor(K), below, {user(T).id: Rights()}, _held(below))
    assert user(T).id not in _held(below)


def test_names_that_he_tries_tell_him_the_least_and_not_for_long(house: House, branch: FlaskClient) -> None:
    token, top = house.csrf(branch), desk("finances").id

    def opened(name: str) -> tuple[int, str]:
        answer = branch.post(f"{DESKS}/nouveau", data={"csrf_token": token, "name": name, "parent": str(top)})
        return answer.status_code, words(answer.text)

    status, said = opened("Secrétariat général")
    assert status == 409
    assert "ce nom n’est pas libre" in said
    assert "un bureau s’appelle déjà" not in said
    assert "un bureau s’appelle déjà « Comptabilité »" in opened("Comptabilité")[1]
    asked = {**ENORA, "csrf_token": token, "desk": str(top), "rights": ["act"], "login": K}
    taken = words(branch.post(f"{PEOPLE}/inviter", data=asked).text)
    assert f"L’identifiant « {K} » est déjà pris" in taken
    assert user(K).name not in taken
    for _ in range(18):
        assert opened("Secrétariat général")[0] == 409
    status, said = opened("Régies")
    assert status == 429
    assert "Trop d’essais" in said
    with reading() as db:
        assert db.scalar(sa.select(Desk.id).where(Desk.name == "Régies")) is None
    assert house.client(K).get(f"{DESKS}/nouveau").status_code == 200
