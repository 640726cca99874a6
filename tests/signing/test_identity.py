"""A session left open does not sign: who is there is asked again, once for a batch, and what a thief tries is told."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from pydantic import SecretStr

from app.batches import gesture
from app.circuits.models import FolderType
from app.core.db import Db, engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.journal import origins
from app.journal.models import JournalEntry
from app.people import identity
from app.people.actor import Actor, Seat
from app.people.models import Application, Desk, LoginSession, MandateRow, User
from app.signing import enrol, sign
from app.signing.keys.browser import BrowserKey
from demo.cast import PASSWORD
from tests.batches.town import marked
from tests.builders.house import House
from tests.signing.test_enrolment import ASK, PROVE, answer, offer, send
from tests.signing.test_rights_lost import A, finish, prepared
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K = "k.morizur"
CONFIRM = "/compte/confirmer"


def age(minutes: int = 20) -> None:
    """Every open session was proven so long ago."""
    moment = f"2026-01-01 00:{minutes:02}:00"
    with engine().begin() as connection:
        connection.execute(sa.text(f"UPDATE login_session SET created_at = '{moment}', proven_at = NULL"))


@pytest.fixture(autouse=True)
def _five_minutes(house: House) -> Iterator[None]:
    identity.configure(5)
    yield
    identity.configure(house.settings.reauth_minutes)


def signing(house: House, client: FlaskClient, folder_id: int) -> Any:
    key = house.key("a_kervadec")
    body = offer(key, version=house.folder(folder_id).version)
    return send(house, client, f"/dossiers/{folder_id}/signature/preparer", body)


def confirming(house: House, client: FlaskClient, password: str) -> Any:
    return send(house, client, CONFIRM, {"answer": password})


def events(name: str) -> list[dict[str, Any]]:
    with reading() as db:
        query = sa.select(JournalEntry).where(JournalEntry.event == name)
        return [facts for _, facts in origins.as_read(db, db.scalars(query).all())]


def test_a_fresh_login_is_asked_nothing(house: House) -> None:
    folder_id, client = house.an_invoice(at="bon_a_payer"), house.client(A)
    body, token = prepared(house, client, folder_id)
    assert finish(client, folder_id, body, token).get_json()["state"] == "done"


def test_whoever_is_asked_and_gives_up_leaves_a_line_in_both_logs(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_id, client = house.an_invoice(at="bon_a_payer"), house.client(A)
    assert send(house, client, CONFIRM, {"given_up": True}).status_code == 200
    for shapeless in ([], "x", 1):  # proves nothing, and breaks nothing
        assert send(house, client, CONFIRM, shapeless).status_code == 403
    assert events("identity.given_up") == []  # nobody was asked
    age()
    capsys.readouterr()
    signing(house, client, folder_id)
    send(house, client, CONFIRM, {"given_up": True})
    told = [json.loads(one) for one in capsys.readouterr().err.splitlines() if "identity.asked" in one]
    assert [one["what"] for one in told] == ["asked", "given_up"]
    assert (told[0]["folder"], told[0]["phase"], told[0]["address"]) == (folder_id, "prepare", "127.0.0.1")
    assert {one["user"] for one in told} == {house.actor(A).user_id}
    assert [one["address"] for one in events("identity.given_up")] == ["127.0.0.1"]


def test_an_old_session_signs_once_it_has_proven_who_is_there(house: House) -> None:
    folder_id, client = house.an_invoice(at="bon_a_payer"), house.client(A)
    age()
    refused = signing(house, client, folder_id)
    assert (refused.status_code, refused.get_json()["key"]) == (403, "identity-needed")
    assert "signature.refused" not in house.journal(folder_id)  # a question is no refusal
    assert confirming(house, client, PASSWORD).get_json() == {"state": "proven"}
    body, token = prepared(house, client, folder_id)
    age()  # what was prepared in time is finished, however long the key takes
    assert finish(client, folder_id, body, token).get_json()["state"] == "done"


def test_a_proof_serves_its_own_session_alone(house: House) -> None:
    folder_id, here, elsewhere = house.an_invoice(at="bon_a_payer"), house.client(A), house.client(A)
    age()
    confirming(house, here, PASSWORD)
    assert signing(house, elsewhere, folder_id).get_json()["key"] == "identity-needed"
    assert signing(house, here, folder_id).status_code == 200


def test_the_verb_refuses_and_not_the_page_alone(house: House) -> None:
    folder_id, client = house.an_invoice(at="bon_a_payer"), house.client(A)
    age()
    with reading() as db:
        row = db.scalars(sa.select(LoginSession).order_by(LoginSession.id.desc()).limit(1)).one()
    actor = Actor(**{**vars(house.actor(A)), "session_id": row.id})
    key = house.key("a_kervadec")
    with pytest.raises(Refusal, match="identity-needed"):
        sign.prepare(
            actor,
            folder_id,
            version=house.folder(folder_id).version,
            key=BrowserKey(key.certificate, tuple(key.chain)),
        )
    del client


def test_wrong_answers_are_counted_told_and_close_the_session(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_id, client = house.an_invoice(at="bon_a_payer"), house.client(A)
    age()
    guess = "un mot de passe deviné"
    for left in range(identity.MOST_WRONG - 1, 0, -1):
        wrong = confirming(house, client, guess)
        assert (wrong.status_code, wrong.get_json()["key"]) == (403, "identity-refused")
        assert f"encore {left} fois" in wrong.get_json()["detail"]
    assert signing(house, client, folder_id).get_json()["key"] == "identity-needed"
    assert confirming(house, client, guess).get_json()["key"] == "identity-closed"
    assert client.get("/compte").status_code == 302  # the session is closed
    assert len(events("identity.refused")) == identity.MOST_WRONG - 1
    assert events("identity.closed")[0]["address"] == "127.0.0.1"
    said = capsys.readouterr().err
    outcomes = [json.loads(line)["what"] for line in said.splitlines() if '"identity.asked"' in line]
    assert outcomes == ["refused"] * (identity.MOST_WRONG - 1) + ["asked", "closed"]
    with engine().connect() as connection:
        kept = connection.execute(sa.text("SELECT facts FROM journal_entry")).scalars().all()
    assert guess not in said + " ".join(kept)
    with reading() as db:
        told = set(db.scalars(sa.select(Outbox.recipient).where(Outbox.key.startswith("session_closed-"))))
        query = sa.select(User.email).where(sa.or_(User.administrator.is_(True), User.login == A))
        assert told == set(db.scalars(query))
    house.drain()
    assert any(
        "Une session a été fermée" in one.get_body(("plain",)).get_content() for one in house.mail.letters
    )


def test_a_right_answer_forgives_the_wrong_ones_before(house: House) -> None:
    client = house.client(A)
    for _ in range(2):
        for _ in range(identity.MOST_WRONG - 1):
            confirming(house, client, "faux")
        assert confirming(house, client, PASSWORD).status_code == 200


def test_guessing_is_slowed_as_at_the_door(house: House) -> None:
    house.app.config["LOGIN_RATE"] = "2 per minute"
    client = house.client(A)
    told = [confirming(house, client, "faux").status_code for _ in range(3)]
    assert told == [403, 403, 429]


def test_without_script_the_page_asks_and_goes_back_where_one_was(house: House) -> None:
    client = house.client(A)
    page = client.get(f"{CONFIRM}?suite=/compte/certificats")
    assert "Mot de passe de votre compte Paraphe" in page.get_data(as_text=True)
    token = house.csrf(client)
    wrong = client.post(f"{CONFIRM}?suite=/compte/certificats", data={"answer": "faux", "csrf_token": token})
    assert (wrong.status_code, "Ce n’est pas confirmé" in wrong.get_data(as_text=True)) == (403, True)
    right = client.post(
        f"{CONFIRM}?suite=/compte/certificats", data={"answer": PASSWORD, "csrf_token": token}
    )
    assert right.location == "/compte/certificats"
    away = client.post(f"{CONFIRM}?suite=//ailleurs.example", data={"answer": PASSWORD, "csrf_token": token})
    assert away.location == "/a-traiter"


def test_a_batch_asks_once_and_then_no_more(house: House) -> None:
    first, second = (
        house.an_invoice(at="bon_a_payer"),
        house.an_invoice(at="bon_a_payer", number="F-2026-778"),
    )
    client = house.client(A)
    wanted = {one: house.folder(one).version for one in (first, second)}
    batch = gesture.propose(house.actor(A), "sign", wanted)
    key = house.key("a_kervadec")
    age()
    refused = send(house, client, marked(f"/lots/{batch}/cle"), offer(key))
    assert refused.get_json()["key"] == "identity-needed"
    confirming(house, client, PASSWORD)
    holder = send(house, client, marked(f"/lots/{batch}/cle"), offer(key)).get_json()["holder"]
    age()  # a long batch
    ready = send(house, client, f"/lots/{batch}/preparer", {**offer(key), "holder": holder})
    assert len(ready.get_json()["folders"]) == 2
    again = send(house, client, marked(f"/lots/{batch}/cle"), offer(key))
    assert again.get_json()["key"] == "identity-needed"  # another page that would take it up is asked


def test_software_signs_for_nobody(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor = house.actor(A)
    seats = tuple(Seat(one.desk_id, one.key, one.name, Rights.of(*Right)) for one in mayor.seats)
    software = Actor(
        kind="application",
        collectivity_id=mayor.collectivity_id,
        name="Logiciel",
        application_id=1,
        seats=seats,
    )
    key = house.key("a_kervadec")
    with pytest.raises(Refusal, match="signature-of-software"):
        sign.prepare(
            software,
            folder_id,
            version=house.folder(folder_id).version,
            key=BrowserKey(key.certificate, tuple(key.chain)),
        )


# a stolen session


def test_a_stolen_session_enrols_nothing_without_the_password(house: House) -> None:
    client = house.client(A)
    age()
    refused = send(house, client, ASK, offer(house.key("rsa4096")))
    assert refused.get_json()["key"] == "identity-needed"


def test_a_stolen_session_that_is_fresh_enrols_a_strange_name_that_waits_and_is_told(house: House) -> None:
    """The thief has the session, within five minutes of the login, and a key of his own that the house trusts."""
    client, key = house.client(A), house.key("rsa4096")
    asked = send(house, client, ASK, offer(key)).get_json()
    assert send(house, client, PROVE, answer(key, asked)).status_code == 200
    folder_id = house.an_invoice(at="bon_a_payer")
    body = offer(key, version=house.folder(folder_id).version)
    refused = send(house, client, f"/dossiers/{folder_id}/signature/preparer", body)
    assert refused.get_json()["key"] == "certificate-to-confirm"
    with reading() as db:
        query = sa.select(Outbox.recipient).where(Outbox.key.startswith("certificate_enrolled-"))
        told = set(db.scalars(query))
        owner = db.scalar(sa.select(User.email).where(User.login == A))
    assert owner in told
    assert len(told) > 1
    with reading() as db:
        row = enrol.certificates_of(db, house.actor(A).user_id or 0)[0]
    page = f"/administration/certificats/{row.id}"
    assert client.get(page).status_code == 403  # and no administrator's page opens to it


def test_an_administrator_s_stolen_session_confirms_nothing_without_the_password(house: House) -> None:
    client, key = house.client(A), house.key("rsa4096")
    asked = send(house, client, ASK, offer(key)).get_json()
    send(house, client, PROVE, answer(key, asked))
    with reading() as db:
        row = enrol.certificates_of(db, house.actor(A).user_id or 0)[0]
    admin = house.client(K)
    token = house.csrf(admin)
    age()
    page = f"/administration/certificats/{row.id}"
    form = {"action": "confirm", "csrf_token": token}
    asked = admin.post(page, data=form)
    assert (asked.status_code, "Confirmez que c’est vous" in asked.get_data(as_text=True)) == (403, True)
    wrong = admin.post(page, data={**form, "answer": "deviné"})
    assert (wrong.status_code, "Ce n’est pas confirmé" in wrong.get_data(as_text=True)) == (403, True)
    with reading() as db:
        assert db.get_one(type(row), row.id).to_confirm


@pytest.mark.parametrize(
    "form",
    [{"action": "purpose", "purpose": "seal"}, {"action": "end", "reason": "Carte « volée »"}],
)
def test_an_administrator_s_act_goes_on_with_the_answer_and_is_not_asked_again(
    house: House, form: dict[str, str]
) -> None:
    """The finding: an administrator's open session made the mayor's certificate a seal's, and he signed no more."""
    with reading() as db:
        (row,) = enrol.certificates_of(db, house.actor(A).user_id or 0)
    admin = house.client(K)
    form["csrf_token"] = house.csrf(admin)
    age()
    page = f"/administration/certificats/{row.id}"
    asked = admin.post(page, data=form).get_data(as_text=True)
    back = admin.post(page, data={**form, "given_up": "1"})
    shown = admin.get(back.location).get_data(as_text=True)
    assert (
        form.get("reason", "") in shown
    )  # what was typed is still there, and nobody believes that it is done
    assert "Vous avez renoncé à confirmer" in shown
    assert f'value="{form.get("purpose", "acts")}" selected' in shown
    assert len(events("identity.given_up")) == 1
    with reading() as db:
        now = db.get_one(type(row), row.id)
        assert (now.purpose, now.withdrawn_at) == ("acts", None)
    kept = dict(re.findall(r'name="(action|reason|purpose)" value="([^"]*)"', asked))
    assert kept == {name: form[name] for name in form if name != "csrf_token"}
    done = admin.post(page, data={**kept, "csrf_token": form["csrf_token"], "answer": PASSWORD})
    assert done.location == "/administration/certificats"
    with reading() as db:
        now = db.get_one(type(row), row.id)
        assert (now.purpose == "seal", now.withdrawn_at is not None) == (
            form["action"] == "purpose",
            form["action"] == "end",
        )


def test_one_s_own_certificate_is_withdrawn_without_a_question(house: House) -> None:
    """Whoever fears for his key is not slowed down: less signs, nothing more."""
    with reading() as db:
        (row,) = enrol.certificates_of(db, house.actor(A).user_id or 0)
    client = house.client(A)
    token = house.csrf(client)
    age()
    assert client.post(f"/compte/certificats/{row.id}/retirer", data={"csrf_token": token}).status_code == 302
    with reading() as db:
        assert enrol.certificates_of(db, house.actor(A).user_id or 0) == []


def test_a_stolen_session_changes_no_password_and_reads_no_address(house: House) -> None:
    """The way to a new password is a letter to its owner; no page that a signatory opens shows anybody's address."""
    house.an_invoice(at="bon_a_payer")
    client = house.client(A)
    with reading() as db:
        addresses = set(db.scalars(sa.select(User.email)))
    for rule in house.app.url_map.iter_rules():
        if (
            "GET" not in (rule.methods or ())
            or rule.arguments
            or rule.rule.startswith(("/api", "/health", "/static"))
        ):
            continue
        said = client.get(rule.rule).get_data().decode(errors="replace")  # one is a ZIP, not compressed
        assert not [one for one in addresses if one in said], rule.rule
        knows_it = rule.rule in {
            "/login",
            "/compte/mot-de-passe",
            "/mot-de-passe",
        }  # they ask for the present password too, or for the code of a letter
        assert not re.search(r'name="(new_password|password)"', said) or knows_it, rule.rule
    token = house.csrf(client)
    client.post("/mot-de-passe-oublie", data={"login": A, "csrf_token": token})
    with reading() as db:
        query = sa.select(Outbox.recipient).where(Outbox.key.startswith("reset-"))
        assert list(db.scalars(query)) == [db.scalar(sa.select(User.email).where(User.login == A))]


def test_who_is_there_is_asked_by_a_port_that_other_logins_implement(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Code:
        """A second factor, as one will come."""

        key, label, hint, autocomplete = "code", "Code de votre téléphone", "Six chiffres.", "one-time-code"
        typed = True

        def serves(self, db: Db, user: User) -> bool:
            del db
            return user.login == A

        def proof(self, user: User, answer: SecretStr, session_id: int | None) -> identity.Proof | None:
            right = session_id is not None and answer.get_secret_value() == "123456"
            return identity.Proof("code", {}, None, lambda _db: True, None) if right else None

    monkeypatch.setattr(identity, "WAYS", [Code(), *identity.WAYS])
    client = house.client(A)
    age()
    assert confirming(house, client, PASSWORD).status_code == 403
    assert confirming(house, client, "123456").status_code == 200
    assert "Code de votre téléphone" in client.get(CONFIRM).get_data(as_text=True)
    assert "Mot de passe de votre compte" in house.client(K).get(CONFIRM).get_data(as_text=True)
    # The page that asks is asked for the same proof as its verb
    for login, label in ((A, "Code de votre téléphone"), (K, "Mot de passe de votre compte")):
        assert label in house.client(login).get("/compte/certificats").get_data(as_text=True)


def test_what_became_of_an_answer_is_one_transaction(house: House) -> None:
    client = house.client(A)
    del client
    with reading() as db:
        row = db.scalars(sa.select(LoginSession).order_by(LoginSession.id.desc()).limit(1)).one()
    actor = Actor(**{**vars(house.actor(A)), "session_id": row.id})
    right = identity.Proof("password", {}, None, lambda _db: True, None)
    served = identity.Proof("password", {}, None, lambda _db: False, None)
    assert identity.answered(actor, None, None) == identity.MOST_WRONG - 1
    assert identity.answered(actor, served, "token") == identity.MOST_WRONG - 2
    assert identity.answered(actor, right, "token") is None
    assert identity.answered(house.actor(A), right, "token") == 0  # no session, nothing to prove for


TYPED_PAGES: dict[str, tuple[str, dict[str, str], Any, tuple[str, ...]]] = {
    "Enregistrer un mandat de signature": (
        "/administration/mandats",
        {"kind": "mayor", "order_number": "2026-118", "ceiling": "4 000"},
        MandateRow,
        ("2026-118", "4 000"),
    ),
    "Ouvrir un compte": (
        "/administration/personnes/inviter",
        {"first_name": "Enora", "last_name": "Quéméner", "login": "e.quemener", "capacity": "Agente"},
        User,
        ("Enora", "Quéméner", "e.quemener", "Agente"),
    ),
    "Ouvrir un bureau": (
        "/administration/bureaux/nouveau",
        {"name": "Archives communales", "parent": ""},
        Desk,
        ("Archives communales",),
    ),
    "Commencer un type de dossier": (
        "/administration/types/nouveau",
        {"family": "invoice", "label": "Facture de fluides"},
        FolderType,
        ("Facture de fluides",),
    ),
    "Ouvrir l’accès d’une application": (
        "/administration/applications",
        {"name": "Logiciel des marchés", "desk": "comptabilite", "rights": "create", "until": "2027-03-01"},
        Application,
        ("Logiciel des marchés", "2027-03-01"),
    ),
}


@pytest.mark.parametrize("doing", TYPED_PAGES)
def test_who_gives_up_proving_who_he_is_finds_what_he_typed_and_nothing_is_done(
    house: House, doing: str
) -> None:
    page, typed, table, shown = TYPED_PAGES[doing]
    admin = house.client(K)
    form = {**typed, "csrf_token": house.csrf(admin)}

    def rows() -> int:
        with reading() as db:
            return db.scalar(sa.select(sa.func.count()).select_from(table)) or 0

    before = rows()
    age()
    asked = admin.post(page, data=form)
    question = asked.get_data(as_text=True)
    assert asked.status_code == 403
    assert f'<b class="strong">{doing}</b>' in question
    # « Renoncer » carries what was typed, as « Confirmer » does
    (giving_up,) = [
        one for one in re.findall(r"<form.*?</form>", question, re.DOTALL) if 'name="given_up"' in one
    ]
    carried = {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', giving_up)
    }
    assert {name: carried[name] for name in typed} == typed
    back = admin.post(page, data={**carried, "csrf_token": form["csrf_token"], "given_up": "1"})
    drawn = re.sub("[\u00a0\u202f]", " ", html.unescape(back.get_data(as_text=True)))
    assert back.status_code == 200
    assert "Vous avez renoncé à confirmer que c’est vous : rien n’est fait." in drawn
    for words in shown:
        assert f'value="{words}"' in drawn, words
    assert rows() == before
    assert len(events("identity.given_up")) == 1
    # Nor is anything done of a session that was just proven
    proven = house.client(K)
    form = {**typed, "csrf_token": house.csrf(proven), "given_up": "1"}
    assert proven.post(page, data=form).status_code == 200
    assert rows() == before
