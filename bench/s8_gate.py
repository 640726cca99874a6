"""S8: what is shown is what was signed, asked of a file of two signers, costs at most half of the verdict without it.

The gate (docs/decisions/0019) reads what was added after each signature, classifies it and draws the page before and after.
The verdict is what the pages ask for (`examine`, in its copy of a process that is loaded), no authority being asked.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import pikepdf

from app.files import confined
from app.files.confined import Confined, Pool
from app.signing.formats import geometry, pades
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan, Stamp
from app.trust.certificates import Trust
from app.verification import examine as examining
from bench.ground import ROOT
from bench.measure import Figure, Operations, goal, side_by_side
from bench.s1_signature import PASSPHRASE, _key_file

BAR, TURNS = 0.5, 2
PAGES, WEIGHT = 200, 100_000
STAMP = Stamp(("Signé électroniquement par", "Armel KERVADEC", "Maire", "le 25/11/2026"))
ACT = ROOT / "tests" / "assets" / "signing" / "deliberation.pdf"


def heavy(path: Path) -> Path:
    """The act's first page two hundred times, each with a picture of 100 kB of its own: 20 MB."""
    with pikepdf.open(ACT) as act, pikepdf.new() as pdf:
        for number in range(PAGES):
            pdf.pages.append(act.pages[0])
            seed = (number * 7919).to_bytes(4, "big")
            noise = b"".join(bytes((salt ^ byte) for byte in range(250)) for salt in seed * (WEIGHT // 1000))
            picture = pdf.make_stream(
                noise,
                Type=pikepdf.Name.XObject,
                Subtype=pikepdf.Name.Image,
                Width=250,
                Height=len(noise) // 250,
                ColorSpace=pikepdf.Name.DeviceGray,
                BitsPerComponent=8,
            )
            page = pdf.pages[-1]
            name = page.add_resource(picture, pikepdf.Name.XObject)
            page.contents_add(f"q 60 0 0 60 500 760 cm {name} Do Q".encode())
        pdf.save(path, compress_streams=False, recompress_flate=False)
    return path


def signed_twice(source: Path, room: Path) -> tuple[Path, Trust]:
    """The file signed by two signers, each with a stamp of our own."""
    key = Pkcs12Key.load(_key_file(room / "key.p12"), PASSPHRASE)
    plans = [
        FieldPlan(name, geometry.default_box(source, rank, 2)) for rank, name in enumerate(("un", "deux"))
    ]
    for plan in plans:
        target = room / f"{source.stem}-{plan.name}.pdf"
        pades.seal(
            source,
            target,
            key=key,
            field=plan.name,
            fields=plans,
            stamp=STAMP,
            now=datetime.now(UTC),
            timestamper=None,
        )
        source = target
    return source, Trust((key.chain[-1],), (), fetch=False)


def operations(path: Path, trust: Trust, room: Confined) -> Operations:
    """The verdict on a file, again and again, each in its copy of a process as for the pages."""

    def judge() -> None:
        with mock.patch.object(examining, "_room", room):
            examining.examine(path, trust, datetime.now(UTC), limits=examining.OURS)

    while True:
        yield judge


WITH = Confined("app.verification.child", Pool())
WITHOUT = Confined(
    "app.verification.child",
    Pool(
        confined._CHILD.replace(
            "from app.files.confined import wait;",
            "import app.pdf.gate as gate; gate.Gate.judge = lambda *_args, **_how: gate.Finding(); from app.files.confined import wait;",
        )
    ),
)


def _ratios(path: Path, trust: Trust) -> tuple[tuple[float, ...], str]:
    rounds = side_by_side(
        {"with": operations(path, trust, WITH), "without": operations(path, trust, WITHOUT)}, turns=TURNS
    )
    cost = tuple(max(0.0, medians["with"] / medians["without"] - 1) for medians in rounds)
    note = f"{1000 * median(medians['with'] for medians in rounds):.0f} ms beside {1000 * median(medians['without'] for medians in rounds):.0f}"
    return cost, note


def run() -> dict[str, Any]:
    """The goal's line: what the gate adds to the verdict, as a part of the verdict without it."""
    with tempfile.TemporaryDirectory() as name:
        room, figures = Path(name), []
        for label, source in (("50 kB", ACT), ("20 MB, 200 pages", heavy(room / "heavy.pdf"))):
            cost, times = _ratios(*signed_twice(source, room))
            figures.append(Figure(label, cost, BAR, note=times))
    return goal("S8", figures, "what the gate adds to the verdict on a file of two signers")


if __name__ == "__main__":
    print(run())
