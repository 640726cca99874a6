"""Compare a flow with the Treasury's schemas while it is read: each fault has its line and a French sentence.

No flow says the version of its schema (namespaces, Version and IdVer never changed): it is compared with the newest set that
is known, then with the older ones, and follows the schema as soon as it follows one. What only a newer set would allow is no
fault where nothing else is wrong: an element or an attribute that no known set has, a known element inside another one than
where any set has it, a code, a text or a number that is longer, a value with separators. `PAID` is left out of all of
this: what would change who is paid, what, how, or of which body, is a fault wherever the known sets do not allow it.

libxml2 validates as it parses (xmlSchemaSAXPlug), so that memory is that of one attachment. Lines are counted here: the
validator does not know them in this mode.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any
from xml.parsers import expat

HOME = Path(__file__).parent / "xsd"
ENTRY = Path("PES_V2") / "Rev0" / "PES_Aller.xsd"
VERSIONS = ("5.30", "5.17")
"""The newest first."""
MOST = 50
"""Faults that are told, and names of what a newer set may have: the comparison stops at the first of these bounds."""
MOST_PLACES = 300_000
"""How many such elements are left out of the comparison: beyond, they are faults."""
MANY = 2000
"""What the validator says that is read: beyond, the comparison stops there, and says so."""
PAID = re.compile(
    r"A?n?c?i?e?n?(IBAN|BIC|RUM)|Mt\w*|\w*(HT|TVA|Ht|Tva)|\w*(Titul|Tiers|Banc|Cpte|Rib|IntMor|Majo|Penalite)\w*|CodeEtab|CodeGuic|Etranger"
    r"|Nom|ComplNom|Prenom|ModRegl|InfoPrelevement\w*|Id(Coll|Post|Bord|Pce|Ligne)\w*|Cod(Col|Bud)\w*|Exer\w*|NatPce|Typ(Bord|Pce)"
    r"|Bordereau|Piece|LigneDePiece|BlocBordereau|BlocPiece|BlocLignePiece|InfoLignePi?e?ce|InfoPce|InfoDematerialisee"
    r"|CessOpp|Dte(Ech|Pay|Prel)|Num(ero)?(Bord|Titre|Piece|Facture|Compte)\w*|(Delta)?[Mm]ontant\w*|Compte|Quantite\d?|Taux\w*|Devise"
    r"|PrixUnitaire|TotalAPayer|RaisonSociale\w*|Siret|(NIR|Nom|Prenom|Vendeur)?Beneficiaire|Debiteur|Fournisseur|ModePaiement"
)
"""Elements that say what is paid (amounts, taxes, rates), to whom (party, account), how, when, or which piece of which body."""
_SOUNDS_PAID = re.compile(
    r"(?i:.*(montant|compte|iban|siret|siren|raisonsociale|beneficiaire|debiteur|fournisseur|titulaire|vendeur|paiement|payer"
    r"|reglement|tarif|prix|taux|quantite|total|devise).*)"
)
"""The same in the name of an element that no known set has: what it says is not known, and it may be that."""
_UNEXPECTED = "n’est pas attendu ici"
PIECE = 1 << 16
_XSD = "{http://www.w3.org/2001/XMLSchema}"
HEAVY = frozenset({"Bordereau", "PJ", "FactureIndiv", "Marche"})
_ELEMENT = re.compile(r"^Element '(?:\{[^}]*\})?([^']*)'")
_EXPECTED = re.compile(r"Expected is (?:one of )?\( (.*?) \)")
_VALUE = re.compile(r"(?:The value |: )'([^']*)' (?:is|has)")
_ATTRIBUTE = re.compile(r"The attribute '([^']*)' is not allowed")
_PATTERN = re.compile(r"is not accepted by the pattern '(.*)'")
_SEPARATORS = re.compile(r"[ ._/-]")


@dataclass(frozen=True)
class Fault:
    """Where a flow leaves the schema: its line, from 1, and what is wrong there, as the end of a French sentence."""

    line: int
    text: str


@dataclass(frozen=True)
class Compared:
    """The schema that a flow follows, empty where it follows none that is known; then its faults against the newest.

    `newer`: what is likely of a newer schema, in words: elements that no known set has, or has elsewhere, in the order of the
    file, and, where nothing else is wrong, attributes, codes and wider values. Then there is no fault. `unfinished`: the end
    was not compared.
    """

    version: str
    faults: list[Fault]
    newer: tuple[str, ...] = ()
    unfinished: bool = False


@dataclass
class _VersionFaults:
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
    newest, elements = every[0], dict[str, None]()
    if any(_UNEXPECTED in fault.text for _, fault in newest.wrong):
        with NamedTemporaryFile(prefix="paraphe-", suffix=".xml") as known:
            elements = _without_newer(path, Path(known.name))
            # What stands after an element that is not expected is not looked at: without them, all of it is
            newest = _faults(Path(known.name), VERSIONS[0]) if elements else newest
    left, codes = [fault for _, fault in newest.wrong], [fault for _, fault in newest.newer]
    if left:
        faults = sorted(
            [*left, *(Fault(fault.line, f"{fault.text} n’est pas admis") for fault in codes)], key=_line
        )
        return Compared("", faults[:MOST], tuple(elements), newest.unfinished)
    new_codes = dict.fromkeys(fault.text for fault in codes)
    return Compared("", [], (*elements, *new_codes), newest.unfinished)


def _line(fault: Fault) -> int:
    return fault.line


def _faults(path: Path, version: str) -> _VersionFaults:
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
        newer_code = _newer(message)
        name, fault = newer_code or _fault_in(message)
        (newer if newer_code else wrong).setdefault((line, name), (name, Fault(line, fault)))

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
    return _VersionFaults(
        list(wrong.values())[:MOST], list(newer.values()), len(wrong) >= MOST or known >= MANY
    )


def _newer(message: str) -> tuple[str, str] | None:
    """The element and what a newer schema may well allow there: a longer list, a wider value, an attribute; None for a fault."""
    named, value = _ELEMENT.match(message), _VALUE.search(message)
    # A code or a name says how or who is paid, as an amount says how much
    if named is None or _paid(named[1]):
        return None
    wider = _wider(message, named[1], value)
    return (named[1], wider) if wider else None


def _paid(name: str) -> bool:
    """Whether an element, of whatever namespace and however written, says what is paid, or may."""
    bare = re.sub(r"[-._]", "", name.rpartition(" ")[2])
    return bool(PAID.fullmatch(bare)) or (bare not in _names() and bool(_SOUNDS_PAID.fullmatch(bare)))


def _wider(message: str, name: str, value: re.Match[str] | None) -> str:
    """What a newer schema may allow of an element that says nothing of what is paid, in words; empty for a fault."""
    attribute, pattern = _ATTRIBUTE.search(message), _PATTERN.search(message)
    if value and value[1] and "[facet 'enumeration']" in message:
        return f"le code « {value[1][:60]} » de « {name} »"
    if "[facet 'maxLength']" in message:
        return f"un texte plus long de « {name} »"
    if attribute and attribute[1] not in _attributes():
        return f"l’attribut « {attribute[1][:60]} » de « {name} »"
    if "[facet 'totalDigits']" in message and value and value[1].isdecimal():
        return f"un nombre plus long de « {name} »"
    if pattern and value and _separated(value[1], pattern[1]):
        return f"une forme plus large de « {name} »"
    return ""


def _separated(value: str, pattern: str) -> bool:
    """Whether a value has the form that was known, but for separators between its signs."""
    bare = _SEPARATORS.sub("", value[:MANY])
    try:
        return bool(bare) and re.fullmatch(pattern, bare) is not None
    except re.error:  # a form that is not written as Python writes it
        return False


def _without_newer(path: Path, known: Path) -> dict[str, None]:
    """Write a flow without the elements that no known set has, or has elsewhere, line by line as it was; returns these.

    An element that says what is paid, or holds one that does, is left where it is.
    """
    walk = _Places()
    try:
        with path.open("rb") as stream:
            walk.parser.ParseFile(stream)
    except expat.ExpatError:  # what is no whole XML is told as it is, with nothing left out
        return {}
    with path.open("rb") as stream, known.open("wb") as copy:
        for start, end in walk.ranges:
            _copy(stream, copy, start - stream.tell())
            while stream.tell() < end:
                copy.write(b"\n" * stream.read(min(PIECE, end - stream.tell())).count(b"\n"))
        _copy(stream, copy, path.stat().st_size - stream.tell())
    return walk.descriptions


def _copy(source: IO[bytes], target: IO[bytes], count: int) -> None:
    while count and (piece := source.read(min(PIECE, count))):
        target.write(piece)
        count -= len(piece)


class _Places:
    """The bytes of the outermost elements that a known set has not, or has elsewhere; a byte is one of the file."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.ranges: list[tuple[int, int]] = []
        self.descriptions: dict[str, None] = {}
        self._path: list[str] = []
        self._open: tuple[int, int, str] | None = None
        self._over: tuple[int, str] | None = None
        self._paid = False

    def _start(self, name: str, _attributes: object) -> None:
        self._close()
        parent = self._path[-1].rpartition(" ")[2] if self._path else ""
        self._path.append(name)
        if self._open is not None:
            self._paid = self._paid or _paid(name)
        elif (
            parent
            and " " not in name
            and (parent, name) not in _children()
            and len(self.ranges) < MOST_PLACES
        ):
            description = f"l’élément « {name[:60]} »" + (
                f" dans « {parent[:60]} »" if name in _names() else ""
            )
            self._open = (len(self._path), self.parser.CurrentByteIndex, description)
            self._paid = _paid(name)

    def _end(self, _name: str) -> None:
        self._close()
        if self._open is not None and self._open[0] == len(self._path):
            if not self._paid:
                self._over = (self._open[1], self._open[2])
            self._open = None
        self._path.pop()

    def _close(self) -> None:
        """An element ends where the next event begins, or where the text after it does: that text is no element's here."""
        if self._over is not None:
            start, description = self._over
            self.ranges.append((start, self.parser.CurrentByteIndex))
            if len(self.descriptions) < MOST:
                self.descriptions[description] = None
            self._over = None


@lru_cache(maxsize=len(VERSIONS))
def _schema(version: str) -> Any:
    from lxml import etree

    return etree.XMLSchema(etree.parse(str(HOME / f"v{version}" / ENTRY)))


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """Every name that a known set gives to an element."""
    return frozenset(name for _, name in _children())


@lru_cache(maxsize=1)
def _attributes() -> frozenset[str]:
    """Every name that a known set gives to an attribute."""
    return frozenset(
        attribute.get("name")
        for tree in _declared()
        for attribute in tree.iter(f"{_XSD}attribute")
        if attribute.get("name")
    )


@lru_cache(maxsize=1)
def _children() -> frozenset[tuple[str, str]]:
    """Every element that a known set has inside another one, by their names; types of one name are taken together."""
    inside: dict[str, set[str]] = {}
    types: dict[str, set[str]] = {}
    for tree in _declared():
        for group in tree.iter(f"{_XSD}complexType", f"{_XSD}group"):
            holder = group if group.get("name") else group.getparent()
            parts = inside if holder.tag == f"{_XSD}element" else types
            parts.setdefault(holder.get("name", ""), set()).update(_members(group))
        for element in tree.iter(f"{_XSD}element"):
            if element.get("type"):
                inside.setdefault(element.get("name"), set()).add(
                    "type " + element.get("type").rpartition(":")[2]
                )
    return frozenset(
        (name, child) for name, children in inside.items() for child in _resolved(children, types, ())
    )


def _members(part: Any) -> Iterator[str]:
    """The names of the elements of a type, and of the types and groups whose elements are its own (« type X »)."""
    for child in part.iterchildren():
        if child.tag == f"{_XSD}element":
            yield (child.get("name") or child.get("ref", "")).rpartition(":")[2]
            continue
        for key in ("base", "ref"):
            if child.get(key):
                yield "type " + child.get(key).rpartition(":")[2]
        yield from _members(child)


def _resolved(names: Iterable[str], types: dict[str, set[str]], resolved: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        kind = name.removeprefix("type ")
        if kind == name:
            yield name
        elif kind not in resolved:
            yield from _resolved(types.get(kind, ()), types, (*resolved, kind))


def _declared() -> Iterator[Any]:
    """The schemas of every known set, as trees."""
    from lxml import etree

    for path in sorted(HOME.rglob("*.xsd")):
        yield etree.parse(str(path)).getroot()


def _forget(parser: Any) -> None:
    """Give back the memory of what has been validated."""
    for _, element in parser.read_events():
        if element.tag in HEAVY:
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]


def _fault_in(message: str) -> tuple[str, str]:
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
