"""The parts of an XML signature: read without network or entity, each where it must stand once, or refused."""

from base64 import b64decode
from binascii import Error as NotBase64

from lxml import etree
from lxml.etree import _Element

from app.core.refusals import Refusal
from app.files.xml import parse_xml
from app.trust import algorithms

NAMES = {"ds": "http://www.w3.org/2000/09/xmldsig#", "xades": "http://uri.etsi.org/01903/v1.3.2#"}
XML = "http://www.w3.org/XML/1998/namespace"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = {
    f"http://www.w3.org/{name}{comments}"
    for name in ("TR/2001/REC-xml-c14n-20010315", "2006/12/xml-c14n11")
    for comments in ("", "#WithComments")
}
EXCLUSIVES = {EXCLUSIVE, f"{EXCLUSIVE}WithComments"}
UNSAID = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
"""The form of what names none (XML Signature §4.4.3.2; EN 319 132-1 §5.1.4.4.1)."""
LARGEST_DOCUMENT = 20 * 1024 * 1024
DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
METHODS = {f"{MORE}{kind}-{name}": (kind, name) for kind in ("rsa", "ecdsa") for name in algorithms.HASHES}


def parse_any(data: bytes, name: str) -> _Element:
    """The root of an XML file, whoever made it; refuses `xades-unreadable`."""
    # Before it is parsed: the tree of a file takes several times its size (decision 0013).
    if len(data) > LARGEST_DOCUMENT:
        raise unknown(name, "elle est trop grande")
    try:
        return parse_xml(data, name)
    except Refusal as error:
        raise unknown(name, "ce n’est pas un XML que l’on puisse lire ici") from error


def unknown(name: str, why: str) -> Refusal:
    """The refusal of what is no signature that can be read here."""
    return Refusal("xades-unreadable", name=name, why=why)


def unsupported(form: str) -> Refusal:
    """The refusal of a form that we do not judge, by its name."""
    return Refusal("format-unsupported", what=form)


def tag(name: str) -> str:
    """« ds:KeyInfo » as lxml writes it."""
    prefix, _, local = name.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


def only(root: _Element, path: str) -> _Element:
    """The one element at a path; refuses `xades-unreadable` when there is none or more than one."""
    elements = root.findall(path, NAMES)
    # Of two, one reader would prove the first and another show the second.
    if len(elements) != 1:
        raise unknown("XAdES", f"{path.rpartition(':')[2]} y est {len(elements)} fois au lieu d’une")
    return elements[0]


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


def canonical(element: _Element, method: str, holder: _Element | None = None) -> bytes:
    """The canonical form of an element where it stands; `holder`: where its namespaces to keep are listed.

    Comments are left out: a reference to the same document has none (XML Signature §4.4.3.3).
    """
    if method in EXCLUSIVES:
        listed = (
            holder.find(f"{{{method.removesuffix('WithComments')}}}InclusiveNamespaces")
            if holder is not None
            else None
        )
        prefixes = str(listed.get("PrefixList", "")).split() if listed is not None else []
        if "#default" in prefixes:
            raise unsupported("XAdES avec une liste d’espaces de noms")
        return etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            inclusive_ns_prefixes=prefixes or None,
            with_comments=False,
            with_tail=False,
        )
    if method not in INCLUSIVE:
        raise unsupported("XAdES avec une forme canonique inconnue")
    # An inclusive form takes the xml: attributes of what encloses the element along; what lxml writes here
    # does not.
    inherited = [
        name
        for above in element.iterancestors()
        for name in above.attrib
        if str(name).startswith(f"{{{XML}}}")
    ]
    if inherited:
        raise unsupported("XAdES dont un élément hérite d’attributs xml:")
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=False, with_tail=False)
