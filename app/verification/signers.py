"""Who signed, whatever the format: names, chain and qualification read in certificates."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation.errors import SignatureValidationError

from app.trust import trust_lists
from app.trust.certificates import Trust, facts, knows_issuer, name_of, unfit
from app.verification.reading import SignatureReading
from app.verification.verdict import Link

# pyHanko logs a traceback for each authority that it does not know; our verdict says it in one line
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)

UNREADABLE = (
    PdfError,
    SignatureValidationError,
    SigningError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    NotImplementedError,
    AssertionError,  # pyHanko asserts where a forged chain can make it false
)
MOST_SIGNATURES = 100  # of one file
SECONDS_EACH = 2.0  # of computing, to prove one signature and report on it
UNFIT = {
    "certificate-is-authority": "le certificat est celui d’une autorité, qui ne signe pas de documents.",
    "certificate-authentication-only": "le certificat n’est pas fait pour signer (usage « non-répudiation » absent).",
    "certificate-other-use": (
        "le certificat n’est pas fait pour signer : il est réservé à un autre usage (identification, serveur, "
        "horodatage, révocation ou logiciel)."
    ),
}
NOTHING_CHANGED = "Rien n’a changé depuis la signature."
SIGNED_UNCHANGED = "Ce qui est signé n’a pas changé ; du reste, la signature ne dit rien."


def unreadable(where: str, certificate: x509.Certificate | None = None) -> SignatureReading:
    """A signature that cannot be read (FORMAT_FAILURE), by its `certificate` when at least that can."""
    known = named(certificate) if certificate is not None else {"name": "signataire illisible"}
    return SignatureReading(where=where, readable=False, **known)


def named(certificate: x509.Certificate) -> dict[str, Any]:
    """The fields of a `SignatureReading` that its signer's certificate gives."""
    details = facts(certificate.dump())
    misfit = unfit(certificate)
    return {
        "name": details.common_name,
        "serial": details.serial,
        "fingerprint_sha256": details.fingerprint_sha256,
        "not_before": details.not_before,
        "not_after": details.not_after,
        "may_sign": misfit is None,
        "unfit": UNFIT.get(misfit or "", ""),
    }


def lost(certificate: x509.Certificate, others: Iterable[x509.Certificate], trust: Trust) -> dict[str, Any]:
    """The field of a `SignatureReading` that says who issued the certificate, when nobody here has the issuer's own."""
    known = knows_issuer(certificate, list(others), trust)
    return {"lost_issuer": "" if known else name_of(certificate.issuer)}


def chain_of(certificate: x509.Certificate, status: Any) -> tuple[Link, ...]:
    """The signer's certificate and those above it, as far as they were found."""
    path = getattr(status, "validation_path", None)
    above = list(path.iter_certs(include_root=True)) if path is not None else [certificate]
    if above[0].sha256 != certificate.sha256:
        above.reverse()
    return tuple(_link(certificate) for certificate in above)


def _link(certificate: x509.Certificate) -> Link:
    details = facts(certificate.dump())
    return Link(
        details.common_name,
        details.issuer_name,
        details.serial,
        details.not_after.isoformat(),
        details.fingerprint_sha256,
    )


def qualified(status: Any, trust: Trust, moment: datetime) -> str | None:
    """What the trusted lists say of the certificate at that moment, in French; None when they say nothing."""
    path = getattr(status, "validation_path", None)
    registry = trust_lists.registry(trust.lists)
    if path is None or registry is None:
        return None
    from pyhanko.sign.validation.qualified.assess import QualificationAssessor

    assessment = QualificationAssessor(registry).check_entity_cert_qualified(path, moment)
    if not assessment.status.qualified:
        return None
    device = " sur un dispositif qualifié" if assessment.status.qc_key_security.is_qscd else ""
    return f"Certificat qualifié{device}, d’après les listes de confiance européennes."
