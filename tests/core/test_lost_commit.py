"""The database is lost while it commits: what was written is not written twice, and nobody says what he does not know."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import BytesIO
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import create_app
from app.circuits import library
from app.core import db, transaction
from app.core.db import reading
from app.core.http import guard
from app.folders.models import Folder
from app.people import desks
from demo.pki import TestPki
from tests.builders.house import INVOICE, House
from tests.builders.wire import Cut, Wire
from tests.cluster import Cluster
from tests.conftest import settings_for
from tests.mailserver import MailServer

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def wire(cluster: Cluster) -> Iterator[Wire]:
    made = Wire(cluster.port, b"INSERT INTO folder ")
    yield made
    made.close()


@pytest.fixture
def house(
    database: str, tmp_path: Path, pki: TestPki, mail: MailServer, cluster: Cluster, wire: Wire
) -> Iterator[House]:
    """The product, behind a wire that can be cut."""
    library.forget()
    through = database.replace(f":{cluster.port}/", f":{wire.port}/")
    settings = settings_for(through, tmp_path / "data", pki, mail.port)
    yield House(create_app(settings), settings, pki, mail)
    db.dispose()


def deposit(house: House, wire: Wire, cut: Cut) -> tuple[int, str]:
    client = house.client("g.trehorel")
    form = {"family": "invoice", "csrf_token": house.csrf(client)}
    files = [(BytesIO(INVOICE.read_bytes()), INVOICE.name)]
    wire.cut = cut
    said = client.post("/deposer", data={**form, "files": files}, content_type="multipart/form-data")
    assert wire.cuts == 1
    return said.status_code, said.get_data(as_text=True)


def folders() -> int:
    with reading() as session:
        return session.scalar(sa.select(sa.func.count(Folder.id))) or 0


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
def test_a_commit_whose_answer_is_lost_is_asked_for_and_its_folder_is_there_once(
    house: House, wire: Wire, cut: Cut
) -> None:
    assert deposit(house, wire, cut)[0] == 302
    assert folders() == 1


def test_a_crash_says_whether_something_was_written_before_it(house: House) -> None:
    app = create_app(house.settings)

    def broken() -> str:
        raise ValueError("un défaut")

    def half() -> str:
        place = house.actor("k.morizur").collectivity_id
        with ThreadPoolExecutor(1) as pool:  # as a batch works on its folders
            pool.submit(copy_context().run, desks.create_desk, place, "demi", "Fait à moitié").result()
        return broken()

    for view in (half, broken):
        app.add_url_rule(f"/{view.__name__}", view.__name__, guard("public")(view))
    client = app.test_client()
    for address, words in (("half", "après avoir enregistré"), ("broken", "Rien n’a été enregistré")):
        said = client.get(f"/{address}")
        assert said.status_code == 500
        assert words in said.get_data(as_text=True)


def test_a_server_that_does_not_come_back_leaves_the_outcome_unknown_and_it_is_said(
    house: House, wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transaction, "PATIENCE", 0.3)
    wire.opens_again = False
    status, page = deposit(house, wire, Cut.AFTER)
    assert status == 503
    assert "On ne sait pas si c’est enregistré" in page
    assert "Rien n’a été" not in page
    client = house.app.test_client()
    for address in ("/login", "/a-traiter", "/health/ready", "/api/v1/folders"):
        wire.drop()
        said = client.get(address, headers={"Authorization": "Bearer x"} if "api" in address else {})
        assert said.status_code in {200, 302, 503}, address
    assert "Traceback" not in caplog.text
    wire.open = True
    assert folders() == 1
