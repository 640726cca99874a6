"""Killed between any two steps, what comes by itself is neither lost nor opened twice."""

import pytest
import sqlalchemy as sa

from app.arrivals import routing
from app.arrivals.models import Arrival
from app.arrivals.routing import Destination, Routing
from app.core.db import reading
from app.folders.models import Folder, StepRun
from tests.builders.house import INVOICE
from tests.crash.sound import bytes_are_there, chain_holds
from tests.crash.walk import Forge

pytestmark = pytest.mark.crash

RECEIVING = (
    # where it dies, the function, after it
    ("nothing kept", "app.files.store:Store._put", False),
    ("bytes kept, no row", "app.files.store:Store._put", True),
    ("rows written, before the commit", "app.arrivals.receiving:append", True),
    ("committed, the other side not told", "app.arrivals.receiving:write", True),
)
OPENING = (
    ("work taken", "app.core.outbox:take", True),
    ("files examined, no folder", "app.folders.deposit:create", False),
    ("folder written, before the commit", "app.arrivals.opening:append", True),
    ("folder committed, not sent", "app.folders.deposit:create", True),
    ("about to be sent", "app.folders.sending:submit", False),
    ("sent, not noted", "app.folders.sending:submit", True),
    ("noted, before the work is settled", "app.arrivals.opening:sent", True),
    ("work not settled", "app.core.outbox:settle", False),
)


def test_killed_at_each_step_an_arrival_is_one_folder_sent_once(forge: Forge) -> None:
    house = forge.house
    here = house.actor("k.morizur").collectivity_id
    to = Destination("technique", "", service="technique", send=True)
    routing.choose(house.actor("k.morizur"), Routing((), to))
    count = 0
    for name, point, after in RECEIVING:
        count += 1
        given = (here, str(count), str(INVOICE))
        assert forge.play("arrive", *given, kill={"point": point, "after": after})["died"], name
        forge.play("arrive", *given)  # whoever fetches finds it again over there
        _finished(forge, count, name)
    for name, point, after in OPENING:
        count += 1
        forge.play("arrive", here, str(count), str(INVOICE))
        assert forge.play("work", kill={"point": point, "after": after})["died"], name
        _finished(forge, count, name)
    chain_holds(house)
    bytes_are_there(house)


def _finished(forge: Forge, count: int, name: str) -> None:
    house = forge.house
    house.wait_for_leases()
    house.drain()
    with reading() as db:
        opened = list(db.execute(sa.select(Arrival.state, Arrival.folder_id, Arrival.to_send)))
        folders = db.scalar(sa.select(sa.func.count(Folder.id)))
        sent = db.scalar(sa.select(sa.func.count(StepRun.folder_id.distinct())))
        begun = db.scalar(sa.select(sa.func.count(StepRun.id)).where(StepRun.state == "active"))
    assert {(one.state, one.to_send) for one in opened} == {("opened", False)}, name
    assert len({one.folder_id for one in opened}) == folders == sent == begun == count, name
