"""The verbs that write a doubt: they never cover what is known, and keep an answer that decides nothing once."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.files import vault
from app.people.actor import system
from app.transmission import dispatch
from app.transmission.models import Receipt, Transmission
from app.transmission.ports import Answer, AnswerKind
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

GARBLED = b"<ceci n'est pas un accus\xe9>"


ANOMALY = (
    Path(__file__).parents[1] / "assets" / "actes" / "messages" / "029-212909998----1-3_1.xml"
).read_bytes()


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


def test_an_anomaly_after_the_receipt_is_kept_once_and_undoes_nothing(house: House) -> None:
    folder_id = house.a_deliberation(at="publication")
    row, before = transmission(folder_id), house.folder(folder_id)
    sha256 = vault.store().put_bytes(vault.scope(row.collectivity_id), ANOMALY).sha256
    answer = Answer(
        AnswerKind.REFUSED, ANOMALY, "029-212909998----1-3_1.xml", None, None, "ODT-VERIF-01", simulated=True
    )
    for _ in range(2):
        moved = dispatch.refuse(
            system(row.collectivity_id), row.id, "ODT-VERIF-01", answer=answer, sha256=sha256
        )
        assert moved is False
    after = house.folder(folder_id)
    assert (after.place, after.version, after.fields) == (before.place, before.version, before.fields)
    assert (transmission(folder_id).state, transmission(folder_id).reason) == ("acknowledged", None)
    with reading() as db:
        kinds = list(db.scalars(sa.select(Receipt.kind).order_by(Receipt.id)))
    assert kinds == ["acknowledged", "late"]
    assert [house.bytes_of(one) for one in house.versions(folder_id, "receipt")].count(ANOMALY) == 1
    assert house.journal(folder_id).count("transmission.anomaly_after_receipt") == 1
    house.mail.clear()
    house.drain()
    (letter,) = house.mail.letters
    assert "une anomalie suit un accusé" in letter["Subject"].replace("\u00a0", " ")
    page = house.client("k.morizur").get(f"/dossiers/{folder_id}?onglet=journal").get_data(as_text=True)
    assert "Anomalie reçue après l’accusé" in page
