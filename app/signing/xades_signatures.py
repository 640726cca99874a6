"""The signatures of an XAdES file (ETSI EN 319 132-1) over the file that lies beside it."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from asn1crypto import cms, x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from lxml.etree import _Element
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator import errors as path_errors
from pyhanko_certvalidator.path import ValidationPath

from app.core.clock import PARIS
from app.core.refusals import Refusal
from app.signing import algorithms, bounds
from app.signing.formats.xades_reading import (
    EXCLUSIVE,
    NAMES,
    c14n,
    decoded,
    digest_of,
    only,
    parse,
    references,
    unknown,
)
from app.signing.proving import prove_time
from app.signing.report import CERTIFICATE, identifier
from app.signing.seen import Evidence, Seen, Timestamp
from app.signing.signers import NOTHING_CHANGED, SECONDS_EACH, UNREADABLE, chain_of, lost, named, qualified
from app.signing.trust import Trust, certificates_in

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
METHODS = {f"{MORE}{kind}-{one}": (kind, one) for kind in ("rsa", "ecdsa") for one in algorithms.HASHES}
NAMED = (".//xades:SigningCertificateV2/xades:Cert", ".//xades:SigningCertificate/xades:Cert")


@dataclass(frozen=True)
class _Parts:
    """A signature taken apart: its bytes to sign, its value, its certificates (signatory first), its time if it has one."""

    signed: bytes
    value: _Element
    kind: str
    algorithm: str
    certificates: tuple[x509.Certificate, ...]
    named_by: str
    said_at: datetime | None
    token: cms.SignedData | None


@dataclass(frozen=True)
class _Standing:
    """Whether the certificate stood at a time: else the words of EN 319 102-1, and since when it is revoked."""

    sub: str | None
    revoked_at: datetime | None = None
    validation_path: ValidationPath | None = None


def read_xades(path: Path, content: Path | None, trust: Trust, moment: datetime) -> list[Seen]:
    """The one signature of a file, as made by `formats.xades` or by others in the same form, over `content`.

    The file that it names is not looked for: `content` is it. Refuses `content-missing`, and `xades-unreadable` for
    what is no such signature and for every other form of XAdES.
    """
    if content is None:
        raise Refusal("content-missing")
    try:
        root = parse(path.read_bytes(), path.name)
        bounds.allow(2 * SECONDS_EACH)
        intact, parts = references(root, content), _take_apart(root)
        return [asyncio.run(_read(root, parts, content, trust, moment, intact=intact))]
    except UNREADABLE as error:
        raise unknown(path.name, str(error)) from error


def _take_apart(root: _Element) -> _Parts:
    info = only(root, "ds:SignedInfo")
    method = str(only(info, "ds:SignatureMethod").get("Algorithm"))
    if method not in METHODS or only(info, "ds:CanonicalizationMethod").get("Algorithm") != EXCLUSIVE:
        raise unknown("XAdES", "son algorithme n’est pas connu ici")
    sent = root.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NAMES)
    certificates = tuple(one for each in sent for one in certificates_in(decoded(each)))
    if not certificates:
        raise unknown("XAdES", "elle ne contient pas de certificat")
    named_by, signer = _signer(root, certificates)
    tokens = root.findall(".//xades:SignatureTimeStamp/xades:EncapsulatedTimeStamp", NAMES)
    token = cms.ContentInfo.load(decoded(tokens[0]), strict=True)["content"] if tokens else None
    return _Parts(
        c14n(info),
        only(root, "ds:SignatureValue"),
        *METHODS[method],
        (signer, *(one for one in certificates if one is not signer)),
        named_by,
        _said_at(root),
        token,
    )


def _signer(root: _Element, certificates: tuple[x509.Certificate, ...]) -> tuple[str, x509.Certificate]:
    """The certificate that the signature names by its hash, and the hash (EN 319 132-1 §5.2.2)."""
    said = [one for path in NAMED for one in root.findall(f"{path}/xades:CertDigest", NAMES)]
    if not said:
        raise unknown("XAdES", "elle ne nomme pas son certificat")
    named_by = digest_of(said[0])
    wanted = decoded(only(said[0], "ds:DigestValue"))
    for one in certificates:
        if hashlib.new(named_by, one.dump()).digest() == wanted:
            return named_by, one
    raise unknown("XAdES", "le certificat n’est pas celui qu’elle nomme")


def _said_at(root: _Element) -> datetime | None:
    found = root.findall(".//xades:SigningTime", NAMES)
    if not found:
        return None
    said = datetime.fromisoformat(str(only(root, ".//xades:SigningTime").text).strip())
    return said if said.tzinfo else said.replace(tzinfo=PARIS)


async def _read(
    root: _Element, parts: _Parts, content: Path, trust: Trust, moment: datetime, *, intact: bool
) -> Seen:
    own, value = parts.certificates[0], decoded(parts.value)
    timestamp, at = await _time(parts, trust, moment)
    standing = await _standing(parts, trust, at or moment)
    return Seen(
        where=str(root.get("Id") or "signature"),
        level="B-B" if parts.token is None else "B-T",
        signature_sha256=hashlib.sha256(value).hexdigest(),
        chain=chain_of(own, standing),
        claimed_at=parts.said_at,
        timestamp=timestamp,
        timestamped_at=at,
        intact=intact,
        valid=_verifies(own, value, parts),
        covered="La signature couvre tout le contenu du fichier signé.",
        changes=NOTHING_CHANGED if intact else "Le contenu n’est pas celui qui a été signé.",
        sub=standing.sub,
        revoked_at=standing.revoked_at,
        asked=trust.fetch,
        qualified=qualified(standing, trust, at or moment),
        evidence=_evidence(root, parts, value, content, timestamp),
        **lost(own, parts.certificates[1:], trust),
        **named(own),
    )


def _verifies(own: x509.Certificate, value: bytes, parts: _Parts) -> bool:
    try:
        kind = "rsa" if isinstance(algorithms.public_key(own.dump()), RSAPublicKey) else "ecdsa"
        algorithms.check_signature(own.dump(), value, parts.signed, parts.algorithm)
    except Refusal:
        return False
    return kind == parts.kind


async def _time(parts: _Parts, trust: Trust, moment: datetime) -> tuple[Timestamp, datetime | None]:
    """What is worth the time over the value of the signature (EN 319 132-1 §5.3), and the time once it is trusted."""
    if parts.token is None:
        return "none", None
    canonical = c14n(parts.value)
    found = await prove_time(
        parts.token, lambda algorithm: hashlib.new(algorithm, canonical).digest(), trust, moment
    )
    said: datetime = parts.token["encap_content_info"]["content"].parsed["gen_time"].native
    return found, said.astimezone(PARIS) if found == "trusted" else None


async def _standing(parts: _Parts, trust: Trust, moment: datetime) -> _Standing:
    own, *above = parts.certificates
    context = trust.context(moment, fetch=trust.fetch, others=above)
    validator = CertificateValidator(own, intermediate_certs=above, validation_context=context)
    try:
        algorithms.of(own.dump())
        path = await validator.async_validate_usage({"non_repudiation"})  # type: ignore[no-untyped-call]
    except Refusal:
        return _Standing("CRYPTO_CONSTRAINTS_FAILURE")
    except (path_errors.PathError, path_errors.ValidationError, AssertionError) as error:
        return _fallen(error)
    return _Standing(None if trust.fetch else "TRY_LATER", validation_path=path)


def _fallen(error: Exception) -> _Standing:
    if isinstance(error, path_errors.RevokedError):
        if error.is_ee_cert:
            return _Standing("REVOKED_NO_POE", error.revocation_dt)
        return _Standing("REVOKED_CA_NO_POE")
    if isinstance(error, path_errors.InsufficientRevinfoError):
        return _Standing("TRY_LATER")
    unknown_issuer = isinstance(error, path_errors.PathBuildingError)
    return _Standing("NO_CERTIFICATE_CHAIN_FOUND" if unknown_issuer else "CERTIFICATE_CHAIN_GENERAL_FAILURE")


def _evidence(root: _Element, parts: _Parts, value: bytes, content: Path, timestamp: Timestamp) -> Evidence:
    reference = next(
        one for one in only(root, "ds:SignedInfo") if not str(one.get("URI", "#")).startswith("#")
    )
    algorithm = digest_of(reference)
    with content.open("rb") as stream:
        document = hashlib.file_digest(stream, algorithm).digest()
    held = [one.dump() for one in parts.certificates]
    return Evidence(
        value=value,
        signed=parts.signed,
        algorithm=algorithm,
        document=document,
        certificate=held[0],
        process="LTVM" if timestamp == "trusted" else "Basic",
        named_by=parts.named_by,
        objects=tuple((identifier(CERTIFICATE, one), CERTIFICATE, one) for one in held),
    )
