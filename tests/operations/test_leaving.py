"""Nobody is closed by one click while something would stop: what waits, what will come, and what is left, then a reason."""

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from werkzeug.test import TestResponse

from app.circuits import library
from app.core.clock import PARIS, now, today
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import blocked, handing, rerouting
from app.journal.chain import verify
from app.journal.models import JournalEntry
from app.operations.absences import planning
from app.operations.desks import closing, stranded
from app.operations.desks.stranded import Way
from app.operations.examined import commune
from app.operations.leaving import effects as leaving
from app.operations.leaving import planned
from app.people import accounts, desks
from app.people.mandates import Wanted, open_mandate
from app.people.models import Desk, Holder, User
from app.people.places import places
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import House, token_in
from tests.folders.test_asking import ask
from tests.operations.test_absences import away, over
from workflows.family import family
from workflows.mandates import Kind
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, A, N, S, T = "k.morizur", "a.kervadec", "n.abgrallec", "s.rivoal", "t.lescoat"
R = "r.pellenec"
PEOPLE = "/administration/personnes"


def words(answer: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def user(login: str) -> User:
    with reading() as db:
        return db.scalars(sa.select(User).where(User.login == login)).one()


def seat_of(login: str) -> list[int]:
    with reading() as db:
        return list(db.scalars(sa.select(Holder.desk_id).where(Holder.user_id == user(login).id)))


def options(answer: TestResponse, field_id: str) -> list[str]:
    """What a list offers, as it is posted."""
    listed = answer.get_data(as_text=True).split(f'id="{field_id}"')[1].split("</select>")[0]
    return re.findall(r'value="(\d+)"', listed)


def effects(house: House, login: str) -> leaving.Leaving:
    with reading(house.actor(K).collectivity_id) as db:
        return leaving.effects_of(db, db.get_one(User, user(login).id))


def finance_asks(house: House, who: list[dict[str, str]], quorum: str) -> None:
    circuit = family("invoice").circuit.to_data()
    step = next(step for step in circuit["steps"] if step["key"] == "finance")
    step["who"], step["quorum"] = who, quorum
    circuits.publish(house.actor(K), "invoice", library.as_yaml(circuit))


def test_the_only_signer_is_closed_with_a_reason_over_the_list_that_was_read_then_opened_again(
    house: House,
) -> None:
    folder = house.an_invoice(at="finance")
    number, client = user(A).id, house.client(K)
    page, address = f"{PEOPLE}/{number}", f"{PEOPLE}/{number}/fermer"
    asked = client.get(address)
    told = words(asked)
    assert "1 dossier s’arrêterait à une étape à venir" in told
    assert f"Dossier n° {folder} ." in told or f"Dossier n° {folder}." in told
    assert "plus assez de monde, ou plus personne de mandaté" in told
    assert "« Factures » (Bon à payer)" in told
    assert "Certificat « " in told
    assert "Aucun dossier ne s’arrête" not in told
    text = asked.get_data(as_text=True)
    shown = re.search(r'name="shown" value="(\w+)"', text)
    assert shown is not None
    form = {"csrf_token": token_in(text), "shown": shown[1]}
    for reason in ("", "non", "x" * 301):
        refused = client.post(address, data={**form, "reason": reason})
        assert (refused.status_code, "Le compte reste ouvert" in words(refused)) == (422, True)
    house.an_invoice(at="finance")  # one more than the page told
    sure = {**form, "reason": "Fin du mandat"}
    late = client.post(address, data=sure)
    assert (late.status_code, "2 dossiers s’arrêteraient" in words(late)) == (409, True)
    assert user(A).active
    form["shown"] = str(re.search(r'name="shown" value="(\w+)"', late.get_data(as_text=True))[1])  # type: ignore[index]
    assert client.post(address, data={**form, "reason": "Fin du mandat"}).status_code == 302
    assert not user(A).active
    assert "Fin du mandat" in words(client.get("/administration/journal?acte=account.closed"))
    assert "Rouvrir le compte" in words(client.get(page))
    house.drain()
    house.mail.letters.clear()
    back = client.post(f"{page}/rouvrir", data=form, follow_redirects=True)
    assert "est rouvert" in words(back)
    assert "mot-de-passe#" not in back.get_data(as_text=True)  # whoever opens it again does not enter as him
    assert user(A).active
    house.drain()
    texts = [letter.get_body(("plain",)).get_content() for letter in house.mail.letters]
    assert any("Katell Morizur a rouvert votre compte" in text for text in texts)
    assert any("/mot-de-passe#" in text for text in texts)
    with reading() as db:
        line = db.scalars(sa.select(JournalEntry).where(JournalEntry.event == "account.reopened")).one()
    assert line.who == "Katell Morizur"
    assert client.post(f"{page}/rouvrir", data=form).status_code == 409


def test_of_two_who_must_both_decide_neither_leaves_unseen(house: House) -> None:
    here = house.actor(K).collectivity_id
    finance_asks(house, [{"desk": "finances"}, {"desk": "direction"}], "all")
    for login in (N, T):
        desks.seat(here, "direction", login, [Right.ACT])
    desks.seat(here, "direction", S, [])
    waiting, coming = house.an_invoice(at="finance"), house.an_invoice(at="service_done")
    left = effects(house, T)
    assert (left.stuck, left.coming) == ((waiting,), (coming,))
    assert Way("Factures", "Contrôle des finances", "invoice") in left.ways
    desks.seat(here, "direction", S, [Right.ACT])  # a third one: nobody is needed any more
    left = effects(house, T)
    assert (left.stuck, left.coming, left.ways, left.taken_over) == ((), (), (), 1)


def test_a_step_to_come_that_names_somebody_is_given_to_another_person_or_to_a_desk(house: House) -> None:
    here = house.actor(K).collectivity_id
    finance_asks(house, [{"person": N}], "any")
    folders = tuple(house.an_invoice(at="service_done") for _ in range(3))
    # By a former version: what the collectivity's circuit says today changes nothing of them
    circuits.publish(house.actor(K), "invoice", library.as_yaml(family("invoice").circuit.to_data()))
    assert effects(house, N).coming_named == folders
    client, address = house.client(K), f"{PEOPLE}/{user(N).id}/fermer"
    page = client.get(address)
    assert "3 dossiers nomment cette personne à une étape à venir" in words(page)
    assert "Remplacer dans ces 3 dossiers" in words(page)
    for field_id, shown, hidden in (
        ("named-person", user(T).id, user(K).id),
        ("named-to", seat_of(S)[0], seat_of(K)[0]),
    ):
        offered = options(page, field_id)
        assert (str(shown) in offered, str(hidden) in offered) == (True, False), field_id
    with reading(here) as db:
        direction = db.scalar(sa.select(Desk.id).where(Desk.key == "direction"))
    form = {"csrf_token": token_in(page.get_data(as_text=True)), "named_why": "Départ à la retraite"}
    for wrong, told in (
        ({}, "soit une personne, soit un bureau"),
        ({"named_person": user(T).id, "named_to": direction}, "soit une personne, soit un bureau"),
        ({"named_person": user(T).id, "named_why": " "}, "écrivez le motif"),
        # Who may put no visa anywhere, and whoever deposited it, take nobody's place
        ({"named_person": user("b.cadiou").id}, "n’a à aucun bureau le droit de viser"),
        ({"named_person": user("g.trehorel").id}, "a déposé ce dossier et n’y décide pas"),
        # Who administers takes it neither himself nor by a desk where he sits: he reads none of these folders
        ({"named_person": user(K).id}, "vous ne lisez pas ce dossier"),
        ({"named_to": seat_of(K)[0]}, "vous ne lisez pas ce dossier"),
    ):
        refused = client.post(f"{address}/etapes", data={**form, **wrong})
        assert (refused.status_code, told in words(refused)) == (422, True), wrong
    assert 'value="Départ à la retraite"' in refused.get_data(as_text=True)
    assert effects(house, N).coming_named == folders
    desks.seat(here, "finances", S, [Right.ACT])
    for who, number, why in ((N, folders[0], "administrator-lost"), (K, 9999, "not-found")):
        with pytest.raises(Refusal, match=why):
            rerouting.replace_named(house.actor(who), number, user(N).id, person=S, reason="Départ")
    rerouting.replace_named(house.actor(K), folders[0], user(N).id, desk="direction", reason="Départ")
    done = client.post(f"{address}/etapes", data={**form, "named_person": user(S).id}, follow_redirects=True)
    assert "prend sa place dans 2 dossiers." in words(done)
    assert effects(house, N).coming_named == ()
    again = client.post(f"{address}/etapes", data={**form, "named_person": user(S).id})
    assert (again.status_code, "aucun dossier n’attend plus" in words(again)) == (409, True)
    with reading(here) as db:
        lines = db.scalars(sa.select(JournalEntry).where(JournalEntry.event == "folder.rerouted")).all()
        assert sorted(line.folder_id or 0 for line in lines) == sorted(folders)
        assert all(f'"whose":{user(N).id}' in line.facts for line in lines)
    with reading(here) as db:
        assert verify(db, here)[1] is None
    # Who administers reads them no more than before, and the step comes to whom it was given
    assert client.get(f"/dossiers/{folders[1]}").status_code == 404
    house.approve(folders[1], R)
    assert f"/dossiers/{folders[1]}" in house.client(S).get("/a-traiter").get_data(as_text=True)
    assert f"/dossiers/{folders[1]}" not in house.client(N).get("/a-traiter").get_data(as_text=True)
    desks.close_account(here, N, by=house.actor(K), leaving=leaving.confirmed("Départ", None))
    house.approve(folders[1], S)
    assert house.folder(folders[1]).place == "bon_a_payer"


def test_the_step_in_hand_that_names_somebody_is_handed_to_a_desk(house: House) -> None:
    here = house.actor(K).collectivity_id
    finance_asks(house, [{"person": N}], "any")
    waiting = house.an_invoice(at="finance")
    left = effects(house, N)
    assert (left.named, left.named_handed, left.handed) == ((waiting,), (waiting,), ())
    with reading(here) as db:
        other = db.scalar(sa.select(Desk.id).where(Desk.key == "direction"))
    client, address = house.client(K), f"{PEOPLE}/{user(N).id}/fermer"
    page = client.get(address)
    assert "1 dossier nomme cette personne" in words(page)
    form = {"csrf_token": token_in(page.get_data(as_text=True)), "to": other, "why": "Départ"}
    none = client.post(f"{address}/dossiers", data=form)
    assert (none.status_code, effects(house, N).named) == (409, (waiting,))
    done = client.post(f"{address}/dossiers", data={**form, "named": "1"}, follow_redirects=True)
    assert "1 dossier est confié à « Direction générale »." in words(done)
    assert effects(house, N).named == ()
    assert client.get(f"/dossiers/{waiting}").status_code == 404
    assert f"/dossiers/{waiting}" in house.client(S).get("/a-traiter").get_data(as_text=True)
    assert house.journal(waiting).count("folder.handed") == 1


def field(answer: TestResponse, name: str) -> str:
    found = re.search(rf'name="{name}"\s+value="([^"]*)"', answer.get_data(as_text=True))
    assert found is not None
    return found[1]


def test_each_point_is_solved_on_the_page_and_nothing_is_left(house: House) -> None:
    here = house.actor(K).collectivity_id
    waiting = house.an_invoice(at="finance")
    for login in (S, T):
        desks.seat(here, "finances", login, [])
    tomorrow = (now() + timedelta(days=1)).strftime("%Y-%m-%dT08:00")
    later = (now() + timedelta(days=9)).strftime("%Y-%m-%dT18:00")
    cover = planning.Wanted(user(S).id, user(N).id, tomorrow, later, acts=True)
    planning.plan(house.actor(K), cover)
    branch = seat_of(N)[0]
    accounts.delegate(house.actor(K), user(N).id, branch)
    client, address = house.client(K), f"{PEOPLE}/{user(N).id}/fermer"
    page = client.get(address)
    told = words(page)
    assert (
        "1 dossier n’attend que cette personne : à régler Sans elle, trop peu de monde pourrait agir" in told
    )
    assert f"Dossier n° {waiting}." in told
    assert "Intérim de Solenn Rivoal" in told
    assert ", 18 h 00. Plus personne ne l’assurerait." in " ".join(told.split())  # the minute that was typed
    assert "Branche « " in told
    forms = re.findall(r'aria-label="((?:Donner|Confier) [^"]+)"', html.unescape(page.get_data(as_text=True)))
    assert len(set(forms)) == len(forms) > 2  # each form is told from the others
    before = effects(house, N)
    assert before.left == int(re.search(r"(\d+) points restent à régler", told)[1])  # type: ignore[index]
    form = {"csrf_token": token_in(page.get_data(as_text=True)), "person": user(T).id}

    none = client.post(f"{address}/bureau", data={**form, "person": "", "desk": seat_of(N)[0]})
    assert (none.status_code, "Choisissez à qui le confier" in words(none)) == (422, True)
    for desk_id in seat_of(N):
        assert client.post(f"{address}/bureau", data={**form, "desk": desk_id}).status_code == 302
    assert client.post(f"{address}/bureau", data={**form, "desk": 9999}).status_code == 404
    absence = {"absence": field(page, "absence"), "revision": field(page, "revision")}
    assert client.post(f"{address}/interim", data={**form, **absence}).status_code == 302
    assert client.post(f"{address}/interim", data={**form, **absence}).status_code == 404  # no more hers
    # Whole or not at all, and never in the place of another: who has a branch, or administers it all, is not offered either
    accounts.delegate(house.actor(K), user(S).id, seat_of(R)[0])
    ask = {**form, "branch": branch}
    offered = client.get(address).get_data(as_text=True).split('id="heir-branch"')[1].split("</select>")[0]
    numbers = re.findall(r'value="(\d+)"', offered)
    assert (str(user(T).id) in numbers, {str(user(one).id) for one in (S, K, N)} & set(numbers)) == (
        True,
        set(),
    )
    found = client.get("/administration/choix/personnes?branche=1&q=rivoal").get_json()
    assert found["options"] == []
    for heir, why in (
        (S, "administre déjà une branche"),
        (K, "toute la collectivité"),
        (N, "déjà une branche"),
    ):
        refused = client.post(f"{address}/branche", data={**ask, "person": user(heir).id})
        assert (refused.status_code, why in words(refused)) == (409, True), heir
    assert [user(one).branch_id for one in (N, S, K)] == [branch, seat_of(R)[0], None]
    accounts.delegate(house.actor(K), user(S).id, None)
    assert client.post(f"{address}/branche", data={**ask, "person": user(T).id}).status_code == 302
    stale = client.post(f"{address}/branche", data={**ask, "person": user(S).id})
    assert (stale.status_code, "n’administre plus cette branche" in words(stale)) == (409, True)
    assert user(S).branch_id is None
    left = effects(house, N)
    assert (left.stuck, left.alone, left.covering, left.branch) == ((), (), (), "")
    assert left.others == ("Tifenn Lescoat",)
    assert user(T).branch_id == branch
    # Until the account is closed, or the closing given up, the other pages lead back to it
    assert f'href="{address}"' in client.get("/circuits").get_data(as_text=True)
    assert f'href="{address}"' in client.get("/administration/mandats").get_data(as_text=True)


def test_the_folders_that_wait_for_somebody_are_handed_to_another_desk_at_once(house: House) -> None:
    here = house.actor(K).collectivity_id
    waiting = house.an_invoice(at="finance"), house.an_invoice(at="finance")
    signed = house.an_invoice(at="bon_a_payer")
    for login in (S, T):
        desks.seat(here, "finances", login, [])
    assert effects(house, N).handed == waiting
    assert (signed in effects(house, A).stuck, effects(house, A).handed) == (
        True,
        (),
    )  # a signature is not handed
    for who, number, whose, why in (
        (K, signed, A, "handing-fixed"),
        (S, waiting[0], N, "administrator-lost"),
    ):
        with pytest.raises(Refusal, match=why):
            handing.hand_for(house.actor(who), number, user(whose).id, desk="direction", reason="Départ")
    with reading(here) as db:
        own = db.scalars(sa.select(Desk.key).where(Desk.id == seat_of(K)[0])).one()
    with pytest.raises(Refusal, match="heir-own"):
        handing.hand_for(house.actor(K), waiting[0], user(N).id, desk=own, reason="Départ")
    with reading(here) as db:
        other = db.scalar(sa.select(Desk.id).where(Desk.key == "direction"))
    client, address = house.client(K), f"{PEOPLE}/{user(N).id}/fermer"
    page = client.get(address)
    assert "Confier ces 2 dossiers" in words(page)
    assert str(seat_of(K)[0]) not in options(page, "to")
    form = {"csrf_token": token_in(page.get_data(as_text=True)), "to": other, "why": "Départ à la retraite"}
    for wrong, told in (({"why": " "}, "écrivez le motif"), ({"to": ""}, "choisissez à quel bureau")):
        refused = client.post(f"{address}/dossiers", data={**form, **wrong})
        assert (refused.status_code, told in words(refused)) == (422, True)
    assert 'value="Départ à la retraite"' in refused.get_data(as_text=True)
    house.mail.letters.clear()
    done = client.post(f"{address}/dossiers", data=form, follow_redirects=True)
    assert "2 dossiers sont confiés à « Direction générale »." in words(done)
    assert (effects(house, N).stuck, effects(house, N).handed) == ((), ())
    tray = house.client(S).get("/a-traiter").get_data(as_text=True)
    for number in waiting:
        assert f"/dossiers/{number}" in tray
        # Who administers handed it, and reads it no more than before; whose part it was reads it on
        assert client.get(f"/dossiers/{number}").status_code == 404
        told = words(house.client(N).get(f"/dossiers/{number}"))
        assert "Confié par Katell Morizur, de la Direction des finances à la Direction générale" in told
    house.drain()
    readers = {str(letter["To"].addresses[0].addr_spec).partition("@")[0] for letter in house.mail.letters}
    assert {S, N} <= readers
    again = client.post(f"{address}/dossiers", data=form)
    assert (again.status_code, "aucun dossier n’attend plus" in words(again)) == (409, True)
    with reading(here) as db:
        assert verify(db, here)[1] is None


def test_a_mandate_that_ends_by_the_day_is_no_point_of_it_and_one_of_today(house: House) -> None:
    client, address = house.client(K), f"{PEOPLE}/{user(N).id}/fermer"
    of_her = Wanted(user(N).id, Kind.MAYOR, "la maire", today() - timedelta(days=9))
    open_mandate(house.actor(K), replace(of_her, ends_on=today() + timedelta(days=20)))
    found = re.search(rf'href="({address}/mandat/\d+)"', client.get(address).get_data(as_text=True))
    assert found is not None
    # What stops with it is shown, and a reason asked, before it ends: it takes more than a click
    ending = client.get(found[1])
    assert "Aucun autre mandat n’a cours" in words(ending)
    form = {"csrf_token": token_in(ending.get_data(as_text=True))}
    last = {"last_day": (today() + timedelta(days=5)).isoformat(), "reason": "Fin de ses fonctions"}
    for wrong in (
        {"last_day": "jamais"},
        {"last_day": "2020-01-01"},
        {"last_day": (today() + timedelta(days=21)).isoformat()},
        {"reason": " "},
    ):
        refused = client.post(found[1], data={**form, **last, **wrong})
        assert refused.status_code == 422
        assert (last | wrong)["reason"] in refused.get_data(as_text=True)
    assert client.post(f"{address}/mandat/9999", data={**form, **last}).status_code == 404
    ended = client.post(found[1], data={**form, **last})
    assert (ended.status_code, ended.location) == (302, address)
    assert "Fin de ses fonctions" in words(client.get("/administration/journal"))
    assert "Mandat : " in words(client.get(address))  # of today, it still is
    at = f"{(today() + timedelta(days=5)).isoformat()}T18:00"
    assert client.post(f"{address}/prevoir", data={**form, "at": at}).status_code == 302
    shown = client.get(address)
    assert ("Compté à la date prévue" in words(shown), "Mandat : " in words(shown)) == (True, False)
    # Confirmed as it was shown, for another day: the mark of what is planned is one of those that are known
    sure = {**form, "shown": field(shown, "shown"), "reason": "Départ à la retraite"}
    other = f"{(today() + timedelta(days=7)).isoformat()}T18:00"
    assert client.post(f"{address}/prevoir", data={**sure, "at": other}).status_code == 302
    moved = client.post(f"{address}/prevoir", data={**sure, "at": other, "shown": "autre"})
    assert moved.status_code == 409
    # Closed at once, the mandate is a point: it is shown first
    now_shown = client.post(address, data=sure)
    assert (now_shown.status_code, "Mandat : " in words(now_shown)) == (409, True)
    assert user(N).active
    assert client.post(address, data={**sure, "shown": field(now_shown, "shown")}).status_code == 302
    assert not user(N).active


def test_a_closing_is_planned_then_done_at_its_minute_or_told_not_to_be(house: House) -> None:
    client, address, page = house.client(K), f"{PEOPLE}/{user(A).id}/fermer", f"{PEOPLE}/{user(A).id}"
    house.an_invoice(at="finance")
    house.an_invoice(at="finance")
    asked = client.get(address)
    form = {"csrf_token": token_in(asked.get_data(as_text=True)), "shown": field(asked, "shown")}
    for typed in ("", "demain", "2020-01-01T08:00", "2099-01-01T08:00"):
        refused = client.post(f"{address}/prevoir", data={**form, "at": typed, "reason": "Fin du mandat"})
        assert (refused.status_code, "un jour et une heure à venir" in words(refused)) == (422, True)
        assert 'value="Fin du mandat"' in refused.get_data(as_text=True)
    at = (now().astimezone(PARIS) + timedelta(days=3)).replace(hour=18, minute=0)
    typed = {**form, "at": at.strftime("%Y-%m-%dT%H:%M")}

    # Without a reason all is to be solved by then: it is not, so the account stays, and that is told
    assert client.post(f"{address}/prevoir", data=typed).status_code == 302
    assert "Fermeture prévue" in words(client.get(page))
    assert "Fermeture prévue" in words(client.get(PEOPLE))
    assert field(client.get(address), "at") == typed["at"]
    planned.look()
    assert user(A).active
    with time_machine.travel(at + timedelta(minutes=1), tick=True):
        planned.look()
        planned.look()
        assert user(A).active
        with reading() as db:
            lines = sa.select(JournalEntry).where(JournalEntry.event == "account.closing_refused")
            assert len(db.scalars(lines).all()) == 1
        with reading(house.actor(K).collectivity_id) as db:
            people = next(
                one for one in commune.points(db, house.actor(K).collectivity_id) if one.name == "personnes"
            )
        assert "La fermeture prévue du compte" in people.sentence
        assert people.endpoint == "operations.leaving.show"
        house.mail.letters.clear()
        house.drain()
    texts = [letter.get_body(("plain",)).get_content() for letter in house.mail.letters]
    assert any("Ce n’est pas fait" in text and f"{page}/fermer" in text for text in texts)
    told = words(client.get(address))
    assert "n’a pas été faite" in told
    counts = set(re.findall(r"(\d+) points (?:restaient|restent) à régler", told))
    assert ("restaient à régler" in told, len(counts)) == (True, 1), counts

    # Given up, then planned with the reason: what was confirmed may stop, and what came since may not
    assert client.post(f"{address}/annuler", data=form).status_code == 302
    assert client.post(f"{address}/annuler", data=form).status_code == 409
    assert "Fermeture prévue" not in words(client.get(page))
    assert client.post(f"{address}/prevoir", data={**typed, "reason": "Fin du mandat"}).status_code == 302
    house.an_invoice(at="finance")
    with time_machine.travel(at + timedelta(minutes=1), tick=True):
        planned.look()
        assert user(A).active
    # A mandate that ends by then is a point of today alone: closed at once, it is shown before
    late = client.get(address)
    assert "plus à régler que ce qui avait été confirmé" in words(late)
    form["shown"] = field(late, "shown")
    again = {**typed, **form, "reason": "Fin du mandat"}
    assert client.post(f"{address}/prevoir", data=again).status_code == 302
    house.drain()
    house.mail.letters.clear()
    with time_machine.travel(at + timedelta(minutes=1), tick=True):
        planned.look()
        assert not user(A).active
        planned.look()
        house.drain()
    texts = [letter.get_body(("plain",)).get_content() for letter in house.mail.letters]
    assert (
        sum("Comme Katell Morizur l’avait prévu" in text for text in texts) == 2
    )  # to the person, and to her
    journal = words(client.get("/administration/journal"))
    for act in (
        "Fermeture d’un compte prévue",
        "Fermeture prévue annulée",
        "Fermeture prévue non faite",
        "Compte fermé",
    ):
        assert act in journal


def test_other_pages_lead_back_to_a_closing_that_was_begun_and_say_whose_until_it_is_planned(
    house: House,
) -> None:
    client, address = house.client(K), f"{PEOPLE}/{user(A).id}/fermer"
    back, elsewhere = f'href="{address}"', f"{PEOPLE}/{user(N).id}"
    house.an_invoice(at="finance")
    asked = client.get(address)
    assert back in client.get(elsewhere).get_data(as_text=True)
    assert "Revenir à la fermeture du compte d’Armel Kervadec" in words(client.get(elsewhere))
    at = (now().astimezone(PARIS) + timedelta(days=3)).strftime("%Y-%m-%dT18:00")
    form = {"csrf_token": token_in(asked.get_data(as_text=True)), "shown": field(asked, "shown"), "at": at}
    assert client.post(f"{address}/prevoir", data=form, follow_redirects=True).status_code == 200
    assert back not in client.get(elsewhere).get_data(as_text=True)
    assert "Revenir à la fermeture" not in words(client.get(PEOPLE))


def test_what_is_planned_by_who_administers_no_more_is_not_done(house: House) -> None:
    number = user(R).id
    at = (now().astimezone(PARIS) + timedelta(days=3)).strftime("%Y-%m-%dT18:00")
    desks.seat(house.actor(K).collectivity_id, "finances", S, [Right.ACT])
    accounts.delegate(house.actor(K), user(S).id, seat_of(R)[0])
    planned.plan(house.actor(S), number, at, reason="Départ à la retraite")
    with pytest.raises(Refusal, match="account-own"):
        planned.plan(house.actor(K), user(K).id, at)
    with pytest.raises(Refusal, match="person-unknown"):
        planned.plan(house.actor(S), user(A).id, at)
    accounts.delegate(house.actor(K), user(S).id, None)
    with time_machine.travel(now() + timedelta(days=4), tick=True):
        planned.look()
    assert user(R).active
    with reading() as db:
        row = planned.of(db, number)
    assert row is not None
    assert "Solenn Rivoal, qui l’avait prévue" in row.refused
    desks.close_account(house.actor(K).collectivity_id, R, by=house.actor(K))
    with reading() as db:
        assert planned.of(db, number) is None


def test_parts_that_software_did_leave_the_last_one_to_who_leaves_and_stop_nothing_before(
    house: House,
) -> None:
    here = house.actor(K).collectivity_id
    finance_asks(house, [{"desk": "finances"}, {"desk": "technique"}, {"desk": "direction"}], "all")
    folder_id = house.an_invoice(at="finance")
    for key in ("finances", "technique"):
        software = Software(house, key, [Right.ACT])
        version = house.folder(folder_id).version
        assert software.post(f"/folders/{folder_id}/approve", version=version).status_code == 200
    with reading(here) as db:
        versions = list(db.scalars(closing.versions_followed(here)))
        assert stranded.stopped(db, here, places(db, here), versions) == ()
    assert (effects(house, S).stuck, effects(house, S).taken_over) == ((folder_id,), 0)
    client = house.client(K)
    assert f"Dossier n° {folder_id}" in words(client.get(f"{PEOPLE}/{user(S).id}/fermer"))


def test_the_last_who_may_give_an_opinion_leaves_seen_though_who_asked_it_sits_beside_him(
    house: House,
) -> None:
    here = house.actor(K).collectivity_id
    folder_id = house.an_invoice(at="finance")
    desks.seat(here, "direction", N, [Right.CREATE, Right.ACT])
    ask(house, N, folder_id, "direction")
    left = effects(house, S)
    assert (left.opinions, left.stuck, left.handed) == ((folder_id,), (), ())
    page = words(house.client(K).get(f"{PEOPLE}/{user(S).id}/fermer"))
    assert "1 dossier attend l’avis de cette personne seule" in page
    with pytest.raises(Refusal, match="leaving-reason"):
        desks.close_account(here, S, by=house.actor(K), leaving=leaving.confirmed("", None))
    absence = away(house, S, T)  # who stands in for him is gone with his seat
    assert effects(house, S).opinions == (folder_id,)
    assert effects(house, N).opinions == ()
    over(absence)
    desks.seat(here, "direction", T, [Right.ACT])
    assert effects(house, S).opinions == ()


def test_what_software_or_a_stand_in_takes_is_not_stuck_and_says_who_does(house: House) -> None:
    here = house.actor(K).collectivity_id
    folder_id = house.an_invoice(at="finance")
    desks.seat(here, "finances", T, [Right.CREATE])
    assert effects(house, N).stuck == (folder_id,)
    Software(house, "finances", [Right.ACT])
    left = effects(house, N)
    assert (left.stuck, left.taken_over, left.others) == ((), 1, (leaving.BY_SOFTWARE,))
    desks.close_account(here, N, by=house.actor(K), leaving=leaving.confirmed("Départ en retraite", None))
    with reading(here) as db:
        assert blocked.blocked(db, here).folders == []


def test_of_two_who_must_both_decide_one_is_not_missed_while_another_stands_in_but_is_who_stands_in(
    house: House,
) -> None:
    here = house.actor(K).collectivity_id
    finance_asks(house, [{"desk": "finances"}, {"desk": "direction"}], "all")
    folder_id = house.an_invoice(at="finance")
    desks.seat(here, "direction", T, [Right.ACT])
    desks.seat(here, "direction", S, [])
    assert effects(house, N).stuck == (folder_id,)
    away(house, T, S)
    left = effects(house, N)
    assert (left.stuck, left.taken_over) == ((), 1)
    assert left.others == ("Solenn Rivoal", "Tifenn Lescoat")
    desks.close_account(here, N, by=house.actor(K), leaving=leaving.confirmed("Départ en retraite", None))
    with reading(here) as db:
        assert blocked.blocked(db, here).folders == []
    desks.seat(here, "finances", S, [])
    assert effects(house, T).stuck == (folder_id,)


def test_a_folder_that_nobody_can_move_already_is_said_to_pass_to_nobody(house: House) -> None:
    here = house.actor(K).collectivity_id
    finance_asks(house, [{"desk": "finances"}, {"desk": "direction"}], "all")
    folder_id = house.an_invoice(at="finance")
    desks.seat(here, "finances", T, [Right.CREATE])
    for login in (S, T, N):
        desks.seat(here, "direction", login, [])
    found = effects(house, N)
    assert (found.taken_over, found.others, found.blocked) == (0, (), (folder_id,))
    page = words(house.client(K).get(f"{PEOPLE}/{user(N).id}/fermer"))
    assert "1 dossier n’avance déjà plus" in page
    assert f"Dossier n° {folder_id}." in page
    assert "Aucun dossier ne s’arrête" not in page
    assert "logiciel" not in page
