"""XML of @CTES: parsed without DTD, network or entities, written in ISO-8859-1, held against the schemas."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from lxml.etree import XMLParser, XMLSchema, _Element, _ElementTree

ACTES: Final = "http://www.interieur.gouv.fr/ACTES#v1.1-20040216"
INSEE: Final = "http://xml.insee.fr/schema"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
SHIPPED: Final = Path(__file__).parent / "schemas"
_NAMESPACES: Final = {"actes": ACTES, "insee": INSEE, "xsi": XSI}
_HEAD: Final = b'<?xml version="1.0" encoding="ISO-8859-1"?>\n'


class Malformed(Exception):  # noqa: N818 - said of a document
    """Not XML that may be read: ill-formed, in another encoding than it declares, or with a DOCTYPE."""


def tag(name: str) -> str:
    """The qualified name of an element or attribute of the schema."""
    return f"{{{ACTES}}}{name}"


def root(name: str) -> _Element:
    """A new document of the schema, with the namespaces in the order that relay operators write."""
    from lxml import etree

    document = etree.Element(tag(name), nsmap=_NAMESPACES)
    document.set(f"{{{XSI}}}schemaLocation", f"{ACTES} actesv1_1.xsd")
    return document


def child(parent: _Element, name: str, text: str | None = None) -> _Element:
    """A new element under `parent`."""
    from lxml import etree

    element = etree.SubElement(parent, tag(name))
    element.text = text
    return element


def code(parent: _Element, name: str, attribute: str, value: str) -> _Element:
    """A new element under `parent` that only bears one attribute of the schema."""
    element = child(parent, name)
    element.set(tag(attribute), value)
    return element


def write(document: _Element, schema_folder: Path | None = None) -> bytes:
    """The bytes of a document, in ISO-8859-1; refuses with ValueError what the schema refuses."""
    from lxml import etree

    etree.indent(document, space=" ")
    tree = document.getroottree()
    if fault := complaint(tree, schema_folder):
        raise ValueError(f"invalid message: {fault}")
    # No standalone declaration by lxml: it writes apostrophes where every relay operator writes quotes.
    body = cast("bytes", etree.tostring(tree, encoding="ISO-8859-1", xml_declaration=False))
    return _HEAD + body + b"\n"


def parse(raw: bytes) -> _ElementTree:
    """Parse strictly; refuses with `Malformed` ill-formed XML, a wrong encoding and any DOCTYPE."""
    from lxml import etree

    try:
        tree = etree.ElementTree(etree.fromstring(raw, strict_parser()))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Malformed(str(error)) from error
    if has_doctype(tree.getroot()):
        raise Malformed("DOCTYPE")
    return tree


def complaint(tree: _ElementTree, schema_folder: Path | None = None) -> str | None:
    """What the schema says against a document, or None when it is valid."""
    from lxml import etree

    try:
        load_schema(schema_folder or SHIPPED / "2018").assertValid(tree)
    except etree.DocumentInvalid as error:
        return str(error)
    return None


def has_doctype(element: _Element) -> bool:
    """True when the document of `element` declares a DTD."""
    return bool(getattr(element.getroottree().docinfo, "doctype", ""))


def strict_parser() -> XMLParser:
    """A parser that stops at the first fault and never fetches or expands anything."""
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def recovering_parser() -> XMLParser:
    """A parser that reads what can be read of a damaged answer, under the same prohibitions."""
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)


@cache
def load_schema(folder: Path) -> XMLSchema:
    """The schema of a folder that holds actesv1_1.xsd and the two files it imports."""
    from lxml import etree

    return etree.XMLSchema(etree.parse(folder / "actesv1_1.xsd"))
