"""Compare a flow with the Treasury's schemas while it is read: each fault has its line and a French sentence.

No flow says the version of its schema (namespaces, Version and IdVer never changed): it is compared with the newest set that
is known, then with the older ones, and follows the schema as soon as it follows one. An element that no known set has is the
sign of a newer one, and no fault; so are a code that its list has not and a text that is longer, where nothing else is wrong.

libxml2 validates as it parses (xmlSchemaSAXPlug), so that memory is that of one attachment. Lines are counted here: the
validator does not know them in this mode.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent / "xsd"
ENTRY = Path("PES_V2") / "Rev0" / "PES_Aller.xsd"
VERSIONS = ("5.30", "5.17")
"""The newest first."""
MOST = 50
"""Faults that are told, and places where an element that no known set has stands: the comparison stops there."""
MANY = 2000
"""What the validator says that is read: beyond, the comparison stops there, and says so."""
_UNEXPECTED = "n’est pas attendu ici"
PIECE = 1 << 16
HEAVY = frozenset({"Bordereau", "PJ", "FactureIndiv", "Marche"})
_ELEMENT = re.compile(r"^Element '(?:\{[^}]*\})?([^']*)'")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (.*?) \)")
_VALUE = re.compile(r"(?:The value |: )'([^']*)' (?:is|has)")


@dataclass(frozen=True)
class Fault:
    """Where a flow leaves the schema: its line, from 1, and what is wrong there, as the end of a French sentence."""

    line: int
    words: str


@dataclass(frozen=True)
class Compared:
    """The schema that a flow follows, empty where it follows none that is known; then its faults against the newest.

    `newer`: what is likely of a newer schema, in words and in the order of the file: elements that no known set has, and,
    where nothing else is wrong, codes and longer texts. Then there is no fault. `unfinished`: the end was not compared.
    """

    version: str
    faults: list[Fault]
    newer: tuple[str, ...] = ()
    unfinished: bool = False


@dataclass
class _Found:
    """What one version has against a flow, each with the element at fault: what is `wrong`, and what may be `newer` codes."""

    wrong: list[tuple[str, Fault]]
    newer: list[tuple[str, Fault]]
    unfinished: bool


def compare(path: Path) -> Compared:
    """Compare a flow that passed intake (no DOCTYPE, bounded depth) with the known schemas, the newest first."""
    every = []
    for version in VERSIONS:
        every.append(_faults(path, version))
        if not every[-1].wrong and not every[-1].newer:
            return Compared(version, [])
    newest = every[0]
    unknown = [name for name, fault in newest.wrong if _UNEXPECTED in fault.words and name not in _names()]
    left = [fault for name, fault in newest.wrong if name not in unknown]
    elements = [f"l’élément « {name} »" for name in dict.fromkeys(unknown)]
    codes = [fault for _, fault in newest.newer]
    if left:
        told = sorted([*left, *(Fault(one.line, f"{one.words} n’est pas admis") for one in codes)], key=_line)
        return Compared("", told[:MOST], tuple(elements), newest.unfinished)
    words = dict.fromkeys(one.words for one in codes)
    return Compared("", [], (*elements, *words), newest.unfinished)


def _line(one: Fault) -> int:
    return one.line


def _faults(path: Path, version: str) -> _Found:
    """What one version has against a flow, in the order of the file: its first `MOST` faults, each with the element at fault."""
    from lxml import etree

    parser: Any = etree.XMLPullParser(
        events=("end",),
        schema=_schema(version),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,  # an attachment of more than 10 MB is one text; what it weighs is bounded by the deposit's limit
    )
    wrong: dict[tuple[int, str], tuple[str, Fault]] = {}
    newer: dict[tuple[int, str], tuple[str, Fault]] = {}
    known, line = 0, 1

    def keep(message: str) -> None:
        words = _newer(message)
        name, fault = words or _told(message)
        (newer if words else wrong).setdefault((line, name), (name, Fault(line, fault)))

    try:
        with path.open("rb") as stream:
            while len(wrong) < MOST and known < MANY and (piece := stream.readline(PIECE)):
                parser.feed(piece)
                if len(parser.feed_error_log) > known:
                    for entry in list(parser.feed_error_log)[known:]:
                        keep(entry.message)
                    known = len(parser.feed_error_log)
                line += piece.endswith(b"\n")
                _forget(parser)
    except etree.XMLSyntaxError as error:
        keep(error.msg or "")
    return _Found(list(wrong.values())[:MOST], list(newer.values()), len(wrong) >= MOST or known >= MANY)


def _newer(message: str) -> tuple[str, str] | None:
    """The element and what a newer schema may well allow there: a code of a longer list, a longer text; None for a fault."""
    named, value = _ELEMENT.match(message), _VALUE.search(message)
    if named and value and value[1] and "[facet 'enumeration']" in message:
        return named[1], f"le code « {value[1][:60]} » de « {named[1]} »"
    if named and "[facet 'maxLength']" in message:
        return named[1], f"un texte plus long de « {named[1]} »"
    return None


@lru_cache(maxsize=len(VERSIONS))
def _schema(version: str) -> Any:
    from lxml import etree

    return etree.XMLSchema(etree.parse(str(HOME / f"v{version}" / ENTRY)))


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """Every name that a known set gives to an element."""
    declared = re.compile(r'<(?:xs[d]?:)?element\b[^>]*?\bname="([^"]+)"')
    files = (one.read_text(encoding="utf-8", errors="replace") for one in HOME.rglob("*.xsd"))
    return frozenset(name for text in files for name in declared.findall(text))


def _forget(parser: Any) -> None:
    """Give back the memory of what has been validated."""
    for _, element in parser.read_events():
        if element.tag in HEAVY:
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _told(message: str) -> tuple[str, str]:
    """The element at fault, and what is wrong with it."""
    named, expected, value = _ELEMENT.match(message), _EXPECTED.search(message), _VALUE.search(message)
    name = named[1] if named else ""
    wanted = (
        expected[1].replace(", ", " ou ").replace("{http://www.w3.org/2000/09/xmldsig#}", "")
        if expected
        else ""
    )
    if "Missing child" in message:
        return name, f"il manque {wanted or 'un élément'} dans « {name} »"
    if "not expected" in message:
        return name, f"« {name} » {_UNEXPECTED}{f', mais {wanted}' if wanted else ''}"
    if "required but missing" in message:
        return name, f"« {name} » n’a pas son attribut obligatoire"
    if value:
        return name, f"la valeur « {value[1][:60]} » de « {name} » n’est pas admise"
    return name, f"« {name} » ne suit pas le schéma" if name else "le flux ne suit pas le schéma"
