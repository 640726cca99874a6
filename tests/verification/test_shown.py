"""What is shown is what was signed: nothing that is drawn, filled or appended after a signature stays green."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import SigFieldSpec, append_signature_field

from app.core.clock import now
from app.pdf.comparison import Drawing
from tests.builders.verify import verify
from tests.verification.corpus import DOCUMENT, Corpus, changed

PAGE, FOOT, SMALL = (0, 0, 595, 842), (380, 40, 560, 95), (60, 60, 200, 100)
CROOK = b"1 1 1 rg 0 0 595 842 re f 0 g BT /F1 30 Tf 60 400 Td (PAYER 99 000 EUR) Tj ET"


def numbers(*values: float) -> Any:
    return generic.ArrayObject(map(generic.FloatObject, values))


def drawing(writer: Any, box: tuple[int, ...], data: bytes = CROOK) -> Any:
    font = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/Type1"),
            pdf_name("/BaseFont"): pdf_name("/Helvetica"),
        }
    )
    fonts = generic.DictionaryObject({pdf_name("/F1"): writer.add_object(font)})
    form = {
        pdf_name("/Type"): pdf_name("/XObject"),
        pdf_name("/Subtype"): pdf_name("/Form"),
        pdf_name("/BBox"): numbers(0, 0, box[2] - box[0], box[3] - box[1]),
        pdf_name("/Resources"): generic.DictionaryObject({pdf_name("/Font"): fonts}),
    }
    return writer.add_object(generic.StreamObject(form, stream_data=data))


def widget(writer: Any, name: str, kind: str, box: tuple[int, ...], drawn: Any = None, **more: Any) -> Any:
    """A field and its widget, on the first page and in the form."""
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    made = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/FT"): pdf_name(kind),
            pdf_name("/T"): pdf_string(name),
            pdf_name("/F"): generic.NumberObject(4),
            pdf_name("/Rect"): numbers(*box),
            pdf_name("/P"): page,
            **{pdf_name("/" + key): value for key, value in more.items()},
        }
    )
    if drawn is not None:
        made[pdf_name("/AP")] = generic.DictionaryObject({pdf_name("/N"): drawn})
    reference = writer.add_object(made)
    writer.root["/AcroForm"]["/Fields"].append(reference)
    writer.update_container(writer.root["/AcroForm"]["/Fields"])
    writer.register_annotation(page, reference)
    return reference


def form(*names_kinds_boxes: tuple[str, str, tuple[int, ...]]) -> bytes:
    """The document with a signature field, and these fields."""
    writer, out = IncrementalPdfFileWriter(io.BytesIO(DOCUMENT)), io.BytesIO()
    append_signature_field(writer, SigFieldSpec("Signature1"))
    for name, kind, box in names_kinds_boxes:
        widget(writer, name, kind, box)
    writer.write(out)
    return out.getvalue()


def the_field(writer: Any, name: str) -> Any:
    return next(
        one for one in writer.root["/AcroForm"]["/Fields"] if one.get_object()["/T"] == name
    ).get_object()


def filled(name: str, value: Any, box: tuple[int, ...], data: bytes = CROOK) -> Callable[[Any], None]:
    def change(writer: Any) -> None:
        field = the_field(writer, name)
        field["/V"] = value
        field["/AP"] = generic.DictionaryObject({pdf_name("/N"): drawing(writer, box, data)})
        writer.update_container(field)

    return change


def ticked(writer: Any) -> None:
    field = the_field(writer, "accord")
    field["/V"] = field["/AS"] = pdf_name("/On")
    states = generic.DictionaryObject({pdf_name("/On"): drawing(writer, PAGE)})
    field["/AP"] = generic.DictionaryObject({pdf_name("/N"): states})
    writer.update_container(field)


def in_kids(writer: Any) -> None:
    """A new signature field whose drawing is in a widget of its own."""
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    parent = generic.DictionaryObject(
        {pdf_name("/FT"): pdf_name("/Sig"), pdf_name("/T"): pdf_string("Signature9")}
    )
    above = writer.add_object(parent)
    kid = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Widget"),
            pdf_name("/Rect"): numbers(*PAGE),
            pdf_name("/Parent"): above,
            pdf_name("/AP"): generic.DictionaryObject({pdf_name("/N"): drawing(writer, PAGE)}),
        }
    )
    reference = writer.add_object(kid)
    parent["/Kids"] = generic.ArrayObject([reference])
    writer.root["/AcroForm"]["/Fields"].append(above)
    writer.update_container(writer.root["/AcroForm"]["/Fields"])
    writer.register_annotation(page, reference)


def stamped(corpus: Corpus, label: str, data: bytes, box: tuple[int, ...], drawn: bytes = CROOK) -> bytes:
    """One more signature, in a new field that shows a drawing of its own."""

    def change(writer: Any) -> None:
        widget(writer, "Signature2", "/Sig", box, drawing(writer, box, drawn))

    # the field and its drawing come with the signature, in one revision less than this: as an attacker may do
    return corpus.signed(label, data=changed(data, change), field="Signature2")


def without_end(data: bytes) -> bytes:
    """The first page's content replaced, with a table and a trailer that lead to it, and no end of file."""
    reader = PdfFileReader(io.BytesIO(data))
    content = reader.root["/Pages"]["/Kids"][0].raw_get("/Contents")
    number = (content if isinstance(content, generic.IndirectObject) else content.raw_get(0)).idnum
    start = len(data)
    body = b"%d 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n" % (number, len(CROOK), CROOK)
    size, root = int(reader.trailer["/Size"]), reader.root_ref.idnum
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, start)
    trailer = b"trailer\n<</Size %d /Root %d 0 R /Prev %d>>\n" % (size, root, reader.last_startxref)
    return data + body + table + trailer + b"startxref\n%d\n" % (start + len(body))


OBJECT = b"\n1 0 obj\n<</Type /Catalog>>\nendobj\n"


def two_texts() -> bytes:
    """Two texts at one place, of which a reader sees the second."""
    writer, out = IncrementalPdfFileWriter(io.BytesIO(DOCUMENT)), io.BytesIO()
    append_signature_field(writer, SigFieldSpec("Signature1"))
    for name, words in (("cher", b"99 000 EUR"), ("juste", b"1 000 EUR")):
        drawn = b"1 1 1 rg 0 0 140 40 re f 0 g BT /F1 12 Tf 5 12 Td (" + words + b") Tj ET"
        widget(writer, name, "/Tx", SMALL, drawing(writer, SMALL, drawn))
    writer.write(out)
    return out.getvalue()


def other_order(writer: Any) -> None:
    """An invisible field added, as an honest writer may do, and the first text drawn after the second."""
    append_signature_field(writer, SigFieldSpec("Signature9"))
    page = writer.root["/Pages"]["/Kids"][0]
    listed = list(page["/Annots"])
    page["/Annots"] = generic.ArrayObject([*listed[::-1]])
    writer.update_container(page)


def listed_twice(writer: Any) -> None:
    append_signature_field(writer, SigFieldSpec("Signature9"))
    page = writer.root["/Pages"]["/Kids"][0]
    listed = [page["/Annots"].raw_get(place) for place in range(len(page["/Annots"]))]
    page["/Annots"] = generic.ArrayObject([*listed, *listed[:2]])
    writer.update_container(page)


def announced(generation: int) -> bytes:
    """A page whose second content stream is an object that nobody has."""
    writer, out = IncrementalPdfFileWriter(io.BytesIO(DOCUMENT)), io.BytesIO()
    page = writer.root["/Pages"]["/Kids"][0]
    nobody = generic.IndirectObject(900, generation, writer)
    page["/Contents"] = generic.ArrayObject([page.raw_get("/Contents"), nobody])
    writer.update_container(page)
    append_signature_field(writer, SigFieldSpec("Signature1"))
    writer.write(out)
    return out.getvalue()


def arrived(data: bytes) -> bytes:
    """That object, by a table and an end of file as they should be."""
    reader, start = PdfFileReader(io.BytesIO(data), strict=False), len(data)
    body = b"900 0 obj\n<</Length %d>>\nstream\n%s\nendstream\nendobj\n" % (len(CROOK), CROOK)
    table = b"xref\n900 1\n%010d 00000 n \n" % start
    where = (reader.root_ref.idnum, reader.last_startxref, start + len(body))
    return (
        data
        + body
        + table
        + b"trailer\n<</Size 901 /Root %d 0 R /Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % where
    )


BOX = (("accord", "/Btn", PAGE),)
TEXT = (("observations", "/Tx", PAGE),)
SMALL_TEXT = (("observations", "/Tx", SMALL),)
FREE = (("Signature2", "/Sig", PAGE),)
FORGED: dict[str, Callable[[Corpus], bytes]] = {
    "an unsigned field over the page": lambda c: changed(
        c.signed(), lambda w: widget(w, "Signature9", "/Sig", PAGE, drawing(w, PAGE))
    ),
    "an unsigned field over a line": lambda c: changed(
        c.signed(), lambda w: widget(w, "Signature9", "/Sig", SMALL, drawing(w, SMALL))
    ),
    "an unsigned field, its widget apart": lambda c: changed(c.signed(), in_kids),
    "an unknown authority’s signature over the page": lambda c: stamped(c, "foreign_root", c.signed(), PAGE),
    "a third person's signature over the page": lambda c: stamped(c, "b_cadiou", c.signed(), PAGE),
    "a text field over the page": lambda c: changed(
        c.signed(data=form(*TEXT)), filled("observations", pdf_string("lu"), PAGE)
    ),
    "a text field completed": lambda c: changed(
        c.signed(data=form(*SMALL_TEXT)), filled("observations", pdf_string("lu"), SMALL)
    ),
    "a check box over the page": lambda c: changed(c.signed(data=form(*BOX)), ticked),
    "a free field of the page's size given a drawing": lambda c: changed(
        c.signed(data=form(*FREE)), filled("Signature2", generic.NullObject(), PAGE)
    ),
    "another annotation drawn in front": lambda c: changed(c.signed(data=two_texts()), other_order),
    "an annotation listed once more": lambda c: changed(c.signed(data=two_texts()), listed_twice),
    "an object that the page announced": lambda c: arrived(c.signed(data=announced(0))),
    "an object that the page announced by another generation": lambda c: arrived(c.signed(data=announced(7))),
    "an update without its end of file": lambda c: without_end(c.signed()),
    "an update whose end of file is misspelt": lambda c: without_end(c.signed()) + b"%%EO\n",
    "objects that no table names": lambda c: c.signed() + OBJECT,
    "rubbish after the end": lambda c: c.signed() + b"rubbish",
}


def with_a_table(data: bytes = DOCUMENT) -> bytes:
    """The document with a plain cross-reference table, as most writers make."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return out.getvalue()


HONEST: dict[str, Callable[[Corpus], bytes]] = {
    "blanks after the end": lambda c: c.signed() + b"\r\n\0\n",
    "two signers": lambda c: c.two(),
    "two signers over a plain table": lambda c: c.signed(
        "b_cadiou", data=c.signed(data=with_a_table()), field="Signature2"
    ),
    "an archive over a plain table": lambda c: c.signed(level="B-LTA", data=with_a_table()),
    "an archive": lambda c: c.signed(level="B-LTA"),
    "filled, then signed": lambda c: c.signed(
        data=changed(form(*SMALL_TEXT), filled("observations", pdf_string("lu"), SMALL))
    ),
    "a small stamp over blank paper, in a field of the signed revision": lambda c: c.signed(
        "b_cadiou", data=c.signed(data=form(("Signature2", "/Sig", FOOT))), field="Signature2"
    ),
    "an empty field added without a drawing": lambda c: changed(
        c.signed(), lambda w: append_signature_field(w, SigFieldSpec("Signature9", on_page=0, box=FOOT))
    ),
    "metadata of a document management system": lambda c: changed(c.signed(), metadata),
}


def metadata(writer: Any) -> None:
    writer.set_info(
        writer.add_object(generic.DictionaryObject({pdf_name("/Title"): pdf_string("GED 2026-117")}))
    )


def judged(path: Path, data: bytes, made: Corpus) -> Any:
    path.write_bytes(data)
    return verify(path, made.trust, now())


@pytest.mark.parametrize("name", FORGED)
def test_what_could_show_something_else_is_never_valid(made: Corpus, tmp_path: Path, name: str) -> None:
    first = judged(tmp_path / "forged.pdf", FORGED[name](made), made)[0]
    assert first.verdict != "valide", (first.reason, first.changes)
    assert "Rien n’a changé" not in first.changes
    assert "Seules" not in first.changes


@pytest.mark.parametrize("name", HONEST)
def test_what_changes_nothing_that_is_shown_stays_valid(made: Corpus, tmp_path: Path, name: str) -> None:
    every = judged(tmp_path / "honest.pdf", HONEST[name](made), made)
    assert [one.verdict for one in every] == ["valide"] * len(every), [one.reason for one in every]


def test_the_sentence_on_what_was_added_says_what_was_added(made: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "one.pdf"
    assert judged(path, made.two(), made)[0].changes == "Ajouté depuis : la signature de Bleuenn CADIOU."
    info = judged(path, changed(made.signed(), metadata), made)[0]
    assert info.changes == "Métadonnées modifiées depuis, sans effet sur ce qui s’affiche."
    archive = judged(path, made.signed(level="B-LTA"), made)[0]
    assert archive.changes == "Seules des preuves d’archivage ont été ajoutées depuis."


def test_a_changed_byte_is_never_told_beside_nothing_changed(made: Corpus, tmp_path: Path) -> None:
    data = made.signed().replace(b"/Title", b"/Tytle", 1)
    (only,) = judged(tmp_path / "one.pdf", data, made)
    assert (only.verdict, only.changes) == (
        "invalide",
        "Le contenu du fichier n’est plus celui qui a été signé.",
    )


def test_a_completed_field_is_named_with_its_value(made: Corpus, tmp_path: Path) -> None:
    data = FORGED["a text field completed"](made)
    only = judged(tmp_path / "one.pdf", data, made)[0]
    assert only.verdict == "indéterminé"
    assert "champs complétés depuis : observations = lu" in only.reason


def drawn_twice(box: tuple[int, ...], data: bytes, places: list[Any]) -> Any:
    """The first page before and after an annotation was drawn there."""
    before = form()
    after = changed(before, lambda w: widget(w, "Signature9", "/Sig", box, drawing(w, box, data)))
    drawings = Drawing(io.BytesIO(after))
    try:
        return drawings.compare(0, len(before), len(after), places)
    finally:
        drawings.close()


WORDS = b"0 g BT /F1 9 Tf 5 20 Td (Vu et certifie) Tj ET"
TITLE = (60, 600, 300, 760)


def test_a_page_is_drawn_before_and_after_and_compared_outside_the_places() -> None:
    assert drawn_twice(FOOT, WORDS, []).differs
    assert not drawn_twice(FOOT, WORDS, [FOOT]).differs
    assert drawn_twice(PAGE, CROOK, [FOOT]).differs


def test_what_a_place_covers_and_what_it_hides_are_told_apart() -> None:
    empty = drawn_twice(FOOT, WORDS, [FOOT])
    assert (empty.ink, empty.hidden) == ((False,), (False,))
    over = drawn_twice(TITLE, WORDS, [TITLE])
    assert (over.ink, over.hidden) == ((True,), (False,))
    white = drawn_twice(TITLE, b"1 1 1 rg 0 0 500 500 re f " + WORDS, [TITLE])
    assert (white.ink, white.hidden) == ((True,), (True,))
