"""What is kept about a person is given whole, without secrets, and reduced once he is gone to what the proofs need."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Base, engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders.models import StepRun
from app.journal.chain import verify
from app.journal.models import JournalEntry
from app.operations.persons.giving import give
from app.operations.persons.holdings import ENTERS, HELD
from app.operations.persons.reducing import reduce_account
from app.people import desks
from app.people.models import LoginSession, Person, User
from app.signing.models import Certificate, HandwrittenImage
from demo.cast import PASSWORD
from tests.builders.house import House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G, A, R = "k.morizur", "g.trehorel", "a.kervadec", "r.pellenec"
PAGE = "/administration/personnes"
SECRET = ("password_hash", "token_hash", "code_hash", "secret", "public_key", "nonce")


def test_an_administrator_reads_what_a_closing_leaves_then_closes_and_is_told_of(house: House) -> None:
    here, folder = house.actor(K).collectivity_id, house.an_invoice(at="service_done")
    client, leaver = house.client(K), house.client(R)
    number, form = house.actor(R).user_id, {"csrf_token": house.csrf(client)}
    address = f"{PAGE}/{number}/fermer"
    assert address in client.get(f"{PAGE}/{number}").get_data(as_text=True)
    page = client.get(address).get_data(as_text=True)
    assert "1 dossier n’attend que cette personne" in page
    assert f"Dossier n° {folder}." in page.replace("\xa0", " ")
    assert "Plus personne n’y pourrait" in page
    desks.seat(here, "technique", "n.abgrallec", [Right.ACT])
    page = client.get(address).get_data(as_text=True)
    assert "que cette personne" not in page
    assert "1 dossier passe à qui peut agir à la même étape" in page
    assert "Nolwenn Abgrallec." in page
    with engine().begin() as connection:  # as long as nobody has entered by her account, it is told
        asked = sa.select(User.person_id).where(User.login == "n.abgrallec").scalar_subquery()
        hers = sa.update(Person).where(Person.id == asked)
        kept = connection.scalar(sa.select(Person.password_hash).where(Person.id == asked))
        connection.execute(hers.values(password_hash=None))
    assert "Nolwenn Abgrallec (compte jamais ouvert)." in client.get(address).get_data(as_text=True)
    with engine().begin() as connection:
        connection.execute(hers.values(password_hash=kept))
    # Of a step that names him, no desk helps; who has his name is not him
    with engine().begin() as connection:
        awaited = connection.execute(
            sa.select(StepRun.id, StepRun.desk_id).where(StepRun.state == "active")
        ).one()
        by_name = sa.update(StepRun).where(StepRun.id == awaited.id)
        connection.execute(by_name.values(named_user_id=number, desk_id=None))
    page = client.get(address).get_data(as_text=True)
    assert "1 dossier nomme cette personne" in page
    assert "Aucun bureau ne donne cette étape à quelqu’un d’autre" in page
    with engine().begin() as connection:
        connection.execute(by_name.values(named_user_id=None, desk_id=awaited.desk_id))
        same = sa.select(User.first_name, User.last_name).where(User.id == number)
        first, last = connection.execute(same).one()
        namesake = sa.update(User).where(User.login == "n.abgrallec")
        former = connection.execute(
            sa.select(User.first_name, User.last_name).where(User.login == "n.abgrallec")
        ).one()
        connection.execute(namesake.values(first_name=first, last_name=last))
    assert "que cette personne" not in client.get(address).get_data(as_text=True)
    with engine().begin() as connection:
        connection.execute(namesake.values(**former._asdict()))
    desks.seat(here, "technique", "n.abgrallec", [])
    assert leaver.post(address, data={"csrf_token": house.csrf(leaver)}).status_code == 403
    own_page = f"{PAGE}/{house.actor(K).user_id}"
    assert f"{own_page}/fermer" not in client.get(own_page).get_data(as_text=True)
    asked = client.get(f"{own_page}/fermer", follow_redirects=True).get_data(as_text=True)
    assert "on ne ferme pas son propre compte" in asked  # said at once, and no button that would be refused
    assert "Fermer quand même" not in asked
    own = client.post(f"{own_page}/fermer", data=form)
    assert (own.status_code, "son propre compte" in own.get_data(as_text=True)) == (409, True)
    unsure = client.post(address, data=form)
    assert (unsure.status_code, "Motif de fermer quand même" in unsure.get_data(as_text=True)) == (422, True)
    form["reason"] = "Parti à la retraite"
    house.drain()
    house.mail.letters.clear()
    with engine().begin() as connection:  # who has been in for long says first who he is
        connection.execute(
            sa.update(LoginSession).values(created_at=now() - timedelta(days=1), proven_at=None)
        )
    assert "Confirmez que c’est vous" in client.post(address, data=form).get_data(as_text=True)
    assert leaver.get("/compte").status_code == 200
    done = client.post(address, data={**form, "answer": PASSWORD}, follow_redirects=True)
    assert "est fermé, et ses sessions avec lui" in done.get_data(as_text=True)
    assert leaver.get("/compte").status_code == 302
    again = client.post(address, data=form, follow_redirects=True).get_data(as_text=True)
    assert "est déjà fermé" in again
    early = client.post(f"{PAGE}/{number}/reduire", data=form)
    assert (early.status_code, "n’est pas encore parti" in early.get_data(as_text=True)) == (409, True)
    house.drain()
    told = {str(one["To"]).partition("<")[2]: str(one["Subject"]) for one in house.mail.letters}
    assert told == {"r.pellenec@kerlann-sur-mer.example>": "Paraphe\xa0: votre compte est fermé"}
    (letter,) = house.mail.letters
    # Who enters no more is offered no door
    assert not any(
        "Ouvrir Paraphe" in part.get_content() for part in letter.walk() if not part.is_multipart()
    )
    with reading() as db:
        closed = sa.select(JournalEntry).where(JournalEntry.event == "account.closed")
        (line,) = db.scalars(closed).all()
        assert line.who == "Katell Morizur"
        assert json.loads(line.facts)["reason"] == "Parti à la retraite"
    with reading() as db:
        assert verify(db, here)[1] is None


def test_two_administrators_never_close_one_another(house: House) -> None:
    here, two = house.actor(K).collectivity_id, ("adm.un", "adm.deux")
    for login in two:
        desks.create_user(
            here,
            login,
            email=f"{login}@x.example",
            first_name="A",
            last_name=login,
            capacity="",
            administrator=True,
        )
    one, other = (house.actor(login) for login in two)
    desks.close_account(here, two[1], by=one)
    with pytest.raises(Refusal, match="account-closed"):
        desks.close_account(here, two[0], by=other)


def test_every_column_that_names_an_account_is_given_and_no_secret_is() -> None:
    named = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if any(key.column.table.name == "user_account" for key in column.foreign_keys)
        or column.name in {"user_id", "asked_by_id"}
    }
    assert set(HELD) == named - {"journal_entry.user_id"}  # the journal is given apart
    entering = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if any(key.column.table.name == "person" for key in column.foreign_keys)
    }
    assert set(ENTERS) == entering - {"user_account.person_id"}
    for place, columns in {**HELD, **ENTERS}.items():
        table = Base.metadata.tables[place.partition(".")[0]]
        assert set(columns) <= set(table.columns.keys()), place
        assert not set(columns) & set(SECRET), place


@pytest.mark.law("RGP-02")
def test_what_is_kept_of_a_person_is_given_then_reduced_to_what_proves(house: House, tmp_path: Path) -> None:
    here = house.actor(K).collectivity_id
    folder = house.an_invoice()
    house.client(G)
    client = house.client(K)
    number = house.actor(G).user_id
    form = {"csrf_token": house.csrf(client)}
    with engine().begin() as connection:
        image = {"collectivity_id": here, "user_id": number, "png": b"png", "kept_at": now()}
        connection.execute(sa.insert(HandwrittenImage).values(**image))
    assert PAGE in client.get(PAGE).get_data(as_text=True)

    # Given to an administrator: his lines about folders without their facts, which an administrator may not read
    answer = client.post(f"{PAGE}/{number}/donnees", data=form)
    assert answer.status_code == 200
    kept = json.loads(answer.get_data(as_text=True))
    assert kept["person"]["email"].startswith("g.trehorel@")
    assert {one["id"] for one in kept["kept"]["folder.depositor_user_id"]} == {folder}
    assert "invoice" not in json.dumps(kept)  # of which family a number is, says what is payroll's
    assert kept["kept"]["login_session.user_id"][0]["address"] == "127.0.0.1"
    lines = {one["event"]: one for one in kept["journal"]}
    assert "facts" not in lines["folder.submit"]
    assert lines["login.opened"]["facts"]["way"] == "password"
    assert lines["account.opened"]["who"] == "Ligne de commande"
    # He is told, and the image that signs for him is his own
    house.drain()
    subjects = [str(one["Subject"]) for one in house.mail.letters]
    assert sum("vos données ont été exportées" in one for one in subjects) == 1
    assert set(kept["kept"]["handwritten_image.user_id"][0]) == {"kept_at"}
    assert any("signature manuscrite" in one for one in kept["not_here"])
    own = json.loads(give(here, G, whole=False, by=house.actor(G)))
    assert own["kept"]["handwritten_image.user_id"][0]["png"]
    # By the command: whole, in a file of one's own, never over another
    (siren,) = [kept["collectivity"]["siren"]]
    target, runner = tmp_path / "g.json", house.app.test_cli_runner()
    command = ["person", "export", siren, G, str(target)]
    assert runner.invoke(args=command).exit_code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    whole = json.loads(target.read_text())
    assert all("facts" in one for one in whole["journal"])
    assert whole["kept"]["folder.depositor_user_id"][0]["family"] == "invoice"
    for secret in ("argon2", "Katell"):
        assert secret not in json.dumps({**whole, "journal": []}, ensure_ascii=False)
    assert "existe déjà" in runner.invoke(args=command).output
    assert json.loads(target.read_text()) == whole

    # Nobody who works here is reduced, nor somebody of elsewhere, nor by somebody who is no administrator
    assert client.post(f"{PAGE}/{number}/reduire", data=form).status_code == 409
    assert client.post(f"{PAGE}/999999/reduire", data=form).status_code == 404
    other = house.client(A)
    assert other.post(f"{PAGE}/{number}/donnees", data={"csrf_token": house.csrf(other)}).status_code == 403

    desks.close_account(here, G)
    assert "Réduire" in client.get(f"{PAGE}/{number}").get_data(as_text=True)
    done = client.post(f"{PAGE}/{number}/reduire", data=form, follow_redirects=True)
    assert "Gwenola Tréhorel reste nommé" in done.get_data(as_text=True)
    left = json.loads(give(here, f"parti-{number}", whole=False))
    assert left["person"]["email"] == ""
    assert left["person"]["last_name"] == "Tréhorel"
    assert set(left["kept"]) == {"holder.user_id", "folder.depositor_user_id"}
    assert {one["recipient"] for one in left["letters"]} <= {"compte réduit"}
    assert reduce_account(here, f"parti-{number}").named
    with reading() as db:
        assert verify(db, here)[1] is None
    # The same lines as before, and one that says it, once
    events = [one["event"] for one in json.loads(give(here, f"parti-{number}", whole=True))["journal"]]
    assert events[: len(whole["journal"])] == [one["event"] for one in whole["journal"]]
    assert events.count("account.reduced") == 1
    with pytest.raises(Refusal, match="account-reduced"):
        desks.reopen_account(here, f"parti-{number}")
    with pytest.raises(Refusal) as unknown:
        give(here, G, whole=True)
    assert unknown.value.key == "user-unknown"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_name_stays_only_where_a_proof_bears_it(house: House) -> None:
    here = house.actor(K).collectivity_id
    desks.create_user(
        here, "jamais", email="jamais@kerlann.example", first_name="Jos", last_name="Jamais", capacity="Agent",
        password=PASSWORD,
    )  # fmt: skip
    for login in ("jamais", A):
        desks.close_account(here, login)
    assert not reduce_account(here, "jamais").named
    signer = reduce_account(here, A)
    assert signer.named
    with engine().connect() as db:
        assert not db.scalar(sa.select(sa.func.count(User.id)).where(User.last_name == "Jamais"))
        assert db.scalar(
            sa.select(sa.func.count(Certificate.id)).join(User).where(User.login == signer.login)
        )
        assert not db.scalar(
            sa.select(sa.func.count(LoginSession.id)).join(User).where(User.login == signer.login)
        )
        assert not db.scalar(sa.select(sa.func.count(Outbox.id)).where(Outbox.recipient.like("jamais%")))


def test_the_list_counts_one_person_as_one(house: House) -> None:
    page = house.client(K).get(PAGE).get_data(as_text=True)
    counts = re.findall(r'class="count">(\d+)<span class="visually-hidden"> (personnes?)</span>', page)
    few = {word for count, word in counts if int(count) < 2}
    assert (few, counts[0][1]) == ({"personne"}, "personnes")
