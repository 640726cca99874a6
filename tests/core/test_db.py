"""The engine: what every connection of the house is told."""

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
