"""Evil annotations and sneaky fields: something drawn over the signed page by an annotation, a field or its appearance.

Source: Rohlmann, Mladenov, Mainka, Schwenk, « Breaking the Specification: PDF Certification » (IEEE S&P 2021): evil
annotation attack (EAA), sneaky signature attack (SSA there); the fields of ISO 32000-2 §12.7, none of which is a page.
"""

import io

import pikepdf
from pikepdf import Array, Dictionary, Name, String
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, append_signature_field
from pyhanko.sign.signers import SimpleSigner

from tests.assets.make_signed import signer as self_signed
from tests.attacks import workshop
from tests.attacks.catalogue import forgery
from tests.attacks.workshop import appearance, changed, page_of, signature_of, thing

EAA, SNEAKY, CERTIFIED = "EAA", "Champs", "Certifié"
PAGE = [0, 0, 595, 842]


# A document with a form, made by its author before anybody signs


def form_xobject(pdf: pikepdf.Pdf, text: str, size=(200, 30), *, white: bool = False):
    content = (
        workshop.scam_content(text, size)
        if white
        else (f"BT /F9 10 Tf 4 {size[1] // 3} Td ({text}) Tj ET".encode())
    )
    made = pdf.make_stream(content)
    made.Type, made.Subtype = Name.XObject, Name.Form
    made.BBox = Array([0, 0, *size])
    made.Resources = Dictionary(
        Font=Dictionary(F9=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/Helvetica-Bold")))
    )
    return made


def widget(pdf: pikepdf.Pdf, rect, **entries):
    page = pdf.pages[0]
    made = pdf.make_indirect(
        Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=Array(rect), P=page.obj, F=4, **entries)
    )
    if "/Annots" not in page:
        page.Annots = Array([])
    page.Annots.append(made)
    return made


def form(pdf: pikepdf.Pdf) -> None:
    """Every kind of field, each small, in the margin; two that cover the page and do not show."""
    text = widget(pdf, [50, 140, 250, 170], FT=Name.Tx, T=String("observations"), V=String(""))
    text.DA, text.AP = String("/F9 10 Tf 0 g"), Dictionary(N=form_xobject(pdf, ""))
    check = widget(pdf, [50, 180, 62, 192], FT=Name.Btn, T=String("accord"), V=Name.Off, AS=Name.Off)
    check.AP = Dictionary(
        N=Dictionary(Oui=form_xobject(pdf, "x", (12, 12)), Off=form_xobject(pdf, "", (12, 12)))
    )
    group = pdf.make_indirect(
        Dictionary(FT=Name.Btn, T=String("vote"), Ff=1 << 15, V=Name.Off, Kids=Array([]))
    )
    for rank, word in enumerate(("Pour", "Contre")):
        kid = widget(pdf, [80 + 30 * rank, 180, 92 + 30 * rank, 192], Parent=group, AS=Name.Off)
        kid.AP = Dictionary(
            N=Dictionary(
                {f"/{word}": form_xobject(pdf, "o", (12, 12)), "/Off": form_xobject(pdf, "", (12, 12))}
            )
        )
        group.Kids.append(kid)
    choice = widget(pdf, [50, 200, 150, 220], FT=Name.Ch, T=String("choix"), Ff=1 << 17)
    choice.Opt, choice.V = Array([String("1 000"), String("999 000")]), String("1 000")
    choice.DA, choice.AP = String("/F9 10 Tf 0 g"), Dictionary(N=form_xobject(pdf, "1 000", (100, 20)))
    button = widget(pdf, [160, 200, 250, 220], FT=Name.Btn, T=String("bouton"), Ff=1 << 16)
    button.AP = Dictionary(N=form_xobject(pdf, "Imprimer", (90, 20)))
    big = widget(pdf, PAGE, FT=Name.Btn, T=String("grand"), V=Name.Off, AS=Name.Off)
    big.AP = Dictionary(
        N=Dictionary(
            Oui=form_xobject(pdf, workshop.SCAM, (595, 842), white=True),
            Off=form_xobject(pdf, "", (595, 842)),
        )
    )
    hidden = widget(pdf, PAGE, FT=Name.Tx, T=String("cache"), V=String(workshop.SCAM))
    hidden.F, hidden.DA = 2, String("/F9 10 Tf 0 g")
    hidden.AP = Dictionary(N=form_xobject(pdf, workshop.SCAM, (595, 842), white=True))
    pdf.Root.AcroForm = Dictionary(
        Fields=Array([text, check, group, choice, button, big, hidden]),
        DA=String("/F9 10 Tf 0 g"),
        DR=Dictionary(
            Font=Dictionary(
                F9=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/Helvetica-Bold"))
            )
        ),
    )


def signed_form(shop) -> bytes:
    """That document, signed by the mayor."""
    return shop.once("form", lambda: shop.stamped(shop.prepared(form)))


def two_fields(shop) -> bytes:
    """Signed in one field, the other left free for somebody."""
    data = workshop.with_field(shop.plain, "Signature2", (60, 60, 260, 130))
    return shop.once("two fields", lambda: shop.stamped(data))


def field_of(writer, name: str):
    return next(
        one.get_object() for one in writer.root["/AcroForm"]["/Fields"] if one.get_object()["/T"] == name
    )


# Evil annotations


def annotation(subtype: str, over=PAGE, *, shown: bool = True, **entries):
    """An annotation that shows the forger's page."""

    def edit(writer):
        size = (int(over[2] - over[0]), int(over[3] - over[1]))
        made = {"Type": "/Annot", "Subtype": f"/{subtype}", "Rect": over, "F": 4, **entries}
        made = thing(made)
        if shown:
            made["/AP"] = thing({"N": appearance(writer, size)})
        writer.register_annotation(page_of(writer), writer.add_object(made))

    return edit


ANNOTATIONS = {
    "free text": annotation("FreeText", Contents=workshop.SCAM, DA="/Helv 20 Tf 0 g"),
    "free text without appearance": annotation(
        "FreeText", shown=False, Contents=workshop.SCAM, DA="/Helv 20 Tf 0 g", C=[1, 1, 1]
    ),
    "rubber stamp": annotation("Stamp", Name="/Approved"),
    "redaction": annotation("Redact", QuadPoints=[0, 842, 595, 842, 0, 0, 595, 0], OverlayText=workshop.SCAM),
    "filled square": annotation("Square", IC=[1, 1, 1], Contents="rien"),
    "square without appearance": annotation("Square", shown=False, IC=[1, 1, 1]),
    "circle": annotation("Circle", IC=[1, 1, 1]),
    "line": annotation("Line", L=[0, 400, 595, 400], BS={"W": 400}),
    "ink": annotation("Ink", InkList=[[0, 0, 595, 842]]),
    "polygon": annotation("Polygon", Vertices=[0, 0, 595, 0, 595, 842]),
    "highlight that hides": annotation("Highlight", QuadPoints=[0, 842, 595, 842, 0, 0, 595, 0]),
    "strike-out": annotation("StrikeOut", QuadPoints=[0, 842, 595, 842, 0, 0, 595, 0]),
    "caret": annotation("Caret"),
    "sticky note": annotation("Text", Contents=workshop.SCAM),
    "file attachment": annotation("FileAttachment", FS={"Type": "/Filespec", "F": "facture.exe"}),
    "link to a site": annotation("Link", A={"S": "/URI", "URI": "https://escroc.example"}),
    "watermark": annotation("Watermark"),
    "printer's mark": annotation("PrinterMark"),
    "screen": annotation("Screen"),
    "unknown kind": annotation("Nouveaute"),
    "stamp on the amount alone": annotation("Stamp", [300, 400, 420, 420]),
    "stamp that prints only": annotation("Stamp", F=4 | 32),
    "stamp that shows only": annotation("Stamp", F=0),
}
for _variant, _edit in ANNOTATIONS.items():
    forgery(EAA, _variant)(lambda shop, edit=_edit: changed(shop.base, edit))


@forgery(EAA, "annotation of the author moved over the page")
def author_s_note(shop):
    def note(pdf):
        made = form_xobject(pdf, workshop.SCAM, (595, 842), white=True)
        stamp = Dictionary(
            Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([0, 0, 1, 1]), F=4, AP=Dictionary(N=made)
        )
        pdf.pages[0].Annots = Array([pdf.make_indirect(stamp)])

    data = shop.once("author's note", lambda: shop.stamped(shop.prepared(note)))

    def edit(writer):
        stamp = page_of(writer).get_object()["/Annots"][0].get_object()
        stamp["/Rect"] = thing(PAGE)
        writer.update_container(stamp)

    return changed(data, edit)


@forgery(EAA, "annotation of the author unhidden")
def unhidden(shop):
    def note(pdf):
        made = form_xobject(pdf, workshop.SCAM, (595, 842), white=True)
        stamp = Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array(PAGE), F=2, AP=Dictionary(N=made))
        pdf.pages[0].Annots = Array([pdf.make_indirect(stamp)])

    data = shop.once("author's hidden note", lambda: shop.stamped(shop.prepared(note)))

    def edit(writer):
        stamp = page_of(writer).get_object()["/Annots"][0].get_object()
        stamp["/F"] = thing(4)
        writer.update_container(stamp)

    return changed(data, edit)


# New fields


def new_field(over=PAGE, *, apart: bool = False, listed: bool = True, noted: bool = True, **entries):
    """A field that did not exist, whose appearance is the forger's page."""

    def edit(writer):
        size = (max(1, int(abs(over[2] - over[0]))), max(1, int(abs(over[3] - over[1]))))
        look = {"N": appearance(writer, size)}
        if "AS" in entries:
            look = {"N": {entries["AS"][1:]: appearance(writer, size), "Off": appearance(writer, size, "")}}
        shown = thing({"Type": "/Annot", "Subtype": "/Widget", "Rect": over, "F": 4, "AP": look})
        shown["/P"] = page_of(writer)
        said = thing({"T": "piege", **entries})
        if apart:
            parent = writer.add_object(said)
            shown["/Parent"] = parent
            own = writer.add_object(shown)
            said["/Kids"] = thing([own])
            parent_or_own = parent
        else:
            shown.update(said)
            own = parent_or_own = writer.add_object(shown)
        if listed:
            fields = writer.root["/AcroForm"]["/Fields"]
            fields.append(parent_or_own)
            writer.update_container(fields)
        if noted:
            writer.register_annotation(page_of(writer), own)

    return edit


NEW = {
    "signature field never signed": new_field(FT="/Sig"),
    "signature field never signed, on the amount alone": new_field([300, 400, 420, 420], FT="/Sig"),
    "signature field never signed, corners the other way": new_field([595, 842, 0, 0], FT="/Sig"),
    "signature field never signed, widget apart": new_field(apart=True, FT="/Sig"),
    "signature field never signed, printed only": new_field(FT="/Sig", F=4 | 32),
    "signature field never signed, viewed only": new_field(FT="/Sig", F=0),
    "signature field never signed, its lock all over": new_field(
        FT="/Sig", Lock={"Type": "/SigFieldLock", "Action": "/All"}
    ),
    "text field": new_field(FT="/Tx", V=workshop.SCAM, DA="/F9 20 Tf 0 g"),
    "text field without a value": new_field(FT="/Tx", DA="/F9 20 Tf 0 g"),
    "check box": new_field(FT="/Btn", V="/Oui", AS="/Oui"),
    "radio button": new_field(FT="/Btn", Ff=1 << 15, V="/Oui", AS="/Oui"),
    "push button": new_field(FT="/Btn", Ff=1 << 16),
    "choice": new_field(FT="/Ch", V=workshop.SCAM, Opt=[workshop.SCAM]),
    "text field, widget apart": new_field(apart=True, FT="/Tx", V=workshop.SCAM),
    "no type at all": new_field(),
    "widget of no form": new_field(listed=False, FT="/Sig"),
    "field of no page": new_field(noted=False, FT="/Sig"),
}
for _variant, _edit in NEW.items():
    forgery(SNEAKY, f"new: {_variant}")(lambda shop, edit=_edit: changed(shop.base, edit))


@forgery(SNEAKY, "new: signature field never signed, over what Paraphe signed")
def over_ours(shop):
    return changed(shop.ours, new_field(FT="/Sig"))


@forgery(SNEAKY, "new: signature field never signed, on the second page")
def second_page(shop):
    def edit(writer):
        shown = thing(
            {"Type": "/Annot", "Subtype": "/Widget", "Rect": PAGE, "F": 4, "FT": "/Sig", "T": "piege"}
        )
        shown["/AP"] = thing({"N": appearance(writer)})
        shown["/P"] = page_of(writer, 1)
        own = writer.add_object(shown)
        fields = writer.root["/AcroForm"]["/Fields"]
        fields.append(own)
        writer.update_container(fields)
        writer.register_annotation(page_of(writer, 1), own)

    return changed(shop.base, edit)


@forgery(SNEAKY, "new: two innocent halves that make a page")
def halves(shop):
    data = changed(shop.base, new_field([0, 421, 595, 842], FT="/Sig"))
    return changed(data, new_field([0, 0, 595, 421], FT="/Sig", T="autre"))


# Existing fields


def with_look(name: str, over=PAGE, **entries):
    """An existing field filled, its appearance the forger's page."""

    def edit(writer):
        field = field_of(writer, name)
        for key, value in entries.items():
            field[f"/{key}"] = thing(value)
        rect = over or [float(one) for one in field["/Rect"]]
        if over:
            field["/Rect"] = thing(over)
        size = (max(1, int(rect[2] - rect[0])), max(1, int(rect[3] - rect[1])))
        field["/AP"] = thing({"N": appearance(writer, size)})
        writer.update_container(field)

    return edit


def set_entries(name: str, **entries):
    def edit(writer):
        field = field_of(writer, name)
        for key, value in entries.items():
            field[f"/{key}"] = thing(value)
        writer.update_container(field)

    return edit


EXISTING = {
    "text filled, moved over the page": with_look("observations", V=workshop.SCAM),
    "text filled where it is": with_look("observations", None, V=workshop.SCAM),
    "text's appearance alone": with_look("observations", None),
    "text's value alone": set_entries("observations", V=workshop.SCAM),
    "text moved, value as it was": set_entries("observations", Rect=[50, 300, 500, 700]),
    "hidden text unhidden": set_entries("cache", F=4),
    "great check box ticked": set_entries("grand", V="/Oui", AS="/Oui"),
    "great check box: its state alone": set_entries("grand", AS="/Oui"),
    "small check box ticked": set_entries("accord", V="/Oui", AS="/Oui"),
    "small check box: its appearance replaced": with_look("accord", None, V="/Oui"),
    "choice of another amount": with_look("choix", None, V="999 000"),
    "push button: its appearance replaced": with_look("bouton", None),
    "push button moved over the page": with_look("bouton"),
    "push button: its action": set_entries("bouton", A={"S": "/URI", "URI": "https://escroc.example"}),
    "text: an action when it is left": set_entries(
        "observations", AA={"Bl": {"S": "/JavaScript", "JS": "0"}}
    ),
    "text: another font and size": set_entries("observations", DA="/F9 200 Tf 1 0 0 rg"),
    "text: another background": set_entries("observations", MK={"BG": [1, 1, 1]}),
    "text renamed": set_entries("observations", T="motif"),
}
for _variant, _edit in EXISTING.items():
    forgery(SNEAKY, f"existing: {_variant}")(lambda shop, edit=_edit: changed(signed_form(shop), edit))


@forgery(SNEAKY, "existing: free signature field, never signed, shows a page")
def free_field(shop):
    return changed(two_fields(shop), with_look("Signature2"))


@forgery(SNEAKY, "existing: free signature field, never signed, shows something in its box")
def free_field_box(shop):
    return changed(two_fields(shop), with_look("Signature2", None))


@forgery(SNEAKY, "existing: radio button's kid covers the page")
def radio(shop):
    def edit(writer):
        group = field_of(writer, "vote")
        kid = group["/Kids"][0].get_object()
        kid["/AS"], group["/V"] = thing("/Pour"), thing("/Pour")
        kid["/Rect"] = thing(PAGE)
        kid["/AP"] = thing({"N": {"Pour": appearance(writer)}})
        writer.update_container(kid)
        writer.update_container(group)

    return changed(signed_form(shop), edit)


@forgery(SNEAKY, "existing: a new kid covers the page")
def new_kid(shop):
    def edit(writer):
        group = field_of(writer, "vote")
        kid = thing({"Type": "/Annot", "Subtype": "/Widget", "Rect": PAGE, "F": 4, "AS": "/Pour"})
        kid["/AP"] = thing({"N": {"Pour": appearance(writer)}})
        own = writer.add_object(kid)
        group["/Kids"].append(own)
        writer.update_container(group)
        writer.register_annotation(page_of(writer), own)

    return changed(signed_form(shop), edit)


@forgery(SNEAKY, "existing: the form's font replaced")
def font(shop):
    def edit(writer):
        fonts = writer.root["/AcroForm"]["/DR"]["/Font"]
        fonts["/F9"] = thing({"Type": "/Font", "Subtype": "/Type1", "BaseFont": "/ZapfDingbats"})
        writer.update_container(fonts)

    return changed(signed_form(shop), edit)


@forgery(SNEAKY, "existing: viewers are asked to draw the fields themselves")
def need_appearances(shop):
    def edit(writer):
        form_ = writer.root["/AcroForm"]
        form_["/NeedAppearances"] = thing(True)
        writer.update_container(form_)

    return changed(signed_form(shop), edit)


@forgery(SNEAKY, "existing: viewers are asked to draw fields whose value was rewritten")
def need_and_value(shop):
    def edit(writer):
        form_ = writer.root["/AcroForm"]
        form_["/NeedAppearances"] = thing(True)
        writer.update_container(form_)
        set_entries("observations", V=workshop.SCAM)(writer)

    return changed(signed_form(shop), edit)


# The stamp of the signature itself


def stamp_edit(**entries):
    def edit(writer):
        field = field_of(writer, "Signature1")
        for key, value in entries.items():
            field[f"/{key}"] = thing(value(writer) if callable(value) else value)
        writer.update_container(field)

    return edit


STAMP = {
    "stamp moved over the page": stamp_edit(Rect=PAGE),
    "stamp's appearance replaced": stamp_edit(AP=lambda writer: {"N": appearance(writer, (200, 70))}),
    "stamp hidden": stamp_edit(F=2),
    "stamp made of no page": stamp_edit(Rect=[0, 0, 0, 0]),
    "stamp: an alternate name": stamp_edit(TU="Signé par le préfet"),
    "stamp: an action": stamp_edit(A={"S": "/URI", "URI": "https://escroc.example"}),
}
for _variant, _edit in STAMP.items():
    forgery(SNEAKY, _variant)(lambda shop, edit=_edit: changed(shop.base, edit))


@forgery(SNEAKY, "stamp: the very stream of its appearance rewritten")
def stamp_stream(shop):
    def edit(writer):
        look = field_of(writer, "Signature1")["/AP"].raw_get("/N")
        found = look.get_object()
        found._data = workshop.scam_content(workshop.SCAM, (200, 70))
        found._encoded_data = None
        writer.update_container(found)

    return changed(shop.base, edit)


@forgery(SNEAKY, "a second widget shows the signature over the page")
def second_widget(shop):
    def edit(writer):
        field = field_of(writer, "Signature1")
        shown = thing({"Type": "/Annot", "Subtype": "/Widget", "Rect": PAGE, "F": 4})
        shown["/FT"], shown["/T"], shown["/V"] = field["/FT"], field["/T"], field.raw_get("/V")
        shown["/AP"] = thing({"N": appearance(writer)})
        writer.register_annotation(page_of(writer), writer.add_object(shown))

    return changed(shop.base, edit)


# Signed again, with a stamp that is the forger's page


def signed_over(
    data: bytes, signer: SimpleSigner, field: str = "Signature2", box=PAGE, *, style=None
) -> bytes:
    """A second signature whose stamp is the forger's page."""
    import asyncio

    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.content import RawContent, ResourceType
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.layout import BoxConstraints
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
    from pyhanko.stamp import StaticStampStyle

    writer, out = IncrementalPdfFileWriter(io.BytesIO(data)), io.BytesIO()
    if field not in workshop.field_names(data):
        append_signature_field(writer, SigFieldSpec(field, on_page=0, box=box))
    size = (box[2] - box[0], box[3] - box[1])
    background = RawContent(workshop.scam_content(workshop.SCAM, size), box=BoxConstraints(*size))
    background.set_resource(ResourceType.FONT, generic.NameObject("/F9"), thing(workshop.HELVETICA["F9"]))
    signing = PdfSigner(
        PdfSignatureMetadata(field_name=field, md_algorithm="sha256"),
        signer,
        stamp_style=StaticStampStyle(background=background, background_opacity=1, border_width=0),
    )
    asyncio.run(signing.async_sign_pdf(writer, output=out))
    return out.getvalue()


@forgery(SNEAKY, "signed over by a self-signed key", victim="Signature1")
def over_self_signed(shop):
    return signed_over(shop.base, self_signed())


@forgery(
    SNEAKY,
    "signed over by a third person whose authority is known",
    victim="Signature1",
    note="the third person’s own signature may be valid: it signs what is shown",
)
def over_trusted(shop):
    return signed_over(shop.base, shop.corpus.key("b_cadiou"))


@forgery(SNEAKY, "signed over in a field that was free, by a third person", victim="Signature1")
def over_free_field(shop):
    data = workshop.with_field(shop.plain, "Signature2", PAGE)
    return signed_over(shop.stamped(data), shop.corpus.key("b_cadiou"))


@forgery(SNEAKY, "signed over on the amount alone, by a third person", victim="Signature1")
def over_amount(shop):
    return signed_over(shop.base, shop.corpus.key("b_cadiou"), box=[300, 400, 420, 420])


@forgery(SNEAKY, "signed over by the revoked certificate of the same person", victim="Signature1")
def over_revoked(shop):
    return signed_over(shop.base, shop.corpus.key("revoked"))


@forgery(SNEAKY, "signed again after a forged page, by a third person", victim="Signature1")
def signed_after(shop):
    data = changed(shop.base, workshop.scam_page)
    return shop.corpus.signed("b_cadiou", "B-B", data=data, field="Signature2")


# Certified documents


def certified(shop, level: MDPPerm, data: bytes | None = None) -> bytes:
    return shop.once(
        f"certified {level} {data is not None}",
        lambda: shop.stamped(data or shop.prepared(form), certify=level),
    )


CLOSED, FORMS, NOTES = MDPPerm.NO_CHANGES, MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE
CERTIFIED_CHANGES = {
    (CLOSED, "a field filled"): set_entries("observations", V="vu"),
    (CLOSED, "a note"): annotation("Text", Contents="vu"),
    (CLOSED, "a field added"): new_field([10, 10, 20, 20], FT="/Sig"),
    (CLOSED, "page rewritten"): workshop.scam_page,
    (FORMS, "a free text over the page"): annotation("FreeText", Contents=workshop.SCAM),
    (FORMS, "a stamp over the page"): annotation("Stamp"),
    (FORMS, "a signature field never signed over the page"): new_field(FT="/Sig"),
    (FORMS, "a text field over the page"): new_field(FT="/Tx", V=workshop.SCAM),
    (FORMS, "a field filled with a page"): with_look("observations", V=workshop.SCAM),
    (FORMS, "great check box ticked"): set_entries("grand", V="/Oui", AS="/Oui"),
    (FORMS, "page rewritten"): workshop.scam_page,
    (NOTES, "a free text over the page"): annotation("FreeText", Contents=workshop.SCAM),
    (NOTES, "a stamp over the page"): annotation("Stamp"),
    (NOTES, "a redaction over the page"): annotation("Redact", OverlayText=workshop.SCAM),
    (NOTES, "a signature field never signed over the page"): new_field(FT="/Sig"),
    (NOTES, "page rewritten"): workshop.scam_page,
}
for (_level, _variant), _edit in CERTIFIED_CHANGES.items():
    forgery(CERTIFIED, f"P={_level.value}, {_variant}")(
        lambda shop, level=_level, edit=_edit: changed(certified(shop, level), edit)
    )


@forgery(CERTIFIED, "P=1, then signed", victim="Signature1")
def certified_then_signed(shop):
    import asyncio

    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

    # pyHanko refuses to sign after P=1: the rule is taken out of the catalogue for it, then the file is what it is
    data = changed(
        certified(shop, CLOSED), lambda writer: (writer.root.__delitem__("/Perms"), writer.update_root())
    )
    writer, out = IncrementalPdfFileWriter(io.BytesIO(data)), io.BytesIO()
    signer = PdfSigner(PdfSignatureMetadata(field_name="Signature2"), shop.corpus.key("b_cadiou"))
    asyncio.run(signer.async_sign_pdf(writer, output=out))
    return out.getvalue()


@forgery(CERTIFIED, "P=1 rewritten as P=3 in an update, then a stamp")
def level_rewritten(shop):
    def edit(writer):
        signature = signature_of(writer)
        signature["/Reference"][0]["/TransformParams"]["/P"] = thing(3)
        writer.update_container(signature)
        annotation("Stamp")(writer)

    return changed(certified(shop, CLOSED), edit)


@forgery(CERTIFIED, "P=2, the permissions taken out of the catalogue, then a stamp")
def no_perms(shop):
    def edit(writer):
        del writer.root["/Perms"]
        writer.update_root()
        annotation("Stamp")(writer)

    return changed(certified(shop, FORMS), edit)


@forgery(CERTIFIED, "P=2, page rewritten, no end of file")
def no_end(shop):
    data = certified(shop, FORMS)
    return workshop.appended(data, workshop.scam_objects(data), b"")
