"""One town for each module and each database: several processes of several threads, on one database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.circuits import library
from app.core import db
from demo.pki import TestPki
from tests.builders.house import House
from tests.cluster import Cluster
from tests.conftest import settings_for
from tests.mailserver import MailServer
from tests.race.town import Served, Town


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def town(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    _templates: Path,
    cluster: Cluster,
    pki: TestPki,
    _mail_server: MailServer,
) -> Iterator[Town]:
    home, name = tmp_path_factory.mktemp("town"), f"town_{request.module.__name__.rpartition('.')[2]}"
    if request.param == "sqlite":
        shutil.copy(_templates / "template.db", home / "paraphe.db")
        url = f"sqlite:///{home / 'paraphe.db'}"
    else:
        url = cluster.create(name, "template_paraphe")
    library.forget()
    settings = settings_for(url, home / "data", pki, _mail_server.port)
    house, served = House(create_app(settings), settings, pki, _mail_server), Served(settings)
    try:
        served.wait()
        yield Town(house, served)
    finally:
        served.stop()
        db.dispose()
