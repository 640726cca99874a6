"""The parts of an XML signature: read without network or entity, each where it must stand once, or refused."""

from base64 import b64decode
from binascii import Error as NotBase64

from lxml.etree import _Element

from app.core.refusals import Refusal
from app.files.xml import parse_xml

NAMES = {"ds": "http://www.w3.org/2000/09/xmldsig#", "xades": "http://uri.etsi.org/01903/v1.3.2#"}
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
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
