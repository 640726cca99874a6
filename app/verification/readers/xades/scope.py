"""What an XML signature made by others covers, and whether each of its hashes is right (W3C XML Signature 1.1 §4.4.3).

Only what we understand whole is followed: elements of the file itself by an identifier that stands once, files named
beside it, the canonical forms, and the removal of signatures. Anything else is refused by its name (`format-unsupported`):
a transformation that we do not know could sign something else than what is shown.
"""

import copy
import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest

from lxml import etree
from lxml.etree import _Comment, _Element

from app.verification.readers.xades.parsing import (
    EXCLUSIVES,
    INCLUSIVE,
    NAMES,
    UNSAID,
    XML,
    canonical,
    tag,
    unknown,
    unsupported,
)
from app.verification.readers.xades.signature import Reference, Signature

DS = NAMES["ds"]
ENVELOPED, BASE64 = f"{DS}enveloped-signature", f"{DS}base64"
XPATH, XPATH2 = "http://www.w3.org/TR/1999/REC-xpath-19991116", "http://www.w3.org/2002/06/xmldsig-filter2"
IDENTIFIERS = ("Id", "ID", "id", f"{{{XML}}}id")
MOST_REFERENCES, MOST_NAMED = 64, 5
Outside = Callable[[str, str], bytes | None]
"""The hash, by this algorithm, of the file that a URI names; None when there is none."""


class WrappedError(ValueError):
    """The signature points at something that is not one thing: the sentence says what (French)."""


@dataclass(frozen=True)
class Scope:
    """What a signature covers: `intact` when every hash is right, `covered` a French sentence, `left` what it leaves out.

    `properties`: the signed properties, when they are signed. `algorithm`, `document`: hash of what is signed first.
    `outside`: the files beside that it names. `cut`: a comment, which no signature covers, stands inside a signed text.
    """

    intact: bool
    covered: str
    left: tuple[str, ...]
    properties: _Element | None
    algorithm: str
    document: bytes | None
    outside: tuple[str, ...]
    cut: bool


def signatures_in(root: _Element) -> list[Signature]:
    """The signatures of a file in its order; what stands inside another signature is its content or its proof."""
    return [
        Signature(element)
        for element in root.iter(tag("ds:Signature"))
        if not any(above.tag == element.tag for above in element.iterancestors())
    ]


def names_outside(signature: Signature) -> list[str]:
    """The URIs of other files that a signature is about."""
    addresses = [reference.uri for reference in signature.references]
    return [uri for uri in addresses if uri and not uri.startswith("#")]


def scope(signature: Signature, root: _Element, outside: Outside) -> Scope:
    """Follow every reference of a signature; refuses `format-unsupported` and `xades-unreadable`, raises `WrappedError`."""
    references = signature.references
    if not 1 <= len(references) <= MOST_REFERENCES:
        raise unknown("XAdES", "elle ne porte sur rien, ou sur trop de choses")
    if len({reference.uri for reference in references}) != len(references):
        raise WrappedError("elle désigne deux fois la même chose.")
    targets: list[_Element] = []
    files: list[str] = []
    checks: list[tuple[bool, str, bytes | None, bool]] = []
    for reference in references:
        uri, algorithm = _address(reference), reference.algorithm
        if uri and not uri.startswith("#"):
            files.append(uri)
            digest, own = outside(uri, algorithm), False
        else:
            target = root if not uri else _named(root, uri[1:])
            targets.append(target)
            octets = _octets(reference, target, signature.element, root, whole=not uri)
            digest, own = hashlib.new(algorithm, octets).digest(), _is_own(target, signature)
        right = digest is not None and compare_digest(digest, reference.digest)
        checks.append((right, algorithm, digest, own))
    _, algorithm, document, _ = next((check for check in checks if not check[3]), checks[0])
    properties = _properties(signature)
    # Properties that no reference covers are anybody's words.
    signed = (
        properties if properties is not None and any(target is properties for target in targets) else None
    )
    covered, left = _coverage(signature, root, targets, files)
    return Scope(
        all(check[0] for check in checks),
        covered,
        left,
        signed,
        algorithm,
        document,
        tuple(files),
        any(map(_cut, targets)),
    )


def _cut(target: _Element) -> bool:
    """Whether a comment stands between two pieces of one text: many a reader stops at it (CVE-2017-11427 and its family)."""
    for comment in target.iter(etree.Comment):
        above, before = comment.getparent(), comment.getprevious()
        while isinstance(before, _Comment) and not (before.tail or "").strip():
            before = before.getprevious()
        text = before.tail if before is not None else above.text if above is not None else None
        if (text or "").strip() and (comment.tail or "").strip():
            return True
    return False


def _address(reference: Reference) -> str:
    """What a reference names; refuses what does not name it plainly."""
    uri = reference.uri
    if uri is None:
        raise unsupported("XAdES dont une référence ne nomme rien")
    if reference.kind == f"{DS}Manifest":
        raise unsupported("XAdES sur un manifeste")
    if uri and not uri.startswith("#") and reference.element.find("ds:Transforms", NAMES) is not None:
        raise unsupported("XAdES sur un fichier transformé avant d’être signé")
    return uri


def _named(root: _Element, name: str) -> _Element:
    if not name or name.startswith("xpointer("):
        raise unsupported("XAdES avec une désignation par XPointer")
    elements = [
        element
        for element in root.iter(etree.Element)
        # Every spelling that a careless verifier would follow counts, as in `pes.layout`.
        if any(element.get(each) == name for each in IDENTIFIERS)
    ]
    if len(elements) != 1:
        times = "n’est pas dans le fichier" if not elements else "y figure plusieurs fois"
        raise WrappedError(f"l’élément « {name[:60]} » qu’elle signe {times}.")
    return elements[0]


def _octets(
    reference: Reference, target: _Element, signature: _Element, root: _Element, *, whole: bool
) -> bytes:
    """The bytes that a reference to this file hashes: of a copy, from which signatures may be taken away first."""
    steps = reference.transforms
    tree = copy.deepcopy(root.getroottree())
    top = tree.getroot()
    element, own = _follow(top, _trail(target)), _follow(top, _trail(signature))
    last = steps[-1] if steps and steps[-1].get("Algorithm") in INCLUSIVE | EXCLUSIVES | {BASE64} else None
    for step in steps[:-1] if last is not None else steps:
        _take_away(step, element, own)
    if last is not None and last.get("Algorithm") == BASE64:
        return _base64(element)
    form = str(last.get("Algorithm")) if last is not None else UNSAID
    # The whole document takes the instructions beside its root along: of the root alone they would be lost.
    if whole and (form in INCLUSIVE or top.getprevious() is not None or top.getnext() is not None):
        return etree.tostring(tree, method="c14n", exclusive=form in EXCLUSIVES, with_comments=False)
    return canonical(element, form, last)


def _take_away(step: _Element, element: _Element, own: _Element) -> None:
    """Take this signature, or all of them, away from what is signed; refuses every other transformation."""
    method = str(step.get("Algorithm"))
    if method == ENVELOPED:
        if not any(above is element for above in own.iterancestors()):
            raise unsupported("XAdES enveloppée hors de ce qu’elle signe")
        _drop(own)
    elif method in {XPATH, XPATH2} and _removes_signatures(step):
        for signature in list(element.iter(tag("ds:Signature"))):
            if signature is not element:
                _drop(signature)
    else:
        raise unsupported(f"XAdES avec la transformation « {method[:80]} »")


def _base64(element: _Element) -> bytes:
    try:
        return b64decode("".join("".join(map(str, element.itertext())).split()), validate=True)
    except NotBase64 as error:
        raise unknown("XAdES", "une valeur n’y est pas en base64") from error


def _removes_signatures(step: _Element) -> bool:
    """Whether a step is one of the two by which signers of the same file leave one another's signatures out."""
    (only_child,) = step if len(step) == 1 else (None,)
    if only_child is None:
        return False
    expression = "".join((only_child.text or "").split())
    # The prefix is the file's own, and must mean XML Signature where the expression stands.
    prefix = next((name for name, uri in only_child.nsmap.items() if uri == DS and name), "ds")
    if only_child.tag == tag("ds:XPath"):
        return expression == f"not(ancestor-or-self::{prefix}:Signature)"
    of_filter = only_child.tag == f"{{{XPATH2}}}XPath" and only_child.get("Filter") == "subtract"
    return of_filter and expression in {f"/descendant::{prefix}:Signature", f"//{prefix}:Signature"}


def _trail(node: _Element) -> list[int]:
    trail = []
    above = node.getparent()
    while above is not None:
        trail.append(above.index(node))
        node, above = above, above.getparent()
    return trail[::-1]


def _follow(top: _Element, trail: Sequence[int]) -> _Element:
    for rank in trail:
        top = top[rank]
    return top


def _drop(node: _Element) -> None:
    """Take an element away and leave the text that follows it."""
    above, before = node.getparent(), node.getprevious()
    if above is None:
        raise unsupported("XAdES qui se retire elle-même")
    if node.tail and before is not None:
        before.tail = (before.tail or "") + node.tail
    elif node.tail:
        above.text = (above.text or "") + node.tail
    above.remove(node)


def _properties(signature: Signature) -> _Element | None:
    qualifying = signature.qualifying
    if qualifying is None:
        return None
    if qualifying.get("Target") not in {None, f"#{signature.element.get('Id')}"}:
        raise WrappedError("ses propriétés sont celles d’une autre signature.")
    return signature.properties


def _is_own(target: _Element, signature: Signature) -> bool:
    """Whether what is signed is the signature's own property or key, and no content."""
    return target is _properties(signature) or target in signature.element.findall("ds:KeyInfo", NAMES)


def _coverage(
    signature: Signature, root: _Element, targets: Sequence[_Element], files: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    content = [target for target in targets if not _is_own(target, signature)]
    left = [
        f"l’objet n° {rank} de la signature"
        for rank, entry in enumerate(signature.element.findall("ds:Object", NAMES), 1)
        if entry.find("xades:QualifyingProperties", NAMES) is None and not _is_under(entry, content)
    ]
    if any(target is root for target in content):
        return "La signature couvre tout le document.", ()
    if not content and not files:
        raise WrappedError("elle ne porte sur aucun contenu.")
    if root is not signature.element:
        others = [child for child in root if isinstance(child.tag, str) and child.tag != tag("ds:Signature")]
        left += [f"l’élément « {_short(child)} »" for child in others if not _is_under(child, content)]
        if content:
            left.append(f"l’élément racine « {_short(root)} »")
    parts = [target for target in content if root is not signature.element]
    if parts:
        return f"La signature ne couvre que « {', '.join(map(_short, parts[:MOST_NAMED]))} ».", tuple(left)
    if files:
        named = ", ".join(f"« {name} »" for name in files[:MOST_NAMED])
        return (
            "La signature couvre tout le contenu du fichier signé."
            if len(files) == 1
            else f"La signature couvre {len(files)} fichiers : {named}{'…' if len(files) > MOST_NAMED else ''}."
        ), tuple(left)
    return "La signature couvre tout le contenu qu’elle enveloppe.", tuple(left)


def _is_under(element: _Element, content: Sequence[_Element]) -> bool:
    """Whether all of an element is signed: itself, or each of its children and no text between."""
    if any(element is each for each in content):
        return True
    inside = [child for child in element if isinstance(child.tag, str)]
    bare = not (element.text or "").strip() and not any((child.tail or "").strip() for child in element)
    return bool(inside) and bare and all(any(child is each for each in content) for child in inside)


def _short(element: _Element) -> str:
    return etree.QName(element).localname[:60]
