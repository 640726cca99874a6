"""Nobody is closed by one click while something would stop: what waits, what will come, and what is left, then a reason."""

import html
import re

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.circuits import library
from app.core.db import reading
from app.journal.models import JournalEntry
from app.operations.persons import leaving
from app.people import desks
from app.people.models import User
from tests.builders.house import House, token_in
from workflows.family import family
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, A, N, S, T = "k.morizur", "a.kervadec", "n.abgrallec", "s.rivoal", "t.lescoat"
PEOPLE = "/administration/personnes"


def words(answer: TestResponse) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def user(login: str) -> User:
    with reading() as db:
        return db.scalars(sa.select(User).where(User.login == login)).one()


def effects(house: House, login: str) -> leaving.Leaving:
    with reading(house.actor(K).collectivity_id) as db:
        return leaving.effects_of(db, db.get_one(User, user(login).id))


def finance_asks(house: House, who: list[dict[str, str]], quorum: str) -> None:
    circuit = family("invoice").circuit.to_data()
    step = next(step for step in circuit["steps"] if step["key"] == "finance")
    step["who"], step["quorum"] = who, quorum
    library.publish(house.actor(K), "invoice", library.as_yaml(circuit))


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
    assert "Circuits dont une étape n’aurait plus assez de monde" in told
    assert "« Factures » (Bon à payer)" in told
    assert "Certificat « " in told
    assert "Aucun dossier" not in told
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
    assert ("Factures", "Contrôle des finances") in left.ways
    desks.seat(here, "direction", S, [Right.ACT])  # a third one: nobody is needed any more
    left = effects(house, T)
    assert (left.stuck, left.coming, left.ways, left.taken_over) == ((), (), (), 1)


def test_a_step_to_come_that_names_somebody_by_a_former_version_is_told(house: House) -> None:
    finance_asks(house, [{"person": N}], "any")
    folder = house.an_invoice(at="service_done")
    library.publish(house.actor(K), "invoice", library.as_yaml(family("invoice").circuit.to_data()))
    assert effects(house, N).coming_named == (folder,)
    told = words(house.client(K).get(f"{PEOPLE}/{user(N).id}/fermer"))
    assert "1 dossier nomme cette personne à une étape à venir" in told
