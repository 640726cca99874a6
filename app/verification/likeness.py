"""What two signatures of one batch have in common, so that it is proven once, and what is each one's own, proven each time.

Signed by one certificate and dated by one authority in the same minutes, they differ in the hash of their document, the
value of the signature, and in the token: its number, hour, imprint, nonce and seal. All the rest, certificates, paths,
algorithms, policies, is the same bytes, or it is not alike and is proven whole.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, x509
from cryptography.exceptions import InvalidSignature
from pyhanko.sign.general import SignedDataCerts, extract_certificate_info
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, extract_tst_data_iter
from pyhanko.sign.validation.utils import extract_message_digest
from pyhanko_certvalidator.sig_validate import DefaultSignatureValidator, SignatureValidationContext

from app.trust.certificates import TOLERANCE, Trust, shared
from app.verification.readers.cms.attributes import NAMES_IT, SET, misnamed
from app.verification.reading import SignatureReading

OWN = frozenset({"message_digest", "signing_time"})
"""The signed attributes that are each one's own; in a token the second repeats its hour."""


def likeness(signed_data: cms.SignedData, trust: Trust) -> bytes | None:
    """The hash of what a signature shares with its like, judged by the same `trust`; None without exactly one token."""
    tokens = list(extract_tst_data_iter(signed_data["signer_infos"][0], signed=False))
    if len(tokens) != 1 or len(signed_data["signer_infos"]) != 1 or len(tokens[0]["signer_infos"]) != 1:
        return None
    stamped = tokens[0]["encap_content_info"]["content"].parsed
    digest = hashlib.sha256(
        b"".join(hashlib.sha256(root).digest() for root in (*trust.roots, b"/", *trust.tsa_roots))
    )
    for part in (
        *_shared(signed_data),
        b"time",
        *_shared(tokens[0]),
        stamped["policy"].dump(),
        stamped["message_imprint"]["hash_algorithm"].dump(),
        stamped["version"].dump(),
        stamped["extensions"].dump(),
    ):
        digest.update(hashlib.sha256(part).digest())
    return digest.digest()


def _shared(signed_data: cms.SignedData) -> Iterator[bytes]:
    info = signed_data["signer_infos"][0]
    for name in ("version", "digest_algorithms", "certificates", "crls"):
        yield signed_data[name].dump()
    yield signed_data["encap_content_info"]["content_type"].dump()
    for name in ("version", "sid", "digest_algorithm", "signature_algorithm"):
        yield info[name].dump()
    for attribute in info["signed_attrs"]:
        yield attribute["type"].dump() if attribute["type"].native in OWN else attribute.dump()
    for attribute in info["unsigned_attrs"]:
        yield attribute["type"].dump() + bytes(str(len(attribute["values"])), "ascii")


@dataclass(frozen=True)
class Like:
    """A signature that was proven, for those that are like it: by whose certificates, and between which hours."""

    proof: Any
    signer: x509.Certificate
    authority: x509.Certificate
    earliest: datetime
    latest: datetime


def like(proof: Any, signed_data: cms.SignedData, hour: datetime) -> Like:
    """The one that was just proven; its like are believed in the same minutes only, while every certificate lasts."""
    own, stamp = (extract_certificate_info(container) for container in (signed_data, _token(signed_data)))
    there = (own.signer_cert, *own.other_certs, stamp.signer_cert, *stamp.other_certs)
    path = getattr(proof.status, "validation_path", None)
    # asn1crypto reads a certificate piece by piece when it is asked, under no lock: a thread that meets another one half-way
    # finds a list cut short, and calls a sound signature broken. What threads share is read to its end before they see it.
    for certificate in (*there, *(path.iter_certs(include_root=True) if path is not None else ())):
        _read_whole(certificate)
    return Like(
        proof,
        own.signer_cert,
        stamp.signer_cert,
        max(hour - TOLERANCE, *(certificate.not_valid_before for certificate in there)),
        min(hour + TOLERANCE, *(certificate.not_valid_after for certificate in there)),
    )


def hour_of_its_own(known: Like, signed_data: cms.SignedData, digest: bytes) -> datetime | None:
    """The hour of a signature whose like is proven, once all that is its own holds; None when anything does not.

    That is the hash of the document, the value of the signature, the token's imprint of that value, the token's own seal.
    Its other attributes and its algorithms are the bytes that were proven with its like.
    """
    info, token = signed_data["signer_infos"][0], _token(signed_data)
    content, stamp = token["encap_content_info"]["content"], token["signer_infos"][0]
    stamped = content.parsed
    value, name = info["signature"].native, stamped["message_imprint"]["hash_algorithm"]["algorithm"].native
    sealed = hashlib.new(stamp["digest_algorithm"]["algorithm"].native, bytes(content)).digest()
    hour: datetime = stamped["gen_time"].native
    holds = (
        stamped["message_imprint"]["hashed_message"].native == hashlib.new(name, value).digest()
        and known.earliest <= hour <= known.latest
        and _signed(info, known.signer, digest)
        and _signed(stamp, known.authority, sealed)
    )
    return hour if holds else None


def _signed(info: cms.SignerInfo, certificate: x509.Certificate, digest: bytes) -> bool:
    """Whether the attributes give this hash, once, and the value is that of the attributes (RFC 5652 §5.4)."""
    attributes = info["signed_attrs"].dump()
    if not attributes or extract_message_digest(info) != digest:
        return False
    how = SignatureValidationContext(
        contextual_md_algorithm=info["digest_algorithm"]["algorithm"].native.lower(), prehashed=False
    )
    try:
        # The bytes as they stand, but for their tag: [0] in the container, SET OF when they are signed
        DefaultSignatureValidator().validate_signature(
            info["signature"].native,
            SET + attributes[1:],
            certificate.public_key,
            info["signature_algorithm"],
            how,
        )
    except InvalidSignature:
        return False
    return True


@dataclass(frozen=True)
class Bearers:
    """The certificates that came with a signature, its signer's first found; `misnamed` when it names another one."""

    certificates: SignedDataCerts
    misnamed: SignatureReading | None


def bearers(where: str, signed_data: cms.SignedData) -> Bearers:
    """Whose certificate a signature names, and those that came with it; in a batch, found once for the same bytes.

    What is read for it is hashed: the certificates, the signer's identifier, the attributes that name his certificate.
    Raises what pyHanko raises when there is none.
    """
    batch = shared()
    if batch is None:
        return _bearers(where, signed_data)
    info = signed_data["signer_infos"][0]
    naming = [attribute.dump() for attribute in info["signed_attrs"] if attribute["type"].native in NAMES_IT]
    name = _hashed((where.encode(), signed_data["certificates"].dump(), info["sid"].dump(), *naming))
    known: Bearers | None = batch.bearers.get(name)
    if known is None:
        known = _bearers(where, signed_data)
        for certificate in (known.certificates.signer_cert, *known.certificates.other_certs):
            _read_whole(certificate)
        batch.bearers[name] = known
    return known


def _bearers(where: str, signed_data: cms.SignedData) -> Bearers:
    certificates = extract_certs_for_validation(signed_data)
    return Bearers(certificates, misnamed(where, signed_data["signer_infos"][0], certificates.signer_cert))


def _read_whole(certificate: x509.Certificate) -> None:
    _ = certificate.native, certificate.critical_extensions, certificate.sha256


def _hashed(parts: Iterable[bytes]) -> bytes:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()


def _token(signed_data: cms.SignedData) -> cms.SignedData:
    (token,) = extract_tst_data_iter(signed_data["signer_infos"][0], signed=False)
    return token
