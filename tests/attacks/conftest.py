"""One workshop for the whole folder: what it made once serves every test."""

from collections.abc import Iterator

import pytest

from demo.pki import TestPki
from tests.attacks.workshop import Workshop


@pytest.fixture(scope="session")
def shop(pki: TestPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The workshop of the forger, and of honest people."""
    return Workshop(pki, tmp_path_factory.mktemp("attacks"))
