"""Files that two readers take apart in two ways: what our analysis reads is innocent, what a viewer reads is not.

A key that stands twice, a stream whose length lies, an object twice in its stream or in its table, a drawing with a
document timestamp that anybody may ask for. Source: the parser differentials behind the published families (CCS 2019 §4,
NDSS 2021 §4.4); ISO 32000-2 §7.3.7 leaves the value of a doubled key undefined.
"""

import io
import zlib

import pikepdf
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.signers import PdfTimeStamper

from tests.attacks import workshop
from tests.attacks.catalogue import forgery
from tests.attacks.pdf_incremental import xref_stream
from tests.attacks.pdf_shadow import two_faces
from tests.attacks.workshop import (
    appearance,
    appended,
    changed,
    layout,
    page_of,
    scam_objects,
    signature_of,
    table,
    thing,
    trailer,
    written_objects,
)
from tests.verification.corpus import Tsa

FAMILY = "Lectures"
BLANK = b"<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] /Length 3 >>\nstream\nq Q\nendstream"


def scam_form(content: bytes | None = None, length: int | None = None) -> bytes:
    """A form XObject that shows the forger's page; `length` may lie."""
    content = content if content is not None else workshop.scam_content()
    fonts = b"/Resources << /Font << /F9 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >> >> >>"
    head = b"<< /Type /XObject /Subtype /Form /BBox [0 0 595 842] %b /Length %d >>" % (
        fonts,
        len(content) if length is None else length,
    )
    return head + b"\nstream\n" + content + b"\nendstream"


def new_widget(data: bytes, entries: bytes, *, kind: bytes = b"/Sig") -> dict[int, bytes]:
    """The objects of a new field with those entries in its widget: the widget, page and form that list it, two drawings."""
    found = layout(data)
    number = found.size
    with pikepdf.open(io.BytesIO(data)) as pdf:
        form, page = pdf.Root.AcroForm, pdf.pages[0].obj
        notes = page.Annots.unparse(resolved=True).rstrip(b"] ") + b" %d 0 R ]" % number
        fields = form.Fields.unparse(resolved=True).rstrip(b"] ") + b" %d 0 R ]" % number
        whole_page = replaced_entry(page, "/Annots", notes)
        whole_form = replaced_entry(form, "/Fields", fields)
        holder = form.objgen[0]
        root = pdf.Root.objgen[0]
        if not holder:
            holder, whole_form = root, replaced_entry(pdf.Root, "/AcroForm", whole_form)
    widget = b"<< /Type /Annot /Subtype /Widget /FT %b /T (piege) /F 4 /P %d 0 R %b >>" % (
        kind,
        found.page,
        entries,
    )
    return {
        found.page: whole_page,
        holder: whole_form,
        number: widget,
        number + 1: BLANK,
        number + 2: scam_form(),
    }


def replaced_entry(node, key: str, value: bytes) -> bytes:
    parts = {one: unparsed(node[one]) for one in node.keys()}  # noqa: SIM118 (pikepdf iterates otherwise)
    parts[key] = value
    return b"<< " + b" ".join(one.encode() + b" " + text for one, text in parts.items()) + b" >>"


def unparsed(value) -> bytes:
    """A value as it is written, a reference as a reference."""
    return (
        value.unparse()
        if isinstance(value, pikepdf.Object)
        else pikepdf.Array([value]).unparse().strip(b"[ ]")
    )


def widget(entries: str, **streams: bytes):
    """A file with a new signature field; « BLANK » and « SCAM » in its entries are the two drawings."""

    def make(shop):
        data = shop.base
        number = layout(data).size
        text = entries.replace("BLANK", f"{number + 1} 0 R").replace("SCAM", f"{number + 2} 0 R")
        objects = new_widget(data, text.encode())
        for name, body in streams.items():
            objects[number + {"blank": 1, "scam": 2}[name]] = body
        return appended(data, objects)

    return make


PAGE = "[0 0 595 842]"
WIDGETS = {
    "drawing twice, the blank one first": f"/Rect {PAGE} /AP << /N BLANK >> /AP << /N SCAM >>",
    "drawing twice, the blank one last": f"/Rect {PAGE} /AP << /N SCAM >> /AP << /N BLANK >>",
    "normal drawing twice, the blank one first": f"/Rect {PAGE} /AP << /N BLANK /N SCAM >>",
    "normal drawing twice, the blank one last": f"/Rect {PAGE} /AP << /N SCAM /N BLANK >>",
    "drawing twice by an escaped name, the blank one first": f"/Rect {PAGE} /AP << /N BLANK >> /A#50 << /N SCAM >>",
    "drawing twice by an escaped name, the blank one last": f"/Rect {PAGE} /A#50 << /N SCAM >> /AP << /N BLANK >>",
    "place twice, none first": f"/Rect [0 0 0 0] /Rect {PAGE} /AP << /N SCAM >>",
    "place twice, none last": f"/Rect {PAGE} /Rect [0 0 0 0] /AP << /N SCAM >>",
    "flags twice, hidden first": f"/Rect {PAGE} /F 2 /AP << /N SCAM >>",
    "kind twice": f"/Rect {PAGE} /Subtype /Stamp /AP << /N SCAM >>",
    "place of more than four numbers": "/Rect [0 0 0 0 595 842] /AP << /N SCAM >>",
    "drawing that rolls over": f"/Rect {PAGE} /AP << /N BLANK /R SCAM >>",
    "drawing when pressed": f"/Rect {PAGE} /AP << /N BLANK /D SCAM >>",
    "drawing in states, the state chosen by the blank": f"/Rect {PAGE} /AS /Off /AP << /N << /Off BLANK /Oui SCAM >> >>",
}
for _variant, _entries in WIDGETS.items():
    forgery(FAMILY, f"widget: {_variant}")(widget(_entries))

_SCAM = workshop.scam_content()
STREAMS = {
    "length of the blank part alone": scam_form(b"q Q\n" + _SCAM, 3),
    "length of nothing": scam_form(_SCAM, 0),
    "length beyond its end": scam_form(_SCAM, len(_SCAM) + 4000),
    "an end of stream within": scam_form(b"q Q\nendstream\n" + _SCAM, 3),
    "everything in a line that a comment seems to begin": scam_form(b"%\r" + _SCAM.replace(b" ", b"\n")),
    "length twice, the short one first": scam_form(b"q Q\n" + _SCAM, 3).replace(
        b"/Length 3", b"/Length 3 /Length %d" % (len(_SCAM) + 4)
    ),
    "length twice, the short one last": scam_form(b"q Q\n" + _SCAM, 3).replace(
        b"/Length 3", b"/Length %d /Length 3" % (len(_SCAM) + 4)
    ),
    "filter twice": scam_form(zlib.compress(b"q Q")).replace(
        b"/Length", b"/Filter /FlateDecode /Filter /ASCIIHexDecode /Length"
    ),
    "blank after inflating, rubbish after it": scam_form(zlib.compress(b"q Q") + _SCAM).replace(
        b"/Length", b"/Filter /FlateDecode /Length"
    ),
}
for _variant, _body in STREAMS.items():
    forgery(FAMILY, f"drawing: {_variant}")(widget(f"/Rect {PAGE} /AP << /N SCAM >>", scam=_body))


# An object that is there twice


def in_object_stream(
    bodies: list[tuple[int, bytes]],
    index: int,
    number: int,
    more: bytes = b"",
    *,
    w: bytes = b"[1 4 1]",
    pad: bytes = b"",
):
    """An update with an object stream of several bodies, the table naming that `index` for that `number`."""

    def make(shop):
        data = shop.compressed
        found = layout(data)
        own = [
            (found.page if one == 0 else found.size + one, body(shop) if callable(body) else body)
            for one, body in bodies
        ]
        holder, cross = found.size + 20, found.size + 21
        heads, offset = [], 0
        for identity, body in own:
            heads.append(b"%d %d" % (identity, offset))
            offset += len(body) + 1
        head = b" ".join(heads) + b" "
        content = head + b"\n".join(body for _, body in own)
        packed = workshop.raw_stream(content, b"/Type /ObjStm /N %d /First %d" % (len(own), len(head)))
        plain = {
            holder: packed,
            **{found.size + 30 + rank: body for rank, body in enumerate((scam_stream(),))},
        }
        written, places = written_objects(plain, len(data) + 1)
        at = len(data) + 1 + len(written)
        lines = {one: (1, place, 0) for one, place in places.items()}
        lines[found.page] = (2, holder, index)
        lines[cross] = (1, at, 0)
        entries = b"/Size %d /Root %d 0 R /Prev %d %b" % (cross + 20, found.root, found.startxref, more)
        body = xref_stream(lines, entries).replace(b"/W [1 4 1]", b"/W " + w)
        if pad:
            rows = b"".join(
                bytes((kind,)) + pad + place.to_bytes(4, "big") + bytes((last,))
                for _, (kind, place, last) in sorted(lines.items())
            )
            index_ = b" ".join(b"%d 1" % one for one in sorted(lines))
            body = workshop.raw_stream(rows, b"/Type /XRef /W %b /Index [%b] %b" % (w, index_, entries))
        return data + b"\n" + written + b"%d 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (cross, body, at)

    return make


def scam_stream() -> bytes:
    return workshop.raw_stream(_SCAM)


def same_page(shop) -> bytes:
    return layout(shop.compressed).page_text


def evil_page(shop) -> bytes:
    data = shop.compressed
    objects = scam_objects(data)
    return objects[layout(data).page].replace(
        b"/Contents %d 0 R" % max(objects), b"/Contents %d 0 R" % (layout(data).size + 30)
    )


for _variant, _bodies, _index in (
    ("page twice in an object stream, the genuine one first and named", [(0, same_page), (0, evil_page)], 0),
    ("page twice in an object stream, the genuine one last and named", [(0, evil_page), (0, same_page)], 1),
    ("page in an object stream, the number of another named", [(1, same_page), (0, evil_page)], 0),
    ("page in an object stream, the number of another named, last", [(0, evil_page), (1, same_page)], 1),
):
    forgery(FAMILY, f"objects: {_variant}")(in_object_stream(_bodies, _index, 0))


def doubled_lines(shop, order: str, *, wide: bool = False) -> bytes:
    """A table with two lines for the page: where the genuine one is, and where the author hid another."""
    data = shop.once("two faces signed", lambda: shop.stamped(shop.prepared(two_faces)))
    from tests.attacks.pdf_shadow import places

    found = places(data)
    number, good = found["page"]
    good = real_place(data, number)
    bad = found["page 2"][1]
    pair = (good, bad) if order == "genuine first" else (bad, good)
    lines = b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % (number, place) for place in pair)
    return data + lines + trailer(data, layout(data).size) + b"startxref\n%d\n%%%%EOF\n" % len(data)


def real_place(data: bytes, number: int) -> int:
    return data.rindex(b"\n%d 0 obj" % number) + 1


for _order in ("genuine first", "genuine last"):
    forgery(FAMILY, f"table: two lines for the page, the {_order}")(
        lambda shop, order=_order: doubled_lines(shop, order)
    )


def twice_in_signed(shop) -> bytes:
    """Signed with an object of the page's number that no table names, last in the signed part of the author."""

    def make():
        plain = shop.plain
        objects = scam_objects(plain)
        body, places = written_objects(objects, len(plain) + 1)
        content = max(objects)
        found = layout(plain)
        # the forger's page lies first, then the author's own update names the genuine one anew
        start = len(plain) + 1 + len(body)
        own, own_places = written_objects({found.page: found.page_text}, start)
        at = start + len(own)
        lines = table({**own_places, content: places[content]})
        swapped = body + own
        return (
            plain + b"\n" + swapped + lines + trailer(plain, content + 1) + b"startxref\n%d\n%%%%EOF\n" % at
        )

    return shop.once("twice in signed", lambda: shop.stamped(make()))


def widened(shop, w: bytes, pad: bytes) -> bytes:
    """An innocent update whose cross-reference stream some viewers do not read: they rebuild, and find what was hidden."""

    def hidden():
        plain = shop.plain
        objects = scam_objects(plain)
        found = layout(plain)
        content = max(objects)
        own = {found.page: objects[found.page], content: objects[content]}
        body, places = written_objects(own, len(plain) + 1)
        at = len(plain) + 1 + len(body)
        lines = table({content: places[content]})
        return plain + b"\n" + body + lines + trailer(plain, content + 1) + b"startxref\n%d\n%%%%EOF\n" % at

    data = shop.once("hidden page signed", lambda: shop.stamped(hidden(), box=None))
    found = layout(data)
    cross = found.size
    at = len(data)
    rows = b"\x01" + pad + at.to_bytes(4, "big") + b"\x00"
    entries = b"/Type /XRef /W %b /Index [%d 1] /Size %d /Root %d 0 R /Prev %d" % (
        w,
        cross,
        cross + 1,
        found.root,
        found.startxref,
    )
    body = workshop.raw_stream(rows, entries)
    return data + b"%d 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (cross, body, at)


for _variant, _w, _pad in (
    ("places of nine bytes", b"[1 9 1]", bytes(5)),
    ("places of forty bytes", b"[1 40 1]", bytes(36)),
    ("widths as reals", b"[1.0 4.0 1.0]", b""),
    ("four widths", b"[1 4 1 0]", b""),
):
    forgery(FAMILY, f"table: {_variant}, another page hidden in the signed part")(
        lambda shop, w=_w, pad=_pad: widened(shop, w, pad)
    )


def odd_update(shop, change) -> bytes:
    """The same with an innocent table, written in a way that some viewers refuse."""
    widened(shop, b"[1 4 1]", b"")
    data = shop.once("hidden page signed", lambda: None)
    return change(data)


def odd_trailer(before: bytes, after: bytes):
    def change(data: bytes) -> bytes:
        made = appended(data, {layout(data).size: b"<< >>"})
        tail = made[len(data) :]
        assert before in tail, before
        return data + tail.replace(before, after, 1)

    return change


for _variant, _change in {
    "size that is too small": lambda data: odd_trailer(b"/Size %d" % (layout(data).size + 1), b"/Size 3")(
        data
    ),
    "size missing": lambda data: odd_trailer(b"/Size %d" % (layout(data).size + 1), b"")(data),
    "Prev as a real": lambda data: odd_trailer(
        b"/Prev %d" % layout(data).startxref, b"/Prev %d.0" % layout(data).startxref
    )(data),
    "Root of another generation": lambda data: odd_trailer(
        b"/Root %d 0 R" % layout(data).root, b"/Root %d 7 R" % layout(data).root
    )(data),
    "Prev twice, the true one first": lambda data: odd_trailer(
        b"/Prev %d" % layout(data).startxref, b"/Prev %d /Prev 3" % layout(data).startxref
    )(data),
    "Prev twice, the second by an escaped name": lambda data: odd_trailer(
        b"/Prev %d" % layout(data).startxref, b"/Prev %d /#50rev 3" % layout(data).startxref
    )(data),
    "Prev in a comment that ends too soon": lambda data: odd_trailer(
        b"/Prev %d" % layout(data).startxref, b"/Prev %d %%\r/Prev 3\n" % layout(data).startxref
    )(data),
    "Prev twice": odd_trailer(b"/Prev", b"/Prev 9 /Prev"),
    "Root twice": odd_trailer(b"/Root", b"/Root 9 0 R /Root"),
}.items():
    forgery(FAMILY, f"trailer: {_variant}, another page hidden in the signed part")(
        lambda shop, change=_change: odd_update(shop, change)
    )


# A drawing that nobody answers for


def stamped_words(shop, box, text: str = "LE MONTANT EST PORTE A 999 000 EUR") -> bytes:
    """A document timestamp with a visible field: anybody may ask an authority for it, and draw what he likes."""
    import asyncio

    data = shop.base
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    append_signature_field(writer, SigFieldSpec("Horodatage", on_page=0, box=box))
    field = next(
        one.get_object()
        for one in writer.root["/AcroForm"]["/Fields"]
        if one.get_object()["/T"] == "Horodatage"
    )
    size = (box[2] - box[0], box[3] - box[1])
    field["/AP"] = thing({"N": appearance(writer, size, text)})
    writer.update_container(field)
    out = io.BytesIO()
    stamper = PdfTimeStamper(Tsa(shop.pki), field_name="Horodatage")
    asyncio.run(stamper.async_timestamp_pdf(writer, "sha256", output=out))
    return out.getvalue()


forgery(FAMILY, "timestamp: a document timestamp that writes on the page, where it is blank")(
    lambda shop: stamped_words(shop, (60, 44, 320, 98))
)
forgery(FAMILY, "timestamp: a document timestamp that writes over the amount")(
    lambda shop: stamped_words(shop, (60, 400, 300, 440))
)


@forgery(FAMILY, "stamp: words put before the amount in a field left free over it", victim="Signature1")
def before_amount(shop):
    """Nothing is hidden: digits are added beside those that were signed."""
    from tests.attacks.pdf_fields import signed_over

    data = workshop.with_field(shop.plain, "Signature2", (60, 462, 320, 482))
    return signed_over(shop.stamped(data), shop.corpus.key("b_cadiou"), box=[60, 462, 320, 482])


@forgery(FAMILY, "stamp: a field of no page is given a drawing")
def no_page(shop):
    data = workshop.with_field(shop.plain, "Signature2")

    def edit(writer):
        field = next(
            one.get_object()
            for one in writer.root["/AcroForm"]["/Fields"]
            if one.get_object()["/T"] == "Signature2"
        )
        field["/Rect"] = thing([0, 0, 595, 842])
        field["/AP"] = thing({"N": appearance(writer)})
        field["/P"] = page_of(writer)
        writer.update_container(field)

    return changed(shop.stamped(data), edit)


@forgery(FAMILY, "signature: Contents twice, another signature last")
def contents_twice(shop):
    """An update writes the dictionary again with both, the page rewritten."""
    data = shop.base

    def edit(writer):
        signature = signature_of(writer)
        writer.update_container(signature)
        workshop.scam_page(writer)

    return changed(data, edit)


# Things that were innocent when they were signed


def two_notes(pdf: pikepdf.Pdf) -> None:
    """Two stamps of the author's, one over the other."""
    from tests.attacks.pdf_fields import form_xobject

    made = []
    for text in (workshop.SCAM, "VERSER 1 000 EUR"):
        look = form_xobject(pdf, text, (595, 842), white=True)
        stamp = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Stamp,
            Rect=pikepdf.Array([0, 0, 595, 842]),
            F=4,
            AP=pikepdf.Dictionary(N=look),
        )
        made.append(pdf.make_indirect(stamp))
    pdf.pages[0].Annots = pikepdf.Array(made)


def reordered(shop, ranks) -> bytes:
    """An empty signature field is added, and the author's notes are listed in another order."""
    data = shop.once("two notes", lambda: shop.stamped(shop.prepared(two_notes)))

    def edit(writer):
        page = page_of(writer).get_object()
        notes = page["/Annots"]
        own = [notes.raw_get(rank) for rank in range(len(notes))]
        field = thing(
            {"Type": "/Annot", "Subtype": "/Widget", "FT": "/Sig", "T": "libre", "Rect": [0, 0, 0, 0]}
        )
        field["/P"] = page_of(writer)
        reference = writer.add_object(field)
        fields = writer.root["/AcroForm"]["/Fields"]
        fields.append(reference)
        writer.update_container(fields)
        page["/Annots"] = thing([*(own[rank] for rank in ranks), *own[2:], reference])
        writer.update_container(page)

    return changed(data, edit)


forgery(FAMILY, "notes: the author's in another order")(lambda shop: reordered(shop, (1, 0)))
forgery(FAMILY, "notes: the author's first listed twice")(lambda shop: reordered(shop, (0, 1, 0)))


@forgery(FAMILY, "objects: one that was announced by another generation")
def announced(shop):
    """The page names « 900 7 R », which does not exist; « 900 0 obj » comes afterwards, and pdfium takes it."""

    def author():
        plain = shop.plain
        page = layout(plain).page_text
        with pikepdf.open(io.BytesIO(plain)) as pdf:
            own = pdf.pages[0].obj.get("/Contents").unparse()
        assert b"/Contents " + own in page
        return appended(
            plain,
            {layout(plain).page: page.replace(b"/Contents " + own, b"/Contents [ " + own + b" 900 7 R ]")},
        )

    data = shop.once("announced", lambda: shop.stamped(author()))
    content = b"Q Q Q q 1 0 0 1 0 0 cm 0 g 40 400 500 200 re f Q"
    return appended(data, {900: workshop.raw_stream(content)})


def linear(shop, size: int) -> bytes:
    """A document whose first object says that it is linearised when it has that size: then its first table counts."""
    plain = shop.prepared(two_faces)
    with pikepdf.open(io.BytesIO(plain)) as pdf:
        content, page, tree, root = (pdf.Root.PieceInfo.Editeur.Private[rank].objgen[0] for rank in range(4))
    header, rest = plain.split(b"\n", 1)
    mark = rest[: rest.index(b"\n") + 1] if rest.startswith(b"%") else b""
    head = header + b"\n" + mark
    number = layout(plain).size
    first = b"%d 0 obj\n<< /Linearized 1 /L %010d /H [ 600 10 ] /O %d /E 1500 /N 1 /T 1600 >>\nendobj\n" % (
        number,
        size,
        page,
    )
    hidden = (content, page, tree, root)

    def lines(shift: int) -> bytes:
        body = table({one: real_place(plain, one) + shift for one in hidden} | {number: len(head)})
        return body + b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n0\n%%%%EOF\n" % (number + 1, root)

    shift = len(first) + len(lines(0))
    shifted = head + first + lines(shift) + plain[len(head) :]
    with pikepdf.open(io.BytesIO(plain)) as pdf:
        every = [one.objgen[0] for one in pdf.objects if isinstance(one, pikepdf.Object) and one.objgen[0]]
    known = {one: shifted.rindex(b"\n%d 0 obj" % one) + 1 for one in every}
    end = shifted.rindex(b"xref\n0 ")
    own = table(known | {number: len(head)})
    last = b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        number + 1,
        layout(plain).root,
        end,
    )
    return shifted[:end] + own + last


@forgery(FAMILY, "linearised: a length that comes true later")
def comes_true(shop):
    """Signed while the announced length was not the file's: the update makes it so, and another catalogue counts."""
    size = 400_000
    data = shop.once("linear", lambda: shop.stamped(linear(shop, size)))
    room = size - len(changed(data, lambda writer: writer.add_object(thing({"Vide": ""}))))
    made = changed(data, lambda writer: writer.add_object(thing({"Vide": "x" * (room - 100)})))
    return made + b"\n" * (size - len(made))


def drawn_by_two_names(shop) -> tuple[bytes, int]:
    """A page that draws a blank form, named twice in its resources: the other name is an object that nobody has."""
    import re

    def draw(pdf: pikepdf.Pdf) -> None:
        page = pdf.pages[0]
        blank = pdf.make_stream(b"q Q", Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
        blank.BBox = pikepdf.Array([0, 0, 595, 842])
        blank = pdf.make_indirect(blank)
        forms = page.Resources.get("/XObject", pikepdf.Dictionary())
        forms.Drawn, forms.Erawn = blank, blank
        page.Resources.XObject = forms
        page.contents_add(pdf.make_stream(b"/Drawn Do"), prepend=False)

    plain = shop.prepared(draw)
    reference = re.search(rb"/Erawn (\d+) 0 R", plain)
    absent = b"9" * len(reference[1])
    return plain.replace(reference[0], b"/Drawn %b 0 R" % absent), int(absent)


@forgery(FAMILY, "drawing: named twice in what is signed, the second one added later")
def named_twice(shop):
    plain, absent = drawn_by_two_names(shop)
    return appended(shop.stamped(plain), {absent: scam_form()})
