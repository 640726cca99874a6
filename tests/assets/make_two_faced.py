"""Makes every PDF of the tests that shows one thing here and another there: name of the trick -> its bytes.

By hand: `python -m tests.assets.make_two_faced FOLDER` writes them all, to look at them.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from tests.assets.make_hostile import changed
from tests.assets.make_signed import GOOD, signed

TRUE, FALSE = "Montant : 1 000 EUR", "Montant : 999 000 EUR"
BOX = (72, 60, 420, 100)


def _font(pdf: pikepdf.Pdf) -> Dictionary:
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    return Dictionary(Font=Dictionary(F9=font))


def drawing(words: str, *, ground: bool = True) -> bytes:
    """A white ground of the size of BOX and words over it."""
    fill = b"1 1 1 rg 0 0 348 40 re f 0 g " if ground else b""
    return fill + b"BT /F9 20 Tf 6 12 Td (" + words.encode("latin-1") + b") Tj ET"


def form(pdf: pikepdf.Pdf, words: str) -> pikepdf.Stream:
    return pdf.make_stream(
        drawing(words),
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([0, 0, 348, 40]),
        Resources=_font(pdf),
    )


def _write(pdf: pikepdf.Pdf, content: bytes, **named: Dictionary) -> None:
    """Add content to the first page, with properties by name."""
    page = pdf.pages[0]
    page.contents_add(pdf.make_stream(b"q 1 0 0 1 72 60 cm " + content + b" Q"), prepend=False)
    resources = page.obj.get("/Resources", Dictionary())
    page.obj.Resources = resources
    resources.Font = Dictionary({**dict(resources.get("/Font", {})), **dict(_font(pdf).Font)})
    resources.Properties = Dictionary({f"/{key}": one for key, one in named.items()})


def _layer(pdf: pikepdf.Pdf, name: str, **more: object) -> Dictionary:
    return pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String(name), **more))


def _usage(view: str, printed: str) -> Dictionary:
    return Dictionary(
        View=Dictionary(ViewState=Name(f"/{view}")), Print=Dictionary(PrintState=Name(f"/{printed}"))
    )


def layers_by_use(pdf: pikepdf.Pdf) -> None:
    """One layer for the screen and one for the printer, each where the other is."""
    seen, printed = (
        _layer(pdf, "Écran", Usage=_usage("ON", "OFF")),
        _layer(pdf, "Papier", Usage=_usage("OFF", "ON")),
    )
    both = Array([seen, printed])
    follow = [
        Dictionary(Event=Name(f"/{one}"), OCGs=both, Category=Array([Name(f"/{one}")]))
        for one in ("View", "Print")
    ]
    pdf.Root.OCProperties = Dictionary(OCGs=both, D=Dictionary(ON=both, OFF=Array(), AS=Array(follow)))
    content = b"/OC /S BDC " + drawing(TRUE) + b" EMC /OC /P BDC " + drawing(FALSE) + b" EMC"
    _write(pdf, content, S=seen, P=printed)


def layer_off(pdf: pikepdf.Pdf) -> None:
    """A layer that is not shown until somebody ticks it."""
    off = _layer(pdf, "Montant")
    pdf.Root.OCProperties = Dictionary(OCGs=Array([off]), D=Dictionary(OFF=Array([off])))
    _write(pdf, drawing(TRUE) + b" /OC /H BDC " + drawing(FALSE) + b" EMC", H=off)


def layer_in_another_view(pdf: pikepdf.Pdf) -> None:
    """Everything is shown, but another configuration hides it."""
    on = _layer(pdf, "Montant")
    other = Dictionary(Name=String("Autre"), BaseState=Name.OFF)
    pdf.Root.OCProperties = Dictionary(OCGs=Array([on]), D=Dictionary(), Configs=Array([other]))
    _write(pdf, b"/OC /H BDC " + drawing(TRUE) + b" EMC", H=on)


def layer_unless(pdf: pikepdf.Pdf) -> None:
    """Content that is shown only while a layer is not, in a form of its own."""
    on = _layer(pdf, "Montant")
    pdf.Root.OCProperties = Dictionary(OCGs=Array([on]), D=Dictionary())
    unless = pdf.make_indirect(Dictionary(Type=Name.OCMD, OCGs=Array([on]), P=Name.AllOff))
    hidden = form(pdf, FALSE)
    hidden.OC = unless
    _write(pdf, drawing(TRUE) + b" /X9 Do")
    resources = pdf.pages[0].obj.Resources
    resources.XObject = Dictionary({**dict(resources.get("/XObject", {})), "/X9": hidden})


def layer_shown(pdf: pikepdf.Pdf) -> None:
    """A layer that everything shows, as drawing programs write them."""
    on = _layer(pdf, "Fond", Intent=Array([Name.View, Name.Design]), Usage=_usage("ON", "ON"))
    pdf.Root.OCProperties = Dictionary(OCGs=Array([on]), D=Dictionary(ON=Array([on]), Order=Array([on])))
    _write(pdf, b"/OC /H BDC " + drawing(TRUE) + b" EMC", H=on)


def _annotate(
    pdf: pikepdf.Pdf, flags: int, subtype: str = "Stamp", *, drawn: bool = True, **more: object
) -> Dictionary:
    one = pdf.make_indirect(
        Dictionary(Type=Name.Annot, Subtype=Name(f"/{subtype}"), Rect=Array(BOX), F=flags, **more)
    )
    if drawn:
        one.AP = Dictionary(N=form(pdf, FALSE))
    page = pdf.pages[0].obj
    page.Annots = Array([*page.get("/Annots", []), one])
    return one


def _note(flags: int, subtype: str = "Stamp", *, drawn: bool = True) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        _annotate(pdf, flags, subtype, drawn=drawn)

    return change


def _field(pdf: pikepdf.Pdf, kind: str, **more: object) -> Dictionary:
    one = _annotate(pdf, 4, "Widget", FT=Name(f"/{kind}"), T=String("montant"), **more)
    pdf.Root.AcroForm = Dictionary(Fields=Array([one]), DA=String("/F9 12 Tf 0 g"), DR=_font(pdf))
    return one


def text_field(pdf: pikepdf.Pdf) -> None:
    _field(pdf, "Tx", V=String(TRUE), DA=String("/F9 12 Tf 0 g")).AP = Dictionary(N=form(pdf, TRUE))


def stale_field(pdf: pikepdf.Pdf) -> None:
    """A field whose drawing says one thing and its value another, to be drawn anew by who opens it."""
    _field(pdf, "Tx", V=String(FALSE), DA=String("/F9 12 Tf 0 g")).AP = Dictionary(N=form(pdf, TRUE))
    pdf.Root.AcroForm.NeedAppearances = True


def check_box(pdf: pikepdf.Pdf) -> None:
    one = _field(pdf, "Btn", V=Name.Oui, AS=Name.Oui)
    one.AP = Dictionary(N=Dictionary(Oui=form(pdf, TRUE), Off=form(pdf, FALSE)))


def submit_button(pdf: pikepdf.Pdf) -> None:
    _field(pdf, "Btn", Ff=65536).A = Dictionary(S=Name.SubmitForm, F=String("https://exemple.fr/"))


def _opens(**action: object) -> Callable[[pikepdf.Pdf], None]:
    def change(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = Dictionary(**action)

    return change


def page_action(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].obj.AA = Dictionary(O=Dictionary(S=Name.URI, URI=String("https://exemple.fr/lu")))


def showing_link(pdf: pikepdf.Pdf) -> None:
    """A link whose click shows what was hidden."""
    hidden = _annotate(pdf, 2)
    _annotate(pdf, 4, "Link", drawn=False).A = Dictionary(S=Name.Hide, T=hidden, H=False)


def alternate_image(pdf: pikepdf.Pdf) -> None:
    """An image that another one replaces at the printer."""
    image, other = (
        pdf.make_stream(
            level * 64,
            Type=Name.XObject,
            Subtype=Name.Image,
            Width=8,
            Height=8,
            BitsPerComponent=8,
            ColorSpace=Name.DeviceGray,
        )
        for level in (b"\xc0", b"\x10")
    )
    image.Alternates = Array([Dictionary(Image=other, DefaultForPrinting=True)])
    _write(pdf, b"348 0 0 40 0 0 cm /X9 Do")
    resources = pdf.pages[0].obj.Resources
    resources.XObject = Dictionary({**dict(resources.get("/XObject", {})), "/X9": image})


def postscript(pdf: pikepdf.Pdf) -> None:
    """What only a PostScript printer draws."""
    program = pdf.make_stream(b"72 60 moveto (999 000 EUR) show", Type=Name.XObject, Subtype=Name.PS)
    _write(pdf, drawing(TRUE) + b" /X9 Do")
    resources = pdf.pages[0].obj.Resources
    resources.XObject = Dictionary({**dict(resources.get("/XObject", {})), "/X9": program})


def print_area(pdf: pikepdf.Pdf) -> None:
    pdf.Root.ViewerPreferences = Dictionary(PrintArea=Name.MediaBox)


def portfolio(pdf: pikepdf.Pdf) -> None:
    """A cover page that most readers replace by the file inside."""
    pdf.attachments["contrat.pdf"] = pikepdf.AttachedFileSpec(pdf, GOOD.read_bytes(), filename="contrat.pdf")
    pdf.Root.Collection = Dictionary(Type=Name.Collection, View=Name.H, D=String("contrat.pdf"))


def external_stream(pdf: pikepdf.Pdf) -> None:
    """A page whose content is in another file."""
    stream = pdf.make_stream(drawing(TRUE))
    stream.F = String("ailleurs.bin")
    pdf.pages[0].obj.Contents = stream


def with_files(pdf: pikepdf.Pdf) -> None:
    """A program and a picture inside the PDF."""
    for name, content in (
        ("facture.exe", b"MZ\x90\0" + bytes(600)),
        ("plan.png", b"\x89PNG\r\n\x1a\n" + bytes(50)),
    ):
        pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, content, filename=name)


def _made(change: Callable[[pikepdf.Pdf], object]) -> Callable[[], bytes]:
    return lambda: changed(change)


URI = Dictionary(S=Name.URI, URI=String("https://exemple.fr/"))
FLATTENED: dict[str, tuple[Callable[[], bytes], str]] = {
    "calques-ecran-papier": (_made(layers_by_use), "layers"),
    "calque-eteint": (_made(layer_off), "layers"),
    "calque-autre-vue": (_made(layer_in_another_view), "layers"),
    "calque-sauf-si": (_made(layer_unless), "layers"),
    "annotation-masquee": (_made(_note(4 | 2)), "annotations"),
    "annotation-papier": (_made(_note(4 | 32)), "annotations"),
    "annotation-ecran": (_made(_note(0)), "annotations"),
    "annotation-au-survol": (_made(_note(4 | 32 | 256)), "annotations"),
    "annotation-sans-zoom": (_made(_note(4 | 8, "FreeText")), "annotations"),
    "champ-texte": (_made(text_field), "fields"),
    "case-a-cocher": (_made(check_box), "fields"),
    "bouton-envoyer": (_made(submit_button), "fields"),
    "ouverture-envoi": (_made(_opens(S=Name.SubmitForm, F=String("https://exemple.fr/"))), "actions"),
    "ouverture-adresse": (_made(_opens(S=Name.URI, URI=String("https://exemple.fr/"))), "actions"),
    "ouverture-autre-pdf": (
        _made(_opens(S=Name.GoToR, F=String("autre.pdf"), D=Array([0, Name.Fit]))),
        "actions",
    ),
    "ouverture-import": (_made(_opens(S=Name.ImportData, F=String("donnees.fdf"))), "actions"),
    "page-adresse": (_made(page_action), "actions"),
    "lien-qui-montre": (_made(showing_link), "actions"),
    "image-de-rechange": (_made(alternate_image), "printed"),
    "programme-imprimante": (_made(postscript), "printed"),
    "zone-imprimee": (_made(print_area), "areas"),
    "porte-documents": (_made(portfolio), "portfolio"),
}
"""Each offered as a plain copy: how it is made, and the kind of face that is found first."""

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "carre-sans-dessin": (_made(_note(4, "Line", drawn=False)), "file-two-faced"),
    "fenetre-dessinee": (_made(_note(4, "Popup")), "file-two-faced"),
    "champ-a-redessiner": (_made(stale_field), "file-two-faced"),
    "note-avec-fichier": (_made(_note(0, "FileAttachment")), "file-two-faced"),
    "contenu-ailleurs": (_made(external_stream), "file-elsewhere"),
}
"""Each refused: no plain copy is sure to be what was seen."""

PLAIN: dict[str, Callable[[], bytes]] = {
    "calque-montre": _made(layer_shown),
    "tampon": _made(_note(4)),
    "lien": _made(lambda pdf: _annotate(pdf, 0, "Link", drawn=False, A=URI)),
    "ouverture-page": _made(lambda pdf: setattr(pdf.Root, "OpenAction", Array([pdf.pages[1].obj, Name.Fit]))),
}
"""Each kept as it came: everything shows it alike."""


def signed_with(change: Callable[[pikepdf.Pdf], object]) -> bytes:
    """A file changed so, then signed: it may not be flattened any more."""
    return signed(data=changed(change))


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, _) in {**FLATTENED, **REFUSED}.items():
        (folder / f"{name}.pdf").write_bytes(make())
    for name, plain in PLAIN.items():
        (folder / f"ok-{name}.pdf").write_bytes(plain())
    (folder / "ok-fichiers-joints.pdf").write_bytes(changed(with_files))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
