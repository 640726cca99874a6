"""The signatures of a CMS file (.p7s, .p7m; RFC 5652, ETSI EN 319 122-1) over a content beside it or inside it."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from asn1crypto import cms, pem
from pyhanko.sign.general import extract_certificate_info, find_cms_attribute_iter
from pyhanko.sign.validation.generic_cms import (
    extract_tst_data_iter,
    validate_sig_integrity,
)

from app.core.refusals import Refusal
from app.trust.certificates import Trust
from app.verification import bounds
from app.verification.etsi import Subject, evidence, prove
from app.verification.readers.cms.attributes import NAMES_IT, fields_of, misnamed
from app.verification.reading import SignatureReading
from app.verification.signers import (
    MOST_SIGNATURES,
    NOTHING_CHANGED,
    SECONDS_EACH,
    UNREADABLE,
    chain_of,
    lost,
    named,
    qualified,
    unreadable,
)

CHUNK = 1 << 20
Opener = Callable[[], IO[bytes]]
LARGEST_CONTAINER = 20 * 1024 * 1024
LONGEST_ATTRIBUTES = 64 * 1024


def read_p7s(path: Path, content: Path | None, trust: Trust, moment: datetime) -> list[SignatureReading]:
    """Every signature of a CMS file (DER or PEM), in its order; `content` is the signed file when it is not inside.

    Refuses `signature-file-unreadable`, `content-missing`, `content-unexpected` and `too-many-signatures`.
    """
    data, size = _contents(path), content.stat().st_size if content is not None else 0
    opener = (lambda: content.open("rb")) if content is not None else None
    return read_signers(data, opener, size, trust, moment)


def read_signers(
    data: bytes, content: Opener | None, size: int, trust: Trust, moment: datetime
) -> list[SignatureReading]:
    """The same, of a signature that is at hand; `content` opens what it signs, of `size` bytes."""
    signed_data = _signed_data(data)
    if len(signed_data["signer_infos"]) > MOST_SIGNATURES:
        raise Refusal("too-many-signatures", limit=MOST_SIGNATURES)
    inside = signed_data["encap_content_info"]["content"]
    if content is None and inside.native is None:
        raise Refusal("content-missing")
    if content is not None and inside.native is not None:
        raise Refusal("content-unexpected")
    bounds.allow(SECONDS_EACH * (1 + len(signed_data["signer_infos"])))
    return [
        _signature(number, info, signed_data, content, size, trust, moment)
        for number, info in enumerate(signed_data["signer_infos"], 1)
    ]


def _contents(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_CONTAINER:
        raise Refusal("signature-file-unreadable", why=f"{path.stat().st_size} octets")
    return path.read_bytes()


def _signed_data(data: bytes) -> Any:
    try:
        if pem.detect(data):
            _, _, data = pem.unarmor(data)
        container = cms.ContentInfo.load(data, strict=True)
        if container["content_type"].native != "signed_data":
            raise ValueError(container["content_type"].native)
        # asn1crypto reads what it is asked for: what is malformed must show here.
        _ = len(container["content"]["signer_infos"])
        return container["content"].untag()
    except UNREADABLE as error:
        raise Refusal("signature-file-unreadable", why=str(error)) from error


def _signature(
    number: int, info: Any, whole: Any, content: Opener | None, size: int, trust: Trust, moment: datetime
) -> SignatureReading:
    where = f"signataire {number}"
    try:
        # pyHanko reads one signer at a time: each is given the container as if it were alone
        alone = cms.SignedData.load(whole.dump())
        alone["signer_infos"] = cms.SignerInfos([info])
        digest = _digest(alone, content, info["digest_algorithm"]["algorithm"].native)
        carried = extract_certificate_info(alone)
        certificate = carried.signer_cert
        if (other := misnamed(where, info, certificate)) is not None:
            return other
        subject = Subject(alone, digest if content is not None else None)
        proof = asyncio.run(prove(subject, trust, moment))
        intact, valid = validate_sig_integrity(
            info,
            certificate,
            expected_content_type=alone["encap_content_info"]["content_type"].native,
            actual_digest=digest,
        )
        return SignatureReading(
            where=where,
            level=_level(info),
            signature_sha256=hashlib.sha256(info["signature"].native).hexdigest(),
            chain=chain_of(certificate, proof.status),
            claimed_at=_claimed(info),
            timestamp=proof.timestamp,
            timestamped_at=proof.at,
            intact=bool(intact),
            valid=bool(valid),
            covered="La signature couvre tout le contenu du fichier signé.",
            changes=NOTHING_CHANGED if intact else "Le contenu n’est pas celui qui a été signé.",
            sub=proof.sub,
            revoked_at=proof.revoked_at,
            online=trust.fetch,
            qualified=qualified(proof.status, trust, proof.at or moment),
            evidence=evidence(subject, proof, certificate, digest, {}),
            **fields_of(info, _short(alone, content, size)),
            **lost(certificate, carried.other_certs, trust),
            **named(certificate),
        )
    except UNREADABLE:
        return unreadable(where)


def _short(alone: Any, content: Opener | None, size: int) -> bytes | None:
    """The content, unless it is too long to be the attributes of a signature."""
    if content is None:
        native = alone["encap_content_info"]["content"].native
        # More than this is no set of attributes, and only that is asked of it.
        return native[:LONGEST_ATTRIBUTES] if isinstance(native, bytes) else None
    if size > LONGEST_ATTRIBUTES:
        return None
    with content() as stream:
        return stream.read()


def _digest(alone: Any, content: Opener | None, algorithm: str) -> bytes:
    digest = hashlib.new(algorithm)
    inside = alone["encap_content_info"]["content"]
    if content is None:
        digest.update(inside.native if isinstance(inside.native, bytes) else inside.contents)
        return digest.digest()
    with content() as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.digest()


def _level(info: Any) -> str:
    stamped = any(True for _ in extract_tst_data_iter(info, signed=False))
    level = "B-T" if stamped else "B-B"
    names = {attribute["type"].native for attribute in info["signed_attrs"]}
    return level if names & set(NAMES_IT) else f"hors CAdES, {level}"


def _claimed(info: Any) -> datetime | None:
    attribute = next(iter(find_cms_attribute_iter(info["signed_attrs"], "signing_time")), None)
    moment: datetime | None = attribute.native if attribute is not None else None
    return moment
