"""Certificates that the test authority never gave, and signatures by them: what a forger or a careless authority makes."""

import asyncio
import hashlib
import io
import secrets
from datetime import timedelta

from asn1crypto import algos, cms, core, keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app.core.clock import now
from tests.attacks import workshop

USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def secret(shop, label: str):
    """A private key of the test authority, by its label in the recipe."""
    pem = (shop.pki.folder / "keys" / f"{label}.pem").read_bytes()
    return shop.once(f"secret {label}", lambda: serialization.load_pem_private_key(pem, None))


def fresh(shop, label: str, bits: int = 2048):
    """A key of the forger's, made once."""
    return shop.once(f"fresh {label}", lambda: rsa.generate_private_key(65537, bits))


def named(common: str, **more: str) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "FR")]
    if "organization" in more:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, more["organization"]))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common)])


def issued(
    shop,
    name: str = "Armel KERVADEC",
    *,
    key=None,
    issuer: str = "interm",
    issuer_certificate: x509.Certificate | None = None,
    issuer_key=None,
    usage: tuple[str, ...] | None = ("content_commitment",),
    purposes: tuple[str, ...] = (),
    years: tuple[float, float] = (-0.5, 2.0),
    authority: bool = False,
    extensions: tuple = (),
    serial: int | None = None,
    subject: x509.Name | None = None,
    revocable: bool = True,
) -> x509.Certificate:
    """A certificate that says anything, signed by the key of the test authority unless another is given."""
    above = issuer_certificate or x509.load_der_x509_certificate(shop.pki.certificate(issuer))
    key = key or secret(shop, "a_kervadec")
    start, end = (now() + timedelta(days=round(365 * year)) for year in years)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject or named(name))
        .issuer_name(above.subject)
        .public_key(key.public_key())
        .serial_number(serial or 0x7000 + int.from_bytes(secrets.token_bytes(6), "big"))
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usage is not None:
        made = made.add_extension(x509.KeyUsage(*(one in usage for one in USAGES)), critical=True)
    if purposes:
        oids = [x509.ObjectIdentifier(one) for one in purposes]
        made = made.add_extension(x509.ExtendedKeyUsage(oids), critical=False)
    if revocable:
        known = x509.load_der_x509_certificate(shop.pki.certificate("a_kervadec"))
        lists = known.extensions.get_extension_for_class(x509.CRLDistributionPoints)
        made = made.add_extension(lists.value, critical=False)
    for value, critical in extensions:
        made = made.add_extension(value, critical=critical)
    return made.sign(issuer_key or secret(shop, "interm"), hashes.SHA256())


def signer(
    shop, certificate: x509.Certificate | bytes, key=None, others: tuple[bytes, ...] | None = None
) -> SimpleSigner:
    """A signer of pyHanko with any certificate and key."""
    der = (
        certificate
        if isinstance(certificate, bytes)
        else certificate.public_bytes(serialization.Encoding.DER)
    )
    key = key or secret(shop, "a_kervadec")
    pkcs8 = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    above = (shop.pki.certificate("interm"),) if others is None else others
    store = SimpleCertificateStore()
    store.register_multiple([asn1_x509.Certificate.load(one) for one in above])
    return SimpleSigner(asn1_x509.Certificate.load(der), keys.PrivateKeyInfo.load(pkcs8), store)


def pdf(
    shop,
    by: SimpleSigner,
    *,
    tsa=None,
    field: str = "Signature1",
    data: bytes | None = None,
    moment=None,
    **meta,
) -> bytes:
    """A deliberation signed by any signer; `moment` is the hour that it says."""
    import time_machine

    data = data or workshop.with_field(shop.plain, field, workshop.STAMP_BOX)
    writer, out = IncrementalPdfFileWriter(io.BytesIO(data)), io.BytesIO()
    signing = PdfSigner(
        PdfSignatureMetadata(
            field_name=field, **{"subfilter": SigSeedSubFilter.PADES, "md_algorithm": "sha256", **meta}
        ),
        by,
        timestamper=tsa,
    )
    with time_machine.travel(moment or now(), tick=True):
        asyncio.run(signing.async_sign_pdf(writer, output=out))
    return out.getvalue()


# Containers made by hand


def attribute(kind: str, *values) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": kind, "values": list(values)})


def certificate_attribute(der: bytes) -> cms.CMSAttribute:
    """ESS signing-certificate-v2 (RFC 5035): which certificate the signer says is his."""
    named_by = tsp.ESSCertIDv2({"cert_hash": hashlib.sha256(der).digest()})
    return attribute("signing_certificate_v2", tsp.SigningCertificateV2({"certs": [named_by]}))


def attributes(
    content: bytes, der: bytes | None, *more: cms.CMSAttribute, digest: str = "sha256"
) -> cms.CMSAttributes:
    made = [
        attribute("content_type", "data"),
        attribute("message_digest", hashlib.new(digest, content).digest()),
        *([certificate_attribute(der)] if der else []),
        *more,
    ]
    return cms.CMSAttributes(sorted(made, key=lambda one: one.dump()))


def value(key, data: bytes, digest: str = "sha256") -> bytes:
    how = getattr(hashes, digest.upper())()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(how))
    return key.sign(data, padding.PKCS1v15(), how)


def signer_info(
    der: bytes,
    key,
    signed: cms.CMSAttributes | None,
    covered: bytes,
    *,
    digest: str = "sha256",
    mechanism: str | None = None,
    announced: str | None = None,
    unsigned: cms.CMSAttributes | None = None,
) -> cms.SignerInfo:
    """One signer; `covered` is what the key signs when there are no signed attributes."""
    own = asn1_x509.Certificate.load(der)
    kind = "ecdsa" if isinstance(key, ec.EllipticCurvePrivateKey) else "rsa"
    made = {
        "version": "v1",
        "sid": cms.SignerIdentifier(
            "issuer_and_serial_number",
            cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number}),
        ),
        "digest_algorithm": algos.DigestAlgorithm({"algorithm": announced or digest}),
        "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": mechanism or f"{digest}_{kind}"}),
        "signature": value(key, signed.dump() if signed is not None else covered, digest),
    }
    if signed is not None:
        made["signed_attrs"] = signed
    if unsigned is not None:
        made["unsigned_attrs"] = unsigned
    return cms.SignerInfo(made)


def container(
    infos: list[cms.SignerInfo],
    certificates: list[bytes],
    *,
    inside: bytes | None = None,
    kind: str = "data",
    digests: tuple[str, ...] = ("sha256",),
) -> bytes:
    """A SignedData over a content beside it, or `inside` it."""
    encapsulated = {"content_type": kind}
    if inside is not None:
        encapsulated["content"] = core.OctetString(inside)
    made = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": one}) for one in digests],
            "encap_content_info": encapsulated,
            "certificates": [asn1_x509.Certificate.load(one) for one in certificates],
            "signer_infos": infos,
        }
    )
    return cms.ContentInfo({"content_type": "signed_data", "content": made}).dump()
