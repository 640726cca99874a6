"""Draw the page of an invoice that came as data only, so that it can be read and signed; the XML stays the invoice."""

from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from app.invoices.history import FAMILY
from app.invoices.reading import Reading
from app.pdf.fonts import FONT
from workflows.family import family as family_named

MARGIN, LINE = 18, 6


def draw(reading: Reading, target: Path) -> Path:
    """Write a PDF that says every label and value of the invoice; deterministic, and marked for what it is."""
    page = FPDF(format="A4")
    page.set_margins(MARGIN, MARGIN)
    page.set_auto_page_break(auto=True, margin=60)  # the foot of the last page is for the signature
    page.add_font("Paraphe", fname=FONT)
    page.add_page()
    page.set_font("Paraphe", size=15)
    credit = family_named(FAMILY).credits(reading.fields)
    title = f"{'Avoir' if credit else 'Facture'} {reading.fields.get('number', '')}".strip()
    page.cell(text=_known(title), new_x=XPos.LMARGIN, new_y=YPos.NEXT, h=9)
    page.set_font("Paraphe", size=8)
    page.multi_cell(
        0,
        4,
        _known(
            f"Page établie par Paraphe à partir des données {reading.syntax} {reading.profile}. Le fichier XML d’origine "
            f"est {'l’avoir' if credit else 'la facture'} ; il est gardé tel quel."
            + (" Ses montants viennent en déduction de ce qui est dû au fournisseur." if credit else "")
        ),
        new_x=XPos.LMARGIN,
        new_y=YPos.NEXT,
    )
    page.ln(4)
    for label, value in reading.rows:
        page.set_font("Paraphe", size=8)
        page.set_text_color(90, 90, 90)
        page.multi_cell(60, LINE, _known(label), new_x=XPos.RIGHT, new_y=YPos.TOP)
        page.set_font("Paraphe", size=10)
        page.set_text_color(0, 0, 0)
        page.multi_cell(0, LINE, _known(value) or " ", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    page.output(str(target))
    return target


def _known(text: str) -> str:
    """What the font cannot draw is replaced by a visible mark, never dropped in silence; it has no minus but the hyphen."""
    return "".join(
        character
        if character.isprintable() and ord(character) < 0x2500
        else "▯"
        if ord(character) >= 0x2500
        else " "
        for character in text.replace("−", "-")
    )
