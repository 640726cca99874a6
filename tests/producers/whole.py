"""Every file of every producer that is installed, and the real ones, from deposit to verdict: `python -m tests.producers`.

Not collected with the suite, which takes a few of them (`test_producers.py`).
"""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.trust.certificates import Trust

from .made import PRODUCERS, made_by
from .way import CLICK, Row, travel

REAL = Path(__file__).resolve().parents[1] / "assets" / "pdf"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_that_passed_deposit_fails_at_the_click(house, pki, tmp_path, capsys):
    home = Path(os.environ.get("PRODUCERS_ROOM", tmp_path / "made"))
    root = pki.root_pem.read_bytes()
    trust = Trust((root,), (root,), fetch=True, allowed_hosts=(pki.host,), timeout=20)

    def told(words: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{words}\n")
            sys.stdout.flush()

    files = [("fichiers réels (tests/assets/pdf)", one) for one in sorted(REAL.glob("*.pdf"))]
    for producer in PRODUCERS:
        if not producer.here:
            told(f"absent : {producer.name} ({', '.join(producer.needs)})")
            continue
        files += made_by((producer,), home)
    rows = []
    for producer, path in files:
        row = travel(house, trust, producer, path, tmp_path)
        rows.append(row)
        if row.stopped or not row.valid or row.sound < 1:
            told(str(row))
    told(table(rows))
    assert not [row for row in rows if CLICK in row.stopped]
    assert all(row.valid and row.sound for row in rows if not row.stopped)


def table(rows: Sequence[Row]) -> str:
    """A line for each producer, and their sum."""
    lines = [
        "| producteur | fichiers | déposés tels quels | copie proposée | refusés au dépôt | signés | valides ici | valides pour pdfsig | arrêtés à la signature |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    names = list(dict.fromkeys(row.producer for row in rows))
    for name in [*names, ""]:
        own = [row for row in rows if not name or row.producer == name]
        refused = Counter(
            row.stopped.partition(" : ")[2] for row in own if row.stopped and CLICK not in row.stopped
        )
        told = ", ".join(f"{count} {key}" for key, count in refused.items()) or "0"
        signed = [row for row in own if not row.stopped]
        kept = sum(not row.offered for row in own) - sum(refused.values())
        figures = (
            len(own),
            kept,
            sum(row.offered for row in own),
            told,
            len(signed),
            sum(row.valid for row in signed),
            sum(row.sound > 0 for row in signed),
            sum(CLICK in row.stopped for row in own),
        )
        lines.append(f"| {name or '**tous**'} | " + " | ".join(map(str, figures)) + " |")
    return "\n".join(lines)
