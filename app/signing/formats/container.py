"""The CMS container of one signature (RFC 5652), assembled from encoded parts in less than a millisecond."""

import asyncio
import hashlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from asn1crypto import algos, cms, core, x509
from pyhanko.sign.signers import ExternalSigner

from app.core.refusals import Refusal
from app.signing.ports import SignatureFacts
from app.trust import algorithms
from app.trust.certificates import certificates_in, facts
from app.trust.timestamp import TimestampClient
from app.verification.reading import SignatureReading

SEQUENCE, SET, OCTETS = 0x30, 0x31, 0x04
IMPLICIT_0, IMPLICIT_1 = 0xA0, 0xA1
TOKEN = 12 * 1024  # bytes for a token, of which public authorities use 3 to 8 kB
LONG_FORM = 0x80  # from here a length takes more than one byte (X.690 §8.1.3)
KEPT = 64  # certificates whose encoded parts are kept: few sign here, and each takes a few kilobytes
VERSION_1 = b"\x02\x01\x01"


def signer(certificate: bytes) -> ExternalSigner:
    """The view that pyHanko has of a key that signs elsewhere; a new one each time, since it may be written to."""
    parsed, mechanism = _parsed(certificate)
    return ExternalSigner(
        parsed,
        None,
        signature_value=algorithms.of(certificate).signature_size,
        signature_mechanism=algos.SignedDigestAlgorithm.load(mechanism),
    )


@lru_cache(maxsize=KEPT)
def _parsed(certificate: bytes) -> tuple[x509.Certificate, bytes]:
    """The certificate, and the DER of how its key signs: pyHanko finds both anew for each signature."""
    (parsed,), facts = certificates_in(certificate)[:1], algorithms.of(certificate)
    _ = parsed.public_key.native  # asn1crypto parses as late as it can: now, for all threads
    own = ExternalSigner(parsed, None, signature_value=facts.signature_size)
    return parsed, bytes(own.get_signature_mechanism_for_digest(facts.digest).dump())


def signed_attributes(certificate: bytes, digest: bytes, algorithm: str) -> bytes:
    """DER of what the key signs: content type, document hash, signing certificate, no time (EN 319 142-1 §5.3)."""
    before, after = _around_digest(certificate, algorithm)
    return before + digest + after


@lru_cache(maxsize=KEPT)
def _around_digest(certificate: bytes, algorithm: str) -> tuple[bytes, bytes]:
    """The signed attributes that pyHanko makes for this certificate, cut where the document hash stands.

    Nothing else in them changes from one document to the next, and pyHanko takes 5 ms to encode them.
    """
    marker = secrets.token_bytes(hashlib.new(algorithm).digest_size)

    async def attributes() -> bytes:
        # Encoded inside the loop: asyncio.run prints its task when it ends, and printing these objects encodes them
        return bytes((await signer(certificate).signed_attrs(marker, algorithm, use_pades=True)).dump())

    # Found more than once, it could not be told which is the hash: then this raises
    before, after = asyncio.run(attributes()).split(marker)
    return before, after


def room(certificate: bytes, chain: Sequence[bytes], *, token: int) -> int:
    """Bytes of DER to keep free for the container: as many as its longest signature needs, and `token`, 0 for none.

    No more: what stays empty is kept with the file for ever, and read at each verification.
    """
    known = algorithms.of(certificate)
    attributes = signed_attributes(certificate, bytes(hashlib.new(known.digest).digest_size), known.digest)
    longest = build(certificate, chain, attributes, bytes(known.signature_size), known.digest, None)
    return len(longest) + token


def build(
    certificate: bytes,
    chain: Sequence[bytes],
    attributes: bytes,
    signature: bytes,
    algorithm: str,
    timestamper: TimestampClient | None,
) -> bytes:
    """DER of the container; a `timestamper` puts the time on the signature's hash (EN 319 142-1 §6.3, level B-T)."""
    fixed = _fixed(certificate, tuple(chain), algorithm)
    # Signed as a SET OF and embedded under [0]: the first byte alone differs (RFC 5652 §5.4).
    info = [fixed.signer, bytes((IMPLICIT_0,)) + attributes[1:], fixed.mechanism, _tlv(OCTETS, signature)]
    if timestamper is not None:
        token = timestamper.token(hashlib.new(algorithm, signature).digest(), algorithm)
        kind = cms.CMSAttributeType("signature_time_stamp_token").dump()
        info.append(_tlv(IMPLICIT_1, _tlv(SEQUENCE, kind, _tlv(SET, token))))
    signed_data = _tlv(SEQUENCE, fixed.before_signer, _tlv(SET, _tlv(SEQUENCE, *info)))
    return _tlv(SEQUENCE, fixed.kind, _tlv(IMPLICIT_0, signed_data))


class _Fixed(NamedTuple):
    """What is the same in every container of one certificate, encoded; lengths are counted anew around it."""

    kind: bytes
    before_signer: bytes
    signer: bytes
    mechanism: bytes


@lru_cache(maxsize=KEPT)
def _fixed(certificate: bytes, chain: tuple[bytes, ...], algorithm: str) -> _Fixed:
    # By hand: asn1crypto encodes a default value anew at every level above it, 5 to 80 ms for the same bytes
    own, mechanism = _parsed(certificate)
    digest_algorithm = cms.DigestAlgorithm({"algorithm": algorithm}).dump()
    # The reader already has the root it trusts, so it is not sent along (RFC 5652 §5.1 leaves it free)
    sent = {certificate, *(issuer for issuer in chain if not _is_root(issuer))}
    content = _tlv(SEQUENCE, cms.ContentType("data").dump())
    issued = _tlv(SEQUENCE, own.issuer.dump(), core.Integer(own.serial_number).dump())
    return _Fixed(
        kind=cms.ContentType("signed_data").dump(),
        before_signer=b"".join(
            (VERSION_1, _tlv(SET, digest_algorithm), content, _tlv(IMPLICIT_0, *_in_order(sent)))
        ),
        signer=VERSION_1 + issued + digest_algorithm,
        mechanism=mechanism,
    )


def _is_root(certificate: bytes) -> bool:
    parsed = x509.Certificate.load(certificate)
    return bool(parsed.issuer.dump() == parsed.subject.dump())


def _in_order(items: Collection[bytes]) -> list[bytes]:
    return sorted(items)  # a SET OF in DER goes by the encodings of its elements (X.690 §11.6)


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    length = len(content)
    if length < LONG_FORM:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((tag, LONG_FORM | len(octets))) + octets + content


# After embedding: what the reader of a format says of our signature must be what was asked for, whatever the format.


def demand(
    signature: SignatureReading,
    field: str,
    certificate: bytes,
    own: Mapping[str, bool],
    *,
    timestamped: bool,
    earlier: int = 0,
) -> SignatureFacts:
    """The facts of the signature that was read back, once it is trusted, by `certificate`, at B-T when `timestamped`.

    `own`: what the format asks beside, in French why not, and whether it is met. `earlier`: signatures that were there
    before. Refuses `signature-not-valid-after-embedding`.
    """
    demands = {
        **own,
        "elle est d’un autre certificat": signature.fingerprint_sha256
        == facts(certificate).fingerprint_sha256,
        "son certificat n’est pas reconnu": signature.vouched,
        "son horodatage n’est pas celui attendu": signature.timestamp
        == ("trusted" if timestamped else "none"),
    }
    for why, met in demands.items():
        if not met:
            raise failed(why)
    return SignatureFacts(
        field=field,
        level="B-T" if timestamped else "B-B",
        signed_at=signature.claimed_at,
        timestamped_at=signature.timestamped_at,
        fingerprint_sha256=signature.fingerprint_sha256,
        signature_sha256=signature.signature_sha256,
        earlier=earlier,
    )


def failed(why: str, *, earlier: bool = False) -> Refusal:
    """The refusal of what was embedded; `earlier`: ours would hold, and one that was there before would not."""
    return Refusal("signature-not-valid-after-embedding", why=why, earlier=earlier)
