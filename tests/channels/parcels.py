"""Parcels of the fictitious commune of Kerlann-sur-Mer, as the post room makes them."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.transmission.ports import Parcel, ParcelFile, Sender

NOW = datetime(2026, 11, 24, 8, 12, 30, tzinfo=UTC)


def a_pdf() -> bytes:
    """The smallest PDF that opens: one empty page."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
    )
    body, offsets = b"%PDF-1.7\n% acte fictif de Kerlann-sur-Mer\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 4\n0000000000 65535 f \n" + table + b"trailer\n<< /Size 4 /Root 1 0 R >>\n"
    return body + head + b"startxref\n%d\n%%%%EOF\n" % len(body)


PDF = a_pdf()
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
SEALED = (Path(__file__).resolve().parents[1] / "assets/actes/budget/totem-mini-scelle.xml").read_bytes()
XML = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<facture>été</facture>\n'.encode("latin-1")

SENDER = Sender(
    collectivity_id=1,
    siren="212909998",
    name="Commune de Kerlann-sur-Mer",
    department="029",
    district="1",
    nature="31",
    email="assemblees@kerlann.example.org",
    settings={},
)
FACTS: dict[str, Any] = {
    "number": "2026-112",
    "decision_date": "2026-11-19",
    "subject": "Tarifs du port de plaisance : « l’été à Kerlann » – cœur de saison",
    "nature": 1,
    "matter": "7.1",
}


FLOW = Path(__file__).resolve().parents[1] / "assets" / "pes" / "kerlann_depenses.xml"
FLOW_NAME = b"PESALR2_21290999800017_261120_014"


def a_file(folder: Path, role: str, filename: str, content: bytes, **changes: Any) -> ParcelFile:
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256(content).hexdigest()
    path = folder / sha256
    path.write_bytes(content)
    number = int(sha256[:6], 16)
    made = ParcelFile(role, filename, filename, "application/pdf", sha256, path, number, None)
    return replace(made, **changes)


def a_parcel(folder: Path, **changes: Any) -> Parcel:
    """A deliberation with two annexes; `facts` given here are laid over the usual ones."""
    facts = FACTS | changes.pop("facts", {})
    made = Parcel(
        key="dossier-57-tour-1",
        folder_id=57,
        family="deliberation",
        title="Délibération 2026-112",
        facts=facts,
        files=(
            a_file(folder, "main", "délibération.pdf", PDF),
            a_file(folder, "attachment", "rapport.pdf", PDF + b"rapport", type_code="21_RP"),
            a_file(folder, "attachment", "plan.png", PNG, media_type="image/png", type_code="70_DE"),
        ),
        sender=SENDER,
        signatures=(
            {
                "name": "Armel Kervadec",
                "capacity": "maire",
                "signed_at": "2026-11-20T18:42:07+01:00",
                "serial": "01",
            },
        ),
        link="https://paraphe.example.org/folders/57",
        prepared_at=NOW,
    )
    return replace(made, **changes)


def a_flow(folder: Path, name: str = FLOW_NAME.decode(), source: Path = FLOW, **changes: Any) -> Parcel:
    """A signed payment flow of the same commune, under this NomFic."""
    flow = source.read_bytes().replace(FLOW_NAME, name.encode())
    made = Parcel(
        key="dossier-61-tour-1",
        folder_id=61,
        family="pes",
        title="Flux dépenses",
        facts={},
        files=(a_file(folder, "main", "kerlann_depenses.xml", flow, media_type="application/xml"),),
        sender=SENDER,
        signatures=(),
        link="https://paraphe.example.org/folders/61",
        prepared_at=NOW,
    )
    return replace(made, **changes)


def a_parcel_for(channel: str, folder: Path) -> Parcel:
    """What this channel carries."""
    return a_flow(folder) if channel == "helios" else a_parcel(folder)
