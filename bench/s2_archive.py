"""S2: the proofs of B-LT, added with the answers that a batch shares, cost at most 0.4 of what asking anew for each file costs."""

import itertools
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pikepdf
import requests

from app.core.clock import now
from app.signing.formats import augmentation, pades
from app.signing.formats.augmentation import Answers
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan
from app.trust.certificates import Trust
from app.trust.timestamp import TimestampClient
from bench.ground import ROOT
from bench.measure import Figure, Operations, goal, milliseconds, ratios, side_by_side, steady
from demo import pki as test_pki
from tests.cluster import free_port

TURNS, BAR, FILES = 8, 0.4, 4
SERVER = "import sys; from pathlib import Path; from demo import pki; pki.serve(Path(sys.argv[1]), '127.0.0.1', int(sys.argv[2])).wait()"


@contextmanager
def _authority(folder: Path) -> Iterator[test_pki.TestPki]:
    """The test authority in a process of its own: what it computes is not our work, and waits as a network would."""
    port = free_port()
    pki = test_pki.make(folder, f"http://127.0.0.1:{port}")
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(port)], cwd=ROOT)
    try:
        _wait(pki.base_url)
        yield pki
    finally:
        process.terminate()
        process.wait(10)


def _wait(url: str) -> None:
    session = requests.Session()
    session.mount(
        "http://",
        requests.adapters.HTTPAdapter(max_retries=requests.adapters.Retry(connect=12, backoff_factor=0.1)),
    )
    session.get(url, timeout=30)


def _signed(folder: Path, pki: test_pki.TestPki) -> list[Path]:
    """Files that one person has signed at level B-T, with what they had in common: nothing but the person."""
    key = Pkcs12Key.load(pki.p12("a_kervadec"), pki.passphrase)
    timestamper, targets = TimestampClient(pki.tsa_url, timeout=30), []
    for rank in range(FILES):
        source, target = folder / f"{rank}.pdf", folder / f"{rank}-signed.pdf"
        with pikepdf.new() as pdf:
            pdf.add_blank_page(page_size=(595, 842))
            pdf.docinfo["/Title"] = f"Acte {rank}"
            pdf.save(source)
        pades.seal(
            source,
            target,
            key=key,
            field="maire",
            fields=[FieldPlan("maire", None)],
            stamp=None,
            now=now(),
            timestamper=timestamper,
        )
        targets.append(target)
    return targets


def _adds(files: list[Path], target: Path, answers: Callable[[], Answers]) -> Operations:
    for source in itertools.cycle(files):
        yield partial(_add, source, target, answers)


def _add(source: Path, target: Path, answers: Callable[[], Answers]) -> None:
    augmentation.augment(source, target, answers=answers(), timestamper=None)


def _measure(files: list[Path], trust: Trust, target: Path) -> tuple[list[Figure], str]:
    shared = Answers(trust, now())
    _add(files[0], target, lambda: shared)
    rounds = side_by_side(
        {
            "shared": _adds(files, target, lambda: shared),
            "fresh": _adds(files, target, lambda: Answers(trust, now())),
        },
        turns=TURNS,
    )
    note = f"{milliseconds(rounds, 'shared')} against {milliseconds(rounds, 'fresh')}"
    return [Figure("shared / fresh answers", ratios(rounds, "shared", "fresh"), BAR)], note


def run() -> dict[str, Any]:
    """The goal's line: the median time of one file with shared answers over that with answers of its own."""
    with tempfile.TemporaryDirectory() as name, _authority(Path(name) / "pki") as pki:
        root = pki.root_pem.read_bytes()
        trust = Trust((root,), (root,), allowed_hosts=(pki.host,), timeout=30)
        files, notes = _signed(Path(name), pki), [""]

        def measure() -> list[Figure]:
            figures, notes[0] = _measure(files, trust, Path(name) / "target.pdf")
            return figures

        figures = steady(measure)
    how = (
        f"PAdES B-LT added to a B-T file, OCSP and CRL over HTTP on this machine, fsync included, {notes[0]}"
    )
    return goal("S2", figures, how)


if __name__ == "__main__":
    print(run())
