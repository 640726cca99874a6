"""Where arrivals go: rows in order, the first that holds, then the sorting desk, which has all that no row catches.

Nothing is without an owner: a desk that is closed, or where nobody may deposit, leaves its arrivals to the sorting desk, and
it is said; without a sorting desk that holds, arrivals wait, and whoever administers is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from app.arrivals import criteria, telling
from app.arrivals.models import Arrival, ArrivalRouting, State
from app.circuits import own_types
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.texts import line_of
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor, Seat, require
from app.people.models import Desk, Holder, User
from workflows.family import Family, families, family
from workflows.rights import Rights, allows
from workflows.vocabulary import Right

NO_DESK: Final = "arrival-no-desk"
INVOICE: Final = "invoice"
SERVICE: Final = "proof_of_service"
"""The field of an invoice that names the desk which attests the service done."""
MOST: Final = 200
LONGEST: Final = 200
ASTRAY: Final = "La règle {number} mène à un bureau fermé, ou où personne ne peut déposer ce type : le bureau de tri l’a reçue."


@dataclass(frozen=True)
class Destination:
    """A desk that deposits, and the type of what it deposits there, empty for the one as which it came.

    `service`: the desk that attests, empty for none yet. `send`: sent on its way at once where nothing is missing. Desks and
    types are named by their keys.
    """

    desk: str
    kind: str
    service: str = ""
    send: bool = False

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Destination":
        """As `to_data` gave it."""
        return cls(data["desk"], data.get("kind", ""), data.get("service", ""), bool(data.get("send")))

    def to_data(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {"desk": self.desk, "kind": self.kind, "service": self.service, "send": self.send}


@dataclass(frozen=True)
class Row:
    """What says all of this goes there; `when`: what is asked of each clue, by its name (`criteria`)."""

    when: Mapping[str, str]
    to: Destination

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Row":
        """As `to_data` gave it."""
        return cls(dict(data["when"]), Destination.from_data(data["to"]))

    def to_data(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {"when": dict(self.when), "to": self.to.to_data()}


@dataclass(frozen=True)
class Routing:
    """The rows and the sorting desk, None until one is chosen; `revision` tells which routing a form showed."""

    rows: tuple[Row, ...] = ()
    otherwise: Destination | None = None
    revision: int = 0


@dataclass(frozen=True)
class Led:
    """Where an arrival goes: the desk, the type, what else the routing says of the folder, and what is told of the choice."""

    seat: Seat
    kind: Family
    facts: Mapping[str, Any]
    send: bool
    told: tuple[str, ...] = ()


def routing_of(db: Db, collectivity_id: int) -> Routing:
    """The routing of a collectivity."""
    row = _row(db, collectivity_id)
    if row is None:
        return Routing()
    return Routing(
        tuple(Row.from_data(one) for one in row.rows),
        Destination.from_data(row.otherwise) if row.otherwise else None,
        row.revision,
    )


def _row(db: Db, collectivity_id: int, *, locked: bool = False) -> ArrivalRouting | None:
    query = sa.select(ArrivalRouting).where(ArrivalRouting.collectivity_id == collectivity_id)
    found: ArrivalRouting | None = db.scalar(query.with_for_update() if locked else query)
    return found


def sorting_desk(db: Db, collectivity_id: int) -> int | None:
    """The number of the sorting desk, None while there is none."""
    otherwise = routing_of(db, collectivity_id).otherwise
    if otherwise is None:
        return None
    query = sa.select(Desk.id).where(Desk.collectivity_id == collectivity_id, Desk.key == otherwise.desk)
    number: int | None = db.scalar(query)
    return number


def led(db: Db, collectivity_id: int, kind: str, clues: Mapping[str, Any]) -> Led:
    """Where what says this goes, `kind` being the type as which it came; refuses `arrival-no-desk` where nobody would have it."""
    routing, told = routing_of(db, collectivity_id), ""
    answers = criteria.answers(clues)
    for number, row in enumerate(routing.rows, 1):
        if criteria.hold(row.when, answers):
            found = _there(db, collectivity_id, row.to, kind)
            if found is not None:
                by = f"Menée à « {found.seat.name} » par la règle {number}."
                return Led(found.seat, found.kind, found.facts, found.send, (by, *found.told))
            told = ASTRAY.format(number=number)
            break
    found = _there(db, collectivity_id, routing.otherwise, kind) if routing.otherwise else None
    if found is None:
        raise Refusal(NO_DESK)
    return Led(found.seat, found.kind, found.facts, found.send, (*filter(None, [told]), *found.told))


def _there(db: Db, collectivity_id: int, to: Destination, came_as: str) -> Led | None:
    """A destination as it stands now: None where its desk is closed, may not deposit the type, or nobody there may."""
    kind = kind_named(db, collectivity_id, to.kind or came_as)
    desk = _desk(db, collectivity_id, to.desk)
    seat = of_desk(db, desk.id) if desk is not None else None
    if kind is None or desk is None or seat is None:
        return None
    if any(only and desk.key not in only for only in (kind.restricted_to, kind.deposited_by)):
        return None
    if not depositors(db, desk.id, kind):
        return None
    facts: dict[str, Any] = {}
    told: list[str] = []
    if to.service and kind.field(SERVICE):
        attesting = _desk(db, collectivity_id, to.service)
        if attesting is not None and attesting.closed_at is None:
            facts[SERVICE] = attesting.key
        else:
            told.append("Le bureau qui devait attester le service fait est fermé : choisissez-en un autre.")
    return Led(seat, kind, facts, to.send, tuple(told))


def _desk(db: Db, collectivity_id: int, key: str) -> Desk | None:
    found: Desk | None = db.scalar(
        sa.select(Desk).where(Desk.collectivity_id == collectivity_id, Desk.key == key)
    )
    return found


def of_desk(db: Db, desk_id: int | None) -> Seat | None:
    """The one seat of what comes by itself: the right to deposit at this desk, None where it is closed."""
    desk = db.get(Desk, desk_id) if desk_id is not None else None
    if desk is None or desk.closed_at is not None:
        return None
    return Seat(desk.id, desk.key, desk.name, Rights.of(Right.CREATE))


def kind_named(db: Db, collectivity_id: int, name: str) -> Family | None:
    """The family, or the type in force, that a routing names; None for one that is closed or known no more."""
    if name in families():
        return family(name)
    return next((one for one in own_types.offered(db, collectivity_id) if one.type_key == name), None)


def depositors(db: Db, desk_id: int, kind: Family) -> list[User]:
    """The people of a desk who may deposit this type there."""
    query = (
        sa.select(User, Holder.rights)
        .join(Holder, Holder.user_id == User.id)
        .where(Holder.desk_id == desk_id, User.active.is_(True))
        .order_by(User.id)
    )
    return [
        user
        for user, rights in db.execute(query)
        if allows(rights, Right.CREATE, kind.name, kind.type_key or "")
    ]


def kinds(db: Db, collectivity_id: int) -> Sequence[tuple[str, str]]:
    """The types that may come by themselves, by the names that a routing gives them: invoices, and the types made from them."""
    return [
        (INVOICE, family(INVOICE).label),
        *(
            (one.type_key, one.label)
            for one in own_types.offered(db, collectivity_id)
            if one.name == INVOICE and one.type_key and not one.discreet
        ),
    ]


@use_case
def choose(db: Db, actor: Actor, routing: Routing) -> int:
    """Choose the rows and the sorting desk, over the routing of that revision; returns how many arrivals waited for one.

    Refuses `right-missing`, `routing-moved` where somebody has changed it since, and what `write_routing` refuses.
    """
    require(actor, Right.ADMINISTER)
    present = routing_of(db, actor.collectivity_id)
    if present.revision != routing.revision:
        raise Refusal("routing-moved")
    return write_routing(db, actor, routing.rows, routing.otherwise)


def write_routing(db: Db, actor: Actor, rows: Sequence[Row], otherwise: Destination | None) -> int:
    """The same, in the caller's transaction, whatever is there.

    Refuses `routing-many`, `routing-no-desk` of rows without a sorting desk, `routing-clue` and `routing-long` of what a row
    asks, `desk-unknown`, `routing-kind`, and `routing-desk` of a desk where nobody may deposit that.
    """
    here = actor.collectivity_id
    row = _row(db, here, locked=True)
    before = routing_of(db, here)
    if len(rows) > MOST:
        raise Refusal("routing-many", most=MOST)
    if otherwise is None:
        raise Refusal("routing-no-desk")
    kept = tuple(Row(criteria.usual(one.when), one.to) for one in rows)
    if (before.rows, before.otherwise) == (kept, otherwise):
        return 0
    named = dict(kinds(db, here))
    former = {str(one.to.to_data()) for one in before.rows}
    for number, to in enumerate((*(one.to for one in kept), otherwise), 1):
        if str(to.to_data()) in former and number <= len(kept):
            continue  # what was true when it was written may be told of now, and keeps no other row from being written
        _refuse(db, here, named, to, number if number <= len(kept) else None)
    if row is None:
        row = ArrivalRouting(collectivity_id=here, rows=[], otherwise=None, revision=0)
        db.add(row)
    was = {"rows": row.rows, "otherwise": row.otherwise}
    row.rows, row.otherwise = [one.to_data() for one in kept], otherwise.to_data()
    row.revision += 1
    db.flush()  # a rival is met here
    waited = _open_waiting(db, here)
    sorting = _desk(db, here, otherwise.desk)
    facts = {
        "was": was,
        "is": {"rows": row.rows, "otherwise": row.otherwise},
        "words": f"règles : {len(kept)}, bureau de tri : {sorting.name if sorting else otherwise.desk}",
        "address": actor.address,
    }
    append(db, here, Event("arrival.routing", actor.name, actor.user_id, None, facts))
    return waited


def _refuse(db: Db, here: int, named: Mapping[str, str], to: Destination, number: int | None) -> None:
    where = f"règle {number}" if number else "bureau de tri"
    if to.kind and to.kind not in named:
        raise Refusal("routing-kind", where=where)
    for key in (to.desk, *filter(None, [to.service])):
        desk = _desk(db, here, line_of(key)[:LONGEST])
        if desk is None or desk.closed_at is not None:
            raise Refusal("routing-closed", where=where)
    if _there(db, here, to, INVOICE) is None:
        raise Refusal("routing-desk", where=where)


def _open_waiting(db: Db, collectivity_id: int) -> int:
    """Give to be opened what waited for a sorting desk."""
    query = sa.select(Arrival).where(
        Arrival.collectivity_id == collectivity_id,
        Arrival.state == State.WAITING,
        Arrival.reason == NO_DESK,
    )
    found = list(db.scalars(query.with_for_update()))
    for arrival in found:
        arrival.reason, arrival.reason_facts, arrival.tries = None, {}, arrival.tries + 1
        telling.ask(db, arrival)
    return len(found)


def waiting(db: Db, collectivity_id: int) -> int:
    """How many arrivals wait for a sorting desk."""
    query = sa.select(sa.func.count()).where(
        Arrival.collectivity_id == collectivity_id, Arrival.state == State.WAITING, Arrival.reason == NO_DESK
    )
    return db.scalar(query) or 0
