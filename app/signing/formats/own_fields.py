"""The signature fields that the author of a certified document left free: the only ones that may be filled there."""

import mmap
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import read_certification_data

from app.signing.formats import placement
from app.signing.ports import Box, FieldPlan


def left_free(path: Path) -> list[FieldPlan] | None:
    """These fields in the document's order, each with its box as shown (None when it does not show).

    None when the document is not certified (ISO 32000-2 §12.8.2.2), or cannot be read: preparing it says why.
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
            return [FieldPlan(name, _box(reader, reference.get_object())) for name, _, reference in free]
        except (PdfError, ValueError, TypeError, LookupError):
            return None


def _box(reader: PdfFileReader, field: Any) -> Box | None:
    widget = field["/Kids"][0] if "/Kids" in field else field
    corners = [float(one) for one in widget["/Rect"]]
    if corners[0] == corners[2] or corners[1] == corners[3]:
        return None
    number = _page(reader, widget)
    shape = placement.shapes(reader)[number]
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
        if any(getattr(one, "container_ref", None) == own for one in (shown[n] for n in range(len(shown)))):
            return number
    raise LookupError("no page shows this field")
