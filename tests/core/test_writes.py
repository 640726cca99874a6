"""What a verb writes together arrives whole: the same rows on both databases, and the numbers of those it asked for."""

import pytest
import sqlalchemy as sa

from app.core.db import TOGETHER, Write, engine, reading, write
from app.core.outbox import Letters, News, Outbox
from app.core.transaction import use_case
from app.people.models import Collectivity, Desk
from tests.builders.house import House

DESK = Desk.__table__
HERE = Collectivity.__table__


@use_case
def open_desks(db, collectivity_id: int, keys: list[str], *, broken: bool = False) -> list[int]:
    added = Write(
        DESK, [{"collectivity_id": collectivity_id, "key": key, "name": key} for key in keys], numbers=True
    )
    news = Letters(collectivity_id, [News("mail", f"opened-{key}", {"desk": key}) for key in keys])
    renamed = Write(HERE, [{"name": "Kerlann"}], where="id", value=collectivity_id)
    given = write(db, [renamed, added, Write(news.write.table, news.write.rows)])
    if broken:
        raise RuntimeError("the verb failed")
    return given


def here() -> int:
    with reading() as db:
        return db.scalars(sa.select(Collectivity.id)).one()


def found(keys: list[str]) -> tuple[list[tuple[int, str]], list[str], str]:
    with reading() as db:
        desks = [
            tuple(row)
            for row in db.execute(sa.select(Desk.id, Desk.key).where(Desk.key.in_(keys)).order_by(Desk.id))
        ]
        posted = list(
            db.scalars(sa.select(Outbox.key).where(Outbox.key.startswith("opened-")).order_by(Outbox.id))
        )
        return desks, posted, db.scalars(sa.select(Collectivity.name)).one()


@pytest.mark.parametrize("count", [1, 3, TOGETHER + 1])
def test_rows_of_several_tables_arrive_together_and_in_order(house: House, count: int) -> None:
    keys = [f"bureau-{n:02}" for n in range(count)]
    numbers = open_desks(here(), keys)
    desks, posted, name = found(keys)
    assert desks == list(zip(numbers, keys, strict=True))
    assert posted == [f"opened-{key}" for key in keys]
    assert name == "Kerlann"


def test_nothing_arrives_when_the_verb_fails(house: House) -> None:
    before = found(["bureau"])[2]
    with pytest.raises(RuntimeError):
        open_desks(here(), ["bureau"], broken=True)
    assert found(["bureau"]) == ([], [], before)


def test_postgresql_is_asked_once_and_sqlite_once_for_each_table(house: House) -> None:
    town = here()
    seen = []

    def note(_connection, _cursor, statement: str, *_rest) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    sa.event.listen(engine(), "before_cursor_execute", note)
    try:
        open_desks(town, ["premier", "second"])
    finally:
        sa.event.remove(engine(), "before_cursor_execute", note)
    written = [
        one for one in seen if "pg_current_xact_id" not in one
    ]  # asked once, for a commit that would be lost
    assert len(written) == (1 if engine().dialect.name == "postgresql" else 3)
    assert len(seen) <= len(written) + 1


def test_a_value_the_database_refuses_refuses_all(house: House) -> None:
    keys = ["deux-fois", "deux-fois"]
    with pytest.raises(Exception, match="busy"):
        open_desks(here(), keys)
    assert found(keys)[0] == []
    assert found(keys)[1] == []


def test_nothing_to_write_is_nothing_written(house: House) -> None:
    @use_case
    def none_at_all(db, actor) -> list[int]:
        return [*write(db, []), *write(db, [Write(DESK, [], numbers=True)])]

    assert none_at_all(house.actor("a.kervadec")) == []
