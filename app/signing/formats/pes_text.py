"""What a XAdES-EPES signature of the Treasury's profile says: whose it is, of which policy, from where, as what."""

import hashlib
from base64 import b64decode
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from asn1crypto import x509

from app.core.refusals import Refusal
from app.signing.formats.xades_text import (
    DS_NAME,
    Text,
    assemble,
    certificates_in,
    digest_of,
    escape,
    reference,
)
from app.verification.readers.pes.profile import CURRENT, ENVELOPED, RSA_SHA256, XAD, Policy
from app.verification.readers.xades.parsing import EXCLUSIVE

XAD_NAME = f' xmlns:xad="{XAD}"'
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
        texts = {"la qualité": self.role, "la commune": self.city}
        texts |= {"le code postal": self.postal_code, "le pays": self.country}
        checked = {label: " ".join(text.split()) for label, text in texts.items()}
        for label, text in checked.items():
            if not text or not text.isprintable():
                raise Refusal("pes-signatory-incomplete", what=label)
        return Signatory(*checked.values())


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
    properties = partial(_properties, own, instant, *_certificate(certificate), signatory, policy)
    signed = hashlib.sha256(properties(ds=DS_NAME, xad=XAD_NAME).encode()).digest()
    references = (
        reference(f'URI="#{target}"', "sha256", digest, ENVELOPED, EXCLUSIVE),
        reference(f'Type="{XAD}SignedProperties" URI="#{own}_SP"', "sha256", signed, EXCLUSIVE),
    )
    key = f"<ds:KeyInfo>{certificates_in([certificate])}</ds:KeyInfo>"
    return assemble(own, RSA_SHA256, references, key, XAD_NAME, properties(ds="", xad=""))


def _properties(
    own: str,
    instant: str,
    certificate: bytes,
    issuer: str,
    serial: int,
    signatory: Signatory,
    policy: Policy,
    *,
    ds: str,
    xad: str,
) -> str:
    digest = partial(digest_of, "sha256", ds=ds)
    return (
        f'<xad:SignedProperties{xad} Id="{own}_SP"><xad:SignedSignatureProperties>'
        f"<xad:SigningTime>{instant}</xad:SigningTime>"
        f"<xad:SigningCertificate><xad:Cert><xad:CertDigest>{digest(certificate)}</xad:CertDigest>"
        f"<xad:IssuerSerial><ds:X509IssuerName{ds}>{escape(issuer)}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber{ds}>{serial}</ds:X509SerialNumber></xad:IssuerSerial>"
        "</xad:Cert></xad:SigningCertificate><xad:SignaturePolicyIdentifier><xad:SignaturePolicyId>"
        f"<xad:SigPolicyId><xad:Identifier>{policy.identifier}</xad:Identifier>"
        f"<xad:Description>{escape(policy.description)}</xad:Description></xad:SigPolicyId>"
        f"<xad:SigPolicyHash>{digest(b64decode(policy.sha256))}</xad:SigPolicyHash>"
        f"<xad:SigPolicyQualifiers><xad:SigPolicyQualifier><xad:SPURI>{escape(policy.uri)}</xad:SPURI>"
        "</xad:SigPolicyQualifier></xad:SigPolicyQualifiers>"
        "</xad:SignaturePolicyId></xad:SignaturePolicyIdentifier><xad:SignatureProductionPlace>"
        f"<xad:City>{escape(signatory.city)}</xad:City>"
        f"<xad:PostalCode>{escape(signatory.postal_code)}</xad:PostalCode>"
        f"<xad:CountryName>{escape(signatory.country)}</xad:CountryName></xad:SignatureProductionPlace>"
        f"<xad:SignerRole><xad:ClaimedRoles><xad:ClaimedRole>{escape(signatory.role)}</xad:ClaimedRole>"
        "</xad:ClaimedRoles></xad:SignerRole></xad:SignedSignatureProperties></xad:SignedProperties>"
    )


@lru_cache(maxsize=16)
def _certificate(certificate: bytes) -> tuple[bytes, str, int]:
    """What SigningCertificate says of a certificate: its hash, its issuer's name, its number."""
    parsed = x509.Certificate.load(certificate)
    return hashlib.sha256(certificate).digest(), name_of(parsed.issuer), int(parsed.serial_number)


def name_of(name: Any) -> str:
    """A distinguished name of asn1crypto as RFC 2253 writes it: last first, special characters escaped."""
    sets = reversed(list(name.chosen))
    return ",".join("+".join(_attribute(attribute) for attribute in relative) for relative in sets)


def _attribute(pair: Any) -> str:
    kind, value = pair["type"].dotted, pair["value"]
    if kind not in NAMED:
        return f"{kind}=#{value.dump().hex()}"
    text = "".join(f"\\{character}" if character in ',+"\\<>;' else character for character in value.native)
    if text.startswith(("#", " ")):
        text = f"\\{text}"
    if text.endswith(" "):
        text = f"{text[:-1]}\\ "
    return f"{NAMED[kind]}={text}"
