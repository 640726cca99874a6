"""The visible signature stands where people see it, upright, whatever the page, and with every letter."""

import dataclasses
import subprocess
import unicodedata
from contextlib import closing
from pathlib import Path

import pikepdf
import pypdfium2 as pdfium
import pytest
import uharfbuzz
from PIL import Image

from app.core.clock import now
from app.core.refusals import Refusal
from app.pdf.fonts import FONT, characters
from app.signing.formats import geometry, pades, stamp
from app.signing.ports import Box, FieldPlan, Stamp

LINES = (
    "Signé électroniquement par",
    "Maël LE ŒUFFRE-ŸVEN",
    "Adjointe, c’hoari « Kerñev – ŵ »",
    "coût : 12 €",
)
ASSETS = Path(__file__).parents[1] / "assets"
SHAPES = [(0, 0), (90, 0), (180, 0), (270, 0), (0, 37), (90, 37), (180, 37), (270, 37)]


A0, A5, PLAN = (2384, 3370), (420, 595), (3370, 2384)
TWO = ("ARMEL KERVADEC", "MAIRE")  # no accent parts a letter in two


def page_file(path, rotate, shift, text=None):
    """One page of 400 × 300, turned, its boxes moved away from the origin, rotation and boxes inherited."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(400, 300))
        page, tree = pdf.pages[0].obj, pdf.Root.Pages
        del page.MediaBox
        tree.MediaBox = [shift - 20, shift - 20, shift + 420, shift + 320]
        tree.CropBox = [shift, shift, shift + 400, shift + 300]
        tree.Rotate = rotate
        if text:
            font = pikepdf.Dictionary(
                Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
            )
            page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
            page.Contents = pdf.make_stream(text.encode())
        pdf.save(path)
    return path


def ink(path, number=0):
    """Bounding box of what is printed, in points of the displayed page, origin bottom left; and the page's size."""
    with closing(pdfium.PdfDocument(path)) as document:
        document.init_forms()  # pdfium draws signature fields as forms, not as annotations
        page = document[number]
        bitmap = page.render(scale=2, grayscale=True)
        width, height, stride, data = bitmap.width, bitmap.height, bitmap.stride, bytes(bitmap.buffer)
        rows = [data[y * stride : y * stride + width] for y in range(height)]
        bitmap.close()
        page.close()
    white = b"\xff" * width
    dark = [y for y, row in enumerate(rows) if row != white]
    columns = [x for x in range(width) if any(rows[y][x] != 255 for y in dark)]
    box = (columns[0] / 2, (height - 1 - dark[-1]) / 2, (columns[-1] + 1) / 2, (height - dark[0]) / 2)
    full = [x for x in columns if sum(rows[y][x] < 160 for y in dark) > 0.9 * len(dark)]
    return box, (width / 2, height / 2), [x / 2 for x in full]


def drawn(path, number=0):
    """What poppler prints of a page, within its crop box, white where there is ink."""
    target = path.with_name(f"poppler-{number}")
    page = str(number + 1)
    subprocess.run(
        [
            "pdftoppm",
            "-cropbox",
            "-f",
            page,
            "-l",
            page,
            "-singlefile",
            "-scale-to",
            "1600",
            "-png",
            path,
            target,
        ],
        check=True,
    )
    with Image.open(f"{target}.png") as image:
        return image.convert("L").point(lambda grey: 255 if grey < 200 else 0)


def share(box, shape):
    """The place of a box as the page draws it over the document: left, top, right and bottom, in shares of the page."""
    wide, high = shape.width, shape.height
    return box.x1 / wide, 1 - box.y2 / high, box.x2 / wide, 1 - box.y1 / high


def stands_in(image, place, *, lines):
    """Assert that all the ink fills that place from its left rule on, in that many lines of text below one another."""
    wide, high = image.size
    left, top, right, bottom = place[0] * wide, place[1] * high, place[2] * wide, place[3] * high
    found = image.getbbox()
    assert found[0] == pytest.approx(left, abs=2)
    assert found[1] == pytest.approx(top, abs=2)
    assert found[3] == pytest.approx(bottom, abs=2)
    assert found[2] <= right + 1
    # Upright: beside the rule, which is as high as the box, the ink makes lines with white between them
    words = image.crop((round(left + 0.04 * (right - left)), *found[1:]))
    inked = [words.crop((0, y, words.width, y + 1)).getbbox() is not None for y in range(words.height)]
    assert sum(now and not before for before, now in zip([False, *inked], inked, strict=False)) == lines
    rule = image.crop((found[0], found[1], found[0] + 2, found[3])).histogram()[255]
    assert rule > 1.5 * (found[3] - found[1])


def signed(path, key, box, lines=LINES):
    target = path.with_name("signed.pdf")
    pades.seal(
        path,
        target,
        key=key("ec"),
        field="maire",
        fields=[FieldPlan("maire", box)],
        stamp=Stamp(lines),
        now=now(),
        timestamper=None,
    )
    return target


@pytest.mark.parametrize("path", sorted((ASSETS / "pdf").glob("*.pdf")), ids=lambda path: path.stem)
def test_the_foot_of_a_page_has_the_ink_of_the_whole_and_is_drawn_alone_while_it_is_enough(path):
    with geometry.looking(path) as look:
        ink = look.ink(look.count - 1)
        foot, above = ink._image, ink._above
        assert above >= 0.7 * ink.height
        assert ink.within(0, above, ink.width, ink.height) == foot.histogram()[255]
        assert ink._image is foot
        every = ink.within(0, 0, ink.width, ink.height)
        assert ink._image.size == (ink.width, ink.height)
        assert ink._image.histogram()[255] == every
        assert ink._image.crop((0, above, ink.width, ink.height)).tobytes() == foot.tobytes()


@pytest.mark.parametrize(("rotate", "shift"), SHAPES)
def test_the_stamp_is_upright_inside_its_box_as_shown(tmp_path, key, rotate, shift):
    path = page_file(tmp_path / "page.pdf", rotate, shift)
    (shape,) = geometry.pages(path)
    assert (shape.width, shape.height) == ((300, 400) if rotate in (90, 270) else (400, 300))
    box = Box(0, 40, 60, 220, 120)
    found, size, bars = ink(signed(path, key, box))
    assert size == (shape.width, shape.height)
    assert found[0] == pytest.approx(40, abs=1)  # the rule at the left of the stamp, over its whole height
    assert found[1] == pytest.approx(60, abs=1)
    assert found[3] == pytest.approx(120, abs=1)
    assert 150 < found[2] <= 220
    assert bars
    assert max(bars) < 43


@pytest.mark.parametrize(("rotate", "shift"), SHAPES)
@pytest.mark.parametrize(("size", "unit"), [((400, 300), 1), (A0, 1), (A5, 1), (PLAN, 1), ((300, 200), 10)])
def test_poppler_prints_the_stamp_where_the_preview_shows_it(tmp_path, key, rotate, shift, size, unit):
    path = tmp_path / "page.pdf"
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=size)
        page = pdf.pages[0].obj
        page.MediaBox = [shift - 20, shift - 20, shift + size[0] + 20, shift + size[1] + 20]
        page.CropBox = [shift + size[0], shift + size[1], shift, shift]  # written from its other corner
        page.Rotate = rotate
        page.UserUnit = unit
        pdf.save(path)
    (shape,) = geometry.pages(path)
    x, y = shape.width * 0.31, shape.height * 0.22
    box = Box(0, x, y, x + shape.width * 0.4, y + shape.height * 0.2)
    stands_in(drawn(signed(path, key, box, TWO)), share(box, shape), lines=2)


def test_on_the_last_of_600_pages_the_stamp_stands_where_it_was_put(tmp_path, key):
    path = tmp_path / "long.pdf"
    with pikepdf.new() as pdf:
        for number in range(600):
            pdf.add_blank_page(page_size=(595, 842) if number % 7 else (842, 595))
        pdf.pages[599].obj.Rotate = 270
        pdf.save(path)
    shapes = geometry.pages(path)
    assert len(shapes) == 600
    box = geometry.default_box(path, 0, 1)
    assert box.page == 599
    image = drawn(signed(path, key, box, TWO), 599)
    stands_in(image, share(box, shapes[599]), lines=2)


def test_a_page_without_size_is_as_large_as_viewers_show_it(tmp_path, key):
    path = tmp_path / "page.pdf"
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(400, 300))
        del pdf.pages[0].obj.MediaBox
        pdf.pages[0].obj.Rotate = 180  # seen from its far corner, which nobody wrote
        pdf.save(path)
    box = Box(0, 100, 50, 300, 110)
    image = drawn(signed(path, key, box, TWO))
    stands_in(image, share(box, geometry.PageShape(0, 0, 612, 792, 180)), lines=2)


@pytest.mark.parametrize("unit", [1, 2.5])
def test_a_point_goes_in_and_comes_out_the_same_on_every_page(unit):
    for rotate in (0, 90, 180, 270):
        shape = geometry.PageShape(11, 22, 411, 322, rotate, unit)
        assert shape.outward(*shape.inward(30, 70)) == pytest.approx((30, 70))


@pytest.mark.parametrize("count", [1, 2, 3, 5, 12])
def test_default_boxes_lie_on_the_last_page_and_never_overlap(deliberation, count):
    boxes = [geometry.default_box(deliberation, index, count) for index in range(count)]
    page = geometry.pages(deliberation)[-1]
    for box in boxes:
        assert box.page == 1
        assert 0 <= box.x1 < box.x2 <= page.width
        assert 0 <= box.y1 < box.y2 <= page.height
    for rank, one in enumerate(boxes):
        for other in boxes[rank + 1 :]:
            assert one.x2 <= other.x1 or other.x2 <= one.x1 or one.y2 <= other.y1 or other.y2 <= one.y1


@pytest.mark.parametrize(
    ("name", "low"),
    [("fx-en16931-fr-avec-piece-jointe.pdf", False), ("fx-basic-fr-ok.pdf", True)],
)
def test_a_signature_alone_covers_nothing_written_and_stays_low_when_it_can(name, low):
    path = Path(__file__).parents[1] / "assets" / "invoices" / name
    box = geometry.default_box(path, 0, 1)
    document = pdfium.PdfDocument(path)
    page = document[box.page]
    text = page.get_textpage()
    assert text.get_text_bounded(box.x1, box.y1, box.x2, box.y2).strip() == ""
    assert (box.y1 == geometry.FOOT) is low
    text.close()
    page.close()
    document.close()


@pytest.mark.parametrize(("rotate", "shift"), SHAPES)
def test_the_last_tag_gives_the_place_on_the_page_as_shown(tmp_path, key, rotate, shift):
    text = f"BT /F 6 Tf {shift + 20} {shift + 20} Td (#signature1#) Tj ET BT /F 6 Tf {shift + 200} {shift + 150} Td (#signature1#) Tj ET"
    path = page_file(tmp_path / "tag.pdf", rotate, shift, text)
    box = geometry.tag_boxes(path, ["#signature2#", "#signature1#"])["#signature1#"]
    (shape,) = geometry.pages(path)
    x, y = shape.outward(shift + 200, shift + 150)
    assert box.page == 0
    assert box.x1 - 45 <= x <= box.x2 + 1
    assert box.y1 - 1 <= y <= box.y2 + 45
    shape.rectangle(box)
    assert geometry.tag_boxes(path, ["#signature2#"]) == {}


def test_a_box_outside_the_page_is_refused(tmp_path, key):
    path = page_file(tmp_path / "page.pdf", 90, 0)
    for box in (Box(0, 200, 20, 390, 80), Box(3, 20, 20, 100, 80), Box(0, 50, 50, 50, 80)):
        with pytest.raises(Refusal, match="stamp-outside-page"):
            signed(path, key, box)
    assert not path.with_name("signed.pdf").exists()


def test_each_document_of_a_batch_holds_the_whole_of_the_same_drawing(tmp_path, key):
    """They are drawn once, and none of them depends on another or on what was drawn before."""
    box, said = Box(0, 40, 60, 220, 120), []
    for name, lines in (("a", TWO), ("b", TWO), ("c", ("Elouan Kervadec",)), ("d", TWO)):
        room = tmp_path / name
        room.mkdir()
        said.append(ink(signed(page_file(room / "page.pdf", 0, 0), key, box, lines))[0])
        found = subprocess.run(
            ["pdftotext", str(room / "signed.pdf"), "-"], capture_output=True, text=True, check=True
        )
        assert found.stdout.split("\n")[: len(lines)] == list(lines)
    assert said[0] == said[1] == said[3] != said[2]


def test_a_long_line_shrinks_and_is_not_cut(tmp_path, key):
    path = page_file(tmp_path / "page.pdf", 0, 0)
    box = Box(0, 40, 60, 160, 100)
    found, _, _ = ink(
        signed(path, key, box, ("Conseillère municipale déléguée à la " + "très " * 9 + "longue qualité",))
    )
    assert found[2] <= 160 - geometry.GAP / 4
    assert found[2] > 150


def test_the_font_draws_every_letter_of_french_breton_and_other_latin_scripts():
    letters = "ñÑc’hC’HùÙŵŴœŒŸÿ’«»–—€éÉèêëàâäçîïôöûüæÆŁłŚśŠšŽžČčĞğİıØøÅåÞþÐðßẞőűăâșțąęḍẁỳ№  ‑" + "".join(
        map(chr, range(0xC0, 0x180))
    )
    stamp.drawable(Stamp((letters,)))
    face = uharfbuzz.Face(FONT.read_bytes())
    assert face.upem == 1000
    buffer = uharfbuzz.Buffer()
    buffer.add_str(letters)
    buffer.guess_segment_properties()
    uharfbuzz.shape(uharfbuzz.Font(face), buffer)
    assert all(glyph.codepoint for glyph in buffer.glyph_infos)


NAMES = (
    "Maela Kerñev-ar C’hoad",
    "Łukasz Wałęsa-Żółć",
    "Ștefan Țăranu-Șerban",
    "Nguyễn Thị Hường Ở Ữ Ệ",
    "Þórður Æðeyjarson",
    "Işıl Ğülşen İnönü",
    "Ďáblová Řehoř Ůlehla",
    "Ģirts Ķēniņš",
    "Ħaż-Żebbuġ Ċensu",
    "Ŵyn Ŷstrad",
    "Əli Məmmədov",
    "Mɔzɛ Ɓaɗo",
    "Őry Űrhajós",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_latin_script_is_printed_and_read_back_letter_for_letter(tmp_path, key, name):
    path = page_file(tmp_path / "page.pdf", 0, 0)
    document = signed(path, key, Box(0, 20, 60, 380, 101), (name, name.upper(), name.lower()))
    words = subprocess.run(["pdftotext", document, "-"], check=True, capture_output=True, text=True).stdout
    read = unicodedata.normalize("NFC", words).split("\n")
    for said in (name, name.upper(), name.lower()):
        assert unicodedata.normalize("NFC", said) in read
    face = uharfbuzz.Face(FONT.read_bytes())
    buffer = uharfbuzz.Buffer()
    buffer.add_str("".join(stamp.drawable(Stamp((name, name.upper(), name.lower())))))
    buffer.guess_segment_properties()
    uharfbuzz.shape(uharfbuzz.Font(face), buffer)
    assert all(glyph.codepoint for glyph in buffer.glyph_infos)


def test_the_font_holds_every_letter_of_the_latin_blocks():
    held = characters()
    letters = [chr(code) for code in (*range(0xA1, 0x250), *range(0x1E00, 0x1EFC))]
    assert [one for one in letters if one not in held] == []


def test_signs_of_another_form_are_printed_as_letters_and_what_shows_nothing_is_left_out():
    assert stamp.drawable(Stamp(("ﬁlle Ｋｅｒ",))) == ("fille Ker",)
    assert stamp.drawable(Stamp(("Ker\u202e\u200dñev\u00ad",))) == ("Kerñev",)
    assert stamp.drawable(Stamp(("\u200b", "Maire"))) == ("Maire",)


def test_a_letter_that_cannot_be_printed_is_refused_by_name():
    with pytest.raises(Refusal) as caught:
        stamp.drawable(Stamp(("Жанна",)))
    assert caught.value.facts["character"] == "Ж"


def test_a_decomposed_name_is_printed_composed():
    assert stamp.drawable(Stamp(("Kern\u0303ev",))) == ("Kerñev",)


def test_page_shapes_survive_odd_boxes(tmp_path):
    path = tmp_path / "odd.pdf"
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(400, 300))
        pdf.pages[0].obj.CropBox = [900, 900, 950, 950]
        pdf.pages[0].obj.Rotate = -90
        pdf.save(path)
    assert geometry.pages(path) == [geometry.PageShape(0, 0, 400, 300, 270)]
    assert dataclasses.asdict(geometry.default_box(path, 0, 1))["page"] == 0
