"""The verbs that write a doubt: they never cover what is known, and keep an answer that decides nothing once."""

import sqlalchemy as sa

from app.core.db import reading
from app.files import vault
from app.people.actor import system
from app.transmission import dispatch
from app.transmission.models import Receipt, Transmission
from app.transmission.ports import Answer, AnswerKind
from tests.builders.house import House

GARBLED = b"<ceci n'est pas un accus\xe9>"


def transmission(folder_id: int) -> Transmission:
    with reading() as db:
        return db.scalars(sa.select(Transmission).where(Transmission.folder_id == folder_id)).one()


def test_a_doubt_never_covers_what_is_already_known(house: House) -> None:
    folder_id = house.a_deliberation(at="publication")
    row, before = transmission(folder_id), house.journal(folder_id)
    dispatch.mark_uncertain(system(row.collectivity_id), row.id)
    assert (transmission(folder_id).state, house.journal(folder_id)) == ("acknowledged", before)


def test_an_answer_that_decides_nothing_is_kept_once_and_moves_nothing(house: House) -> None:
    folder_id = house.a_deliberation(at="publication")
    row, version = transmission(folder_id), house.folder(folder_id).version
    sha256 = vault.store().put_bytes(vault.scope(row.collectivity_id), GARBLED).sha256
    answer = Answer(
        AnswerKind.PENDING, GARBLED, "illisible.xml", None, None, "Réponse illisible", simulated=True
    )
    for _ in range(2):
        dispatch.keep_doubtful(system(row.collectivity_id), row.id, answer, sha256)
    with reading() as db:
        kinds = list(db.scalars(sa.select(Receipt.kind).order_by(Receipt.id)))
    assert kinds == ["acknowledged", "pending"]
    assert [house.bytes_of(one) for one in house.versions(folder_id, "receipt")].count(GARBLED) == 1
    assert (house.folder(folder_id).place, house.folder(folder_id).version) == ("publication", version)
