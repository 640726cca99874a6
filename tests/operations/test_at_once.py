"""What is written at the very moment when its ground goes away: it waits, and is then refused (locks, so PostgreSQL alone)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits import drafting, library
from app.circuits.models import CircuitVersion
from app.core.clock import now, today
from app.core.db import Db, engine, reading, writing
from app.core.refusals import Refusal
from app.folders import sending
from app.folders.models import Folder, StepRun
from app.operations.leaving import effects as leaving
from app.operations.leaving import planned as planning
from app.people import accounts, arrivals, desks, hierarchy
from app.people.arrivals import Arrival
from app.people.models import Collectivity, Desk, PlannedClosing, User
from tests.builders import circuits
from tests.builders.house import INVOICE, House
from tests.operations.test_people_and_desks import desk, user
from workflows.family import family
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

K, G, R, N = "k.morizur", "g.trehorel", "r.pellenec", "n.abgrallec"
BLOCKED = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


def met_by(verb: Callable[[], object], *statements: sa.Executable) -> str:
    """What a verb is refused that comes while these statements are not committed yet; it waits until they are."""
    outcome: list[str] = []

    def run() -> None:
        try:
            verb()
        except Refusal as refusal:
            outcome.append(refusal.key)
        else:
            outcome.append("done")

    thread = threading.Thread(target=run)
    with engine().begin() as connection:
        for statement in statements:
            connection.execute(statement)
        thread.start()
        while thread.is_alive():
            with engine().connect() as looking:
                if looking.execute(BLOCKED).scalar():
                    break
            thread.join(0.02)
        assert not outcome, "it did not wait"
    thread.join()
    return outcome[0]


def closing(desk_id: int) -> tuple[sa.Executable, ...]:
    """What `closing.close` locks and writes of a desk."""
    place = Desk.__table__
    mine = place.c.id == desk_id
    written = {"closed_at": now(), "closed_by": "Katell Morizur", "closed_reason": ""}
    return sa.select(place.c.id).where(mine).with_for_update(), sa.update(place).where(mine).values(written)


def through(desk_key: str) -> str:
    """The circuit of invoices, whose finances are this desk."""
    data = family("invoice").circuit.to_data()
    next(one for one in data["steps"] if one["key"] == "finance")["who"] = [{"desk": desk_key}]
    return library.as_yaml(data)


def test_nothing_leaves_for_a_desk_that_is_being_closed_nor_names_it_nor_begins_there(house: House) -> None:
    clerk, above = house.actor(K), None
    for key in ("relais", "annexe", "guichet"):
        above = hierarchy.open_desk(clerk, key.capitalize(), None, key)
        hierarchy.seat_all(clerk, above, {user(R).id: Rights.of(Right.ACT, Right.CREATE)}, {})
    circuits.publish(clerk, "invoice", through("relais"))
    folder = house.an_invoice("draft")
    sender, version = house.actor(G), house.folder(folder).version
    leaving = met_by(
        lambda: sending.send(sender, folder, version=version),
        *closing(desk("relais").id),
    )
    assert (leaving, house.folder(folder).phase) == ("nobody-there", "draft")
    shown = drafting.take_in(clerk, "invoice", 0, through("annexe"))
    naming = met_by(
        lambda: drafting.publish_draft(clerk, "invoice", shown, 1, ["handover"]),
        *closing(desk("annexe").id),
    )
    assert naming == "circuit-unready"
    hierarchy.seat_all(
        clerk,
        desk("technique").id,
        {user(R).id: Rights.of(Right.ACT)},
        {user(R).id: Rights.of(Right.CREATE, Right.ACT)},
    )
    beginning = met_by(
        lambda: house.deposit(R, "invoice", INVOICE),
        *closing(desk("guichet").id),
    )
    assert beginning == "desk-closed"


def test_two_invitations_at_once_never_give_one_address_to_two_people(house: House) -> None:
    clerk = house.actor(K)
    accounts.delegate(clerk, user(N).id, desk("finances").id)
    delegated, here = house.actor(N), clerk.collectivity_id
    particulars = accounts.Particulars("Mona", "Le Meur", "le.meur@x.example", "Agente", administrator=False)
    mine = {desk("finances").id: Rights.of(Right.ACT)}
    row = sa.select(Collectivity.__table__.c.id).where(Collectivity.id == here)
    other = {"login": "m.autre", "email": "Le.Meur@x.example", "first_name": "Mona", "last_name": "Autre"}
    opened = {"collectivity_id": here, "capacity": "Agente", "created_at": now(), **other}
    arriving = met_by(
        lambda: arrivals.invite(delegated, Arrival("m.lemeur", particulars, mine), by_mail=True),
        row.with_for_update(key_share=True),
        sa.insert(User.__table__).values(opened),
    )
    assert arriving == "email-taken-elsewhere"


def test_what_is_given_to_a_desk_while_its_only_person_is_closed_is_seen(house: House) -> None:
    clerk, folder, place = house.actor(K), house.an_invoice(at="finance"), desk("technique").id
    circuits.publish(clerk, "invoice", through("technique"))
    with reading(clerk.collectivity_id) as db:
        shown = leaving.effects_of(db, db.get_one(User, user(R).id)).mark
        version = db.scalar(sa.select(sa.func.max(CircuitVersion.id)))
    told = leaving.confirmed("Fin de contrat", shown)
    places, run, way = Desk.__table__, StepRun.__table__, Folder.__table__
    mine = sa.and_(run.c.folder_id == folder, run.c.state == "active")
    # What `handing.hand` locks and writes
    closed = met_by(
        lambda: desks.close_account(clerk.collectivity_id, R, by=clerk, leaving=told),
        sa.select(places.c.id).where(places.c.id == place).with_for_update(read=True, key_share=True),
        sa.update(run).where(mine).values(desk_id=place, slot="desk:technique"),
        sa.update(way).where(way.c.id == folder).values(circuit_version_id=version),
    )
    assert (closed, user(R).active) == ("leaving-moved", True)


def meanwhile(verb: Callable[[], object], held: Callable[[Callable[[], None]], object]) -> tuple[str, bool]:
    """What a verb is told that begins within another (`held` calls back before it commits), and whether it waited for it."""
    outcome: list[str] = []
    waited = False

    def run() -> None:
        try:
            verb()
        except Refusal as refusal:
            outcome.append(refusal.key)
        else:
            outcome.append("done")

    thread = threading.Thread(target=run)

    def begin() -> None:
        nonlocal waited
        if thread.ident is not None:  # tried again after a deadlock, of which there is none
            raise AssertionError("the closing was begun again")
        thread.start()
        while thread.is_alive() and not waited:
            with engine().connect() as looking:
                waited = bool(looking.execute(BLOCKED).scalar())
            thread.join(0.02)

    held(begin)
    thread.join()
    return outcome[0], waited


def naming(who: dict[str, str]) -> str:
    """The circuit of invoices, whose finances are this person."""
    data = family("invoice").circuit.to_data()
    next(one for one in data["steps"] if one["key"] == "finance")["who"] = [who]
    return library.as_yaml(data)


@pytest.mark.parametrize("planned", [False, True])
def test_a_folder_that_names_somebody_who_is_being_closed_waits_and_stays_a_draft(
    house: House, monkeypatch: pytest.MonkeyPatch, *, planned: bool
) -> None:
    clerk = house.actor(K)
    circuits.publish(clerk, "invoice", naming({"person": N}))
    folder = house.an_invoice("draft")
    sender, version = house.actor(G), house.folder(folder).version

    def closing_now(begin: Callable[[], None]) -> None:
        def left(db: Db, who: User) -> desks.Left:
            read = leaving.confirmed("Départ en retraite", None)(db, who)
            begin()
            return read

        desks.close_account(clerk.collectivity_id, N, by=clerk, leaving=left)

    def closing_planned(begin: Callable[[], None]) -> None:
        with reading(clerk.collectivity_id) as db:
            mark = leaving.effects_of(db, db.get_one(User, user(N).id)).mark
        typed = (today() + timedelta(days=1)).strftime("%Y-%m-%dT12:00")
        planning.plan(clerk, user(N).id, typed, reason="Départ en retraite", shown=mark)
        against = planning._against

        def read(*args: Any) -> str:
            why = against(*args)
            begin()
            return why

        monkeypatch.setattr(planning, "_against", read)
        with writing() as db:
            db.execute(sa.update(PlannedClosing).values(closes_at=now()))
            db.commit()
        assert planning.settle(clerk.collectivity_id, user(N).id)

    outcome, waited = meanwhile(
        lambda: sending.send(sender, folder, version=version), closing_planned if planned else closing_now
    )
    assert (outcome, waited) == ("desk-missing", True)
    assert (user(N).active, house.folder(folder).phase) == (False, "draft")


def test_a_closing_that_comes_while_a_folder_leaves_for_whom_it_names_waits_and_sees_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clerk = house.actor(K)
    circuits.publish(clerk, "invoice", naming({"person": N}))
    folder = house.an_invoice("draft")
    sender, version = house.actor(G), house.folder(folder).version
    with reading(clerk.collectivity_id) as db:
        mark = leaving.effects_of(db, db.get_one(User, user(N).id)).mark
    due = sending.due_of

    def leaves(begin: Callable[[], None]) -> None:
        def held(*args: Any) -> Any:
            begin()
            return due(*args)

        monkeypatch.setattr(sending, "due_of", held)
        sending.send(sender, folder, version=version)

    told = leaving.confirmed("Départ en retraite", mark)
    outcome, waited = meanwhile(
        lambda: desks.close_account(clerk.collectivity_id, N, by=clerk, leaving=told), leaves
    )
    assert (outcome, waited) == ("leaving-moved", True)
    assert (user(N).active, house.folder(folder).phase) == (True, "running")
