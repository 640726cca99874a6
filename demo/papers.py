"""The papers of the demonstration: invoices addressed to the commune, from suppliers that do not exist."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

from demo.cast import NAME, POSTAL_CODE, SIREN

SIRET = f"{SIREN}00016"
"""The commune's, as its acts print it."""
_IN_THE_SAMPLES = f"{SIREN}00017".encode()
DAYS = 30
"""After its date, an invoice is due."""
VISIT = Decimal("45.00")
VISITS = "Déplacement d’un technicien"


@dataclass(frozen=True)
class Supplier:
    """Who invoices: name, SIREN, SIRET, VAT number, street, postal code, town."""

    name: str
    siren: str
    siret: str
    vat: str
    street: str
    postal_code: str
    town: str


HEATING = Supplier(
    "Chauffage Roz-Avel SARL",
    "999123458",
    "99912345800013",
    "FR61999123458",
    "14 rue des Fabriques",
    "29980",
    "Porz-Izel",
)
JOINERY = Supplier(
    "Menuiserie Arzel-Huon",
    "999543218",
    "99954321800013",
    "FR87999543218",
    "3 quai du Port",
    "29990",
    "Kerlann-sur-Mer",
)


def flow(sample: bytes) -> bytes:
    """A payment flow of the commune itself: the sample, under the SIRET that its acts and invoices bear."""
    return sample.replace(_IN_THE_SAMPLES, SIRET.encode())


def invoice(
    sample: bytes, target: Path, supplier: Supplier, number: str, day: date, work: str, price: Decimal
) -> Path:
    """Write an invoice as data (CII): the sample's form, another supplier, the commune as its buyer, sums that hold.

    Two lines: the work at its price, and three visits. The product draws its page.
    """
    before = price + 3 * VISIT
    tax = (before * Decimal("0.2")).quantize(Decimal("0.01"))
    replacements = {
        "FA-2026-0001": number,
        "20260815": f"{day:%Y%m%d}",
        "20260831": f"{day:%Y%m%d}",
        "20260914": f"{day + timedelta(days=DAYS):%Y%m%d}",
        "Maintenance preventive CVC - aout 2026": work,
        "Deplacement technicien": VISITS,
        "2400.00": f"{price:.2f}",
        "2535.00": f"{before:.2f}",
        "507.00": f"{tax:.2f}",
        "3042.00": f"{before + tax:.2f}",
        "Atelier Berthier SARL": supplier.name,
        "39280913700027": supplier.siret,
        "FR40392809137": supplier.vat,
        "392809137": supplier.siren,
        "14 rue des Fabriques": supplier.street,
        "45000": supplier.postal_code,
        "Orleans": supplier.town,
        "Communaute de communes du Val de Loire": f"Commune de {NAME}",
        "24450001100015": SIRET,
        "244500011": SIREN,
        "41000": POSTAL_CODE,
        "Blois": NAME,
    }
    text = sample.decode()
    formers = sorted(replacements, key=len, reverse=True)  # a SIRET before the SIREN that begins it
    for rank, former in enumerate(formers):
        if former not in text:
            raise ValueError(former)  # the sample has changed: what it said would be shown as the commune's
        text = text.replace(former, f"\x00{rank}\x00")
    for rank, former in enumerate(formers):
        text = text.replace(f"\x00{rank}\x00", escape(replacements[former]))
    target.write_text(text, encoding="utf-8")
    return target
