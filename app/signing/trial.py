"""Make a real signature on a page made for it, with the seal's key or one made for the trial, and read it again."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fpdf import FPDF

from app.signing.formats import pades
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan, ServerKey
from app.trust.certificates import Trust
from app.verification.readers.pdf import read_pdf


def trial_signature(room: Path, key: ServerKey | None, timestamper: Any, moment: datetime) -> str:
    """Sign and read back; says with which key. Raises when the signature does not hold."""
    source, target = room / "essai.pdf", room / "essai-signe.pdf"
    page = FPDF()
    page.add_page()
    page.output(str(source))
    used = key or _passing_key(room, moment)
    pades.seal(
        source,
        target,
        key=used,
        field="Essai",
        fields=[FieldPlan("Essai", None)],
        stamp=None,
        now=moment,
        timestamper=timestamper,
    )
    (signature,) = read_pdf(target, None, Trust((), (), fetch=False), moment)
    if not (signature.holds and signature.covers_whole):
        raise RuntimeError("la signature d’essai ne tient pas après relecture")
    return f"apposée et relue avec {'le cachet' if key else 'une clé de passage'}"


def _passing_key(room: Path, moment: datetime) -> Pkcs12Key:
    """A key made now and thrown away: it proves the machinery, not a certificate."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Paraphe, signature d’essai")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=1))
        .not_valid_after(moment + timedelta(days=1))
        .sign(secret, hashes.SHA256())
    )
    path = room / "essai.p12"
    sealed = serialization.BestAvailableEncryption(b"essai")
    path.write_bytes(
        serialization.pkcs12.serialize_key_and_certificates(b"essai", secret, certificate, None, sealed)
    )
    return Pkcs12Key.load(path, b"essai")
