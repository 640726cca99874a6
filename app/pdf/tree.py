"""What one revision of a PDF holds that can be seen: its pages, their annotations, the fields of its form."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NullObject,
)
from pyhanko.pdf_utils.misc import PdfReadError

DEEPEST, MOST_PAGES, MOST_FIELDS, MOST_OBJECTS = 64, 200_000, 20_000, 200_000
LETTER = (0.0, 0.0, 612.0, 792.0)  # what viewers show a page without any MediaBox as
Key = tuple[int, int] | tuple[int, int, int]
Rectangle = tuple[float, float, float, float]
# What leads from an annotation to the rest of the document, and is no part of how it looks
ELSEWHERE = frozenset(
    {"/P", "/Parent", "/Popup", "/IRT", "/Dest", "/StructParent", "/V", "/Kids", "/Lock", "/SV", "/A", "/AA"}
)


@dataclass(frozen=True)
class Annotation:
    """An annotation as a page lists it; `key` is its object's number and generation, or its place when it has none."""

    key: Key
    page: int
    value: Any
    rectangle: Rectangle | None

    @property
    def area(self) -> float:
        """In units of the page; 0 when it has no extent."""
        if self.rectangle is None:
            return 0.0
        left, bottom, right, top = self.rectangle
        return (right - left) * (top - bottom)

    @property
    def flags(self) -> int:
        """Annotation flags (ISO 32000-2 table 167)."""
        return whole(got(self.value, "/F", 0))

    @property
    def drawing(self) -> Any:
        """Its appearance dictionary, None without one."""
        appearance = got(self.value, "/AP")
        return appearance if isinstance(appearance, DictionaryObject) else None


@dataclass(frozen=True)
class Page:
    """A page: `box` is what is shown of it, in its own coordinates; `order`: its annotations as they are listed.

    What is listed later is drawn over what comes before (ISO 32000-2 §12.5.2), and what is listed twice is drawn twice.
    """

    key: Key
    value: Any
    box: Rectangle
    annotations: dict[Key, Annotation]
    order: tuple[Key, ...] = ()

    @property
    def area(self) -> float:
        """In units of the page, never 0."""
        left, bottom, right, top = self.box
        return max((right - left) * (top - bottom), 1.0)


@dataclass(frozen=True)
class Field:
    """A field of the form: its full name, its type, its value and the objects that show it."""

    name: str
    kind: str
    value: Any
    widgets: tuple[Key, ...]
    keys: tuple[Key, ...]

    @property
    def text(self) -> str:
        """Its value as people read it; empty for none."""
        return text_of(self.value)


@dataclass
class Snapshot:
    """What a revision shows, read through pyHanko's resolver of that revision."""

    handler: Any
    pages: list[Page] = field(default_factory=list)
    fields: dict[str, Field] = field(default_factory=dict)

    def owner(self, key: Key) -> Field | None:
        """The field that a widget shows."""
        return self._owners.get(key)

    def __post_init__(self) -> None:
        root = self.handler.root
        self.pages = [
            _page(number, *leaf) for number, leaf in enumerate(_leaves(root.raw_get("/Pages"), {}, 0))
        ]
        form = got(root, "/AcroForm")
        listed = got(form, "/Fields") if isinstance(form, DictionaryObject) else None
        for form_field in _fields(listed, "", "", None, 0):
            if len(self.fields) >= MOST_FIELDS:
                raise PdfReadError("too many fields")
            known = self.fields.get(form_field.name)
            self.fields[form_field.name] = form_field if known is None else _merged(known, form_field)
        self._owners = {key: form_field for form_field in self.fields.values() for key in form_field.widgets}


def _merged(first: Field, second: Field) -> Field:
    return Field(
        first.name, first.kind, first.value, first.widgets + second.widgets, first.keys + second.keys
    )


def _leaves(raw: Any, inherited: dict[str, Any], depth: int) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    if depth > DEEPEST:
        raise PdfReadError("the page tree loops or is too deep")
    node = raw.get_object()
    if not isinstance(node, DictionaryObject):
        return
    known = dict(inherited)
    for name in ("/MediaBox", "/CropBox"):
        if name in node:
            known[name] = node[name]
    kids = got(node, "/Kids")
    if not isinstance(kids, ArrayObject):
        yield raw, node, known
        return
    for number in range(len(kids)):
        yield from _leaves(kids.raw_get(number), known, depth + 1)


def _page(number: int, raw: Any, node: Any, known: dict[str, Any]) -> Page:
    if number > MOST_PAGES:
        raise PdfReadError("too many pages")
    media = rectangle(known.get("/MediaBox")) or LETTER
    crop = rectangle(known.get("/CropBox")) or media
    shown = (max(crop[0], media[0]), max(crop[1], media[1]), min(crop[2], media[2]), min(crop[3], media[3]))
    if shown[0] >= shown[2] or shown[1] >= shown[3]:
        shown = media
    listed = list(_annotations(number, node))
    return Page(key_of(raw, (-1, number, 0)), node, shown, dict(listed), tuple(key for key, _ in listed))


def _annotations(number: int, node: Any) -> Iterator[tuple[Key, Annotation]]:
    listed = got(node, "/Annots")
    if not isinstance(listed, ArrayObject):
        return
    for place in range(len(listed)):
        raw = listed.raw_get(place)
        value = raw.get_object()
        if isinstance(value, DictionaryObject):
            key = key_of(raw, (-2, number, place))
            yield key, Annotation(key, number, value, rectangle(got(value, "/Rect")))


def _fields(listed: Any, above: str, kind: str, value: Any, depth: int) -> Iterator[Field]:
    if not isinstance(listed, ArrayObject):
        return
    if depth > DEEPEST:
        raise PdfReadError("the form loops or is too deep")
    for place in range(len(listed)):
        raw = listed.raw_get(place)
        node = raw.get_object()
        if not isinstance(node, DictionaryObject):
            continue
        partial = got(node, "/T")
        name = above if partial is None else f"{above}.{partial}" if above else str(partial)
        own_kind, own = str(got(node, "/FT", kind)), _raw(node, "/V", value)
        key = key_of(raw, (-3, depth, place))
        kids = got(node, "/Kids")
        if isinstance(kids, ArrayObject) and len(kids):
            yield Field(name, own_kind, own, (), (key,))
            yield from _fields(kids, name, own_kind, own, depth + 1)
        else:
            yield Field(name, own_kind, own, (key,), (key,))


def _raw(node: Any, name: str, otherwise: Any) -> Any:
    return node.raw_get(name) if name in node else otherwise


def got(node: Any, name: str, otherwise: Any = None) -> Any:
    """A dictionary's value behind its reference (`get` of pyHanko's dictionaries gives the reference itself)."""
    return node[name] if name in node else otherwise  # noqa: SIM401 (see above)


def parts(node: Any, besides: frozenset[str]) -> Iterator[Any]:
    """What a dictionary or an array holds, references as references, but under the keys `besides`."""
    if isinstance(node, DictionaryObject):
        yield from (node.raw_get(name) for name in node if name not in besides)
    elif isinstance(node, ArrayObject):
        yield from (node.raw_get(place) for place in range(len(node)))


def key_of(raw: Any, otherwise: Key) -> Key:
    """What tells an object from others: its number and generation, else `otherwise`."""
    return (raw.idnum, raw.generation) if isinstance(raw, IndirectObject) else otherwise


def rectangle(value: Any) -> Rectangle | None:
    """Four numbers in order, or None."""
    if not isinstance(value, ArrayObject) or len(value) != 4:
        return None
    try:
        x1, y1, x2, y2 = (float(value[place]) for place in range(4))
    except (TypeError, ValueError):
        return None
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def whole(value: Any) -> int:
    """An integer, 0 for what is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def text_of(value: Any) -> str:
    """A field's value as people read it."""
    value = value.get_object() if value is not None else None
    if value is None or isinstance(value, (NullObject, DictionaryObject)):
        return ""
    if isinstance(value, ArrayObject):
        return ", ".join(text_of(value.raw_get(place)) for place in range(min(len(value), 50)))
    text = str(value)
    return "" if text in {"/Off", ""} else text.removeprefix("/")


class Reach:
    """Which objects need, to be drawn, one of those that an update has written; what was walked once is not again."""

    def __init__(self, objects: frozenset[Key], besides: frozenset[str] = ELSEWHERE) -> None:
        self.objects, self._besides = objects, besides
        self._clean: set[Key] = set()

    def __call__(self, value: Any) -> bool:
        """Whether an object, or any that it leads to, is one of them; keys of `besides` are not followed."""
        waiting: list[Any] = [value]
        visited: set[Key] = set()
        while waiting:
            node = waiting.pop()
            if isinstance(node, IndirectObject):
                key = (node.idnum, node.generation)
                if key in self.objects:
                    return True
                if key in visited or key in self._clean:
                    continue
                visited.add(key)
                if len(visited) > MOST_OBJECTS:
                    raise PdfReadError("too many objects")
                node = node.get_object()  # type: ignore[no-untyped-call]
            waiting.extend(parts(node, self._besides))
        self._clean |= visited
        return False
