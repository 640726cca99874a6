"""XAdES signatures beside a file, for XML that its reader wants signed in XML: one `.xades.xml` for each signatory.

Levels B-B and B-T (ETSI EN 319 132-1 §6.3). The file is referred to by its name and signed as its very bytes, without
canonicalisation: it is read from disk whatever its size, and one space more in it is another file.
"""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from app.core.refusals import Refusal
from app.signing.formats.beside import Embedder, hash_of
from app.signing.formats.xades_text import (
    DS_NAME,
    assemble,
    certificates_in,
    digest_of,
    embedded,
    escape,
    reference,
)
from app.signing.ports import Prepared
from app.trust import algorithms
from app.trust.timestamp import TimestampClient
from app.verification.readers.xades.parsing import EXCLUSIVE, MORE, NAMES, parse_any
from app.verification.readers.xades.scope import scope
from app.verification.readers.xades.signature import Signature
from app.verification.readers.xades.signatures import read_xades
from app.verification.signers import UNREADABLE

XML = "application/xml"
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
SPACE = f' xmlns:xades="{NAMES["xades"]}"'
TYPE = "http://uri.etsi.org/01903#SignedProperties"
END = b"</xades:QualifyingProperties>"


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
) -> Prepared:
    """Write at `target` the signature of `source` with a hole where its value goes.

    `name`: how the file is called where it will lie beside its signature. `attributes` is the canonical SignedInfo, the
    bytes that the key signs (XML Signature §3.1.2); `digest` the hash of the file; `start` and `end` the value's place.
    Refuses the keys of `algorithms.of`; then `target` does not exist.
    """
    known = algorithms.of(certificate)
    digest, called = hash_of(source, known.digest), name or source.name
    own = f"S-{secrets.token_hex(8)}"
    sent = [certificate, *(issuer for issuer in chain if not _is_root(issuer))]
    signed = _properties(own, called, media_type, now, sent, known.digest, ds=DS_NAME, space=SPACE)
    key = f' Id="{own}-K">{certificates_in(sent)}</ds:KeyInfo>'
    parts = {"P": signed, "K": f"<ds:KeyInfo{DS_NAME}{key}"}
    hashes = {part: hashlib.new(known.digest, text.encode()).digest() for part, text in parts.items()}
    text = assemble(
        own,
        f"{MORE}{known.kind.lower().replace('ec', 'ecdsa')}-{known.digest}",
        (
            reference(f'Id="{own}-F" URI="{quote(called)}"', known.digest, digest),
            reference(f'Type="{TYPE}" URI="#{own}-P"', known.digest, hashes["P"], EXCLUSIVE),
            reference(f'URI="#{own}-K"', known.digest, hashes["K"], EXCLUSIVE),
        ),
        f"<ds:KeyInfo{key}",
        SPACE,
        _properties(own, called, media_type, now, sent, known.digest, ds="", space=""),
    )
    before, blank = HEAD + text.before, _blank(known)
    target.write_bytes(before + blank + text.after)
    return Prepared(field, text.info, digest, len(before), len(before) + len(blank), known.digest)


def _properties(
    own: str,
    called: str,
    media_type: str,
    now: datetime,
    sent: Sequence[bytes],
    algorithm: str,
    *,
    ds: str,
    space: str,
) -> str:
    """The signed properties of level B-B (EN 319 132-1 §5.2.1, §5.2.2, §5.2.4)."""
    marks = "".join(
        f"<xades:Cert><xades:CertDigest>{digest_of(algorithm, hashlib.new(algorithm, der).digest(), ds=ds)}"
        "</xades:CertDigest></xades:Cert>"
        for der in sent
    )
    return (
        f'<xades:SignedProperties{space} Id="{own}-P"><xades:SignedSignatureProperties>'
        f"<xades:SigningTime>{now.isoformat(timespec='seconds')}</xades:SigningTime>"
        f"<xades:SigningCertificateV2>{marks}</xades:SigningCertificateV2></xades:SignedSignatureProperties>"
        f'<xades:SignedDataObjectProperties><xades:DataObjectFormat ObjectReference="#{own}-F">'
        f"<xades:Description>{escape(called)}</xades:Description>"
        f"<xades:MimeType>{escape(media_type)}</xades:MimeType></xades:DataObjectFormat>"
        "</xades:SignedDataObjectProperties></xades:SignedProperties>"
    )


def _blank(known: algorithms.KeyFacts) -> bytes:
    return b64encode(bytes(known.signature_size if known.curve is None else 2 * _half(known)))


def _half(known: algorithms.KeyFacts) -> int:
    return (known.bits + 7) // 8


def _is_root(der: bytes) -> bool:
    parsed = x509.load_der_x509_certificate(der)
    return parsed.issuer == parsed.subject


def _waits(waiting: bytes, prepared: Prepared, certificate: bytes, digest: bytes) -> bool:
    info = embedded(prepared.attributes) + b"<ds:SignatureValue>"
    ours = (
        waiting[: prepared.start].endswith(info)
        and waiting[prepared.start : prepared.end] == _blank(algorithms.of(certificate))
        and b64encode(digest) in prepared.attributes
    )
    try:
        # SignedInfo is ours to the byte: what it announces of key and properties must be there too
        root = parse_any(waiting, prepared.field) if ours else None
        return root is not None and scope(Signature(root), root, lambda _uri, _algorithm: digest).intact
    except (Refusal, *UNREADABLE):
        return False


def _embed(
    waiting: bytes,
    prepared: Prepared,
    certificate: bytes,
    _chain: Sequence[bytes],
    proven: bytes,
    timestamper: TimestampClient | None,
) -> bytes:
    known = algorithms.of(certificate)
    if known.curve is not None:
        # XML Signature wants r‖s where CMS wants DER (RFC 4050 §3.3; XML Signature 1.1 §6.4.3)
        r, s = decode_dss_signature(proven)
        proven = r.to_bytes(_half(known)) + s.to_bytes(_half(known))
    value = b64encode(proven)
    signed = waiting[: prepared.start] + value + waiting[prepared.end :]
    if timestamper is None:
        return signed
    # In canonical form, as a verifier makes it: the namespace, inherited in the file, is said again.
    canonical = f"<ds:SignatureValue{DS_NAME}>".encode() + value + b"</ds:SignatureValue>"
    token = timestamper.token(hashlib.new(prepared.algorithm, canonical).digest(), prepared.algorithm)
    before, after = signed.rsplit(END, 1)
    return before + _time(token).encode() + END + after


def _time(token: bytes) -> str:
    """The time over the value of the signature (ETSI EN 319 132-1 §5.3)."""
    return (
        "<xades:UnsignedProperties><xades:UnsignedSignatureProperties><xades:SignatureTimeStamp>"
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
        f"<xades:EncapsulatedTimeStamp>{b64encode(token).decode()}</xades:EncapsulatedTimeStamp>"
        "</xades:SignatureTimeStamp></xades:UnsignedSignatureProperties></xades:UnsignedProperties>"
    )


_embedder = Embedder(_waits, _embed, read_xades)
complete, check = _embedder.complete, _embedder.check
