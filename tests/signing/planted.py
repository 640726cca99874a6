"""Documents in whose form somebody planted fields before they came: under the names that ours would take, and others."""

from io import BytesIO

import pikepdf
from pikepdf import Array, Dictionary, Name, String

NAME = "Signature_signature_1"
"""The name that the first signature of a folder of the family « other » would take."""


def _page() -> pikepdf.Pdf:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    pdf.Root.AcroForm = pdf.make_indirect(Dictionary(Fields=Array()))
    return pdf


def _widget(pdf, name: str | None, rect, **more) -> pikepdf.Object:
    page = pdf.pages[0].obj
    field = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, Rect=Array(rect), P=page, F=more.pop("F", 4), **more
    )
    if name is not None:
        field.T = String(name)
    made = pdf.make_indirect(field)
    page.Annots = Array([*page.get("/Annots", []), made])
    return made


def _bytes(pdf: pikepdf.Pdf, *fields) -> bytes:
    pdf.Root.AcroForm.Fields = Array(fields)
    made = BytesIO()
    pdf.save(made)
    return made.getvalue()


def off_page() -> bytes:
    pdf = _page()
    return _bytes(pdf, _widget(pdf, NAME, [-900, -900, -700, -840], FT=Name.Sig))


def hidden() -> bytes:
    pdf = _page()
    return _bytes(pdf, _widget(pdf, NAME, [50, 50, 240, 112], FT=Name.Sig, F=2))


def elsewhere() -> bytes:
    pdf = _page()
    return _bytes(pdf, _widget(pdf, NAME, [50, 700, 240, 762], FT=Name.Sig))


def seed_value() -> bytes:
    pdf = _page()
    seed = Dictionary(Type=Name.SV, Ff=2, SubFilter=Array([Name("/adbe.pkcs7.sha1")]))
    return _bytes(pdf, _widget(pdf, NAME, [50, 50, 240, 112], FT=Name.Sig, SV=pdf.make_indirect(seed)))


def text_field() -> bytes:
    pdf = _page()
    return _bytes(pdf, _widget(pdf, NAME, [50, 50, 240, 80], FT=Name.Tx, DA=String("/Helv 9 Tf")))


def dotted() -> bytes:
    """A parent of our name, whose child is the signature field."""
    pdf = _page()
    parent = pdf.make_indirect(Dictionary(T=String(NAME)))
    child = _widget(pdf, "visa", [50, 50, 240, 112], FT=Name.Sig, Parent=parent)
    parent.Kids = Array([child])
    return _bytes(pdf, parent)


def below_another() -> bytes:
    """A child of our name, below a parent that has none."""
    pdf = _page()
    parent = pdf.make_indirect(Dictionary(FT=Name.Sig))
    child = _widget(pdf, NAME, [50, 50, 240, 112], Parent=parent)
    parent.Kids = Array([child])
    return _bytes(pdf, parent)


def with_kids() -> bytes:
    """A signature field in two parts: the field, and the widget that shows it."""
    pdf = _page()
    field = pdf.make_indirect(Dictionary(FT=Name.Sig, T=String(NAME)))
    field.Kids = Array([_widget(pdf, None, [50, 700, 240, 762], Parent=field)])
    return _bytes(pdf, field)


def in_capitals_of_sixteen_bits() -> bytes:
    """The same name, written in UTF-16 (ISO 32000-2 §7.9.2.2)."""
    pdf = _page()
    field = _widget(pdf, None, [50, 700, 240, 762], FT=Name.Sig)
    field.T = String(b"\xfe\xff" + NAME.encode("utf-16-be"))
    return _bytes(pdf, field)


def thirty() -> bytes:
    """Thirty fields, of our names and of those that we would take instead."""
    pdf = _page()
    names = [NAME, *(f"{NAME}-{number}" for number in range(2, 31))]
    return _bytes(pdf, *(_widget(pdf, name, [9, 9, 50, 40], FT=Name.Sig) for name in names))


def direct() -> bytes:
    """A field that lies in the list itself, where only references may (ISO 32000-2 §7.3.10)."""
    pdf = _page()
    return _bytes(pdf, Dictionary(FT=Name.Sig, T=String(NAME), Rect=Array([0, 0, 0, 0])))


PLANTED = {
    "off-page": off_page,
    "hidden": hidden,
    "elsewhere": elsewhere,
    "seed-value": seed_value,
    "text": text_field,
    "dotted": dotted,
    "below-another": below_another,
    "kids": with_kids,
    "utf-16": in_capitals_of_sixteen_bits,
    "thirty": thirty,
}
