"""A folder signed at the trust service: by codes or on its own page, once, and with one accord whatever fails afterwards."""

import hashlib
from base64 import b64decode
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app.core.db import engine
from app.core.refusals import Refusal
from app.signing import setting
from app.signing.keys.csc import CscKey
from app.signing.models import SignatureSession
from app.signing.remote import pending, signing
from app.trust.algorithms import check_signature
from tests.builders.remote import At, key_of
from tests.builders.settings import take_settings
from tests.builders.trust_service import PIN
from tests.cluster import free_port

pytestmark = pytest.mark.in_turn

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def silence_the_clock(house, *, ends: bool = False) -> None:
    """The timestamp authority no longer answers; or, at the end, answers again."""
    dead = {"tsa_url": f"http://127.0.0.1:{free_port()}/tsa", "network_timeout": 1.0}
    take_settings(house.settings if ends else house.settings.model_copy(update=dead))


def signed(house, folder_id: int) -> bool:
    return [one.origin for one in house.versions(folder_id)] == ["deposited", "signed"]


def proofs(folder_id: int) -> list[str]:
    with engine().connect() as connection:
        query = sa.text("SELECT fingerprint FROM signature_proof WHERE folder_id = :folder")
        return list(connection.execute(query, {"folder": folder_id}).scalars())


def test_by_codes_exactly_the_document_is_authorised_and_the_folder_goes_on(house, at, server) -> None:
    mayor: At = at("a.kervadec")
    mayor.link()
    folder_id = house.an_invoice(at="bon_a_payer")
    assert "À distance" in mayor.client.get(f"/dossiers/{folder_id}/signer").get_data(as_text=True)
    sent = len(server.asked("sendOTP"))
    prepared = mayor.prepare(folder_id).get_json()
    (item,) = prepared["items"]
    assert (item["wants"], item["page"], len(server.asked("sendOTP"))) == (["pin", "otp"], "", sent + 1)
    session = prepared["session"]
    # A wrong code signs nothing, and another may be given
    wrong = mayor.authorise(folder_id, session, otp="00000000")
    assert (wrong.status_code, key_of(wrong)) == (403, "csc-code-wrong")
    assert key_of(mayor.complete(folder_id, session)) == "csc-request-over"
    right = mayor.authorise(folder_id, session)
    assert right.get_json()["items"] == [{"id": session, "wants": [], "page": ""}]
    assert not signed(house, folder_id)
    done = mayor.complete(folder_id, session).get_json()
    assert (done["state"], signed(house, folder_id)) == ("done", True)
    assert house.folder(folder_id).place != "bon_a_payer"
    assert proofs(folder_id) == [hashlib.sha256(house.pki.certificate("a_kervadec")).hexdigest()]
    with engine().connect() as connection:
        prepared = connection.execute(sa.select(SignatureSession.prepared)).scalars().all()
    pinned = [[hashlib.sha256(bytes.fromhex(one["attributes"])).digest()] for (one,) in prepared]
    asked = [[b64decode(one) for one in body["hash"]] for body in server.asked("authorize")[-1:]]
    assert asked == pinned
    assert [[b64decode(one) for one in body["hash"]] for body in server.asked("signHash")[-1:]] == pinned
    asking = f"/dossiers/{folder_id}/signature/distance/terminer"
    assert mayor.client.get(asking, query_string={"session": session}).get_json()["state"] == "done"


def test_on_the_service_s_own_page_one_goes_away_and_comes_back_to_a_signed_folder(house, at, server) -> None:
    mayor: At = at("a.kervadec")
    mayor.link()
    server.mode = "oauth2code"
    folder_id = house.an_invoice(at="bon_a_payer")
    (item,) = mayor.prepare(folder_id).get_json()["items"]
    said = parse_qs(urlsplit(item["page"]).query)
    assert said["redirect_uri"] == [f"{house.settings.public_url}/signature/retour"]
    assert said["credentialID"] == ["kerlann/a_kervadec"]
    back = mayor.client.get(mayor.accept(item["page"]))
    assert (back.status_code, signed(house, folder_id)) == (302, True)
    assert "est signé" in mayor.client.get(back.location).get_data(as_text=True)


def test_who_refuses_on_the_page_has_signed_nothing_and_may_begin_again(house, at, server) -> None:
    mayor: At = at("a.kervadec")
    mayor.link()
    server.mode = "oauth2code"
    folder_id = house.an_invoice(at="bon_a_payer")
    (item,) = mayor.prepare(folder_id).get_json()["items"]
    state = parse_qs(urlsplit(item["page"]).query)["state"][0]
    back = mayor.client.get(f"/signature/retour?error=access_denied&state={state}")
    assert back.location == f"/dossiers/{folder_id}"
    assert "n’a pas été donnée sur la page" in mayor.client.get(back.location).get_data(as_text=True)
    assert not signed(house, folder_id)
    (again,) = mayor.prepare(folder_id).get_json()["items"]
    mayor.client.get(mayor.accept(again["page"]))
    assert signed(house, folder_id)


def test_a_silent_timestamp_authority_asks_for_no_second_accord(house, at, server) -> None:
    mayor: At = at("a.kervadec")
    mayor.link()
    folder_id = house.an_invoice(at="bon_a_payer")
    session = mayor.asked(folder_id)
    mayor.authorise(folder_id, session)
    given = len(server.asked("signHash"))
    silence_the_clock(house)
    for _ in range(2):
        silent = mayor.complete(folder_id, session)
        assert (silent.status_code, key_of(silent)) == (503, "timestamp-silent")
    # The person clicks again: nothing is asked of him, nor of the service
    again = mayor.prepare(folder_id).get_json()
    assert again == {"session": session, "items": [{"id": session, "wants": [], "page": ""}]}
    # Elsewhere on the page it would be another signature: that one must be agreed to
    elsewhere = {"page": 1, "x1": 50, "y1": 50, "x2": 250, "y2": 110}
    assert mayor.prepare(folder_id, box=elsewhere).get_json()["items"][0]["wants"] == ["pin", "otp"]
    silence_the_clock(house, ends=True)
    assert mayor.complete(folder_id, session).get_json()["state"] == "done"
    assert signed(house, folder_id)
    assert len(server.asked("signHash")) == given


def test_after_the_page_a_silent_timestamp_authority_leads_back_to_the_dialog(house, at, server) -> None:
    mayor: At = at("a.kervadec")
    mayor.link()
    server.mode = "oauth2code"
    folder_id = house.an_invoice(at="bon_a_payer")
    (item,) = mayor.prepare(folder_id).get_json()["items"]
    silence_the_clock(house)
    back = mayor.client.get(mayor.accept(item["page"]))
    assert back.location == f"/dossiers/{folder_id}/signer"
    page = mayor.client.get(back.location).get_data(as_text=True)
    assert "L’horodatage n’a pas répondu" in page
    assert "aucun nouvel accord" in page
    silence_the_clock(house, ends=True)
    (again,) = mayor.prepare(folder_id).get_json()["items"]
    assert again["wants"] == []
    assert mayor.complete(folder_id, again["id"]).get_json()["state"] == "done"


def test_what_was_signed_in_the_first_groups_is_kept_and_the_last_partial_one_completes(
    house, at, server
) -> None:
    """Seven hashes, three in one accord: the service falls silent at the last, which alone is asked again."""
    mayor: At = at("a.kervadec")
    mayor.link()
    folder_id = house.an_invoice(at="bon_a_payer")
    actor = house.actor("a.kervadec")
    ready, _ = house.prepare(folder_id, "a.kervadec")
    (mine,) = mayor.links()
    key = CscKey.open(setting.remote_service(), mine.credential)
    texts = [b"bordereau %d" % n for n in range(7)]
    hashes = [hashlib.sha256(one).digest() for one in texts]
    asked = pending.open_request(
        actor,
        mine.credential,
        mine.certificate,
        key.challenges(hashes),
        folder_id=folder_id,
        session_id=ready.session,
    )
    codes = {"pin": SecretStr(PIN)}
    for _ in range(2):
        row = pending.take(actor, request=asked.request, folder_id=folder_id)
        asked = signing.answer(row, **codes, otp=SecretStr(server.otps[-1]))
        assert asked.wants == ("pin", "otp")
    server.odd = {"signatures/signHash": (503, b"", "application/json")}
    row = pending.take(actor, request=asked.request, folder_id=folder_id)
    with pytest.raises(Refusal, match="csc-silent"):
        signing.answer(row, **codes, otp=SecretStr(server.otps[-1]))
    server.odd = {}
    version = house.folder(folder_id).version
    asked = signing.ask(actor, folder_id, version=version, key_id=mine.id, box=None)
    row = pending.take(actor, request=asked.request, folder_id=folder_id)
    assert signing.answer(row, **codes, otp=SecretStr(server.otps[-1])).wants == ()
    sizes = [len(one["hash"]) for one in server.asked("signHash")[1:]]
    assert sizes == [3, 3, 1, 1]  # the last one twice: the service said nothing of the first
    whole = pending.take_up(actor, asked.request, folder_id)
    for text, signature in zip(texts, whole.signatures, strict=True):
        assert check_signature(mine.certificate, b64decode(signature), text, "sha256")


@ON_SQLITE
@pytest.mark.parametrize(
    ("method", "answer", "key"),
    [
        ("credentials/authorize", (503, b"", "application/json"), "csc-silent"),
        ("signatures/signHash", (200, b"<html>", "text/html"), "csc-silent"),
        ("signatures/signHash", (200, b'{"signatures": []}', "application/json"), "csc-answer-invalid"),
        (
            "signatures/signHash",
            (400, b'{"error": "invalid_request", "error_description": "SAD expired"}', "application/json"),
            "csc-authorization-expired",
        ),
        (
            "credentials/authorize",
            (
                400,
                b'{"error": "invalid_request", "error_description": "The OTP is invalid"}',
                "application/json",
            ),
            "csc-code-wrong",
        ),
        (
            "credentials/authorize",
            (400, b'{"error": "invalid_otp", "error_description": "OTP locked"}', "application/json"),
            "csc-credential-locked",
        ),
        ("credentials/authorize", (401, b"", "application/json"), "csc-access-refused"),
    ],
)
def test_what_goes_wrong_at_the_service_is_told_signs_nothing_and_may_be_tried_again(
    house, at, server, method, answer, key
) -> None:
    mayor: At = at("a.kervadec")
    mayor.link()
    folder_id = house.an_invoice(at="bon_a_payer")
    session = mayor.asked(folder_id)
    server.odd = {method: answer}
    refused = mayor.authorise(folder_id, session)
    assert key_of(refused) == key
    assert "Rien n’a été signé" in refused.get_json()["detail"]
    assert not signed(house, folder_id)
    server.odd = {}
    fresh = mayor.asked(folder_id)
    assert mayor.authorise(folder_id, fresh).status_code == 200
    assert mayor.complete(folder_id, fresh).get_json()["state"] == "done"


@ON_SQLITE
def test_a_credential_that_three_wrong_codes_locked_is_told(house, at) -> None:
    mayor: At = at("a.kervadec")
    mayor.link()
    folder_id = house.an_invoice(at="bon_a_payer")
    session = mayor.asked(folder_id)
    keys = [key_of(mayor.authorise(folder_id, session, pin="0000")) for _ in range(4)]
    assert keys == ["csc-code-wrong"] * 3 + ["csc-credential-locked"]


@ON_SQLITE
def test_a_deliberation_takes_two_signatures_one_of_them_at_a_distance(house, at) -> None:
    second: At = at("b.cadiou")
    second.link("kerlann/b_cadiou")
    folder_id = house.a_deliberation(at="signatures")
    house.sign(folder_id, "a.kervadec")
    session = second.asked(folder_id)
    second.authorise(folder_id, session)
    assert second.complete(folder_id, session).get_json()["state"] == "done"
    assert len(proofs(folder_id)) == 2


@ON_SQLITE
def test_the_dialog_offers_it_only_to_whoever_has_a_certificate_there(house, at) -> None:
    mayor: At = at("a.kervadec")
    folder_id = house.an_invoice(at="bon_a_payer")

    def offered() -> bool:
        return "data-sign-remote" in mayor.client.get(f"/dossiers/{folder_id}/signer").get_data(as_text=True)

    assert not offered()
    mayor.link()
    assert offered()
    mayor.post(f"/compte/certificats/{mayor.links()[0].certificate_id}/retirer")
    assert not offered()
