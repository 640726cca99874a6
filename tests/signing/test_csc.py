"""Remote signing at a trust service, on Certomancer's CSC server: what is authorised, what is signed, what is never kept."""

import hashlib
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from pydantic import SecretStr

from app.core.refusals import Refusal
from app.signing.keys.csc import Challenge, CscKey
from app.signing.remote.service import Service
from app.trust import algorithms
from tests.builders.signing import refusal
from tests.builders.trust_service import BEARER, CLIENT, CLIENT_SECRET, PIN, REDIRECT, TrustService
from tests.cluster import free_port

TBS = [b"document %d" % n for n in range(7)]


@pytest.fixture
def open_service(pki) -> Iterator[Callable[..., TrustService]]:
    opened: list[TrustService] = []

    def start(**options: object) -> TrustService:
        opened.append(TrustService(pki, **options))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def account(server: TrustService, bearer: str = BEARER) -> Service:
    return Service(
        f"{server.address}/csc/v1",
        SecretStr(bearer),
        oauth=server.address,
        client=CLIENT,
        client_secret=SecretStr(CLIENT_SECRET),
        redirect=REDIRECT,
    )


def opened(server: TrustService, label: str = "a_kervadec") -> CscKey:
    return CscKey.open(account(server), f"kerlann/{label}")


def hashed(key: CscKey, documents: list[bytes] = TBS) -> list[bytes]:
    return [hashlib.new(key.digest, one).digest() for one in documents]


def proven(key: CscKey, signatures: list[bytes], documents: list[bytes] = TBS) -> bool:
    for tbs, signature in zip(documents, signatures, strict=True):
        algorithms.check_signature(key.certificate, signature, tbs, key.digest)
    return True


def test_the_credentials_are_listed_and_one_brings_its_certificate_and_chain(open_service, pki) -> None:
    server = open_service()
    assert "kerlann/a_kervadec" in account(server).credentials()
    key = opened(server)
    assert (key.name, key.external, key.most) == ("csc", True, 3)
    assert (key.certificate, key.chain) == (pki.certificate("a_kervadec"), pki.chain("a_kervadec"))


@pytest.mark.parametrize("label", ["a_kervadec", "ec", "p384", "rsa4096"])
def test_exactly_the_hashes_are_authorised_in_full_groups_and_the_last_partial_one_completes(
    open_service, label
) -> None:
    server = open_service()
    key = opened(server, label)
    hashes = hashed(key)
    challenges = key.challenges(hashes)
    assert [len(one.hashes) for one in challenges] == [3, 3, 1]
    assert proven(key, [signature for one in challenges for signature in key.finish(one)])
    authorised, signed = server.asked("credentials/authorize"), server.asked("signatures/signHash")
    assert [one["numSignatures"] for one in authorised] == [3, 3, 1]
    assert [one["hash"] for one in authorised] == [one["hash"] for one in signed]
    assert sum((one.hashes for one in challenges), ()) == tuple(hashes)


def test_nothing_to_sign_asks_nothing(open_service) -> None:
    server = open_service(mode="explicit")
    assert opened(server).challenges([]) == ()
    assert server.asked("sendOTP") == []


def test_pin_and_one_time_password_are_asked_for_each_authorisation_and_serve_once(open_service) -> None:
    server = open_service(mode="explicit")
    key = opened(server)
    first, second, _ = key.challenges(hashed(key))
    assert first.wants == ("pin", "otp")
    (otp,) = server.otps
    for given in (
        {},
        {"pin": SecretStr(PIN)},
        {"pin": SecretStr(PIN), "otp": SecretStr("00000000")},
        {"pin": SecretStr("0000"), "otp": SecretStr(otp)},
    ):
        assert refusal(lambda given=given: key.finish(first, **given)) == "csc-code-wrong"
    assert server.asked("signHash") == []
    right = {"pin": SecretStr(PIN), "otp": SecretStr(otp)}
    assert proven(key, key.finish(first, **right), TBS[:3])
    assert refusal(lambda: key.finish(second, **right)) == "csc-code-wrong"
    key.send_otp(second)
    assert proven(key, key.finish(second, pin=SecretStr(PIN), otp=SecretStr(server.otps[0])), TBS[3:6])


def test_what_waits_outlives_the_visit_to_the_service_s_own_page(open_service) -> None:
    server = open_service(mode="oauth2code")
    key = opened(server)
    challenge, other, _ = key.challenges(hashed(key))
    kept = json.dumps(challenge.dump())
    back = requests.get(challenge.page, allow_redirects=False, timeout=10).headers["Location"]
    said = parse_qs(urlsplit(back).query)
    assert back.startswith(REDIRECT)
    assert said["state"] == [challenge.state]
    assert challenge.state != other.state
    # Another process takes over, with what was kept and nothing else
    again, code = Challenge.load(json.loads(kept)), SecretStr(said["code"][0])
    assert again == challenge
    assert proven(key, opened(server).finish(again, code=code), TBS[:3])
    assert refusal(lambda: key.finish(again, code=code)) == "csc-authorization-expired"


def test_an_authorisation_given_for_some_hashes_signs_no_others(open_service) -> None:
    server = open_service(mode="oauth2code")
    key = opened(server)
    challenge, other, _ = key.challenges(hashed(key))
    back = requests.get(challenge.page, allow_redirects=False, timeout=10).headers["Location"]
    code = SecretStr(parse_qs(urlsplit(back).query)["code"][0])
    assert refusal(lambda: key.finish(other, code=code)) == "csc-answer-invalid"
    assert refusal(lambda: opened(server, "ec").finish(challenge, code=code)) == "csc-code-wrong"


def test_a_service_that_is_silent_unwilling_or_strange_is_refused_in_french(open_service, pki) -> None:
    server = open_service()
    key = opened(server)
    (challenge,) = key.challenges(hashed(key)[:1])
    assert refusal(CscKey.open, account(server, "autre jeton"), "kerlann/ec") == "csc-access-refused"
    nobody = Service(f"http://127.0.0.1:{free_port()}/csc/v1", SecretStr(BEARER), timeout=2)
    assert refusal(nobody.credentials) == "csc-silent"
    assert (
        refusal(Service("http://service.example/csc/v1", SecretStr(BEARER)).credentials)
        == "csc-address-unsafe"
    )
    assert refusal(opened, server, "inconnu") == "csc-answer-invalid"
    good = "application/json"
    for method, answer, expected in (
        ("signatures/signHash", (200, b'{"signatures": []}', good), "csc-answer-invalid"),
        ("signatures/signHash", (200, b'{"signatures": ["AAAA", "AAAA"]}', good), "csc-answer-invalid"),
        ("signatures/signHash", (200, b'{"signatures": [7]}', good), "csc-answer-invalid"),
        ("signatures/signHash", (200, b"[]", good), "csc-answer-invalid"),
        ("signatures/signHash", (200, b"{" * 9000, good), "csc-answer-invalid"),
        ("signatures/signHash", (200, b"<html>", "text/html"), "csc-silent"),
        ("signatures/signHash", (200, b" " * 300_000 + b"{}", good), "csc-silent"),
        ("signatures/signHash", (302, b"", good), "csc-answer-invalid"),
        ("signatures/signHash", (503, b"", good), "csc-silent"),
        ("credentials/authorize", (200, b"{}", good), "csc-answer-invalid"),
        ("credentials/authorize", (400, b"pas du JSON", good), "csc-answer-invalid"),
    ):
        server.odd = {method: answer}
        assert refusal(key.finish, challenge) == expected, (method, answer)


@pytest.mark.parametrize(
    "changed",
    [
        {"key": {"status": "disabled", "algo": ["1.2.840.113549.1.1.11"]}},
        {"key": {"status": "enabled", "algo": ["1.2.840.113549.1.1.5"]}},  # SHA-1
        {"multisign": "beaucoup"},
        {"multisign": 0},
        {"authMode": "telepathie"},
        {"cert": {"certificates": []}},
        {"cert": {"certificates": ["AAAA"]}},
        {"cert": 3},
    ],
)
def test_a_credential_that_may_not_sign_or_is_badly_described_is_refused(open_service, changed) -> None:
    server = open_service()
    asked = {"credentialID": "kerlann/a_kervadec", "certificates": "chain"}
    described = {**account(server).ask("credentials/info", asked), **changed}
    server.odd = {"credentials/info": (200, json.dumps(described).encode(), "application/json")}
    assert refusal(opened, server) in {
        "csc-credential-unusable",
        "csc-answer-invalid",
        "certificate-unreadable",
    }


def test_no_secret_is_kept_shown_or_logged(open_service, caplog, capfd) -> None:
    caplog.set_level(logging.DEBUG)
    server = open_service(mode="explicit")
    key = opened(server)
    challenge, *_ = key.challenges(hashed(key))
    otp = server.otps[0]
    shown = [json.dumps(challenge.dump()), repr(challenge), repr(key), repr(account(server)), repr(vars(key))]
    for pin in ("0000-faux", PIN):
        server.odd = {} if pin != PIN else {"signatures/signHash": (500, b"", "application/json")}
        try:
            key.finish(challenge, pin=SecretStr(pin), otp=SecretStr(otp))
        except Refusal as error:
            found = traceback.TracebackException.from_exception(error, capture_locals=True)
            frames = [
                one for one in found.stack if "/app/" in one.filename or "site-packages" in one.filename
            ]
            shown += [f"{name}={value}" for one in frames for name, value in (one.locals or {}).items()]
            shown += [repr(error), repr(error.__context__), repr(error.__cause__)]
    (sad,) = [one["SAD"] for one in server.asked("signHash")]
    shown += [caplog.text, *capfd.readouterr()]
    secrets = (otp, PIN, "0000-faux", sad, BEARER, CLIENT_SECRET)
    assert not [(one[:80], secret) for one in shown for secret in secrets if secret in one]
