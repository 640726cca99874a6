"""The image of a signature decorates a signature; it is cleaned first, and a hostile one is refused."""

import struct
import subprocess
import zlib
from io import BytesIO

import pikepdf
import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import pades, stamp
from app.signing.handwriting import own, picture
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import Box, FieldPlan, Stamp
from tests.builders import circuits
from tests.journeys.test_places import CIRCUIT, written
from tests.signing.test_placement import drawn, page_file

RED = (190, 20, 30)


@pytest.fixture
def key(pki):
    """The keys of the installation's own test authority, by label."""
    return lambda label: Pkcs12Key.load(pki.p12(label), pki.passphrase)


def scribble(kind="JPEG", size=(1600, 700), **more) -> bytes:
    """A signature in red ink on paper, as a telephone sees it."""
    image = Image.new("RGB", size, (247, 246, 241))
    ImageDraw.Draw(image).line([(100, 600), (500, 90), (800, 620), (1500, 200)], fill=RED, width=28)
    target = BytesIO()
    image.save(target, kind, **more)
    return target.getvalue()


def test_what_is_kept_is_small_trimmed_transparent_and_says_nothing_of_its_making():
    exif = Image.Exif()
    exif[0x010F] = "Telephone de Madame Le Goff"
    exif[0x0112] = 6  # taken on its side: shown upright
    kept = picture.cleaned(scribble(exif=exif))
    with Image.open(BytesIO(kept)) as image:
        assert image.format == "PNG"
        assert image.width <= picture.WIDEST
        assert image.height <= picture.TALLEST
        assert image.height > image.width  # turned as the telephone said
        assert image.getchannel("A").getextrema()[0] == 0  # paper is nothing
        assert image.getchannel("A").getbbox() == (0, 0, *image.size)
        assert image.info == {}
        assert not image.getexif()
    assert b"Goff" not in kept
    words = PngImagePlugin.PngInfo()
    words.add_text("Author", "Madame Le Goff")
    assert b"Goff" not in picture.cleaned(scribble("PNG", pnginfo=words))
    assert len(kept) < 60_000


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is huge, in a few bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"<svg onload='alert(1)'/>", "picture-unreadable"),
        (b"%PDF-1.7", "picture-unreadable"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "picture-unreadable"),
        (scribble()[:2000], "picture-unreadable"),
        (scribble("GIF"), "picture-unreadable"),
        (png_of(30_000, 30_000), "picture-too-large"),
        (png_of(9_000, 9_000), "picture-too-large"),
        (png_of(2_000_000_000, 2), "picture-too-large"),
        (scribble() + b"\0" * picture.MOST_BYTES, "picture-too-large"),
    ],
)
def test_hostile_or_foreign_files_are_refused(data, key):
    with pytest.raises(Refusal, match=key):
        picture.cleaned(data)


def test_blank_paper_is_no_signature():
    target = BytesIO()
    Image.new("L", (400, 200), 243).save(target, "PNG")
    with pytest.raises(Refusal, match="picture-blank"):
        picture.cleaned(target.getvalue())


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_it_stands_at_the_right_of_the_words_inside_the_box_and_hides_none(tmp_path, key, rotate):
    path, target = page_file(tmp_path / "page.pdf", rotate, 37), tmp_path / "signed.pdf"
    box = Box(0, 30, 60, 270, 122)
    pades.seal(
        path,
        target,
        key=key("ec"),
        field="maire",
        fields=[FieldPlan("maire", box)],
        stamp=Stamp(("Armel KERVADEC", "Maire"), picture.cleaned(scribble())),
        now=now(),
        timestamper=None,
    )
    words = subprocess.run(["pdftotext", target, "-"], check=True, capture_output=True, text=True).stdout
    assert "Armel KERVADEC" in words
    shape_wide = 300 if rotate in (90, 270) else 400
    drawn(target)  # as poppler prints it
    with Image.open(tmp_path / "poppler-0.png") as image:
        red, green, _ = image.convert("RGB").split()
        scale = image.width / shape_wide
        mask = red.point(lambda n: 255 if n > 120 else 0)
        dark = green.point(lambda n: 255 if n < 110 else 0)
        ink = Image.composite(dark, Image.new("L", image.size), mask).getbbox()
    left, right = ink[0] / scale, ink[2] / scale
    assert left >= 30 + 0.6 * 240 - 6
    assert right <= 270
    assert image.height - ink[3] >= 60 * scale - 2
    assert image.height - ink[1] <= 122 * scale + 2


def test_a_picture_without_words_is_not_printed(tmp_path, key):
    path, target = page_file(tmp_path / "page.pdf", 0, 0), tmp_path / "signed.pdf"
    for lines in ((), ("  ",)):
        with pytest.raises(Refusal, match="document-not-signable"):
            pades.seal(
                path,
                target,
                key=key("ec"),
                field="maire",
                fields=[FieldPlan("maire", Box(0, 30, 60, 270, 122))],
                stamp=Stamp(lines, picture.cleaned(scribble())),
                now=now(),
                timestamper=None,
            )
    assert stamp.PICTURE < 0.5


def pictures(data: bytes) -> int:
    """Images that are drawn in the signature fields."""
    found = 0
    with pikepdf.open(BytesIO(data)) as pdf:
        for page in pdf.pages:
            for one in page.obj.get("/Annots", []):
                drawing = one.get("/AP", {}).get("/N") if one.get("/FT") == "/Sig" else None
                resources = drawing.get("/Resources", {}) if drawing is not None else {}
                found += len(resources.get("/XObject", {}))
    return found


@pytest.mark.law("SIG-01")
def test_a_person_gives_it_it_decorates_that_persons_signatures_and_goes_when_asked(house):
    mayor = house.client("a.kervadec")
    page = mayor.get("/compte/signature").get_data(as_text=True)
    assert "Ajouter une image" in page
    form = {"csrf_token": house.csrf(mayor), "picture": (BytesIO(scribble()), "ma signature.jpg")}
    assert mayor.post("/compte/signature", data=form).status_code == 302
    assert "data:image/png;base64," in mayor.get("/compte/signature").get_data(as_text=True)
    assert own.of(house.actor("b.cadiou")) is None

    folder_id = house.a_deliberation(at="signatures")
    house.sign(folder_id, "a.kervadec")
    assert pictures(house.bytes_of(house.versions(folder_id)[-1])) == 1
    house.sign(folder_id, "b.cadiou")
    assert pictures(house.bytes_of(house.versions(folder_id)[-1])) == 1

    mayor.post("/compte/signature/retirer", data={"csrf_token": house.csrf(mayor)})
    assert own.of(house.actor("a.kervadec")) is None
    other = house.a_deliberation(at="signatures", number="2026-058")
    house.sign(other, "a.kervadec")
    assert pictures(house.bytes_of(house.versions(other)[-1])) == 0


def test_a_file_that_is_no_image_is_refused_on_the_page_and_nothing_is_kept(house):
    mayor = house.client("a.kervadec")
    form = {"csrf_token": house.csrf(mayor), "picture": (BytesIO(b"MZ\x90\0"), "signature.png")}
    answer = mayor.post("/compte/signature", data=form)
    assert answer.status_code == 422
    assert "n’est pas lisible" in answer.get_data(as_text=True)
    answer = mayor.post("/compte/signature", data={"csrf_token": form["csrf_token"]})
    assert "L’image n’a pas été enregistrée" in answer.get_data(as_text=True)
    assert own.of(house.actor("a.kervadec")) is None


def test_a_visible_seal_bears_no_picture(house, tmp_path):
    own.keep(house.actor("a.kervadec"), scribble())
    circuits.publish(house.actor("k.morizur"), "deliberation", CIRCUIT)
    path = written(tmp_path / "acte.pdf", {"#cachet#": (300, 400)})
    folder_id = house.a_deliberation(at="prefecture", path=path)
    before = pictures(house.bytes_of(house.versions(folder_id)[-1]))
    house.drain()
    after = house.bytes_of(house.versions(folder_id)[-1])
    assert before == pictures(after) == 1
