"""One scene for a whole module, on each database: making it costs more than asking it a thousand questions."""

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
from tests.rights.scene import Scene


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scene(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    _templates: Path,
    cluster: Cluster,
    pki: TestPki,
    _mail_server: MailServer,
) -> Iterator[Scene]:
    """The two communes and their folders, on one database."""
    room, name = tmp_path_factory.mktemp("rights"), f"rights_{request.module.__name__.rpartition('.')[2]}"
    if request.param == "sqlite":
        shutil.copy(_templates / "template.db", room / "paraphe.db")
        url = f"sqlite:///{room / 'paraphe.db'}"
    else:
        url = cluster.create(name, "template_paraphe")
    library.forget()
    # The matrix asks faster than any software may: the pace of one token has its own test.
    settings = settings_for(url, room / "data", pki, _mail_server.port, api_rate="1000000 per minute")
    yield Scene.of(House(create_app(settings), settings, pki, _mail_server))
    db.dispose()
    if request.param == "postgresql":
        cluster.drop(name)
