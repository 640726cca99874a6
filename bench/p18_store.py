"""P18: once folders are signed and handed over, the store holds at most 1.05 times the bytes that their versions name.

Folders by the verbs of the product: seven of ten are invoices that go to their end (signed, handed over), two are acts of two
signatures, sent and published, one is another document. A minute of the worker later every byte of the store is told by
what names it, and again once the sendings are settled: what is then kept around their documents, in the base, counts as
well. `P18_FOLDERS` (200) is how many. Every file has bytes of its own, as in a commune: the store keeps the same bytes once.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pikepdf
import sqlalchemy as sa

from app import create_app
from app.core import outbox, schema
from app.core.clock import now
from app.core.db import engine, reading
from app.files import vault
from app.folders.models import Document, DocumentVersion
from app.signing.models import SignatureSession
from app.transmission.lightening import lighten
from app.transmission.models import ParcelFrame, Receipt, Transmission
from bench.measure import Figure, goal
from bench.s5_ground import authority
from demo.seed import people
from tests.builders.house import ACT, CERTIFICATES, INVOICE, House
from tests.conftest import settings_for
from tests.mailserver import MailServer

FOLDERS, BAR = int(os.environ.get("P18_FOLDERS", "200")), 1.05
DAYS, SETTLED = 30, timedelta(days=40)
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


def _aged(home: Path, age: timedelta) -> None:
    """As if all had been put so long ago: what is a minute old is not looked at."""
    then = (now() - age).timestamp()
    for path in home.glob("data/documents/*/??/*"):
        os.utime(path, (then, then))


def _settled(home: Path) -> Counter[str]:
    """The bytes once the sendings were acknowledged for more than a month, those of their frames too; and what it took."""
    _aged(home, SETTLED)
    with engine().begin() as connection:
        connection.execute(sa.update(Transmission.__table__).values(ended_at=now() - SETTLED))
    began = process_time()
    lighten(DAYS)
    with engine().begin() as connection:
        connection.execute(sa.update(ParcelFrame.__table__).values(made_at=now() - SETTLED))
    tally = lighten(DAYS)
    print(
        f"{tally}, {1000 * (process_time() - began) / (tally.light + tally.whole):.0f} ms of processor each"
    )
    weighed = _bytes()
    with reading() as db:
        frames = [(frame.around, frame.parts) for frame in db.scalars(sa.select(ParcelFrame))]
    weighed["frames in the base"] = sum(len(around) + len(json.dumps(parts)) for around, parts in frames)
    return weighed


def measure(room: Path) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """The bytes by what names them: at once, a minute of the worker later, and once the sendings are settled."""
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
        _aged(room, timedelta(minutes=10))
        outbox.watch()
        mail.stop()
        return before, _bytes(), _settled(room)


def _ratio(weighed: Counter[str]) -> float:
    """All that is kept over what versions name."""
    versions = sum(weighed[name] for name in ("what was deposited", "what was signed", "receipts"))
    return sum(weighed.values()) / versions


def run() -> dict[str, Any]:
    """The goal's line: bytes of the store over those that versions name, once sendings are settled."""
    with tempfile.TemporaryDirectory() as name:
        before, after, settled = measure(Path(name))
    weights = ", ".join(f"{name} {size / 1e6:.3f} MB" for name, size in settled.most_common() if size)
    whole = Figure("of all that is kept, once sendings are settled", (_ratio(settled),), BAR, note=weights)
    earlier = f"{_ratio(after):.2f} until then, {_ratio(before):.2f} before the worker's minute"
    return goal("P18", [whole], f"the store over what versions name, {FOLDERS} folders, {earlier}")


if __name__ == "__main__":
    print(run())
