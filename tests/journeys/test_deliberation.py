"""The deliberation goes all the way: two signatures, the Préfecture's receipt, publication, and only then « exécutoire »."""

from app.core.clock import today
from app.core.db import reading
from app.folders.models import Publication
from tests.builders.house import House


def test_a_deliberation_goes_from_deposit_to_enforceable(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    assert house.folder(folder_id).place == "done"
    with reading() as db:
        assert db.get_one(Publication, folder_id).enforceable_on == today()
    (receipt,) = house.versions(folder_id, "receipt")
    assert b"ARActe" in house.bytes_of(receipt)
