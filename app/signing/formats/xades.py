"""XAdES signatures beside a file, for XML that its reader wants signed in XML: one `.xades.xml` for each signatory.

Levels B-B and B-T (ETSI EN 319 132-1 §6.3). The file is referred to by its name and signed as its very bytes, without
canonicalisation: it is read from disk whatever its size, and one space more in it is another file.
"""

import dataclasses
import hashlib
import os
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from lxml import etree
from lxml.etree import SubElement, _Element
from signxml.algorithms import DigestAlgorithm, SignatureConstructionMethod
from signxml.algorithms import SignatureMethod as Method
from signxml.xades.xades import XAdESDataObjectFormat, XAdESSigner

from app.core.refusals import Refusal
from app.signing.ports import Prepared, ServerKey, SignatureFacts
from app.trust import algorithms
from app.trust.certificates import Trust, facts
from app.trust.timestamp import TimestampClient
from app.verification.readers.xades.parsing import EXCLUSIVE, c14n, only, parse, references, tag
from app.verification.readers.xades.signatures import read_xades

DIGESTS = {one: getattr(DigestAlgorithm, one.upper()) for one in algorithms.HASHES}
XML = "application/xml"


class _Recorder:
    """Stands where signxml wants a key: keeps the bytes to sign and answers with nothing, in the room that a signature takes."""

    def __init__(self, known: algorithms.KeyFacts) -> None:
        self.asked = b""
        self.key_size = known.bits
        self._blank = bytes(known.signature_size) if known.curve is None else encode_dss_signature(1, 1)

    def sign(self, data: bytes, *_how: object, **_more: object) -> bytes:
        self.asked = data
        return self._blank


class _Signer(XAdESSigner):
    """signxml's signer, for one file outside the signature, whose hash is already known, at a time that we say."""

    def __init__(self, name: str, digest: bytes, moment: datetime, **how: Any) -> None:
        super().__init__(method=SignatureConstructionMethod.detached, c14n_algorithm=EXCLUSIVE, **how)
        self._name, self._digest, self._moment = name, digest, moment

    def _unpack(self, data: Any, references: Any) -> tuple[_Element, _Element, list[Any], list[Any]]:
        # signxml (5.2) would read the file as XML to canonicalise it; ours is hashed as it lies, and may be no XML at all
        del data, references
        root = etree.Element(tag("ds:Signature"), nsmap=self.namespaces)
        return root, root, [], []

    def _build_sig(self, sig_root: _Element, **_how: object) -> tuple[_Element, _Element]:  # type: ignore[override]  # what we leave out is about references that we do not have
        info = SubElement(sig_root, tag("ds:SignedInfo"), nsmap=self.namespaces)
        SubElement(info, tag("ds:CanonicalizationMethod"), Algorithm=self.c14n_alg.value)
        SubElement(info, tag("ds:SignatureMethod"), Algorithm=self.sign_alg.value)
        reference = SubElement(info, tag("ds:Reference"), URI=quote(self._name))
        SubElement(reference, tag("ds:DigestMethod"), Algorithm=self.digest_alg.value)
        SubElement(reference, tag("ds:DigestValue")).text = b64encode(self._digest).decode()
        return info, SubElement(sig_root, tag("ds:SignatureValue"))

    def _add_reference_to_signed_info(
        self, sig_root: _Element, node_to_reference: _Element, **attrs: str
    ) -> None:
        """Say which form was hashed: signxml uses the exclusive one, and silence would mean the inclusive one (§4.4.3.2)."""
        super()._add_reference_to_signed_info(sig_root, node_to_reference, **attrs)  # type: ignore[no-untyped-call]
        transforms = etree.Element(tag("ds:Transforms"))
        SubElement(transforms, tag("ds:Transform"), Algorithm=EXCLUSIVE)
        only(sig_root, "ds:SignedInfo")[-1].insert(0, transforms)

    def add_signing_time(
        self, signed_signature_properties: _Element, *_more: object, **_settings: object
    ) -> None:
        said = SubElement(signed_signature_properties, tag("xades:SigningTime"))
        said.text = self._moment.isoformat(timespec="seconds")


def prepare(
    source: Path,
    target: Path,
    *,
    certificate: bytes,
    chain: Sequence[bytes],
    field: str,
    now: datetime,
    name: str | None = None,
    media_type: str = XML,
    timestamped: bool = True,
) -> Prepared:
    """Write at `target` the signature of `source` with a hole where its value goes.

    `name`: how the file is called where it will lie beside its signature. `attributes` is the canonical SignedInfo, the
    bytes that the key signs (XML Signature §3.1.2); `digest` the hash of the file; `start` and `end` the value's place.
    Refuses the keys of `algorithms.of`; then `target` does not exist.
    """
    del timestamped  # the time is added as an element: no room is reserved
    known = algorithms.of(certificate)
    digest = _hash(source, known.digest)
    kind = "RSA" if known.curve is None else "ECDSA"
    signer = _Signer(
        name or source.name,
        digest,
        now,
        signature_algorithm=getattr(Method, f"{kind}_{known.digest.upper()}"),
        digest_algorithm=DIGESTS[known.digest],
        data_object_format=XAdESDataObjectFormat(Description=name or source.name, MimeType=media_type),
    )
    key, sent = _Recorder(known), [certificate, *(one for one in chain if not _is_root(one))]
    made = signer.sign(
        b"",
        key=key,  # type: ignore[arg-type]
        cert=[x509.load_der_x509_certificate(one) for one in sent],
        always_add_key_value=False,
    )
    blank = _blank(known)
    only(made, "ds:SignatureValue").text = blank.decode()
    written = etree.tostring(made, xml_declaration=True, encoding="UTF-8")
    target.write_bytes(written)
    start = written.index(b">" + blank + b"<") + 1
    return Prepared(field, key.asked, digest, start, start + len(blank), known.digest)


def _hash(path: Path, algorithm: str) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).digest()


def _blank(known: algorithms.KeyFacts) -> bytes:
    return b64encode(bytes(known.signature_size if known.curve is None else 2 * _half(known)))


def _half(known: algorithms.KeyFacts) -> int:
    return (known.bits + 7) // 8


def _is_root(one: bytes) -> bool:
    parsed = x509.load_der_x509_certificate(one)
    return parsed.issuer == parsed.subject


def complete(
    target: Path,
    prepared: Prepared,
    *,
    source: Path,
    certificate: bytes,
    chain: Sequence[bytes],
    signature: bytes,
    timestamper: TimestampClient | None,
) -> None:
    """Put in its place a signature that is proven first, then its time, and force the file to disk.

    `signature`: DER or raw r‖s for an elliptic curve, PKCS#1 v1.5 for RSA, over `prepared.attributes`. It is checked
    with our SignedInfo, our certificate and the file as it is now. Refuses `signature-not-yours`, `hash-not-allowed`,
    `prepared-file-changed`, `timestamp-silent`; then nothing is written.
    """
    del chain  # it is in the prepared file
    proven = algorithms.check_signature(certificate, signature, prepared.attributes, prepared.algorithm)
    known = algorithms.of(certificate)
    root = _waiting(target, prepared, source, known)
    if known.curve is not None:
        # XML Signature wants r‖s where CMS wants DER (RFC 4050 §3.3; XML Signature 1.1 §6.4.3)
        r, s = decode_dss_signature(proven)
        proven = r.to_bytes(_half(known)) + s.to_bytes(_half(known))
    value = only(root, "ds:SignatureValue")
    value.text = b64encode(proven).decode()
    if timestamper is not None:
        imprint = hashlib.new(prepared.algorithm, c14n(value)).digest()
        _add_time(root, timestamper.token(imprint, prepared.algorithm))
    beside = target.with_name(target.name + ".part")
    with beside.open("wb") as stream:
        stream.write(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(target)


def _waiting(target: Path, prepared: Prepared, source: Path, known: algorithms.KeyFacts) -> _Element:
    """The prepared signature, if it and the file are what was prepared and the hole is empty."""
    data = target.read_bytes()
    try:
        root = parse(data, target.name)
        same = (
            data[prepared.start : prepared.end] == _blank(known)
            and c14n(only(root, "ds:SignedInfo")) == prepared.attributes
            and b64encode(prepared.digest) in prepared.attributes
            and references(root, source)
        )
    except Refusal as error:
        raise Refusal("prepared-file-changed") from error
    if not same:
        raise Refusal("prepared-file-changed")
    return root


def _add_time(root: _Element, token: bytes) -> None:
    """The time over the value of the signature (ETSI EN 319 132-1 §5.3)."""
    properties = SubElement(only(root, ".//xades:QualifyingProperties"), tag("xades:UnsignedProperties"))
    stamp = SubElement(
        SubElement(properties, tag("xades:UnsignedSignatureProperties")), tag("xades:SignatureTimeStamp")
    )
    SubElement(stamp, tag("ds:CanonicalizationMethod"), Algorithm=EXCLUSIVE)
    SubElement(stamp, tag("xades:EncapsulatedTimeStamp")).text = b64encode(token).decode()


def seal(
    source: Path,
    target: Path,
    *,
    key: ServerKey,
    field: str,
    now: datetime,
    timestamper: TimestampClient | None,
    name: str | None = None,
) -> Prepared:
    """Sign with a key of this server, through the same two steps as everybody; on refusal `target` does not exist."""
    held = {"certificate": key.certificate, "chain": key.chain}
    prepared = prepare(source, target, field=field, now=now, name=name, **held)  # type: ignore[arg-type]
    try:
        signature = key.sign(prepared.attributes)
        complete(target, prepared, source=source, signature=signature, timestamper=timestamper, **held)  # type: ignore[arg-type]
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return prepared


def check(
    target: Path,
    *,
    source: Path,
    field: str,
    certificate: bytes,
    trust: Trust,
    timestamped: bool,
    moment: datetime,
) -> SignatureFacts:
    """Read the signature back and prove that it is the one of `source` that was asked for, as `cades.check` does.

    Refuses `signature-not-valid-after-embedding`.
    """
    try:
        (found,) = read_xades(target, source, dataclasses.replace(trust, fetch=False), moment)
    except Refusal as error:
        raise Refusal("signature-not-valid-after-embedding", why=str(error)) from error
    demands = {
        "elle n’est pas celle de ce fichier": found.intact,
        "elle n’est pas valable": found.holds,
        "elle est d’un autre certificat": found.fingerprint_sha256 == facts(certificate).fingerprint_sha256,
        "son certificat n’est pas reconnu": found.vouched,
        "son horodatage n’est pas celui attendu": found.timestamp == ("trusted" if timestamped else "none"),
    }
    why = next((words for words, met in demands.items() if not met), None)
    if why is not None:
        raise Refusal("signature-not-valid-after-embedding", why=why)
    return SignatureFacts(
        field=field,
        level="B-T" if timestamped else "B-B",
        signed_at=found.claimed_at,
        timestamped_at=found.timestamped_at,
        fingerprint_sha256=found.fingerprint_sha256,
        signature_sha256=found.signature_sha256,
        earlier=0,
    )
