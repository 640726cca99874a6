"""The fields that a document has already: those that an author of a certified one left free, those that we made, all names."""

import mmap
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import read_certification_data

from app.signing.formats import geometry
from app.signing.ports import Box, FieldPlan

MOST_FIELDS = 20_000
HIDDEN = 0b100010  # Hidden and NoView (ISO 32000-2 table 167)
# What a seed value may demand (ISO 32000-2 table 237, Ff) and every signature made here fulfils
FILTER, SUB_FILTER, VERSION, DIGESTS = 1, 2, 4, 64
OURS = {"SHA256", "SHA384", "SHA512"}


def left_free(path: Path) -> list[FieldPlan] | None:
    """The empty fields of a certified document, in its order, each with its box as shown (None when it has no size).

    The only ones that may be filled there. Left out is what nobody would see though it has a size (hidden, outside its
    page), and what demands by its seed values a signature that is not ours. None when the document is not certified
    (ISO 32000-2 §12.8.2.2), or cannot be read: preparing it says why.
    """
    with path.open("rb") as stream:
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data.find(b"/ByteRange") < 0:  # it is written in clear, by whatever signs
                return None
        try:
            reader = PdfFileReader(stream)
            if read_certification_data(reader) is None:
                return None
            free = enumerate_sig_fields(reader, filled_status=False)
            return [
                plan for name, _, reference in free if (plan := _usable(reader, name, reference.get_object()))
            ]
        except (PdfError, ValueError, TypeError, LookupError):
            return None


def boxes_of(path: Path, wanted: Collection[str]) -> dict[str, Box | None]:
    """Where the signature fields of these names stand in a document, those that it has; None for one without size."""
    with path.open("rb") as stream:
        try:
            reader = PdfFileReader(stream, strict=False)
            every = enumerate_sig_fields(reader)
            return {
                name: _box(reader, reference.get_object()) for name, _, reference in every if name in wanted
            }
        except (PdfError, ValueError, TypeError, LookupError):
            return {}  # preparing it says why


def names(reader: PdfFileReader) -> frozenset[str]:
    """Every name that a field of the form bears, whatever its type and its place in the tree."""
    return frozenset(_names(_value(_value(reader.root, "/AcroForm", {}), "/Fields", ())))


def _names(fields: Any) -> Iterator[str]:
    waiting, visited = [fields], set[Any]()
    while waiting and len(visited) < MOST_FIELDS:
        several = waiting.pop()
        for index in range(len(several)) if isinstance(several, (list, tuple)) else ():
            field = several[index]  # by index: pyHanko follows references there, and not when it iterates
            if not isinstance(field, dict) or id(field) in visited:
                continue
            visited.add(id(field))
            if "/T" in field:
                yield str(field["/T"])
            waiting.append(_value(field, "/Kids", ()))


def _value(dictionary: Any, key: str, default: Any = None) -> Any:
    """The object under a key, its reference followed, which pyHanko's `get` does not do."""
    return dictionary[key] if key in dictionary else default  # noqa: SIM401 - its own `get` follows no reference


def _usable(reader: PdfFileReader, name: str, field: Any) -> FieldPlan | None:
    widget = field["/Kids"][0] if "/Kids" in field else field
    box = _box(reader, field)
    if box is not None:
        shown = geometry.shapes(reader)[box.page].holds(box)
        if not shown or int(_value(widget, "/F", 0)) & HIDDEN or "/OC" in widget:
            return None
    return None if _demands(_value(field, "/SV")) else FieldPlan(name, box)


def _demands(seed: Any) -> bool:
    """Whether a seed value asks for what no signature made here is known to be (ISO 32000-2 §12.7.5.5)."""
    if seed is None:
        return False
    flags = int(_value(seed, "/Ff", 0))
    if flags & ~(FILTER | SUB_FILTER | VERSION | DIGESTS):
        return True
    if flags & FILTER and _value(seed, "/Filter", "/Adobe.PPKLite") != "/Adobe.PPKLite":
        return True
    if flags & SUB_FILTER and list(_value(seed, "/SubFilter", ()))[:1] != ["/ETSI.CAdES.detached"]:
        return True
    if flags & DIGESTS and not {str(method) for method in _value(seed, "/DigestMethod", ())} >= OURS:
        return True
    # A certificate, a certification, an hour of somebody's choice: they may not be met on the day
    return (
        any(int(_value(_value(seed, part, {}), "/Ff", 0)) for part in ("/Cert", "/TimeStamp"))
        or "/MDP" in seed
    )


def _box(reader: PdfFileReader, field: Any) -> Box | None:
    widget = field["/Kids"][0] if "/Kids" in field else field
    corners = [float(corner) for corner in widget["/Rect"]]
    if corners[0] == corners[2] or corners[1] == corners[3]:
        return None
    number = _page(reader, widget)
    shape = geometry.shapes(reader)[number]
    (x1, y1), (x2, y2) = shape.outward(corners[0], corners[1]), shape.outward(corners[2], corners[3])
    return Box(number, min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def _page(reader: PdfFileReader, widget: Any) -> int:
    """The page that shows a field, from 0: the one that it names, else the one that lists it (/P is optional, table 166)."""
    count = int(reader.root["/Pages"]["/Count"])
    pages: list[Any] = [reader.find_page_for_modification(n)[0] for n in range(count)]  # type: ignore[no-untyped-call]
    if "/P" in widget:
        named = widget.raw_get("/P").reference
        return next(number for number, page in enumerate(pages) if page.reference == named)
    own = widget.container_ref
    for number, page in enumerate(pages):
        shown = page.get_object().get("/Annots", ())
        if any(
            getattr(annotation, "container_ref", None) == own
            for annotation in (shown[n] for n in range(len(shown)))
        ):
            return number
    raise LookupError("no page shows this field")
