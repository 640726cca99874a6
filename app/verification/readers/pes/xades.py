"""What one XML signature of a PES flow says, read strictly: an element, an attribute or a text too many is a fault.

Nothing is proven here: `proof` compares what is said with the file, the certificate and the policy. Older forms
that are found in the field are read and named in `remarks`.
"""

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree

from app.verification.readers.pes.profile import (
    DS,
    ENVELOPED,
    EXCLUSIVE,
    RSA_SHA256,
    SHA256,
    TYPES,
    XAD,
    XAD_OLD,
)

LARGEST = 1 << 17  # bytes of one Signature; ours take 5,000


class MisfitError(Exception):
    """The signature is not one of the profile; the message says why, in French."""


@dataclass
class Said:
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


def read(raw: bytes, context: Mapping[str, str], encoding: str, target: str) -> Said:
    """Read one ds:Signature from its bytes in the file; `target` is the Id of its parent, which it must refer to.

    Raises `MisfitError` for what has not the structure of the profile; whatever else lxml or Python raise on hostile
    bytes means the same.
    """
    if len(raw) > LARGEST:
        raise MisfitError("la signature est démesurée")
    names = "".join(
        f" xmlns{':' if one else ''}{one}={quoteattr(uri)}" for one, uri in sorted(context.items())
    )
    head = f'<?xml version="1.0" encoding="{encoding}"?><w{names}>'.encode("ascii", "xmlcharrefreplace")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    wrapper = etree.fromstring(head + raw + b"</w>", parser)
    (signature,) = wrapper
    if any(not isinstance(one.tag, str) for one in signature.iter()):
        raise MisfitError("un commentaire ou une instruction figure dans la signature")
    said = Said()
    said.id = _attributes(signature, "Id").get("Id", "")
    info, value, key, content = _only(signature, *(f"{{{DS}}}{one}" for one in PARTS))
    _attributes(value, "Id")
    said.value = (value.text or "").encode()
    said.signature = _decoded(value)
    said.info = _canonical(info)
    said.certificates = _certificates(key, said)
    _attributes(content, "Id")
    (qualifying,) = _only(content, None)
    space = _space(qualifying, said)
    properties = _qualifying(qualifying, space, said)
    _info(info, target, properties, said)
    _properties(properties, space, said)
    return said


PARTS = ("SignedInfo", "SignatureValue", "KeyInfo", "Object")


def _canonical(element: Any) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def _local(element: Any) -> str:
    return etree.QName(element).localname


def _only(parent: Any, *names: str | None) -> list[Any]:
    """The children of an element, exactly those, with nothing but white space around them."""
    found = list(parent)
    known = len(found) == len(names) and all(
        name in {None, one.tag} for name, one in zip(names, found, strict=True)
    )
    _no_text(parent)
    if not known:
        raise MisfitError(f"la structure de {_local(parent)} n’est pas celle attendue")
    return found


def _no_text(parent: Any) -> None:
    if any((text or "").strip(" \t\r\n") for text in (parent.text, *(one.tail for one in parent))):
        raise MisfitError(f"du texte figure dans {_local(parent)}")


def _attributes(element: Any, *names: str) -> Mapping[str, str]:
    if not set(element.attrib) <= set(names):
        raise MisfitError(f"{_local(element)} porte un attribut inattendu")
    return dict(element.attrib)


def _text(element: Any) -> str:
    if len(element):
        raise MisfitError(f"{_local(element)} n’est pas un texte")
    return (element.text or "").strip(" \t\r\n")


def _decoded(element: Any) -> bytes:
    try:
        return b64decode("".join(_text(element).split()), validate=True)
    except (NotBase64, ValueError) as error:
        raise MisfitError(f"{_local(element)} n’est pas en base64") from error


def _algorithm(element: Any) -> str:
    _only(element)
    return _attributes(element, "Algorithm").get("Algorithm", "")


def _certificates(key: Any, said: Said) -> list[bytes]:
    _attributes(key, "Id")
    _no_text(key)
    found = []
    for one in key:
        _no_text(one)
        if one.tag != f"{{{DS}}}X509Data":
            said.remarks.append("KeyInfo contient autre chose que le certificat")
            continue
        found += [_decoded(der) for der in one if der.tag == f"{{{DS}}}X509Certificate"]
    if not found:
        raise MisfitError("le certificat du signataire n’y figure pas")
    return found


def _space(qualifying: Any, said: Said) -> str:
    space = str(etree.QName(qualifying).namespace)
    if space == XAD_OLD:
        said.remarks.append("XAdES 1.1.1, ancienne version")
    elif space != XAD:
        raise MisfitError("la version de XAdES n’est pas reconnue")
    return f"{{{space}}}"


def _qualifying(qualifying: Any, space: str, said: Said) -> Any:
    if qualifying.tag != f"{space}QualifyingProperties":
        raise MisfitError("les propriétés qualifiantes manquent")
    where = _attributes(qualifying, "Target", "Id").get("Target", "")
    if not said.id or where.removeprefix("#") != said.id:
        raise MisfitError("les propriétés ne désignent pas cette signature")
    if not where.startswith("#"):
        said.remarks.append("attribut Target sans #")
    _no_text(qualifying)
    children = list(qualifying)
    if [one.tag for one in children[1:]] == [f"{space}UnsignedProperties"]:
        said.remarks.append("propriétés non signées en plus")
        children = children[:1]
    if [one.tag for one in children] != [f"{space}SignedProperties"]:
        raise MisfitError("la structure de QualifyingProperties n’est pas celle attendue")
    properties = children[0]
    said.properties_id = _attributes(properties, "Id").get("Id", "")
    return properties


def _info(info: Any, target: str, properties: Any, said: Said) -> None:
    _attributes(info, "Id")
    reference = f"{{{DS}}}Reference"
    how, method, first, second = _only(
        info, f"{{{DS}}}CanonicalizationMethod", f"{{{DS}}}SignatureMethod", reference, reference
    )
    if _algorithm(how) != EXCLUSIVE:
        raise MisfitError("la forme canonique de SignedInfo n’est pas celle de la politique")
    if _algorithm(method) != RSA_SHA256:
        raise MisfitError("l’algorithme de signature n’est pas RSA avec SHA-256")
    uri, _, transforms, said.digest = _reference(first)
    if not target or uri != f"#{target}":
        raise MisfitError("la signature ne porte pas sur l’élément qui la contient")
    if transforms != [ENVELOPED, EXCLUSIVE]:
        raise MisfitError("les transformations de la première référence ne sont pas celles de la politique")
    uri, kind, transforms, announced = _reference(second)
    if not said.properties_id or uri != f"#{said.properties_id}":
        raise MisfitError("la seconde référence ne désigne pas les propriétés signées")
    if kind is None:
        said.remarks.append("seconde référence sans Type")
    elif kind not in TYPES:
        raise MisfitError("le type de la seconde référence n’est pas reconnu")
    if transforms == [ENVELOPED, EXCLUSIVE]:
        said.remarks.append("transformation de trop sur la seconde référence")
    elif transforms != [EXCLUSIVE]:
        raise MisfitError("les transformations de la seconde référence ne sont pas celles de la politique")
    said.properties = hashlib.sha256(_canonical(properties)).digest() == announced


def _reference(reference: Any) -> tuple[str, str | None, list[str], bytes]:
    said = _attributes(reference, "Id", "URI", "Type")
    transforms, method, value = _only(reference, *(f"{{{DS}}}{one}" for one in REFERENCE))
    _attributes(transforms)
    if any(one.tag != f"{{{DS}}}Transform" for one in transforms):
        raise MisfitError("la structure de Transforms n’est pas celle attendue")
    if _algorithm(method) != SHA256:
        raise MisfitError("l’empreinte n’est pas SHA-256")
    _attributes(value)
    return said.get("URI", ""), said.get("Type"), [_algorithm(one) for one in transforms], _decoded(value)


REFERENCE = ("Transforms", "DigestMethod", "DigestValue")


def _properties(properties: Any, space: str, said: Said) -> None:
    if len(properties) > 1:
        said.remarks.append("propriétés signées en plus")
    if not len(properties) or properties[0].tag != f"{space}SignedSignatureProperties":
        raise MisfitError("les propriétés signées de la signature manquent")
    found: dict[str, Any] = {}
    for one in properties[0]:
        if not one.tag.startswith(space) or found.setdefault(_local(one), one) is not one:
            raise MisfitError("une propriété signée est inattendue ou figure deux fois")

    def text(*path: str) -> str:
        here = found.get(path[0])
        for name in path[1:]:
            steps = [] if here is None else [one for one in here if _local(one) == name]
            if len(steps) > 1:
                raise MisfitError(f"{name} figure deux fois")
            here = steps[0] if steps else None
        return "" if here is None else _text(here)

    said.signed_at = _instant(text("SigningTime"), said)
    digest = text("SigningCertificate", "Cert", "CertDigest", "DigestValue")
    said.certificate_digest = b64decode(digest, validate=True)
    said.serial = text("SigningCertificate", "Cert", "IssuerSerial", "X509SerialNumber")
    policy = ("SignaturePolicyIdentifier", "SignaturePolicyId")
    said.policy = text(*policy, "SigPolicyId", "Identifier")
    said.policy_hash = text(*policy, "SigPolicyHash", "DigestValue")
    for here in properties.iter(f"{{{DS}}}DigestMethod", f"{space}DigestMethod"):
        if _algorithm(here) != SHA256:
            said.faults.append("une empreinte des propriétés signées n’est pas SHA-256")
    said.place = (
        text("SignerRole", "ClaimedRoles", "ClaimedRole"),
        text("SignatureProductionPlace", "City"),
        text("SignatureProductionPlace", "PostalCode"),
        text("SignatureProductionPlace", "CountryName"),
    )


def _instant(text: str, said: Said) -> datetime | None:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        said.faults.append("la date de signature est absente ou illisible")
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    if not text.endswith("Z"):
        said.remarks.append("date de signature autrement qu’en temps universel")
    return when.astimezone(UTC)
