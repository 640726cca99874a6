"""XAdES signatures inside a PES v2 flow, in two steps: prepare leaves a hole for each, complete proves and fills them.

The signature texts are spliced into the file by byte offset and nothing else changes: encoding, references, line ends,
comments and quotes stay as the accounting software wrote them. Every Bordereau is signed when each has an Id, else the
whole flow (`app.verification.readers.pes.profile` names the source).
"""

import hashlib
import os
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO

from app.core.refusals import Refusal
from app.signing.formats import pes_before, pes_text
from app.signing.formats.container import failed
from app.signing.formats.pes_text import Signatory
from app.signing.formats.xades_text import Text, embedded
from app.signing.ports import Prepared, SignatureFacts
from app.trust import algorithms
from app.trust.certificates import Trust, facts
from app.verification.readers.pes.offsets import BLOCK, blocks, copy

ALGORITHM = "sha256"


def prepare(
    source: Path, target: Path, *, certificate: bytes, signatory: Signatory, now: datetime
) -> list[Prepared]:
    """Write at `target` the bytes of `source` and one signature text for each signed element, their values left out.

    One `Prepared` for each, in the order of the file: `field` is the Id of the XML signature, `attributes` the
    canonical SignedInfo that the key signs, `start` and `end` the place of its base64 value, `digest` the SHA-256 of
    the target outside all the places. `certificate` in DER; `now` is the SigningTime. Refuses `pes-key-not-rsa`,
    `pes-signatory-incomplete`, the keys of `algorithms.of` and of `pes_before.plan`; then `target` does not exist.
    """
    kind = algorithms.of(certificate)
    # The policy knows RSA with SHA-256 alone (`profile.RSA_SHA256`).
    if kind.kind != "RSA":
        raise Refusal("pes-key-not-rsa", kind=f"courbe {kind.curve}")
    signer = signatory.checked()
    room = len(b64encode(bytes(kind.signature_size)))
    try:
        with source.open("rb") as before:
            plan = pes_before.plan(source, before)
            texts = [pes_text.write(target.id, target.digest, certificate, signer, now) for target in plan]
            with target.open("wb") as after:
                places, digest = _splice(before, after, [target.at for target in plan], texts, room)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return [
        Prepared(text.id, text.info, digest, start, start + room, ALGORITHM)
        for text, start in zip(texts, places, strict=True)
    ]


def _splice(
    before: IO[bytes], after: IO[bytes], offsets: Sequence[int], texts: Sequence[Text], room: int
) -> tuple[list[int], bytes]:
    """Copy, with each text at its offset; the bytes where values will go, and the hash of all the others."""
    digest, places = hashlib.sha256(), []
    at = added = 0
    before.seek(0)
    for offset, text in zip(offsets, texts, strict=True):
        copy(before, after, offset - at, digest)
        at = offset
        digest.update(text.before + text.after)
        after.write(text.before + b" " * room + text.after)
        places.append(offset + added + len(text.before))
        added += len(text.before) + room + len(text.after)
    copy(before, after, None, digest)
    return places, digest.digest()


def complete(
    target: Path, prepared: Sequence[Prepared], *, certificate: bytes, signatures: Sequence[bytes]
) -> None:
    """Fill every place of a prepared flow with its signature, all proven first, then force the file to disk.

    `signatures`: PKCS#1 v1.5 over the `attributes` of each, in the same order. They are checked with our SignedInfo,
    our certificate and our file, never with what the signer sent along. Refuses `signature-not-yours`,
    `prepared-file-changed`; then nothing is written.
    """
    if not prepared or len(prepared) != len(signatures):
        raise Refusal("signature-not-yours")
    values = [
        b64encode(algorithms.check_signature(certificate, signature, entry.attributes, entry.algorithm))
        for entry, signature in zip(prepared, signatures, strict=True)
    ]
    # Checked for all before the first is written: a value that does not fit would leave half of them in the
    # file.
    if any(len(value) != entry.end - entry.start for entry, value in zip(prepared, values, strict=True)):
        raise Refusal("signature-not-yours")
    with target.open("r+b") as stream:
        if not _as_prepared(stream, prepared):
            raise Refusal("prepared-file-changed")
        for entry, value in zip(prepared, values, strict=True):
            stream.seek(entry.start)
            stream.write(value)
        stream.flush()
        os.fsync(stream.fileno())


def _as_prepared(stream: IO[bytes], prepared: Sequence[Prepared]) -> bool:
    """True when the file is what was hashed, its places are empty, and each follows the SignedInfo that is signed."""
    digest, at = hashlib.sha256(), 0
    for entry in prepared:
        info = embedded(entry.attributes) + b"<ds:SignatureValue>"
        if entry.start - len(info) < at:
            return False
        for block in blocks(stream, at, entry.start - len(info)):
            digest.update(block)
        if stream.read(len(info)) != info or stream.read(entry.end - entry.start).strip(b" "):
            return False
        digest.update(info)
        at = entry.end
    while block := stream.read(BLOCK):
        digest.update(block)
    result = digest.digest()
    return all(entry.digest == result for entry in prepared)


def check(
    target: Path,
    *,
    source: Path,
    certificate: bytes,
    chain: Sequence[bytes],
    trust: Trust,
    moment: datetime,
) -> list[SignatureFacts]:
    """Read the signatures back from the file and prove that they are the ones that were asked for.

    Every element that had to be signed is, by `certificate`, trusted through `chain` (the flow carries the signing
    certificate alone); each signature is, byte for byte, the text that this profile writes for what it declares; and
    without them the file is `source`. Revocation is the business of `trust.check_certificate`; no host is asked here.
    Refuses `signature-not-valid-after-embedding`.
    """
    from app.verification.readers.pes.proof import read_pes

    fingerprint = facts(certificate).fingerprint_sha256
    signatures = read_pes(target, replace(trust, fetch=False), moment, chain=chain)
    if not signatures:
        raise failed("aucune signature n’y figure")
    for signature in signatures:
        # What is tolerated of other tools is a fault of ours (decision 0013).
        faults = [*signature.faults, *signature.remarks]
        if signature.fingerprint_sha256 != fingerprint:
            faults.append("elle est d’un autre certificat")
        if not signature.trusted:
            faults.append("son certificat n’est pas reconnu")
        if faults:
            raise failed(f"{signature.target} : {faults[0]}")
    spans = [(signature.start, signature.end) for signature in signatures]
    with target.open("rb") as after, source.open("rb") as before:
        if not _is_source(before, after, spans):
            raise failed("le reste du fichier a changé")
        for signature in signatures:
            text = pes_text.write(
                signature.target,
                signature.digest,
                certificate,
                Signatory(*signature.declared),
                signature.signed_at or moment,
            )
            after.seek(signature.start)
            raw = after.read(signature.end - signature.start)
            value = raw[len(text.before) : len(raw) - len(text.after)]
            if raw != text.before + value + text.after or value != signature.value:
                raise failed(f"{signature.target} : la signature n’est pas écrite comme prévu")
    return [
        SignatureFacts(
            field=signature.field,
            level="EPES",
            signed_at=signature.signed_at,
            timestamped_at=None,
            fingerprint_sha256=signature.fingerprint_sha256,
            signature_sha256=signature.signature_sha256,
            earlier=0,
        )
        for signature in signatures
    ]


def _is_source(before: IO[bytes], after: IO[bytes], spans: Sequence[tuple[int, int]]) -> bool:
    """True when `after` without those spans is exactly `before`."""
    before.seek(0)

    def rest() -> Iterator[bytes]:
        at = 0
        for start, end in spans:
            yield from blocks(after, at, start)
            at = end
        after.seek(at)
        while block := after.read(BLOCK):
            yield block

    return all(before.read(len(block)) == block for block in rest()) and not before.read(1)
