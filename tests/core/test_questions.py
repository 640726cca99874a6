"""What threads ask at once by one statement is read by each: the first to ask builds it, and no other meets it half made."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import sqlalchemy as sa

from app.core import questions
from app.core.db import engine, reading
from app.core.questions import read_beside
from app.folders.models import Document, Folder
from app.people.models import Collectivity, Desk, User
from tests.builders.house import House

AT_ONCE, TIMES = 4, 15


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads that give way to one another as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_a_statement_that_threads_build_at_once_serves_each(house: House, impatient: None) -> None:
    tables = (Collectivity, Desk, User, Folder, Document)
    with reading() as db:
        counts = [len(db.scalars(sa.select(table)).all()) for table in tables]

    def read(start: Barrier, queries: list[sa.Select[tuple[object]]]) -> list[int]:
        start.wait()
        with reading() as db:
            return [len(rows) for rows in read_beside(db, *((query, {}) for query in queries))]

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for _ in range(TIMES):
            questions._beside.cache_clear()
            engine().clear_compiled_cache()
            start = Barrier(AT_ONCE)
            queries = [sa.select(table) for table in tables]
            answers = [threads.submit(read, start, queries) for _ in range(AT_ONCE)]
            assert [answer.result() for answer in answers] == [counts] * AT_ONCE
