"""From an uploaded image to a few hundred points of ink on nothing: checked, resized, stripped of all it says of itself."""

import struct
import warnings
import zlib
from io import BytesIO
from typing import Any

from app.core.refusals import Refusal

MOST_BYTES = 2 * 1024 * 1024
MOST_POINTS = 25_000_000
WIDEST, TALLEST = 600, 240
FAINTEST = 24  # of 255: paper that a scanner saw as light grey is no ink
BROKEN = (OSError, SyntaxError, ValueError, LookupError, ArithmeticError, struct.error, zlib.error)


def cleaned(data: bytes) -> bytes:
    """The PNG that is kept of an image (PNG or JPEG): upright, trimmed, its paper transparent, without metadata.

    Refuses `picture-too-large` (bytes, or points before they are read), `picture-unreadable` and `picture-blank`.
    """
    from PIL import Image

    if len(data) > MOST_BYTES:
        raise Refusal("picture-too-large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
                if image.width * image.height > MOST_POINTS:
                    raise Refusal("picture-too-large")
                ink = _ink(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Refusal("picture-too-large") from error
    except BROKEN as error:
        raise Refusal("picture-unreadable") from error
    return _written(ink)


def _ink(image: Any) -> Any:
    """What was drawn, on nothing: the lighter a point, the more transparent."""
    from PIL import ImageChops, ImageOps

    layers = ImageOps.exif_transpose(image).convert("RGBA")
    layers.thumbnail((2 * WIDEST, 2 * TALLEST))
    dark = ImageOps.invert(layers.convert("L")).point(
        [0 if n < FAINTEST else min(255, 2 * n) for n in range(256)]
    )
    layers.putalpha(ImageChops.multiply(layers.getchannel("A"), dark))
    return layers


def _written(ink: Any) -> bytes:
    from PIL import Image

    drawn = ink.getchannel("A").getbbox()
    if drawn is None:
        raise Refusal("picture-blank")
    ink = ink.crop(drawn)
    ink.thumbnail((WIDEST, TALLEST))
    # A new image: nothing of what the file said of itself (place, camera, text) comes along
    bare = Image.frombytes("RGBA", ink.size, ink.tobytes())
    target = BytesIO()
    bare.save(target, "PNG", optimize=True)
    return target.getvalue()
