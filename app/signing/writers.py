"""Which format a document is signed in, and the one shape that all formats take: prepare, then embed and read again.

A writer holds no key and opens no session: it is given files. What it leaves at `target` is either the document itself,
one signature more (`beside` False), or a file that lies beside the document, which is never touched (`beside` True).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core.clock import now
from app.core.refusals import Refusal
from app.files.xml import shown_text
from app.signing.formats import cades, pades, xades, xades_pes
from app.signing.formats.container import TOKEN
from app.signing.formats.pes_text import Signatory
from app.signing.ports import FieldPlan, Prepared, SignatureFacts, Stamp
from app.trust.certificates import Trust
from app.trust.timestamp import TimestampClient
from workflows.family import Family

PDF, XML = "application/pdf", "application/xml"
Ready = Callable[[Path, "Work"], dict[str, Any]]
"""What a format is told of a signature beside its key, its field and its hour; it may read the document first."""


@dataclass(frozen=True)
class SignerCertificate:
    """The public half of the key that signs: DER of its certificate and of the issuing ones, nearest first.

    `once`: its owner authorises each signature with a code that serves once, so nothing may need a second one.
    """

    certificate: bytes
    chain: Sequence[bytes]
    once: bool = False


@dataclass(frozen=True)
class Work:
    """What a signature says beside its key: where it goes, what it shows, who signs and from where.

    `filename` and `media_type` are the document's own. `fields`: every field of a PDF, with its place; `fresh`: none of
    them is there yet, their names are proposals. `signatory`: what a payment flow asks of whoever signs it.
    `token_room`: bytes to keep in a PDF for the token of its time.
    """

    filename: str
    media_type: str
    field: str
    moment: datetime
    reason: str | None
    location: str | None
    signatory: Signatory
    timestamped: bool
    token_room: int = TOKEN
    fields: Sequence[FieldPlan] = ()
    fresh: bool = False
    stamp: Stamp | None = None


class Writer(ABC):
    """A signature format, as the verbs of signing use it.

    `name`: as proofs and pages call it. `suffix`: of the file beside, empty when there is none. `timestamps`: whether
    the format takes the time of an authority.
    """

    name: str
    suffix: str
    media_type: str
    timestamps: bool

    @abstractmethod
    def prepare(self, source: Path, target: Path, signer: SignerCertificate, work: Work) -> list[Prepared]:
        """Write at `target` what waits for signatures; one `Prepared` for each of them."""

    def embed(
        self,
        target: Path,
        prepared: Sequence[Prepared],
        signatures: Sequence[bytes],
        *,
        source: Path,
        field: str,
        signer: SignerCertificate,
        timestamper: TimestampClient | None,
        trust: Trust,
    ) -> SignatureFacts:
        """Prove every signature, embed them all with the time, then read the file again: they are those that were asked for.

        Refuses `signature-not-yours` and what the format refuses, and leaves `target` as it was; then
        `signature-not-valid-after-embedding`.
        """
        self._complete(target, prepared, signatures, source, signer, timestamper)
        return self._check(target, source, field, signer, trust, timestamper is not None)

    @abstractmethod
    def _complete(
        self,
        target: Path,
        prepared: Sequence[Prepared],
        signatures: Sequence[bytes],
        source: Path,
        signer: SignerCertificate,
        timestamper: TimestampClient | None,
    ) -> None: ...

    @abstractmethod
    def _check(
        self,
        target: Path,
        source: Path,
        field: str,
        signer: SignerCertificate,
        trust: Trust,
        timestamped: bool,
    ) -> SignatureFacts: ...


class _Alone(Writer):
    """A format that takes one signature at a time: within the document, or beside it (`suffix`)."""

    timestamps = True

    def __init__(self, name: str, suffix: str, media_type: str, form: Any, ready: Ready) -> None:
        self.name, self.suffix, self.media_type, self._form, self._ready = (
            name,
            suffix,
            media_type,
            form,
            ready,
        )

    def prepare(self, source: Path, target: Path, signer: SignerCertificate, work: Work) -> list[Prepared]:
        own = {
            "certificate": signer.certificate,
            "chain": signer.chain,
            "field": work.field,
            "now": work.moment,
        }
        return [self._form.prepare(source, target, **own, **self._ready(source, work))]

    def _complete(
        self,
        target: Path,
        prepared: Sequence[Prepared],
        signatures: Sequence[bytes],
        source: Path,
        signer: SignerCertificate,
        timestamper: TimestampClient | None,
    ) -> None:
        if len(prepared) != 1 or len(signatures) != 1:
            raise Refusal("signature-not-yours")
        self._form.complete(
            target,
            prepared[0],
            certificate=signer.certificate,
            chain=signer.chain,
            signature=signatures[0],
            timestamper=timestamper,
            **({"source": source} if self.suffix else {}),  # else it is within the target
        )

    def _check(
        self,
        target: Path,
        source: Path,
        field: str,
        signer: SignerCertificate,
        trust: Trust,
        timestamped: bool,
    ) -> SignatureFacts:
        facts: SignatureFacts = self._form.check(
            target,
            source=source,
            field=field,
            certificate=signer.certificate,
            trust=trust,
            timestamped=timestamped,
            moment=now(),
        )
        return facts


class _Pes(Writer):
    name, suffix, media_type, timestamps = "XAdES", "", XML, False

    def prepare(self, source: Path, target: Path, signer: SignerCertificate, work: Work) -> list[Prepared]:
        return xades_pes.prepare(
            source, target, certificate=signer.certificate, signatory=work.signatory, now=work.moment
        )

    def _complete(
        self,
        target: Path,
        prepared: Sequence[Prepared],
        signatures: Sequence[bytes],
        _source: Path,
        signer: SignerCertificate,
        _timestamper: TimestampClient | None,
    ) -> None:
        # The source is within the target; the Treasury's profile has no timestamp (policy §4.2.2)
        xades_pes.complete(target, prepared, certificate=signer.certificate, signatures=signatures)

    def _check(
        self,
        target: Path,
        source: Path,
        _field: str,
        signer: SignerCertificate,
        trust: Trust,
        _timestamped: bool,
    ) -> SignatureFacts:
        return xades_pes.check(
            target,
            source=source,
            certificate=signer.certificate,
            chain=signer.chain,
            trust=trust,
            moment=now(),
        )[0]


def _in_pdf(_source: Path, work: Work) -> dict[str, Any]:
    return {
        "fields": work.fields,
        "fresh": work.fresh,
        "stamp": work.stamp,
        "reason": work.reason,
        "location": work.location,
        "timestamped": work.timestamped,
        "token_room": work.token_room,
    }


def _in_xml(source: Path, work: Work) -> dict[str, Any]:
    shown_text(source.read_bytes(), work.filename)  # a deposit of before this rule is not signed either
    return {"media_type": work.media_type, "name": work.filename}


def _of_any_kind(_source: Path, work: Work) -> dict[str, Any]:
    return {"media_type": work.media_type}


PADES: Writer = _Alone("PAdES", "", PDF, pades, _in_pdf)
CADES: Writer = _Alone("CAdES", ".p7s", "application/pkcs7-signature", cades, _of_any_kind)
XADES: Writer = _Alone("XAdES", ".xades.xml", XML, xades, _in_xml)
FLOW: Writer = _Pes()


def writer_of(family: Family, media_type: str) -> Writer:
    """The format for a document of this media type in a family, or in a type that chose one (`Family.signature_format`)."""
    if family.signature == "pes":
        return FLOW
    if family.signature_format == "cades":
        return CADES
    if media_type == PDF:
        return PADES
    return XADES if media_type == XML else CADES
