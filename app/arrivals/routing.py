"""Where arrivals go: the sorting desk, which has all that no row catches, and the desk that each arrival is led to.

Nothing is without an owner: a desk that is closed, or where nobody may deposit, leaves its arrivals to the sorting desk, and
it is said; without a sorting desk that holds, arrivals wait, and whoever administers is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.arrivals import telling
from app.arrivals.models import Arrival, ArrivalRouting, State
from app.circuits import own_types
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor, Seat, require
from app.people.models import Desk, Holder, User
from workflows.family import Family, families, family
from workflows.rights import Rights, allows
from workflows.vocabulary import Right

NO_DESK = "arrival-no-desk"
INVOICE = "invoice"
SERVICE = "proof_of_service"
"""The field of an invoice that names the desk which attests the service done."""


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
        return cls(data["desk"], data["kind"], data.get("service", ""), bool(data.get("send")))

    def to_data(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {"desk": self.desk, "kind": self.kind, "service": self.service, "send": self.send}


@dataclass(frozen=True)
class Led:
    """Where an arrival goes: the desk, the type, what else the routing says of the folder, and what is told of the choice."""

    seat: Seat
    kind: Family
    facts: Mapping[str, Any]
    send: bool
    told: tuple[str, ...] = ()


def routing_of(db: Db, collectivity_id: int) -> ArrivalRouting | None:
    """The routing of a collectivity, None before anything was chosen."""
    return db.scalar(sa.select(ArrivalRouting).where(ArrivalRouting.collectivity_id == collectivity_id))


def sorting_desk(db: Db, collectivity_id: int) -> int | None:
    """The number of the sorting desk, None while there is none."""
    routing = routing_of(db, collectivity_id)
    if routing is None or routing.otherwise is None:
        return None
    query = sa.select(Desk.id).where(
        Desk.collectivity_id == collectivity_id, Desk.key == routing.otherwise["desk"]
    )
    number: int | None = db.scalar(query)
    return number


def led(db: Db, collectivity_id: int, kind: str, clues: Mapping[str, Any]) -> Led:
    """Where what says this goes, `kind` being the type as which it came; refuses `arrival-no-desk` where nobody would have it."""
    del clues
    routing = routing_of(db, collectivity_id)
    if routing is None or routing.otherwise is None:
        raise Refusal(NO_DESK)
    found = _there(db, collectivity_id, Destination.from_data(routing.otherwise), kind)
    if found is None:
        raise Refusal(NO_DESK)
    return found


def _there(db: Db, collectivity_id: int, to: Destination, came_as: str) -> Led | None:
    """A destination as it stands now: None where its desk is closed, may not deposit the type, or nobody there may."""
    kind = kind_named(db, collectivity_id, to.kind or came_as)
    desk = db.scalar(sa.select(Desk).where(Desk.collectivity_id == collectivity_id, Desk.key == to.desk))
    if kind is None or desk is None or desk.closed_at is not None:
        return None
    if any(only and desk.key not in only for only in (kind.restricted_to, kind.deposited_by)):
        return None
    if not depositors(db, desk.id, kind):
        return None
    facts: dict[str, Any] = {}
    told: list[str] = []
    if to.service and kind.field(SERVICE):
        service = sa.select(Desk).where(Desk.collectivity_id == collectivity_id, Desk.key == to.service)
        attesting = db.scalar(service)
        if attesting is not None and attesting.closed_at is None:
            facts[SERVICE] = attesting.key
        else:
            told.append("Le bureau qui devait attester le service fait est fermé : choisissez-en un autre.")
    seat = Seat(desk.id, desk.key, desk.name, Rights.of(Right.CREATE))
    return Led(seat, kind, facts, to.send, tuple(told))


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
def choose(db: Db, actor: Actor, to: Destination, shown: int) -> int:
    """Choose the sorting desk; what waits for one is opened. Returns how many arrivals waited.

    Refuses `right-missing`, `routing-moved` where the routing is no more the one that was `shown`, `desk-unknown`,
    `routing-kind` and `routing-desk` of a desk where nobody may deposit that.
    """
    require(actor, Right.ADMINISTER)
    routing = routing_of(db, actor.collectivity_id)
    if (routing.revision if routing else 0) != shown:
        raise Refusal("routing-moved")
    if to.kind and to.kind not in dict(kinds(db, actor.collectivity_id)):
        raise Refusal("routing-kind")
    for key in filter(None, (to.desk, to.service)):
        desk = db.scalar(
            sa.select(Desk).where(Desk.collectivity_id == actor.collectivity_id, Desk.key == key)
        )
        if desk is None or desk.closed_at is not None:
            raise Refusal("desk-unknown", desk=key)
    if _there(db, actor.collectivity_id, to, INVOICE) is None:
        raise Refusal("routing-desk")
    if routing is None:
        routing = ArrivalRouting(collectivity_id=actor.collectivity_id, rows=[], otherwise=None, revision=0)
        db.add(routing)
    if routing.otherwise == to.to_data():
        return 0
    before, routing.otherwise, routing.revision = routing.otherwise, to.to_data(), routing.revision + 1
    db.flush()  # a rival is met here
    facts = {"was": before, "is": to.to_data(), "words": to.desk, "address": actor.address}
    append(db, actor.collectivity_id, Event("arrival.routing", actor.name, actor.user_id, None, facts))
    return _open_waiting(db, actor.collectivity_id)


def _open_waiting(db: Db, collectivity_id: int) -> int:
    """Give to be opened what waited for a sorting desk."""
    query = sa.select(Arrival).where(
        Arrival.collectivity_id == collectivity_id,
        Arrival.state == State.WAITING,
        Arrival.reason == NO_DESK,
    )
    waiting = list(db.scalars(query.with_for_update()))
    for arrival in waiting:
        arrival.reason, arrival.reason_facts, arrival.tries = None, {}, arrival.tries + 1
        telling.ask(db, arrival)
    return len(waiting)


def waiting(db: Db, collectivity_id: int) -> int:
    """How many arrivals wait for a sorting desk."""
    query = sa.select(sa.func.count()).where(
        Arrival.collectivity_id == collectivity_id, Arrival.state == State.WAITING, Arrival.reason == NO_DESK
    )
    return db.scalar(query) or 0
