"""What a CMS signature must say of itself before it is believed: its certificate, its content, each once.

RFC 5652 §5.3 and §11 (attributes), RFC 5035 §3 and EN 319 122-1 §5.2.2 (signing certificate), EN 319 102-1 §5.2.3.
"""

from collections import Counter
from typing import Any

from asn1crypto import cms, core, tsp, x509
from pyhanko.sign.general import check_ess_certid

from app.verification.reading import SignatureReading
from app.verification.signers import UNREADABLE, named

NAMES_IT = ("signing_certificate_v2", "signing_certificate")
ONE_VALUE = ("content_type", "message_digest", "signing_time", *NAMES_IT)
UNNAMED = (
    "la signature ne nomme pas son certificat, qui a donc pu être échangé contre un autre de la même clé."
)
SET = b"\x31"


def misnamed(where: str, info: cms.SignerInfo, certificate: x509.Certificate) -> SignatureReading | None:
    """The signature seen, when the certificate that came with it is not the one that it names; else None."""
    attributes = info["signed_attrs"]
    if attributes is core.VOID:
        return None
    marks = [
        mark
        for attribute in attributes
        if attribute["type"].native in NAMES_IT
        for mark in attribute["values"]
    ]
    if all(_is_of(mark, certificate) for mark in marks):
        return None
    return SignatureReading(where=where, sub="NO_SIGNING_CERTIFICATE_FOUND", **named(certificate))


def _is_of(mark: tsp.SigningCertificate | tsp.SigningCertificateV2, certificate: x509.Certificate) -> bool:
    try:
        return bool(check_ess_certid(certificate, mark["certs"][0]))
    except UNREADABLE:  # it names nothing
        return False


def fields_of(info: cms.SignerInfo, content: bytes | None = None) -> dict[str, Any]:
    """The fields of a `SignatureReading` that the signed attributes give; `content`: what is signed, when it is short enough.

    Without attributes, what is signed is the content itself: a content that is the attributes of another signature is
    that signature, of another document (RFC 5652 §5.4: both are hashed as a SET OF).
    """
    attributes = info["signed_attrs"]
    if attributes is core.VOID:
        borrowed = content is not None and _are_attributes(content)
        why = "ce qui est signé est fait des attributs d’une autre signature." if borrowed else ""
        return {"malformed": why, "doubts": (("SIG_CONSTRAINTS_FAILURE", UNNAMED),)}
    counted = Counter(attribute["type"].dotted for attribute in attributes)
    known = {attribute["type"].native: len(attribute["values"]) for attribute in attributes}
    malformed = ""
    if any(count > 1 for count in counted.values()):
        malformed = "la signature dit deux fois la même chose de son contenu ou de son certificat."
    elif any(known.get(name, 1) != 1 for name in ONE_VALUE):
        malformed = "la signature donne plusieurs valeurs à ce qui n’en a qu’une."
    elif not {"content_type", "message_digest"} <= set(known):
        malformed = "la signature ne dit pas ce qu’elle signe."
    doubts = () if set(known) & set(NAMES_IT) else (("SIG_CONSTRAINTS_FAILURE", UNNAMED),)
    return {"malformed": malformed, "doubts": doubts}


def _are_attributes(content: bytes) -> bool:
    if content[:1] != SET:
        return False
    try:
        kinds = {attribute["type"].native for attribute in cms.CMSAttributes.load(content, strict=True)}
    except (ValueError, TypeError):
        return False
    return "message_digest" in kinds
