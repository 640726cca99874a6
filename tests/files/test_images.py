"""A photograph or a scan becomes a PDF page, upright, and without losing a point of a JPEG."""

import io
from pathlib import Path

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from app.files.dissection import DRAWN
from app.files.intake import PAPER, Examined, examine


def photo(form: str, size: tuple[int, int] = (300, 200), mode: str = "RGB", **saving: object) -> bytes:
    """Red on the left half, blue on the right."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.convert(mode).save(out, form, **saving)
    return out.getvalue()


def a_scan(pages: list[tuple[int, int, int]], drawing: str = "") -> bytes:
    """A4 pages that each hold an image of so many points, turned by so many degrees, and a smaller one at 72 points per inch."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for wide, high, turned in pages or [(0, 0, 0)]:
            page = pdf.add_blank_page(page_size=(595.28, 841.89))
            if not wide:
                continue
            drawn = {
                f"/Im{n}": pikepdf.Stream(
                    pdf,
                    b"\x7f" * (w * h),
                    Type=pikepdf.Name.XObject,
                    Subtype=pikepdf.Name.Image,
                    Width=w,
                    Height=h,
                    ColorSpace=pikepdf.Name.DeviceGray,
                    BitsPerComponent=8,
                )
                for n, (w, h) in enumerate([(wide, high), (72, 72)])
            }
            page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(drawn))
            place = "0 841.89 -595.28 0 595.28 0" if turned else "595.28 0 0 841.89 0 0"
            usual = f"q {place} cm /Im0 Do Q q 72 0 0 72 9 9 cm /Im1 Do Q"
            page.Contents = pdf.make_stream((drawing or usual).encode())
        pdf.save(out)
    return out.getvalue()


def look(data: bytes, name: str, workdir: Path) -> Examined:
    path = workdir / "upload"
    path.write_bytes(data)
    return examine(
        path, name, role="attachment", to_be_signed=False, formats=(), office=None, workdir=workdir
    )


def page(seen: Examined) -> Image.Image:
    assert seen.converted is not None
    with pypdfium2.PdfDocument(seen.converted) as document:
        return document[0].render(scale=0.5).to_pil().convert("RGB")


@pytest.mark.law("PES-06")
def test_a_photo_is_converted_and_the_page_says_so_and_how_it_was_scanned(tmp_path: Path) -> None:
    seen = look(photo("JPEG"), "bon-de-livraison.jpg", tmp_path)
    assert (seen.kind, seen.media_type, seen.pages) == ("image", "image/jpeg", 1)
    assert seen.notes == ("Converti en PDF, 1 page", "Résolution de la numérisation non indiquée.", PAPER)
    scanned = look(photo("PNG", size=(1240, 1754), dpi=(300, 300)), "facture.png", tmp_path)
    assert "Numérisé à 300 points par pouce." in scanned.notes
    assert "gardez l’original" in PAPER
    # A scan that comes as a PDF: by its image and the place that it takes, turned or not, the coarsest page told
    for name, pages, told in (
        ("droit", [(1654, 2339, 0)], "Numérisé à 200 points par pouce."),
        ("couché", [(2339, 1654, 90), (1240, 1754, 0)], "Numérisé à 150 points par pouce."),
        ("vide", [], "Résolution de la numérisation non indiquée."),
    ):
        assert told in look(a_scan(pages), f"{name}.pdf", tmp_path).notes, name
    # Not of a plan of many strokes, nor of an image whose place has hardly a size
    image = "q 595 0 0 841 0 0 cm /Im0 Do Q "
    for drawing, told in (
        (image + "0 0 m 9 9 l S " * 9, True),
        (image + "0 0 m 9 9 l S " * DRAWN, False),
        ("q 0.00165 0 0 0.00234 0 0 cm /Im0 Do Q", False),
    ):
        notes = look(a_scan([(1654, 2339, 0)], drawing), "plan.pdf", tmp_path).notes
        assert (
            "Numérisé à 200 points par pouce." in notes,
            "Résolution de la numérisation non indiquée." in notes,
        ) == (
            told,
            not told,
        ), drawing[:60]


def test_a_jpeg_enters_its_page_byte_for_byte(tmp_path: Path) -> None:
    data = photo("JPEG")
    seen = look(data, "a.jpg", tmp_path)
    with pikepdf.open(seen.converted) as pdf:
        image = pdf.pages[0].Resources.XObject.Im0
        assert image.read_raw_bytes() == data


def test_a_telephone_photo_held_sideways_is_set_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright: the red left half becomes the top
    shown = page(look(photo("JPEG", exif=exif), "a.jpeg", tmp_path))
    assert shown.height > shown.width
    middle = shown.width // 2
    top, bottom = shown.getpixel((middle, shown.height // 4)), shown.getpixel((middle, 3 * shown.height // 4))
    assert (top[0] > 200, top[2] < 60) == (True, True)
    assert (bottom[2] > 200, bottom[0] < 60) == (True, True)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_png_is_drawn(mode: str, tmp_path: Path) -> None:
    if mode == "I;16":
        out = io.BytesIO()
        Image.new("I;16", (50, 40), 40_000).save(out, "PNG")
        data = out.getvalue()
    else:
        data = photo("PNG", mode=mode)
    assert look(data, "a.png", tmp_path).pages == 1


def test_transparency_shows_paper(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (100, 100), (0, 0, 0, 0)).save(out, "PNG")
    assert page(look(out.getvalue(), "a.png", tmp_path)).getpixel((140, 140)) == (255, 255, 255)


def test_a_cmyk_photo_is_drawn_in_its_colours(tmp_path: Path) -> None:
    shown = page(look(photo("JPEG", mode="CMYK"), "a.jpg", tmp_path))
    left = shown.getpixel((shown.width // 4, shown.height // 2))
    assert (left[0] > 180, left[2] < 80) == (True, True)


def test_a_scan_keeps_the_size_of_its_sheet(tmp_path: Path) -> None:
    seen = look(photo("JPEG", size=(1240, 1754), dpi=(150, 150)), "a4.jpg", tmp_path)
    with pikepdf.open(seen.converted) as pdf:
        width, height = (round(float(one)) for one in pdf.pages[0].mediabox[2:])
    assert (width, height) == (595, 842)


def test_a_picture_of_unknown_resolution_is_fitted_to_a_sheet(tmp_path: Path) -> None:
    seen = look(photo("PNG", size=(4000, 1000)), "a.png", tmp_path)
    with pikepdf.open(seen.converted) as pdf:
        width, height = (round(float(one)) for one in pdf.pages[0].mediabox[2:])
    assert (width, height) == (842, 595)
