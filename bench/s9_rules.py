"""S9: an e-invoice is read at its deposit, and the published rules are run beside it, in a process of their own.

Reading is what a deposit waits for; the rules are run by the worker, in a copy of the process that waits. They are held against
a new Python for each invoice, which is the other way to keep Saxon out of the worker, and against the length of the invoice.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from app.invoices.reading import read_invoice
from app.invoices.rules import checking
from bench.ground import ROOT
from bench.measure import Figure, Operations, goal, side_by_side

ANEW, LONGER, MEGABYTES = 0.8, 4.0, 400.0
TURNS, LINES = 2, 100
SAMPLES = ROOT / "tests" / "assets" / "invoices"
UBL = SAMPLES / "ubl-en16931-fr.xml"
_NEW = """
import sys
from app.invoices.rules.reader import answer
print(answer({"path": sys.argv[1], "megabytes": 1024})["broken"])
"""
_FIRST, _LAST = "<cac:InvoiceLine>", "</cac:InvoiceLine>"


def french(room: Path, lines: int) -> Path:
    """An invoice of the norm that the French rules are asked of too, with so many times the lines of the sample."""
    text = (
        UBL.read_text(encoding="utf-8")
        .replace("2026-06-17", "2026-10-17")
        .replace("2026-07-16", "2026-11-16")
    )
    start, end = text.index(_FIRST), text.rindex(_LAST) + len(_LAST)
    path = room / f"facture-{lines}.xml"
    path.write_text(text[:start] + text[start:end] * lines + text[end:], encoding="utf-8")
    return path


def _again(action: Callable[[], object]) -> Operations:
    while True:
        yield action


def judged(path: Path) -> None:
    """The rules of one invoice, run; not one that could not be."""
    outcome = checking.judge(path)
    if outcome["state"] != checking.CHECKED or outcome["sheets"] != ["EN 16931", "BR-FR"]:
        raise RuntimeError(str(outcome))


def anew(path: Path) -> None:
    """The same by a Python that starts for it."""
    subprocess.run([sys.executable, "-c", _NEW, str(path)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def run() -> dict[str, Any]:
    """The goal's line: the rules against a new process and against the length, their memory, and against the reading."""
    with tempfile.TemporaryDirectory() as name:
        short, long = french(Path(name), 1), french(Path(name), LINES)
        judged(short)  # the process that waits is there
        rounds = side_by_side(
            {
                "read": _again(lambda: read_invoice(short, "application/xml")),
                "rules": _again(lambda: judged(short)),
                "anew": _again(lambda: anew(short)),
                "long": _again(lambda: judged(long)),
            },
            turns=TURNS,
        )
        question = {"path": str(short), "megabytes": checking.MEGABYTES}
        memory = checking._room.ask(question, checking.LIMITS).megabytes
    read, rules = (median(times[key] for times in rounds) for key in ("read", "rules"))
    figures = [
        Figure(
            "against a new Python for each",
            tuple(times["rules"] / times["anew"] for times in rounds),
            ANEW,
            note=f"{rules * 1000:.0f} ms; the reading that a deposit waits for {read * 1000:.1f} ms",
        ),
        Figure(f"{LINES} times the lines", tuple(times["long"] / times["rules"] for times in rounds), LONGER),
        Figure("MB of the copy that runs them", (memory,), MEGABYTES),
    ]
    return goal(
        "S9", figures, "rules of EN 16931 and of France on one UBL invoice, in a process of their own"
    )


if __name__ == "__main__":
    print(run())
