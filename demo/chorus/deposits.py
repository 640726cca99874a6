"""What suppliers, and Hélios, do on the simulated Chorus Pro: deposit invoices of every kind, complete one, take and pay it."""

import io
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from app.core.clock import PARIS
from app.invoices.enclosed import data_in
from app.invoices.reading import read_invoice
from app.invoices.rendition import draw
from demo import papers
from demo.chorus.simulator import SimulatedChorus
from demo.chorus.state import FIRST, STRUCTURE, File, invoice_of, pass_to

SAMPLE: Final = Path(__file__).resolve().parents[2] / "tests" / "assets" / "invoices" / "fx-basic-fr-ok.pdf"
FACTURX, PDF, DATA, CREDIT, WORKS, PAID, OTHER, ACCOUNT, TWICE = (
    "facturx",
    "pdf",
    "data",
    "credit",
    "works",
    "paid",
    "other",
    "account",
    "twice",
)
KINDS: Final = {
    FACTURX: "Une facture Factur-X",
    PDF: "Un PDF et son bon de livraison",
    DATA: "Des données (CII) et leur copie lisible",
    CREDIT: "Un avoir",
    WORKS: "Une facture de travaux",
    PAID: "Une facture déjà payée par carte (A2)",
    OTHER: "Une facture adressée à un autre organisme",
    ACCOUNT: "Une facture dont l’IBAN a changé",
    TWICE: "De nouveau la dernière, sous un autre identifiant",
}
"""What a supplier may deposit, with the words of its button."""
WORDS: Final = (
    "Entretien de la chaudière de la crèche",
    "Volets de l’école du Port",
    "Portail du cimetière",
    "Plancher de la salle des fêtes",
)
SERVICES: Final = (("TECHNIQUE", "SERVICES TECHNIQUES"), ("", ""))


@dataclass(frozen=True)
class _Draft:
    """An invoice before it has its number: who sells what, at what price."""

    supplier: papers.Supplier
    work: str
    price: Decimal
    iban: str


def deposit(chorus: SimulatedChorus, kind: str, moment: datetime, structure: int = STRUCTURE) -> int:
    """Deposit an invoice of one of `KINDS`; returns its identifier. Refuses ValueError another kind, or nothing to repeat."""
    if kind not in KINDS:
        raise ValueError(kind)
    if kind == TWICE:
        return _again(chorus, moment)
    with chorus.state.written() as line:
        (last,) = line.execute("SELECT coalesce(max(id), ?) FROM invoice", (FIRST - 1,)).fetchone()
    rank = last + 1 - FIRST
    supplier = (papers.HEATING, papers.JOINERY)[rank % 2]
    draft = _Draft(
        supplier, WORDS[rank % len(WORDS)], Decimal(320 + 85 * (rank % 9)), iban_of(supplier, kind == ACCOUNT)
    )
    number = f"{'AV' if kind == CREDIT else 'FA'}-{moment:%Y}-{4000 + rank:04}"
    data, files = _written(draft, kind, number, moment)
    with chorus.state.written() as line:
        (last,) = line.execute("SELECT coalesce(max(id), ?) FROM invoice", (FIRST - 1,)).fetchone()
        put(line, last + 1, structure, "FACTURE_TRAVAUX" if kind == WORKS else "FACTURE", data, files, moment)
    return int(last) + 1


def many(chorus: SimulatedChorus, count: int, moment: datetime, structure: int = STRUCTURE) -> list[int]:
    """Deposit so many invoices, data alone, each of another number."""
    sample = data_in(SAMPLE)[1]
    numbers = []
    with TemporaryDirectory(prefix="chorus-factice-") as room, chorus.state.written() as line:
        (last,) = line.execute("SELECT coalesce(max(id), ?) FROM invoice", (FIRST - 1,)).fetchone()
        for number in range(last + 1, last + 1 + count):
            name, supplier = f"SE-{number}", (papers.HEATING, papers.JOINERY)[number % 2]
            price = Decimal(100) + Decimal(number % 7919) / 100
            day = moment.astimezone(PARIS).date() - timedelta(days=2)
            path = papers.invoice(sample, Path(room) / f"{name}.xml", supplier, name, day, WORDS[0], price)
            before = price + 3 * papers.VISIT
            tax = (before * Decimal("0.2")).quantize(Decimal("0.01"))
            facts = {
                **_facts(_Draft(supplier, WORDS[0], price, iban_of(supplier)), DATA, name, moment),
                "total_ht": f"{before:.2f}",
                "total_vat": f"{tax:.2f}",
                "total_ttc": f"{before + tax:.2f}",
            }
            file = File(f"{name}.xml", "Facture_CII_AFNOR", path.read_bytes(), main=True)
            put(line, number, structure, "FACTURE", facts, [file], moment)
            numbers.append(number)
    return numbers


def put(
    line: Any,
    number: int,
    structure: int,
    kind: str,
    data: dict[str, Any],
    files: list[File],
    moment: datetime,
) -> None:
    """Write an invoice, deposited a minute ago and made available now."""
    line.execute(
        "INSERT INTO invoice (id, structure, kind, data, again, status, since) VALUES (?,?,?,?,?,?,?)",
        (number, structure, kind, json.dumps(data), "Non", "", ""),
    )
    for rank, file in enumerate(files, 1):
        _attach(line, number, rank, file)
    pass_to(line, number, "DEPOSEE", moment - timedelta(minutes=1))
    pass_to(line, number, "MISE_A_DISPOSITION", moment)


def complete(chorus: SimulatedChorus, number: int, moment: datetime, *, iban: str = "") -> None:
    """The supplier completes an invoice, with a paper that may bear another account; refuses LookupError an unknown one."""
    text = f"Relevé d’identité bancaire : {iban}" if iban else "Bon de livraison signé"
    name = "RIB nouveau.pdf" if iban else "BL signé.pdf"
    with chorus.state.written() as line:
        if invoice_of(line, number) is None:
            raise LookupError(number)
        (rank,) = line.execute("SELECT count(*) FROM piece WHERE invoice = ?", (number,)).fetchone()
        # Numbered, so that no two papers of one second have the same bytes: the second would be known already
        _attach(line, number, rank + 1, File(name, "Autre", _paper(f"{text}\nPièce n° {rank + 1}")))
        line.execute("UPDATE invoice SET again = 'Complétée' WHERE id = ?", (number,))
        pass_to(line, number, "COMPLETEE", moment)


def move(chorus: SimulatedChorus, number: int, status: str, moment: datetime) -> None:
    """Hélios takes an invoice, or pays it; refuses LookupError an unknown one."""
    with chorus.state.written() as line:
        if invoice_of(line, number) is None:
            raise LookupError(number)
        pass_to(line, number, status, moment)


def iban_of(supplier: papers.Supplier, changed: bool = False) -> str:
    """An account that cannot exist (bank 99999), the same for the same supplier; another one when it `changed`."""
    account = f"{supplier.siren}{'77' if changed else '01'}"
    key = 97 - (89 * 99999 + 15 * 1 + 3 * int(account)) % 97
    body = f"9999900001{account}{key:02}"
    digits = int("".join(str(int(sign, 36)) for sign in f"{body}FR00"))
    return f"FR{98 - digits % 97:02}{body}"


def _attach(line: Any, number: int, rank: int, file: File) -> None:
    line.execute(
        "INSERT INTO piece VALUES (?,?,?,?,?,?,?)",
        (number, rank, file.name, file.category, "01" if file.main else "02", int(file.zipped), file.data),
    )


def _again(chorus: SimulatedChorus, moment: datetime) -> int:
    """The last invoice once more, as a supplier who presses the button twice."""
    with chorus.state.written() as line:
        (last,) = line.execute("SELECT max(id) FROM invoice").fetchone()
        former = invoice_of(line, last or 0)
        if former is None:
            raise ValueError(TWICE)
        rows = line.execute(
            "SELECT name, category, type, zipped, data FROM piece WHERE invoice = ? ORDER BY rank", (last,)
        )
        files = [File(row[0], row[1], row[4], row[2] == "01", bool(row[3])) for row in rows]
        put(line, last + 1, former.structure, former.kind, former.data, files, moment)
    return int(last) + 1


def _written(draft: _Draft, kind: str, number: str, moment: datetime) -> tuple[dict[str, Any], list[File]]:
    """What a list says of an invoice, and its files."""
    day = moment.astimezone(PARIS).date() - timedelta(days=2)
    sample = data_in(SAMPLE)[1]
    with TemporaryDirectory(prefix="chorus-factice-") as room:
        xml = papers.invoice(
            sample, Path(room) / f"{number}.xml", draft.supplier, number, day, draft.work, draft.price
        )
        if kind == CREDIT:
            xml.write_text(xml.read_text().replace("<ram:TypeCode>380<", "<ram:TypeCode>381<"))
        reading = read_invoice(xml, "application/xml")
        if reading is None:
            raise ValueError(number)
        page = draw(reading, Path(room) / "page.pdf").read_bytes()
        data = xml.read_bytes()
    totals = {key: reading.fields[key] for key in ("total_ht", "total_vat", "total_ttc")}
    return _facts(draft, kind, number, moment) | totals, _files(kind, number, page, data)


def _facts(draft: _Draft, kind: str, number: str, moment: datetime) -> dict[str, Any]:
    """What a list says of an invoice, but its totals."""
    day = moment.astimezone(PARIS).date()
    service = SERVICES[1] if kind == OTHER else SERVICES[0]
    facts = {
        "number": number,
        "seller": draft.supplier.name,
        "seller_siret": draft.supplier.siret,
        "issue_date": (day - timedelta(days=2)).isoformat(),
        "deposited": day.isoformat(),
        "type_code": "381" if kind == CREDIT else "380",
        "frame": {PAID: "A2", WORKS: "A4"}.get(kind, "A1"),
        "iban": draft.iban,
        "order_ref": "",
        "service": service[0],
        "service_name": service[1],
    }
    if kind == OTHER:
        facts |= {"buyer_siret": "24450001100015", "buyer": "COMMUNAUTE DE COMMUNES DU VAL"}
    return facts


def _files(kind: str, number: str, page: bytes, data: bytes) -> list[File]:
    if kind in {PDF, WORKS, PAID, OTHER}:
        slip = File(
            f"BL-{number}.pdf", "Bon de livraison", _paper(f"Bon de livraison de {number}"), zipped=False
        )
        return [File(f"FAC{number}.pdf", "Facture PDF", page, main=True), slip]
    if kind == DATA:
        return [
            File(f"{number}.xml", "Facture_CII_AFNOR", data, main=True),
            File(f"PJ00_{number}.pdf", "Facture PDF", page),
        ]
    return [File(f"{number}.pdf", "FACTURE_FACTUR-X_AFNOR", _facturx(page, data), main=True)]


def _facturx(page: bytes, data: bytes) -> bytes:
    import facturx

    with TemporaryDirectory(prefix="chorus-factice-") as room:
        plain, whole = Path(room) / "page.pdf", Path(room) / "facturx.pdf"
        plain.write_bytes(page)
        # To another file: in memory, or over itself, factur-x 7.8 writes behind the page's own bytes, a PDF within a PDF
        facturx.generate_from_file(
            str(plain), data, flavor="factur-x", level="basic", check_xsd=False, output_pdf_file=str(whole)
        )
        return whole.read_bytes()


def _paper(text: str) -> bytes:
    """A page that says this, and that nothing of it is true."""
    from fpdf import FPDF

    from app.pdf.fonts import FONT

    page = FPDF(format="A4")
    page.add_font("Paraphe", fname=FONT)
    page.add_page()
    page.set_font("Paraphe", size=12)
    page.multi_cell(0, 8, f"{text}\nFACTICE, du simulateur de Paraphe")
    out = io.BytesIO()
    page.output(out)
    return out.getvalue()
