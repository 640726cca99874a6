"""What was read of one signature, before anybody judges it: the one joint of every format and of both its readers.

A reader of PDF, CMS, XAdES or PES fills a `SignatureReading` for each signature. The verdict (`app.verification.judge`), the
report (`app.verification.report`) and the check after signing (`check` in each format) all start from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.verification.verdict import Link

Timestamp = Literal["none", "trusted", "untrusted", "silent", "invalid"]
# ETSI EN 319 102-1: §5.3 without a time that is proven, §5.5 with one, §5.6 for an archive
Process = Literal["Basic", "LTVM", "LTA"]


@dataclass(frozen=True)
class Evidence:
    """What a report shows of a signature besides its verdict (ETSI TS 119 102-2 §4).

    `value`: the signature. `signed`: the very bytes that the key signed, hashed with `algorithm`. `document`: hash of
    what is signed, with the same algorithm; `announced`: the hash that a CMS signature says it is. `certificate`: the
    signer's, DER. `named_by`: hash by which the signature names its certificate. `objects`: what it was judged by, as
    (identifier, type, DER). `attributes`: what the signature says of itself: `policy`, `role`, `place`, `reason`,
    `sub_filter`, `byte_range`.
    """

    value: bytes
    signed: bytes
    algorithm: str
    document: bytes | None
    certificate: bytes
    announced: bytes | None = None
    process: Process = "Basic"
    named_by: str = "sha256"
    objects: tuple[tuple[str, str, bytes], ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SignatureReading:
    """One signature as it was read; times are aware, `sub` is an ETSI sub-indication or None.

    `intact`: the hash is that of the signed bytes. `valid`: the signature is that of the certificate. `altered`: the
    document was changed afterwards otherwise than is permitted. `removed`: an earlier revision alone bears it.
    `faults`: what its profile asks for and it is not (French). `malformed`: why its form proves nothing (French).
    `lost_issuer`: who issued the certificate, when its own is neither in the file nor known here. `doubts`: what
    leaves it uncertain, as (ETSI sub-indication, French). `may_sign`: the certificate is made to sign
    (nonRepudiation), `unfit` says why not (French). `earlier_at`: an hour that the signed bytes hold, proven by a
    trusted timestamp of somebody else's signature: this one is later. `online`: the authorities could be asked
    whether it is revoked. `self_proven`: the file itself proves that it is not.

    `what`: what its hash was compared with, a masculine French noun. `signed_bytes`: how many of the file's first bytes
    are the revision that it covers whole, 0 when it covers none so; `file_bytes`: how many the file has. `added_at`: when
    the file says of itself that it was changed afterwards.

    `alterations`: how it was altered. `unsure`: why it is not sure that what is shown is what was signed
    (both of `app.pdf.gate`), or what its profile asked at its time. French clauses.
    """

    where: str
    name: str
    level: str = ""
    capacity: str | None = None
    serial: str = ""
    fingerprint_sha256: str = ""
    signature_sha256: str = ""
    chain: tuple[Link, ...] = ()
    claimed_at: datetime | None = None
    timestamp: Timestamp = "none"
    timestamped_at: datetime | None = None
    archived_at: datetime | None = None
    readable: bool = True
    removed: bool = False
    intact: bool = False
    valid: bool = False
    altered: bool = False
    alterations: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    malformed: str = ""
    doubts: tuple[tuple[str, str], ...] = ()
    covers_whole: bool = True
    covered: str = ""
    what: str = "document"
    signed_bytes: int = 0
    file_bytes: int = 0
    added_at: datetime | None = None
    changes: str = ""
    may_sign: bool = True
    unfit: str = ""
    earlier_at: datetime | None = None
    sub: str | None = None
    lost_issuer: str = ""
    revoked_at: datetime | None = None
    not_before: datetime | None = None
    not_after: datetime | None = None
    online: bool = True
    self_proven: bool = False
    qualified: str | None = None
    evidence: Evidence | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing broke it, whoever signed: intact, of its certificate, and only permitted changes since."""
        whole = self.readable and self.intact and self.valid
        return whole and not (self.altered or self.removed or self.faults or self.malformed)

    @property
    def vouched(self) -> bool:
        """Whether an authority that we believe answers for a certificate that is surely its own, revocation left aside."""
        named = not self.doubts
        return named and self.may_sign and (self.sub is None or (self.sub == "TRY_LATER" and not self.online))

    @property
    def baseline(self) -> bool:
        """Whether it has the form of the ETSI's baseline (EN 319 122-1, 132-1, 142-1), not an older one."""
        return bool(self.level) and not self.level.startswith("hors ")


def authorities(signature: SignatureReading) -> list[bytes]:
    """The certificates of intermediate authorities (DER) among what a signature was judged by."""
    from asn1crypto import x509

    objects = signature.evidence.objects if signature.evidence is not None else ()
    certificates = [(der, x509.Certificate.load(der)) for _, kind, der in objects if kind == "certificate"]
    return [
        der
        for der, certificate in certificates
        if certificate.ca and certificate.issuer != certificate.subject
    ]
