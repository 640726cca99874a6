"""Shadow attacks: the author prepares a second face of the document, the victim signs the first, an update shows the second.

Source: Mainka, Mladenov, Rohlmann, « Shadow Attacks: Hiding and Replacing Content in Signed PDFs » (NDSS 2021): hide,
replace, hide-and-replace. Layers: ISO 32000-2 §8.11.
"""

import io

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from tests.attacks import workshop
from tests.attacks.catalogue import forgery
from tests.attacks.pdf_fields import PAGE, form_xobject, widget
from tests.attacks.workshop import changed, layout, page_of, table, thing, trailer

HIDE, REPLACE, BOTH, LAYERS = "Shadow: hide", "Shadow: replace", "Shadow: hide-and-replace", "Couches"
INNOCENT = "VERSER 1 000 EUR AU CERCLE NAUTIQUE"


def drawn(pdf: pikepdf.Pdf, content: bytes, **resources) -> None:
    """The first page is that content, with those resources and Helvetica as F9."""
    page = pdf.pages[0]
    page.Contents = pdf.make_stream(content)
    bold = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/Helvetica-Bold"))
    page.Resources = Dictionary(Font=Dictionary(F9=pdf.make_indirect(bold)), **resources)


def lines(text: str, more: bytes = b"") -> bytes:
    return b"BT /F9 22 Tf 40 500 Td (%b) Tj ET %b" % (text.encode(), more)


# Hide: something covers the forger's words while the victim signs, and goes away afterwards


def covered(pdf: pikepdf.Pdf) -> None:
    """The forger's words under a picture that shows the innocent ones."""
    over = form_xobject(pdf, INNOCENT, (595, 842), white=True)
    drawn(pdf, lines(workshop.SCAM, b"q /Fm0 Do Q"), XObject=Dictionary(Fm0=over))


def shadow(shop, name: str, change) -> bytes:
    return shop.once(f"shadow {name}", lambda: shop.stamped(shop.prepared(change)))


def without_cover(edit_page):
    def make(shop):
        def edit(writer):
            page = page_of(writer).get_object()
            edit_page(writer, page)

        return changed(shadow(shop, "covered", covered), edit)

    return make


def null_xobject(writer, page) -> None:
    page["/Resources"]["/XObject"]["/Fm0"] = thing(None)
    writer.update_container(page["/Resources"]["/XObject"])


def no_xobject(writer, page) -> None:
    del page["/Resources"]["/XObject"]
    writer.update_container(page["/Resources"])


def empty_cover(writer, page) -> None:
    found = page["/Resources"]["/XObject"]["/Fm0"]
    found._data, found._encoded_data = b"", None
    writer.update_container(found)


def tiny_cover(writer, page) -> None:
    found = page["/Resources"]["/XObject"]["/Fm0"]
    found["/BBox"] = thing([0, 0, 1, 1])
    writer.update_container(found)


def optional_cover(writer, page) -> None:
    layer = writer.add_object(thing({"Type": "/OCG", "Name": "fond"}))
    found = page["/Resources"]["/XObject"]["/Fm0"]
    found["/OC"] = layer
    writer.update_container(found)
    writer.root["/OCProperties"] = thing({"OCGs": [layer], "D": {"OFF": [layer], "Order": [layer]}})
    writer.update_root()


HIDES = {
    "cover made null": null_xobject,
    "cover taken from the resources": no_xobject,
    "cover emptied": empty_cover,
    "cover's box made tiny": tiny_cover,
    "cover put on a layer that is off": optional_cover,
}
for _variant, _edit in HIDES.items():
    forgery(HIDE, _variant)(without_cover(_edit))


@forgery(HIDE, "cover freed in the cross-reference table")
def freed(shop):
    data = shadow(shop, "covered", covered)
    with pikepdf.open(io.BytesIO(data)) as pdf:
        number = pdf.pages[0].Resources.XObject.Fm0.objgen[0]
    body = b"xref\n0 1\n%010d 65535 f \n%d 1\n0000000000 00001 f \n" % (number, number)
    return data + body + trailer(data, layout(data).size) + b"startxref\n%d\n%%%%EOF\n" % len(data)


@forgery(HIDE, "cover freed in the cross-reference table, no end of file")
def freed_no_end(shop):
    return freed(shop).removesuffix(b"%%EOF\n")


def under_note(pdf: pikepdf.Pdf) -> None:
    """The forger's words under the author's own annotation."""
    drawn(pdf, lines(workshop.SCAM))
    look = form_xobject(pdf, INNOCENT, (595, 842), white=True)
    stamp = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array(PAGE), F=4, AP=Dictionary(N=look))
    pdf.pages[0].Annots = Array([pdf.make_indirect(stamp)])


def under_field(pdf: pikepdf.Pdf) -> None:
    """The forger's words under a text field of the author's, as large as the page."""
    drawn(pdf, lines(workshop.SCAM))
    text = widget(pdf, PAGE, FT=Name.Tx, T=String("page"), V=String(INNOCENT))
    text.DA, text.AP = (
        String("/F9 20 Tf 0 g"),
        Dictionary(N=form_xobject(pdf, INNOCENT, (595, 842), white=True)),
    )
    pdf.Root.AcroForm = Dictionary(Fields=Array([text]))


def edit_first_annotation(**entries):
    def edit(writer):
        note = page_of(writer).get_object()["/Annots"][0].get_object()
        for key, value in entries.items():
            note[f"/{key}"] = thing(value)
        writer.update_container(note)

    return edit


def drop_annotations(writer) -> None:
    page = page_of(writer).get_object()
    page["/Annots"] = thing(list(list(page["/Annots"])[1:]))
    writer.update_container(page)


NOTE_HIDES = {
    ("author's annotation hidden", under_note): edit_first_annotation(F=2),
    ("author's annotation shown on paper alone", under_note): edit_first_annotation(F=4 | 32),
    ("author's annotation taken away", under_note): drop_annotations,
    ("author's annotation made tiny", under_note): edit_first_annotation(Rect=[0, 0, 1, 1]),
    ("author's field hidden", under_field): edit_first_annotation(F=2),
    ("author's field without appearance", under_field): edit_first_annotation(AP={}),
    ("author's field taken from the page", under_field): drop_annotations,
    ("author's field made tiny", under_field): edit_first_annotation(Rect=[0, 0, 1, 1]),
}
for (_variant, _author), _edit in NOTE_HIDES.items():
    forgery(HIDE, _variant)(
        lambda shop, author=_author, edit=_edit: changed(shadow(shop, author.__name__, author), edit)
    )


# Replace: an object that seems harmless is given another meaning


def with_fonts(pdf: pikepdf.Pdf) -> None:
    drawn(pdf, lines("VERSER 1 000 EUR"))


def replaced_font(entries):
    def edit(writer):
        fonts = page_of(writer).get_object()["/Resources"]["/Font"]
        font = fonts["/F9"]
        for key, value in entries.items():
            font[f"/{key}"] = thing(value)
        writer.update_container(font)

    return edit


REPLACES = {
    "font: digits drawn as others": replaced_font(
        {"Encoding": {"Type": "/Encoding", "Differences": [48, "/nine", "/nine", 50, "/zero"]}}
    ),
    "font: another face": replaced_font({"BaseFont": "/Symbol"}),
    "font: drawn by procedures": replaced_font(
        {
            "Subtype": "/Type3",
            "FontBBox": [0, 0, 1000, 1000],
            "FontMatrix": [0.001, 0, 0, 0.001, 0, 0],
            "CharProcs": {},
            "FirstChar": 32,
            "LastChar": 90,
            "Encoding": {"Differences": [32, "/space"]},
        }
    ),
    "font: what copying gives": replaced_font({"ToUnicode": "/Identity-H"}),
}
for _variant, _edit in REPLACES.items():
    forgery(REPLACE, _variant)(lambda shop, edit=_edit: changed(shadow(shop, "with_fonts", with_fonts), edit))


@forgery(REPLACE, "form's font: the field shows other digits")
def field_font(shop):
    def author(pdf):
        under_field(pdf)
        bold = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/Helvetica-Bold"))
        pdf.Root.AcroForm.DR = Dictionary(Font=Dictionary(F9=pdf.make_indirect(bold)))
        del pdf.pages[0].Annots[0]["/AP"]

    def edit(writer):
        font = writer.root["/AcroForm"]["/DR"]["/Font"]["/F9"]
        font["/Encoding"] = thing({"Type": "/Encoding", "Differences": [48, "/nine", "/nine"]})
        writer.update_container(font)

    return changed(shadow(shop, "field font", author), edit)


@forgery(REPLACE, "field: the value of the author's field, appearance as it was")
def field_value(shop):
    return changed(shadow(shop, "under_field", under_field), edit_first_annotation(V=workshop.SCAM))


@forgery(REPLACE, "field: appearance of the author's field, value as it was")
def field_look(shop):
    def edit(writer):
        field = page_of(writer).get_object()["/Annots"][0].get_object()
        field["/AP"] = thing({"N": workshop.appearance(writer)})
        writer.update_container(field)

    return changed(shadow(shop, "under_field", under_field), edit)


@forgery(REPLACE, "picture: another picture under the same name")
def picture(shop):
    def author(pdf):
        drawn(
            pdf, b"q /Fm0 Do Q", XObject=Dictionary(Fm0=form_xobject(pdf, INNOCENT, (595, 842), white=True))
        )

    def edit(writer):
        found = page_of(writer).get_object()["/Resources"]["/XObject"]["/Fm0"]
        found._data, found._encoded_data = workshop.scam_content(), None
        writer.update_container(found)

    return changed(shadow(shop, "picture", author), edit)


@forgery(REPLACE, "graphics state that makes the page transparent")
def graphics_state(shop):
    def author(pdf):
        state = pdf.make_indirect(Dictionary(Type=Name.ExtGState, ca=1))
        over = form_xobject(pdf, INNOCENT, (595, 842), white=True)
        drawn(
            pdf,
            lines(workshop.SCAM, b"q /G0 gs /Fm0 Do Q"),
            XObject=Dictionary(Fm0=over),
            ExtGState=Dictionary(G0=state),
        )

    def edit(writer):
        state = page_of(writer).get_object()["/Resources"]["/ExtGState"]["/G0"]
        state["/ca"] = thing(0.0)
        writer.update_container(state)

    return changed(shadow(shop, "graphics", author), edit)


@forgery(REPLACE, "colour space: black drawn as white")
def colour(shop):
    def author(pdf):
        function = Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1]), C1=Array([0]), N=1)
        space = pdf.make_indirect(Array([Name.Separation, Name("/Encre"), Name.DeviceGray, function]))
        content = b"/C0 cs 1 scn " + lines("VERSER 1 000 EUR")
        drawn(pdf, content, ColorSpace=Dictionary(C0=space))

    def edit(writer):
        space = page_of(writer).get_object()["/Resources"]["/ColorSpace"]["/C0"]
        space[3]["/C1"] = thing([1])
        writer.update_container(space)

    return changed(shadow(shop, "colour", author), edit)


# Hide and replace: both faces are in the signed bytes, the update says which one counts


def two_faces(pdf: pikepdf.Pdf) -> None:
    """A second page content, a second page and a second catalogue, which nothing points at but one harmless entry."""
    drawn(pdf, lines(INNOCENT))
    second = pdf.make_stream(workshop.scam_content())
    page = pdf.make_indirect(
        Dictionary(
            Type=Name.Page,
            MediaBox=Array(PAGE),
            Parent=pdf.Root.Pages,
            Contents=second,
            Resources=pdf.pages[0].Resources,
        )
    )
    tree = pdf.make_indirect(Dictionary(Type=Name.Pages, Count=1, Kids=Array([page])))
    catalogue = pdf.make_indirect(Dictionary(Type=Name.Catalog, Pages=tree))
    pdf.Root.PieceInfo = Dictionary(Editeur=Dictionary(Private=Array([second, page, tree, catalogue])))


def places(data: bytes) -> dict[str, tuple[int, int]]:
    """Numbers of the objects of both faces, and where each is in the file."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        private = pdf.Root.PieceInfo.Editeur.Private
        objects = {
            "content": pdf.pages[0].Contents,
            "page": pdf.pages[0].obj,
            "tree": pdf.Root.Pages,
            "catalogue": pdf.Root,
            **dict(zip(("content 2", "page 2", "tree 2", "catalogue 2"), private, strict=True)),
        }
        numbers = {name: one.objgen[0] for name, one in objects.items()}
    return {name: (number, data.index(b"\n%d 0 obj" % number) + 1) for name, number in numbers.items()}


def renumbered(data: bytes, shown: str, hidden: str, end: bytes) -> bytes:
    """An update that is a table alone: the number of what is shown leads to where the hidden one is."""
    found = places(data)
    return (
        data
        + table({found[shown][0]: found[hidden][1]})
        + trailer(data, layout(data).size)
        + b"startxref\n%d\n" % len(data)
        + end
    )


for _end_name, _end in (("", b"%%EOF\n"), (", no end of file", b"")):
    for _shown in ("content", "page", "tree"):
        forgery(BOTH, f"table alone: another {_shown}{_end_name}")(
            lambda shop, shown=_shown, end=_end: renumbered(
                shadow(shop, "two faces", two_faces), shown, f"{shown} 2", end
            )
        )


def other_root(shop, end: bytes) -> bytes:
    data = shadow(shop, "two faces", two_faces)
    number = places(data)["catalogue 2"][0]
    tail = trailer(data, layout(data).size).replace(
        b"/Root %d 0 R" % layout(data).root, b"/Root %d 0 R" % number
    )
    return data + b"xref\n0 0\n" + tail + b"startxref\n%d\n" % len(data) + end


forgery(BOTH, "trailer alone: the second catalogue")(lambda shop: other_root(shop, b"%%EOF\n"))
forgery(BOTH, "trailer alone: the second catalogue, no end of file")(lambda shop: other_root(shop, b""))


@forgery(BOTH, "page pointed at the prepared content")
def pointed(shop):
    data = shadow(shop, "two faces", two_faces)

    def edit(writer):
        page = page_of(writer).get_object()
        page["/Contents"] = writer.root["/PieceInfo"]["/Editeur"]["/Private"].raw_get(0)
        writer.update_container(page)

    return changed(data, edit)


@forgery(BOTH, "catalogue pointed at the prepared pages")
def pointed_tree(shop):
    data = shadow(shop, "two faces", two_faces)

    def edit(writer):
        writer.root["/Pages"] = writer.root["/PieceInfo"]["/Editeur"]["/Private"].raw_get(2)
        writer.update_root()

    return changed(data, edit)


@forgery(BOTH, "a copy of the innocent object stays last in the file")
def copy_last(shop):
    """Two objects of one number after the signed part: the table points at the first, readers without one see the last."""
    data = shop.base
    forged = workshop.scam_objects(data)
    page = layout(data).page
    whole = workshop.appended(data, forged, b"")
    return whole + b"\n%d 0 obj\n%b\nendobj\n%%%%EOF\n" % (page, layout(data).page_text)


# Layers


def layered(*, base: str | None = None, usage: bool = False):
    """Both faces on the page, each on a layer of its own; the innocent one is on."""

    def author(pdf: pikepdf.Pdf) -> None:
        one = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("Texte")))
        two = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("Traduction")))
        if usage:
            for layer, state in ((one, Name.ON), (two, Name.OFF)):
                layer.Usage = Dictionary(View=Dictionary(ViewState=state), Print=Dictionary(PrintState=state))
        content = b"/OC /L1 BDC %b EMC /OC /L2 BDC %b EMC" % (lines(INNOCENT), workshop.scam_content())
        drawn(pdf, content, Properties=Dictionary(L1=one, L2=two))
        default = Dictionary(ON=Array([one]), OFF=Array([two]), Order=Array([one, two]))
        if base:
            default.BaseState = Name(base)
        if usage:
            default.AS = Array(
                [
                    Dictionary(
                        Event=Name(f"/{event}"), OCGs=Array([one, two]), Category=Array([Name(f"/{event}")])
                    )
                    for event in ("View", "Print")
                ]
            )
        pdf.Root.OCProperties = Dictionary(OCGs=Array([one, two]), D=pdf.make_indirect(default))

    return author


def layer_edit(edit, **how):
    def make(shop):
        data = shadow(shop, f"layers {sorted(how.items())}", layered(**how))

        def change(writer):
            edit(writer, writer.root["/OCProperties"])

        return changed(data, change)

    return make


def swapped(writer, properties) -> None:
    default = properties["/D"]
    default["/ON"], default["/OFF"] = default["/OFF"], default["/ON"]
    writer.update_container(default)


def all_off(writer, properties) -> None:
    default = properties["/D"]
    default["/BaseState"] = thing("/OFF")
    default["/ON"] = thing([properties["/OCGs"].raw_get(1)])
    del default["/OFF"]
    writer.update_container(default)


def other_default(writer, properties) -> None:
    properties["/D"] = thing({"OFF": [properties["/OCGs"].raw_get(0)], "Order": list(properties["/OCGs"])})
    writer.update_root()


def usage_swapped(writer, properties) -> None:
    for rank, state in ((0, "/OFF"), (1, "/ON")):
        layer = properties["/OCGs"][rank].get_object()
        layer["/Usage"] = thing({"View": {"ViewState": state}, "Print": {"PrintState": state}})
        writer.update_container(layer)


def printed_only(writer, properties) -> None:
    layer = properties["/OCGs"][1].get_object()
    layer["/Usage"] = thing({"View": {"ViewState": "/OFF"}, "Print": {"PrintState": "/ON"}})
    writer.update_container(layer)
    default = properties["/D"]
    default["/AS"] = thing(
        [{"Event": "/Print", "OCGs": [properties["/OCGs"].raw_get(1)], "Category": ["/Print"]}]
    )
    writer.update_container(default)


def no_layers(writer, properties) -> None:
    del properties
    del writer.root["/OCProperties"]
    writer.update_root()


def renamed(writer, properties) -> None:
    layer = properties["/OCGs"][1].get_object()
    layer["/Name"] = thing("Version signée")
    writer.update_container(layer)


LAYER_EDITS = {
    "on and off exchanged": layer_edit(swapped),
    "base state off, the other on": layer_edit(all_off),
    "another default configuration": layer_edit(other_default),
    "usage exchanged": layer_edit(usage_swapped, usage=True),
    "the other layer printed": layer_edit(printed_only),
    "layers taken away: both show": layer_edit(no_layers),
    "a layer renamed": layer_edit(renamed),
}
for _variant, _make in LAYER_EDITS.items():
    forgery(LAYERS, _variant)(_make)


@forgery(LAYERS, "a layer's own membership made another")
def membership(shop):
    data = shadow(shop, "layers []", layered())

    def edit(writer):
        names = page_of(writer).get_object()["/Resources"]["/Properties"]
        names["/L1"], names["/L2"] = names.raw_get("/L2"), names.raw_get("/L1")
        writer.update_container(names)

    return changed(data, edit)
