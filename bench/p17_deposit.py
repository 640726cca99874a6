"""P17: a deposit costs at most 100 ms of processor beyond hashing its file.

By the page, on each database (`P17_KINDS`: of one alone): what the web process, its backends, the process that waits and its
copies compute, their birth and their end included, from the file that is sent to the draft that opens. Each deposit has bytes
of its own: nothing is known from the one before. Processor time and no clock, so that what others do beside disturbs it less.

To have its words read and written is measured beside, of the deposit without that: at most a tenth. It is what the deposit
itself does of it (its copy reads the text, the web process makes its forms and writes them), and the rows that it leaves to
the worker, which are done at once.
"""

import hashlib
import io
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
from fpdf import FPDF
from PIL import Image

from app.core import outbox
from app.files.confined import Confined, _shared
from app.folders import keep, words
from bench.ground import KINDS, ROOT, ground
from bench.measure import Figure, Processor, goal, steady
from bench.rest import TICK
from bench.s6_flow import opened
from tests.builders.house import INVOICE

WRITING = ((keep, "worded"), (words, "_settle"))
"""What the web process does of the words of a deposit, by the modules that call it."""
BAR, WORDS_BAR, ROUNDS, TURNS = 100.0, 0.1, 3, 5
WORDS = (
    "commune",
    "séance",
    "conseil",
    "voirie",
    "école",
    "budget",
    "marché",
    "travaux",
    "avis",
    "crédit",
    "digue",
)
WORDS_OF = "words, of the deposit of"
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def letter(number: int) -> bytes:
    """One page of text as an office writes it, with its font and a coat of arms: about 50 kB."""
    return _written(number, 1, 150)


def report(number: int) -> bytes:
    """Forty pages of text, a picture on each: about 2 MB."""
    return _written(number, 40, 128)


def invoice(number: int) -> bytes:
    """A Factur-X of 73 kB, with bytes of its own."""
    changed = io.BytesIO()
    with pikepdf.open(INVOICE) as pdf:
        pdf.docinfo["/Subject"] = f"banc {number}"
        pdf.save(changed)
    return changed.getvalue()


def _written(number: int, pages: int, side: int) -> bytes:
    draw, pdf = random.Random(number), FPDF()
    pdf.set_font("Helvetica", size=11)
    if FONT.is_file():
        pdf.add_font("body", fname=FONT)
        pdf.set_font("body", size=11)
    for page in range(pages):
        pdf.add_page()
        picture = Image.frombytes("RGB", (side, side), draw.randbytes(3 * side * side))
        pdf.image(picture, x=150, y=10, w=30)
        pdf.set_y(45)
        body = " ".join(draw.choice(WORDS) for _ in range(330))
        pdf.multi_cell(0, 6, f"Rapport {number}, feuille {page + 1}\n{body}")
    return bytes(pdf.output())


FILES: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "a page": ("other", letter),
    "a Factur-X": ("invoice", invoice),
    "40 pages": ("other", report),
}


def _computed(clock: Processor) -> float:
    """Seconds that this process, its backends, the process that waits and all its buried copies have computed."""
    (waits,) = _shared.idle
    own = sum(
        int(task.read_text().split()[0]) for task in Path(f"/proc/{waits.pid}/task").glob("*/schedstat")
    )
    fields = Path(f"/proc/{waits.pid}/stat").read_text().rpartition(")")[2].split()
    return clock() + own / 1e9 + (int(fields[13]) + int(fields[14])) / TICK


def _read_words() -> None:
    """Do what the deposits have left to the worker about their words."""
    while row := outbox.take_of(words.READ):
        outbox.do(row)


class _Parts:
    """What each part of a deposit computes: the questions to copies by their module and command, the writing of words by function."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.clock = Processor()
        ask = Confined.ask

        def noted(room: Confined, *rest: Any) -> Any:
            answer = ask(room, *rest)
            part = f"{room._module.rpartition('.')[2]} {rest[0].get('command', [''])[0]}".strip()
            self.spent[part] += answer.cpu_seconds
            return answer

        Confined.ask = noted  # type: ignore[method-assign, assignment]
        for place, name in WRITING:
            setattr(place, name, self._counted(name, getattr(place, name)))

    def _counted(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*rest: Any) -> Any:
            began = self.clock()
            outcome = work(*rest)
            self.spent[name] += self.clock() - began
            return outcome

        return timed

    def words(self) -> float:
        """Seconds of what the deposits did themselves of their words."""
        return self.spent["words"] + sum(self.spent[name] for _, name in WRITING)

    def copies(self) -> float:
        """Seconds of what copies answered."""
        return sum(
            seconds for part, seconds in self.spent.items() if part not in {name for _, name in WRITING}
        )


def measure(room: Path, kind: str) -> None:
    """In a process of its own: print, for each file and each round, the milliseconds of a deposit, and where they go."""
    url = ground().cluster.create("deposits") if kind == "postgresql" else f"sqlite:///{room / 'flow.db'}"
    client = opened(room, "g.trehorel", url)
    page = client.get("/deposer").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    parts, numbers = _Parts(), iter(range(10_000))

    def deposit(family: str, data: bytes) -> None:
        form = {"csrf_token": token[1] if token else "", "family": family}
        sent = {**form, "files": (io.BytesIO(data), f"banc-{next(numbers)}.pdf")}
        answer = client.post("/deposer", data=sent, content_type="multipart/form-data")
        if answer.status_code != 302:
            raise RuntimeError(f"{family}: {answer.status}")

    for name, (family, make) in FILES.items():
        for turn in range(3):
            deposit(family, make(9_000 + turn))
        _read_words()
        parts.clock = clock = Processor(url)
        for number in range(ROUNDS):
            files = [make(100 * number + turn) for turn in range(TURNS)]
            began = time.process_time()
            for data in files:
                hashlib.sha256(data).digest()
            hashing = time.process_time() - began
            parts.spent.clear()
            before, began = _computed(clock), clock()
            for data in files:
                deposit(family, data)
            web = clock() - began
            whole, own = _computed(clock) - before - hashing, parts.words()
            ends = whole + hashing - web - parts.copies()
            spent = {**parts.spent, "web": web, "births and ends of copies": ends}
            spending = ", ".join(f"{part} {1000 * spent[part] / TURNS:.1f}" for part in sorted(spent))
            heading = f"{kind}, {name} of {len(files[0]) / 1000:.0f} kB"
            print(heading, 1000 * whole / TURNS, spending, sep="\t")
            before = _computed(clock)
            _read_words()
            later = _computed(clock) - before
            spending = f"ms {1000 * own / TURNS:.1f} of the deposit, {1000 * later / TURNS:.1f} of the worker"
            print(f"{WORDS_OF} {heading}", (own + later) / (whole - own), spending, sep="\t")


def _lines() -> list[str]:
    lines = []
    for kind in os.environ.get("P17_KINDS", " ".join(KINDS)).split():
        with tempfile.TemporaryDirectory() as name:
            call = f"measure(Path({name!r}), {kind!r})"
            program = f"from pathlib import Path; from bench.p17_deposit import measure; {call}"
            command = [sys.executable, "-c", program]
            done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
            lines += done.stdout.splitlines()
    return lines


def _figures() -> list[Figure]:
    taken, notes = defaultdict[str, list[float]](list), dict[str, str]()
    for name, whole, spending in (line.split("\t") for line in _lines()):
        taken[name].append(float(whole))
        notes[name] = spending
    return [
        Figure(
            name if name.startswith(WORDS_OF) else f"ms, {name}",
            tuple(every),
            WORDS_BAR if name.startswith(WORDS_OF) else BAR,
            note=f"the last round: {notes[name]}",
        )
        for name, every in taken.items()
    ]


def run() -> dict[str, Any]:
    """The goal's line: milliseconds of processor of a deposit, beyond hashing."""
    return goal("P17", steady(_figures), "processor of a deposit beyond hashing, web and copies")


if __name__ == "__main__":
    print(run())
