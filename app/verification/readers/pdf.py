"""What the signatures of a PDF are, one `Seen` each: who, when, which level, what was covered, what changed since."""

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
from app.verification.readers.cms.attributes import words_of
from app.verification.seen import Seen
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


def read_pdf(path: Path, content: Path | None, trust: Trust, moment: datetime) -> list[Seen]:
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


async def _read(document: Opened, trust: Trust, moment: datetime) -> list[Seen]:
    reader = document.reader
    if document.count > MOST_REVISIONS:
        raise Refusal("too-many-revisions", limit=MOST_REVISIONS)
    people, stamps, broken = _sorted(reader)
    # Difference analysis reads every object: an honest file of many pages needs what its size asks for
    objects = int(reader.trailer.raw_get("/Size"))
    drawn = SECONDS_TO_DRAW if document.count > 1 else 0.0
    each = SECONDS_EACH * (1 + len({_container(one) for one in people}))
    bounds.allow(min(objects / OBJECTS_A_SECOND, MOST_SECONDS) + each + drawn)
    shown = {str(one.field_name) for one in (*people, *stamps)} | {one.where for _, one in broken}
    removed = _removed(reader, shown)
    broken += removed or _skipped(document, (*people, *stamps))
    known = _security_store(reader)
    said = list[Seen]()
    alike: dict[
        bytes, Seen
    ] = {}  # fields that share a container share its judgement: else 61 of them took 43 s
    for one in people:
        name = _container(one)
        if name not in alike:
            alike[name] = await _one(one, stamps, known, trust, moment)
        # Before a header that is not the first byte, offsets count from two places: no version is given apart
        apart = alike[name].signed_bytes if not document.junk else 0
        said.append(dataclasses.replace(alike[name], where=str(one.field_name), signed_bytes=apart))
    found = [*_gated(document, people, said, stamps, broken), *broken]
    return [seen for _, seen in sorted(found, key=lambda pair: pair[0])]


def _gated(
    document: Opened,
    people: list[EmbeddedPdfSignature],
    said: list[Seen],
    stamps: list[EmbeddedPdfSignature],
    broken: list[tuple[int, Seen]],
) -> list[tuple[int, Seen]]:
    """Every signature with what the gate says of what was added since; the newest first, whose stamps the others bear."""
    signers = {one.where: Signer(one.name, "broken") for _, one in broken if not one.removed}
    signers |= {
        str(one.field_name): Signer("l’horodatage", "intact" if _stamps(one) else "broken", timestamp=True)
        for one in stamps
    }
    signers |= {one.where: Signer(one.name, _standing(one)) for one in said}
    gate, judged = Gate(document), []
    findings: dict[bytes, Finding] = {}
    try:
        for signature, seen in sorted(
            zip(people, said, strict=True), key=lambda pair: -pair[0].signed_revision
        ):
            if not seen.readable:
                judged.append((signature.signed_revision, seen))
                continue
            name = _container(signature)
            if name not in findings:
                findings[name] = gate.judge(
                    signature.signed_revision, signature.byte_range, signers, refused=seen.altered
                )
            finding = findings[name]
            altered = seen.altered or bool(finding.altered)
            since = finding.since if seen.intact else NOT_THESE_BYTES
            one = dataclasses.replace(
                seen,
                altered=altered,
                alterations=finding.altered,
                unsure=finding.doubts,
                changes=ALTERED if altered and not finding.altered else since,
            )
            signers[one.where] = Signer(one.name, _standing(one))
            judged.append((signature.signed_revision, one))
    finally:
        gate.close()
    return judged[::-1]


def _container(signature: EmbeddedPdfSignature) -> bytes:
    """What tells one signature from another, whatever the fields that bear it: its revision, its range, its container."""
    said = hashlib.sha256(repr((signature.signed_revision, *map(int, signature.byte_range))).encode())
    said.update(signature.pkcs7_content)
    return said.digest()


def _standing(seen: Seen) -> Standing:
    """Whether a signature's visible stamp may be trusted to be somebody's."""
    if not seen.holds or seen.timestamp == "invalid":
        return "broken"
    return "valid" if seen.may_sign and seen.sub in NAMED else "intact"


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
) -> tuple[list[EmbeddedPdfSignature], list[EmbeddedPdfSignature], list[tuple[int, Seen]]]:
    """People's signatures, document timestamps, and what cannot be read (with its revision)."""
    people: list[EmbeddedPdfSignature] = []
    stamps: list[EmbeddedPdfSignature] = []
    broken: list[tuple[int, Seen]] = []
    for number, (name, value, widget) in enumerate(enumerate_sig_fields(reader, filled_status=True)):
        if number >= MOST_SIGNATURES:
            raise Refusal("too-many-signatures", limit=MOST_SIGNATURES)
        try:
            one = _Embedded(reader, widget, name)
            one.signed_revision = max(one.signed_revision, first(reader))
            _ = one.signer_cert.subject.native
            (stamps if _stamp(one) else people).append(one)
        except UNREADABLE:
            when = reader.xrefs.get_last_change(value.container_ref) if value.container_ref else 0
            broken.append((when, unreadable(str(name))))
    return people, stamps, broken


def _stamp(one: EmbeddedPdfSignature) -> bool:
    """Whether it is a document timestamp: by what it holds too, for its /Type alone hides nobody's signature."""
    content = one.signed_data["encap_content_info"]["content_type"].native
    return bool(one.sig_object_type == "/DocTimeStamp" and content == "tst_info")


def _skipped(document: Opened, people: Iterable[EmbeddedPdfSignature]) -> list[tuple[int, Seen]]:
    """Signatures whose bytes are whole in the file and whose revision no cross-reference section names any more."""
    known = {tuple(map(int, one.byte_range)) for one in people}
    gone = list[tuple[int, Seen]]()
    for covers, container in revisions.signed_ranges(document):
        if covers in known or len(gone) >= MOST_SIGNATURES:
            continue
        try:
            data = cms.ContentInfo.load(container)["content"]
            if data["encap_content_info"]["content_type"].native != "data":
                continue
            info = extract_signer_info(data)
            announced = next(iter(find_cms_attribute_iter(info["signed_attrs"], "message_digest"))).native
            algorithm = info["digest_algorithm"]["algorithm"].native
            _, digest = byte_range_digest(document.reader.stream, covers, algorithm)
            if digest == announced:
                known_by = named(extract_certificate_info(data).signer_cert)
                gone.append((0, Seen(where="hors du document", removed=True, **known_by)))
        except (*UNREADABLE, StopIteration):
            continue
    return gone


def _removed(reader: PdfFileReader, shown: set[str]) -> list[tuple[int, Seen]]:
    """Signatures that an earlier revision bears and the present one hides, with the revision that still shows them."""
    gone: dict[str, tuple[int, Seen]] = {}
    for revision in range(first(reader), reader.xrefs.total_revisions - 1):
        for name, value in _filled(reader.get_historical_resolver(revision)):
            if str(name) in shown or len(gone) >= MOST_SIGNATURES:
                continue
            try:
                container = cms.ContentInfo.load(value["/Contents"])
                known = named(extract_certificate_info(container["content"]).signer_cert)
            except UNREADABLE:
                known = {"name": "signataire illisible"}
            gone[str(name)] = (revision, Seen(where=str(name), removed=True, **known))
    return list(gone.values())


def _filled(revision: Any) -> list[tuple[Any, Any]]:
    try:
        return [(name, value) for name, value, _ in enumerate_sig_fields(revision, filled_status=True)]
    except UNREADABLE:
        return []  # a revision that nobody can read shows no signature


async def _one(
    signature: EmbeddedPdfSignature,
    stamps: Iterable[EmbeddedPdfSignature],
    known: LocalKnowledge,
    trust: Trust,
    moment: datetime,
) -> Seen:
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
        seen = _seen(signature, integrity, archived, known, proof, trust, moment)
        shown = None
        if not proof.alike:
            said = _said(signature, seen)
            shown = evidence(subject, proof, signature.signer_cert, subject.digest or b"", said)
        words = words_of(signature.signer_info)
        if not proof.alike:  # what is alike has its like's issuers, which were found
            words |= lost(signature.signer_cert, (*signature.other_embedded_certs, *known.known_certs), trust)
        return dataclasses.replace(seen, intact=intact, valid=valid, evidence=shown, **words)
    except UNREADABLE:
        return unreadable(str(signature.field_name), signature.signer_cert)


def _said(signature: EmbeddedPdfSignature, seen: Seen) -> dict[str, Any]:
    """What the signature's dictionary says (ISO 32000-2 table 255)."""
    raw = signature.sig_object
    said = {
        "sub_filter": str(raw.get("/SubFilter", ""))[1:],
        "byte_range": tuple(map(int, raw["/ByteRange"])),
    }
    return {**said, "reason": seen.capacity} if seen.capacity else said


def _integrity(signature: EmbeddedPdfSignature) -> tuple[bool, bool]:
    """Whether the hash is that of the signed bytes, and the signature that of the certificate."""
    intact, valid = validate_sig_integrity(
        signature.signer_info,
        signature.signer_cert,
        expected_content_type=signature.signed_data["encap_content_info"]["content_type"].native,
        actual_digest=signature.compute_digest(),
    )
    return bool(intact), bool(valid)


def _seen(
    signature: EmbeddedPdfSignature,
    integrity: Any,
    archived: bool,
    known: LocalKnowledge,
    proof: Proof,
    trust: Trust,
    moment: datetime,
) -> Seen:
    reason = signature.sig_object.get("/Reason")
    covers_whole = integrity["coverage"] == SignatureCoverageLevel.ENTIRE_FILE
    altered = integrity["docmdp_ok"] is False
    return Seen(
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
        asked=trust.fetch,
        kept=proof.kept,
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
    words = (
        f"La signature couvre la version {number} des {total} que le fichier contient, ses {milliers(end)} premiers "
        f"octets ; {milliers(size - end)} octets ont été ajoutés ensuite."
    )
    return {"covered": words, "signed_bytes": end, "file_bytes": size, "added_at": _said_changed(signature)}


def _said_changed(signature: EmbeddedPdfSignature) -> datetime | None:
    """When the document says that it was changed after this signature (ISO 32000-2 table 349): its own word, no proof."""
    reader = signature.reader
    said = list[datetime | None]()
    for revision in (signature.signed_revision, reader.xrefs.total_revisions - 1):
        try:
            info = reader.get_historical_resolver(revision).trailer_view["/Info"]
            said.append(parse_pdf_date(str(info["/ModDate"]), strict=False))
        except UNREADABLE:
            said.append(None)
    told = said[1] if said[1] != said[0] else None
    return told.replace(tzinfo=PARIS) if told is not None and told.tzinfo is None else told


def _security_store(reader: PdfFileReader) -> LocalKnowledge:
    """The certificates and revocation answers that the file carries (ISO 32000-2 §12.8.4.3); none when unreadable."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
        return LocalKnowledge(
            known_ocsps=[one for ref in store.ocsps for one in OCSPContainer.load_multi(_ocsp(ref))],
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
