"""The validation report of a signature for other software: ETSI TS 119 102-2, as XML, the same for every format."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from app.verification.reading import Evidence, SignatureReading
from app.verification.verdict import Verdict

URN = "urn:etsi:019102:"
CERTIFICATE = "certificate"
DIGESTS = {
    "sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
    "sha224": "http://www.w3.org/2001/04/xmldsig-more#sha224",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}
PREFIXES = {
    "vr": "http://uri.etsi.org/19102/v1.2.1#",
    "XAdES": "http://uri.etsi.org/01903/v1.3.2#",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}


def identifier(kind: str, der: bytes) -> str:
    """How a report calls a certificate, an answer or a list that it carries."""
    return f"vo-{kind}-{hashlib.sha256(der).hexdigest()}"


def write(signature: SignatureReading, verdict: Verdict, moment: datetime) -> str | None:
    """The report on what was seen of a signature and judged at `moment`.

    None when the signature could not even be read, or uses a hash that XML Signature has no name for: there is
    nothing to report on.
    """
    evidence = signature.evidence
    if evidence is None or evidence.algorithm not in DIGESTS:
        return None
    from pyhanko.generated.etsi import ts_11910202 as etsi

    own = identifier(CERTIFICATE, evidence.certificate)
    objects = {own: (CERTIFICATE, evidence.certificate)}
    objects |= {name: (kind, der) for name, kind, der in evidence.objects}
    whole = etsi.ValidationReport(
        signature_validation_report=(_signature(signature, evidence, verdict, moment, own),),
        signature_validation_objects=etsi.ValidationObjectListType(
            tuple(_object(name, kind, der) for name, (kind, der) in objects.items())
        ),
    )
    return str(_serializer().render(whole, ns_map=dict(PREFIXES)))


def load() -> None:
    """Load what writes a report, half a second of computing, before a first one is asked."""
    from pyhanko.generated.etsi import ts_11910202 as etsi

    # What the serialiser would learn of the schema's classes at the first report
    _serializer().context.build_recursive(etsi.ValidationReport)


@lru_cache(maxsize=1)
def _serializer() -> Any:
    """One for all the reports of a process: what it learns of the schema's classes is most of its work."""
    from xsdata.formats.dataclass.serializers import XmlSerializer
    from xsdata.formats.dataclass.serializers.config import SerializerConfig

    return XmlSerializer(config=SerializerConfig(indent="  "))


def _signature(
    signature: SignatureReading, evidence: Evidence, verdict: Verdict, moment: datetime, own: str
) -> Any:
    from pyhanko.generated.etsi import ts_11910202 as etsi
    from pyhanko.generated.w3c.xmldsig_core import SignatureValue

    best = None
    if verdict.timestamped_at is not None or verdict.archived_at is not None:
        best = etsi.POEType(
            poetime=_time(verdict.timestamped_at or verdict.archived_at),
            type_of_proof=f"{URN}poetype:validation",
        )
    signed = hashlib.new(evidence.algorithm, evidence.signed).digest()
    sub = verdict.sub_indication
    return etsi.SignatureValidationReportType(
        signature_identifier=etsi.SignatureIdentifierType(
            signature_value=SignatureValue(evidence.value),
            digest_alg_and_value=_digest(evidence.algorithm, signed),
            hash_only=False,
            doc_hash_only=False,
        ),
        validation_time_info=etsi.ValidationTimeInfoType(_time(moment), best),
        signers_document=etsi.SignersDocumentType(_digest(evidence.algorithm, evidence.document))
        if evidence.document is not None
        else None,
        signature_attributes=etsi.SignatureAttributesType(**_attributes(signature, evidence)),
        signer_information=etsi.SignerInformationType(
            etsi.VOReferenceType(voreference=(own,)), signer=signature.name
        ),
        signature_validation_process=etsi.SignatureValidationProcessType(
            f"{URN}validationprocess:{evidence.process}"
        ),
        signature_validation_status=etsi.ValidationStatusType(
            f"{URN}mainindication:{verdict.indication.lower()}",
            (f"{URN}subindication:{sub}",) if sub is not None else (),
        ),
    )


def _attributes(signature: SignatureReading, evidence: Evidence) -> dict[str, Any]:
    """What the signature says of itself, signed by it; and the time that somebody else put on it."""
    from pyhanko.generated.etsi import ts_11910202 as etsi

    elements: dict[str, Any] = {}
    if signature.claimed_at is not None:
        elements["signing_time"] = etsi.SASigningTimeType(time=_time(signature.claimed_at), signed=True)
    if evidence.named_by in DIGESTS:
        named = hashlib.new(evidence.named_by, evidence.certificate).digest()
        method, value = vars(_digest(evidence.named_by, named)).values()
        mark = etsi.SACertIDType(digest_method=method, digest_value=value)
        elements["signing_certificate"] = etsi.SACertIDListType(cert_id=(mark,), signed=True)
    if signature.timestamped_at is not None:
        stamp = etsi.SATimestampType(time_stamp_value=_time(signature.timestamped_at), signed=False)
        elements["signature_time_stamp"] = stamp
    if evidence.announced is not None:
        elements["message_digest"] = etsi.SAMessageDigestType(digest=evidence.announced, signed=True)
    return {name: (value,) for name, value in (elements | _own_attributes(evidence.attributes)).items()}


def _own_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """A signature's own words, as the types that the report has for them."""
    from pyhanko.generated.etsi import ts_11910202 as etsi

    role = etsi.SAOneSignerRoleType(attributes.get("role"), etsi.SAOneSignerRoleTypeEndorsementType.CLAIMED)
    types = {
        "policy": ("sig_policy_identifier", etsi.SASigPolicyIdentifierType, "sig_policy_id"),
        "place": ("signature_production_place", etsi.SASignatureProductionPlaceType, "address_string"),
        "reason": ("reason", etsi.SAReasonType, "reason_element"),
        "sub_filter": ("sub_filter", etsi.SASubFilterType, "sub_filter_element"),
    }
    elements = {
        name: kind(**{part: attributes[key], "signed": True})
        for key, (name, kind, part) in types.items()
        if key in attributes
    }
    if "role" in attributes:
        elements["signer_role"] = etsi.SASignerRoleType(role_details=(role,), signed=True)
    if "byte_range" in attributes:
        elements["byte_range"] = attributes["byte_range"]
    return elements


def _digest(algorithm: str, value: bytes) -> Any:
    from pyhanko.generated.etsi.xades import DigestAlgAndValueType
    from pyhanko.generated.w3c.xmldsig_core import DigestMethod, DigestValue

    return DigestAlgAndValueType(DigestMethod(algorithm=DIGESTS[algorithm]), DigestValue(value))


def _object(name: str, kind: str, der: bytes) -> Any:
    from pyhanko.generated.etsi import ts_11910202 as etsi

    shown = etsi.ValidationObjectRepresentationType(base64=der)
    return etsi.ValidationObjectType(
        id=name, object_type=f"{URN}validationObject:{kind}", validation_object_representation=shown
    )


def _time(moment: datetime | None) -> Any:
    from xsdata.models.datatype import XmlDateTime

    return XmlDateTime.from_datetime(moment) if moment is not None else None
