"""S4: the seal of this server against stock pyHanko, a peer in Rust, the key's own work and SHA-256: format, then product.

Format: PAdES B-B with a key of this server, RSA-2048, file to file, in memory where there is a folder there: forcing to
a disk measures the disk. Product: `bench/s4_product.py`.
"""

import hashlib
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pdfsigner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PBES,
    load_pkcs12,
    serialize_key_and_certificates,
)
from pyhanko.sign import signers

from app.core.clock import now
from app.signing.formats import pades
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan
from app.trust.certificates import Trust
from app.verification.readers.pdf import read_pdf
from bench import s4_product
from bench.ground import ROOT
from bench.measure import ROUNDS, Figure, Operations, goal, milliseconds, ratios, side_by_side, steady
from bench.s1_signature import _stock
from bench.s4_ground import PASSPHRASE, Seal, document, seal_in

SMALL, LARGE, HUGE = 50_000, 20_000_000, 100_000_000
TURNS, IN_A_ROW, LARGE_TURNS = 6, 5, 4
"""A seal has many documents: each candidate signs some in a row, as it would, and none pays for the others' caches."""
STOCK_BAR, PEER_BAR, KEY_BAR, HASH_BAR, RATE_BAR = 0.03, 0.6, 8.0, 1.6, 30.0
PROCESSES, STOCK_BATCH, OUR_BATCH = 2, 6, 200
GROWTH_MB = 1.0
"""What the allocator rounds up: two pieces of a megabyte are held whatever the size."""
MEMORY = """
import sys
from pathlib import Path
from bench.s4_seal import ours
from app.signing.keys.pkcs12 import Pkcs12Key

def peak(action):
    Path("/proc/self/clear_refs").write_text("5")
    action()
    line = next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024

room, key = Path(sys.argv[1]), Pkcs12Key.load(Path(sys.argv[2]), sys.argv[3].encode())
for name in ("small", "large", "small"):  # what is loaded once is loaded
    ours(key, room / f"{name}.pdf", room / "memory.pdf")
print(peak(lambda: ours(key, room / "huge.pdf", room / "memory.pdf")) - peak(lambda: ours(key, room / "large.pdf", room / "memory.pdf")))
"""


def ours(key: Pkcs12Key, source: Path, target: Path) -> None:
    """One signature by the format slice of the product."""
    pades.seal(
        source,
        target,
        key=key,
        field="Signature1",
        fields=[FieldPlan("Signature1", None)],
        stamp=None,
        now=datetime.now(UTC),
        timestamper=None,
    )


def _light(seal: Seal) -> Path:
    """The same key in a file that opens at once: the peer opens it for each signature, and only its signing is measured."""
    bag = load_pkcs12(seal.file.read_bytes(), seal.passphrase)
    quick = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(1).hmac_hash(hashes.SHA256())
    quick = quick.key_cert_algorithm(PBES.PBESv2SHA256AndAES256CBC)
    above = [entry.certificate for entry in bag.additional_certs]
    light, own = seal.file.with_name("leger.p12"), bag.cert
    assert own is not None
    light.write_bytes(
        serialize_key_and_certificates(
            b"cachet",
            bag.key,
            own.certificate,
            above,
            quick.build(seal.passphrase),  # type: ignore[arg-type]
        )
    )
    return light


class _Bench:
    """The candidates on one folder, with one key."""

    def __init__(self, room: Path, seal: Seal) -> None:
        self.room, self.seal = room, seal
        self.key = Pkcs12Key.load(seal.file, seal.passphrase)
        self.stock = signers.SimpleSigner.load_pkcs12(str(seal.file), passphrase=seal.passphrase)
        self.light = str(_light(seal))
        for name, size in (("small", SMALL), ("large", LARGE), ("huge", HUGE)):
            document(room / f"{name}.pdf", size)

    def by(self, who: str, name: str, target: Path) -> None:
        """One signature by a candidate."""
        source = self.room / f"{name}.pdf"
        if who == "ours":
            ours(self.key, source, target)
        elif who == "stock":
            _stock(self.stock, source, target)
        else:
            pdfsigner.sign_pdf(str(source), str(target), self.light, PASSPHRASE, level="bb")

    def each(self, who: str, name: str, count: int) -> Operations:
        """So many signatures in a row, each into a new file."""
        for _ in itertools.count():
            for rank in range(count):
                self._target(who, rank).unlink(missing_ok=True)
            yield partial(self._row, who, name, count)

    def _row(self, who: str, name: str, count: int) -> None:
        for rank in range(count):
            self.by(who, name, self._target(who, rank))

    def _target(self, who: str, rank: int) -> Path:
        return self.room / f"{who}-{rank}.pdf"

    def key_alone(self, count: int) -> Operations:
        """So many bare operations of the key."""
        for _ in itertools.count():
            yield partial(self._key_alone, count)

    def _key_alone(self, count: int) -> None:
        for _ in range(count):
            self.key.sign(b"a hundred and some bytes of signed attributes" * 3)

    def hashing(self) -> Operations:
        """SHA-256 of the large file, from the file as we read it."""
        for _ in itertools.count():
            yield self._hash

    def _hash(self) -> None:
        with (self.room / "large.pdf").open("rb") as stream:
            hashlib.file_digest(stream, "sha256")

    def valid(self) -> None:
        """What each candidate made holds, by pyHanko, by poppler and by qpdf: else nothing was measured."""
        for who in ("ours", "stock", "peer"):
            target = self.room / f"{who}-small.pdf"
            self.by(who, "small", target)
            (signature,) = read_pdf(
                target, None, Trust((), (), fetch=False), now()
            )  # whom one believes is no matter here
            report = subprocess.run(
                ["pdfsig", str(target)], capture_output=True, text=True, check=True
            ).stdout
            if not (signature.holds and signature.covers_whole and "Signature is Valid" in report):
                raise RuntimeError(f"{who}: {signature}\n{report}")
            if who == "ours":
                subprocess.run(["qpdf", "--check", str(target)], capture_output=True, check=True)


def _small(bench: _Bench) -> list[Figure]:
    names = ("ours", "stock", "peer")
    candidates = {name: bench.each(name, "small", IN_A_ROW) for name in names}
    candidates["key"] = bench.key_alone(IN_A_ROW)
    rounds = side_by_side(candidates, turns=TURNS)
    bars = {
        "stock": ("stock pyHanko", STOCK_BAR),
        "peer": ("pdfsignerpy", PEER_BAR),
        "key": ("one RSA-2048", KEY_BAR),
    }
    return [
        Figure(
            f"50 kB, of {label}'s time",
            ratios(rounds, "ours", name),
            bar,
            note=f"{milliseconds(rounds, 'ours')} against {milliseconds(rounds, name)} for {IN_A_ROW}",
        )
        for name, (label, bar) in bars.items()
    ]


def _large(bench: _Bench) -> list[Figure]:
    candidates = {"ours": bench.each("ours", "large", 1), "hash": bench.hashing()}
    rounds = side_by_side(candidates, turns=LARGE_TURNS)
    note = f"{milliseconds(rounds, 'ours')} against {milliseconds(rounds, 'hash')}"
    return [Figure("20 MB, of SHA-256's time", ratios(rounds, "ours", "hash"), HASH_BAR, note=note)]


def _sign(who: str, room: str, file: str, rank: int, count: int) -> float:
    """The work of one process of a pool: so many signatures; gives its own seconds."""
    key = Pkcs12Key.load(Path(file), PASSPHRASE.encode())
    stock = signers.SimpleSigner.load_pkcs12(file, passphrase=PASSPHRASE.encode())
    source, target = Path(room) / "small.pdf", Path(room) / f"{who}-{rank}.pdf"
    operation: Callable[[], None] = (
        partial(ours, key, source, target) if who == "ours" else partial(_stock, stock, source, target)
    )
    operation()
    start = time.perf_counter()
    for _ in range(count):
        operation()
    return time.perf_counter() - start


def _rates(bench: _Bench) -> list[Figure]:
    """Signatures a second by two processes, ours over stock pyHanko's."""
    rounds = []
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        for _ in range(ROUNDS):
            rates = {}
            for who, count in (("stock", STOCK_BATCH), ("ours", OUR_BATCH)):
                work = partial(_sign, who, str(bench.room), str(bench.seal.file), count=count)
                taken = [pool.submit(work, rank) for rank in range(PROCESSES)]
                rates[who] = sum(count / future.result() for future in taken)
            rounds.append(rates)
    ours_rate, stock_rate = (statistics.median(each[who] for each in rounds) for who in ("ours", "stock"))
    return [
        Figure(
            "two processes, rate over stock pyHanko's",
            tuple(each["ours"] / each["stock"] for each in rounds),
            RATE_BAR,
            at_least=True,
            note=f"{ours_rate:.0f} against {stock_rate:.1f} a second",
        )
    ]


def _growth(bench: _Bench) -> Figure:
    command = [sys.executable, "-c", MEMORY, str(bench.room), str(bench.seal.file), PASSPHRASE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return Figure("MB more at 100 MB than at 20 MB", (max(0.0, float(done.stdout)),), GROWTH_MB)


def run() -> dict[str, Any]:
    """The goal's line."""
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name,
        seal_in(Path(name) / "pki") as seal,
    ):
        bench = _Bench(Path(name), seal)
        bench.valid()
        figures = [*steady(partial(_small, bench)), *steady(partial(_large, bench))]
        figures += steady(partial(_rates, bench))
        figures.append(_growth(bench))
    figures += s4_product.figures()
    return goal("S4", figures, "PAdES B-B by a key of this server, RSA-2048")


if __name__ == "__main__":
    print(run())
