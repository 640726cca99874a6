"""Two communes on one instance: no query, no count, no change of the one ever touches a row of the other."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.db import Base, Db, ForeignRowError, Tenanted, reading, writing
from app.core.transaction import use_case
from app.folders.models import Folder
from app.people import desks
from app.people.actor import Actor, system
from app.people.models import Desk, User
from tests.builders.house import House

# Tables without a collectivity of their own, and why that is right.
SHARED = {
    "hold": "a restoration is of the whole installation",
    "collectivity": "it is the collectivity",
    "holder": "read by a person or a desk, which have one",
    "factor": "of a person",
    "person": "who enters, by accounts that have one each",
    "identity_challenge": "of a person, or of nobody yet",
    "login_session": "of a person",
    "password_reset": "of a person",
    "recovery_code": "of a person",
    "setup_link": "of an installation that has no collectivity yet, or of one that nobody administers",
    "reading": "of a person and a folder",
    "chain_head": "its key is the collectivity",
    "journal_check": "its key is the collectivity",
    "public_site": "its key is the collectivity, and its address is asked by anybody",
    "heartbeat": "of the installation",
    "return_box": "of the installation",
    "deposit_key": "of an application",
    "doctor_finding": "of the installation, or of the collectivity of its `scope` (tests/operations/test_examined.py)",
    "doctor_round": "of the installation",
    "doctor_trial": "of the collectivity of its `scope` (tests/operations/test_trials.py)",
    "doctor_place": "of the installation's folders",
}


def models() -> list[type]:
    return sorted(
        (one.class_ for one in Base.registry.mappers if issubclass(one.class_, Tenanted)),
        key=lambda one: one.__name__,
    )


@pytest.fixture
def two(house: House) -> tuple[int, int]:
    """Kerlann with a finished deliberation and a finished invoice, and another commune with a desk."""
    house.an_invoice(at="done")
    house.a_deliberation(at="done")
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    desks.create_desk(other, "finances", "Finances d’ailleurs")
    return house.actor("a.kervadec").collectivity_id, other


def test_every_table_belongs_to_a_collectivity_or_says_why_not(house: House) -> None:
    assert house  # the whole product is loaded, and every table of it
    owned = {one.__tablename__ for one in models()}
    assert {table.name for table in Base.metadata.sorted_tables} == owned | set(SHARED)
    for table in Base.metadata.sorted_tables:
        assert ("collectivity_id" in table.c) == (
            table.name in owned | {"chain_head", "journal_check", "public_site"}
        ), table.name


def test_a_session_of_one_commune_never_sees_a_row_of_another(two: tuple[int, int]) -> None:
    here, other = two
    filled = 0
    for model in models():
        keys = [getattr(model, column.key) for column in sa.inspect(model).primary_key]
        key = keys[0]
        with reading() as db:
            total = db.scalar(sa.select(sa.func.count()).select_from(model)) or 0
            foreign = db.execute(sa.select(*keys).where(model.collectivity_id != other).limit(1)).first()
        with reading(here) as db:
            mine = db.scalar(sa.select(sa.func.count(key))) or 0
        with reading(other) as db:
            theirs = len(db.scalars(sa.select(model)).all())
            assert mine + theirs == total, model
            alias = aliased(model)
            assert db.scalar(sa.select(sa.func.count()).select_from(alias)) == theirs
            assert len(db.execute(sa.select(key)).all()) == theirs
            assert len(db.scalars(sa.select(alias)).all()) == theirs
            if foreign is not None:
                filled += 1
                assert db.get(model, tuple(foreign)) is None
                assert db.scalar(
                    sa.select(sa.exists().where(key == foreign[0])).select_from(model).limit(1)
                ) in {None, False}
                assert db.scalars(sa.select(model).where(model.collectivity_id == here)).all() == []
                assert (
                    db.scalars(sa.select(model).where(sa.or_(sa.true(), key == foreign[0]))).all()
                    == db.scalars(sa.select(model)).all()
                )
    assert filled >= 8


def test_a_join_sees_only_what_both_sides_own(two: tuple[int, int]) -> None:
    here, other = two
    query = sa.select(Folder.id, Desk.name).join(Desk, Desk.id == Folder.emitter_desk_id)
    with reading(here) as db:
        assert len(db.execute(query).all()) == 2
    with reading(other) as db:
        assert db.execute(query).all() == []
        assert db.execute(sa.select(Desk.name)).scalars().all() == ["Finances d’ailleurs"]


def test_a_change_or_a_removal_of_many_stops_at_the_border(two: tuple[int, int]) -> None:
    here, other = two
    for model in models():
        with writing() as db:
            db.info["collectivity_id"] = other
            mine = db.scalar(sa.select(sa.func.count()).select_from(model)) or 0
            for statement in (
                sa.update(model).values(collectivity_id=model.collectivity_id),
                sa.delete(model),
            ):
                if model is Desk and statement.is_delete:
                    continue
                done = db.execute(statement.execution_options(synchronize_session=False))
                assert done.rowcount <= mine, (model, statement)
            db.rollback()
    with reading(here) as db:
        assert len(db.scalars(sa.select(Folder)).all()) == 2


@use_case
def write_for(db: Db, actor: Actor, collectivity_id: int | None) -> int:
    row = Desk(collectivity_id=collectivity_id, key="neuf", name="Bureau neuf")
    db.add(row)
    db.flush()
    return row.collectivity_id


def test_a_verb_writes_for_its_own_commune_and_for_no_other(two: tuple[int, int]) -> None:
    here, other = two
    assert write_for(system(other), None) == other
    for call in (
        lambda: write_for(system(here), other),
        lambda: write_for(actor=system(here), collectivity_id=other),
    ):
        with pytest.raises(ForeignRowError):
            call()
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).where(Desk.key == "neuf")) == 1


@use_case
def meddle(db: Db, actor: Actor, rows: list[Tenanted], how: str) -> None:
    for row in rows:
        if how == "delete":
            db.delete(row)
        else:
            db.add(row)
            row.name = "Volé"  # type: ignore[attr-defined]


@pytest.mark.parametrize("how", ["change", "delete"])
def test_a_row_of_another_commune_brought_into_a_verb_is_neither_changed_nor_removed(
    two: tuple[int, int], how: str
) -> None:
    here, other = two
    with reading() as db:
        desk = db.scalars(sa.select(Desk).where(Desk.collectivity_id == other)).one()
    with pytest.raises(ForeignRowError):
        meddle(system(here), [desk], how)
    with reading() as db:
        assert db.scalars(sa.select(Desk.name).where(Desk.collectivity_id == other)).all() == [
            "Finances d’ailleurs"
        ]


def test_the_same_desk_key_in_two_communes_is_two_desks_and_a_login_is_one_person(
    two: tuple[int, int], house: House
) -> None:
    here, other = two
    with reading() as db:
        assert len(db.scalars(sa.select(Desk).where(Desk.key == "finances")).all()) == 2
        assert desks.desk_of(db, here, "finances").id != desks.desk_of(db, other, "finances").id
    with reading(other) as db:
        assert db.scalars(sa.select(User)).all() == []
    with pytest.raises(Exception, match="user-unknown"):
        desks.seat(other, "finances", "n.abgrallec", [])
