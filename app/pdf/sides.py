"""How large a page of a PDF is, as it is shown."""

from pathlib import Path


def sides(path: Path, number: int) -> tuple[float, float] | None:
    """Width and height in points of a page (from 1) as viewers show it; None where the file, or the page, cannot be read.

    Source: ISO 32000-2 §7.7.3.3 (CropBox, Rotate, UserUnit) and §14.11.2 (what is shown lies in the media box).
    """
    import pikepdf

    try:
        with pikepdf.open(path) as pdf:
            page = pdf.pages[number - 1]
            media, crop = ([float(edge) for edge in box] for box in (page.mediabox, page.cropbox))
            unit, turned = float(page.obj.get("/UserUnit", 1)), int(page.rotation) % 180
    except (pikepdf.PdfError, AttributeError, LookupError, TypeError, ValueError):
        return None
    spans = []
    for low, high in ((0, 2), (1, 3)):
        whole = sorted((media[low], media[high]))
        part = sorted((crop[low], crop[high]))
        shown = min(whole[1], part[1]) - max(whole[0], part[0])
        spans.append(unit * (shown if shown > 0 else whole[1] - whole[0]))
    return (spans[1], spans[0]) if turned else (spans[0], spans[1])
