"""The structure of an XAdES signature beside a file: read without network, entity or reference that we did not choose."""

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from hmac import compare_digest
from pathlib import Path

from lxml import etree
from lxml.etree import _Element

from app.core.refusals import Refusal
from app.files.xml import parse_xml

NAMES = {"ds": "http://www.w3.org/2000/09/xmldsig#", "xades": "http://uri.etsi.org/01903/v1.3.2#"}
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
LARGEST = 5 * 1024 * 1024
LARGEST_DOCUMENT = 20 * 1024 * 1024
DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}


def parse_any(data: bytes, name: str) -> _Element:
    """The root of an XML file, whoever made it; refuses `xades-unreadable`."""
    if len(data) > LARGEST_DOCUMENT:
        raise unknown(name, "elle est trop grande")
    try:
        return parse_xml(data, name)
    except Refusal as error:
        raise unknown(name, "ce n’est pas un XML que l’on puisse lire ici") from error


def parse(data: bytes, name: str) -> _Element:
    """The root of a signature file; refuses `xades-unreadable` for anything but one signature of the form that we write."""
    if len(data) > LARGEST:
        raise unknown(name, "elle est trop grande")
    try:
        root = parse_xml(data, name)
    except Refusal as error:
        raise unknown(name, "ce n’est pas un XML") from error
    if root.tag != tag("ds:Signature"):
        raise unknown(name, "ce n’est pas une signature XML")
    seen = [str(one.get("Id")) for one in root.iter() if one.get("Id") is not None]
    if len(seen) != len(set(seen)):
        raise unknown(name, "deux éléments y portent le même nom")
    return root


def unknown(name: str, why: str) -> Refusal:
    """The refusal of what is no signature that can be read here."""
    return Refusal("xades-unreadable", name=name, why=why)


def tag(name: str) -> str:
    """« ds:KeyInfo » as lxml writes it."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


def only(root: _Element, path: str) -> _Element:
    """The one element at a path; refuses `xades-unreadable` when there is none or more than one."""
    found = root.findall(path, NAMES)
    if len(found) != 1:
        raise unknown("XAdES", f"{path.rpartition(':')[2]} y est {len(found)} fois au lieu d’une")
    return found[0]


def c14n(element: _Element) -> bytes:
    """Exclusive canonical form, without comments (W3C xml-exc-c14n)."""
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)


def references(root: _Element, content: Path) -> bool:
    """Whether every hash in SignedInfo is right: of the file, of the signed properties, of the key's certificates.

    The first two always, the third where it is signed (ours is), each once, none elsewhere: whatever else a signature
    could point at is not looked up.
    """
    held = {
        "#" + str(only(root, path).get("Id")): only(root, path)
        for path in ("ds:KeyInfo", ".//xades:SignedProperties")
    }
    asked = only(root, "ds:SignedInfo").findall("ds:Reference", NAMES)
    outside = [one for one in asked if not str(one.get("URI", "#")).startswith("#")]
    inside = [one for one in asked if one.get("URI") in held]
    pointed = [str(one.get("URI")) for one in inside]
    properties = "#" + str(only(root, ".//xades:SignedProperties").get("Id"))
    alone = len(outside) == 1 and len(asked) == 1 + len(inside) and len(set(pointed)) == len(pointed)
    if not alone or properties not in pointed:
        raise unknown("XAdES", "elle ne porte pas sur un seul fichier et sur ses propres propriétés")
    good = [_file_holds(outside[0], content)]
    for one in inside:
        transforms = [each.get("Algorithm") for each in one.findall("ds:Transforms/ds:Transform", NAMES)]
        if transforms != [EXCLUSIVE]:
            raise unknown("XAdES", "sa forme canonique n’est pas connue ici")
        made = hashlib.new(digest_of(one), c14n(held[str(one.get("URI"))])).digest()
        good.append(compare_digest(made, decoded(only(one, "ds:DigestValue"))))
    return all(good)


def _file_holds(reference: _Element, content: Path) -> bool:
    if reference.find("ds:Transforms", NAMES) is not None:
        raise unknown("XAdES", "le fichier y est transformé avant d’être signé")
    with content.open("rb") as stream:
        made = hashlib.file_digest(stream, digest_of(reference)).digest()
    return compare_digest(made, decoded(only(reference, "ds:DigestValue")))


def digest_of(holder: _Element) -> str:
    """The hash that an element names; refuses `xades-unreadable` for another than SHA-256, SHA-384 and SHA-512."""
    named = str(only(holder, "ds:DigestMethod").get("Algorithm"))
    if named not in DIGESTS:
        raise unknown("XAdES", "son empreinte n’est ni SHA-256, ni SHA-384, ni SHA-512")
    return DIGESTS[named]


def decoded(element: _Element) -> bytes:
    """The bytes that an element holds in base64; refuses `xades-unreadable`."""
    try:
        return b64decode("".join((element.text or "").split()), validate=True)
    except NotBase64 as error:
        raise unknown("XAdES", "une valeur n’y est pas en base64") from error
