"""Incremental saving attacks: something is appended to a signed file, well written or badly enough to escape the analysis.

Source: Mladenov, Mainka, Meyer zu Selhausen, Grothe, Schwenk, « 1 Trillion Dollar Refund » (CCS 2019), §4.3 (ISA).
"""

import re
import zlib

from tests.attacks import workshop
from tests.attacks.catalogue import forgery
from tests.attacks.workshop import (
    appended,
    changed,
    container,
    layout,
    scam_objects,
    table,
    trailer,
    written_objects,
)

FAMILY = "ISA"

ENDS = {
    "page rewritten, whole update": b"%%EOF\n",
    "page rewritten, no end of file": b"",
    "page rewritten, end of file cut short": b"%%EO",
    "page rewritten, end of file with a space": b"%% EOF\n",
    "page rewritten, one percent sign": b"%EOF\n",
    "page rewritten, lower-case end of file": b"%%eof\n",
    "page rewritten, end of file, then rubbish": b"%%EOF\nrien",
    "page rewritten, rubbish instead of the end": b"\x00\x00\x00\x00",
    "page rewritten, end of file within a word": b"x%%EOFx",
}
for _variant, _end in ENDS.items():
    forgery(FAMILY, _variant)(lambda shop, end=_end: appended(shop.base, scam_objects(shop.base), end))


@forgery(FAMILY, "page rewritten over a file of object streams, no end of file")
def over_streams(shop):
    return appended(shop.compressed, scam_objects(shop.compressed), b"")


@forgery(FAMILY, "page rewritten in what Paraphe signed, no end of file")
def over_ours(shop):
    return appended(shop.ours, scam_objects(shop.ours), b"")


def parts(data: bytes, more: bytes = b"") -> tuple[bytes, bytes, bytes, int]:
    """Objects, table, trailer of the forgery, and where the table starts when all are appended."""
    objects = scam_objects(data)
    body, places = written_objects(objects, len(data) + 1)
    size = max(max(objects) + 1, layout(data).size)
    return body, table(places), trailer(data, size, more), len(data) + 1 + len(body)


def cut(*names: str, end: bytes = b"%%EOF\n", where=None):
    """An update of which only some parts are written, and a startxref that may lie."""

    def make(shop):
        data = shop.base
        body, xref, tail, at = parts(data)
        written = {"objects": body, "xref": xref, "trailer": tail}
        start = at if where is None else where(data, at)
        pointer = b"startxref\n%d\n" % start if "startxref" in names else b""
        return data + b"\n" + b"".join(written[name] for name in names if name in written) + pointer + end

    return make


PARTS = {
    "objects alone": cut("objects", end=b""),
    "objects and end of file, no xref": cut("objects"),
    "objects and trailer, no xref": cut("objects", "trailer"),
    "objects, trailer and startxref, no xref": cut("objects", "trailer", "startxref"),
    "objects and xref, no trailer": cut("objects", "xref", "startxref"),
    "objects, xref and trailer, no startxref": cut("objects", "xref", "trailer"),
    "startxref of nought": cut("objects", "xref", "trailer", "startxref", where=lambda _data, _at: 0),
    "startxref beyond the file": cut("objects", "xref", "trailer", "startxref", where=lambda _d, at: at * 9),
    "startxref one byte early": cut("objects", "xref", "trailer", "startxref", where=lambda _d, at: at - 1),
    "startxref a few bytes late": cut("objects", "xref", "trailer", "startxref", where=lambda _d, at: at + 3),
    "startxref at the former table": cut(
        "objects", "xref", "trailer", "startxref", where=lambda data, _at: layout(data).startxref
    ),
    "objects, startxref at the former table": cut(
        "objects", "startxref", where=lambda data, _at: layout(data).startxref
    ),
    "objects, startxref at the former table, no end of file": cut(
        "objects", "startxref", end=b"", where=lambda data, _at: layout(data).startxref
    ),
}
for _variant, _make in PARTS.items():
    forgery(FAMILY, _variant)(_make)


@forgery(FAMILY, "trailer without Prev")
def no_prev(shop):
    data = shop.base
    whole = appended(data, scam_objects(data))
    return whole[: len(data)] + re.sub(rb"/Prev \d+", b"", whole[len(data) :])


@forgery(FAMILY, "Prev that points at itself")
def loop(shop):
    data = shop.base
    body, xref, _, at = parts(data)
    size = layout(data).size + 30
    return data + b"\n" + body + xref + trailer(data, size, prev=at) + b"startxref\n%d\n%%%%EOF\n" % at


@forgery(FAMILY, "Prev that skips the signed revision")
def skip(shop):
    data = shop.base
    whole = appended(data, scam_objects(data))
    first = int(re.search(rb"startxref\s+(\d+)", data).group(1))
    return whole[: len(data)] + re.sub(rb"/Prev \d+", b"/Prev %d" % first, whole[len(data) :])


@forgery(FAMILY, "objects of another generation")
def generation(shop):
    data = shop.base
    whole = appended(data, scam_objects(data))
    page = layout(data).page
    tail = whole[len(data) :].replace(b"%d 0 obj" % page, b"%d 1 obj" % page, 1)
    return data + re.sub(rb"(\n%d 1\n\d{10} )00000" % page, rb"\g<1>00001", tail)


@forgery(FAMILY, "end of file hidden in a comment")
def comment(shop):
    return appended(shop.base, scam_objects(shop.base), b"% la fin %%EOF")


@forgery(FAMILY, "end of file in a stream of the update")
def in_stream(shop):
    objects = scam_objects(shop.base)
    objects[max(objects) + 1] = workshop.raw_stream(b"startxref\n0\n%%EOF\n")
    return appended(shop.base, objects, b"")


@forgery(FAMILY, "two updates, the last without its end of file")
def two_updates(shop):
    innocent = changed(shop.base, lambda writer: writer.add_object(workshop.thing({"Vide": 1})))
    return appended(innocent, scam_objects(innocent), b"")


@forgery(FAMILY, "update after a megabyte of blanks")
def far_away(shop):
    data = shop.base + b"\n" * (1 << 20)
    return appended(data, scam_objects(shop.base), b"")


@forgery(FAMILY, "a copy of the signature is appended with the page")
def with_copy(shop):
    """The published variant for viewers that ask that the last update carry a signature."""
    data = shop.base
    start = data.rindex(b" 0 obj", 0, container(data)[0])
    begin = data.rindex(b"\n", 0, start) + 1
    number = int(data[begin:start])
    body = data[data.index(b"obj", start) + 3 : data.index(b"endobj", start)].strip()
    return appended(data, {**scam_objects(data), number: body})


def xref_stream(places: dict[int, tuple[int, int, int]], entries: bytes) -> bytes:
    index = b" ".join(b"%d 1" % number for number in sorted(places))
    rows = b"".join(
        bytes((kind,)) + place.to_bytes(4, "big") + bytes((last,))
        for _, (kind, place, last) in sorted(places.items())
    )
    return workshop.raw_stream(rows, b"/Type /XRef /W [1 4 1] /Index [%b] %b" % (index, entries))


def as_xref_stream(data: bytes, end: bytes, *, inside: bool) -> bytes:
    """The forgery in a cross-reference stream, its page in an object stream when `inside`."""
    found, objects = layout(data), scam_objects(data)
    page = objects.pop(found.page)
    places: dict[int, tuple[int, int, int]] = {}
    if inside:
        holder = max(objects) + 1
        head = b"%d 0 " % found.page
        packed = zlib.compress(head + page)
        objects[holder] = workshop.raw_stream(
            packed, b"/Type /ObjStm /N 1 /First %d /Filter /FlateDecode" % len(head)
        )
        places[found.page] = (2, holder, 0)
    else:
        objects[found.page] = page
    body, written = written_objects(objects, len(data) + 1)
    places |= {number: (1, place, 0) for number, place in written.items()}
    own, at = max(places) + 1, len(data) + 1 + len(body)
    places[own] = (1, at, 0)
    entries = b"/Size %d /Root %d 0 R /Prev %d" % (own + 1, found.root, found.startxref)
    return (
        data
        + b"\n"
        + body
        + b"%d 0 obj\n%b\nendobj\nstartxref\n%d\n" % (own, xref_stream(places, entries), at)
        + end
    )


for _variant, _base, _inside, _end in (
    ("cross-reference stream", "compressed", False, b"%%EOF\n"),
    ("cross-reference stream, no end of file", "compressed", False, b""),
    ("page in an object stream", "compressed", True, b"%%EOF\n"),
    ("page in an object stream, no end of file", "compressed", True, b""),
    ("cross-reference stream after a table", "base", False, b"%%EOF\n"),
    ("page in an object stream after a table, no end of file", "base", True, b""),
):
    forgery(FAMILY, _variant)(
        lambda shop, base=_base, inside=_inside, end=_end: as_xref_stream(
            getattr(shop, base), end, inside=inside
        )
    )


@forgery(FAMILY, "table after object streams")
def table_after_streams(shop):
    return appended(shop.compressed, scam_objects(shop.compressed))


def hybrid(shop, end: bytes):
    """A table that says nothing of the page, and beside it a stream that does (ISO 32000-1 §7.5.8.4)."""
    data = shop.base
    found, objects = layout(data), scam_objects(data)
    body, places = written_objects(objects, len(data) + 1)
    own, at = max(objects) + 1, len(data) + 1 + len(body)
    entries = b"/Size %d /Root %d 0 R" % (own + 1, found.root)
    cross = xref_stream({number: (1, place, 0) for number, place in places.items()}, entries)
    beside = b"%d 0 obj\n%b\nendobj\n" % (own, cross)
    start = at + len(beside)
    return (
        data
        + b"\n"
        + body
        + beside
        + table({own: at})
        + trailer(data, own + 1, b"/XRefStm %d" % at)
        + b"startxref\n%d\n" % start
        + end
    )


forgery(FAMILY, "hybrid cross-reference")(lambda shop: hybrid(shop, b"%%EOF\n"))
forgery(FAMILY, "hybrid cross-reference, no end of file")(lambda shop: hybrid(shop, b""))
