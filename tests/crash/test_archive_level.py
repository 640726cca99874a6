"""The worker killed while it adds the proofs of a signature: the document is augmented once, and nothing else moves."""

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.signing.models import Augmentation
from tests.builders.levels import ask_level
from tests.crash.walk import Forge

pytestmark = pytest.mark.crash

POINTS = (
    ("made, not read back", "app.signing.formats.augmentation:augment", True),
    ("read back, not kept", "app.signing.formats.preservation:check", True),
    ("kept, before the transaction", "app.signing.augment:keep", False),
    ("written, before the commit", "app.signing.augment:append", True),
    ("committed, before the row is settled", "app.signing.augment:keep", True),
)


def test_killed_at_each_point_the_document_is_augmented_once(
    forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_level(monkeypatch, "deliberation", "B-LTA")
    house = forge.house
    for rank, (name, point, after) in enumerate(POINTS):
        folder_id = house.a_deliberation(at="prefecture", number=f"2026-{rank + 101}")
        signed = house.versions(folder_id)[-1]
        assert forge.play("work", kill={"point": point, "nth": 1, "after": after})["died"], name
        house.wait_for_leases()
        house.drain()
        with reading() as db:
            query = sa.select(Augmentation).where(Augmentation.folder_id == folder_id)
            (found,) = db.scalars(query)
        last = house.versions(folder_id)[-1]
        assert (last.id, last.number) == (found.version_id, signed.number + 1), name
        assert house.bytes_of(last).startswith(house.bytes_of(signed)), name
        assert house.folder(folder_id).place == "publication", name
