"""Where things are in a PES v2 flow, by byte offset: its bordereaux, their Ids, the signatures already there.

One pass of expat over the file, whatever its size: nothing is kept but offsets and Ids. The file is never rewritten.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn
from xml.parsers import expat

from app.core.refusals import Refusal
from app.verification.readers.pes.profile import DOMAINS, DS, PES, ROOT
from app.verification.readers.pes.skim import Skim

BLOCK = 1 << 18
LONGEST_MARK = 16 << 20  # bytes of one tag, comment or attribute
NEAR, DEEPEST, MOST_BORDEREAUX, MOST_IDS = 4, 100, 20_000, 200_000
NOTHING: Mapping[str, str] = MappingProxyType({})
# xs:ID is « Id » in PES and XML Signature; the other spellings are what a careless verifier would also follow
ID_NAMES = frozenset({"Id", "ID", "id", "http://www.w3.org/XML/1998/namespace id xml"})
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*")
SIGNATURE, BORDEREAU, DECLARED = f"{DS} Signature", "Bordereau", "InfoDematerialisee"


@dataclass(frozen=True)
class Mark:
    """A Signature element: the bytes of its start tag and of its end tag, and the namespaces in scope above it."""

    start: int
    close: int
    context: Mapping[str, str]


@dataclass
class Target:
    """An element that can be signed: a Bordereau, or the root.

    `start`: byte of its start tag; `close`: byte of its end tag. `context`: the namespaces in scope above it.
    `last`: byte of its last child element. `signatures`: its own Signature children.
    """

    name: str
    id: str | None
    start: int
    context: Mapping[str, str] = field(default_factory=dict)
    domain: str = ""
    close: int = -1
    last: int = -1
    signatures: list[Mark] = field(default_factory=list)


@dataclass(frozen=True)
class Layout:
    """What a flow is made of. `declared`: the values of InfoDematerialisee for each domain that has bordereaux.

    `strays`: names of the Signature and Bordereau elements found where the schema has none. `twice`: Ids given to
    more than one element.
    """

    encoding: str | None
    root: Target
    bordereaux: Sequence[Target]
    declared: Mapping[str, Sequence[str]]
    ids: frozenset[str]
    twice: frozenset[str]
    strays: Sequence[str]

    @property
    def signed(self) -> bool:
        """Whether it bears any signature, well placed or not."""
        return bool(
            self.root.signatures
            or "Signature" in self.strays
            or any(bordereau.signatures for bordereau in self.bordereaux)
        )


def layout(path: Path, *, skim: bool = False) -> Layout:
    """Read where everything is; refuses `pes-unreadable`, `pes-doctype`, `pes-not-a-flow`, `pes-too-complex`.

    With `skim` long texts are not looked at (`skim`), which finds the same elements at the same bytes in half the
    time, and leaves a forbidden character in an attachment to whoever reads the file without it.

    A DOCTYPE is refused on sight: no flow has one, and without one there is no entity, no default attribute and no
    second reading of the file (OWASP, XML External Entity Prevention).
    """
    walk = _Walk(skim=skim)
    with path.open("rb") as stream:
        head = stream.read(5)
        # With these bytes first, neither a byte order mark nor UTF-16 can change what the others say
        if head != b"<?xml":
            raise _unreadable("il ne commence pas par une déclaration XML")
        block = head + stream.read(BLOCK)
        try:
            while block:
                walk.feed(block)
                block = stream.read(BLOCK)
            walk.parser.Parse(b"", True)
        except expat.ExpatError as error:
            at = walk.skim.offset(walk.parser.ErrorByteIndex)
            raise _unreadable(f"{expat.errors.messages[error.code]}, octet {at}") from error
        except (UnicodeError, LookupError, ValueError) as error:
            raise _unreadable(str(error)) from error
    return walk.layout()


def _unreadable(why: str) -> Refusal:
    return Refusal("pes-unreadable", why=why)


class _Walk:
    """The state of the pass. Handlers do next to nothing for the elements that make up nearly all of a flow."""

    def __init__(self, *, skim: bool) -> None:
        self.parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.namespace_prefixes = True
        parser.ordered_attributes = True
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.StartNamespaceDeclHandler = self.declare
        parser.XmlDeclHandler = self.declaration
        parser.StartDoctypeDeclHandler = self.doctype
        self.depth = 0
        self.path: list[tuple[str, Mapping[str, str]]] = []  # name and namespaces of what is open, four deep
        self.pending: dict[str, str | None] = {}
        self.skim = Skim(parser, lambda: self.depth > 0)
        self.take = self.skim.feed if skim else self.skim.parse
        self.encoding: str | None = None
        self.root: Target | None = None
        self.bordereau: Target | None = None
        self.open: tuple[Target, int, int] | None = None  # whose Signature is open, its byte, its depth
        self.bordereaux: list[Target] = []
        self.declared: dict[str, list[str]] = {}
        self.ids: set[str] = set()
        self.twice: set[str] = set()
        self.strays: list[str] = []

    def feed(self, block: bytes) -> None:
        """Read some more of the file; refuses `pes-too-complex` for a mark that never ends."""
        self.take(block)
        # expat keeps a mark until it ends: one that never does would fill the memory.
        if self.skim.fed - self.parser.CurrentByteIndex > LONGEST_MARK:
            raise Refusal("pes-too-complex", what="une balise ou un commentaire démesuré")

    def layout(self) -> Layout:
        """What was read."""
        root = self.root
        if root is None:
            raise _unreadable("il est vide")
        domains = {bordereau.domain for bordereau in self.bordereaux}
        return Layout(
            self.encoding,
            root,
            tuple(self.bordereaux),
            {domain: tuple(self.declared.get(domain, ())) for domain in DOMAINS if domain in domains},
            frozenset(self.ids),
            frozenset(self.twice),
            tuple(self.strays),
        )

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        """The XML declaration; XML 1.1 reads line ends otherwise, so it is not a flow."""
        del standalone
        if version != "1.0":
            raise _unreadable(f"version XML {version}")
        self.encoding = encoding

    def doctype(self, *_: Any) -> NoReturn:
        """Never legitimate."""
        raise Refusal("pes-doctype")

    def declare(self, prefix: str | None, uri: str | None) -> None:
        """A namespace declared on the element that comes next."""
        self.pending[prefix or ""] = uri

    def start(self, name: str, attributes: list[str]) -> None:
        """An element begins."""
        depth = self.depth
        self.depth = depth + 1
        # Nearly every element of a flow is deep, has no namespace, and the one attribute V
        named = None
        if attributes and (len(attributes) > 2 or attributes[0] != "V"):
            named = self.id(attributes)
        odd = name == BORDEREAU or " " in name or self.pending
        if depth < NEAR or odd or depth > DEEPEST:
            self.look(depth, name, named, attributes)

    def id(self, attributes: list[str]) -> str | None:
        """The Id among the attributes, noted with its duplicates."""
        identifier = None
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            if name in ID_NAMES:
                (self.twice if value in self.ids else self.ids).add(value)
                identifier = value if name == "Id" else identifier
        if len(self.ids) > MOST_IDS:
            raise Refusal("pes-too-complex", what=f"plus de {MOST_IDS} identifiants")
        return identifier

    def look(self, depth: int, name: str, named: str | None, attributes: list[str]) -> None:
        """What an element near the root, a signature or a Bordereau means."""
        if depth > DEEPEST:
            raise Refusal("pes-too-complex", what=f"plus de {DEEPEST} éléments l’un dans l’autre")
        at, path = self.skim.offset(self.parser.CurrentByteIndex), self.path
        if depth < NEAR:
            del path[depth:]
            path.append((name, self.scope(depth)))
        self.pending.clear()
        if depth == 0:
            if name.split(" ")[:2] != [PES, ROOT]:
                raise Refusal("pes-not-a-flow", root=name.split(" ")[min(1, name.count(" "))][:80])
            self.root = Target(ROOT, named, at)
            return
        if depth == 1 and self.root is not None:
            self.root.last = at
        elif depth == 3 and self.bordereau is not None:
            self.bordereau.last = at
        domain = path[1][0]
        if name == BORDEREAU:
            self.enter(depth, domain, named, at)
        elif name.startswith(SIGNATURE) and name.split(" ")[1] == "Signature":
            self.sign(depth, at)
        elif name == DECLARED and depth == 3 and path[2][0] == DOMAINS.get(domain):
            pairs = dict(zip(attributes[::2], attributes[1::2], strict=True))
            self.declared.setdefault(domain, []).append(pairs.get("V", "").strip())

    def scope(self, depth: int) -> Mapping[str, str]:
        """The namespaces in scope in the element that begins."""
        above = self.path[depth - 1][1] if depth else NOTHING
        if not self.pending:
            return above
        return {prefix: uri for prefix, uri in {**above, **self.pending}.items() if uri}

    def enter(self, depth: int, domain: str, named: str | None, at: int) -> None:
        """A Bordereau begins, at its place or elsewhere."""
        if depth != 2 or domain not in DOMAINS:
            self.strays.append(BORDEREAU)
            return
        self.bordereau = Target(BORDEREAU, named, at, self.path[1][1], domain)
        self.bordereaux.append(self.bordereau)
        if len(self.bordereaux) > MOST_BORDEREAUX:
            raise Refusal("pes-too-complex", what=f"plus de {MOST_BORDEREAUX} bordereaux")

    def sign(self, depth: int, at: int) -> None:
        """A Signature begins, as a child of what it may sign or elsewhere."""
        owner = self.root if depth == 1 else self.bordereau if depth == 3 else None
        # A Signature inside another, or elsewhere, is told: it is how a genuine element is hidden beside a
        # forged one.
        if owner is None or self.open is not None:
            self.strays.append("Signature")
        else:
            self.open = (owner, at, depth)

    def end(self, name: str) -> None:
        """An element ends."""
        del name
        self.depth = depth = self.depth - 1
        if depth >= NEAR:
            return
        at = self.skim.offset(self.parser.CurrentByteIndex)
        if self.open is not None and self.open[2] == depth:
            # The end of its end tag is found when the bytes are read: expat says where the tag begins
            self.open[0].signatures.append(Mark(self.open[1], at, self.path[depth - 1][1]))
            self.open = None
        elif depth == 2 and self.bordereau is not None:
            self.bordereau.close = at
            self.bordereau = None
        elif depth == 0 and self.root is not None:
            self.root.close = at
