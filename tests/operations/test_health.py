"""Machines are told whether the process lives and whether it can serve; people whom nobody answers are seen."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import db, heartbeat
from app.core.clock import now
from app.people import desks
from tests.builders.house import House
from tests.cluster import free_port

pytestmark = pytest.mark.in_turn


@pytest.fixture(autouse=True)
def _worker_lives(house: House) -> None:
    heartbeat.beat("worker", now())


def ready(house: House) -> tuple[int, dict[str, object]]:
    answer = house.client().get("/health/ready")
    return answer.status_code, answer.get_json()


def test_a_sound_house_lives_and_is_ready_without_login(house: House) -> None:
    assert house.client().get("/health/live").get_json() == {"status": "alive"}
    assert ready(house) == (
        200,
        {"status": "ready", "database": True, "store": True, "worker": True, "operator": True},
    )


def test_it_is_not_ready_when_its_store_is_gone(house: House) -> None:
    documents = Path(house.settings.store_url.removeprefix("file:"))
    assert ready(house)[0] == 200
    shutil.rmtree(documents)
    documents.write_text("")
    assert ready(house) == (
        503,
        {"status": "not ready", "database": True, "store": False, "worker": True, "operator": True},
    )
    assert house.client().get("/health/live").status_code == 200


def test_it_is_not_ready_when_its_worker_is_silent(house: House) -> None:
    heartbeat.beat("worker", now() - timedelta(minutes=4))
    assert ready(house) == (
        503,
        {"status": "not ready", "database": True, "store": True, "worker": False, "operator": True},
    )


def test_it_is_not_ready_when_its_database_is_gone_and_says_nothing_more(house: House) -> None:
    assert ready(house)[0] == 200  # a store that is there is opened whatever the base says, and none is begun
    db.configure(f"postgresql://paraphe@127.0.0.1:{free_port()}/paraphe")
    assert ready(house) == (
        503,
        {"status": "not ready", "database": False, "store": True, "worker": False, "operator": False},
    )
    assert house.client().get("/health/live").status_code == 200


def test_it_is_not_ready_on_a_base_of_a_former_version_and_is_on_a_newer_one(house: House) -> None:
    for revision, code in (("0041_mandate_order", 503), ("9999_next", 200)):
        with db.engine().execution_options(writes=True).begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :one"), {"one": revision})
        assert (ready(house)[0], ready(house)[1]["database"]) == (code, code == 200), revision


def test_the_administrator_sees_whether_the_worker_lives(house: House) -> None:
    client = house.client("k.morizur")
    assert "Le travail de fond tourne" in client.get("/administration").get_data(as_text=True)
    heartbeat.beat("worker", now() - timedelta(hours=2))
    page = client.get("/administration").get_data(as_text=True)
    assert "Le travail de fond est arrêté" in page
    assert "il y a 2 heures" in page


def test_the_administrator_sees_folders_that_nobody_can_move_any_more_without_their_title(
    house: House,
) -> None:
    folder_id = house.an_invoice(at="service_done")
    client = house.client("k.morizur")
    assert "chaque dossier en cours attend quelqu’un" in client.get("/administration").get_data(as_text=True)
    desks.close_account(house.actor("r.pellenec").collectivity_id, "r.pellenec")
    page = client.get("/administration").get_data(as_text=True)
    assert "plus personne ne tient le bureau « Services techniques »" in page.replace("\u00a0", " ")
    # She reads no folder there: it is told by its number, and its page by no link
    assert f"Dossier n° {folder_id}<" in page.replace("\u00a0", " ")
    assert f"/dossiers/{folder_id}" not in page
    assert house.folder(folder_id).title not in page
