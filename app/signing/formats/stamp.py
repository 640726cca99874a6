"""The visible signature: its words, all of them, upright on the page as it is shown."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from threading import Lock
from typing import Any

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.content import ResourceType
from pyhanko.pdf_utils.font.opentype import CIDFontType2, GlyphAccumulator
from pyhanko.pdf_utils.images import pil_image
from pyhanko.pdf_utils.layout import BoxConstraints
from pyhanko.pdf_utils.writer import BasePdfFileWriter, PdfFileWriter
from pyhanko.stamp.base import BaseStamp, BaseStampStyle

from app.core.refusals import Refusal
from app.pdf.fonts import FONT, characters
from app.signing.ports import Stamp

USUAL = (110.0, 62.0)  # the box whose measures follow, in points; in others they grow and shrink with it
LARGEST, LEADING = 9.0, 1.28  # points; line height in font sizes
PADDING, RULE = 5.0, 2.0
PICTURE = 0.38  # of the width, at most: the words are the signature's, the picture decorates them
LAYOUT = ("GPOS", "GSUB", "GDEF")
DIGITS = "0123456789"
INK, ACCENT = b"0.10 0.11 0.15 rg", b"0.00 0.24 0.51 rg"
# A turn of the page is undone by the same turn of the drawing (ISO 32000-2 §12.5.5, appearance /Matrix)
UPRIGHT = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
DRAWINGS = 8  # kept: those of a batch say the same for a second
_one_at_a_time = Lock()
"""The documents of a batch wait for their first drawing rather than make it each."""


@lru_cache(maxsize=1)
def _font() -> bytes:
    return FONT.read_bytes()


def drawable(stamp: Stamp) -> tuple[str, ...]:
    """The stamp's lines as they are printed: composed, and every sign of them in the font.

    A sign that the font lacks is printed in its compatible form when that one is known (« ﬁ » as « fi », full-width
    letters as letters), and what shows nothing by itself (joiners, marks of direction) is left out. Nothing else is
    rewritten: a name in another script is refused by its sign (`stamp-glyph-missing`), never printed with a hole in it
    nor transliterated, which would be to sign by another name.
    """
    lines = tuple("".join(map(_printed, unicodedata.normalize("NFC", line))) for line in stamp.lines)
    return tuple(unicodedata.normalize("NFC", line) for line in lines if line.strip())


def _printed(character: str) -> str:
    if unicodedata.category(character) == "Cf":
        return ""
    if character in characters():
        return character
    compatible = unicodedata.normalize("NFKC", character)
    if compatible != character and set(compatible) <= characters():
        return compatible
    raise Refusal("stamp-glyph-missing", character=character, code=f"U+{ord(character):04X}")


@dataclass(frozen=True)
class UprightStyle(BaseStampStyle):
    """How pyHanko draws our stamp: these lines, on a page turned clockwise by `rotate` degrees."""

    lines: tuple[str, ...] = ()
    rotate: int = 0
    picture: bytes | None = None

    def create_stamp(
        self, writer: BasePdfFileWriter, box: BoxConstraints, text_params: dict[str, Any]
    ) -> "UprightStamp":
        """The drawing for an annotation of that size."""
        del text_params  # the words are already in the style
        return UprightStamp(writer, self, box)


@lru_cache(maxsize=DRAWINGS)
def _drawn(style: UprightStyle, width: float, height: float) -> generic.StreamObject:
    """A drawing and the letters that it needs, in a document of its own from which others copy it."""
    alone = PdfFileWriter(stream_xrefs=False)  # type: ignore[no-untyped-call]
    drawing = UprightStamp(alone, style, BoxConstraints(width=width, height=height))
    form = drawing.as_form_xobject()
    form.container_ref = alone.add_object(form).reference  # by which a copy finds what it refers to
    return form


@lru_cache(maxsize=DRAWINGS)
def _program(glyphs: frozenset[int]) -> bytes:
    """The part of our font that draws these glyphs, under their own numbers; the same for all that says the same words."""
    with TTFont(BytesIO(_font())) as font:
        # What shapes the words has served, and no PDF keeps it: fontTools would read it whole before dropping it,
        # which is half the time of a visible signature.
        for table in LAYOUT:
            if table in font:
                del font[table]
        options = Options(layout_closure=False, retain_gids=True)
        options.drop_tables += LAYOUT
        subsetter = Subsetter(options=options)
        subsetter.populate(gids=sorted(glyphs))
        subsetter.subset(font)
        program = BytesIO()
        font.save(program)
    return program.getvalue()


class _Cut(CIDFontType2):
    """The font as a document embeds it: the part that was cut for its letters."""

    glyphs: frozenset[int] = frozenset()

    def set_font_file(self, writer: BasePdfFileWriter) -> generic.IndirectObject:
        """Put it in the document."""
        stream = generic.StreamObject(stream_data=_program(self.glyphs))
        stream.compress()  # type: ignore[no-untyped-call]
        reference = writer.add_object(stream)
        self._font_descriptor[generic.pdf_name("/FontFile2")] = reference
        return reference


class Letters(GlyphAccumulator):
    """The letters of a stamp, and the part of the font that draws them; every digit, for an hour changes at each second."""

    def prepare_write(self) -> None:
        """Embed them."""
        self.shape(DIGITS)
        cut = _Cut(self.tt, self.cidfont_obj.name.partition("+")[2], self.subset_prefix)
        cut.glyphs = frozenset(self._glyphs)
        self.cidfont_obj = cut
        super().prepare_write()  # type: ignore[no-untyped-call]

    def _extract_subset(self, options: Any = None) -> None:
        del options  # cut apart, and kept: `_program`


class UprightStamp(BaseStamp):
    """The drawing itself: a rule at the left, the lines, as large as they fit and never cut, the picture beside them."""

    def register(self) -> generic.IndirectObject:
        """The drawing in this document, copied from the one that was made for these words, this size and this turn."""
        if self._content_xobj_ref is None:
            with _one_at_a_time:
                drawn = _drawn(self.style, self.box.width, self.box.height)
                writer = self._ensure_writer
                self._content_xobj_ref = writer.add_object(writer.import_object(drawn))
        return self._content_xobj_ref

    def as_form_xobject(self) -> generic.StreamObject:
        """The drawing as a form whose matrix undoes the rotation of the page."""
        rotate = self.style.rotate
        wide, high = self.box.width, self.box.height
        if rotate in (90, 270):
            wide, high = high, wide
        self.box = BoxConstraints(width=wide, height=high)
        form = super().as_form_xobject()
        shift = {0: (0, 0), 90: (high, 0), 180: (wide, high), 270: (0, wide)}[rotate]
        form["/Matrix"] = generic.ArrayObject(
            generic.FloatObject(number)  # type: ignore[no-untyped-call]
            for number in (*UPRIGHT[rotate], *shift)
        )
        return form

    def _decorated(self, wide: float, high: float, padding: float) -> tuple[bytes, float]:
        """The picture at the right of the words, in its own proportions, and the width that it takes from them."""
        if self.style.picture is None:
            return b"", 0.0
        with Image.open(BytesIO(self.style.picture), formats=("PNG",)) as image:
            image.load()
            scale = min(wide * PICTURE / image.width, (high - 2 * padding) / image.height)
            width, height = image.width * scale, image.height * scale
            drawn = pil_image(image, self._ensure_writer)
        self.set_resource(ResourceType.XOBJECT, generic.NameObject("/Im1"), drawn)
        place = (width, height, wide - padding - width, (high - height) / 2)
        return b"q %g 0 0 %g %g %g cm /Im1 Do Q" % place, width + padding

    def render(self) -> bytes:
        """The drawing's operators; the size of the letters is chosen so that every line fits in both directions."""
        wide, high = self.box.width, self.box.height
        scale = min(wide / USUAL[0], high / USUAL[1])
        padding, rule = PADDING * scale, RULE * scale
        engine = Letters(
            self._ensure_writer, BytesIO(_font()), LARGEST, ot_script_tag="latn", writing_direction="ltr"
        )
        shaped = [engine.shape(line) for line in self.style.lines]
        longest = max(result.x_advance for result in shaped)  # in ems
        decoration, taken = self._decorated(wide, high, padding)
        room_wide, room_high = wide - 2 * padding - rule - taken, high - 2 * padding
        size = min(LARGEST * scale, room_wide / longest, room_high / (len(shaped) * LEADING))
        if size != LARGEST:
            engine.font_size = size  # type: ignore[assignment]  # accents set by hand are placed in points, so the lines are shaped again
            shaped = [engine.shape(line) for line in self.style.lines]
        self.set_resource(ResourceType.FONT, generic.NameObject("/F1"), engine.as_resource())
        block = size * LEADING * len(shaped)
        top = padding + room_high / 2 + block / 2 - size
        parts = [b"q %s 0 0 %g %g re f Q" % (ACCENT, rule, high), decoration, b"q", INK]
        for number, result in enumerate(shaped):
            y = top - number * size * LEADING
            parts.append(b"BT /F1 %g Tf %g %g Td %s ET" % (size, padding + rule, y, result.graphics_ops))
        parts.append(b"Q")
        engine.prepare_write()
        return b" ".join(parts)
