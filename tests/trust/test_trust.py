"""Who may sign: every certificate that may not is refused with its own sentence, and no host is asked unseen."""

import dataclasses
from datetime import timedelta
from string import Formatter

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing import sentences as signing
from app.trust.certificates import Enrolled, check_certificate, facts
from app.trust.sentences import SENTENCES
from app.verification import sentences as verifying
from tests.cluster import free_port


def check(pki, trust, label, enrolled=None):
    return check_certificate(
        pki.certificate(label), pki.chain(label), trust=trust, moment=now(), enrolled=enrolled
    )


def refusal(action, *args, **kwargs) -> Refusal:
    with pytest.raises(Refusal) as caught:
        action(*args, **kwargs)
    said = caught.value
    wanted = {name for _, name, _, _ in Formatter().parse(SENTENCES[said.key][1]) if name}
    assert wanted <= set(said.facts), f"{said.key} lacks {wanted - set(said.facts)}"
    return said


@pytest.mark.parametrize("label", ["a_kervadec", "b_cadiou", "ec", "rsa4096", "seal"])
def test_a_signing_certificate_of_a_known_authority_passes(pki, trust, label):
    said = check(pki, trust, label)
    assert said.revocation_checked
    assert said.not_before < now() < said.not_after


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("auth_only", "certificate-authentication-only"),
        ("interm", "certificate-is-authority"),
        ("weak", "key-weak"),
        ("future", "certificate-not-yet-valid"),
        ("expired", "certificate-expired"),
        ("foreign_root", "certificate-issuer-unknown"),
        ("revoked", "certificate-revoked"),
    ],
)
def test_a_certificate_that_may_not_sign_is_refused_for_its_own_reason(pki, trust, label, key):
    assert refusal(check, pki, trust, label).key == key


def test_a_certificate_serves_the_person_to_whom_it_is_enrolled_and_nobody_else(pki, trust):
    own, other = facts(pki.certificate("a_kervadec")), facts(pki.certificate("b_cadiou"))
    assert check(pki, trust, "a_kervadec", [Enrolled(fingerprint=own.fingerprint_sha256)])
    assert check(pki, trust, "a_kervadec", [Enrolled(issuer_serial=own.issuer_serial)])
    for enrolled in ([], [Enrolled()], [Enrolled(other.fingerprint_sha256, other.issuer_serial)]):
        assert refusal(check, pki, trust, "a_kervadec", enrolled).key == "certificate-not-enrolled"


def test_a_self_made_twin_with_the_same_names_and_serial_is_refused(pki, trust):
    model = x509.load_der_x509_certificate(pki.certificate("a_kervadec"))
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder(
        issuer_name=model.issuer,
        subject_name=model.subject,
        public_key=key.public_key(),
        serial_number=model.serial_number,
        not_valid_before=model.not_valid_before_utc,
        not_valid_after=model.not_valid_after_utc,
    )
    for extension in model.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    twin = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    enrolled = [Enrolled(issuer_serial=facts(pki.certificate("a_kervadec")).issuer_serial)]
    said = refusal(
        check_certificate, twin, pki.chain("a_kervadec"), trust=trust, moment=now(), enrolled=enrolled
    )
    assert said.key == "certificate-chain-invalid"


@pytest.mark.parametrize("hosts", [(), ("kerlann.example",), (f"127.0.0.1:{free_port()}",)])
def test_a_host_that_is_not_listed_is_never_asked_and_revocation_stays_unknown(pki, trust, hosts):
    assert (
        refusal(check, pki, dataclasses.replace(trust, allowed_hosts=hosts), "ec").key == "revocation-unknown"
    )


def test_a_revocation_after_the_moment_does_not_reach_back(pki, trust):
    before = now() - timedelta(days=60)
    chain = pki.chain("revoked")
    assert check_certificate(pki.certificate("revoked"), chain, trust=trust, moment=before, enrolled=None)


def test_rubbish_is_not_a_certificate(trust):
    said = refusal(check_certificate, b"0\x03abc", (), trust=trust, moment=now(), enrolled=None)
    assert said.key == "certificate-unreadable"


def test_every_sentence_says_in_french_whether_something_was_signed():
    for key, (status, sentence) in (SENTENCES | verifying.SENTENCES | signing.SENTENCES).items():
        assert 400 <= status < 600
        assert sentence.endswith((".", "…", " : {details}")), key  # the details are a sentence of their own
        assert "'" not in sentence, key
        assert "!" not in sentence, key
