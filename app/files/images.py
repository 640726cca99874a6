"""A photograph or a scan becomes a PDF page, upright, and without losing a point of a JPEG."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

from app.core.refusals import Refusal

MAX_MEGAPIXELS = 120
A4, A3_LONG = (595.28, 841.89), 1190.6
LOGO_BYTES, LOGO_POINTS = 2 * 1024 * 1024, 25_000_000
LOGO_SIZE = (320, 96)
"""The widest and the highest that a logo is kept, in points: under 92 kB, whatever it shows."""
LOGO_NARROWEST = 10
"""How many times one side of a logo may be as long as the other: beyond, nothing is seen of it at the height of a line."""
_ORIENTATION = 0x0112  # Exif tag; 1 = already upright


def image_to_pdf(path: Path, target: Path, filename: str) -> None:
    """Write the image as a one-page PDF: at its own size when it tells its resolution, else fitted to A4.

    Refuses image-damaged and image-too-large (before its points are read).
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:
            if image.width * image.height > MAX_MEGAPIXELS * 1_000_000:
                raise Refusal("image-too-large", filename=filename, limit=MAX_MEGAPIXELS)
            image.load()
            _write(image, path, target)
    except Image.DecompressionBombError as error:
        raise Refusal("image-too-large", filename=filename, limit=MAX_MEGAPIXELS) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise Refusal("image-damaged", filename=filename) from error


def resolution(path: Path) -> int | None:
    """In points per inch, as the image says that it was scanned; None when it does not say it."""
    from PIL import Image

    with Image.open(path, formats=("JPEG", "PNG")) as image:
        density: Any = image.info.get("dpi")
    try:
        dots = round(min(float(density[0]), float(density[1])))
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return dots if dots > 1 else None


def _write(image: Any, path: Path, target: Path) -> None:
    from PIL import ImageOps

    upright = image.getexif().get(_ORIENTATION, 1) == 1
    dpi = image.info.get("dpi")
    if image.format == "JPEG" and upright and image.mode in {"RGB", "L"}:
        data, coding = path.read_bytes(), "/DCTDecode"
    elif image.format == "JPEG":
        image = ImageOps.exif_transpose(image).convert("RGB")
        buffer = BytesIO()
        image.save(buffer, "JPEG", quality=92)
        data, coding = buffer.getvalue(), "/DCTDecode"
    else:
        image = _on_white(ImageOps.exif_transpose(image))
        data, coding = zlib.compress(image.tobytes(), 6), "/FlateDecode"
    _page(target, data, coding, image, _page_size(image.width, image.height, dpi))


def _on_white(image: Any) -> Any:
    """What is transparent shows paper; sixteen-bit and palette points become plain ones."""
    from PIL import Image

    if image.mode in {"RGB", "L"}:
        return image
    if image.mode == "1":
        return image.convert("L")
    layers = image.convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(paper, layers).convert("RGB")


def _page_size(width: int, height: int, dpi: Any) -> tuple[float, float, float, float]:
    """Page width and height, then image width and height, in PDF points."""
    try:
        own = (width * 72 / float(dpi[0]), height * 72 / float(dpi[1]))
        if min(dpi) >= 72 and max(own) <= A3_LONG and min(own) >= 72:
            return (*own, *own)
    except (TypeError, ValueError, ZeroDivisionError, IndexError):
        pass
    page = A4 if height >= width else A4[::-1]
    scale = min(page[0] / width, page[1] / height)
    return (*page, width * scale, height * scale)


def _page(
    target: Path, data: bytes, coding: str, image: Any, sizes: tuple[float, float, float, float]
) -> None:
    import pikepdf

    page_width, page_height, width, height = sizes
    left, bottom = (page_width - width) / 2, (page_height - height) / 2
    with pikepdf.new() as pdf:
        drawn = pikepdf.Stream(pdf, data)
        drawn.stream_dict = pikepdf.Dictionary(
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=image.width,
            Height=image.height,
            ColorSpace=pikepdf.Name.DeviceGray if image.mode == "L" else pikepdf.Name.DeviceRGB,
            BitsPerComponent=8,
            Filter=pikepdf.Name(coding),
        )
        page = pdf.add_blank_page(page_size=(page_width, page_height))
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=drawn))
        content = f"q {width:.2f} 0 0 {height:.2f} {left:.2f} {bottom:.2f} cm /Im0 Do Q"
        page.Contents = pdf.make_stream(content.encode())
        pdf.save(target, deterministic_id=True)


def logo_of(data: bytes) -> tuple[bytes, int, int]:
    """The PNG that is kept of a logo (PNG or JPEG), on white and without metadata, with its width and height in points.

    Refuses `logo-too-large` (bytes, or points before they are read), `logo-narrow` (one side beyond `LOGO_NARROWEST` times
    the other) and `logo-unreadable`, SVG among what is not read: it is a program as much as an image.
    """
    from PIL import Image, ImageOps

    if len(data) > LOGO_BYTES:
        raise Refusal("logo-too-large")
    try:
        with Image.open(BytesIO(data), formats=("JPEG", "PNG")) as image:
            if image.width * image.height > LOGO_POINTS:
                raise Refusal("logo-too-large")
            if max(image.size) > LOGO_NARROWEST * min(image.size):
                raise Refusal("logo-narrow", most=LOGO_NARROWEST)
            drawn = ImageOps.exif_transpose(image).convert("RGBA")
        drawn.thumbnail(LOGO_SIZE)
        # A new image: nothing of what the file said of itself comes along; on white, for headers are dark
        bare = Image.new("RGB", drawn.size, "white")
        bare.paste(drawn, mask=drawn.getchannel("A"))
    except Image.DecompressionBombError as error:
        raise Refusal("logo-too-large") from error
    except (
        OSError,
        SyntaxError,
        ValueError,
        LookupError,
        ArithmeticError,
        struct.error,
        zlib.error,
    ) as error:
        raise Refusal("logo-unreadable") from error
    target = BytesIO()
    bare.save(target, "PNG", optimize=True)
    return target.getvalue(), *bare.size
