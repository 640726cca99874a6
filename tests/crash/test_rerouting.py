"""The change of a folder's coming steps killed in the middle: all of it is there, or nothing is."""

import json

import pytest
import sqlalchemy as sa

from app.circuits.library import circuit_of
from app.circuits.models import CircuitVersion
from app.core.db import reading
from app.core.outbox import Outbox
from app.folders.models import CircuitChange
from app.people import desks
from tests.crash.walk import Forge
from workflows.vocabulary import Right

pytestmark = pytest.mark.crash
WHO = "r.pellenec"
POINTS = (
    # the function, after it, whether the change then stands
    ("app.folders.rerouting:of_folder", False, False),
    ("app.folders.rerouting:touch", True, False),
    ("app.folders.rerouting:append", True, False),
    ("app.folders.rerouting:post", True, False),
    ("app.folders.rerouting:reroute", True, True),
)


def test_killed_at_each_point_a_change_of_steps_is_whole_or_absent(forge: Forge) -> None:
    house = forge.house
    here = house.actor(WHO).collectivity_id
    desks.seat(here, "comptabilite", WHO, [Right.ACT, Right.REROUTE])
    folder_id = house.an_invoice(at="finance")
    house.drain()
    for point, after, stands in POINTS:
        before = house.folder(folder_id)
        change = json.dumps({"kind": "add", "after": "finance", "desk": "direction", "label": "Avis"})
        typed = {"do": "apply", "change": change, "reason": "Tonnage à vérifier."}
        killed = forge.play(
            "decide",
            folder_id,
            "etapes",
            before.version,
            typed,
            login=WHO,
            kill={"point": point, "nth": 1, "after": after},
        )
        assert killed["died"], point
        folder = house.folder(folder_id)
        with reading(here) as db:
            own = db.scalars(sa.select(CircuitVersion.id).where(CircuitVersion.number < 0)).all()
            changes = db.scalars(sa.select(CircuitChange.after_id)).all()
            letters = db.scalars(sa.select(Outbox.key).where(Outbox.key.like("steps_changed-%"))).all()
            labels = [one.label for one in circuit_of(db, folder.circuit_version_id or 0).steps]
        told = house.journal(folder_id).count("folder.rerouted")
        assert (len(own), len(changes), len(letters), told) == ((1,) * 4 if stands else (0,) * 4), point
        assert ("Avis" in labels) is stands, point
        assert folder.version == before.version + stands, point
    house.approve(folder_id, "n.abgrallec")
    house.approve(folder_id, "s.rivoal")
    house.sign(folder_id, "a.kervadec")
    house.drain()
    assert house.folder(folder_id).place == "done"
