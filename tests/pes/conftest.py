"""What only the tests of flows do to a database."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from app.core.db import engine
from app.pes.index import PARTS


@pytest.fixture
def forget() -> Callable[[int], None]:
    """Take the kept reading of a flow away, as on an installation of before."""

    def away(folder_id: int) -> None:
        with engine().execution_options(writes=True).begin() as connection:
            for part in PARTS:
                connection.execute(sa.delete(part).where(part.folder_id == folder_id))

    return away
