"""Scanned pages that nobody scanned: printed pages drawn as pictures, turned a little, specked, coded as JPEG."""

import random
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from fpdf import FPDF
from PIL import Image
from pypdfium2 import PdfDocument

DPI, PAPER = 200, 246


def printed(path: Path, text: str, top: int = 10) -> Path:
    """A page without data, as a supplier's word processor prints it; it begins so many millimetres below its edge."""
    page = FPDF(format="A4")
    page.add_page()
    page.set_font("Helvetica", size=11)
    page.set_y(top)
    for line in text.splitlines():
        page.cell(0, 8, line.replace("€", "EUR"), new_x="LMARGIN", new_y="NEXT")
    page.output(str(path))
    return path


def drawn(pdf: Path) -> Image.Image:
    """The first page of a PDF, as ink on paper."""
    with PdfDocument(pdf) as pages:
        return pages[0].render(scale=DPI / 72, grayscale=True).to_pil().convert("L")


def blank() -> Image.Image:
    """A sheet with nothing on it."""
    return Image.new("L", (round(8.27 * DPI), round(11.69 * DPI)), 255)


def scanned(page: Image.Image, turned: float, seed: int) -> Image.Image:
    """A page as a scanner gives it: turned by so many degrees, grey, noisy, specked, with a dark edge."""
    chance = random.Random(seed)
    turned_page = page.rotate(turned, fillcolor=255, resample=Image.Resampling.BICUBIC)
    grey = turned_page.point([round(shade * PAPER / 255) for shade in range(256)])
    noisy = Image.blend(grey, Image.effect_noise(grey.size, 16), 0.08)
    for _ in range(300):
        x, y = chance.randrange(noisy.width), chance.randrange(noisy.height)
        noisy.paste(20, (x, y, x + chance.choice((1, 1, 2)), y + 1))
    noisy.paste(30, (0, 0, chance.randrange(4, 40), noisy.height))
    coded = BytesIO()
    noisy.save(coded, "JPEG", quality=75, dpi=(DPI, DPI))
    return Image.open(BytesIO(coded.getvalue()))


def bound(pages: Sequence[Image.Image], path: Path) -> Path:
    """The pages as one file, as a scanner lays it."""
    first, *others = [page.copy() for page in pages]  # Pillow keeps in a picture what it was saved with
    first.save(path, "PDF", save_all=True, append_images=others, resolution=DPI)
    return path
