"""One forge for each test: the product loaded once, as many deaths as wanted."""

from collections.abc import Callable, Iterator

import pytest

from app import create_app
from tests.builders.house import House
from tests.crash.walk import Forge


@pytest.fixture
def patient(house: House) -> House:
    """The house with a short lease and many tries: what is killed comes back at once, and is never given up for it."""
    settings = house.settings.model_copy(update={"lease_seconds": 0.4, "attempts_limit": 20})
    return House(create_app(settings), settings, house.pki, house.mail)


@pytest.fixture
def forge(patient: House) -> Iterator[Forge]:
    made = Forge(patient)
    yield made
    made.close()


@pytest.fixture
def forge_at() -> Iterator[Callable[[House], Forge]]:
    """The same at a house of the test's own."""
    made: list[Forge] = []

    def at(house: House) -> Forge:
        made.append(Forge(house))
        return made[-1]

    yield at
    for forge in made:
        forge.close()
