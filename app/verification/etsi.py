"""What pyHanko's ETSI functions (EN 319 102-1) say of one CMS signature: the function is chosen by the level found."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import cms, tsp, x509
from pyhanko.sign.ades.report import AdESFailure, AdESPassed, AdESStatus, AdESSubIndic
from pyhanko.sign.general import extract_certificate_info, find_cms_attribute_iter
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.generic_cms import (
    extract_tst_data_iter,
    get_signing_cert_attr,
    message_imprint_checker,
)
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import NonRevokedStatusAssertion

from app.core.clock import PARIS
from app.trust.certificates import TOLERANCE, Trust, shared
from app.verification import likeness
from app.verification.reading import Evidence, Process, Timestamp
from app.verification.signers import UNREADABLE

NOTHING_KNOWN = LocalKnowledge()
EXTENDED = "extended_key_usage"
MOST_TOKENS = 4  # timestamps of one signature that are looked at
CHAIN_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"


@dataclass(frozen=True)
class Proof:
    """What was proven of a signature at a moment.

    `sub`: ETSI sub-indication, None when everything that was asked holds. `at`: time of a trusted timestamp. `self_proven`:
    the file's own proofs were enough, no host was asked. `result`: pyHanko's, for the report; that of another signature of
    the same batch when `alike`: its paths are this one's too, its hour and its hash are not.
    """

    sub: str | None
    timestamp: Timestamp
    at: datetime | None
    revoked_at: datetime | None
    archived_at: datetime | None
    self_proven: bool
    result: Any
    alike: bool = False

    @property
    def status(self) -> Any:
        """PyHanko's own status; None when the container could not be validated at all."""
        return self.result.api_status


@dataclass(frozen=True)
class Subject:
    """One CMS signature to prove: its `SignedData` and what the file knows beside it.

    `digest`: hash of what is signed, None when that is inside the container.
    `embedded` when it lives in a PDF; `archived` when a later document timestamp protects it (level B-LTA).
    """

    signed_data: cms.SignedData
    digest: bytes | None
    known: LocalKnowledge = NOTHING_KNOWN
    embedded: EmbeddedPdfSignature | None = None
    archived: bool = False


async def prove(subject: Subject, trust: Trust, moment: datetime) -> Proof:
    """What is proven of one signature as known at `moment`, with the hours that its archive timestamps say.

    Those hours stand in `archived_at` even unproven when they contradict the moment or the signature's own: whoever
    judges must see it (`app.verification.judge`).
    """
    proof = await _prove(subject, trust, moment)
    if not subject.archived or subject.embedded is None:
        return proof
    hours = _archive_hours(subject.embedded)
    late = [hour for hour in hours if hour > moment + TOLERANCE]
    early = [hour for hour in hours if proof.at is not None and hour < proof.at - TOLERANCE]
    odd = max(late) if late else min(early) if early else None
    return dataclasses.replace(proof, archived_at=odd) if odd else proof


def _archive_hours(embedded: EmbeddedPdfSignature) -> list[datetime]:
    try:
        times = embedded.reader.embedded_timestamp_signatures
    except UNREADABLE:  # a timestamp that cannot be read proves nothing, and says no hour
        return []
    return [
        _gen_time(stamp.signed_data) for stamp in times if stamp.signed_revision > embedded.signed_revision
    ]


async def _prove(subject: Subject, trust: Trust, moment: datetime) -> Proof:
    """Prove one signature as known at `moment`: by its timestamp, by the authorities, by what the file keeps of them.

    A revocation that the authorities know of counts even against an archive. With `trust.fetch` false no host is asked:
    what the file does not prove by itself stays unknown (`TRY_LATER`).
    """
    timing = ValidationTimingInfo(
        validation_time=moment, best_signature_time=moment, point_in_time_validation=False
    )
    if not (trust.fetch or subject.archived or _tells(subject.known)) and _stamped(subject):
        offline = await _offline(subject, trust, timing)
        if offline.sub is None:
            # Which it is only when the timestamp holds too (§5.5.4): it is not proven twice
            return _dated(dataclasses.replace(offline, sub="TRY_LATER"), min(_hours(subject)))
    timestamp, hour = await _timestamp(subject, trust, timing)
    # Whoever stole a key may put an older « not revoked » into the file: the authority of today is heard before it
    today = dataclasses.replace(subject, known=LocalKnowledge(known_certs=subject.known.known_certs))
    proof = await _current(today, trust, timing, timestamp, required=trust.fetch, fetch=trust.fetch)
    if subject.archived and subject.embedded is not None:
        archive = await _archived(subject, subject.embedded, trust, timing)
        if archive is not None:
            whole = dataclasses.replace(archive, revoked_at=archive.revoked_at or proof.revoked_at)
            return _dated(whole, hour)
    unasked = proof.sub is None and not trust.fetch
    if unasked or proof.sub in {CHAIN_FAILURE, "TRY_LATER"}:
        return _dated(await _silent(subject, trust, timing, timestamp, proof), hour)
    return _dated(proof, hour)


async def _offline(subject: Subject, trust: Trust, timing: ValidationTimingInfo) -> Proof:
    """Validation with time, asking nobody; in a batch, what a signature shares with its like is proven once."""
    batch = shared()
    if batch is None or subject.embedded is None or subject.digest is None:
        return await _current(subject, trust, timing, "trusted", required=False, fetch=False)
    # Read anew from its bytes: asn1crypto looks through all that it has read before it writes any of it
    alone = cms.ContentInfo.load(subject.embedded.pkcs7_content)["content"]
    name = likeness.likeness(alone, trust)
    # One at a time: those that come at once wait for the first, and are then its like
    with batch.proving:
        known: likeness.Like | None = batch.proven.get(name or b"")
        if known is None:
            proof = await _current(subject, trust, timing, "trusted", required=False, fetch=False)
            if name is not None and proof.sub is None:
                batch.proven[name] = likeness.like(proof, subject.signed_data, min(_hours(subject)))
            return proof
    hour = likeness.hour_of_its_own(known, alone, subject.digest)
    if hour is None:
        return await _current(subject, trust, timing, "trusted", required=False, fetch=False)
    proven: Proof = known.proof
    return dataclasses.replace(proven, at=hour.astimezone(PARIS), alike=True)


def _dated(proof: Proof, hour: datetime | None) -> Proof:
    """The same with the hour that the token says: pyHanko gives the hour of validation for a token from the future."""
    if hour is None or proof.timestamp != "trusted":
        return proof
    return dataclasses.replace(proof, at=hour.astimezone(PARIS))


async def _silent(
    subject: Subject, trust: Trust, timing: ValidationTimingInfo, timestamp: Timestamp, proof: Proof
) -> Proof:
    """When no authority answers: by the answers that the file carries, else `TRY_LATER`.

    pyHanko says the same of a bad chain and of a silent authority: only the first fails without revocation too.
    """
    if _tells(subject.known):
        # Without fetching at all: pyHanko 0.38 forgets what it was given as soon as it has asked in vain
        carried = await _current(subject, trust, timing, timestamp, required=True, fetch=False)
        if carried.sub is None:
            return dataclasses.replace(carried, self_proven=True)
    offline = proof
    if trust.fetch:
        offline = await _current(subject, trust, timing, timestamp, required=False, fetch=False)
    return dataclasses.replace(proof, sub="TRY_LATER") if offline.sub is None else proof


async def _archived(
    subject: Subject, embedded: EmbeddedPdfSignature, trust: Trust, timing: ValidationTimingInfo
) -> Proof | None:
    """The long-term proof (EN 319 102-1 §5.6.3), by what the file holds and, failing that, with the authorities' help.

    Nothing in a file says whether the authority of its last timestamp was revoked since: where nobody may be asked, that
    is let go, as for a signature's own timestamp.
    """
    let_go = dataclasses.replace(subject, known=_last_not_revoked(subject.known, embedded, timing))
    ways = ((subject, False), (subject, True)) if trust.fetch else ((subject, False), (let_go, False))
    for candidate, fetch in ways:
        spec = PdfSignatureValidationSpec(_spec(trust, candidate, required=True, fetch=fetch))
        result: Any = await ades.ades_lta_validation(embedded, spec, timing_info=timing)
        if isinstance(result.ades_subindic, AdESPassed):
            stamped = result.api_status.timestamp_validity is not None
            return Proof(
                sub=None,
                timestamp="trusted" if stamped else "none",
                at=result.best_signature_time,
                revoked_at=_revoked(result),
                archived_at=result.oldest_evidence_record_timestamp,
                self_proven=not fetch,
                result=result,
            )
    return None


def _last_not_revoked(
    known: LocalKnowledge, embedded: EmbeddedPdfSignature, timing: ValidationTimingInfo
) -> LocalKnowledge:
    """What is known, and that no certificate above the last document timestamp is revoked as yet."""
    last = embedded.reader.embedded_timestamp_signatures[-1]
    there = [*last.other_embedded_certs, *known.known_certs]
    path, above = [last.signer_cert], last.signer_cert
    while above.issuer != above.subject:
        issuer = next(
            (candidate for candidate in there if candidate.subject == above.issuer and candidate not in path),
            None,
        )
        if issuer is None:
            break
        path.append(issuer)
        above = issuer
    assertions = [
        NonRevokedStatusAssertion(certificate.sha256, timing.validation_time) for certificate in path
    ]
    return dataclasses.replace(known, nonrevoked_assertions=assertions)


def _tells(known: LocalKnowledge) -> bool:
    """Whether anything is known of who is revoked."""
    return bool(known.known_ocsps or known.known_crls)


def _stamped(subject: Subject) -> bool:
    return any(True for _ in extract_tst_data_iter(subject.signed_data["signer_infos"][0], signed=False))


async def _timestamp(
    subject: Subject, trust: Trust, timing: ValidationTimingInfo
) -> tuple[Timestamp, datetime | None]:
    """What the signature's timestamps are worth, and the earliest hour that a trusted one gives."""
    signer_info = subject.signed_data["signer_infos"][0]
    worth: Timestamp = "none"
    hours: list[datetime] = []
    for token in list(extract_tst_data_iter(signer_info, signed=False))[:MOST_TOKENS]:
        status = await _time(token, message_imprint_checker(signer_info), subject, trust, timing)
        if status == "trusted":
            hours.append(_gen_time(token))
        elif not hours:
            worth = status
    return ("trusted", min(hours)) if hours else (worth, None)


def _hours(subject: Subject) -> list[datetime]:
    signer_info = subject.signed_data["signer_infos"][0]
    return [_gen_time(token) for token in extract_tst_data_iter(signer_info, signed=False)]


def _gen_time(token: cms.SignedData) -> datetime:
    hour: datetime = token["encap_content_info"]["content"].parsed["gen_time"].native
    return hour


async def prove_time(
    token: cms.SignedData, imprint: Callable[[str], bytes], trust: Trust, moment: datetime
) -> Timestamp:
    """What a timestamp token is worth at `moment`; `imprint` gives the hash of what it should be about."""
    timing = ValidationTimingInfo(
        validation_time=moment, best_signature_time=moment, point_in_time_validation=False
    )
    return await _time(token, imprint, Subject(token, None), trust, timing)


async def _time(
    token: cms.SignedData,
    imprint: Callable[[str], bytes],
    subject: Subject,
    trust: Trust,
    timing: ValidationTimingInfo,
) -> Timestamp:
    if not _made_for_time(token):
        return "untrusted"
    status: Timestamp = "none"
    # With the authority's help, else by what the file carries; where nobody may be asked, its revocation is let go
    ways: tuple[tuple[bool, bool], ...] = ((True, False), (False, False))
    if trust.fetch:
        ways = ((True, True), (True, False))
    elif not _tells(subject.known):
        ways = ((False, False),)
    for required, fetch in ways:
        result = await ades.ades_timestamp_validation(
            token,
            _spec(trust, subject, required=required, fetch=fetch),
            expected_tst_imprint=imprint,
            timing_info=timing,
        )
        if isinstance(result.ades_subindic, AdESPassed):
            return "trusted"
        status = _untrusted(result.ades_subindic)
        if status != "silent":
            break
    return status


def _made_for_time(token: cms.SignedData) -> bool:
    """Whether the token's own certificate is for timestamps and nothing else, and binds to it (RFC 3161 §2.3)."""
    certificate = extract_certificate_info(token).signer_cert
    extended = next(
        (
            extension
            for extension in certificate["tbs_certificate"]["extensions"]
            if extension["extn_id"].native == EXTENDED
        ),
        None,
    )
    return (
        extended is not None
        and extended["critical"].native
        and extended["extn_value"].native == ["time_stamping"]
    )


def _untrusted(sub: AdESSubIndic) -> Timestamp:
    if isinstance(sub, AdESFailure):
        return "invalid"
    return "silent" if sub.standard_name in {"TRY_LATER", CHAIN_FAILURE} else "untrusted"


async def _current(
    subject: Subject,
    trust: Trust,
    timing: ValidationTimingInfo,
    timestamp: Timestamp,
    *,
    required: bool,
    fetch: bool,
) -> Proof:
    """Without a trusted timestamp, basic validation (§5.3) as of today; with one, validation with time (§5.5)."""
    spec = _spec(trust, subject, required=required, fetch=fetch)
    if timestamp != "trusted":
        result: Any = await ades.ades_basic_validation(
            subject.signed_data, spec, timing_info=timing, raw_digest=subject.digest
        )
        at = None
    else:
        result = await ades.ades_with_time_validation(
            subject.signed_data,
            spec,
            timing_info=timing,
            raw_digest=subject.digest,
            **_as_pdf(subject),
        )
        at = result.best_signature_time
    passed = result.ades_subindic.status == AdESStatus.PASSED
    return Proof(
        sub=None if passed else result.ades_subindic.standard_name,
        timestamp=timestamp,
        at=at.astimezone(PARIS) if at else None,
        revoked_at=_revoked(result),
        archived_at=None,
        self_proven=False,
        result=result,
    )


def _spec(trust: Trust, subject: Subject, *, required: bool, fetch: bool) -> SignatureValidationSpec:
    """`required`: revocation must be known; `fetch`: it may be asked of the authorities."""
    rule = RevinfoOnlineFetchingRule.NO_HISTORICAL_FETCH if fetch else RevinfoOnlineFetchingRule.LOCAL_ONLY
    return SignatureValidationSpec(
        cert_validation_policy=trust.policy(timestamps=False, fetch=required),
        ts_cert_validation_policy=trust.policy(timestamps=True, fetch=required),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(rule, trust.backend() if fetch else None),
        local_knowledge=dataclasses.replace(
            subject.known, known_certs=[*subject.known.known_certs, *trust.help()]
        ),
        key_usage_settings=KeyUsageConstraints(key_usage={"non_repudiation"}),
    )


def _as_pdf(subject: Subject) -> Mapping[str, Any]:
    if subject.embedded is None:
        return {}
    integrity = subject.embedded.summarise_integrity_info()
    return {"extra_status_kwargs": integrity, "status_cls": PdfSignatureStatus}


def _revoked(result: Any) -> datetime | None:
    details = getattr(result.api_status, "revocation_details", None)
    if details is None or details.ca_revoked:
        return None
    moment: datetime = details.revocation_date
    return moment


# What a report shows of a CMS signature that was proven (ETSI TS 119 102-2): its value, its words, what it was judged
# by.


def evidence(
    subject: Subject,
    proof: Proof,
    certificate: x509.Certificate,
    document: bytes,
    attributes: Mapping[str, Any],
) -> Evidence:
    """What the report shows of a CMS signature; `document` is the hash of what it signs, `attributes` what it says of itself."""
    info = subject.signed_data["signer_infos"][0]
    process: Process = "Basic"
    if isinstance(proof.result, ades.AdESLTAValidationResult):
        process = "LTA"
    elif isinstance(proof.result, ades.AdESWithTimeValidationResult):
        process = "LTVM"
    return Evidence(
        value=info["signature"].native,
        signed=info["signed_attrs"].untag().dump(),
        algorithm=info["digest_algorithm"]["algorithm"].native,
        document=document,
        announced=_announced(info),
        certificate=certificate.dump(),
        process=process,
        named_by=_named_by(info),
        objects=tuple(_objects(proof)),
        attributes=attributes,
    )


def _announced(info: cms.SignerInfo) -> bytes | None:
    attribute = next(iter(find_cms_attribute_iter(info["signed_attrs"], "message_digest")), None)
    return bytes(attribute.native) if attribute is not None else None


def _named_by(info: cms.SignerInfo) -> str:
    """The hash by which the signature names its certificate (RFC 5035 §5.4.1.1); none when it does not."""
    attribute = get_signing_cert_attr(info["signed_attrs"])
    if attribute is None:
        return ""
    first = attribute["certs"][0]
    return "sha1" if isinstance(first, tsp.ESSCertID) else str(first["hash_algorithm"]["algorithm"].native)


def _objects(proof: Proof) -> Iterator[tuple[str, str, bytes]]:
    for validation_object in proof.result.validation_objects:
        name, der = (
            ades.derive_validation_object_identifier(validation_object),
            ades.derive_validation_object_binary_data(validation_object),
        )
        if name is not None and der is not None:
            yield name, validation_object.object_type.value, der
