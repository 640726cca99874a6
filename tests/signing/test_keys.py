"""Where keys live: a file of the server, or a browser that only shows its certificate."""

from base64 import b64decode, b64encode

import pytest

from app.core.refusals import Refusal
from app.signing.keys import browser
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import Prepared


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
