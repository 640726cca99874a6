"""Intermediate authorities that were seen: kept when they lead to a root that we believe, and never more than help."""

import dataclasses
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.core.clock import now
from app.trust import intermediates
from app.trust.certificates import check_certificate
from tests.builders.signing import refusal


def minted_authority(root: bytes) -> bytes:
    """An authority that says it was issued by this root, which never signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AC usurpée (FACTICE)")]))
        .issuer_name(x509.load_der_x509_certificate(root).subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=300))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.DER)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "autorites-vues"


def test_an_authority_under_our_root_is_kept_once_and_helps(pki, trust, folder):
    interm = pki.certificate("interm")
    assert intermediates.known(folder) == ()
    assert intermediates.remember(folder, pki.chain("seal"), trust, now()) == (interm,)
    assert intermediates.remember(folder, pki.chain("seal"), trust, now()) == ()
    known = intermediates.known(folder)
    assert known == (interm,)
    assert intermediates.known(folder) is known
    own = pki.certificate("a_kervadec")
    assert (
        refusal(check_certificate, own, (), trust=trust, moment=now(), enrolled=None)
        == "certificate-issuer-missing"
    )
    helped = dataclasses.replace(trust, known=known)
    assert (
        check_certificate(own, (), trust=helped, moment=now(), enrolled=None).common_name == "Armel KERVADEC"
    )


def test_it_is_help_and_not_belief(pki, trust, folder):
    intermediates.remember(folder, pki.chain("seal"), trust, now())
    nobody = dataclasses.replace(trust, roots=(), known=intermediates.known(folder))
    own = pki.certificate("a_kervadec")
    assert (
        refusal(check_certificate, own, (), trust=nobody, moment=now(), enrolled=None)
        == "certificate-issuer-unknown"
    )


@pytest.mark.parametrize("offered", ["a_kervadec", "root", "foreign", "rubbish", "large", "forged"])
def test_what_is_no_authority_of_ours_is_left_aside(pki, trust, folder, offered):
    made = {
        "rubbish": b"\x30\x03\x02\x01\x01",
        "large": pki.certificate("interm") + bytes(intermediates.LARGEST),
        "forged": minted_authority(pki.certificate("root")),
    }
    data = made.get(offered) or pki.certificate(offered)
    assert intermediates.remember(folder, [data], trust, now()) == ()
    assert intermediates.known(folder) == ()


def test_there_is_room_for_so_many_and_no_more(pki, trust, folder, monkeypatch):
    monkeypatch.setattr(intermediates, "MOST", 1)
    intermediates.remember(folder, [pki.certificate("interm"), pki.certificate("cards")], trust, now())
    assert len(intermediates.known(folder)) == 1
    assert (
        intermediates.remember(folder, [pki.certificate("cards"), pki.certificate("interm")], trust, now())
        == ()
    )


def test_half_a_file_is_nobody_and_what_is_forgotten_is_gone(pki, trust, folder):
    intermediates.remember(folder, [pki.certificate("interm"), pki.certificate("cards")], trust, now())
    (first, second) = sorted(folder.iterdir())
    first.write_bytes(first.read_bytes()[:100])
    (folder / "x.der").write_bytes(b"")
    assert [intermediates._name(one) for one in intermediates.known(folder)] == [second.name]
    assert intermediates.forget(folder, second.stem)
    assert not intermediates.forget(folder, second.stem)
    assert intermediates.known(folder) == ()
