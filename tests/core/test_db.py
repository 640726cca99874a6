"""The engine: what every connection of the house is told."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import Db, engine, reading, writing
from app.core.questions import put_in_hand
from app.core.transaction import use_case
from app.people.models import Collectivity
from tests.builders.house import House


def test_postgresql_compiles_no_plan_even_after_a_transaction_undone(house: House) -> None:
    """Compiling a long plan that reads few rows costs a second; see `_compile_nothing`."""
    if engine().dialect.name != "postgresql":
        return
    for _ in range(2):
        with reading(house.actor("g.trehorel").collectivity_id) as db:
            assert db.connection().exec_driver_sql("SHOW jit").scalar() == "off"
            db.rollback()
            assert db.connection().exec_driver_sql("SHOW jit").scalar() == "off"


@use_case
def write_while(db: Db, name: str, during: Callable[[], None], order: list[str]) -> None:
    db.execute(sa.update(Collectivity).values(name=name))
    during()
    order.append(f"{name} ends")


def test_threads_write_to_sqlite_in_turn_and_ask_it_nothing_meanwhile(house: House) -> None:
    """SQLite has one writer, and whoever asks it for the place too early sleeps on past the end of the first."""
    del house
    if engine().dialect.name != "sqlite":
        return
    order: list[str] = []
    first_writes, second_comes = Event(), Event()

    def begun(*_: object) -> None:
        order.append("begins")

    def first() -> None:
        first_writes.set()
        assert second_comes.wait(10)
        sleep(0.2)  # the second one stands before the base by now, unless it waits for its turn

    def second() -> None:
        assert first_writes.wait(10)
        second_comes.set()
        write_while("Lestanec", lambda: None, order)

    sa.event.listen(engine(), "checkout", begun)
    try:
        with ThreadPoolExecutor(1) as beside:
            other = beside.submit(second)
            write_while("Kerlann", first, order)
            other.result()
    finally:
        sa.event.remove(engine(), "checkout", begun)
    assert order == ["begins", "Kerlann ends", "begins", "Lestanec ends"]


def test_an_error_of_the_base_never_tells_what_its_statement_carried(house: House) -> None:
    """ASVS 5.0, 16.2.5: an incident is logged with its error, and the error with the statement, never with its values."""
    secret = "ce que personne ne doit lire dans un journal"
    for broken in ("INSERT INTO nulle_part (mot) VALUES (:mot)", "SELECT CAST(:mot AS INTEGER) / nulle_part"):
        with pytest.raises(SQLAlchemyError) as told, engine().begin() as connection:
            connection.execute(sa.text(broken), {"mot": secret})
        assert secret not in str(told.value)
        assert secret not in repr(told.value)
    del house


def test_the_columns_of_a_known_statement_are_described_to_nobody(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a row of thirty columns, to describe them again would cost more than to read it (`app/core/cursors.py`)."""
    if engine().dialect.name != "postgresql":
        return
    from psycopg import Column

    from app.core import cursors

    described: list[int] = []

    class Described(Column):
        def __init__(self, cursor: cursors.PlainCursor, place: int) -> None:
            described.append(place)
            super().__init__(cursor, place)

    monkeypatch.setattr(cursors, "Column", Described)
    query: sa.Select[Any] = sa.select(
        sa.literal_column("1").label("rank"), sa.literal_column("'deux'").label("word")
    )
    with engine().connect() as connection:
        described.clear()  # a first connection asks its server who it is
        for _ in range(3):
            row = connection.execute(query).one()
            assert (row.rank, row.word) == (1, "deux")
        assert described == [0, 1]
        cursor = connection.connection.cursor()
        cursor.execute("SELECT 1 AS rank, 'deux' AS word")
        assert [column[0] for column in cursor.description or ()] == ["rank", "word"]
        assert (cursor.description or ())[1:][0][0] == "word"
        cursor.execute("SET jit = off")
        assert cursor.description is None
    del house


def test_a_row_that_was_read_beside_others_is_as_one_that_was_loaded(house: House) -> None:
    here = house.actor("g.trehorel").collectivity_id
    with writing() as db, db.begin():
        table = Collectivity.__table__
        read = db.connection().execute(
            sa.select(*(column for column in table.c if column.key != "logo")).where(table.c.id == here)
        )
        row = put_in_hand(db, Collectivity, dict(read.mappings().one()))
        assert db.get(Collectivity, here) is row
        assert row not in db.dirty
        assert row.logo is None  # read now
        settings = {**row.settings, "essai": "1"}
        row.settings = settings
        assert put_in_hand(db, Collectivity, {"id": here, "settings": {}}) is row
    with reading(here) as db:
        assert db.get_one(Collectivity, here).settings == settings
        name = db.scalars(sa.select(Collectivity.name)).one()
    with reading(here) as db:
        row = put_in_hand(db, Collectivity, {"id": here, "settings": settings})
        assert (row.name, row.settings) == (name, settings)  # what was not read is read where it is looked at
