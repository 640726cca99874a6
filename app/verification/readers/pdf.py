"""What the signatures of a PDF are, one `SignatureReading` each: who, when, which level, what was covered, what changed since."""

import asyncio
import dataclasses
import hashlib
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from asn1crypto import cms
from pyhanko.pdf_utils.generic import parse_pdf_date
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.general import (
    SignedDataCerts,
    byte_range_digest,
    extract_certificate_info,
    extract_signer_info,
    find_cms_attribute_iter,
)
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter, validate_sig_integrity
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import LocalKnowledge
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from app.core.clock import PARIS
from app.core.grammar import milliers
from app.core.refusals import Refusal
from app.pdf import revisions
from app.pdf.changes import Signer, Standing
from app.pdf.comparison import SECONDS as SECONDS_TO_DRAW
from app.pdf.gate import Finding, Gate
from app.pdf.revisions import Opened, first, opened
from app.trust.certificates import Trust
from app.verification import bounds
from app.verification.etsi import Proof, Subject, evidence, prove
from app.verification.likeness import bearers
from app.verification.readers.cms.attributes import fields_of
from app.verification.reading import SignatureReading
from app.verification.signers import (
    MOST_SIGNATURES,
    SECONDS_EACH,
    chain_of,
    lost,
    named,
    qualified,
    unreadable,
)
from app.verification.signers import UNREADABLE as ODD

MOST_REVISIONS = 200
OBJECTS_A_SECOND, MOST_SECONDS = 2500, 10.0  # of computing, to compare the revisions
UNREADABLE = (*ODD, OSError)  # an offset before the beginning of the file, or after every disk's end
# The authority is known, and what is missing is a time or an answer
NAMED = frozenset({None, "TRY_LATER", "OUT_OF_BOUNDS_NO_POE", "OUT_OF_BOUNDS_NOT_REVOKED", "NO_POE"})
NOT_THESE_BYTES = "Le contenu du fichier n’est plus celui qui a été signé."
ALTERED = "Le document a été modifié : ce qui s’affiche n’est plus ce qui a été signé."


def read_pdf(path: Path, content: Path | None, trust: Trust, moment: datetime) -> list[SignatureReading]:
    """Every signature of a PDF, oldest first; document timestamps are proofs and are not listed.

    Refuses `pdf-damaged`, `document-locked` (a password is needed), `too-many-signatures`,
    `too-many-revisions`, `file-too-complex` (objects nested without bottom) and `content-unexpected`.
    """
    if content is not None:
        raise Refusal("content-unexpected")
    with path.open("rb") as stream:
        try:
            document = opened(stream)
            _unlock(document.reader)
            return asyncio.run(_read(document, trust, moment))
        except RecursionError as error:
            raise Refusal("file-too-complex") from error
        except UNREADABLE as error:
            raise Refusal("pdf-damaged") from error


def _unlock(reader: PdfFileReader) -> None:
    """Open an encrypted file that needs no password to be read (ISO 32000-2 §7.6.4.1); refuses `document-locked`."""
    if not reader.encrypted:
        return
    try:
        opened = reader.decrypt("").status.name != "FAILED"
    except UNREADABLE:
        opened = False
    if not opened:
        raise Refusal("document-locked")


async def _read(document: Opened, trust: Trust, moment: datetime) -> list[SignatureReading]:
    reader = document.reader
    if document.count > MOST_REVISIONS:
        raise Refusal("too-many-revisions", limit=MOST_REVISIONS)
    people, stamps, broken = _sorted(reader)
    # Difference analysis reads every object: an honest file of many pages needs what its size asks for
    objects = int(reader.trailer.raw_get("/Size"))
    drawn = SECONDS_TO_DRAW if document.count > 1 else 0.0
    each = SECONDS_EACH * (1 + len({_container(signature) for signature in people}))
    bounds.allow(min(objects / OBJECTS_A_SECOND, MOST_SECONDS) + each + drawn)
    shown = {str(signature.field_name) for signature in (*people, *stamps)} | {
        signature.where for _, signature in broken
    }
    removed = _removed(reader, shown)
    broken += removed or _skipped(document, (*people, *stamps))
    known = _security_store(reader)
    readings = list[SignatureReading]()
    alike: dict[
        bytes, SignatureReading
    ] = {}  # fields that share a container share its judgement: else 61 of them took 43 s
    for signature in people:
        name = _container(signature)
        if name not in alike:
            alike[name] = await _proven(signature, stamps, known, trust, moment)
        # Before a header that is not the first byte, offsets count from two places: no version is given apart
        apart = alike[name].signed_bytes if not document.junk else 0
        readings.append(dataclasses.replace(alike[name], where=str(signature.field_name), signed_bytes=apart))
    pairs = [*_gated(document, people, readings, stamps, broken), *broken]
    return [reading for _, reading in sorted(pairs, key=lambda pair: pair[0])]


def _gated(
    document: Opened,
    people: list[EmbeddedPdfSignature],
    readings: list[SignatureReading],
    stamps: list[EmbeddedPdfSignature],
    broken: list[tuple[int, SignatureReading]],
) -> list[tuple[int, SignatureReading]]:
    """Every signature with what the gate says of what was added since; the newest first, whose stamps the others bear."""
    signers = {reading.where: Signer(reading.name, "broken") for _, reading in broken if not reading.removed}
    signers |= {
        str(stamp.field_name): Signer(
            "l’horodatage", "intact" if _stamps(stamp) else "broken", timestamp=True
        )
        for stamp in stamps
    }
    signers |= {reading.where: Signer(reading.name, _standing(reading)) for reading in readings}
    gate, judged = Gate(document), []
    findings: dict[bytes, Finding] = {}
    try:
        for signature, reading in sorted(
            zip(people, readings, strict=True), key=lambda pair: -pair[0].signed_revision
        ):
            if not reading.readable:
                judged.append((signature.signed_revision, reading))
                continue
            name = _container(signature)
            if name not in findings:
                findings[name] = gate.judge(
                    signature.signed_revision, signature.byte_range, signers, refused=reading.altered
                )
            finding = findings[name]
            altered = reading.altered or bool(finding.altered)
            since = finding.since if reading.intact else NOT_THESE_BYTES
            outcome = dataclasses.replace(
                reading,
                altered=altered,
                alterations=finding.altered,
                unsure=finding.doubts,
                changes=ALTERED if altered and not finding.altered else since,
            )
            signers[outcome.where] = Signer(outcome.name, _standing(outcome))
            judged.append((signature.signed_revision, outcome))
    finally:
        gate.close()
    return judged[::-1]


def _container(signature: EmbeddedPdfSignature) -> bytes:
    """What tells one signature from another, whatever the fields that bear it: its revision, its range, its container."""
    digest = hashlib.sha256(repr((signature.signed_revision, *map(int, signature.byte_range))).encode())
    digest.update(signature.pkcs7_content)
    return digest.digest()


def _standing(reading: SignatureReading) -> Standing:
    """Whether a signature's visible stamp may be trusted to be somebody's."""
    if not reading.holds or reading.timestamp == "invalid":
        return "broken"
    return "valid" if reading.may_sign and reading.sub in NAMED else "intact"


def _stamps(stamp: EmbeddedPdfSignature) -> bool:
    """Whether a timestamp of the whole document is of these bytes (ISO 32000-2 §12.8.5)."""
    try:
        content = stamp.signed_data["encap_content_info"]["content"]
        imprint = content.parsed["message_imprint"]["hashed_message"].native
        return bool(imprint == stamp.compute_digest())
    except UNREADABLE:
        return False


class _Embedded(EmbeddedPdfSignature):
    """PyHanko's signature of a PDF, whose certificates are found once in a batch."""

    def _init_cert_info(self) -> SignedDataCerts:
        if self._sd_cert_info is None:
            self._sd_cert_info = bearers(str(self.field_name), self.signed_data).certificates
        return self._sd_cert_info


def _sorted(
    reader: PdfFileReader,
) -> tuple[list[EmbeddedPdfSignature], list[EmbeddedPdfSignature], list[tuple[int, SignatureReading]]]:
    """People's signatures, document timestamps, and what cannot be read (with its revision)."""
    people: list[EmbeddedPdfSignature] = []
    stamps: list[EmbeddedPdfSignature] = []
    broken: list[tuple[int, SignatureReading]] = []
    for number, (name, value, widget) in enumerate(enumerate_sig_fields(reader, filled_status=True)):
        if number >= MOST_SIGNATURES:
            raise Refusal("too-many-signatures", limit=MOST_SIGNATURES)
        try:
            signature = _Embedded(reader, widget, name)
            # A linearised file has two sections for its first revision.
            signature.signed_revision = max(signature.signed_revision, first(reader))
            # Asked for now: asn1crypto parses lazily, and what is broken must be told here.
            _ = signature.signer_cert.subject.native
            (stamps if _stamp(signature) else people).append(signature)
        except UNREADABLE:
            when = reader.xrefs.get_last_change(value.container_ref) if value.container_ref else 0
            broken.append((when, unreadable(str(name))))
    return people, stamps, broken


def _stamp(signature: EmbeddedPdfSignature) -> bool:
    """Whether it is a document timestamp: by what it holds too, for its /Type alone hides nobody's signature."""
    content = signature.signed_data["encap_content_info"]["content_type"].native
    return bool(signature.sig_object_type == "/DocTimeStamp" and content == "tst_info")


def _skipped(document: Opened, people: Iterable[EmbeddedPdfSignature]) -> list[tuple[int, SignatureReading]]:
    """Signatures whose bytes are whole in the file and whose revision no cross-reference section names any more."""
    known = {tuple(map(int, signature.byte_range)) for signature in people}
    gone = list[tuple[int, SignatureReading]]()
    for covers, container in revisions.signed_ranges(document):
        if covers in known or len(gone) >= MOST_SIGNATURES:
            continue
        try:
            data = cms.ContentInfo.load(container)["content"]
            # A timestamp's content is of another type: it is nobody's signature.
            if data["encap_content_info"]["content_type"].native != "data":
                continue
            info = extract_signer_info(data)
            announced = next(iter(find_cms_attribute_iter(info["signed_attrs"], "message_digest"))).native
            algorithm = info["digest_algorithm"]["algorithm"].native
            _, digest = byte_range_digest(document.reader.stream, covers, algorithm)
            if digest == announced:
                known_by = named(extract_certificate_info(data).signer_cert)
                gone.append((0, SignatureReading(where="hors du document", removed=True, **known_by)))
        except (*UNREADABLE, StopIteration):
            continue
    return gone


def _removed(reader: PdfFileReader, shown: set[str]) -> list[tuple[int, SignatureReading]]:
    """Signatures that an earlier revision bears and the present one hides, with the revision that still shows them."""
    gone: dict[str, tuple[int, SignatureReading]] = {}
    for revision in range(first(reader), reader.xrefs.total_revisions - 1):
        for name, value in _filled(reader.get_historical_resolver(revision)):
            if str(name) in shown or len(gone) >= MOST_SIGNATURES:
                continue
            try:
                container = cms.ContentInfo.load(value["/Contents"])
                known = named(extract_certificate_info(container["content"]).signer_cert)
            except UNREADABLE:
                known = {"name": "signataire illisible"}
            gone[str(name)] = (revision, SignatureReading(where=str(name), removed=True, **known))
    return list(gone.values())


def _filled(revision: Any) -> list[tuple[Any, Any]]:
    try:
        return [(name, value) for name, value, _ in enumerate_sig_fields(revision, filled_status=True)]
    except UNREADABLE:
        return []  # a revision that nobody can read shows no signature


async def _proven(
    signature: EmbeddedPdfSignature,
    stamps: Iterable[EmbeddedPdfSignature],
    known: LocalKnowledge,
    trust: Trust,
    moment: datetime,
) -> SignatureReading:
    try:
        other = bearers(str(signature.field_name), signature.signed_data).misnamed
        if other is not None:
            return other
        signature.compute_integrity_info()  # type: ignore[no-untyped-call]
        integrity = signature.summarise_integrity_info()
        archived = any(stamp.signed_revision > signature.signed_revision for stamp in stamps)
        subject = Subject(signature.signed_data, signature.compute_digest(), known, signature, archived)
        proof = await prove(subject, trust, moment)
        # What is alike was believed for its hash and its value, compared just now
        intact, valid = (True, True) if proof.alike else _integrity(signature)
        reading = _reading(signature, integrity, archived, known, proof, trust, moment)
        shown = None
        if not proof.alike:
            attributes = _dictionary(signature, reading)
            shown = evidence(subject, proof, signature.signer_cert, subject.digest or b"", attributes)
        fields = fields_of(signature.signer_info)
        if not proof.alike:  # what is alike has its like's issuers, which were found
            fields |= lost(
                signature.signer_cert, (*signature.other_embedded_certs, *known.known_certs), trust
            )
        return dataclasses.replace(reading, intact=intact, valid=valid, evidence=shown, **fields)
    except UNREADABLE:
        return unreadable(str(signature.field_name), signature.signer_cert)


def _dictionary(signature: EmbeddedPdfSignature, reading: SignatureReading) -> dict[str, Any]:
    """What the signature's dictionary says (ISO 32000-2 table 255)."""
    raw = signature.sig_object
    attributes = {
        "sub_filter": str(raw.get("/SubFilter", ""))[1:],
        "byte_range": tuple(map(int, raw["/ByteRange"])),
    }
    return {**attributes, "reason": reading.capacity} if reading.capacity else attributes


def _integrity(signature: EmbeddedPdfSignature) -> tuple[bool, bool]:
    """Whether the hash is that of the signed bytes, and the signature that of the certificate."""
    intact, valid = validate_sig_integrity(
        signature.signer_info,
        signature.signer_cert,
        expected_content_type=signature.signed_data["encap_content_info"]["content_type"].native,
        actual_digest=signature.compute_digest(),
    )
    return bool(intact), bool(valid)


def _reading(
    signature: EmbeddedPdfSignature,
    integrity: Any,
    archived: bool,
    known: LocalKnowledge,
    proof: Proof,
    trust: Trust,
    moment: datetime,
) -> SignatureReading:
    reason = signature.sig_object.get("/Reason")
    covers_whole = integrity["coverage"] == SignatureCoverageLevel.ENTIRE_FILE
    altered = integrity["docmdp_ok"] is False
    return SignatureReading(
        where=str(signature.field_name),
        level=_level(signature, archived, known),
        signature_sha256=hashlib.sha256(signature.signer_info["signature"].native).hexdigest(),
        capacity=str(reason) if reason is not None else None,
        chain=chain_of(signature.signer_cert, proof.status),
        claimed_at=signature.self_reported_timestamp,
        timestamp=proof.timestamp,
        timestamped_at=proof.at,
        archived_at=proof.archived_at,
        altered=altered,
        covers_whole=covers_whole,
        **_covered(signature, integrity["coverage"]),
        sub=proof.sub,
        revoked_at=proof.revoked_at,
        online=trust.fetch,
        self_proven=proof.self_proven,
        qualified=qualified(proof.status, trust, proof.at or moment),
        **named(signature.signer_cert),
    )


def _level(signature: EmbeddedPdfSignature, archived: bool, known: LocalKnowledge) -> str:
    """The baseline level by what is in the file (EN 319 142-1 §6.3)."""
    stamped = archived or any(True for _ in extract_tst_data_iter(signature.signer_info, signed=False))
    proofs = bool(known.known_ocsps or known.known_crls)
    level = "B-B" if not stamped else "B-T" if not proofs else "B-LTA" if archived else "B-LT"
    pades = signature.sig_object.get("/SubFilter") == SigSeedSubFilter.PADES.value
    return level if pades else f"hors PAdES, {level}"


def _covered(signature: EmbeddedPdfSignature, coverage: SignatureCoverageLevel) -> dict[str, Any]:
    """What the signature covers, in words and in bytes, and what the file says of what came after."""
    if coverage == SignatureCoverageLevel.ENTIRE_FILE:
        return {"covered": "La signature couvre tout le fichier."}
    if coverage != SignatureCoverageLevel.ENTIRE_REVISION:
        return {"covered": "La signature ne couvre qu’une partie du fichier."}
    reader = signature.reader
    base = first(reader)
    number, total = signature.signed_revision + 1 - base, reader.xrefs.total_revisions - base
    end, size = (
        int(signature.byte_range[2]) + int(signature.byte_range[3]),
        reader.stream.seek(0, os.SEEK_END),
    )
    sentence = (
        f"La signature couvre la version {number} des {total} que le fichier contient, ses {milliers(end)} premiers "
        f"octets ; {milliers(size - end)} octets ont été ajoutés ensuite."
    )
    return {"covered": sentence, "signed_bytes": end, "file_bytes": size, "added_at": _changed_at(signature)}


def _changed_at(signature: EmbeddedPdfSignature) -> datetime | None:
    """When the document says that it was changed after this signature (ISO 32000-2 table 349): its own word, no proof."""
    reader = signature.reader
    hours = list[datetime | None]()
    for revision in (signature.signed_revision, reader.xrefs.total_revisions - 1):
        try:
            info = reader.get_historical_resolver(revision).trailer_view["/Info"]
            hours.append(parse_pdf_date(str(info["/ModDate"]), strict=False))
        except UNREADABLE:
            hours.append(None)
    hour = hours[1] if hours[1] != hours[0] else None
    return hour.replace(tzinfo=PARIS) if hour is not None and hour.tzinfo is None else hour


def _security_store(reader: PdfFileReader) -> LocalKnowledge:
    """The certificates and revocation answers that the file carries (ISO 32000-2 §12.8.4.3); none when unreadable."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
        return LocalKnowledge(
            known_ocsps=[answer for ref in store.ocsps for answer in OCSPContainer.load_multi(_ocsp(ref))],
            known_crls=[CRLContainer(_crl(ref)) for ref in store.crls],
            known_certs=list(store.load_certs()),
        )
    except (NoDSSFoundError, *UNREADABLE):
        return LocalKnowledge()


def _ocsp(reference: Any) -> Any:
    from asn1crypto.ocsp import OCSPResponse

    return OCSPResponse.load(reference.get_object().data)


def _crl(reference: Any) -> Any:
    from asn1crypto.crl import CertificateList

    return CertificateList.load(reference.get_object().data)
