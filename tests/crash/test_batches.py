"""The worker killed while it carries a batch: each folder is decided or signed once, and the batch still ends."""

import pytest

from tests.batches.test_signatures import Page, signed_once, to_sign
from tests.batches.town import Hand, items
from tests.crash.sound import bytes_are_there, chain_holds
from tests.crash.walk import Forge

pytestmark = pytest.mark.crash

VISA = (
    ("decided, nothing written", "app.folders.move:append", 1, False),
    ("moved, before the commit", "app.folders.move:append", 2, True),
    ("committed, before the next", "app.batches.carry:decide", 2, True),
    ("all decided, the batch not ended", "app.batches.carry:finish", 1, False),
    ("ended, before the row is settled", "app.batches.carry:finish", 1, True),
)
HAND = (
    ("handed, nothing written", "app.folders.handing:append", 1, False),
    ("handed, before the commit", "app.folders.handing:append", 2, True),
    ("committed, before the next", "app.batches.carry:decide", 2, True),
    ("ended, before the row is settled", "app.batches.carry:finish", 1, True),
)
SIGN = (
    ("claimed, nothing embedded", "app.signing.deferred:take", 1, True),
    ("one embedded, not read back", "app.signing.formats.pades:complete", 1, True),
    ("kept, before the transaction", "app.signing.sign:record", 1, False),
    ("moved, before the commit", "app.signing.record:move", 1, True),
    ("signed and noted, before the commit", "app.batches.signatures:_note_done", 2, True),
    ("committed, before the others", "app.signing.sign:record", 2, True),
    ("noted, the batch not ended", "app.batches.signatures:finish", 1, False),
)


def test_killed_at_each_point_each_folder_is_visaed_once(forge: Forge) -> None:
    house = forge.house
    finances = Hand(house, "n.abgrallec")
    for name, point, nth, after in VISA:
        folders = [house.a_quick_invoice() for _ in range(3)]
        house.drain()
        number = finances.propose("approve", folders)
        finances.post(f"/lots/{number}/commencer")
        killed(forge, name, point, nth, after=after)
        assert [one.state for one in items(number)] == ["done"] * 3, name
        for one in folders:
            assert house.journal(one).count("folder.approve") == 2, name
            assert house.folder(one).place == "bon_a_payer", name
        assert "3 dossiers visés sur 3" in finances.page(number), name


def test_killed_at_each_point_each_folder_is_handed_once(forge: Forge) -> None:
    house = forge.house
    finances = Hand(house, "n.abgrallec")
    for name, point, nth, after in HAND:
        folders = [house.a_quick_invoice() for _ in range(3)]
        house.drain()
        number = finances.propose("hand", folders)
        finances.post(f"/lots/{number}/bureau", {"desk": "direction"})
        finances.post(f"/lots/{number}/commencer", {"reason": "Suivi par la direction.", "desk": "direction"})
        killed(forge, name, point, nth, after=after)
        assert [one.state for one in items(number)] == ["done"] * 3, name
        assert [house.journal(one).count("folder.handed") for one in folders] == [1] * 3, name
        assert "3 dossiers confiés sur 3" in finances.page(number), name


def test_killed_at_each_point_each_folder_is_signed_once(forge: Forge) -> None:
    house = forge.house
    mayor = Hand(house, "a.kervadec")
    for name, point, nth, after in SIGN:
        folders = to_sign(house, 3)
        house.drain()
        number = mayor.propose("sign", folders)
        Page(mayor, number).begin().go()
        killed(forge, name, point, nth, after=after)
        assert [one.state for one in items(number)] == ["done"] * 3, name
        for one in folders:
            signed_once(house, one)
        assert "3 dossiers signés sur 3" in mayor.page(number), name


def killed(forge: Forge, name: str, point: str, nth: int, *, after: bool) -> None:
    """Kill the worker there, look at what stands, then let another one work."""
    assert forge.play("work", kill={"point": point, "nth": nth, "after": after})["died"], name
    chain_holds(forge.house)
    bytes_are_there(forge.house)
    forge.house.wait_for_leases()
    forge.house.drain()
    chain_holds(forge.house)
