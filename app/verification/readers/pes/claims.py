"""What one XML signature of a PES flow claims, and that its form is the profile's (`profile.SIGNATURE`, `xades.shape`).

Nothing is proven here: `proof` compares what is claimed with the file, the certificate and the policy. Older forms
that are found in the field are read and named in `remarks`.
"""

import hashlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.sax.saxutils import quoteattr

from lxml import etree
from lxml.etree import _Element

from app.verification.readers.pes.profile import (
    DS,
    ENVELOPED,
    LARGEST,
    RSA_SHA256,
    SHA256,
    SIGNATURE,
    TYPES,
    XAD,
    XAD_OLD,
)
from app.verification.readers.xades.parsing import EXCLUSIVE, canonical
from app.verification.readers.xades.shape import (
    MisfitError,
    Shape,
    attributes,
    bare,
    conform,
    local,
    octets,
    text,
)
from app.verification.readers.xades.signature import Reference, Signature, instant


@dataclass
class Claims:
    """What a signature says. Digests in bytes, certificates in DER, `value` as it stands in base64.

    `info`: canonical SignedInfo, what the key signed. `place`: quality, commune, postal code, country. `properties`:
    the digest announced for SignedProperties is the right one.
    """

    id: str = ""
    properties_id: str = ""
    info: bytes = b""
    digest: bytes = b""
    properties: bool = False
    value: bytes = b""
    signature: bytes = b""
    certificates: list[bytes] = field(default_factory=list)
    certificate_digest: bytes = b""
    serial: str = ""
    signed_at: datetime | None = None
    policy: str = ""
    policy_hash: str = ""
    place: tuple[str, str, str, str] = ("", "", "", "")
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read(raw: bytes, context: Mapping[str, str], encoding: str, target: str) -> Claims:
    """Read one ds:Signature from its bytes in the file; `target` is the Id of its parent, which it must refer to.

    Raises `MisfitError` for what has not the structure of the profile; whatever else lxml or Python raise on hostile
    bytes means the same.
    """
    element = _parsed(raw, context, encoding)
    conform(element, SIGNATURE)
    claims = Claims()
    space = _space(element, claims)
    signature = Signature(element, space)
    claims.id = signature.id
    claims.value = (signature.value.text or "").encode()
    claims.signature = octets(signature.value)
    claims.certificates = _certificates(signature, claims)
    properties = _qualified(signature, claims)
    _references(signature, target, properties, claims)
    claims.info = signature.signed
    _properties(properties, f"{{{space}}}", claims)
    return claims


def _parsed(raw: bytes, context: Mapping[str, str], encoding: str) -> _Element:
    if len(raw) > LARGEST:
        raise MisfitError("la signature est démesurée")
    names = "".join(
        f" xmlns{':' if prefix else ''}{prefix}={quoteattr(uri)}" for prefix, uri in sorted(context.items())
    )
    head = f'<?xml version="1.0" encoding="{encoding}"?><w{names}>'.encode("ascii", "xmlcharrefreplace")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    # One element alone: a second one after it would be read by nobody here.
    (signature,) = etree.fromstring(head + raw + b"</w>", parser)
    # A comment is no part of what is signed, and cuts a text in two for many readers (`xades.scope`).
    if any(not isinstance(element.tag, str) for element in signature.iter()):
        raise MisfitError("un commentaire ou une instruction figure dans la signature")
    return signature


def _certificates(signature: Signature, claims: Claims) -> list[bytes]:
    certificates = []
    for child in signature.element[2]:
        bare(child)
        if child.tag != f"{{{DS}}}X509Data":
            claims.remarks.append("KeyInfo contient autre chose que le certificat")
            continue
        certificates += [octets(each) for each in child if each.tag == f"{{{DS}}}X509Certificate"]
    if not certificates:
        raise MisfitError("le certificat du signataire n’y figure pas")
    return certificates


def _space(signature: _Element, claims: Claims) -> str:
    space = str(etree.QName(signature[3][0]).namespace)
    if space == XAD_OLD:
        claims.remarks.append("XAdES 1.1.1, ancienne version")
    elif space != XAD:
        raise MisfitError("la version de XAdES n’est pas reconnue")
    return space


def _qualified(signature: Signature, claims: Claims) -> _Element:
    """The signed properties, which are those of this signature and the only ones."""
    qualifying = signature.qualifying
    if qualifying is None:
        raise MisfitError("les propriétés qualifiantes manquent")
    where = str(qualifying.get("Target", ""))
    if not claims.id or where.removeprefix("#") != claims.id:
        raise MisfitError("les propriétés ne désignent pas cette signature")
    if not where.startswith("#"):
        claims.remarks.append("attribut Target sans #")
    first, *others = [str(child.tag) for child in qualifying] or [""]
    if others == [f"{{{signature.space}}}UnsignedProperties"]:
        claims.remarks.append("propriétés non signées en plus")
        others = []
    properties = signature.properties
    if properties is None or others or first != properties.tag:
        raise MisfitError("la structure de QualifyingProperties n’est pas celle attendue")
    claims.properties_id = attributes(properties, "Id").get("Id", "")
    return properties


def _references(signature: Signature, target: str, properties: _Element, claims: Claims) -> None:
    """The two references: the element that contains the signature, and its own properties."""
    if signature.form.get("Algorithm") != EXCLUSIVE:
        raise MisfitError("la forme canonique de SignedInfo n’est pas celle de la politique")
    if signature.method != RSA_SHA256:
        raise MisfitError("l’algorithme de signature n’est pas RSA avec SHA-256")
    first, second = signature.references
    claims.digest = _announced(first)
    # An empty Id in the reference would mean the whole file.
    if not target or first.uri != f"#{target}":
        raise MisfitError("la signature ne porte pas sur l’élément qui la contient")
    if first.steps != [ENVELOPED, EXCLUSIVE]:
        raise MisfitError("les transformations de la première référence ne sont pas celles de la politique")
    announced = _announced(second)
    if not claims.properties_id or second.uri != f"#{claims.properties_id}":
        raise MisfitError("la seconde référence ne désigne pas les propriétés signées")
    if second.kind is None:
        claims.remarks.append("seconde référence sans Type")
    elif second.kind not in TYPES:
        raise MisfitError("le type de la seconde référence n’est pas reconnu")
    if second.steps == [ENVELOPED, EXCLUSIVE]:
        claims.remarks.append("transformation de trop sur la seconde référence")
    elif second.steps != [EXCLUSIVE]:
        raise MisfitError("les transformations de la seconde référence ne sont pas celles de la politique")
    claims.properties = hashlib.sha256(canonical(properties, EXCLUSIVE)).digest() == announced


def _announced(reference: Reference) -> bytes:
    if reference.method != SHA256:
        raise MisfitError("l’empreinte n’est pas SHA-256")
    return reference.digest


def _properties(properties: _Element, space: str, claims: Claims) -> None:
    if len(properties) > 1:
        claims.remarks.append("propriétés signées en plus")
    if not len(properties) or properties[0].tag != f"{space}SignedSignatureProperties":
        raise MisfitError("les propriétés signées de la signature manquent")
    known: dict[str, _Element] = {}
    for child in properties[0]:
        # A property that stands twice has two values, of which each reader takes one.
        if not str(child.tag).startswith(space) or known.setdefault(local(child), child) is not child:
            raise MisfitError("une propriété signée est inattendue ou figure deux fois")

    def text_of(*path: str) -> str:
        element = known.get(path[0])
        for name in path[1:]:
            steps = [] if element is None else [child for child in element if local(child) == name]
            if len(steps) > 1:
                raise MisfitError(f"{name} figure deux fois")
            element = steps[0] if steps else None
        return "" if element is None else text(element)

    claims.signed_at = _hour(text_of("SigningTime"), claims)
    digest = text_of("SigningCertificate", "Cert", "CertDigest", "DigestValue")
    claims.certificate_digest = b64decode(digest, validate=True)
    claims.serial = text_of("SigningCertificate", "Cert", "IssuerSerial", "X509SerialNumber")
    policy = ("SignaturePolicyIdentifier", "SignaturePolicyId")
    claims.policy = text_of(*policy, "SigPolicyId", "Identifier")
    claims.policy_hash = text_of(*policy, "SigPolicyHash", "DigestValue")
    for method in properties.iter(f"{{{DS}}}DigestMethod", f"{space}DigestMethod"):
        conform(method, Shape(None, ("Algorithm",)))
        if method.get("Algorithm") != SHA256:
            claims.faults.append("une empreinte des propriétés signées n’est pas SHA-256")
    claims.place = (
        text_of("SignerRole", "ClaimedRoles", "ClaimedRole"),
        text_of("SignatureProductionPlace", "City"),
        text_of("SignatureProductionPlace", "PostalCode"),
        text_of("SignatureProductionPlace", "CountryName"),
    )


def _hour(signing_time: str, claims: Claims) -> datetime | None:
    try:
        hour = instant(signing_time, UTC)
    except ValueError:
        claims.faults.append("la date de signature est absente ou illisible")
        return None
    if not signing_time.endswith("Z"):
        claims.remarks.append("date de signature autrement qu’en temps universel")
    return hour.astimezone(UTC)
