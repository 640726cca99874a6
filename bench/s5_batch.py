"""S5: fifty documents signed in one click, stamped and timestamped (B-T): near what the authority itself takes for fifty tokens.

Counted from the first preparation to the last result written: prepare, sign with the person's key, keep, embed, check, move,
journal, each in its own transaction. Page, worker and authority are three processes, as in an installation, and the worker
has the helpers that it has there (`PARAPHE_BATCH_PROCESSES`, by default the cores beyond two). Then with an authority
farther away (`S5_FAR`, 0.1 s unless said): over that authority's own time for as many tokens, and over three such waits
and the processor time of page and worker.
"""

import gc
import hashlib
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app import create_app
from app.batches import gesture, signatures
from app.batches.models import BatchItem
from app.core import outbox, schema
from app.core.db import reading
from app.people.actor import Actor
from app.people.login import open_session, person
from app.signing.enrol import enrol
from app.signing.keys.browser import BrowserKey
from app.trust.certificates import facts
from app.trust.timestamp import TimestampClient
from bench.measure import Figure, goal
from bench.s5_ground import Worker, authority, far_away, profiled, settings_of
from demo import pki as test_pki
from demo.cast import PASSWORD
from demo.seed import people
from tests.builders.house import House

COUNT, ROUNDS = 50, 3
LATENCY, WAITS = float(os.environ.get("S5_FAR", "0.1")), 3
OWN_TIME, FAR_TIME = 1.6, 1.0
PARTS = {
    "asked of all": "app/signing/sign.py:look_ahead",
    "asked of each": "app/signing/context.py:context_for",
    "asked again": "app/signing/sign.py:terms_of",
    "prepare": "app/signing/sign.py:_made",
    "  places": "app/signing/context.py:fields_of",
    "  revision, stamp": "app/signing/formats/pades.py:prepare",
    "embed": "app/batches/signatures.py:_carry",
    "  proof, token": "app/signing/formats/pades.py:complete",
    "  read again": "app/signing/formats/pades.py:check",
    "  record": "app/signing/record.py:record",
    "certificate": "app/trust/certificates.py:check_certificate",
    "store": "app/files/store.py:fetch",
    "statements": "sqlalchemy/engine/base.py:_execute_context",
}
"""Where the time goes: a name, and the function whose share is shown (the indented ones are parts of the one above)."""
_numbers = itertools.count()


class Evening:
    """The mayor, with folders that wait and a key."""

    def __init__(self, home: Path, pki: test_pki.TestPki) -> None:
        settings = settings_of(home, pki, pki.tsa_url)
        self.house = House(create_app(settings), settings, pki, None)  # type: ignore[arg-type]
        schema.upgrade()
        people()
        self.key = self.house.key("a_kervadec")
        self.public = BrowserKey(self.key.certificate, tuple(self.key.chain))
        mayor = self.house.actor("a.kervadec")
        enrol(mayor, mayor.user_id or 0, facts(self.key.certificate), self.key.certificate)
        token = open_session("a.kervadec", PASSWORD, hours=12, address="", client="bench")
        with reading() as db:
            actor = person(db, token, "")
        assert actor is not None
        self.mayor: Actor = actor

    def batch(self, count: int) -> int:
        """Folders that wait for the mayor, gathered in a batch."""
        folders = [self.house.a_quick_invoice() for _ in range(count)]
        for folder_id in folders:
            self.house.approve(folder_id, "n.abgrallec")
        shown = {folder_id: self.house.folder(folder_id).version for folder_id in folders}
        return gesture.propose(self.mayor, "sign", shown)

    def sign(self, number: int, give: Callable[[int], None]) -> None:
        """Sign it as the page does, and give its rows to a worker."""
        holder, handled = gesture.take_up(self.mayor, number), set[int]()
        while offers := signatures.prepare_next(self.mayor, number, holder, self.public):
            answers = [
                signatures.Answer(
                    offer.item_id, offer.session, [self.key.sign(part.attributes) for part in offer.prepared]
                )
                for offer in offers
            ]
            signatures.receive(self.mayor, number, answers)
            for row in set(_rows()) - handled:
                handled.add(row)
                give(row)

    def timed(self, worker: Worker, count: int = COUNT) -> tuple[float, float]:
        """Seconds from the click to the last result of a batch, and the processor seconds that page and worker used."""
        number, before = self.batch(count), worker.used
        gc.collect()
        begun, own = time.perf_counter(), time.process_time()
        self.sign(number, worker.give)
        worker.finish()
        # What a helper took is done when its items are: the worker's own word covers its own rows alone
        while not set(states := _states(number)) <= {"done", "refused"}:
            time.sleep(0.005)
        taken, used = time.perf_counter() - begun, time.process_time() - own + worker.used - before
        assert set(states) == {"done"}, states
        return taken, used


def _states(number: int) -> list[str]:
    with reading() as db:
        return list(db.scalars(sa.select(BatchItem.state).where(BatchItem.batch_id == number)))


def _rows() -> list[int]:
    with reading() as db:
        query = sa.select(outbox.Outbox.id).where(
            outbox.Outbox.kind == gesture.SIGN, outbox.Outbox.state == "pending"
        )
        return list(db.scalars(query))


def _tokens(url: str) -> float:
    """Seconds that the authority takes for as many tokens, asked one after the other."""
    client, begun = TimestampClient(url, timeout=30), time.perf_counter()
    for _ in range(COUNT):
        client.token(hashlib.sha256(str(next(_numbers)).encode()).digest(), "sha256")
    return time.perf_counter() - begun


@contextmanager
def _workers(home: Path, pki: test_pki.TestPki) -> Iterator[tuple[Worker, Worker]]:
    """One beside the authority, one far from it."""
    with far_away(pki.tsa_url, LATENCY) as far:
        both = Worker(home, pki, pki.tsa_url), Worker(home, pki, far)
        try:
            yield both
        finally:
            for side in both:
                side.stop()


def run() -> dict[str, Any]:
    """The goal's line: our time over the authority's own, and over the waits for a far one and our processor time."""
    with tempfile.TemporaryDirectory() as name, authority(Path(name) / "pki") as pki:
        evening = Evening(Path(name), pki)
        with _workers(Path(name), pki) as (near, far):
            for side in (near, far):
                evening.timed(side, 4)
            gc.freeze()
            rounds = [
                (_tokens(pki.tsa_url), *evening.timed(near), *evening.timed(far), _tokens(far.tsa))
                for _ in range(ROUNDS)
            ]
            gc.unfreeze()
        figures = [
            Figure(
                "batch / the authority’s own time", tuple(times[1] / times[0] for times in rounds), OWN_TIME
            ),
            Figure(
                f"{LATENCY * 1000:.0f} ms farther / that authority’s own time",
                tuple(times[3] / times[5] for times in rounds),
                OWN_TIME,
            ),
            Figure(
                f"{LATENCY * 1000:.0f} ms farther / {WAITS} latencies and our processor time",
                tuple(times[3] / (WAITS * LATENCY + times[4]) for times in rounds),
                FAR_TIME,
            ),
        ]
        own, near_time, used, far_time, _, _ = (
            sorted(column)[ROUNDS // 2] for column in zip(*rounds, strict=True)
        )
        how = (
            f"{COUNT} invoices, visible stamp, B-T, SQLite, page, worker and authority on {os.cpu_count()} cores, "
            f"tokens alone {own:.2f} s, batch {near_time:.2f} s, far {far_time:.2f} s, "
            f"our processor time {used:.2f} s"
        )
        line = goal("S5", figures, how)
        return line if line["holds"] else {**line, "why": _why(evening)}


def _why(evening: Evening) -> list[str]:
    """Where the processor time of a batch goes, page and worker in one process: the profile of a goal that is missed."""
    number = evening.batch(COUNT)
    stats = profiled(lambda: evening.sign(number, outbox.run))
    total = stats.total_tt
    shares = [
        "share of the processor time of a batch (cProfile, which makes small functions dearer than they are)"
    ]
    for label, function in PARTS.items():
        path, _, called = function.partition(":")
        spent = sum(
            entry[3] for key, entry in stats.stats.items() if key[2] == called and key[0].endswith(path)
        )
        shares.append(f"{label:18} {spent / total:4.0%}")
    return shares


if __name__ == "__main__":
    print(run())
