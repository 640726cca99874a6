"""Pages that Paraphe prints: the stamped copy of an act, its certificate, its request of cancellation; each says what it is."""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.pdf.fonts import FONT

MARGIN, LINE = 20, 7
SIMULATED = "FACTICE : préfecture simulée, sans aucune valeur juridique"
# In points: the box that relay operators draw, at the foot of each page on the left; it grows upwards with what it says.
WIDTH, HEIGHT, EDGE, SIZE = 214, 72, 10, 7
PADDING, LEAST = 4, 8


def sheet(
    target: Path,
    title: str,
    lines: Sequence[tuple[str, str]],
    below: Sequence[str] = (),
    *,
    simulated: bool = False,
) -> Path:
    """Write one page of labels and values, with sentences below."""
    from fpdf import FPDF

    page = FPDF(format="A4")
    page.set_margins(MARGIN, MARGIN)
    page.add_font("Paraphe", fname=FONT)
    page.add_page()
    if simulated:
        _text(page, SIMULATED, 11)
    _text(page, title, 16)
    page.ln(4)
    for label, value in lines:
        page.set_font("Paraphe", size=9)
        page.multi_cell(55, LINE, _known(label), new_x="RIGHT", new_y="TOP")
        page.set_font("Paraphe", size=11)
        page.multi_cell(0, LINE, _known(value) or " ", new_x="LMARGIN", new_y="NEXT")
    page.ln(4)
    for sentence in below:
        _text(page, sentence, 11)
        page.ln(2)
    page.output(str(target))
    return target


def stamp(source: Path, target: Path, rows: Sequence[str], *, simulated: bool) -> Path:
    """Write a copy of a PDF with a box at the foot of each page; `source` is only read.

    The copy is a view: the fields and signatures of the original are drawn into it and no longer signatures, so that no
    reader takes it for the act. Rotated pages and pages without a common origin bear the box where people see the foot.
    """
    import pikepdf

    with pikepdf.open(source) as act:
        act.generate_appearance_streams()
        act.flatten_annotations("all")
        for key in ("/AcroForm", "/Perms", "/DSS"):
            if key in act.Root:
                del act.Root[key]
        for page in act.pages:
            _overlay(page, rows, simulated)
        with act.open_metadata(set_pikepdf_as_editor=False) as about:
            about["dc:title"] = "Copie tamponnée, vue de l’acte signé"
        act.save(target, deterministic_id=True)
    return target


def _overlay(page: object, rows: Sequence[str], simulated: bool) -> None:
    """Draw the box on one page; pikepdf turns it upright for whoever looks at it."""
    import io

    import pikepdf

    left, bottom, right, top = (float(coordinate) for coordinate in page.cropbox)  # type: ignore[attr-defined]
    turned = int(page.obj.get("/Rotate", 0)) % 360  # type: ignore[attr-defined]
    unit = float(page.obj.get("/UserUnit", 1))  # type: ignore[attr-defined]
    data, tall = _drawn(tuple(rows), simulated)
    width, height, edge = WIDTH / unit, tall / unit, EDGE / unit
    # The box as it is seen at the bottom left, in the page's own coordinates.
    box = {
        0: (left + edge, bottom + edge, left + edge + width, bottom + edge + height),
        90: (right - edge - height, bottom + edge, right - edge, bottom + edge + width),
        180: (right - edge - width, top - edge - height, right - edge, top - edge),
        270: (left + edge, top - edge - width, left + edge + height, top - edge),
    }[turned]
    with pikepdf.open(io.BytesIO(data)) as drawn:
        page.add_overlay(drawn.pages[0], pikepdf.Rectangle(*box), shrink=True, expand=True)  # type: ignore[attr-defined]


def _drawn(rows: tuple[str, ...], simulated: bool) -> tuple[bytes, float]:
    """The box as a page of its own, and its height in points: a long row goes to the next line, nothing is cut."""
    from fpdf import FPDF

    shown = [*([SIMULATED] if simulated else []), *rows, "Copie tamponnée : seul l’original signé fait foi"]
    pdf = FPDF(unit="pt")
    pdf.set_auto_page_break(auto=False)
    pdf.set_margins(PADDING + 1, PADDING)
    pdf.add_font("Paraphe", fname=FONT)
    pdf.set_font("Paraphe", size=SIZE)
    room = WIDTH - 2 * (PADDING + 1 + pdf.c_margin)
    lines = [line for row in shown for line in _wrapped(_known(row), room, pdf.get_string_width)]
    height = max(HEIGHT, len(lines) * LEAST + 2 * PADDING)
    pdf.add_page(format=(WIDTH, height))
    pdf.set_fill_color(255, 255, 255)
    pdf.set_draw_color(20, 40, 120)
    pdf.rect(0.5, 0.5, WIDTH - 1, height - 1, style="DF")
    pdf.set_text_color(20, 40, 120)
    for line in lines:
        pdf.cell(0, (height - 2 * PADDING) / len(lines), line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output()), height


def _wrapped(text: str, room: float, width: Callable[[str], float]) -> list[str]:
    """A row in lines that fit; a word longer than a line has one of its own."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and width(longer) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _text(page: object, text: str, size: int) -> None:
    page.set_font("Paraphe", size=size)  # type: ignore[attr-defined]
    page.multi_cell(0, LINE, _known(text), new_x="LMARGIN", new_y="NEXT")  # type: ignore[attr-defined]


def _known(text: str) -> str:
    """What the font cannot draw is replaced by a visible mark, never dropped in silence."""
    return "".join(
        character
        if character.isprintable() and ord(character) < 0x2500
        else "▯"
        if ord(character) >= 0x2500
        else " "
        for character in text
    )
