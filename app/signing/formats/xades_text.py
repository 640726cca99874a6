"""The text of one XAdES-EPES signature of the Treasury's profile, written in canonical form from the start.

Each part is made twice from one template: as it is signed (exclusive canonical form, every namespace where it is first
used) and as it is embedded (the same elements inside ds:Signature, which declares them once).
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from asn1crypto import x509

from app.core.refusals import Refusal
from app.verification.readers.pes.profile import (
    CURRENT,
    DS,
    ENVELOPED,
    EXCLUSIVE,
    RSA_SHA256,
    SHA256,
    XAD,
    Policy,
)

DS_NAME, XAD_NAME = f' xmlns:ds="{DS}"', f' xmlns:xad="{XAD}"'
# RFC 2253 §2.3: these types have a name, all others are written by OID with their encoded value (§2.4)
NAMED = {
    "2.5.4.3": "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}


@dataclass(frozen=True)
class Signatory:
    """What the signer declares: quality (« Maire »), and the place of signature, all four mandatory in the profile."""

    role: str
    city: str
    postal_code: str
    country: str = "France"

    def checked(self) -> "Signatory":
        """The same with single spaces; refuses `pes-signatory-incomplete`."""
        words = {"la qualité": self.role, "la commune": self.city}
        words |= {"le code postal": self.postal_code, "le pays": self.country}
        said = {what: " ".join(text.split()) for what, text in words.items()}
        for what, text in said.items():
            if not text or not text.isprintable():
                raise Refusal("pes-signatory-incomplete", what=what)
        return Signatory(*said.values())


@dataclass(frozen=True)
class Text:
    """One signature: `info`, the bytes that the key signs; `before` and `after`, what surrounds its value in the file."""

    id: str
    info: bytes
    before: bytes
    after: bytes

    @property
    def ids(self) -> tuple[str, str]:
        """The Ids that it brings into the file."""
        return self.id, f"{self.id}_SP"


def write(
    target: str,
    digest: bytes,
    certificate: bytes,
    signatory: Signatory,
    when: datetime,
    policy: Policy = CURRENT,
) -> Text:
    """The signature of the element `target` (its Id) whose canonical form has SHA-256 `digest`, signed at `when`.

    `certificate`: DER of the signing certificate. `signatory` as `checked` gives it. Aware time, written in UTC.
    """
    own = f"{target}_SIG"
    instant = f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    properties = (own, instant, *_certificate(certificate), signatory, policy)
    signed = _properties(*properties, ds=DS_NAME, xad=XAD_NAME)
    fingerprints = b64encode(digest).decode(), _hash(signed.encode())
    info = _info(target, own, *fingerprints, ds=DS_NAME)
    before = (
        f'<ds:Signature{DS_NAME} Id="{own}">{_info(target, own, *fingerprints, ds="")}<ds:SignatureValue>'
    )
    after = (
        "</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>"
        f"{b64encode(certificate).decode()}</ds:X509Certificate></ds:X509Data></ds:KeyInfo><ds:Object>"
        f'<xad:QualifyingProperties{XAD_NAME} Target="#{own}">{_properties(*properties, ds="", xad="")}'
        "</xad:QualifyingProperties></ds:Object></ds:Signature>"
    )
    # References to characters outside ASCII are the same text in every encoding of the file
    return Text(own, info.encode(), *(part.encode("ascii", "xmlcharrefreplace") for part in (before, after)))


def embedded(info: bytes) -> bytes:
    """SignedInfo as it stands in the file, from the bytes that are signed."""
    return info.replace(DS_NAME.encode(), b"", 1)


def _info(target: str, own: str, digest: str, properties: str, *, ds: str) -> str:
    def reference(attributes: str, transforms: Sequence[str], value: str) -> str:
        listed = "".join(f'<ds:Transform Algorithm="{one}"></ds:Transform>' for one in transforms)
        return (
            f"<ds:Reference {attributes}><ds:Transforms>{listed}</ds:Transforms>"
            f'<ds:DigestMethod Algorithm="{SHA256}"></ds:DigestMethod>'
            f"<ds:DigestValue>{value}</ds:DigestValue></ds:Reference>"
        )

    return (
        f"<ds:SignedInfo{ds}>"
        f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"></ds:CanonicalizationMethod>'
        f'<ds:SignatureMethod Algorithm="{RSA_SHA256}"></ds:SignatureMethod>'
        + reference(f'URI="#{target}"', (ENVELOPED, EXCLUSIVE), digest)
        + reference(f'Type="{XAD}SignedProperties" URI="#{own}_SP"', (EXCLUSIVE,), properties)
        + "</ds:SignedInfo>"
    )


def _properties(
    own: str,
    instant: str,
    certificate: str,
    issuer: str,
    serial: int,
    signatory: Signatory,
    policy: Policy,
    *,
    ds: str,
    xad: str,
) -> str:
    def digest(value: str) -> str:
        method = f'<ds:DigestMethod{ds} Algorithm="{SHA256}"></ds:DigestMethod>'
        return f"{method}<ds:DigestValue{ds}>{value}</ds:DigestValue>"

    return (
        f'<xad:SignedProperties{xad} Id="{own}_SP"><xad:SignedSignatureProperties>'
        f"<xad:SigningTime>{instant}</xad:SigningTime>"
        f"<xad:SigningCertificate><xad:Cert><xad:CertDigest>{digest(certificate)}</xad:CertDigest>"
        f"<xad:IssuerSerial><ds:X509IssuerName{ds}>{escape(issuer)}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber{ds}>{serial}</ds:X509SerialNumber></xad:IssuerSerial>"
        "</xad:Cert></xad:SigningCertificate><xad:SignaturePolicyIdentifier><xad:SignaturePolicyId>"
        f"<xad:SigPolicyId><xad:Identifier>{policy.identifier}</xad:Identifier>"
        f"<xad:Description>{escape(policy.description)}</xad:Description></xad:SigPolicyId>"
        f"<xad:SigPolicyHash>{digest(policy.sha256)}</xad:SigPolicyHash>"
        f"<xad:SigPolicyQualifiers><xad:SigPolicyQualifier><xad:SPURI>{escape(policy.uri)}</xad:SPURI>"
        "</xad:SigPolicyQualifier></xad:SigPolicyQualifiers>"
        "</xad:SignaturePolicyId></xad:SignaturePolicyIdentifier><xad:SignatureProductionPlace>"
        f"<xad:City>{escape(signatory.city)}</xad:City>"
        f"<xad:PostalCode>{escape(signatory.postal_code)}</xad:PostalCode>"
        f"<xad:CountryName>{escape(signatory.country)}</xad:CountryName></xad:SignatureProductionPlace>"
        f"<xad:SignerRole><xad:ClaimedRoles><xad:ClaimedRole>{escape(signatory.role)}</xad:ClaimedRole>"
        "</xad:ClaimedRoles></xad:SignerRole></xad:SignedSignatureProperties></xad:SignedProperties>"
    )


def escape(text: str) -> str:
    """Characters of a text node in canonical form (Canonical XML 1.0 §2.3)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def _hash(data: bytes) -> str:
    return b64encode(hashlib.sha256(data).digest()).decode()


@lru_cache(maxsize=16)
def _certificate(certificate: bytes) -> tuple[str, str, int]:
    """What SigningCertificate says of a certificate: its hash, its issuer's name, its number."""
    parsed = x509.Certificate.load(certificate)
    return _hash(certificate), name_of(parsed.issuer), int(parsed.serial_number)


def name_of(name: Any) -> str:
    """A distinguished name of asn1crypto as RFC 2253 writes it: last first, special characters escaped."""
    sets = reversed(list(name.chosen))
    return ",".join("+".join(_attribute(one) for one in relative) for relative in sets)


def _attribute(pair: Any) -> str:
    kind, value = pair["type"].dotted, pair["value"]
    if kind not in NAMED:
        return f"{kind}=#{value.dump().hex()}"
    text = "".join(f"\\{one}" if one in ',+"\\<>;' else one for one in value.native)
    if text.startswith(("#", " ")):
        text = f"\\{text}"
    if text.endswith(" "):
        text = f"{text[:-1]}\\ "
    return f"{NAMED[kind]}={text}"
