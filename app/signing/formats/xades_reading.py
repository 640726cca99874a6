"""What an XAdES signature beside a file says of it: read without network, entity or reference that we did not choose."""

import asyncio
import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest
from pathlib import Path

from asn1crypto import cms, x509
from lxml import etree
from lxml.etree import _Element
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator import errors as path_errors

from app.core.refusals import Refusal
from app.files.xml import parse_xml
from app.signing import algorithms
from app.signing.signers import UNREADABLE
from app.signing.trust import Trust, certificates_in, facts
from app.signing.verify import Reading, Timestamp

NAMES = {"ds": "http://www.w3.org/2000/09/xmldsig#", "xades": "http://uri.etsi.org/01903/v1.3.2#"}
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
LARGEST = 5 * 1024 * 1024
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
METHODS = {f"{MORE}{kind}-{one}": (kind, one) for kind in ("rsa", "ecdsa") for one in algorithms.HASHES}
DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}


def parse(data: bytes, name: str) -> _Element:
    """The root of a signature file; refuses `xades-unreadable` for anything but one signature of the form that we write."""
    if len(data) > LARGEST:
        raise _unknown(name, "elle est trop grande")
    try:
        root = parse_xml(data, name)
    except Refusal as error:
        raise _unknown(name, "ce n’est pas un XML") from error
    if root.tag != tag("ds:Signature"):
        raise _unknown(name, "ce n’est pas une signature XML")
    seen = [str(one.get("Id")) for one in root.iter() if one.get("Id") is not None]
    if len(seen) != len(set(seen)):
        raise _unknown(name, "deux éléments y portent le même nom")
    return root


def _unknown(name: str, why: str) -> Refusal:
    return Refusal("xades-unreadable", name=name, why=why)


def tag(name: str) -> str:
    """« ds:KeyInfo » as lxml writes it."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


def only(root: _Element, path: str) -> _Element:
    """The one element at a path; refuses `xades-unreadable` when there is none or more than one."""
    found = root.findall(path, NAMES)
    if len(found) != 1:
        raise _unknown("XAdES", f"{path.rpartition(':')[2]} y est {len(found)} fois au lieu d’une")
    return found[0]


def c14n(element: _Element) -> bytes:
    """Exclusive canonical form, without comments (W3C xml-exc-c14n)."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)


def references(root: _Element, content: Path) -> bool:
    """Whether every hash in SignedInfo is right: of the file, of the signed properties, of the key's certificates.

    Exactly these three, each once, none elsewhere: whatever else a signature could point at is not looked up.
    """
    held = {
        "#" + str(only(root, path).get("Id")): only(root, path)
        for path in ("ds:KeyInfo", ".//xades:SignedProperties")
    }
    asked = only(root, "ds:SignedInfo").findall("ds:Reference", NAMES)
    outside = [one for one in asked if not str(one.get("URI", "#")).startswith("#")]
    inside = [one for one in asked if one.get("URI") in held]
    if len(outside) != 1 or sorted(str(one.get("URI")) for one in inside) != sorted(held) or len(asked) != 3:
        raise _unknown("XAdES", "elle ne porte pas sur un seul fichier et sur ses propres propriétés")
    good = [_file_holds(outside[0], content)]
    for one in inside:
        transforms = [each.get("Algorithm") for each in one.findall("ds:Transforms/ds:Transform", NAMES)]
        if transforms != [EXCLUSIVE]:
            raise _unknown("XAdES", "sa forme canonique n’est pas connue ici")
        made = hashlib.new(_digest(one), c14n(held[str(one.get("URI"))])).digest()
        good.append(compare_digest(made, _bytes(only(one, "ds:DigestValue"))))
    return all(good)


def _file_holds(reference: _Element, content: Path) -> bool:
    if reference.find("ds:Transforms", NAMES) is not None:
        raise _unknown("XAdES", "le fichier y est transformé avant d’être signé")
    with content.open("rb") as stream:
        made = hashlib.file_digest(stream, _digest(reference)).digest()
    return compare_digest(made, _bytes(only(reference, "ds:DigestValue")))


def _digest(holder: _Element) -> str:
    named = str(only(holder, "ds:DigestMethod").get("Algorithm"))
    if named not in DIGESTS:
        raise _unknown("XAdES", "son empreinte n’est ni SHA-256, ni SHA-384, ni SHA-512")
    return DIGESTS[named]


def _bytes(element: _Element) -> bytes:
    try:
        return b64decode("".join((element.text or "").split()), validate=True)
    except NotBase64 as error:
        raise _unknown("XAdES", "une valeur n’y est pas en base64") from error


@dataclass(frozen=True)
class _Parts:
    """A signature taken apart: its bytes to sign, its value, its certificates (signatory first), its time if it has one."""

    signed: bytes
    value: _Element
    kind: str
    algorithm: str
    certificates: tuple[x509.Certificate, ...]
    said_at: datetime
    token: cms.SignedData | None


def _take_apart(root: _Element) -> _Parts:
    info = only(root, "ds:SignedInfo")
    method = str(only(info, "ds:SignatureMethod").get("Algorithm"))
    if method not in METHODS or only(info, "ds:CanonicalizationMethod").get("Algorithm") != EXCLUSIVE:
        raise _unknown("XAdES", "son algorithme n’est pas connu ici")
    sent = root.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NAMES)
    certificates = tuple(one for each in sent for one in certificates_in(_bytes(each)))
    if not certificates:
        raise _unknown("XAdES", "elle ne contient pas de certificat")
    named = root.findall(".//xades:SigningCertificateV2/xades:Cert/xades:CertDigest", NAMES)
    if not named or hashlib.new(_digest(named[0]), certificates[0].dump()).digest() != _bytes(
        only(named[0], "ds:DigestValue")
    ):
        raise _unknown("XAdES", "le certificat n’est pas celui qu’elle nomme")
    tokens = root.findall(".//xades:SignatureTimeStamp/xades:EncapsulatedTimeStamp", NAMES)
    token = cms.ContentInfo.load(_bytes(tokens[0]), strict=True)["content"] if tokens else None
    said_at = datetime.fromisoformat(str(only(root, ".//xades:SigningTime").text))
    return _Parts(c14n(info), only(root, "ds:SignatureValue"), *METHODS[method], certificates, said_at, token)


def read_xades(
    content: Path, signature: Path, trust: Trust, moment: datetime, *, fetch: bool | None = None
) -> Reading:
    """What a signature of the form of `xades.prepare` says of a file, as `p7s.read_p7s` does for a `.p7s`.

    `field` is the name of the signature's file. The file that it names is not looked for: `content` is. Refuses
    `xades-unreadable`, for what is no such signature and for every other form of XAdES.
    """
    try:
        root = parse(signature.read_bytes(), signature.name)
        intact, parts = references(root, content), _take_apart(root)
        asks = trust.fetch if fetch is None else fetch
        return asyncio.run(_read(signature.name, parts, trust, moment, intact=intact, fetch=asks))
    except UNREADABLE as error:
        raise _unknown(signature.name, str(error)) from error


async def _read(
    name: str, parts: _Parts, trust: Trust, moment: datetime, *, intact: bool, fetch: bool
) -> Reading:
    own = parts.certificates[0]
    said, value = facts(own.dump()), _bytes(parts.value)
    valid = _verifies(own, value, parts)
    timestamp, claimed = await _time(parts, trust, moment, fetch=fetch)
    at = claimed if timestamp == "trusted" else None
    trusted, problem, revoked_at = await _standing(parts, trust, at or moment, fetch=fetch)
    return Reading(
        field=name,
        name=said.common_name,
        serial=said.serial,
        fingerprint_sha256=said.fingerprint_sha256,
        signature_sha256=hashlib.sha256(value).hexdigest(),
        signed_at=parts.said_at,
        timestamped_at=at,
        timestamp=timestamp,
        intact=intact,
        valid=valid,
        holds=intact and valid,
        covers_whole=intact,
        trusted=trusted,
        problem=problem,
        revoked_at=revoked_at,
        expired_at=said.not_after if said.not_after < (at or moment) else None,
    )


def _verifies(own: x509.Certificate, value: bytes, parts: _Parts) -> bool:
    try:
        kind = "rsa" if algorithms.of(own.dump()).curve is None else "ecdsa"
        algorithms.check_signature(own.dump(), value, parts.signed, parts.algorithm)
    except Refusal:
        return False
    return kind == parts.kind


async def _time(
    parts: _Parts, trust: Trust, moment: datetime, *, fetch: bool
) -> tuple[Timestamp, datetime | None]:
    if parts.token is None:
        return "none", None
    canonical = c14n(parts.value)
    said = await validate_tst_signed_data(
        parts.token,
        trust.tsa_context(moment, fetch=fetch),
        lambda algorithm: hashlib.new(algorithm, canonical).digest(),
    )
    if not (said["intact"] and said["valid"]):
        return "invalid", None
    return ("trusted" if said["validation_path"] is not None else "untrusted"), said["timestamp"]


async def _standing(
    parts: _Parts, trust: Trust, moment: datetime, *, fetch: bool
) -> tuple[bool, str | None, datetime | None]:
    """Whether the certificate stood at that time; else the sub-indication of EN 319 102-1, and since when it is revoked."""
    own, *above = parts.certificates
    context = trust.context(moment, fetch=fetch, others=above)
    validator = CertificateValidator(own, intermediate_certs=above, validation_context=context)
    try:
        await validator.async_validate_usage({"non_repudiation"})  # type: ignore[no-untyped-call]
    except path_errors.RevokedError as error:
        return False, "REVOKED_NO_POE", error.revocation_dt
    except path_errors.InsufficientRevinfoError:
        return False, "TRY_LATER", None
    except path_errors.PathBuildingError:
        return False, "NO_CERTIFICATE_CHAIN_FOUND", None
    except (path_errors.PathError, path_errors.ValidationError, AssertionError):
        return False, "CERTIFICATE_CHAIN_GENERAL_FAILURE", None
    return True, None, None
