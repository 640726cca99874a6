"""Nobody signs with another's certificate, twice with one accord, in another session, or what was not agreed to."""

import dataclasses
import json
from base64 import b64encode
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.db import engine
from app.core.refusals import Refusal
from app.folders import decide
from app.people import applications, identity, rules
from app.people.models import Factor
from app.signing import setting, sign
from app.signing.keys.csc import CscKey
from app.signing.models import RemoteRequest
from app.signing.remote import mine, pending
from tests.builders.remote import At, key_of
from tests.builders.trust_service import PIN

pytestmark = pytest.mark.in_turn

BACK = "/signature/retour"


def unsigned(house, folder_id: int) -> bool:
    return all(one.origin == "deposited" for one in house.versions(folder_id))


def change(**values) -> None:
    with engine().begin() as connection:
        connection.execute(sa.update(RemoteRequest).values(**values))


@pytest.fixture
def mayor(at) -> At:
    one = at("a.kervadec")
    one.link()
    return one


def test_another_person_s_credential_is_refused_before_the_service_is_asked(house, at, server, mayor) -> None:
    folder_id = house.a_deliberation(at="signatures")
    second: At = at("b.cadiou")
    (key,) = mayor.links()
    asked = len(server.calls)
    refused = second.prepare(folder_id, key=key.id)
    assert (refused.status_code, key_of(refused)) == (403, "csc-key-unknown")
    with pytest.raises(mine.Refusal, match="csc-key-unknown"):
        mine.own(house.actor("b.cadiou"), key.id, setting.remote_service().url)
    assert len(server.calls) == asked
    # Nor does his request serve anybody else, whatever the codes
    session = mayor.asked(folder_id)
    for answer in (second.authorise(folder_id, session), second.complete(folder_id, session)):
        assert key_of(answer) == "csc-request-over"
    assert server.asked("signHash")[1:] == []
    assert unsigned(house, folder_id)


def test_a_return_serves_once_and_only_in_the_session_that_asked(house, at, server, mayor) -> None:
    server.mode = "oauth2code"
    folder_id = house.an_invoice(at="bon_a_payer")
    (item,) = mayor.prepare(folder_id).get_json()["items"]
    back = mayor.accept(item["page"])
    # The same person elsewhere, somebody else, and a state that nobody awaits
    for other in (at("a.kervadec"), at("b.cadiou")):
        assert other.client.get(back).status_code == 409
    for path in (BACK, f"{BACK}?state=", f"{BACK}?state=inconnu&code=a"):
        assert mayor.client.get(path).status_code == 409
    # No code of the dialog's own route stands in for the return
    assert key_of(mayor.authorise(folder_id, item["id"], otp="1")) == "csc-request-over"
    assert unsigned(house, folder_id)
    assert mayor.client.get(back).status_code == 302
    assert not unsigned(house, folder_id)
    asked = len(server.calls)
    assert mayor.client.get(back).status_code == 409
    assert len(server.calls) == asked


def test_a_code_that_was_stolen_or_that_another_page_gave_signs_nothing(house, at, server, mayor) -> None:
    """The state is right, the code is that of an accord for other hashes."""
    server.mode = "oauth2code"
    first, second = house.an_invoice(at="bon_a_payer"), house.an_invoice(at="bon_a_payer")
    pages = [mayor.prepare(one).get_json()["items"][0]["page"] for one in (first, second)]
    state = parse_qs(urlsplit(pages[0]).query)["state"][0]
    code = parse_qs(urlsplit(mayor.accept(pages[1])).query)["code"][0]
    mayor.client.get(f"{BACK}?state={state}&code={code}")
    assert unsigned(house, first)
    assert unsigned(house, second)


def test_hashes_that_were_changed_meanwhile_sign_nothing(house, at, server, mayor) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    session = mayor.asked(folder_id)
    other = {"credential": "kerlann/a_kervadec", "hashes": [b64encode(b"x" * 32).decode()]}
    change(challenges=[{**other, "wants": ["pin", "otp"], "page": "", "state": ""}])
    assert mayor.authorise(folder_id, session).status_code == 200  # the service signs what it is asked
    refused = mayor.complete(folder_id, session)
    assert (refused.status_code, key_of(refused)) == (403, "signature-not-yours")
    assert key_of(mayor.complete(folder_id, session)) == "csc-request-over"
    assert unsigned(house, folder_id)
    # On its own page the service has shown the right ones: it does not sign the others
    server.mode = "oauth2code"
    (item,) = mayor.prepare(folder_id).get_json()["items"]
    state = parse_qs(urlsplit(item["page"]).query)["state"][0]
    back = mayor.accept(item["page"])
    change(challenges=[{**other, "wants": ["code"], "page": item["page"], "state": state}])
    mayor.client.get(back)
    assert unsigned(house, folder_id)


def test_a_request_of_one_folder_serves_no_other(house, at, mayor) -> None:
    first, second = house.an_invoice(at="bon_a_payer"), house.an_invoice(at="bon_a_payer")
    session = mayor.asked(first)
    assert key_of(mayor.authorise(second, session)) == "csc-request-over"
    assert mayor.authorise(first, session).status_code == 200
    assert key_of(mayor.complete(second, session)) == "csc-request-over"
    asking = f"/dossiers/{second}/signature/distance/terminer"
    assert mayor.client.get(asking, query_string={"session": session}).get_json()["state"] == "nothing"
    assert unsigned(house, second)
    assert mayor.complete(first, session).get_json()["state"] == "done"


def test_another_login_session_neither_answers_nor_completes(house, at, server, mayor) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    session = mayor.asked(folder_id)
    elsewhere: At = at("a.kervadec")
    assert key_of(elsewhere.authorise(folder_id, session)) == "csc-request-over"
    mayor.authorise(folder_id, session)
    assert key_of(elsewhere.complete(folder_id, session)) == "csc-request-over"
    assert elsewhere.prepare(folder_id).get_json()["session"] != session
    assert unsigned(house, folder_id)


def test_a_folder_that_moved_meanwhile_is_not_signed(house, at, mayor) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    session = mayor.asked(folder_id)
    mayor.authorise(folder_id, session)
    decide.recall(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
    refused = mayor.complete(folder_id, session)
    assert (refused.status_code, key_of(refused)) == (409, "moved-on")
    assert unsigned(house, folder_id)
    assert key_of(mayor.complete(folder_id, session)) == "csc-request-over"


def test_a_service_that_shows_another_certificate_or_signs_with_another_key_signs_nothing(
    house, at, server, mayor
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    session = mayor.asked(folder_id)
    shown = {"credentialID": "kerlann/b_cadiou", "certificates": "chain", "authInfo": True}
    other = json.dumps(setting.remote_service().ask("credentials/info", shown)).encode()
    server.odd = {"credentials/info": (200, other, "application/json")}
    for answer in (mayor.authorise(folder_id, session), mayor.prepare(folder_id)):
        assert (answer.status_code, key_of(answer)) == (409, "csc-certificate-changed")
    server.odd = {}
    server.swapped = "kerlann/b_cadiou"
    assert mayor.authorise(folder_id, session).status_code == 200
    assert key_of(mayor.complete(folder_id, session)) == "signature-not-yours"
    assert unsigned(house, folder_id)


@pytest.mark.both_databases
def test_of_two_answers_one_is_passed_on_and_the_codes_serve_once(house, at, server, mayor) -> None:
    folder_id, actor = house.an_invoice(at="bon_a_payer"), house.actor("a.kervadec")
    session = mayor.asked(folder_id)
    change(login_session_id=None)
    pending.take(actor, request=session, folder_id=folder_id)
    with pytest.raises(pending.Refusal, match="csc-request-over"):
        pending.take(actor, request=session, folder_id=folder_id)
    pending.give_back(session)
    assert pending.take(actor, request=session, folder_id=folder_id).id == session
    fresh, otp = mayor.asked(folder_id), server.otps[-1]
    assert mayor.authorise(folder_id, fresh, otp=otp).status_code == 200
    assert key_of(mayor.authorise(folder_id, fresh, otp=otp)) == "csc-request-over"
    another = mayor.json(folder_id, "autoriser", session=session, pin=PIN, otp=otp)
    assert key_of(another) == "csc-request-over"


def test_an_expired_request_signs_nothing(house, at, server, mayor) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    session = mayor.asked(folder_id)
    mayor.authorise(folder_id, session)
    change(expires_at=now())
    assert key_of(mayor.complete(folder_id, session)) == "csc-request-over"
    assert mayor.prepare(folder_id).get_json()["session"] != session
    assert unsigned(house, folder_id)


def test_only_who_may_sign_the_folder_asks_the_service(house, at, server, mayor) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    key, asked = mayor.links()[0].id, len(server.calls)
    for login in ("g.trehorel", "n.abgrallec", "k.morizur"):  # they read it, or not even that
        other: At = at(login)
        for verb in ("preparer", "autoriser", "terminer"):
            answer = other.json(
                folder_id, verb, version=house.folder(folder_id).version, key=key, session="a"
            )
            assert answer.status_code in {403, 404}, (login, verb)
    # He signs elsewhere, but not here and not now
    there = house.an_invoice(at="finance")
    assert mayor.prepare(there).status_code == 404
    version = house.folder(folder_id).version
    assert key_of(mayor.json(folder_id, "preparer", version=version - 1, key=key)) == "moved-on"
    assert server.asked("authorize")[1:] == []
    assert [path for path, _ in server.calls[asked:] if not path.endswith("credentials/info")] == []
    # The form's token is asked of these routes as of every other
    bare = mayor.client.post(
        f"/dossiers/{folder_id}/signature/distance/preparer", json={"version": version, "key": key}
    )
    assert bare.status_code == 400


def test_a_page_that_is_asked_again_awaits_its_own_return_and_no_earlier_one(house, server, mayor) -> None:
    server.mode = "oauth2code"
    actor, (mine_,) = house.actor("a.kervadec"), mayor.links()
    key = CscKey.open(setting.remote_service(), mine_.credential)

    def state_of(asked: pending.Authorisation) -> str:
        return parse_qs(urlsplit(asked.page).query)["state"][0]

    first = pending.open_request(actor, mine_.credential, mine_.certificate, key.challenges([b"x" * 32]))
    again = pending.ask_again(first.request, key.challenges([b"x" * 32]))
    with pytest.raises(pending.Refusal, match="csc-return-unknown"):
        pending.take(actor, state=state_of(first))
    assert pending.take(actor, state=state_of(again)).id == first.request


@pytest.mark.both_databases
def test_what_was_signed_is_taken_up_by_its_own_author_alone_and_by_one_at_a_time(house, mayor) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    request = mayor.asked(folder_id)
    mayor.authorise(folder_id, request)
    command = applications.by_command(house.actor("a.kervadec").collectivity_id)
    with Session(engine()) as db, db.begin():
        moment, owner = now(), house.actor("a.kervadec").person_id
        db.add(
            Factor(
                person_id=owner,
                kind="totp",
                name="Téléphone",
                transports=[],
                created_at=moment,
                trusted_from=moment,
            )
        )
    rules.choose(command, rules.Rule(before_signing=True), identity.refuse_stale_in)
    assert mayor.prepare(folder_id).get_json()["key"] == "identity-factor"  # the rule began meanwhile
    rules.choose(command, rules.Rule(), identity.refuse_stale_in)
    with engine().connect() as connection:
        login = connection.execute(sa.text("SELECT login_session_id FROM remote_request")).scalars().all()[-1]
    own = dataclasses.replace(house.actor("a.kervadec"), session_id=login)
    for stranger in (
        house.actor("b.cadiou"),
        house.actor("a.kervadec"),
    ):  # another person, another login session
        with pytest.raises(Refusal, match="csc-request-over"):
            pending.take_up(stranger, request, folder_id)
    session = sign.claim(own, str(pending.take_up(own, request, folder_id).session_id))
    with pytest.raises(Refusal, match="session-used"):
        pending.take_up(own, request, folder_id)
    change(busy_until=now())  # whoever had it is believed dead
    pending.take_up(own, request, folder_id)
    with engine().connect() as connection:
        query = sa.text("SELECT state FROM signature_session WHERE id = :id")
        assert connection.execute(query, {"id": session.id}).scalar_one() == "prepared"
