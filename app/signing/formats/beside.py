"""What CAdES and XAdES share: a signature in a file of its own, beside a document that is read from disk and never touched."""

import dataclasses
import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from app.core.refusals import Refusal
from app.signing.formats.container import demand, failed
from app.signing.ports import Prepared, SignatureFacts
from app.trust import algorithms
from app.trust.certificates import Trust
from app.trust.timestamp import TimestampClient
from app.verification.reading import SignatureReading

Read = Callable[[Path, Path | None, Trust, datetime], Sequence[SignatureReading]]
"""A reader of signature files (`app.verification.kinds`): the file, its content, whom we believe, the moment."""


def hash_of(path: Path, algorithm: str) -> bytes:
    """The hash of a file, whatever its size."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).digest()


@dataclasses.dataclass(frozen=True)
class Embedder:
    """One format of signature files.

    `waits`: whether the bytes that wait are those that were prepared, with nothing in their hole, of this certificate and
    of a document of this hash. `embed`: the whole signature file, from the bytes that wait and a proven signature.
    `read`: how it is read back.
    """

    waits: Callable[[bytes, Prepared, bytes, bytes], bool]
    embed: Callable[[bytes, Prepared, bytes, Sequence[bytes], bytes, TimestampClient | None], bytes]
    read: Read

    def complete(
        self,
        target: Path,
        prepared: Prepared,
        *,
        source: Path,
        certificate: bytes,
        chain: Sequence[bytes],
        signature: bytes,
        timestamper: TimestampClient | None,
    ) -> None:
        """Write at `target` the file of a signature that is proven first, then force it to disk.

        `signature`: DER or raw r‖s for an elliptic curve, PKCS#1 v1.5 for RSA, over `prepared.attributes`. It is checked
        with what we prepared, our certificate and the file as it is now. Refuses `signature-not-yours`,
        `hash-not-allowed`, `prepared-file-changed`, `timestamp-silent`; then nothing is written.
        """
        proven = algorithms.check_signature(certificate, signature, prepared.attributes, prepared.algorithm)
        waiting = target.read_bytes()
        # Hashed again: the document lies in a file of its own, which may have changed since it was prepared.
        digest = hash_of(source, prepared.algorithm)
        if digest != prepared.digest or not self.waits(waiting, prepared, certificate, digest):
            raise Refusal("prepared-file-changed")
        signed = self.embed(waiting, prepared, certificate, chain, proven, timestamper)
        # Written beside and renamed: whoever looks sees what waited, or the whole signature
        part = target.with_name(target.name + ".part")
        with part.open("wb") as stream:
            stream.write(signed)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)

    def check(
        self,
        target: Path,
        *,
        source: Path,
        field: str,
        certificate: bytes,
        trust: Trust,
        timestamped: bool,
        moment: datetime,
    ) -> SignatureFacts:
        """Read the file back and prove that it is the signature of `source` that was asked for.

        It must be alone, intact, valid, trusted, by `certificate`, at level B-T when `timestamped` else B-B. Revocation
        is the business of `check_certificate`; no host is asked here. Refuses `signature-not-valid-after-embedding`.
        """
        try:
            signature, *others = self.read(target, source, dataclasses.replace(trust, fetch=False), moment)
        except Refusal as error:
            raise failed(str(error)) from error
        own = {
            "elle n’est pas seule dans son fichier": not others,
            "elle n’est pas celle de ce fichier": signature.intact,
            "elle n’est pas valable": signature.holds,
        }
        return demand(signature, field, certificate, own, timestamped=timestamped)
