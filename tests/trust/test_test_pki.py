"""The test PKI keeps its keys and serials, and gives no key away."""

import urllib.error
import urllib.request

import pytest

from app.trust.certificates import facts
from demo import pki as demo_pki


def test_a_restart_keeps_every_certificate(pki):
    again = demo_pki.make(pki.folder, pki.base_url)
    assert again.certificate("a_kervadec") == pki.certificate("a_kervadec")


def test_another_address_keeps_keys_and_serials(tmp_path):
    first = demo_pki.make(tmp_path, "http://127.0.0.1:1")
    second = demo_pki.make(tmp_path, "http://127.0.0.1:2")
    before, after = (facts(one.certificate("b_cadiou")) for one in (first, second))
    assert before.issuer_serial == after.issuer_serial
    assert before.fingerprint_sha256 != after.fingerprint_sha256


def test_no_private_key_can_be_asked_over_the_network(pki):
    for path in ("/", "/_certomancer/pfx-download/kerlann", "/keys/seal.pem"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(pki.base_url + path)
        assert caught.value.code == 404
        caught.value.close()
