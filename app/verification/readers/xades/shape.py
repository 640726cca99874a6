"""The exact form that a profile asks of a signature, as data: an element, an attribute or a text too many is a misfit."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree
from lxml.etree import _Element

# XML's own blanks alone: a no-break space is a text.
BLANK = " \t\r\n"


class MisfitError(Exception):
    """The signature is not one of the profile; the message says why, in French."""


@dataclass(frozen=True)
class Shape:
    """What one element may be; `tag`: its name, None for any.

    `attributes`: those that it may bear. `children`: exactly those, in that order; None for any. `each`: any number of
    children, all of this shape. `base64`: it is a text, and that text. No element but these has any text of its own.
    """

    tag: str | None
    attributes: tuple[str, ...] = ()
    children: "tuple[Shape, ...] | None" = ()
    each: "Shape | None" = None
    base64: bool = False


def conform(element: _Element, shape: Shape) -> None:
    """Raise `MisfitError` when an element, or one below it, is not of this shape."""
    if element.attrib:
        attributes(element, *shape.attributes)
    if shape.base64:
        octets(element)
        return
    bare(element)
    below = list(element)
    expected = (shape.each,) * len(below) if shape.each is not None else shape.children
    if expected is None:
        return
    known = len(below) == len(expected) and all(
        wanted.tag in {None, child.tag} for wanted, child in zip(expected, below, strict=True)
    )
    if not known:
        raise MisfitError(f"la structure de {local(element)} n’est pas celle attendue")
    for wanted, child in zip(expected, below, strict=True):
        conform(child, wanted)


def local(element: _Element) -> str:
    """The name of an element without its namespace."""
    return etree.QName(element).localname


def attributes(element: _Element, *names: str) -> Mapping[str, str]:
    """The attributes of an element, which may be these alone; raises `MisfitError`."""
    if not set(element.attrib) <= set(names):
        raise MisfitError(f"{local(element)} porte un attribut inattendu")
    return {str(name): str(value) for name, value in element.attrib.items()}


def bare(element: _Element) -> None:
    """Raise `MisfitError` when a text stands between the children of an element."""
    own = element.text
    if (own and own.strip(BLANK)) or any(child.tail and child.tail.strip(BLANK) for child in element):
        raise MisfitError(f"du texte figure dans {local(element)}")


def text(element: _Element) -> str:
    """The text of an element that has no child; raises `MisfitError`."""
    if len(element):
        raise MisfitError(f"{local(element)} n’est pas un texte")
    return str(element.text or "").strip(BLANK)


def octets(element: _Element) -> bytes:
    """The bytes that such a text holds in base64; raises `MisfitError`."""
    try:
        return b64decode("".join(text(element).split()), validate=True)
    except (NotBase64, ValueError) as error:
        raise MisfitError(f"{local(element)} n’est pas en base64") from error
