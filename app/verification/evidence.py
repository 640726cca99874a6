"""What a report shows of a CMS signature that was proven (ETSI TS 119 102-2): its value, its words, what it was judged by."""

from collections.abc import Iterator, Mapping
from typing import Any

from asn1crypto import cms, tsp, x509
from pyhanko.sign.general import find_cms_attribute_iter
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.generic_cms import get_signing_cert_attr

from app.verification.etsi import Proof, Subject
from app.verification.seen import Evidence, Process


def evidence(
    subject: Subject, proof: Proof, certificate: x509.Certificate, document: bytes, said: Mapping[str, Any]
) -> Evidence:
    """What the report shows of a CMS signature; `document` is the hash of what it signs, `said` its own words."""
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
        attributes=said,
    )


def _announced(info: cms.SignerInfo) -> bytes | None:
    found = next(iter(find_cms_attribute_iter(info["signed_attrs"], "message_digest")), None)
    return bytes(found.native) if found is not None else None


def _named_by(info: cms.SignerInfo) -> str:
    """The hash by which the signature names its certificate (RFC 5035 §5.4.1.1); none when it does not."""
    found = get_signing_cert_attr(info["signed_attrs"])
    if found is None:
        return ""
    first = found["certs"][0]
    return "sha1" if isinstance(first, tsp.ESSCertID) else str(first["hash_algorithm"]["algorithm"].native)


def _objects(proof: Proof) -> Iterator[tuple[str, str, bytes]]:
    for one in proof.result.validation_objects:
        name, held = (
            ades.derive_validation_object_identifier(one),
            ades.derive_validation_object_binary_data(one),
        )
        if name is not None and held is not None:
            yield name, one.object_type.value, held
