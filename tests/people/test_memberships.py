"""One person in two collectivities: one login and one set of proofs, and nothing of the one in the other."""

import html
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.core.security import token_hash
from app.core.transaction import use_case
from app.folders import sending
from app.folders.models import Folder
from app.journal.models import JournalEntry
from app.operations.examined.view import operates
from app.operations.persons import importing
from app.operations.persons.giving import give
from app.operations.persons.reducing import reduce_account
from app.people import accounts, applications, arrivals, desks, identity, login, persons, rules
from app.people.actor import Actor
from app.people.factors import resets
from app.people.models import Collectivity, Factor, LoginSession, Person, User
from app.signing import enrol
from app.signing.models import Certificate, SignatureProof
from app.trust.certificates import facts
from demo.cast import PASSWORD
from demo.seed import actor_of
from tests.builders.house import ACT, House, token_in
from tests.mailserver import MailServer
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

HERE, THERE, TOWN = "r.pellenec", "ronan.b", "Autre-Ville"
OFFICE, WHICH = "adm.ailleurs", "/compte/collectivite"


def words(answer: object) -> str:
    page = re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))  # type: ignore[attr-defined]
    return " ".join(html.unescape(page).split())


@dataclass
class Two:
    """Kerlann, where Ronan Pellenec works, and another town, whose administrator invites him."""

    house: House
    here: int
    other: int

    def invite(self, name: str = THERE, email: str | None = None) -> str:
        """An account of the other town that nobody has entered yet; the secret of its link."""
        desks.create_user(
            self.other,
            name,
            email=email or f"{HERE}@kerlann-sur-mer.example",
            first_name="Ronan",
            last_name="Pellenec",
            capacity="Secrétaire",
        )
        desks.seat(self.other, "finances", name, [Right.CREATE, Right.ACT])
        return desks.first_link(self.other, name)[0]

    def join(self) -> None:
        """He has joined with the login that he has."""
        persons.join(actor_of(HERE), self.invite())

    def post(self, client: FlaskClient, path: str, **form: str) -> object:
        return client.post(path, data={**form, "csrf_token": self.house.csrf(client)})

    def moves(self, client: FlaskClient, name: str) -> object:
        return self.post(client, WHICH, account=str(actor_of(name).user_id))


@pytest.fixture
def two(house: House) -> Two:
    """Each with its administrator and its journal."""
    other = desks.create_collectivity(
        "219909997", TOWN, department="029", district="1", nature="31", settings={}
    )
    desks.create_desk(other, "finances", "Finances d’ailleurs")
    desks.create_user(
        other,
        OFFICE,
        email="adm@ailleurs.example",
        first_name="Awen",
        last_name="Ailleurs",
        capacity="Secrétaire",
        password=PASSWORD,
        administrator=True,
    )
    return Two(house, house.actor(HERE).collectivity_id, other)


def lines(collectivity: int) -> list[tuple[str, str, str]]:
    with reading() as db:
        query = sa.select(JournalEntry.event, JournalEntry.who, JournalEntry.facts)
        found = query.where(JournalEntry.collectivity_id == collectivity).order_by(JournalEntry.seq)
        return [(row.event, row.who, row.facts) for row in db.execute(found)]


def who_is_at(client: FlaskClient) -> tuple[int | None, str]:
    said = client.get("/compte/session", headers={"Accept": "application/json"}).get_json()
    return said.get("account"), said.get("collectivity")


def knock(house: House, name: str, password: str = PASSWORD) -> tuple[FlaskClient, str | None]:
    client = house.app.test_client()
    token = token_in(client.get("/login").get_data(as_text=True))
    form = {"login": name, "password": password, "csrf_token": token}
    return client, client.post("/login", data=form).location


# An invitation


def test_an_invitation_says_the_same_of_whoever_enters_elsewhere_and_of_a_stranger(two: Two) -> None:
    client, answers = two.house.client(OFFICE), []
    for name, email in ((HERE, f"{HERE}@kerlann-sur-mer.example"), ("inconnu", "inconnu@ailleurs.example")):
        form = {
            "login": name,
            "first_name": "Ronan",
            "last_name": "Pellenec",
            "capacity": "Agent",
            "email": email,
        }
        answer = two.post(client, "/administration/personnes/inviter", **form, way="mail")
        page = words(client.get(answer.location))  # type: ignore[attr-defined]
        answers.append((answer.status_code, page.replace(name, "X")))  # type: ignore[attr-defined]
    assert answers[0] == answers[1]
    assert "Invitation valable" in answers[0][1]
    with reading() as db:
        sent = db.scalars(sa.select(Outbox.payload).where(Outbox.key.startswith("invited-")))
        assert len({json.dumps({**one, "user_id": 0, "nonce": ""}) for one in sent}) == 1
    # By a file too, whose lines are as those of a stranger
    file = "Prénom;Nom;Courriel;Identifiant;Qualité\r\nNolwenn;Abgrallec;n.a@kerlann.example;n.abgrallec;Agente\r\n"
    with reading() as db:
        planned = importing.plan(db, two.other, file.encode())
        assert (planned.faults, [one.state for one in planned.entries]) == ((), ["new"])
    admin = replace(actor_of(OFFICE), session_id=None)
    assert arrivals.bring(admin, [one.arrival for one in planned.entries]).opened == 1


def test_whoever_enters_already_joins_with_his_login_and_each_side_has_its_own_line(
    two: Two, mail: MailServer
) -> None:
    secret = two.invite()
    client = two.house.app.test_client()
    token = token_in(client.get("/mot-de-passe").get_data(as_text=True))
    taken = client.post("/mot-de-passe", data={"code": f"x#{secret}", "join": "yes", "csrf_token": token})
    assert taken.location == "/invitation"
    offer = words(client.get("/invitation"))
    assert f"Rejoindre {TOWN}" in offer
    assert "Ce que ses administrateurs verront" in offer
    assert "Kerlann" not in offer
    # He says who he is by the door itself, and comes back
    token = token_in(client.get("/login?suite=/invitation").get_data(as_text=True))
    form = {"login": HERE, "password": PASSWORD, "csrf_token": token}
    assert client.post("/login?suite=/invitation", data=form).location == "/invitation"
    offer = words(client.get("/invitation"))
    assert f"identifiant {HERE}" in offer
    assert "r…c@kerlann-sur-mer.example" in offer
    before = len(lines(two.here)), len(lines(two.other))
    assert two.post(client, "/invitation/rejoindre").location == "/a-traiter"  # type: ignore[attr-defined]
    assert who_is_at(client) == (actor_of(THERE).user_id, TOWN)
    assert TOWN in words(client.get("/a-traiter"))
    ours, theirs = lines(two.here)[before[0] :], lines(two.other)[before[1] :]
    assert [one[0] for one in ours] == ["account.shared", "login.closed"]
    assert [one[0] for one in theirs][-2:] == ["account.joined", "login.opened"]
    assert TOWN not in str(ours)
    assert "Kerlann" not in str(theirs)
    assert str(two.here) not in [json.loads(one[2]).get("collectivity") for one in theirs]
    two.house.drain()
    (told,) = [one for one in mail.letters if "invitation est acceptée" in str(one["Subject"])]
    assert TOWN in told.get_body(("plain",)).get_content()
    # The link has served
    with reading() as db, pytest.raises(Refusal, match="link-expired"):
        persons.invitation(db, secret)


def test_whoever_wants_an_account_apart_gets_a_login_of_his_own_and_the_former_is_untouched(two: Two) -> None:
    secret = two.invite(HERE, "ronan@ailleurs.example")
    assert desks.reset(secret, "une phrase pour ailleurs") == f"{HERE}-1"
    client, _ = knock(two.house, f"{HERE}-1", "une phrase pour ailleurs")
    assert who_is_at(client)[1] == TOWN
    assert WHICH not in client.get("/compte").get_data(as_text=True)
    client, where = knock(two.house, HERE)
    assert where == "/a-traiter"
    assert who_is_at(client)[1] != TOWN


def test_a_link_is_taken_up_once_by_one_person_and_never_twice_in_a_collectivity(two: Two) -> None:
    secret = two.invite()
    persons.join(actor_of(HERE), secret)
    again = desks.first_link(two.other, THERE)[0]
    for link in (secret, again, "0" * 64):
        with pytest.raises(Refusal, match="link-expired"):
            persons.join(actor_of("n.abgrallec"), link)
    second = two.invite("ronan.c")
    with pytest.raises(Refusal, match="membership-there"):
        persons.join(actor_of(HERE), second)
    desks.close_account(two.other, "ronan.c")
    with pytest.raises(Refusal, match="link-expired"):
        persons.join(actor_of("n.abgrallec"), second)
    # Nobody joins from an account that was closed since his page
    leaver = actor_of("n.abgrallec")
    third = two.invite("nolwenn.b", "n@ailleurs.example")
    desks.close_account(two.here, "n.abgrallec")
    with pytest.raises(Refusal, match="account-closed"):
        persons.join(leaver, third)


@pytest.mark.both_databases
def test_of_two_who_take_up_a_link_at_once_one_joins(two: Two) -> None:
    secret, people = two.invite(), [actor_of(one) for one in (HERE, "n.abgrallec", "g.trehorel")]

    def take(actor: Actor) -> str:
        try:
            persons.join(actor, secret)
        except Refusal as refusal:
            return refusal.key
        return "joined"

    with ThreadPoolExecutor(3) as pool:
        became = sorted(pool.map(take, people))
    assert became.count("joined") == 1
    assert set(became) <= {"joined", "link-expired", "busy"}


# One at a time


def test_he_says_for_whom_he_works_and_a_form_of_the_other_side_is_refused_with_its_words(two: Two) -> None:
    two.join()
    folder = two.house.an_invoice(at="service_done")
    client, where = knock(two.house, HERE)
    assert where == WHICH
    page = words(client.get(WHICH))
    assert "Pour qui travaillez-vous ?" in page
    assert TOWN in page
    assert who_is_at(client)[0] == actor_of(HERE).user_id
    old, before = two.house.csrf(client), two.house.folder(folder).version
    cookie = client.get_cookie("paraphe")
    assert two.moves(client, THERE).status_code == 302  # type: ignore[attr-defined]
    assert who_is_at(client) == (actor_of(THERE).user_id, TOWN)
    assert client.get(f"/dossiers/{folder}").status_code == 404
    # A form of a page of Kerlann, in another tab
    late = client.post(
        f"/dossiers/{folder}/rejeter",
        data={"reason": "Montant inexact", "version": str(before), "csrf_token": old},
    )
    said = words(late)
    assert late.status_code == 409
    assert f"vous travaillez maintenant pour {TOWN}" in said
    assert "Montant inexact" in said
    assert two.house.folder(folder).version == before
    # The former token opens nothing
    copied = two.house.app.test_client()
    assert cookie is not None
    copied.set_cookie("paraphe", cookie.value)
    assert copied.get("/a-traiter").status_code == 302
    # The next time, where he worked last comes first
    assert who_is_at(knock(two.house, HERE)[0])[0] == actor_of(THERE).user_id
    assert two.moves(client, HERE).status_code == 302  # type: ignore[attr-defined]
    assert client.get(f"/dossiers/{folder}").status_code == 200


def opened(two: Two, name: str) -> Actor:
    """Somebody in a session of his own, as the guard sees him."""
    client = two.house.client(HERE)
    if who_is_at(client)[0] != actor_of(name).user_id:
        two.moves(client, name)
    with reading() as db:
        last = sa.select(LoginSession.id).where(LoginSession.user_id == actor_of(name).user_id)
        number = db.scalar(last.order_by(LoginSession.id.desc()).limit(1))
    return replace(actor_of(name), session_id=number)


def test_a_session_moves_to_an_open_account_of_the_same_person_alone_and_is_no_fresher_by_it(
    two: Two,
) -> None:
    two.join()
    actor = opened(two, HERE)
    for wrong in (actor_of("n.abgrallec").user_id, actor_of(OFFICE).user_id, actor.user_id, 0):
        with pytest.raises(Refusal, match="membership-unknown"):
            login.move_session(actor, wrong or 0, "navigateur")
    with pytest.raises(Refusal, match="session-closed"):
        login.move_session(replace(actor, former=True), actor_of(THERE).user_id or 0, "navigateur")
    with engine().begin() as connection:
        old = now().replace(year=now().year - 1)
        table = LoginSession.__table__
        connection.execute(sa.update(table).values(created_at=old, proven_at=None, password_at=old))
    token = login.move_session(actor, actor_of(THERE).user_id or 0, "navigateur")
    with reading() as db:
        row = db.scalars(sa.select(LoginSession).order_by(LoginSession.id.desc()).limit(1)).one()
        former = db.get_one(LoginSession, actor.session_id)
    assert row.token_hash == token_hash(token)
    assert (row.created_at, row.expires_at, row.user_id) == (old, former.expires_at, actor_of(THERE).user_id)
    assert former.revoked_at is not None
    with pytest.raises(Refusal, match="identity-needed"):
        identity.refuse_stale(replace(actor_of(THERE), session_id=row.id))
    with pytest.raises(Refusal, match="session-closed"):
        login.move_session(actor, actor_of(THERE).user_id or 0, "navigateur")
    desks.close_account(two.here, HERE)
    with pytest.raises(Refusal, match="membership-unknown"):
        login.move_session(replace(actor_of(THERE), session_id=row.id), actor.user_id or 0, "navigateur")


@pytest.mark.both_databases
def test_of_two_moves_at_once_one_session_is_left_and_a_closing_beside_leaves_none(two: Two) -> None:
    two.join()
    actor, number = opened(two, HERE), actor_of(THERE).user_id or 0

    def move(_: int) -> str:
        try:
            return login.move_session(actor, number, "navigateur") and "moved"
        except Refusal as refusal:
            return refusal.key

    with ThreadPoolExecutor(4) as pool:
        became = list(pool.map(move, range(3)))
        pool.submit(desks.close_account, two.other, THERE).result()
    assert became.count("moved") == 1
    with reading() as db:
        live = sa.select(sa.func.count(LoginSession.id)).where(
            LoginSession.user_id == number, LoginSession.revoked_at.is_(None)
        )
        assert db.scalar(live) == 0


def test_a_factor_that_one_side_demands_holds_when_he_works_for_it(two: Two) -> None:
    two.join()
    rules.choose(
        applications.by_command(two.other), rules.Rule(rules.Who.EVERYBODY), identity.refuse_stale_in
    )
    client = two.house.client(HERE)
    assert who_is_at(client)[0] == actor_of(HERE).user_id
    assert client.get("/a-traiter").status_code == 200
    two.moves(client, THERE)
    assert client.get("/a-traiter").location == "/compte/protection"
    assert client.get(WHICH).status_code == 200
    two.moves(client, HERE)
    assert client.get("/a-traiter").status_code == 200


# What each side may


def with_factor(name: str) -> None:
    with engine().begin() as connection:
        row = {"person_id": actor_of(name).person_id, "kind": "totp", "name": "Téléphone", "transports": []}
        connection.execute(sa.insert(Factor).values(**row, created_at=now(), trusted_from=now()))


@pytest.mark.both_databases
def test_an_administrator_reaches_nothing_that_opens_the_other_side(two: Two, mail: MailServer) -> None:
    admin, mine = replace(actor_of(OFFICE), session_id=None), actor_of(HERE)
    # A link asked while he was of one collectivity alone serves no more once he is of two
    planted = desks.first_link(two.here, HERE)[0]
    two.join()
    client = two.house.client(HERE)
    assert who_is_at(client)[0] == mine.user_id
    with_factor(HERE)
    with pytest.raises(Refusal, match="link-expired"):
        desks.reset(planted, "une phrase nouvelle")
    number = actor_of(THERE).user_id or 0
    for act in (
        lambda: accounts.send_link(admin, number),
        lambda: resets.ask(admin, number, "téléphone perdu"),
    ):
        with pytest.raises(Refusal, match="person-shared"):
            act()
    with pytest.raises(Refusal, match="link-not-shown"):
        accounts.show_link(admin, number)
    # The address of mail is each one's; a forgotten password is answered where the person said
    moved = accounts.Particulars(
        "Ronan", "Pellenec", "piege@ailleurs.example", "Secrétaire", administrator=False
    )
    assert accounts.change(admin, number, moved)
    two.house.drain()
    mail.clear()
    desks.ask_reset(HERE)
    two.house.drain()
    assert [one for one in mail.letters if "piege" in str(one["To"])] == []
    assert len(mail.to(f"{HERE}@kerlann-sur-mer.example")) == 1
    # Closing there closes nothing here, and the other way round
    desks.close_sessions(admin, number)
    desks.close_account(two.other, THERE, by=admin)
    assert client.get("/a-traiter").status_code == 200
    assert knock(two.house, HERE)[1] == "/login/facteur"
    two.house.drain()
    assert reduce_account(two.other, THERE).login == f"parti-{number}"
    with reading() as db:
        person = db.get_one(Person, mine.person_id)
        assert (person.login, bool(person.password_hash)) == (HERE, True)
        assert db.scalar(sa.select(Factor.removed_at)) is None
    # Alone again, he is as anybody else
    resets.by_operator(two.here, HERE, "téléphone perdu, reconnu au guichet")
    assert knock(two.house, HERE)[1] == "/a-traiter"


def test_a_reset_asked_before_he_joined_is_not_confirmed_after(two: Two) -> None:
    with_factor(HERE)
    first = replace(actor_of("k.morizur"), session_id=None)
    resets.ask(first, actor_of(HERE).user_id, "téléphone perdu")
    desks.create_user(
        two.here,
        "adm.deux",
        email="adm.deux@x.example",
        first_name="A",
        last_name="Deux",
        capacity="",
        administrator=True,
    )
    two.join()
    with reading() as db:
        (waiting,) = resets.waiting(db, two.here)
    with pytest.raises(Refusal, match="person-shared"):
        resets.settle(replace(actor_of("adm.deux"), session_id=None), waiting.id, confirm=True)
    # Who runs the installation does it, and every session of the person closes
    client = two.house.app.test_cli_runner()
    done = client.invoke(args=["people", "reset-factors", "219909997", THERE, "--reason", "reconnu"])
    assert done.exit_code == 0
    listed = client.invoke(args=["people", "memberships", HERE]).output
    assert TOWN in listed
    assert len(listed.splitlines()) == 2
    assert client.invoke(args=["people", "memberships", "personne"]).exit_code == 1


def test_reopened_while_he_works_elsewhere_an_account_is_an_invitation_again(two: Two) -> None:
    two.join()
    with_factor(HERE)
    desks.close_account(two.here, HERE)
    link, _ = desks.reopen_account(two.here, HERE)
    assert actor_of(HERE).person_id is None
    client, where = knock(two.house, HERE)
    assert where == "/login/facteur"  # his password and his factors are as they were
    persons.join(actor_of(THERE), link)
    with reading() as db:
        assert len(persons.memberships(db, actor_of(THERE).person_id)) == 2
    assert client.get("/a-traiter").status_code == 302


def test_the_recovery_address_is_changed_by_the_person_who_proves_himself(two: Two, mail: MailServer) -> None:
    two.join()
    client = two.house.client(HERE)
    wrong = two.post(client, "/compte/recuperation", email="pas une adresse")
    assert wrong.status_code == 422  # type: ignore[attr-defined]
    two.house.drain()
    mail.clear()
    assert two.post(client, "/compte/recuperation", email="ronan@chez-lui.example").status_code == 302  # type: ignore[attr-defined]
    two.house.drain()
    assert len(mail.to("ronan@chez-lui.example")) == len(mail.to(f"{HERE}@kerlann-sur-mer.example")) == 1
    mail.clear()
    desks.ask_reset(HERE)
    two.house.drain()
    assert len(mail.to("ronan@chez-lui.example")) == 1
    assert mail.to(f"{HERE}@kerlann-sur-mer.example") == []
    with engine().begin() as connection:
        table, old = LoginSession.__table__, now().replace(year=now().year - 1)
        connection.execute(sa.update(table).values(created_at=old, proven_at=None, password_at=old))
    asked = two.post(client, "/compte/recuperation", email="voleur@ailleurs.example")
    assert asked.status_code == 403  # type: ignore[attr-defined]
    with reading() as db:
        assert db.get_one(Person, actor_of(HERE).person_id).email == "ronan@chez-lui.example"
    with pytest.raises(Refusal, match="account-closed"):
        persons.choose_recovery(replace(actor_of(HERE), session_id=None, person_id=None), "x@x.example")


def test_each_collectivity_gives_its_own_part_of_what_is_kept_of_him(two: Two) -> None:
    two.join()
    with_factor(HERE)
    two.house.client(HERE)
    for place, name, foreign in ((two.here, HERE, TOWN), (two.other, THERE, "Kerlann-sur-Mer")):
        given = give(place, name, whole=False, by=actor_of("k.morizur" if place == two.here else OFFICE))
        kept = json.loads(given)
        assert (kept["enters"], "factor.person_id" in kept["kept"]) == ({}, False)
        assert foreign not in given.replace(f"{HERE}@kerlann-sur-mer.example", "")
        own = json.loads(give(place, name, whole=True, by=actor_of(name)))
        assert own["enters"]["login"] == HERE
        assert len(own["kept"]["factor.person_id"]) == 1


# Certificates


def of(name: str) -> Iterator[Certificate]:
    with reading() as db:
        query = sa.select(Certificate).where(Certificate.user_id == actor_of(name).user_id)
        yield from db.scalars(query.order_by(Certificate.id)).all()


def enrols(two: Two, name: str, label: str, proof: enrol.Proof = enrol.Proof.CHALLENGE) -> None:
    der = two.house.pki.certificate(label)
    enrol.enrol(actor_of(name), actor_of(name).user_id or 0, facts(der), der, proof=proof)


@pytest.mark.both_databases
def test_a_certificate_follows_its_owner_and_each_side_judges_it_for_itself(two: Two) -> None:
    mayor, there = "a.kervadec", "armel.b"
    enrols(two, mayor, "a_kervadec")
    desks.create_user(
        two.other, there, email="a@b.example", first_name="Armel", last_name="Kervadec", capacity="Président"
    )
    persons.join(actor_of(mayor), desks.first_link(two.other, there)[0])
    ours = {one.fingerprint for one in of(mayor) if one.withdrawn_at is None and one.proof != "declared"}
    carried = list(of(there))
    assert {one.fingerprint for one in carried} == ours
    assert ours
    assert all(one.carried and not one.to_confirm and one.proof == "challenge" for one in carried)
    assert all(one.collectivity_id == two.other for one in carried)
    with reading(two.other) as db:
        assert enrol.doubles(db) == []
        assert len(enrol.enrolled_of(db, actor_of(there).user_id)) == len(ours)
    # Enrolled there, it follows here; a name that is not his waits in each
    enrols(two, there, "rsa3072")
    assert {one.to_confirm for one in of(there) if one not in carried and not one.carried} == {True}
    assert any(one.carried and one.to_confirm for one in of(mayor))
    # Somebody else has none of them
    with pytest.raises(Refusal, match="certificate-taken"):
        enrols(two, OFFICE, "a_kervadec")
    # An administrator ends it in his collectivity; its owner, everywhere
    (first, *_) = carried
    enrol.withdraw(replace(actor_of(OFFICE), session_id=None), first.id, "fin de fonction")
    assert next(one for one in of(mayor) if one.fingerprint == first.fingerprint).withdrawn_at is None
    mine = next(one for one in of(mayor) if one.carried)
    enrol.withdraw(replace(actor_of(mayor), session_id=None), mine.id)
    assert all(one.withdrawn_at is not None for one in of(there))
    told = [json.loads(one[2]) for one in lines(two.other) if one[0] == "certificate.withdrawn"]
    assert [one["fingerprint"] for one in told] == [first.fingerprint, mine.fingerprint]


def test_he_signs_there_with_the_certificate_that_he_enrolled_here_and_leaves_its_proof_there(
    two: Two,
) -> None:
    mayor, there, house = "a.kervadec", "armel.b", two.house
    enrols(two, mayor, "a_kervadec")
    desks.create_user(
        two.other, there, email="a@b.example", first_name="Armel", last_name="Kervadec", capacity="Président"
    )
    for key in ("secretariat", "direction", "maire"):
        desks.create_desk(two.other, key, f"Bureau {key}")
        desks.seat(two.other, key, there, [Right.CREATE, Right.ACT, Right.SIGN])
    persons.join(actor_of(mayor), desks.first_link(two.other, there)[0])
    folder = house.deposit(there, "other", ACT)
    house.save(folder, there, {"subject": "Plan du port"})
    sending.send(actor_of(there), folder, version=house.folder(folder).version)
    if house.folder(folder).place == "direction":
        house.approve(folder, there)
    house.sign(folder, there, "a_kervadec")
    assert house.folder(folder).phase == "done"
    with reading(two.other) as db:
        (proof,) = db.scalars(sa.select(SignatureProof)).all()
        assert (proof.collectivity_id, db.get_one(Folder, folder).collectivity_id) == (two.other, two.other)
    with reading(two.here) as db:
        assert db.scalars(sa.select(SignatureProof)).all() == []


def test_what_is_not_proven_or_seals_does_not_follow(two: Two) -> None:
    enrols(two, HERE, "rsa3072", enrol.Proof.DECLARED)
    two.join()
    assert list(of(THERE)) == []


@use_case
def other_rows(db: object, actor: Actor) -> int:
    """What a verb of this person sees of the other side."""
    return len(db.scalars(sa.select(Folder)).all())  # type: ignore[attr-defined]


def test_his_verbs_see_one_side_and_the_software_of_a_side_is_as_before(two: Two) -> None:
    two.house.an_invoice()
    token = applications.create_application(two.here, "Logiciel", "finances", [Right.ACT])
    two.join()
    assert (other_rows(actor_of(HERE)), other_rows(actor_of(THERE))) == (1, 0)
    with two.house.app.test_request_context(), reading() as db:
        found = login.application(db, token, "")
    assert found is not None
    assert (found.collectivity_id, found.person_id) == (two.here, None)
    with reading(two.other) as db:
        assert db.scalars(sa.select(User.login)).all() == [OFFICE, THERE]
        assert db.scalar(sa.select(sa.func.count(Collectivity.id))) == 2


def test_who_runs_the_installation_is_named_by_the_login_of_the_door(two: Two) -> None:
    """An account that another town calls as the operator's is not his."""
    settings = two.house.settings.model_copy(update={"operators": frozenset({"k.morizur"})})
    desks.create_user(
        two.other,
        "k.morizur",
        email="k@ailleurs.example",
        first_name="Katell",
        last_name="Autre",
        capacity="Agente",
        administrator=True,
    )
    desks.reset(desks.first_link(two.other, "k.morizur")[0], "une phrase pour ailleurs")
    with reading() as db:
        users = db.scalars(sa.select(User).where(User.login == "k.morizur").order_by(User.id)).all()
        said = [operates(db, login.of_user(db, one, ""), settings) for one in users]
    assert said == [True, False]


def test_the_last_administrator_who_works_elsewhere_is_as_any_other(two: Two) -> None:
    admin = actor_of(OFFICE)
    desks.create_user(
        two.here, "awen.k", email="awen@k.example", first_name="Awen", last_name="Ailleurs", capacity="Agente"
    )
    persons.join(admin, desks.first_link(two.here, "awen.k")[0])
    with pytest.raises(Refusal, match="account-own"):
        desks.close_account(two.other, OFFICE, by=replace(admin, session_id=None))
    client = two.house.client(OFFICE)
    two.moves(client, "awen.k")
    assert client.get("/administration").status_code == 403
