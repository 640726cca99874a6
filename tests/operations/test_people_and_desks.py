"""A town hall opens its accounts and its desks in the browser: nobody is locked out, nothing stops without being said."""

import html
import re
import threading
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.circuits import library
from app.core.clock import PARIS, now
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.journal.chain import verify
from app.journal.models import JournalEntry
from app.operations.absences.planning import Wanted, plan
from app.people import accounts, arrivals, desks, hierarchy
from app.people.accounts import Particulars
from app.people.models import Desk, Holder, LoginSession, PasswordReset, User
from demo.cast import PASSWORD
from tests.builders import circuits
from tests.builders.house import House, token_in
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G, A, R = "k.morizur", "g.trehorel", "a.kervadec", "r.pellenec"
PEOPLE, DESKS = "/administration/personnes", "/administration/bureaux"
ENORA = {
    "first_name": "Enora",
    "last_name": "Quéméner",
    "email": "e.quemener@kerlann-sur-mer.example",
    "login": "e.quemener",
    "capacity": "Chargée d’accueil",
    "way": "mail",
}
CHOSEN = "une barque rouge au port"


def words(answer: TestResponse) -> str:
    """What a person reads of a page, each space a plain one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def sure(answer: TestResponse) -> str:
    """What « Enregistrer quand même » posts of the list that a page shows."""
    return re.findall(r'name="sure"\s+value="(\w+)"', answer.get_data(as_text=True))[0]


def user(login: str) -> User:
    with reading() as db:
        return db.scalars(sa.select(User).where(User.login == login)).one()


def desk(key: str) -> Desk:
    with reading() as db:
        return db.scalars(sa.select(Desk).where(Desk.key == key)).one()


def rights(key: str, login: str) -> list[str] | None:
    with reading() as db:
        row = db.get(Holder, (user(login).id, desk(key).id))
        return None if row is None else sorted(row.rights)


def lines(event: str) -> list[JournalEntry]:
    with reading() as db:
        query = sa.select(JournalEntry).where(JournalEntry.event == event).order_by(JournalEntry.id.desc())
        return list(db.scalars(query))


def seen(key: str) -> list[str]:
    """What the page of a desk posts back of its holders."""
    with reading() as db:
        rows = db.scalars(sa.select(Holder).where(Holder.desk_id == desk(key).id)).all()
    return [f"{one.user_id}:{','.join(one.rights)}" for one in rows]


def a_second_administrator(here: int) -> None:
    desks.create_user(
        here,
        "adm.deux",
        email="adm.deux@kerlann-sur-mer.example",
        first_name="Adm",
        last_name="Deux",
        capacity="",
        administrator=True,
    )


def letters(house: House) -> dict[str, str]:
    """Who was written to, and the subject."""
    house.drain()
    told = {one["To"].addresses[0].addr_spec: str(one["Subject"]) for one in house.mail.letters}
    house.mail.letters.clear()
    return {address: " ".join(subject.split()) for address, subject in told.items()}


def letter_to(house: House, login: str) -> str:
    """The words of the one letter that somebody was just sent."""
    house.drain()
    address, sent = user(login).email, house.mail.letters[:]
    house.mail.letters.clear()
    (letter,) = (one for one in sent if one["To"].addresses[0].addr_spec == address)
    body = letter.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


def reseat(house: House, login: str, *grants: str) -> None:
    """Give somebody these rights at the desk of the technical services."""
    with reading() as db:
        rows = db.scalars(sa.select(Holder).where(Holder.desk_id == desk("technique").id)).all()
    shown = {row.user_id: Rights.read(row.rights) for row in rows}
    hierarchy.seat_all(house.actor(K), desk("technique").id, {user(login).id: Rights.read(grants)}, shown)


def test_somebody_is_invited_by_mail_chooses_a_password_and_enters(house: House) -> None:
    client = house.client(K)
    form = {"csrf_token": house.csrf(client)}
    house.drain()
    house.mail.letters.clear()
    assert "Inviter une personne" in words(client.get(PEOPLE))
    done = client.post(f"{PEOPLE}/inviter", data={**ENORA, **form}, follow_redirects=True)
    assert "Invitation valable jusqu’au" in words(done)
    assert "Aucun bureau" in words(done)
    assert "mot-de-passe#" not in done.get_data(as_text=True)  # whoever invites does not see the link
    house.drain()
    (letter,) = house.mail.letters
    assert letter["To"].addresses[0].addr_spec == ENORA["email"]
    text = letter.get_body(("plain",)).get_content()
    assert "Katell Morizur vous a ouvert un compte" in text
    token = re.findall(r"/mot-de-passe#(\S+)", text)[0]
    with reading() as db:
        assert token not in str([row.payload for row in db.scalars(sa.select(Outbox))])
    stranger = house.client()
    answer = stranger.post(
        "/mot-de-passe",
        data={
            "code": token,
            "password": CHOSEN,
            "csrf_token": token_in(stranger.get("/mot-de-passe").get_data(as_text=True)),
        },
    )
    assert answer.status_code == 302
    assert "Votre mot de passe est enregistré. Connectez-vous avec votre identifiant : e.quemener" in words(
        stranger.get("/login")
    )
    assert "Actif" in words(client.get(f"{PEOPLE}/{user('e.quemener').id}"))
    assert "Aucun bureau" in words(client.get(f"{PEOPLE}?etat=a-completer"))
    (line,) = [one for one in lines("account.opened") if "e.quemener" in one.facts]
    assert line.who == "Katell Morizur"
    with reading() as db:
        assert verify(db, house.actor(K).collectivity_id)[1] is None


def test_a_link_is_shown_once_to_who_hands_it_over_and_never_for_who_has_a_password(house: House) -> None:
    client = house.client(K)
    form = {"csrf_token": house.csrf(client)}
    done = client.post(f"{PEOPLE}/inviter", data={**ENORA, **form, "way": "show"}, follow_redirects=True)
    number = user("e.quemener").id
    first = re.findall(r"mot-de-passe#([\w-]+)", done.get_data(as_text=True))[0]
    again = client.post(f"{PEOPLE}/{number}/lien-montre", data=form, follow_redirects=True)
    token = re.findall(r"mot-de-passe#([\w-]+)", again.get_data(as_text=True))[0]
    with pytest.raises(Refusal, match="link-expired"):
        desks.reset(first, CHOSEN)
    # Another person's page does not show it; once handed over, none does
    assert token not in client.get(f"{PEOPLE}/{user(G).id}").get_data(as_text=True)
    client.post(f"{PEOPLE}/{number}/remis", data=form)
    assert token not in client.get(f"{PEOPLE}/{number}").get_data(as_text=True)
    desks.reset(token, CHOSEN)
    refused = client.post(f"{PEOPLE}/{number}/lien-montre", data=form)
    assert "Ce lien ne peut pas servir ainsi" in words(refused)
    assert (refused.status_code, "s’est déjà servi de ce compte" in words(refused)) == (409, True)
    assert "Me montrer un lien" not in words(client.get(f"{PEOPLE}/{number}"))
    assert "Envoyer un lien par courriel" in words(client.get(f"{PEOPLE}/{number}"))


def test_an_invitation_ends_after_seven_days_and_a_later_one_takes_its_place(house: House) -> None:
    actor = house.actor(K)
    number, _ = arrivals.invite(actor, _arrival(), by_mail=True)
    accounts.send_link(actor, number)
    # Whoever is about to leave a desk to somebody sees that nobody has ever entered by that account
    leaving = words(house.client(K).get(f"{PEOPLE}/{user(G).id}/fermer"))
    assert leaving.count("(compte jamais ouvert)") == leaving.count("Enora Quéméner") > 0
    with reading() as db:
        links = db.scalars(
            sa.select(PasswordReset).where(PasswordReset.user_id == number).order_by(PasswordReset.id)
        ).all()
    assert [one.used_at is None for one in links] == [False, True]
    assert timedelta(days=6, hours=23) < links[1].expires_at - now() <= timedelta(days=7)
    house.mail.letters.clear()
    house.drain()
    assert len([one for one in house.mail.letters if ENORA["email"] in str(one["To"])]) == 1
    with engine().begin() as connection:
        connection.execute(sa.update(PasswordReset).values(expires_at=now() - timedelta(minutes=1)))
    page = words(house.client(K).get(f"{PEOPLE}?etat=a-completer"))
    assert "Enora Quéméner" in page
    assert "Aucun lien ne sert plus" in page


def _particulars(**changes: Any) -> Particulars:
    values = {name: ENORA[name] for name in ("first_name", "last_name", "email", "capacity")}
    return Particulars(**{**values, "administrator": False, **changes})


def _arrival(login: str = "e.quemener", **changes: Any) -> arrivals.Arrival:
    return arrivals.Arrival(login, _particulars(**changes), {})


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"first_name": "E" * 101}, "100 caractères au plus"),
        ({"login": "g.trehorel"}, "L’identifiant « g.trehorel » est déjà pris"),
        ({"login": "deux mots"}, "sans espace"),
        ({"login": ""}, "sans espace"),
        ({"email": "pas une adresse"}, "n’est pas une adresse de courriel"),
        ({"email": "G.Trehorel@kerlann-sur-mer.example"}, "est déjà celle du compte de Gwenola Tréhorel"),
        ({"first_name": " "}, "écrivez le prénom et le nom"),
        ({"last_name": "Qu\u202eéméner"}, "contient un signe qui ne se voit pas"),
        ({"capacity": ""}, "écrivez la qualité"),
    ],
)
def test_what_is_no_account_is_refused_in_french_and_what_was_typed_stays(
    house: House, changed: dict[str, str], sentence: str
) -> None:
    client = house.client(K)
    with reading() as db:
        before = db.scalar(sa.select(sa.func.count()).select_from(User))
    answer = client.post(f"{PEOPLE}/inviter", data={**ENORA, **changed, "csrf_token": house.csrf(client)})
    assert answer.status_code in {409, 422}
    said = words(answer)
    assert sentence in said or ("login" in changed and user(G).name in said)
    assert "Chargée d’accueil" in answer.get_data(as_text=True) or "capacity" in changed
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(User)) == before


def test_another_address_is_told_at_both_and_the_links_sent_to_the_former_are_void(house: House) -> None:
    actor, number = house.actor(K), user(G).id
    former = user(G).email
    desks.ask_reset(G)
    house.drain()
    house.mail.letters.clear()
    client = house.client(K)
    page = f"{PEOPLE}/{number}"
    typed = {
        "first_name": "Gwenola",
        "last_name": "Tréhorel",
        "email": "g.nouvelle@kerlann-sur-mer.example",
        "capacity": "Responsable du courrier",
    }
    done = client.post(page, data={**typed, "csrf_token": house.csrf(client)}, follow_redirects=True)
    assert "Le compte est enregistré" in words(done)
    subject = "Paraphe : votre compte a été modifié"
    assert letters(house) == {former: subject, typed["email"]: subject}
    with reading() as db:
        links = db.scalars(sa.select(PasswordReset).where(PasswordReset.user_id == number)).all()
    assert all(one.used_at is not None for one in links)
    (line,) = lines("account.changed")
    assert "kerlann" not in line.facts  # the journal, which is for ever, keeps no address
    told = words(client.get("/administration/journal"))
    assert "adresse de courriel changée" in told
    assert "qualité : Responsable du courrier (avant :" in told
    same = client.post(page, data={**typed, "csrf_token": house.csrf(client)}, follow_redirects=True)
    assert "c’était déjà ainsi" in words(same)
    assert len(lines("account.changed")) == 1
    assert actor.user_id is not None


def test_an_administrator_makes_another_and_never_unmakes_oneself(house: House) -> None:
    actor, number = house.actor(K), user(G).id
    gwenola = Particulars("Gwenola", "Tréhorel", user(G).email, user(G).capacity, administrator=True)
    assert house.client(G).get(PEOPLE).status_code == 403
    third = desks.create_user(
        actor.collectivity_id,
        "adm.trois",
        email="adm.trois@kerlann-sur-mer.example",
        first_name="Adm",
        last_name="Trois",
        capacity="",
        administrator=True,
    )
    house.drain()
    house.mail.letters.clear()
    assert accounts.change(actor, number, gwenola)
    assert house.client(G).get(PEOPLE).status_code == 200
    told = letters(house)
    assert told[user("adm.trois").email] == "Paraphe : Gwenola Tréhorel administre désormais"
    assert third not in {actor.user_id, number}
    own = user(K)
    unmade = Particulars(own.first_name, own.last_name, own.email, own.capacity, administrator=False)
    with pytest.raises(Refusal, match="administrator-own"):
        accounts.change(actor, own.id, unmade)


@pytest.mark.both_databases
def test_two_administrators_never_unmake_one_another(house: House) -> None:
    """Each takes the right away from the other at the same time: one of them is left."""
    accounts.change(
        house.actor(K),
        user(G).id,
        Particulars("Gwenola", "Tréhorel", user(G).email, user(G).capacity, administrator=True),
    )
    actors = {K: house.actor(K), G: house.actor(G)}
    refused: list[str] = []
    start = threading.Barrier(2)

    def unmake(by: str, whom: str) -> None:
        other = user(whom)
        without = Particulars(
            other.first_name, other.last_name, other.email, other.capacity, administrator=False
        )
        start.wait()
        try:
            accounts.change(actors[by], other.id, without)
        except Refusal as refusal:
            refused.append(refusal.key)

    both = [threading.Thread(target=unmake, args=pair) for pair in ((K, G), (G, K))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert refused == ["administrator-lost"]
    assert sorted([user(K).administrator, user(G).administrator]) == [False, True]


def test_a_proof_that_is_old_is_asked_again_before_a_right_is_given(house: House) -> None:
    client = house.client(K)
    form = {"csrf_token": house.csrf(client)}
    with engine().begin() as connection:
        connection.execute(
            sa.update(LoginSession).values(created_at=now() - timedelta(days=1), proven_at=None)
        )
    asked = client.post(f"{PEOPLE}/inviter", data={**ENORA, **form})
    assert "Confirmez que c’est vous" in words(asked)
    assert ENORA["capacity"] in asked.get_data(as_text=True)  # what was typed waits in the page
    done = client.post(f"{PEOPLE}/inviter", data={**ENORA, **form, "answer": PASSWORD})
    assert done.status_code == 302
    assert user("e.quemener").capacity == ENORA["capacity"]


def test_people_are_found_by_any_word_of_theirs_whatever_the_accents(house: House) -> None:
    client = house.client(K)
    assert "Gwenola Tréhorel" in words(client.get(f"{PEOPLE}?q=trehorel"))
    assert "Gwenola Tréhorel" in words(client.get(f"{PEOPLE}?q=GWENOLA+kerlann"))
    none = words(client.get(f"{PEOPLE}?q=personne+ainsi"))
    assert "Personne pour « personne ainsi »" in none
    assert client.get(f"{PEOPLE}?etat=autre").status_code == 404


def test_a_list_of_many_is_cut_in_pages(house: House) -> None:
    here = house.actor(K).collectivity_id
    with engine().begin() as connection:
        rows = [
            {
                "collectivity_id": here,
                "login": f"zz.{number}",
                "email": f"zz.{number}@kerlann-sur-mer.example",
                "first_name": "Zoé",
                "last_name": f"Zz{number:03}",
                "capacity": "",
                "created_at": now(),
            }
            for number in range(120)
        ]
        connection.execute(sa.insert(User), rows)
    client = house.client(K)
    first, last = client.get(PEOPLE), client.get(f"{PEOPLE}?page=99")
    assert ("Zz119" in words(first), "Zz119" in words(last)) == (False, True)
    assert "Page 1 sur 6" in words(first)
    assert "Page suivante" in words(first)
    assert "Page suivante" not in words(last)
    found = client.get(f"{PEOPLE}?q=zz&page=3")
    assert "120 personnes" in words(found)
    assert "Zz060" in words(found)
    with engine().begin() as connection:
        gone = User.last_name.in_([f"Zz{number:03}" for number in range(100)])
        connection.execute(sa.update(User).where(gone).values(active=False))
    pages = [client.get(f"{PEOPLE}?q=zz&page={page}").get_data(as_text=True) for page in range(1, 6)]
    named = [re.findall(r"Zoé (Zz\d{3})", page) for page in pages]
    assert [len(names) for names in named] == [25, 25, 25, 25, 20]
    in_order = [f"Zz{number:03}" for number in (*range(100, 120), *range(100))]
    assert list(chain(*named)) == in_order, "the open accounts first, each by its name"


def test_a_desk_is_opened_named_and_placed_and_never_under_itself(house: House) -> None:
    client = house.client(K)
    form = {"csrf_token": house.csrf(client)}
    top = client.post(f"{DESKS}/nouveau", data={**form, "name": "Pôle Écoles & Cantines", "parent": ""})
    number = desk("pole-ecoles-cantines").id
    assert top.location.endswith(f"{DESKS}/{number}")
    client.post(f"{DESKS}/nouveau", data={**form, "name": "Cantine", "parent": str(number)})
    below = desk("cantine")
    assert below.parent_id == number
    loop = client.post(f"{DESKS}/{number}", data={**form, "name": "Pôle Écoles", "parent": str(below.id)})
    assert (loop.status_code, "est rattaché à ce bureau" in words(loop)) == (409, True)
    assert desk("pole-ecoles-cantines").name == "Pôle Écoles & Cantines"
    done = client.post(
        f"{DESKS}/{number}", data={**form, "name": "Pôle Écoles", "parent": ""}, follow_redirects=True
    )
    assert "Le bureau est enregistré" in words(done)
    assert desk("pole-ecoles-cantines").name == "Pôle Écoles"  # circuits go on finding it by its key
    twice = client.post(f"{DESKS}/nouveau", data={**form, "name": "pôle écoles", "parent": ""})
    assert (twice.status_code, "un bureau s’appelle déjà" in words(twice)) == (409, True)
    empty = client.post(f"{DESKS}/nouveau", data={**form, "name": "  ", "parent": ""})
    assert (empty.status_code, "donnez au bureau un nom" in words(empty)) == (422, True)
    elsewhere = client.post(f"{DESKS}/nouveau", data={**form, "name": "Ailleurs", "parent": "999999"})
    assert elsewhere.status_code == 404
    told = words(client.get("/administration/journal"))
    assert "nom : Pôle Écoles (avant : Pôle Écoles & Cantines)" in told
    tree = words(client.get(DESKS))
    assert tree.index("Pôle Écoles") < tree.index("Cantine")


def test_a_desk_that_the_circuits_name_is_opened_under_their_word_for_it(house: House) -> None:
    """A commune that begins: no folder can be sent before the desks of the circuits of origin are there."""
    here = desks.create_collectivity(
        "213500012", "Ailleurs", department="035", district="1", nature="31", settings={}
    )
    desks.create_user(
        here,
        "x.ailleurs",
        email="x@ailleurs.example",
        first_name="X",
        last_name="Ailleurs",
        capacity="Maire",
        password=PASSWORD,
        administrator=True,
    )
    client = house.client("x.ailleurs")
    page = client.get(DESKS)
    assert "aucun dossier de ce type ne peut être envoyé" in words(page)
    assert f"{DESKS}/nouveau?cle=maire" in page.get_data(as_text=True)
    form = client.get(f"{DESKS}/nouveau?cle=maire")
    assert 'value="Bureau du maire"' in form.get_data(as_text=True)
    typed = {"csrf_token": house.csrf(client), "name": "Monsieur le maire", "parent": "", "key": "maire"}
    client.post(f"{DESKS}/nouveau", data=typed)
    assert "cle=maire" not in client.get(DESKS).get_data(as_text=True)
    # Whoever types the usual name, and chooses nothing, opens the one that lacks
    client.post(f"{DESKS}/nouveau", data={**typed, "name": "secrétariat  Général", "key": ""})
    assert "cle=secretariat" not in client.get(DESKS).get_data(as_text=True)
    twice = client.post(f"{DESKS}/nouveau", data={**typed, "name": "Un autre"})
    assert (twice.status_code, "existe déjà" in words(twice)) == (409, True)
    wrong = client.post(f"{DESKS}/nouveau", data={**typed, "name": "Un autre", "key": "../maire"})
    assert (wrong.status_code, "lettres sans accent" in words(wrong)) == (422, True)


@pytest.mark.both_databases
def test_of_two_moves_at_once_no_desk_ends_under_itself(house: House) -> None:
    actor = house.actor(K)
    one, other = (hierarchy.open_desk(actor, name, None) for name in ("Bureau un", "Bureau deux"))
    start, refused = threading.Barrier(2), []

    def move(what: int, name: str, under: int) -> None:
        start.wait()
        try:
            hierarchy.change_desk(actor, what, name, under)
        except Refusal as refusal:
            refused.append(refusal.key)

    both = [
        threading.Thread(target=move, args=(one, "Bureau un", other)),
        threading.Thread(target=move, args=(other, "Bureau deux", one)),
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert refused == ["desk-below-itself"]


def test_a_holder_is_added_given_other_rights_and_taken_off_and_is_told(house: House) -> None:
    client, number = house.client(K), user(G).id
    page = f"{DESKS}/{desk('technique').id}"
    before = seen("technique")
    form = {"csrf_token": house.csrf(client), "seen": before, "person": []}
    house.drain()
    house.mail.letters.clear()
    empty = client.post(page, data={**form, "added": str(number)})
    assert (empty.status_code, "cochez au moins un droit" in words(empty)) == (422, True)
    assert f'<option value="{number}" selected' in empty.get_data(as_text=True)
    nobody = client.post(page, data={**form, "rights-added": ["act"]})
    assert (nobody.status_code, "choisissez la personne" in words(nobody)) == (422, True)
    done = client.post(
        page,
        data={**form, "added": str(number), "rights-added": ["act"]},
        follow_redirects=True,
    )
    assert "1 titulaire modifié" in words(done)
    assert rights("technique", G) == ["act"]
    told = letters(house)
    assert told == {user(G).email: f"Paraphe : vos droits au bureau « {desk('technique').name} » changent"}
    assert "Directeur des services techniques" in words(done) or "Ronan Pellenec" in words(done)
    # Her line alone is posted: the others keep what they have
    client.post(
        page,
        data={
            **form,
            "seen": seen("technique"),
            "person": [str(number)],
            f"rights-{number}": ["act", "create"],
        },
    )
    assert rights("technique", G) == ["act", "create"]
    there = f"au bureau « {desk('technique').name} » le droit de"
    both = "Vous y avez désormais le droit de : déposer des dossiers, viser et rejeter."
    assert f"Katell Morizur vous a donné {there} : déposer des dossiers. {both}" in letter_to(house, G)
    # What is taken is said to be, and what is given in its place, and what is left
    reseat(house, G, "create")
    lost = f"Katell Morizur vous a retiré {there} : viser et rejeter. Vous y avez désormais le droit de : déposer des dossiers."
    assert lost in (told := letter_to(house, G))
    assert "vous a donné" not in told
    reseat(house, G, "act:invoice")
    told = letter_to(house, G)
    assert f"vous a retiré {there} : déposer des dossiers." in told
    assert "vous a donné à ce bureau le droit de : viser et rejeter (Factures)." in told
    assert "Vous y avez désormais le droit de : viser et rejeter (Factures)." in told
    reseat(house, G, "act", "create")
    house.drain()
    house.mail.letters.clear()
    taken = {**form, "seen": seen("technique"), "person": [str(number)]}
    asked = client.post(page, data=taken)
    assert (asked.status_code, f"{user(G).name} n’aurait plus aucun droit ici" in words(asked)) == (409, True)
    assert rights("technique", G) == ["act", "create"]
    client.post(page, data={**taken, "sure": sure(asked)})
    assert rights("technique", G) is None
    assert f"vous a retiré le bureau « {desk('technique').name} »" in letter_to(house, G)
    assert sorted(seen("technique")) == sorted(before)
    # The journal says each, and the base agrees with it
    with reading() as db:
        assert verify(db, house.actor(K).collectivity_id)[1] is None
    facts = lines("desk.rights")[0]
    assert facts.who == "Katell Morizur"


def test_what_nobody_could_do_any_more_is_asked_about_before_it_is_done(house: House) -> None:
    """The only one who approves at a desk is taken off while a folder waits there."""
    client, number = house.client(K), user(R).id
    house.an_invoice(at="service_done")
    page = f"{DESKS}/{desk('technique').id}"
    form = {
        "csrf_token": house.csrf(client),
        "seen": seen("technique"),
        "person": [str(number)],
        f"rights-{number}": ["create"],
    }
    had = rights("technique", R)
    asked = client.post(page, data=form)
    assert asked.status_code == 409
    assert "1 dossier y attend, et personne n’a le droit de viser et rejeter" in words(asked)
    assert rights("technique", R) == had
    # What is confirmed is the list that was read, and no longer one
    house.an_invoice(at="service_done")
    late = client.post(page, data={**form, "sure": sure(asked)})
    assert (late.status_code, "2 dossiers y attendent" in words(late)) == (409, True)
    assert "ceci a changé depuis que la page l’a montré" in words(late)
    assert rights("technique", R) == had
    done = client.post(page, data={**form, "sure": sure(late)}, follow_redirects=True)
    assert "1 titulaire modifié" in words(done)
    assert "À compléter" in words(done)
    assert "Un bureau est à compléter" in words(client.get(DESKS))


def test_of_two_administrators_at_the_same_table_the_second_is_refused_and_keeps_his_ticks(
    house: House,
) -> None:
    client, number = house.client(K), user(G).id
    page = f"{DESKS}/{desk('technique').id}"
    form = {"csrf_token": house.csrf(client), "seen": seen("technique"), "added": str(number)}
    desks.seat(house.actor(K).collectivity_id, "technique", "n.abgrallec", [Right.ACT])
    late = client.post(page, data={**form, "rights-added": ["act"]})
    assert (late.status_code, "quelqu’un d’autre vient de modifier" in words(late)) == (409, True)
    assert rights("technique", G) is None
    assert f'<option value="{number}" selected' in late.get_data(as_text=True)


def test_who_serves_himself_is_told_to_the_other_administrators(house: House) -> None:
    actor = house.actor(K)
    a_second_administrator(actor.collectivity_id)
    house.drain()
    house.mail.letters.clear()
    place = desk("maire")
    shown = {
        int(one.partition(":")[0]): Rights.read(one.partition(":")[2].split(",")) for one in seen("maire")
    }
    assert actor.user_id is not None
    hierarchy.seat_all(actor, place.id, {actor.user_id: Rights.of(Right.SIGN)}, shown)
    assert letters(house) == {
        "adm.deux@kerlann-sur-mer.example": "Paraphe : Katell Morizur change ses propres droits"
    }


def test_a_right_that_no_desk_gives_is_refused(house: House) -> None:
    client = house.client(K)
    page = f"{DESKS}/{desk('technique').id}"
    form = {"csrf_token": house.csrf(client), "seen": seen("technique"), "added": str(user(G).id)}
    for right in ("administer", "tout"):
        assert client.post(page, data={**form, "rights-added": [right]}).status_code == 400
    assert rights("technique", G) is None


def test_nobody_of_another_collectivity_is_seen_seated_or_changed(house: House) -> None:
    here = desks.create_collectivity(
        "213500012", "Ailleurs", department="035", district="1", nature="31", settings={}
    )
    stranger = desks.create_user(
        here, "x.ailleurs", email="x@ailleurs.example", first_name="X", last_name="Ailleurs", capacity="Maire"
    )
    theirs = desks.create_desk(here, "accueil", "Accueil d’ailleurs")
    client, actor = house.client(K), house.actor(K)
    form = {"csrf_token": house.csrf(client)}
    assert "Ailleurs" not in words(client.get(f"{PEOPLE}?q=ailleurs")).replace("« ailleurs »", "")
    assert "Accueil d’ailleurs" not in words(client.get(DESKS))
    for address in (f"{PEOPLE}/{stranger}", f"{DESKS}/{theirs}"):
        assert client.get(address).status_code == 404
    assert client.post(f"{PEOPLE}/{stranger}", data={**ENORA, **form}).status_code == 404
    assert client.post(f"{PEOPLE}/{stranger}/lien", data=form).status_code == 404
    assert client.post(f"{PEOPLE}/{stranger}/lien-montre", data=form).status_code == 404
    assert client.post(f"{DESKS}/{theirs}", data={**form, "name": "À nous", "parent": ""}).status_code == 404
    with pytest.raises(Refusal, match="person-unknown"):
        hierarchy.seat_all(
            actor,
            desk("technique").id,
            {stranger: Rights.of(Right.ACT)},
            {
                int(one.partition(":")[0]): Rights.read(one.partition(":")[2].split(","))
                for one in seen("technique")
            },
        )
    with pytest.raises(Refusal, match="desk-absent"):
        hierarchy.change_desk(actor, desk("technique").id, "Technique", theirs)


def test_a_closed_holder_hides_nothing_of_what_nobody_could_do(house: House) -> None:
    here = house.actor(K).collectivity_id
    house.an_invoice(at="service_done")
    desks.seat(here, "technique", G, [Right.ACT])
    desks.close_account(here, G)
    client, page = house.client(K), f"{DESKS}/{desk('technique').id}"
    form = {
        "csrf_token": house.csrf(client),
        "seen": seen("technique"),
        "person": [str(user(R).id), str(user(G).id)],
        f"rights-{user(R).id}": ["create"],
        f"rights-{user(G).id}": ["act"],
    }
    asked = client.post(page, data=form)
    assert (asked.status_code, "1 dossier y attend" in words(asked)) == (409, True)


def test_a_page_that_is_out_of_date_gives_nothing_back(house: House) -> None:
    """An old tab of somebody who administered then, and of a desk that was elsewhere then."""
    actor, client, number = house.actor(K), house.client(K), user(G).id
    gwenola = Particulars("Gwenola", "Tréhorel", user(G).email, user(G).capacity, administrator=True)
    accounts.change(actor, number, gwenola)
    old = client.get(f"{PEOPLE}/{number}").get_data(as_text=True)
    posted = {
        "csrf_token": house.csrf(client),
        "shown": re.findall(r'name="shown" value="([^"]+)"', old)[0],
        "first_name": "Gwenola",
        "last_name": "Tréhorel",
        "email": user(G).email,
        "capacity": user(G).capacity,
        "administrator": "y",
    }
    assert (
        client.post(f"{PEOPLE}/{number}", data={**posted, "capacity": "Comptable en chef"}).status_code == 302
    )
    assert user(G).capacity == "Comptable en chef"
    old = client.get(f"{PEOPLE}/{number}").get_data(as_text=True)
    posted["shown"] = re.findall(r'name="shown" value="([^"]+)"', old)[0]
    accounts.change(actor, number, Particulars(*[*gwenola.__dict__.values()][:4], administrator=False))
    late = client.post(f"{PEOPLE}/{number}", data=posted)
    assert (late.status_code, "vient de modifier le compte" in words(late)) == (409, True)
    assert not user(G).administrator
    place = desk("technique")
    hierarchy.change_desk(actor, place.id, "Ateliers", place.parent_id)
    form = {"csrf_token": house.csrf(client), "name": place.name, "parent": str(place.parent_id)}
    shown = {"shown_name": place.name, "shown_parent": str(place.parent_id)}
    moved = client.post(f"{DESKS}/{place.id}", data={**form, **shown})
    assert (moved.status_code, "vient de modifier le nom" in words(moved)) == (409, True)
    assert desk("technique").name == "Ateliers"


def test_another_address_closes_the_sessions_and_the_administrators_hear_of_it(house: House) -> None:
    actor, inside = house.actor(K), house.client(G)
    a_second_administrator(actor.collectivity_id)
    house.drain()
    house.mail.letters.clear()
    moved = Particulars("Gwenola", "Tréhorel", "ailleurs@x.example", user(G).capacity, administrator=False)
    accounts.change(actor, user(G).id, moved)
    assert inside.get("/compte").status_code == 302
    assert (
        letters(house)["adm.deux@kerlann-sur-mer.example"]
        == "Paraphe : l’adresse de Gwenola Tréhorel a changé"
    )


def test_the_former_address_hears_of_it_though_the_account_is_closed_at_once(house: House) -> None:
    actor, former = house.actor(K), user(G).email
    house.drain()
    house.mail.letters.clear()
    moved = Particulars("Gwenola", "Tréhorel", "ailleurs@x.example", user(G).capacity, administrator=False)
    accounts.change(actor, user(G).id, moved)
    desks.close_account(actor.collectivity_id, G)
    assert letters(house)[former] == "Paraphe : votre compte a été modifié"


def test_no_link_is_shown_of_an_account_that_served_once_even_reopened(house: House) -> None:
    here, actor = house.actor(K).collectivity_id, house.actor(K)
    house.client(G)
    desks.close_account(here, G)
    desks.reopen_account(here, G)
    with pytest.raises(Refusal, match="link-not-shown"):
        accounts.show_link(actor, user(G).id)
    assert "Me montrer un lien" not in words(house.client(K).get(f"{PEOPLE}/{user(G).id}"))


def test_the_account_in_the_safe_goes_on_administering(house: House) -> None:
    actor = house.actor(K)
    gwenola = Particulars("Gwenola", "Tréhorel", user(G).email, user(G).capacity, administrator=True)
    accounts.change(actor, user(G).id, gwenola)
    desks.keep_for_emergency(actor.collectivity_id, G, reserved=True)
    with pytest.raises(Refusal, match="administrator-emergency"):
        accounts.change(
            actor, user(G).id, Particulars(*[*gwenola.__dict__.values()][:4], administrator=False)
        )


@pytest.mark.parametrize(
    "changed", [{"login": "parti-6"}, {"login": "k.mor\u0131zur"}, {"email": "é.q@x.example"}]
)
def test_what_could_never_work_is_refused_at_once(house: House, changed: dict[str, str]) -> None:
    """A login that a reduced account will have, one that looks like another, an address that no server takes."""
    typed = {**ENORA, **changed}
    with pytest.raises(Refusal, match="invalid"):
        arrivals.invite(house.actor(K), _arrival(typed["login"], email=typed["email"]), by_mail=True)


def test_the_journal_says_who_came_to_know_a_link(house: House) -> None:
    actor = house.actor(K)
    number, _ = arrivals.invite(actor, _arrival(), by_mail=True)
    accounts.show_link(actor, number)
    told = words(house.client(K).get("/administration/journal"))
    assert "lien montré à qui l’a demandé" in told
    assert "lien envoyé par courriel" in told


def test_a_superior_that_a_circuit_asks_without_naming_it_is_used_by_it(house: House) -> None:
    here = house.actor(K).collectivity_id
    with reading(here) as db:
        circuit = library.in_force(db, here)["other"].to_data()
    steps = [one for one in circuit["steps"] if one["kind"] == "visa"][:1]
    circuit["steps"].insert(
        0, {**steps[0], "key": "chef", "label": "Accord du chef", "who": [{"superior": 1}], "quorum": "any"}
    )
    circuits.publish(house.actor(K), "other", library.as_yaml(circuit))
    with reading() as db:
        child = db.scalars(
            sa.select(Desk).where(
                Desk.collectivity_id == here, Desk.parent_id.is_not(None), Desk.key == "finances"
            )
        ).one()
    page = words(house.client(K).get(f"{DESKS}/{child.parent_id}"))
    assert "étape « Accord du chef »" in page
    lone = hierarchy.open_desk(house.actor(K), "Service à part", None)
    assert "Accord du chef" not in words(house.client(K).get(f"{DESKS}/{lone}"))


def test_each_choice_counts_and_shows_those_it_names_with_the_certificate_of_who_signs(house: House) -> None:
    client = house.client(K)
    form = {"csrf_token": house.csrf(client), "way": "show"}
    assert client.post(f"{PEOPLE}/inviter", data={**ENORA, **form}).status_code == 302
    first, last = now() - timedelta(hours=1), now() + timedelta(days=3)
    zone = [f"{one.astimezone(PARIS):%Y-%m-%dT%H:%M}" for one in (first, last)]
    absent = house.actor("n.abgrallec")
    plan(absent, Wanted(absent.user_id or 0, None, *zone))
    desks.seat(house.actor(K).collectivity_id, "maire", "t.lescoat", [Right.SIGN])
    page = words(client.get(PEOPLE))
    for choice in ("Toutes", "À compléter", "Invitées 1", "Absentes 1", "Fermées 0"):
        assert choice in page
    assert "Certificat jusqu’au" in page
    assert "Sans certificat" in page
    away = words(client.get(f"{PEOPLE}?etat=absentes"))
    assert "Nolwenn Abgrallec" in away
    assert "1 personne " in away
    assert "Sans intérim" in away
    plan(absent, Wanted(absent.user_id or 0, house.actor("r.pellenec").user_id, *zone, acts=False))
    assert "Intérim : Ronan Pellenec, en partie" in words(client.get(f"{PEOPLE}?etat=absentes"))
    waiting = words(client.get(f"{PEOPLE}?etat=invitees"))
    assert "Enora Quéméner" in waiting
    assert "Nolwenn Abgrallec" not in waiting
    assert "Aucun compte fermé." in words(client.get(f"{PEOPLE}?etat=fermes"))
    lost = words(client.get(f"{PEOPLE}?etat=absentes&q=introuvable"))
    assert "Chercher parmi toutes" in lost


def test_a_desk_that_one_person_alone_serves_says_so_on_the_tree_and_on_its_page(house: House) -> None:
    client = house.client(K)
    assert "Tient à une personne" in words(client.get(DESKS))
    page = words(client.get(f"{DESKS}/{desk('direction').id}"))
    assert "Solenn Rivoal y est la seule personne à pouvoir viser et rejeter" in page
    desks.seat(house.actor(K).collectivity_id, "direction", "t.lescoat", [Right.ACT])
    assert "seule personne" not in words(client.get(f"{DESKS}/{desk('direction').id}"))
    # A desk that no circuit names, where the depositor sends a folder
    alone, page = "Ronan Pellenec y est la seule personne à pouvoir viser", f"{DESKS}/{desk('technique').id}"
    assert alone not in words(client.get(page))
    house.an_invoice(at="service_done")
    assert alone in words(client.get(page))
