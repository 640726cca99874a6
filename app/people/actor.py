"""Who is asking, frozen: plain facts that a verb may keep, never a row."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from app.core.refusals import Refusal
from workflows.mandates import Mandate
from workflows.rights import NONE, Rights
from workflows.vocabulary import Right

if TYPE_CHECKING:
    from app.people.logo import Shown

LONGER = (60, 120, 300)
"""For how many seconds a person may choose to take back what he has just done: to ten times as long as any installation says."""


@dataclass(frozen=True)
class Seat:
    """A desk that the actor holds, with the rights held there.

    `past`: those that he held there until it was `closed`, by which he reads on what came to it, and does nothing.
    """

    desk_id: int
    key: str
    name: str
    rights: Rights
    past: Rights = NONE
    closed: bool = False

    @property
    def reading(self) -> Rights:
        """The rights by which folders are read there."""
        return self.rights | self.past if self.past else self.rights

    def gives(self, right: Right, of_type: tuple[str, str] | None) -> bool:
        """Whether a right is held there: on the folders of this type (`Folder.of_type`), None for on some at all."""
        return right in self.rights if of_type is None else self.rights.covers(right, *of_type)


@dataclass(frozen=True)
class Cover:
    """A desk where the actor stands in for somebody who is away now: `seat` has what the cover lends there, and no more.

    `number`: of the absence. `seat.rights` are none where the actor is only to read; `types`: of which folders, none for all.
    """

    number: int
    absent_id: int
    absent: str
    seat: Seat
    types: tuple[str, ...] = ()


@dataclass(frozen=True)
class Actor:
    """A person, an application or the system itself, inside one collectivity.

    `by_mandate`: whether the collectivity has recorded a mandate, so that nobody signs in its name without one
    (docs/decisions/0015); `login`: by which the person of a session entered, empty outside one;
    `mandates`: those of this person, ended ones as well. `person_id`: who enters by the account
    (`app/people/persons.py`); `several`: he has an open one in another collectivity too. `factors`: how many second
    factors the person has; `factor_due`: the collectivity wants one, and there is none. `former`: the request came with
    the token that the last proof of this session replaced. `ends_idle_at`: when this session closes if nobody uses it any
    more; None where it does not, or ends of itself before. `idle_minutes`: how long a session waits for the next
    page, 0 for ever. `shown_name`: what the collectivity is called on its pages, where that is not its own name.
    `logo`: its logo, if any.
    `covers`: the desks where he stands in for somebody now (`app/people/covers.py`); they are none of his `seats`.
    `branch_id`: the desk whose branch a delegated administrator has; None of anybody else.
    `take_back_seconds`: for how long he takes back what he has just done, where he has chosen longer than others.
    `arrived` and `guided`: whether the person has read what to do first, and is shown the first signature step by step.
    """

    kind: str
    collectivity_id: int
    name: str
    capacity: str = ""
    login: str = ""
    user_id: int | None = None
    person_id: int | None = None
    application_id: int | None = None
    administrator: bool = False
    branch_id: int | None = None
    seats: tuple[Seat, ...] = ()
    covers: tuple[Cover, ...] = ()
    by_mandate: bool = False
    mandates: tuple[Mandate, ...] = ()
    first_name: str = ""
    last_name: str = ""
    collectivity_name: str = ""
    theme: str = "auto"
    shortcuts: bool = True
    compact: bool = field(default=False, compare=False)
    columns_off: frozenset[str] = field(default=frozenset(), compare=False)
    session_id: int | None = None
    factors: int = 0
    factor_due: bool = False
    several: bool = False
    former: bool = False
    ends_idle_at: datetime | None = field(default=None, compare=False)
    address: str = field(default="", compare=False)
    idle_minutes: int = field(default=0, compare=False)
    shown_name: str = field(default="", compare=False)
    logo: "Shown | None" = field(default=None, compare=False)
    arrived: bool = field(default=True, compare=False)
    guided: bool = field(default=False, compare=False)
    take_back_seconds: int | None = field(default=None, compare=False)

    @property
    def desk_ids(self) -> frozenset[int]:
        """The desks held, whatever the rights."""
        return frozenset(seat.desk_id for seat in self.seats)

    @property
    def desk_line(self) -> str:
        """The names of the desks held that are open, in one line; empty for none."""
        return ", ".join(seat.name for seat in self.seats if not seat.closed)

    @property
    def delegated(self) -> bool:
        """Whether the actor administers a branch of the desks, and no more."""
        return self.branch_id is not None and not self.administrator

    @property
    def initials(self) -> str:
        """« AK »."""
        return "".join(part[:1] for part in (self.first_name or self.name, self.last_name)).upper()

    @property
    def may_create(self) -> bool:
        """Whether some desk lets this actor deposit."""
        return bool(self.desks_with(Right.CREATE))

    @property
    def may_sign(self) -> bool:
        """Whether some desk lets this actor sign."""
        return bool(self.desks_with(Right.SIGN))

    def desks_with(self, right: Right, of_type: tuple[str, str] | None = None) -> frozenset[int]:
        """The desks where this actor holds a right on the folders of this type; None: on some folders at least."""
        return frozenset(seat.desk_id for seat in self.seats if seat.gives(right, of_type))

    def covered_with(self, right: Right, of_type: tuple[str, str] | None = None) -> frozenset[int]:
        """The desks where a cover lends a right on the folders of this type; None: on some folders at least."""
        return frozenset(cover.seat.desk_id for cover in self.covers if cover.seat.gives(right, of_type))

    def cover_at(self, desk_id: int | None, right: Right, of_type: tuple[str, str]) -> Cover | None:
        """The cover by which the actor has a right at a desk; None where his own seat gives it, or nothing does."""
        if desk_id in self.desks_with(right, of_type):
            return None
        lent = (
            cover
            for cover in self.covers
            if cover.seat.desk_id == desk_id and cover.seat.gives(right, of_type)
        )
        return next(lent, None)

    def may(self, right: Right) -> bool:
        """Whether the right is held at all, by a seat or under a cover: who may knock at a page."""
        return self.holds(right) or bool(self.covered_with(right))

    def holds(self, right: Right, of_type: tuple[str, str] | None = None) -> bool:
        """Whether the right is held at all, at any desk (administering belongs to the person, not to a desk)."""
        return self.administrator if right is Right.ADMINISTER else bool(self.desks_with(right, of_type))


def system(collectivity_id: int, name: str = "Paraphe") -> Actor:
    """The product itself, for what starts alone: seals, transmissions, receipts."""
    return Actor(kind="system", collectivity_id=collectivity_id, name=name)


def require(actor: Actor, right: Right) -> None:
    """Refuse whoever has the right nowhere, neither by a seat nor under a cover (`right-missing`)."""
    if not actor.may(right):
        raise Refusal("right-missing", right=right.value)
