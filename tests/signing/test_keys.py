"""Where keys live: a file of the server, or a browser that only shows its certificate."""

import dataclasses
import hashlib
from base64 import b64decode, b64encode

import pytest

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.keys import browser, webeid
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import Prepared
from app.trust.certificates import check_certificate, issuers_of


def refusal(action, *args) -> str:
    with pytest.raises(Refusal) as caught:
        action(*args)
    return caught.value.key


def b64(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.mark.parametrize("label", ["a_kervadec", "a_kervadec_legacy", "ec", "rsa4096"])
def test_a_key_file_opens_once_and_gives_its_certificate_and_chain(pki, label):
    key = Pkcs12Key.load(pki.p12(label), pki.passphrase)
    assert key is Pkcs12Key.load(pki.p12(label), pki.passphrase)
    assert key.certificate == pki.certificate(label.removesuffix("_legacy"))
    assert set(key.chain) == set(pki.chain(label.removesuffix("_legacy")))
    assert not key.external
    assert "key" not in repr(key)


def test_a_wrong_password_a_missing_file_and_a_weak_key_are_refused(pki, tmp_path):
    assert refusal(Pkcs12Key.load, pki.p12("ec"), b"faux") == "passphrase-wrong"
    assert refusal(Pkcs12Key.load, pki.p12("weak"), pki.passphrase) == "key-weak"
    assert refusal(Pkcs12Key.load, tmp_path / "absent.p12", b"") == "key-file-unreadable"
    (tmp_path / "autre.p12").write_bytes(b"autre chose")
    assert refusal(Pkcs12Key.load, tmp_path / "autre.p12", b"") == "key-file-unreadable"


@pytest.mark.parametrize(
    ("label", "algorithm"),
    [
        ("a_kervadec", {"name": "RSASSA-PKCS1-v1_5", "hash": "SHA-256"}),
        ("ec", {"name": "ECDSA", "namedCurve": "P-256", "hash": "SHA-256"}),
    ],
)
def test_the_page_learns_what_to_sign_and_how(pki, label, algorithm):
    offered = browser.read_key(
        {"certificate": b64(pki.certificate(label)), "chain": [b64(one) for one in pki.chain(label)]}
    )
    prepared = Prepared("maire", b"attributes", b"digest", 0, 10, "sha256")
    asked = browser.question(prepared, offered.certificate)
    assert offered.external
    assert asked["algorithm"] == algorithm
    assert b64decode(asked["tbs"]) == b"attributes"
    assert len(b64decode(asked["hash"])) == 32


def test_what_a_page_may_not_send_is_refused(pki):
    good = b64(pki.certificate("ec"))
    assert refusal(browser.read_key, {}) == "browser-answer-invalid"
    assert refusal(browser.read_key, {"certificate": "é"}) == "browser-answer-invalid"
    assert refusal(browser.read_key, {"certificate": "A" * 40_000}) == "browser-answer-invalid"
    assert refusal(browser.read_key, {"certificate": good, "chain": [good] * 9}) == "browser-answer-invalid"
    assert refusal(browser.read_key, {"certificate": good, "chain": "x"}) == "browser-answer-invalid"
    assert refusal(browser.read_key, {"certificate": b64(b"autre chose")}) == "certificate-unreadable"
    assert refusal(browser.read_key, {"certificate": b64(pki.certificate("weak"))}) == "key-weak"
    assert refusal(browser.read_signature, "") == "browser-answer-invalid"
    assert refusal(browser.read_signature, None) == "browser-answer-invalid"
    assert browser.read_signature(b64(b"abc")) == b"abc"


RSA = {"cryptoAlgorithm": "RSA", "hashFunction": "SHA-256", "paddingScheme": "PKCS1.5"}
ECC = {"cryptoAlgorithm": "ECC", "hashFunction": "SHA-384", "paddingScheme": "NONE"}


def test_a_card_is_asked_for_a_hash_and_must_answer_with_the_algorithm_of_its_key(pki):
    offered = webeid.read_key(
        {"certificate": b64(pki.certificate("card")), "supportedSignatureAlgorithms": [RSA, ECC]}
    )
    assert (offered.external, offered.chain) == (True, ())
    asked = webeid.question(Prepared("maire", b"attributes", b"digest", 0, 10, "sha384"), offered.certificate)
    assert asked["signatureAlgorithm"] == ECC
    assert b64decode(asked["hash"]) == hashlib.sha384(b"attributes").digest()
    answer = {"signature": b64(b"abc"), "signatureAlgorithm": ECC}
    assert webeid.read_signature(answer, offered.certificate) == b"abc"


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ({**ECC, "hashFunction": "SHA-256"}, "card-algorithm-other"),
        (RSA, "card-algorithm-other"),
        ({**ECC, "hashFunction": None}, "card-answer-invalid"),
        ({**ECC, "hashFunction": "S" * 99}, "card-answer-invalid"),
        (None, "card-answer-invalid"),
    ],
)
def test_a_card_that_answers_otherwise_is_refused(pki, said, key):
    answer = {"signature": b64(b"abc"), "signatureAlgorithm": said}
    assert refusal(webeid.read_signature, answer, pki.certificate("card")) == key
    assert refusal(
        webeid.read_key, {"certificate": b64(pki.certificate("card")), "supportedSignatureAlgorithms": [said]}
    ) in {
        "card-algorithm-missing",
        "card-answer-invalid",
    }


def test_a_card_that_signs_with_pss_or_sends_no_list_is_refused(pki):
    certificate = pki.certificate("card_rsa")
    pss = {"signature": b64(b"abc"), "signatureAlgorithm": {**RSA, "paddingScheme": "PSS"}}
    assert refusal(webeid.read_signature, pss, certificate) == "card-algorithm-other"
    for offer in ({}, {"certificate": b64(certificate)}, {"certificate": "é", "supportedSignatureAlgorithms": [RSA]},
                  {"certificate": b64(certificate), "supportedSignatureAlgorithms": [RSA] * 65}):  # fmt: skip
        assert refusal(webeid.read_key, offer) == "card-answer-invalid"


def test_the_issuers_of_a_card_are_asked_where_its_certificate_says_and_nowhere_else(pki, trust):
    certificate = pki.certificate("card")
    assert issuers_of(certificate, trust=trust, moment=now()) == pki.chain("card")
    closed = dataclasses.replace(trust, allowed_hosts=())
    assert issuers_of(certificate, trust=closed, moment=now()) == ()
    assert (
        refusal(lambda: check_certificate(certificate, (), trust=closed, moment=now(), enrolled=None))
        == "certificate-issuer-missing"
    )
