"""The CMS container of one signature (RFC 5652), assembled from encoded parts in less than a millisecond."""

import asyncio
import hashlib
from collections.abc import Collection, Sequence

from asn1crypto import cms, core, x509
from pyhanko.sign.signers import ExternalSigner

from app.signing import algorithms
from app.signing.timestamp import TimestampClient

SEQUENCE, SET, OCTETS = 0x30, 0x31, 0x04
IMPLICIT_0, IMPLICIT_1 = 0xA0, 0xA1
FIXED, TOKEN = (
    2048,
    12 * 1024,
)  # bytes around the signature; for a token, of which public authorities use 3 to 8 kB
LONG_FORM = 0x80  # from here a length takes more than one byte (X.690 §8.1.3)
VERSION_1 = b"\x02\x01\x01"


def signer(certificate: bytes) -> ExternalSigner:
    """The view that pyHanko has of a key that signs elsewhere."""
    size = algorithms.of(certificate).signature_size
    return ExternalSigner(x509.Certificate.load(certificate), None, signature_value=size)


def signed_attributes(certificate: bytes, digest: bytes, algorithm: str) -> bytes:
    """DER of what the key signs: content type, document hash, signing certificate, no time (EN 319 142-1 §5.3)."""

    async def attributes() -> bytes:
        # Encoded inside the loop: asyncio.run prints its task when it ends, and printing these objects encodes them
        return bytes((await signer(certificate).signed_attrs(digest, algorithm, use_pades=True)).dump())

    return asyncio.run(attributes())


def room(certificate: bytes, chain: Sequence[bytes], *, timestamped: bool) -> int:
    """Bytes of DER to keep free for the container."""
    known = algorithms.of(certificate).signature_size + len(certificate) + sum(map(len, chain))
    return FIXED + known + (TOKEN if timestamped else 0)


def build(
    certificate: bytes,
    chain: Sequence[bytes],
    attributes: bytes,
    signature: bytes,
    algorithm: str,
    timestamper: TimestampClient | None,
) -> bytes:
    """DER of the container; a `timestamper` puts the time on the signature's hash (EN 319 142-1 §6.3, level B-T).

    Assembled by hand: asn1crypto encodes a default value anew at every level above it, 5 to 80 ms for the same bytes.
    """
    own = x509.Certificate.load(certificate)
    digest_algorithm = cms.DigestAlgorithm({"algorithm": algorithm}).dump()
    info = [
        VERSION_1,
        _tlv(SEQUENCE, own.issuer.dump(), core.Integer(own.serial_number).dump()),
        digest_algorithm,
        bytes((IMPLICIT_0,)) + attributes[1:],
        signer(certificate).get_signature_mechanism_for_digest(algorithm).dump(),
        _tlv(OCTETS, signature),
    ]
    if timestamper is not None:
        token = timestamper.token(hashlib.new(algorithm, signature).digest(), algorithm)
        kind = cms.CMSAttributeType("signature_time_stamp_token").dump()
        info.append(_tlv(IMPLICIT_1, _tlv(SEQUENCE, kind, _tlv(SET, token))))
    # The reader already has the root it trusts, so it is not sent along (RFC 5652 §5.1 leaves it free)
    sent = {certificate, *(one for one in chain if not _is_root(one))}
    signed_data = _tlv(
        SEQUENCE,
        VERSION_1,
        _tlv(SET, digest_algorithm),
        _tlv(SEQUENCE, cms.ContentType("data").dump()),
        _tlv(IMPLICIT_0, *_in_order(sent)),
        _tlv(SET, _tlv(SEQUENCE, *info)),
    )
    return _tlv(SEQUENCE, cms.ContentType("signed_data").dump(), _tlv(IMPLICIT_0, signed_data))


def _is_root(certificate: bytes) -> bool:
    one = x509.Certificate.load(certificate)
    return bool(one.issuer.dump() == one.subject.dump())


def _in_order(items: Collection[bytes]) -> list[bytes]:
    return sorted(items)  # a SET OF in DER goes by the encodings of its elements (X.690 §11.6)


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < LONG_FORM:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, LONG_FORM | len(octets))) + octets + content
