"""The signatures of an XML file (XAdES, ETSI EN 319 132-1): inside it, around its content, or beside another file."""

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from asn1crypto import cms, x509
from lxml.etree import _Element
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator import errors as path_errors
from pyhanko_certvalidator.path import ValidationPath

from app.core.clock import PARIS
from app.core.refusals import Refusal
from app.trust import algorithms
from app.trust.certificates import Trust, certificates_in
from app.verification import bounds
from app.verification.etsi import prove_time
from app.verification.readers.cms.attributes import UNNAMED
from app.verification.readers.xades.parsing import (
    NAMES,
    UNSAID,
    canonical,
    decoded,
    parse_any,
    unknown,
    unsupported,
)
from app.verification.readers.xades.scope import (
    Outside,
    Scope,
    WrappedError,
    names_outside,
    scope,
    signatures_in,
)
from app.verification.readers.xades.signature import Signature, instant, named_by, of_hash, proves
from app.verification.reading import Evidence, SignatureReading, Timestamp
from app.verification.report import CERTIFICATE, identifier
from app.verification.signers import (
    MOST_SIGNATURES,
    NOTHING_CHANGED,
    SECONDS_EACH,
    SIGNED_UNCHANGED,
    UNREADABLE,
    chain_of,
    lost,
    named,
    qualified,
)

OWN = "xades:SignedSignatureProperties"
NAMED = (f"{OWN}/xades:SigningCertificateV2/xades:Cert", f"{OWN}/xades:SigningCertificate/xades:Cert")
STAMPS = "xades:SignatureTimeStamp"
MOST_LEFT = 6
CUT = "un commentaire, que la signature ne couvre pas, coupe un texte signé : des logiciels n’en lisent que le début."


@dataclass(frozen=True)
class _Parts:
    """A signature taken apart: its bytes to sign, its value, the certificates that came along, its time if it has one.

    `algorithm`: kind of key and hash. `mark`: the hash by which it names its certificate, and that certificate's.
    `stamp_form`: the canonical form in which its value was timestamped.
    """

    signed: bytes
    value: _Element
    algorithm: tuple[str, str]
    certificates: tuple[x509.Certificate, ...]
    mark: tuple[str, bytes] | None
    claimed_at: datetime | None
    token: cms.SignedData | None
    stamp_form: str


@dataclass(frozen=True)
class _Standing:
    """Whether the certificate stood at a time: else the words of EN 319 102-1, and since when it is revoked."""

    sub: str | None
    revoked_at: datetime | None = None
    validation_path: ValidationPath | None = None


def read_xades(path: Path, content: Path | None, trust: Trust, moment: datetime) -> list[SignatureReading]:
    """Every signature of an XML file in its order: beside its content, around it or inside it, ours or others'.

    The file that a signature beside names is not looked for: `content` is it. Refuses `content-missing`,
    `content-unexpected`, `too-many-signatures`, `format-unsupported` for a form that is not judged here, and
    `xades-unreadable`.
    """
    try:
        root = parse_any(path.read_bytes(), path.name)
        signatures = signatures_in(root)
        if content is not None and not signatures:
            raise unknown(path.name, "ce n’est pas une signature XML")
        beside = sorted({name for signature in signatures for name in names_outside(signature)})
        if signatures and content is None and beside:
            raise Refusal("content-missing")
        if content is not None and not beside:
            raise Refusal("content-unexpected")
        if len(beside) > 1:
            raise unsupported("XAdES sur plusieurs fichiers, hors d’un conteneur ASiC")

        def outside(_uri: str, algorithm: str) -> bytes | None:
            if content is None:
                return None
            with content.open("rb") as stream:
                return hashlib.file_digest(stream, algorithm).digest()

        return read_signatures(root, outside, trust, moment, path.name)
    except UNREADABLE as error:
        raise unknown(path.name, str(error)) from error


def read_signatures(
    root: _Element, outside: Outside, trust: Trust, moment: datetime, name: str
) -> list[SignatureReading]:
    """The same of a file that is parsed; `outside` hashes the files that its signatures name."""
    signatures = signatures_in(root)
    if len(signatures) > MOST_SIGNATURES:
        raise Refusal("too-many-signatures", limit=MOST_SIGNATURES)
    bounds.allow(SECONDS_EACH * (1 + len(signatures)))
    try:
        return [
            asyncio.run(_read(signature, root, outside, trust, moment, rank))
            for rank, signature in enumerate(signatures, 1)
        ]
    except UNREADABLE as error:
        raise unknown(name, str(error)) from error


def _take_apart(signature: Signature, properties: _Element | None) -> _Parts:
    algorithm = signature.algorithm
    certificates = [each for der in signature.certificates for each in certificates_in(der)]
    unsigned = signature.unsigned
    marks, tokens, form = [], [], None
    if unsigned is not None:
        values = unsigned.findall(".//xades:EncapsulatedX509Certificate", NAMES)
        certificates += [each for value in values for each in certificates_in(decoded(value))]
        tokens = unsigned.findall(f"{STAMPS}/xades:EncapsulatedTimeStamp", NAMES)
        form = unsigned.find(f"{STAMPS}/ds:CanonicalizationMethod", NAMES)
    if properties is not None:
        marks = [mark for path in NAMED for mark in properties.findall(path, NAMES)]
    return _Parts(
        signature.signed,
        signature.value,
        algorithm,
        tuple(certificates),
        named_by(marks[0]) if marks else None,
        _claimed_at(properties),
        cms.ContentInfo.load(decoded(tokens[0]), strict=True)["content"] if tokens else None,
        str(form.get("Algorithm")) if form is not None else UNSAID,
    )


def _signer(parts: _Parts) -> tuple[str, x509.Certificate | None]:
    """The certificate that the signature names by its hash, and the hash (EN 319 132-1 §5.2.2).

    A signature that names none is of the first certificate whose key made it, and no hash is given.
    """
    if parts.mark is None:
        value = decoded(parts.value)
        # Found by the key alone: another certificate of the same key may have taken its place, which
        # `_doubts` tells.
        by_key = (
            each for each in parts.certificates if proves(each.dump(), value, parts.signed, parts.algorithm)
        )
        return "", next(by_key, parts.certificates[0] if parts.certificates else None)
    algorithm, digest = parts.mark
    der = of_hash([each.dump() for each in parts.certificates], algorithm, digest)
    return algorithm, next((each for each in parts.certificates if each.dump() == der), None)


def _claimed_at(properties: _Element | None) -> datetime | None:
    hours = properties.findall(f"{OWN}/xades:SigningTime", NAMES) if properties is not None else []
    if len(hours) > 1:
        raise unknown("XAdES", "elle dit deux fois son heure")
    return instant(str(hours[0].text).strip(), PARIS) if hours else None


async def _read(
    signature: Signature, root: _Element, outside: Outside, trust: Trust, moment: datetime, rank: int
) -> SignatureReading:
    where = signature.id or f"signature {rank}"
    try:
        coverage = scope(signature, root, outside)
    except WrappedError as error:
        return SignatureReading(where=where, name=_claimed_name(signature), malformed=str(error))
    parts = _take_apart(signature, coverage.properties)
    hash_name, own = _signer(parts)
    if own is None:
        first = parts.certificates[0] if parts.certificates else None
        known = named(first) if first is not None else {"name": "signataire inconnu"}
        return SignatureReading(where=where, sub="NO_SIGNING_CERTIFICATE_FOUND", **known)
    others = [certificate for certificate in parts.certificates if certificate is not own]
    value = decoded(parts.value)
    timestamp, at = await _time(parts, trust, moment)
    standing = await _standing(own, others, trust, at or moment)
    level = "B-B" if parts.token is None else "B-T"
    return SignatureReading(
        where=where,
        level=level if hash_name else f"hors XAdES, {level}",
        signature_sha256=hashlib.sha256(value).hexdigest(),
        chain=chain_of(own, standing),
        claimed_at=parts.claimed_at,
        timestamp=timestamp,
        timestamped_at=at,
        intact=coverage.intact,
        valid=proves(own.dump(), value, parts.signed, parts.algorithm),
        covers_whole=not coverage.left,
        covered=_covered(coverage),
        changes=_changes(coverage),
        doubts=_doubts(coverage, hash_name),
        sub=standing.sub,
        revoked_at=standing.revoked_at,
        online=trust.fetch,
        qualified=qualified(standing, trust, at or moment),
        evidence=_evidence(coverage, parts, [own, *others], hash_name, value, timestamp),
        **lost(own, others, trust),
        **named(own),
    )


def _claimed_name(signature: Signature) -> str:
    """The name in the first certificate that came along, of a signature that proves nothing."""
    sent = signature.element.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NAMES)
    return str(named(certificates_in(decoded(sent[0]))[0])["name"]) if sent else "signataire inconnu"


def _covered(coverage: Scope) -> str:
    return (
        f"{coverage.covered} Non signé : {', '.join(coverage.left[:MOST_LEFT])}."
        if coverage.left
        else coverage.covered
    )


def _changes(coverage: Scope) -> str:
    if not coverage.intact:
        return "Le contenu n’est pas celui qui a été signé."
    return SIGNED_UNCHANGED if coverage.left else NOTHING_CHANGED


def _doubts(coverage: Scope, hash_name: str) -> tuple[tuple[str, str], ...]:
    doubts = []
    if coverage.left:
        doubts.append(
            ("SIG_CONSTRAINTS_FAILURE", "la signature ne couvre pas tout ce que le fichier contient.")
        )
    if coverage.cut:
        doubts.append(("SIG_CONSTRAINTS_FAILURE", CUT))
    if not hash_name:
        doubts.append(("SIG_CONSTRAINTS_FAILURE", UNNAMED))
    return tuple(doubts)


async def _time(parts: _Parts, trust: Trust, moment: datetime) -> tuple[Timestamp, datetime | None]:
    """What is worth the time over the value of the signature (EN 319 132-1 §5.3), and the time once it is trusted."""
    if parts.token is None:
        return "none", None
    stamped = canonical(parts.value, parts.stamp_form)
    status = await prove_time(
        parts.token, lambda algorithm: hashlib.new(algorithm, stamped).digest(), trust, moment
    )
    hour: datetime = parts.token["encap_content_info"]["content"].parsed["gen_time"].native
    return status, hour.astimezone(PARIS) if status == "trusted" else None


async def _standing(
    own: x509.Certificate, above: list[x509.Certificate], trust: Trust, moment: datetime
) -> _Standing:
    context = trust.context(moment, fetch=trust.fetch, others=above)
    validator = CertificateValidator(own, intermediate_certs=above, validation_context=context)
    try:
        # Before the chain: a key that is too weak proves nothing, whoever certified it.
        algorithms.of(own.dump())
        path = await validator.async_validate_usage({"non_repudiation"})  # type: ignore[no-untyped-call]
    except Refusal:
        return _Standing("CRYPTO_CONSTRAINTS_FAILURE")
    except (path_errors.PathError, path_errors.ValidationError, AssertionError) as error:
        return _fallen(error)
    # Without the network nobody was asked about revocation, and silence is no « yes ».
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


def _evidence(
    coverage: Scope,
    parts: _Parts,
    certificates: list[x509.Certificate],
    hash_name: str,
    value: bytes,
    timestamp: Timestamp,
) -> Evidence:
    ders = [certificate.dump() for certificate in certificates]
    return Evidence(
        value=value,
        signed=parts.signed,
        algorithm=coverage.algorithm,
        document=coverage.document,
        certificate=ders[0],
        process="LTVM" if timestamp == "trusted" else "Basic",
        named_by=hash_name,
        objects=tuple((identifier(CERTIFICATE, der), CERTIFICATE, der) for der in ders),
    )
