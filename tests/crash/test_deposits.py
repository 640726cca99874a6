"""Many acts and flows sent through S2LOW, the worker killed and the network cut between any two steps: each arrives once.

Eight deposits in the ordinary run, PARAPHE_DEPOSITS of them when it is set.
"""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.db import reading
from app.core.outbox import Outbox
from app.transmission.models import Receipt, Transmission
from tests.builders import s2low
from tests.builders.flows import renamed
from tests.builders.house import House
from tests.builders.s2low import Face, a_face
from tests.crash.sound import bytes_are_there, chain_holds
from tests.crash.walk import SEED, Forge, Kill

pytestmark = pytest.mark.crash

EACH = int(os.environ.get("PARAPHE_DEPOSITS", "8")) // 4
"""Deposits of each kind on each database."""

FATES = ("cut", "lost", "broken", "outage", "login")
ENDS = {"deliberation": "publication", "pes": "done"}


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Face]:
    with a_face(tmp_path_factory.mktemp("s2low")) as made:
        yield made


@pytest.fixture
def face(tls: Face, tmp_path: Path) -> Face:
    tls.world(tmp_path / "world")
    return tls


@pytest.fixture
def town(house: House, face: Face) -> House:
    """The house before S2LOW, with a short lease and many tries."""
    return s2low.town(house, face, lease_seconds=0.4, attempts_limit=60, backoff_seconds=0.01)


def about_to_leave(town: House, family: str, rank: int, room: Path) -> int:
    """A folder whose last signature is given; its letters are gone, its sending waits."""
    if family == "deliberation":
        folder_id = town.a_deliberation(at="prefecture", number=f"2026-{rank:04d}")
    else:
        folder_id = town.a_flow(renamed(room, rank))
        town.sign(folder_id, "a.kervadec")
    with reading() as db:
        letters = sa.select(Outbox.id).where(Outbox.state == "pending", Outbox.kind != "step.transmit")
        waiting = list(db.scalars(letters))
    for one in waiting:
        outbox.run(one)
    return folder_id


def held(face: Face, family: str) -> list[str]:
    """The numbers or names that the other side consumed."""
    actes, helios = face.operator.actes.folder, face.operator.helios.folder
    found = actes.glob("numbers/*/*.json") if family == "deliberation" else helios.glob("names/*/*.json")
    return sorted(one.stem for one in found)


def answers(face: Face) -> set[bytes]:
    """Every message that the other side ever gave."""
    actes, helios = face.operator.actes.folder, face.operator.helios.folder
    return {one.read_bytes() for one in (*actes.glob("answers/*/*-1-2_*.xml"), *helios.glob("answers/*.xml"))}


def test_each_deposit_arrives_once_whatever_dies_or_is_cut(town: House, face: Face, tmp_path: Path) -> None:
    seed = f"{SEED}-deposits-{town.settings.database_url.split(':')[0]}"
    sys.stdout.write(f"PARAPHE_CRASH_SEED={SEED} ({seed})\n")
    chance, forge = random.Random(seed), Forge(town)
    try:
        deaths, cuts = _all(chance, forge, face, tmp_path)
    finally:
        forge.close()
    sys.stdout.write(f"{2 * EACH} deposits, {deaths} deaths, {cuts} cuts\n")
    assert deaths >= EACH
    assert cuts >= EACH // 2
    chain_holds(town)
    bytes_are_there(town)


def _all(chance: random.Random, forge: Forge, face: Face, room: Path) -> tuple[int, int]:
    town, deaths, cuts = forge.house, 0, 0
    boundaries = {family: _learn(forge, family, room) for family in ENDS}
    for rank in range(1, EACH + 1):
        for family in ENDS:
            folder_id = about_to_leave(town, family, rank, room)
            for _ in range(2):
                fates = [chance.choice(FATES) for _ in range(chance.randint(0, 2))]
                at = chance.choice(("actes_transac_create.php", "helios_importer_fichier.php", "*"))
                face.operator.scenario.next = {at: list(fates)}
                kill: Kill = {"boundary": chance.randint(1, boundaries[family])}
                deaths += forge.play("work", kill=kill)["died"]
                cuts += len(fates) - len(face.operator.scenario.next[at])
                once(town, face, family, folder_id)
            face.operator.scenario.next = {}
            if town.pending():
                forge.play("work")
            arrived(town, face, family, folder_id)
    for family in ENDS:
        assert len(held(face, family)) == EACH + 1
    return deaths, cuts


def _learn(forge: Forge, family: str, room: Path) -> int:
    """One deposit without any death: how many boundaries it has."""
    folder_id = about_to_leave(forge.house, family, 0, room)
    passed = int(forge.play("work")["passed"])
    assert forge.house.folder(folder_id).place == ENDS[family]
    return passed


def once(town: House, face: Face, family: str, folder_id: int) -> None:
    """One record over there at the most, and what we hold for sent is there."""
    folder = town.folder(folder_id)
    name = folder.number.replace("-", "_") if family == "deliberation" else str(folder.fields["file_name"])
    there = held(face, family).count(name)
    with reading() as db:
        rows = list(db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)))
    assert len(rows) <= 1
    assert len([one for one in rows if one.reference]) <= there <= 1
    assert town.journal(folder_id).count("transmission.sent") <= 1


def arrived(town: House, face: Face, family: str, folder_id: int) -> None:
    """The folder is where its receipt leads, with that receipt byte for byte, once."""
    once(town, face, family, folder_id)
    folder = town.folder(folder_id)
    assert folder.place == ENDS[family], (folder.place, folder.phase)
    with reading() as db:
        (row,) = db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id))
        assert db.scalar(sa.select(sa.func.count(Receipt.id)).where(Receipt.transmission_id == row.id)) == 1
    assert row.state == "acknowledged"
    (kept,) = town.versions(folder_id, "receipt")
    assert town.bytes_of(kept) in answers(face)
    assert town.journal(folder_id).count("folder.acknowledge") == 1
