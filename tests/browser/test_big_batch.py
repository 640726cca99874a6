"""What a big batch meets in one evening: a damaged file, a folder taken back, one given to others, a closed tab, a killed worker.

Forty folders, or as many as PARAPHE_BIG_BATCH says (200 for the whole claim), with the incidents at the same places.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Route, expect

from app.core.db import reading
from app.folders import decide
from app.signing.models import SignatureProof
from tests.batches.test_decisions import reassign
from tests.batches.test_signatures import damage
from tests.batches.town import items, plain
from tests.browser.person import Person
from tests.browser.serving import Serving
from tests.browser.test_batches import batch_of, give_key, to_sign
from tests.builders.house import House
from tests.builders.process import until

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
SIZE = int(os.environ.get("PARAPHE_BIG_BATCH", "40"))
PATIENCE = 60 + 3 * SIZE  # seconds, on a loaded machine


@pytest.fixture
def lease_seconds() -> float:
    """A short lease: what the killed worker held is taken again as soon as another one starts."""
    return 2.0


def at(rank: int) -> int:
    """The place in this batch of the n-th folder of two hundred, counted from zero."""
    return rank * SIZE // 200 - 1


def test_each_folder_of_a_big_batch_is_signed_once_whatever_happens_meanwhile(
    house: House, serving: Serving, person: Callable[..., Person]
) -> None:
    folders, secret = to_sign(house, SIZE), house.pki.passphrase.decode()
    damaged, taken_back, reassigned = (folders[at(rank)] for rank in (50, 90, 120))
    mayor: Person = person("a.kervadec")
    mayor.expected.append("net::ERR_")
    watch = Watch(serving, person("t.lescoat"))
    mayor.button("Signer en lot…").click()
    expect(mayor.heading(f"Signer {SIZE} dossiers")).to_be_visible()
    number = batch_of(mayor)
    damage(house, damaged)
    decide.recall(house.actor("g.trehorel"), taken_back, version=house.folder(taken_back).version)
    reassign(reassigned, "conseil")

    def sent() -> int:
        return sum(one.state in ("signed", "done") for one in items(number))

    def signed(*states: str) -> int:
        watch.look()
        return sum(one.state in states for one in items(number))

    def sees(words: str) -> None:
        expect(mayor.page.locator("main")).to_contain_text(words, timeout=PATIENCE * 1000)

    Gate(mayor, lambda: sent() >= at(110))
    give_key(mayor, house.pki.p12("a_kervadec"), secret)
    mayor.button(f"Signer {SIZE} dossiers").click()
    until(lambda: signed("signed", "done") >= at(84), PATIENCE, "83 of 200 sent")
    mayor.page.close()
    mayor.page = mayor.context.new_page()
    mayor.watch(mayor.page)
    mayor.open("/a-traiter")
    sees(f"Lot n° {number}")
    mayor.open(f"/lots/{number}")
    sees("Lot interrompu")
    told = plain(mayor.page.locator("#interrompu").inner_text())
    gate = Gate(mayor, lambda: sent() >= at(160))
    give_key(mayor, house.pki.p12("a_kervadec"), secret)
    mayor.page.get_by_role("button", name="Signer ").click()
    until(lambda: signed("done") >= at(117), PATIENCE, "117 done")
    serving.kill_worker()
    at_death = signed("done")
    assert signed("signed", "prepared", "waiting"), "the worker died with nothing left to do"
    stands_still(lambda: signed("done"))
    expect(mayor.page.locator("[data-batch-progress]")).to_contain_text(f"{signed('done')} signés")
    serving.start_worker()
    gate.open()
    expect(mayor.heading(f"{SIZE - 3} dossiers signés sur {SIZE}")).to_be_visible(timeout=PATIENCE * 1000)
    for words in (
        "3 dossiers ne sont pas signés",
        "Ce document a été altéré",
        "Gwenola Tréhorel a repris ce dossier",
        "Dossier que vous ne lisez plus",
    ):
        mayor.sees(words)
    once_each(house, folders, {damaged, taken_back, reassigned})
    sys.stdout.write(
        f"{SIZE} folders; « {told} »; {at_death} done when the worker was killed; {watch.said()}\n"
    )


def once_each(house: House, folders: list[int], refused: set[int]) -> None:
    """Every folder but these has one proof, one signed version, one line; these have none."""
    with reading() as db:
        count = sa.select(SignatureProof.folder_id, sa.func.count()).group_by(SignatureProof.folder_id)
        proofs = {row[0]: row[1] for row in db.execute(count)}
    assert proofs == dict.fromkeys(set(folders) - refused, 1)
    for one in folders:
        wanted = 0 if one in refused else 1
        assert [version.origin for version in house.versions(one)] == ["deposited", "signed"][: 1 + wanted]
        assert house.journal(one).count("folder.sign") == wanted


def stands_still(count: Callable[[], int]) -> None:
    """Nothing moves any more: no worker is alive."""
    before = count()
    time.sleep(1)
    assert count() == before


class Gate:
    """Holds back what the page asks for next from this moment on: however fast the machine, the batch is not over."""

    def __init__(self, person: Person, closed: Callable[[], bool]) -> None:
        self._closed, self._opened = closed, False
        self._waiting: list[Route] = []
        person.page.route("**/preparer", self._pass)

    def _pass(self, route: Route) -> None:
        if self._opened or not self._closed():
            route.continue_()
        else:
            self._waiting.append(route)

    def open(self) -> None:
        """Let through what waits, and all that follows."""
        self._opened = True
        for route in self._waiting:
            route.continue_()


class Watch:
    """Memory of the processes, and how long another person's list takes meanwhile: told, not judged (bench/ judges)."""

    def __init__(self, serving: Serving, other: Person) -> None:
        self.serving, self.other, self.times = serving, other, []
        self.peak: dict[str, int] = {}
        self.before = [self._ask() for _ in range(10)]

    def _ask(self) -> float:
        begun = time.monotonic()
        # A connection that was closed at the other end is opened again, as every browser does
        assert self.other.context.request.get(f"{self.other.url}/a-traiter", max_retries=3).ok
        return time.monotonic() - begun

    def look(self) -> None:
        self.times.append(self._ask())
        for name, pid in self.serving.pids().items():
            for one in (pid, *children(pid)):
                status = Path(f"/proc/{one}/status")
                found = status.read_text() if status.exists() else ""
                rss = next(
                    (int(line.split()[1]) for line in found.splitlines() if line.startswith("VmRSS")), 0
                )
                self.peak[name] = max(self.peak.get(name, 0), rss // 1024)

    def said(self) -> str:
        idle, busy = sorted(self.before), sorted(self.times)
        p95 = busy[int(len(busy) * 0.95)]
        return (
            f"other list: median {idle[5] * 1000:.0f} ms idle, {busy[len(busy) // 2] * 1000:.0f} ms meanwhile, "
            f"p95 {p95 * 1000:.0f} ms; peak RSS in MB {self.peak}"
        )


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in path.read_text().split()] if path.exists() else []
