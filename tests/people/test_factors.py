"""The second factor: who enters by it, who does not, what it proves before a signature, and how a lost one is taken off."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import cbor2
import pyotp
import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.batches import gesture
from app.core import schema, sealed, security
from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.core.security import token_hash
from app.journal.models import JournalEntry
from app.people import desks, identity, login, passwords
from app.people.factors import codes, passkeys
from app.people.models import Challenge, Collectivity, Factor, FactorReset, LoginSession, RecoveryCode
from demo.cast import PASSWORD
from tests.batches.town import marked
from tests.builders.authenticator import Authenticator, octets, text
from tests.builders.house import ASSETS, House, token_in
from tests.signing.test_enrolment import offer, send

pytestmark = pytest.mark.in_turn

OTHER = ASSETS / "invoices" / "fx-extended-de-marchandises.pdf"
A, K, G = "a.kervadec", "k.morizur", "g.trehorel"
CODES_PAGE = "/compte/protection/secours"


@pytest.fixture(autouse=True)
def _by_name(house: House) -> Iterator[None]:
    """Browsers make keys for a name, never for 127.0.0.1."""
    passkeys.configure("http://localhost")
    identity.configure(5)
    yield
    passkeys.configure(house.settings.public_url)
    identity.configure(house.settings.reauth_minutes)


def post(house: House, client: FlaskClient, url: str, **form: str) -> TestResponse:
    return client.post(url, data={**form, "csrf_token": house.csrf(client)})


def typed(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(now().timestamp()) + 30 * steps)


def with_application(house: House, login: str) -> tuple[FlaskClient, str, list[str]]:
    """Somebody enrolled an application: the browser, its secret, the recovery codes."""
    client = house.client(login)
    begun = post(house, client, "/compte/protection/application")
    page = client.get(begun.location).get_data(as_text=True)
    found = re.search(r"<code class=\"break\">([A-Z2-7]{32})</code>", page)
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert found, page
    assert token
    secret = found[1]
    # The step before: the present one is left for who enters next
    done = post(
        house,
        client,
        "/compte/protection/application/confirmer",
        token=token[1],
        code=typed(secret, -1),
        name="Téléphone",
    )
    assert done.location == CODES_PAGE
    return client, secret, codes_in(client)


def codes_in(client: FlaskClient) -> list[str]:
    """The recovery codes that the page shows, each time it is loaded until they are said to be kept."""
    page = client.get(CODES_PAGE).get_data(as_text=True)
    found = re.findall(r"<code>((?:[A-Z2-9]{4}-){6}[A-Z2-9]{4})</code>", page)
    assert len(found) == codes.CODES
    return found


def with_key(house: House, login: str) -> tuple[FlaskClient, Authenticator]:
    client, key = house.client(login), Authenticator()
    question = send(house, client, "/compte/protection/cle/question", {}).get_json()
    done = post(house, client, "/compte/protection/cle", answer=key.create(question), name="Tablette")
    assert done.location == CODES_PAGE, done.get_data(as_text=True)
    return client, key


def knock(house: House, login: str) -> FlaskClient:
    """Somebody gave the right password, and the factor is awaited."""
    client = house.app.test_client()
    token = token_in(client.get("/login").get_data(as_text=True))
    answer = client.post("/login", data={"login": login, "password": PASSWORD, "csrf_token": token})
    assert answer.location == "/login/facteur"
    assert client.get("/a-traiter").status_code == 302  # the password alone opens nothing
    return client


def give(client: FlaskClient, answer: str) -> TestResponse:
    token = token_in(client.get("/login/facteur").get_data(as_text=True))
    return client.post("/login/facteur", data={"answer": answer, "csrf_token": token})


def inside(client: FlaskClient) -> bool:
    return client.get("/a-traiter").status_code == 200


def lines(event: str) -> list[dict[str, Any]]:
    with reading() as db:
        query = sa.select(JournalEntry.facts).where(JournalEntry.event == event).order_by(JournalEntry.seq)
        return [json.loads(one) for one in db.scalars(query)]


def letters(what: str) -> list[str]:
    with reading() as db:
        return list(db.scalars(sa.select(Outbox.recipient).where(Outbox.key.startswith(f"factor-{what}-"))))


def asked_for(client: FlaskClient) -> dict[str, Any]:
    """What the page of the second step asks a key."""
    page = client.get("/login/facteur").get_data(as_text=True)
    options = re.search(r'data-options="([^"]+)"', page)
    ticket = re.search(r'data-token="([^"]+)"', page)
    assert options
    assert ticket
    return {
        "token": ticket[1],
        "options": json.loads(options[1].replace("&#34;", '"').replace("&quot;", '"')),
    }


def test_a_code_opens_the_door_once_and_a_wrong_one_never(house: House) -> None:
    _, secret, _ = with_application(house, A)
    client = knock(house, A)
    assert "encore 4 fois" in give(client, "000000").get_data(as_text=True)
    assert "trois groupes" not in client.get("/login/facteur").get_data(as_text=True)
    code = typed(secret)
    assert give(client, code).location == "/a-traiter"
    assert inside(client)
    again = knock(house, A)
    assert give(again, code).status_code == 403  # the same code again (RFC 6238 §5.2)
    assert give(again, typed(secret, -1)).status_code == 403  # nor the one before it
    assert not inside(again)
    assert [one["way"] for one in lines("login.opened")] == ["password", "totp"]
    with engine().connect() as connection:
        everything = " ".join(
            str(one)
            for table in ("factor", "identity_challenge", "recovery_code", "journal_entry", "outbox")
            for one in connection.execute(sa.text(f"SELECT * FROM {table}"))
        )
    assert secret not in everything
    assert code not in everything


def test_five_wrong_codes_shut_the_door_and_the_owner_is_told(house: House) -> None:
    _, secret, _ = with_application(house, A)
    client = knock(house, A)
    for _ in range(identity.MOST_WRONG - 1):
        assert give(client, "000000").status_code == 403
    assert give(client, "000000").location == "/login"
    page = client.get("/login/facteur")
    assert page.location == "/login"  # the ticket served
    assert len(letters("tried")) == 1
    assert give_after(house, secret)
    house.app.config["LOGIN_FACTOR_RATE"] = "2 per minute"
    other = knock(house, A)
    answers = [give(other, "000000").status_code for _ in range(4)]
    assert answers[-1] == 429  # by account: asking anew for the page does not help


def give_after(house: House, secret: str) -> bool:
    """Its owner enters all the same."""
    client = knock(house, A)
    return give(client, typed(secret)).location == "/a-traiter"


def test_a_key_opens_the_door_after_the_password_or_alone(house: House) -> None:
    _, key = with_key(house, A)
    client = knock(house, A)
    answer = key.get(asked_for(client))
    assert give(client, answer).location == "/a-traiter"
    assert inside(client)
    replay = knock(house, A)
    assert give(replay, answer).status_code == 403  # an answer to another question
    alone = house.app.test_client()  # `door.ask_anybody`
    token = token_in(alone.get("/login").get_data(as_text=True))
    question = alone.post(
        "/login/cle/question", json={}, headers={"X-CSRFToken": token, "Accept": "application/json"}
    ).get_json()
    assert question["options"]["allowCredentials"] == []  # nobody learns who has which key
    entered = alone.post("/login/cle", data={"answer": key.get(question), "csrf_token": token})
    assert entered.location == "/a-traiter"
    assert inside(alone)
    with reading() as db:
        told = sa.select(sa.func.count(Outbox.id)).where(Outbox.key.startswith("device-"))
        assert (
            db.scalar(told) == 2
        )  # the password's browser, and this one, which the account had not met either
    twice = house.app.test_client()
    token = token_in(twice.get("/login").get_data(as_text=True))
    twice.post("/login/cle", data={"answer": key.get(question), "csrf_token": token})
    assert not inside(twice)  # the question served


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_key_that_lies_opens_nothing(house: House) -> None:
    _, key = with_key(house, A)
    other = Authenticator()
    other.number = key.number  # somebody else's key under the same number
    elsewhere = Authenticator("https://paraphe.example")
    client = knock(house, A)
    question = asked_for(client)
    key.verified = False  # it was found, and nobody's finger was read
    for answer in (
        key.get(question),
        other.get(question),
        elsewhere.get(question),
        "{}",
        "[]",
        '{"token": 1}',
    ):
        fresh = knock(house, A)
        asked = asked_for(fresh)
        said = answer.replace(question["token"], asked["token"]) if "token" in answer else answer
        assert give(fresh, said).status_code == 403
        assert not inside(fresh)
    key.verified, key.origin = True, "http://localhost.evil.example"
    assert give(client, key.get(question)).status_code == 403  # a page that passes for ours


def test_a_recovery_code_opens_once_and_what_is_enrolled_then_waits_a_day_to_sign(house: House) -> None:
    _, _, shown = with_application(house, A)
    client = knock(house, A)
    assert give(client, shown[0].lower()).location == "/compte/protection"
    assert letters("recovery")
    again = knock(house, A)
    assert give(again, shown[0]).status_code == 403
    assert give(again, shown[1]).location == "/compte/protection"
    key = Authenticator()
    question = send(house, client, "/compte/protection/cle/question", {}).get_json()
    post(house, client, "/compte/protection/cle", answer=key.create(question))
    page = client.get("/compte/protection").get_data(as_text=True)
    assert "Ne signe pas avant" in page
    documents = [sha256(b"acte").hexdigest()]
    asked = send(house, client, "/compte/confirmer/cle", {"documents": documents}).get_json()
    refused = send(house, client, "/compte/confirmer", {"answer": key.get(asked), "documents": documents})
    assert refused.get_json()["key"] == "factor-too-new"
    with time_machine.travel(now() + timedelta(hours=11), tick=True):
        assert client.get("/compte/protection").status_code == 200


def test_what_touches_the_factors_asks_the_password_and_the_code_or_a_key(house: House) -> None:
    client, secret, _ = with_application(house, A)
    with_whole = "/compte/confirmer?suite=/compte/protection&entier=1"
    aged(house)
    assert post(house, client, "/compte/confirmer", answer=typed(secret)).status_code == 302
    for url in ("secours", "application", f"{the_factor()}/retirer"):
        asked = post(house, client, f"/compte/protection/{url}")
        assert asked.status_code == 403, url
        page = asked.get_data(as_text=True)
        assert f'action="/compte/protection/{url}"' in page
        assert 'name="password"' in page
    assert send(house, client, "/compte/protection/cle/question", {}).get_json()["key"] == "identity-whole"
    assert 'name="password"' in client.get(with_whole).get_data(as_text=True)
    code = typed(secret, 1)
    for wrong in ({"password": "faux"}, {}):
        assert post(house, client, with_whole, answer=code, **wrong).status_code == 403
    assert post(house, client, with_whole, answer="000000", password=PASSWORD).status_code == 403
    before = codes_in(client)
    post(house, client, f"{CODES_PAGE}/note")
    assert post(house, client, CODES_PAGE).status_code == 403
    assert client.get(CODES_PAGE).location == "/compte/protection", "shown no more once they are kept"
    assert post(house, client, CODES_PAGE, answer=code).status_code == 403, "a code without the password"
    drawn = post(house, client, CODES_PAGE, answer=code, password=PASSWORD)
    assert drawn.location == CODES_PAGE
    shown = codes_in(client)
    assert not set(shown) & set(before)
    assert codes_in(client) == shown, "loaded again, they are shown again"
    # Posted again by a page that is loaded again, the same code is no false answer, and counts for none
    with reading() as db:
        wrong = db.scalars(sa.select(LoginSession.wrong)).all()
    post(house, client, CODES_PAGE, answer=code, password=PASSWORD)
    with reading() as db:
        assert db.scalars(sa.select(LoginSession.wrong)).all() == wrong
    with time_machine.travel(now() + timedelta(minutes=11), tick=True):
        assert client.get(CODES_PAGE).location == "/compte/protection"
    alone, key = with_key(house, K)
    aged(house)
    asked = send(house, alone, "/compte/confirmer/cle", {}).get_json()
    assert post(house, alone, f"{CODES_PAGE}", answer=key.get(asked)).location == CODES_PAGE


def test_the_act_goes_on_with_the_proof(house: House) -> None:
    """What was chosen is done once who one is is proven: the rule, a reset, one's own factor; it is never dropped."""
    with_application(house, G)
    _, secret, _ = with_application(house, A)
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE user_account SET administrator = true WHERE login = 'a.kervadec'"))
    first, second = knock(house, A), house.client(K)
    give(first, typed(secret))
    aged(house)
    rule = {"who": "engaged", "before_signing": "on"}
    kept = post(house, first, "/administration/connexions", **rule).get_data(as_text=True)
    assert 'name="before_signing" value="on"' in kept
    assert 'name="who" value="engaged"' in kept
    done = post(house, first, "/administration/connexions", **rule, answer=typed(secret, 1))
    assert done.location == "/administration/connexions"
    assert lines("factor.rule")[-1]["now"]["who"] == "engaged"
    post(house, first, "/administration/connexions", who="nobody")
    asked = "/administration/connexions/demandes"
    post(house, first, asked, person=str(house.actor(G).user_id), reason="téléphone perdu")
    with reading() as db:
        number = db.scalars(sa.select(FactorReset.id)).one()
    kept = post(house, second, f"{asked}/{number}", confirm="yes").get_data(as_text=True)
    assert 'name="confirm" value="yes"' in kept
    post(house, second, f"{asked}/{number}", confirm="yes", answer=PASSWORD)
    assert lines("factor.reset")
    told = first.get(f"/compte/protection/{the_factor()}/retirer").get_data(as_text=True)
    assert "Rien n’a encore été fait" in told.replace("\xa0", " ")
    assert "C’est la dernière" in told


def aged(house: House) -> None:
    """Every session was opened, and proven, a while ago."""
    before = now() - timedelta(minutes=10)
    table = LoginSession.__table__
    with engine().begin() as connection:
        connection.execute(sa.update(table).values(created_at=before, proven_at=None, password_at=before))


def the_factor() -> int:
    with reading() as db:
        return db.scalars(sa.select(Factor.id).where(Factor.removed_at.is_(None))).one()


def test_what_was_kept_before_is_sealed_and_a_short_recovery_code_still_opens_once(house: House) -> None:
    """Rows of migration 0049: a webhook's secret in clear, recovery codes of sixty bits under a bare keyed hash."""
    with_application(house, A)
    who, before = house.actor(A), ("ABCD-EFGH-JKLM", "NPQR-STUV-WXYZ")
    schema.downgrade("0049_returned_clients")
    town = Collectivity.__table__
    made = sa.column("created_at", sa.DateTime(timezone=True))
    kept = sa.table("recovery_code", *map(sa.column, ("user_id", "code_hash")), made)
    clear = {"handover_webhook_url": "https://finances.example.org/", "handover_webhook_secret": "en clair"}
    with engine().begin() as connection:
        connection.execute(sa.update(town).where(town.c.id == who.collectivity_id).values(settings=clear))
        rows = [
            {"user_id": who.user_id, "code_hash": codes._keyed(one, 3)[0], "created_at": now()}
            for one in before
        ]
        connection.execute(sa.insert(kept), rows)
    schema.upgrade()
    with reading() as db:
        settings = db.get_one(Collectivity, who.collectivity_id).settings
        hashes = set(db.scalars(sa.select(RecoveryCode.code_hash)))
    assert sealed.unseal(settings["handover_webhook_secret"]) == "en clair"
    assert "en clair" not in json.dumps(settings)
    assert not hashes & {row["code_hash"] for row in rows}
    assert give(knock(house, A), "ABCD-EFGH-JKLN").status_code == 403
    assert give(knock(house, A), before[0].lower()).location == "/compte/protection"
    assert give(knock(house, A), before[0]).status_code == 403
    security.configure(
        "another secret of the tests, long enough", [house.settings.secret_key.get_secret_value()]
    )
    try:
        assert give(knock(house, A), before[1]).location == "/compte/protection"
    finally:
        security.configure(house.settings.secret_key.get_secret_value())


def test_what_is_last_and_asked_for_is_not_taken_off(house: House) -> None:
    client, _, _ = with_application(house, K)
    chosen = post(house, client, "/administration/connexions", who="engaged")
    assert chosen.status_code == 302
    with reading() as db:
        number = db.scalars(sa.select(Factor.id)).one()
    refused = post(house, client, f"/compte/protection/{number}/retirer")
    assert refused.status_code == 409
    assert "la commune demande une double authentification" in refused.get_data(as_text=True)
    assert post(house, house.client(G), f"/compte/protection/{number}/retirer").status_code == 404
    post(house, client, "/administration/connexions", who="nobody")
    assert post(house, client, f"/compte/protection/{number}/retirer").status_code == 302
    assert house.client(K).get("/a-traiter").status_code == 200  # the password alone again
    assert [one["now"]["who"] for one in lines("factor.rule")] == ["engaged", "nobody"]
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count(RecoveryCode.id))) == 0


def test_an_administrator_never_shuts_himself_out(house: House) -> None:
    client = house.client(K)
    refused = post(house, client, "/administration/connexions", who="everybody")
    assert refused.status_code == 409
    assert "Inscrivez la vôtre d’abord" in refused.get_data(as_text=True)
    assert lines("factor.rule") == []


def test_whoever_must_have_a_factor_is_led_to_it_and_nothing_else_opens(house: House) -> None:
    administrator, _, _ = with_application(house, K)
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor, clerk = house.client(A), house.client(G)
    post(house, administrator, "/administration/connexions", who="engaged")
    assert mayor.get("/a-traiter").location == "/compte/protection"
    assert mayor.get(f"/dossiers/{folder_id}").location == "/compte/protection"
    version = house.folder(folder_id).version
    tried = post(house, mayor, f"/dossiers/{folder_id}/rejeter", version=str(version), reason="non")
    assert tried.status_code == 403
    assert house.folder(folder_id).version == version
    said = send(house, mayor, f"/dossiers/{folder_id}/signature/preparer", offer(house.key("a_kervadec")))
    assert said.get_json()["key"] == "factor-due"
    assert "Les autres pages s’ouvriront" in mayor.get("/compte/protection").get_data(as_text=True)
    assert inside(clerk)  # who neither signs nor administers is asked nothing
    key = Authenticator()
    question = send(house, mayor, "/compte/protection/cle/question", {}).get_json()
    post(house, mayor, "/compte/protection/cle", answer=key.create(question))
    assert inside(mayor)


def test_a_signature_is_proven_for_the_very_document_shown(house: House) -> None:
    client, key = with_key(house, A)
    administrator, _, _ = with_application(house, K)
    first = house.an_invoice(at="bon_a_payer")
    second = house.an_invoice(at="bon_a_payer", path=OTHER)
    post(house, administrator, "/administration/connexions", who="nobody", before_signing="on")

    def prepare(folder_id: int) -> dict[str, Any]:
        body = offer(house.key("a_kervadec"), version=house.folder(folder_id).version)
        return send(house, client, f"/dossiers/{folder_id}/signature/preparer", body).get_json()

    asked = prepare(first)
    assert asked["key"] == "identity-factor"
    shown = house.versions(first)[-1].sha256
    assert asked["documents"] == [shown]
    question = send(house, client, "/compte/confirmer/cle", {"documents": asked["documents"]}).get_json()
    assert send(house, client, "/compte/confirmer", {"answer": key.get(question)}).status_code == 200
    assert "session" in prepare(first)
    assert prepare(second)["key"] == "identity-factor"  # the proof was of the first one
    assert send(house, client, "/compte/confirmer", {"answer": PASSWORD}).status_code == 403
    proof = lines("identity.proven")[-1]
    assert proof["documents"] == [shown]
    # What the journal keeps lets anybody check again that this person's key approved these bytes
    challenge = sha256(bytes.fromhex(proof["nonce"]) + bytes.fromhex(shown)).digest()
    assert octets(json.loads(octets(proof["client_data"]))["challenge"]) == challenge
    with reading() as db:
        factor = db.get_one(Factor, proof["factor"])
    credential = {
        "id": factor.credential_id,
        "rawId": factor.credential_id,
        "type": "public-key",
        "response": {
            "clientDataJSON": proof["client_data"],
            "authenticatorData": proof["authenticator_data"],
            "signature": proof["signature"],
        },
    }
    assert passkeys.answered(factor, credential, challenge) is not None
    assert passkeys.answered(factor, credential, sha256(b"autre").digest()) is None


def test_a_batch_is_proven_once_for_its_whole_list_even_when_the_rule_begins_after_it(house: House) -> None:
    client, key = with_key(house, A)
    administrator, _, _ = with_application(house, K)
    numbers = [house.an_invoice(at="bon_a_payer"), house.an_invoice(at="bon_a_payer", path=OTHER)]
    batch = gesture.propose(house.actor(A), "sign", {one: house.folder(one).version for one in numbers})
    before = send(house, client, marked(f"/lots/{batch}/cle"), offer(house.key("a_kervadec"))).get_json()[
        "holder"
    ]
    post(house, administrator, "/administration/connexions", who="nobody", before_signing="on")
    late = send(
        house, client, f"/lots/{batch}/preparer", {**offer(house.key("a_kervadec")), "holder": before}
    )
    assert late.get_json()["key"] == "batch-factor"
    refused = send(house, client, marked(f"/lots/{batch}/cle"), offer(house.key("a_kervadec"))).get_json()
    assert refused["key"] == "identity-factor"
    assert refused["documents"] == sorted(house.versions(one)[-1].sha256 for one in numbers)
    question = send(
        house, client, "/compte/confirmer/cle", {"documents": refused["documents"][:1]}
    ).get_json()
    send(house, client, "/compte/confirmer", {"answer": key.get(question)})
    part = send(house, client, marked(f"/lots/{batch}/cle"), offer(house.key("a_kervadec"))).get_json()
    assert part["key"] == "identity-factor"  # a shorter list is not the one that was shown
    question = send(house, client, "/compte/confirmer/cle", {"documents": refused["documents"]}).get_json()
    send(house, client, "/compte/confirmer", {"answer": key.get(question)})
    holder = send(house, client, marked(f"/lots/{batch}/cle"), offer(house.key("a_kervadec"))).get_json()[
        "holder"
    ]
    ready = send(
        house, client, f"/lots/{batch}/preparer", {**offer(house.key("a_kervadec")), "holder": holder}
    )
    assert len(ready.get_json()["folders"]) == 2


def another_administrator(house: House) -> str:
    desks.create_user(
        house.actor(K).collectivity_id,
        "second",
        email="second@kerlann.example",
        first_name="Second",
        last_name="Administrateur",
        capacity="",
        password=PASSWORD,
        administrator=True,
    )
    return "second"


def test_lost_factors_are_taken_off_by_two_administrators_and_never_by_one(house: House) -> None:
    mayor, _, shown = with_application(house, A)
    first, second = house.client(K), house.client(another_administrator(house))
    own = post(
        house, first, "/administration/connexions/demandes", person=str(house.actor(K).user_id), reason="x"
    )
    assert own.status_code == 409
    person = str(house.actor(A).user_id)
    refused = post(house, first, "/administration/connexions/demandes", person=person, reason=" ")
    assert (refused.status_code, f'name="person" value="{person}"' in refused.text) == (422, True)
    asked = post(
        house,
        first,
        "/administration/connexions/demandes",
        person=person,
        reason="Téléphone tombé à l’eau, vu en mairie",
    )
    assert asked.status_code == 302
    assert len(letters("asked")) == 1
    assert letters("confirm")
    house.drain()
    asking = [one.get_body(("plain",)).get_content() for one in house.mail.letters]
    assert any("du compte d’Armel Kervadec soit retirée" in one for one in asking)
    assert any("« Téléphone » vient d’être inscrite" in one for one in asking)
    with reading() as db:
        number = db.execute(sa.text("SELECT id FROM factor_reset")).scalar_one()
    alone = post(house, first, f"/administration/connexions/demandes/{number}", confirm="yes")
    assert alone.status_code == 403
    assert inside(mayor)  # nothing was taken off
    done = post(house, second, f"/administration/connexions/demandes/{number}", confirm="yes")
    assert done.status_code == 302
    twice = post(house, second, f"/administration/connexions/demandes/{number}", confirm="yes")
    assert twice.status_code == 409
    assert not inside(mayor)  # his sessions are closed
    entered = house.client(A)  # the password, and a new factor to be chosen
    assert inside(entered)
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count(Factor.id)).where(Factor.removed_at.is_(None))) == 0
        assert db.scalar(sa.select(RecoveryCode.id).limit(1)) is None
    assert len(shown) == codes.CODES
    assert [one["reason"] for one in lines("factor.reset_asked")] == ["Téléphone tombé à l’eau, vu en mairie"]
    assert len(lines("factor.reset")) == 1
    house.drain()
    words = [one.get_body(("plain",)).get_content() for one in house.mail.letters]
    assert any("Vos clés d’accès sont retirées" in one for one in words)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_page_of_logins_says_who_administers_who_is_bound_and_who_may_confirm(house: House) -> None:
    first, _, _ = with_application(house, K)
    mayor, _, _ = with_application(house, A)
    where = "/administration/connexions"
    alone = first.get(where).get_data(as_text=True)
    assert alone.count(">Administre<") == 1
    assert "Vous êtes seul à administrer" in alone
    assert "reset-factors" in alone
    post(house, first, where, who="engaged")
    page = first.get(where).get_data(as_text=True)
    assert "Demandée, aucune" in page  # another who signs has none yet
    assert "demandée par la règle" in page
    second = house.client(another_administrator(house))
    person, reason = str(house.actor(A).user_id), "Vu en mairie"
    post(house, first, where, who="nobody")
    assert "Vous êtes seul" not in first.get(where).get_data(as_text=True)
    post(house, first, f"{where}/demandes", person=person, reason=reason)
    assert f'<option value="{person}"' not in first.get(where).get_data(as_text=True)  # one asks once
    with reading() as db:
        number = db.execute(sa.text("SELECT id FROM factor_reset")).scalar_one()
        factor = db.scalar(sa.select(Factor.id).where(Factor.person_id == house.actor(A).person_id))
    post(house, mayor, f"/compte/protection/{factor}/retirer")
    assert "Remise à zéro demandée pour" not in second.get(where).get_data(as_text=True)
    late = post(house, second, f"{where}/demandes/{number}", confirm="yes")
    assert (late.status_code, lines("factor.reset")) == (409, [])  # nothing was left to take off


@pytest.mark.both_databases
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_enrolled_after_a_reset_by_two_signs_at_once(house: House) -> None:
    first = bound(house)
    _, _, shown = with_application(house, A)
    client = knock(house, A)
    give(client, shown[0])
    enrol(house, client, Authenticator())
    reason = "Vu en mairie"
    second = house.client(another_administrator(house))
    person = str(house.actor(A).user_id)
    post(house, first, "/administration/connexions/demandes", person=person, reason=reason)
    with reading() as db:
        number = db.execute(sa.text("SELECT id FROM factor_reset")).scalar_one()
    done = post(house, second, f"/administration/connexions/demandes/{number}", confirm="yes")
    assert done.status_code == 302
    said = second.get(done.location).get_data(as_text=True)
    assert "La double authentification d’Armel Kervadec est remise à zéro" in said
    back, key = with_key(house, A)
    assert "Ne signe pas avant" not in back.get("/compte/protection").get_data(as_text=True)
    assert proven(house, back, key).get_json() == {"state": "proven"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_may_not_sign_yet_reads_from_when_before_he_opens_his_key(house: House) -> None:
    bound(house)
    _, _, shown = with_application(house, A)
    client = knock(house, A)
    give(client, shown[0])
    key = Authenticator()
    enrol(house, client, key)
    page = client.get("/compte/protection").get_data(as_text=True)
    assert "C’est la seule qui signe maintenant" in page
    when = re.search(r"vous ne signerez pas avant (.+)\.</div>", page)
    assert when, page
    said = proven(house, client, key).get_json()["detail"]
    assert "un code de secours a servi" in said
    assert "ne signe pas avant" in said
    folder_id = house.an_invoice(at="bon_a_payer")
    dialog = f"/dossiers/{folder_id}/signer"
    assert "Vous ne signez pas avant" not in client.get(dialog).get_data(as_text=True)  # the telephone may
    with reading() as db:
        number = db.scalar(
            sa.select(Factor.id).where(
                Factor.name == "Téléphone", Factor.person_id == house.actor(A).person_id
            )
        )
    told = client.get(f"/compte/protection/{number}/retirer").get_data(as_text=True)
    assert f"Les autres ne signent pas avant {when[1]}" in told
    assert post(house, client, f"/compte/protection/{number}/retirer").status_code == 302
    assert f"Vous ne signez pas avant {when[1]}" in client.get(dialog).get_data(as_text=True)


def test_a_factor_taken_off_closes_the_sessions_that_it_may_have_opened(house: House) -> None:
    _, key = with_key(house, A)
    lost = knock(house, A)
    give(lost, key.get(asked_for(lost)))
    assert inside(lost)
    owner = knock(house, A)
    give(owner, key.get(asked_for(owner)))
    enrol(house, owner, Authenticator())
    assert inside(lost)  # another key beside it closes nothing
    with reading() as db:
        number = db.scalars(sa.select(Factor.id).order_by(Factor.id)).first()
    gone = post(house, owner, f"/compte/protection/{number}/retirer")
    assert gone.status_code == 302
    assert "vos autres sessions sont fermées" in owner.get(gone.location).get_data(as_text=True)
    assert not inside(lost)
    assert inside(owner)
    assert [one["words"] for one in lines("login.closed")] == ["toutes les autres"]
    house.drain()
    assert any(
        "vos autres sessions sont fermées" in one.get_body(("plain",)).get_content()
        for one in house.mail.letters
    )


def enrol(house: House, client: FlaskClient, key: Authenticator) -> None:
    question = send(house, client, "/compte/protection/cle/question", {}).get_json()
    post(house, client, "/compte/protection/cle", answer=key.create(question))


def proven(house: House, client: FlaskClient, key: Authenticator) -> TestResponse:
    """A key proves who is there, for one document."""
    documents = [sha256(b"acte").hexdigest()]
    asked = send(house, client, "/compte/confirmer/cle", {"documents": documents}).get_json()
    return send(house, client, "/compte/confirmer", {"answer": key.get(asked), "documents": documents})


def bound(house: House) -> FlaskClient:
    """The commune asks a factor before each signature; its administrator, who has one."""
    administrator, _, _ = with_application(house, K)
    post(house, administrator, "/administration/connexions", who="nobody", before_signing="on")
    return administrator


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_answer_about_nothing_proves_nothing_of_a_document(house: House) -> None:
    client, key = with_key(house, A)
    bound(house)
    folder_id = house.an_invoice(at="bon_a_payer")
    shown = [house.versions(folder_id)[-1].sha256]
    question = send(house, client, "/compte/confirmer/cle", {}).get_json()
    send(house, client, "/compte/confirmer", {"answer": key.get(question), "documents": shown})
    body = offer(house.key("a_kervadec"), version=house.folder(folder_id).version)
    refused = send(house, client, f"/dossiers/{folder_id}/signature/preparer", body).get_json()
    assert refused["key"] == "identity-factor"
    assert lines("identity.proven")[-1]["documents"] is None


def test_a_factor_enrolled_beside_one_that_waits_waits_as_long(house: House) -> None:
    _, _, shown = with_application(house, A)
    client = knock(house, A)
    give(client, shown[0])
    late, soon = Authenticator(), Authenticator()
    for key in (late, soon):
        question = send(house, client, "/compte/protection/cle/question", {}).get_json()
        post(house, client, "/compte/protection/cle", answer=key.create(question))
        client = knock(house, A)
        assert give(client, key.get(asked_for(client))).location == "/a-traiter"
    documents = [sha256(b"acte").hexdigest()]
    asked = send(house, client, "/compte/confirmer/cle", {"documents": documents}).get_json()
    refused = send(house, client, "/compte/confirmer", {"answer": soon.get(asked)})
    assert refused.get_json()["key"] == "factor-too-new"


def test_a_recovery_code_does_not_leave_the_password_alone_at_the_door(house: House) -> None:
    _, _, shown = with_application(house, A)
    client = knock(house, A)
    give(client, shown[0])
    with reading() as db:
        number = db.scalar(sa.select(Factor.id).where(Factor.person_id == house.actor(A).person_id))
    refused = post(house, client, f"/compte/protection/{number}/retirer")
    assert refused.status_code == 409, refused.location
    assert "Inscrivez-en d’abord une autre" in refused.get_data(as_text=True)


def test_what_the_password_alone_had_opened_closes_where_a_factor_begins(house: House) -> None:
    thief = house.client(A)
    owner, _ = with_key(house, A)
    assert not inside(thief)
    assert inside(owner)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_factor_that_begins_while_a_password_is_verified_is_not_passed_by(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = passwords.matches

    def slow(stored: str | None, password: str) -> bool:
        monkeypatch.setattr(passwords, "matches", verified)
        right = verified(stored, password)
        with_key(house, A)
        return right

    monkeypatch.setattr(passwords, "matches", slow)
    with pytest.raises(Refusal, match="login-refused"):
        login.open_session(A, PASSWORD, hours=1, address="", client="")
    with pytest.raises(Refusal, match="factor-needed"):
        login.open_session(A, PASSWORD, hours=1, address="", client="")


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_signature_by_hand_asks_for_the_factor_too(house: House) -> None:
    client, key = with_key(house, A)
    bound(house)
    folder_id = house.a_deliberation(at="signatures")
    page = f"/dossiers/{folder_id}/signer-sur-papier"
    asked = client.get(page)
    shown = house.versions(folder_id)[0].sha256
    assert asked.location == f"/compte/confirmer?suite={page}&sinon=/dossiers/{folder_id}&document={shown}"
    form = {"version": str(house.folder(folder_id).version), "name": "Armel Kervadec", "capacity": "Maire"}
    before = house.folder(folder_id).version
    refused = post(house, client, page, **form, kept_at="Coffre", signed_on="2026-09-30")
    assert refused.status_code == 403
    assert house.folder(folder_id).version == before
    question = send(house, client, "/compte/confirmer/cle", {"documents": [shown]}).get_json()
    send(house, client, "/compte/confirmer", {"answer": key.get(question)})
    assert client.get(page).status_code == 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_open_session_of_an_administrator_changes_no_rule(house: House) -> None:
    administrator = bound(house)
    client, _ = with_key(house, A)
    with engine().begin() as connection:
        connection.execute(
            sa.text("UPDATE login_session SET created_at = '2026-01-01 00:00:00', proven_at = NULL")
        )
    lowered = post(house, administrator, "/administration/connexions", who="nobody")
    assert lowered.status_code == 403
    assert 'name="who" value="nobody"' in lowered.get_data(as_text=True)
    asked = post(
        house,
        administrator,
        "/administration/connexions/demandes",
        person=str(house.actor(A).user_id),
        reason="perdu",
    )
    assert (asked.status_code, 'value="perdu"' in asked.text) == (
        403,
        True,
    )  # asked there, what was typed kept
    assert len(lines("factor.rule")) == 1
    assert letters("asked") == []
    del client


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_hostile_answers_are_refused_in_french_and_crash_nothing(house: House) -> None:
    client, _ = with_key(house, A)
    door = knock(house, A)
    question = send(house, client, "/compte/protection/cle/question", {}).get_json()
    named = Authenticator()
    named.count = 0
    good = json.loads(named.create(question))
    response = good["credential"]["response"]
    attested = octets(response["attestationObject"])
    bent = attested[:-77] + cbor2.dumps("x") + attested[-77:]
    hostile = [
        '{"a":' + "[" * 9000,
        json.dumps({"token": "\ud800", "credential": {"id": "x"}}),
        json.dumps({"token": "x", "credential": {"id": "\ud800"}}),
        json.dumps({"token": question["token"], "credential": {**good["credential"], "response": []}}),
        json.dumps(
            {
                "token": question["token"],
                "credential": {
                    **good["credential"],
                    "response": {**response, "attestationObject": text(bent)},
                },
            }
        ),
        "[" * 15000,
        "\x00",
    ]
    for answer in hostile:
        token = token_in(door.get("/login/facteur").get_data(as_text=True))
        alone = door.post("/login/cle", data={"answer": answer, "csrf_token": token})
        assert alone.status_code < 500, answer[:60]
        fresh = knock(house, A)
        assert give(fresh, answer).status_code < 500, answer[:60]
        assert not inside(fresh)
        enrolled = post(house, client, "/compte/protection/cle", answer=answer)
        assert 400 <= enrolled.status_code < 500, answer[:60]
        asked = send(house, client, "/compte/confirmer", {"answer": answer})
        assert 400 <= asked.status_code < 500, answer[:60]
        if asked.status_code == 401:
            break
        with engine().begin() as connection:
            connection.execute(sa.text("UPDATE login_session SET wrong = 0"))
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count(Factor.id)).where(Factor.removed_at.is_(None))) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_stranger_who_knows_the_password_does_not_shut_its_owner_out(house: House) -> None:
    _, secret, _ = with_application(house, A)
    home = knock(house, A)
    assert give(home, typed(secret)).location == "/a-traiter"  # a browser where he enters
    house.app.config["LOGIN_FACTOR_RATE"] = "2 per day"
    stranger = knock(house, A)
    told = [give(stranger, "000000") for _ in range(4)][-1]
    assert told.status_code == 429
    assert "Attendez un jour" in told.get_data(as_text=True).replace("\xa0", " ")
    post(house, home, "/logout")
    token = token_in(home.get("/login").get_data(as_text=True))
    home.post("/login", data={"login": A, "password": PASSWORD, "csrf_token": token})
    with time_machine.travel(now() + timedelta(seconds=60), tick=True):
        assert give(home, typed(secret)).location == "/a-traiter"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_operator_is_the_second_person_where_there_is_one_administrator(house: House) -> None:
    client, _, _ = with_application(house, K)
    siren = "212909998"
    run = house.app.test_cli_runner()
    wrong = run.invoke(args=["people", "reset-factors", siren, "personne", "--reason", "perdu"])
    assert wrong.exit_code
    assert inside(client)
    told = run.invoke(  # `resets.by_operator`
        args=["people", "reset-factors", siren, K, "--reason", "téléphone perdu"]
    )
    assert told.exit_code == 0, told.output
    assert "Katell Morizur" in told.output
    assert not inside(client)
    assert [one["reason"] for one in lines("factor.reset_asked")] == ["téléphone perdu"]
    ruled = run.invoke(args=["people", "second-factor", siren, "administrators"])
    assert ruled.exit_code == 0, ruled.output
    assert house.client(K).get("/a-traiter").location == "/compte/protection"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_question_is_of_one_session_and_of_five_minutes(house: House) -> None:
    here, key = with_key(house, A)
    elsewhere = knock(house, A)
    give(elsewhere, key.get(asked_for(elsewhere)))
    question = send(house, here, "/compte/confirmer/cle", {}).get_json()
    stolen = send(house, elsewhere, "/compte/confirmer", {"answer": key.get(question)})
    assert stolen.get_json()["key"] == "identity-refused"
    with engine().begin() as connection:
        connection.execute(
            sa.update(Challenge)
            .where(Challenge.token_hash == token_hash(question["token"]))
            .values(expires_at=now() - timedelta(seconds=1))
        )
    late = send(house, here, "/compte/confirmer", {"answer": key.get(question)})
    assert late.get_json()["key"] == "identity-refused"
    wrong = send(house, here, "/compte/confirmer/cle", {"documents": ["pas une empreinte"]})
    assert wrong.status_code in {400, 422}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_password_changed_between_the_two_steps_shuts_the_door(house: House) -> None:
    _, secret, _ = with_application(house, A)
    client = knock(house, A)
    with engine().begin() as connection:
        connection.execute(
            sa.text("UPDATE person SET password_hash = 'autre' WHERE login = :login"), {"login": A}
        )
    page = client.get("/login/facteur")
    assert page.location == "/login"
    assert typed(secret)


def test_published_vectors_of_the_codes_hold() -> None:
    """RFC 6238 appendix B, SHA-1, the last six of its eight figures."""
    import base64
    from datetime import UTC, datetime

    secret = base64.b32encode(b"12345678901234567890").decode()
    for moment, code in (
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (20000000000, "353130"),
    ):
        assert codes.step_of(secret, code, datetime.fromtimestamp(moment, UTC)) == moment // 30
        assert (
            codes.step_of(secret, f"{code[:3]} {code[3:]}", datetime.fromtimestamp(moment + 30, UTC))
            == moment // 30
        )
        assert codes.step_of(secret, code, datetime.fromtimestamp(moment + 90, UTC)) is None
