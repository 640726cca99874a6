"""The commune with a trust service that asks for a PIN and a one-time password, and the people in front of their pages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import create_app
from app.circuits import library
from demo.pki import TestPki
from tests.builders.house import House
from tests.builders.remote import At, settings_of
from tests.builders.trust_service import TrustService
from tests.conftest import settings_for
from tests.mailserver import MailServer


@pytest.fixture
def most() -> int:
    """How many hashes the service signs for one accord."""
    return 3


@pytest.fixture
def server(pki: TestPki, most: int) -> Iterator[TrustService]:
    made = TrustService(pki, mode="explicit", most=most)
    made.users = {"armel": ["kerlann/a_kervadec"], "bleuenn": ["kerlann/b_cadiou"]}
    yield made
    made.close()


@pytest.fixture
def house(database: str, tmp_path: Path, pki: TestPki, mail: MailServer, server: TrustService) -> House:
    library.forget()
    settings = settings_for(database, tmp_path / "data", pki, mail.port, **settings_of(server))
    return House(create_app(settings), settings, pki, mail)


@pytest.fixture
def at(house: House, server: TrustService) -> Callable[[str], At]:
    """Somebody at his pages, logged in."""
    return lambda login: At(house, server, login)
