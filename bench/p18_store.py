"""P18: once folders are signed and handed over, the store holds at most 1.05 times the bytes that their versions name.

Folders by the verbs of the product: seven of ten are invoices that go to their end (signed, handed over), two are acts of two
signatures, sent and published, one is another document. A minute of the worker later every byte of the store is told by
what names it. `P18_FOLDERS` (200) is how many. Every file has bytes of its own, as in a commune: the store keeps the same
bytes once.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import sqlalchemy as sa

from app import create_app
from app.core import outbox, schema
from app.core.clock import now
from app.core.db import reading
from app.files import vault
from app.folders.models import Document, DocumentVersion
from app.signing.models import SignatureSession
from app.transmission.models import Receipt, Transmission
from bench.measure import Figure, goal
from bench.s5_ground import authority
from demo.seed import people
from tests.builders.house import ACT, CERTIFICATES, INVOICE, House
from tests.conftest import settings_for
from tests.mailserver import MailServer

FOLDERS, BAR = int(os.environ.get("P18_FOLDERS", "200")), 1.05
A = "a.kervadec"


def _own(path: Path, room: Path, number: int) -> Path:
    """The same document with bytes of its own."""
    copy = room / f"{number}-{path.name}"
    with pikepdf.open(path) as pdf:
        pdf.docinfo["/Subject"] = f"banc {number}"
        pdf.save(copy)
    return copy


def _fill(house: House, room: Path) -> None:
    for number in range(FOLDERS):
        kind = number % 10
        if kind < 7:
            house.an_invoice(at="done", path=_own(INVOICE, room, number))
        elif kind < 9:
            house.a_deliberation(at="publication", path=_own(ACT, room, number))
        else:
            house.sign(house.a_document(_own(ACT, room, number).read_bytes(), "plan.pdf"), A)


def _named() -> dict[str, set[str]]:
    """What names a digest, the first that does counts."""
    queries: dict[str, Any] = {
        "what was deposited": sa.select(DocumentVersion.sha256)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(DocumentVersion.origin != "signed", Document.role != "receipt"),
        "what was signed": sa.select(DocumentVersion.sha256).where(DocumentVersion.origin == "signed"),
        "receipts": sa.select(DocumentVersion.sha256).join(Document).where(Document.role == "receipt"),
        "other answers": sa.select(Receipt.sha256),
        "parcels sent": sa.select(Transmission.package_sha256).where(
            Transmission.package_sha256.is_not(None)
        ),
        "prepared for a signature": sa.select(SignatureSession.prepared_sha256),
    }
    with reading() as db:
        named = {name: {digest for digest in db.scalars(query) if digest} for name, query in queries.items()}
        notes = db.scalars(sa.select(DocumentVersion.note))
        named["copies offered"] = {note["repair"]["sha256"] for note in notes if note and note.get("repair")}
    return named


def _bytes() -> Counter[str]:
    """The bytes of the store by what names them."""
    named, weighed = _named(), Counter[str]()
    for part, sha256, size in vault.store().objects():
        names: Callable[[str], bool] = lambda name, sha256=sha256: sha256 in named[name]  # noqa: E731
        who = next(filter(names, named), "named by nothing")
        weighed["prepared for a signature" if vault.waits(part) else who] += size
    return weighed


def _aged(home: Path) -> None:
    """As if all had been put ten minutes ago: what is a minute old is not looked at."""
    then = (now() - timedelta(minutes=10)).timestamp()
    for path in home.glob("data/documents/*/??/*"):
        os.utime(path, (then, then))


def measure(room: Path) -> tuple[Counter[str], Counter[str]]:
    """The bytes by what names them, at once and a minute of the worker later."""
    mail = MailServer()
    mail.start()
    with authority(room / "pki") as pki:
        url = f"sqlite:///{room / 'paraphe.db'}"
        settings = settings_for(url, room / "data", pki, mail.port, lease_seconds=600.0)
        house = House(create_app(settings), settings, pki, mail)
        schema.upgrade()
        people()
        for login, label in CERTIFICATES.items():
            house.enrol(login, label)
        _fill(house, room)
        before = _bytes()
        _aged(room)
        outbox.watch()
        mail.stop()
        return before, _bytes()


def run() -> dict[str, Any]:
    """The goal's line: bytes of the store over those that versions name, what was sent set apart."""
    with tempfile.TemporaryDirectory() as name:
        before, after = measure(Path(name))
    versions = sum(after[name] for name in ("what was deposited", "what was signed", "receipts"))
    weights = ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in after.most_common())
    whole = Figure("of all that the store holds", (sum(after.values()) / versions,), BAR, note=weights)
    sent = sum(after.values()) - after["parcels sent"]
    apart = Figure("without the parcels sent", (sent / versions,), BAR)
    first = f"{sum(before.values()) / versions:.2f} before the worker's minute"
    return goal("P18", [whole, apart], f"the store over what versions name, {FOLDERS} folders, {first}")


if __name__ == "__main__":
    print(run())
