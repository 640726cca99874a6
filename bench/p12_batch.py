"""P12: two hundred folders signed in one gesture, beside a bare loop of stock pyHanko with the same key and authority.

Rate: at least 0.9 of the loop's, which signs a file and asks for its timestamp, and has no folder, no proof and no journal.
At most two commits for each folder, counted where page and worker are one process. The worker's memory at its peak is at
most 1.1 of what twenty folders take. And *À traiter* answers within three times its idle time (p95) meanwhile, asked in
the process that prepares the signatures, which is what the threads of a web process do.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import HTTPTimeStamper

from app.core import db, outbox
from bench.measure import Figure, goal
from bench.s5_batch import Evening
from bench.s5_ground import Worker, authority
from tests.builders.house import INVOICE

COUNT, FEW, ROUNDS, PAGES = 200, 20, 3, 60
RATE_BAR, COMMITS_BAR, MEMORY_BAR, PAGE_BAR = 0.9, 2.0, 1.1, 3.0


def _stock_seconds(evening: Evening, room: Path) -> float:
    """Seconds of stock pyHanko for as many files: signed and timestamped (B-T), nothing looked up of the certificate."""
    pki = evening.house.pki
    signer = signers.SimpleSigner.load_pkcs12(str(pki.p12("a_kervadec")), passphrase=pki.passphrase)
    metadata = signers.PdfSignatureMetadata(
        field_name="Signature", subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256"
    )
    pdf_signer = signers.PdfSigner(metadata, signer=signer, timestamper=HTTPTimeStamper(pki.tsa_url))
    begun = time.perf_counter()
    for number in range(COUNT):
        with INVOICE.open("rb") as source, (room / f"{number}.pdf").open("wb") as target:
            pdf_signer.sign_pdf(IncrementalPdfFileWriter(source), output=target)
    return time.perf_counter() - begun


@contextmanager
def _commits() -> Iterator[list[int]]:
    """The commits of this process, counted while the block lasts."""
    count, engine = [0], db.engine()

    def more(_: object) -> None:
        count[0] += 1

    sa.event.listen(engine, "commit", more)
    try:
        yield count
    finally:
        sa.event.remove(engine, "commit", more)


def _peak(worker: Worker, evening: Evening, count: int) -> float:
    """Resident memory of the worker at its peak, in MiB, while it signs so many folders."""
    status, clear = (Path(f"/proc/{worker.pid}/{name}") for name in ("status", "clear_refs"))
    clear.write_text("5")  # the peak begins again (proc(5))
    evening.timed(worker, count)
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _page(client: FlaskClient) -> float:
    begun = time.perf_counter()
    if client.get("/a-traiter").status_code != 200:
        raise RuntimeError("the inbox does not answer")
    return time.perf_counter() - begun


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _pages(evening: Evening, worker: Worker, client: FlaskClient) -> tuple[float, float]:
    """The inbox's p95 with nothing beside it, and while a batch is signed: as long as it lasts."""
    idle = [_page(client) for _ in range(PAGES)]
    batch = threading.Thread(target=evening.timed, args=(worker, COUNT))
    batch.start()
    busy = []
    while batch.is_alive():
        busy.append(_page(client))
        time.sleep(0.05)  # a person reads between two pages
    batch.join()
    return _p95(idle), _p95(busy)


def run() -> dict[str, Any]:
    """The goal's line."""
    with tempfile.TemporaryDirectory() as name, authority(Path(name) / "pki") as pki:
        home = Path(name)
        evening = Evening(home, pki)
        worker = Worker(home, pki, pki.tsa_url)
        try:
            evening.timed(worker, FEW)
            peaks = [(_peak(worker, evening, FEW), _peak(worker, evening, COUNT)) for _ in range(ROUNDS)]
            rates = [(_stock_seconds(evening, home), evening.timed(worker, COUNT)[0]) for _ in range(ROUNDS)]
            client = evening.house.client("n.abgrallec")
            pages = [_pages(evening, worker, client) for _ in range(ROUNDS)]
        finally:
            worker.stop()
        number = evening.batch(FEW)
        with _commits() as commits:
            evening.sign(number, outbox.run)
    stock, ours = (statistics.median(column) for column in zip(*rates, strict=True))
    few, many = (statistics.median(column) for column in zip(*peaks, strict=True))
    figures = [
        Figure(
            "rate over stock pyHanko's loop",
            tuple(loop / batch for loop, batch in rates),
            RATE_BAR,
            at_least=True,
            note=f"{ours:.1f} s against {stock:.1f}",
        ),
        Figure("commits for each folder", (commits[0] / FEW,), COMMITS_BAR),
        Figure(
            f"peak of the worker at {COUNT}, of that at {FEW}",
            tuple(large / small for small, large in peaks),
            MEMORY_BAR,
            note=f"{many:.0f} MiB against {few:.0f}",
        ),
        Figure(
            "À traiter meanwhile, p95 of the idle one",
            tuple(busy / idle for idle, busy in pages),
            PAGE_BAR,
            note=f"{statistics.median(busy for _, busy in pages) * 1000:.0f} ms",
        ),
    ]
    return goal("P12", figures, f"{COUNT} invoices signed in one gesture, B-T, SQLite")


if __name__ == "__main__":
    print(run())
