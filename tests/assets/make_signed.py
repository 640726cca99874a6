"""Makes signed, certified and timestamped PDFs with keys that live as long as the test."""

import datetime as dt
import io
import warnings
from pathlib import Path

GOOD = Path(__file__).parent / "acts" / "deliberation-2026-057-subvention.pdf"
# No clock in the tests: the certificates are valid from this day on, for ten years.
DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def signer(key: object = None) -> object:
    """A person's key and self-signed certificate, made on the spot."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import pkcs12
    from cryptography.x509.oid import NameOID
    from pyhanko.sign import signers

    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Armel Kervadec")])
    usage = x509.KeyUsage(*(at in {0, 1} for at in range(9)))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(42)
        .not_valid_before(DAY)
        .not_valid_after(DAY + dt.timedelta(days=3650))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    bundle = pkcs12.serialize_key_and_certificates(b"x", key, certificate, None, plain)
    return signers.SimpleSigner.load_pkcs12_data(bundle, other_certs=[])


def timestamper() -> object:
    """A timestamp authority in this very process, at noon of a fixed day."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from pyhanko.sign.timestamps import DummyTimeStamper

    own = signer(rsa.generate_private_key(65537, 2048))  # all that this authority of pyHanko knows
    noon = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
    return DummyTimeStamper(
        own.signing_cert, own.signing_key, certs_to_embed=own.cert_registry, fixed_dt=noon
    )


def signed(
    *, certify: int | None = None, free_field: int = 0, data: bytes | None = None, stamped: bool = False
) -> bytes:
    """A signed PDF; `certify` is the DocMDP level, `free_field` leaves so many empty signature fields."""
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    writer = IncrementalPdfFileWriter(io.BytesIO(data or GOOD.read_bytes()))
    for rank in range(1 + free_field):
        box = (50, 50 + 60 * rank, 200, 90 + 60 * rank)
        fields.append_signature_field(writer, fields.SigFieldSpec(f"Signature{rank + 1}", on_page=0, box=box))
    meta = signers.PdfSignatureMetadata(
        field_name="Signature1",
        certify=certify is not None,
        docmdp_permissions=fields.MDPPerm(certify or 2),
        subfilter=fields.SigSeedSubFilter.PADES,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clock = timestamper() if stamped else None
        return signers.PdfSigner(meta, signer=signer(), timestamper=clock).sign_pdf(writer).getvalue()


def tampered() -> bytes:
    """A signed PDF in which one letter of the signed part was changed afterwards."""
    data = bytearray(signed())
    data[data.index(b"/Producer") + 12] ^= 1
    return bytes(data)
