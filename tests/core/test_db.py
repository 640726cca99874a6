"""The engine: what every connection of the house is told."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import engine, reading
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


def test_an_error_of_the_base_never_tells_what_its_statement_carried(house: House) -> None:
    """ASVS 5.0, 16.2.5: an incident is logged with its error, and the error with the statement, never with its values."""
    secret = "ce que personne ne doit lire dans un journal"
    for broken in ("INSERT INTO nulle_part (mot) VALUES (:mot)", "SELECT CAST(:mot AS INTEGER) / nulle_part"):
        with pytest.raises(SQLAlchemyError) as told, engine().begin() as connection:
            connection.execute(sa.text(broken), {"mot": secret})
        assert secret not in str(told.value)
        assert secret not in repr(told.value)
    del house
