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


@dataclass(frozen=True)
class Seat:
    """A desk that the actor holds, with the rights held there.

    `past`: those that he held there until it was closed, by which he reads on what came to it, and does nothing.
    """

    desk_id: int
    key: str
    name: str
    rights: Rights
    past: Rights = NONE

    @property
    def reading(self) -> Rights:
        """The rights by which folders are read there."""
        return self.rights | self.past if self.past else self.rights

    def gives(self, right: Right, of_type: tuple[str, str] | None) -> bool:
        """Whether a right is held there: on the folders of this type (`Folder.of_type`), None for on some at all."""
        return right in self.rights if of_type is None else self.rights.covers(right, *of_type)


@dataclass(frozen=True)
class Actor:
    """A person, an application or the system itself, inside one collectivity.

    `by_mandate`: whether the collectivity has recorded a mandate, so that nobody signs in its name without one
    (docs/decisions/0015); `login`: by which the person of a session entered;
    `mandates`: those of this person, ended ones as well. `person_id`: who enters by the account
    (`app/people/persons.py`); `several`: he has an open one in another collectivity too. `factors`: how many second
    factors the person has; `factor_due`: the collectivity wants one, and there is none. `former`: the request came with
    the token that the last proof of this session replaced. `ends_idle_at`: when this session closes if nobody uses it any
    more; None where it does not, or ends of itself before. `idle_minutes`: how long a session waits for the next
    page, 0 for ever. `shown_name`: what the collectivity is called on its pages, where that is not its own name.
    `logo`: its logo, if any.
    `branch_id`: the desk whose branch a delegated administrator has; None of anybody else.
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
    by_mandate: bool = False
    mandates: tuple[Mandate, ...] = ()
    first_name: str = ""
    last_name: str = ""
    collectivity_name: str = ""
    theme: str = "auto"
    shortcuts: bool = True
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

    @property
    def desk_ids(self) -> frozenset[int]:
        """The desks held, whatever the rights."""
        return frozenset(seat.desk_id for seat in self.seats)

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

    def holds(self, right: Right, of_type: tuple[str, str] | None = None) -> bool:
        """Whether the right is held at all, at any desk (administering belongs to the person, not to a desk)."""
        return self.administrator if right is Right.ADMINISTER else bool(self.desks_with(right, of_type))


def system(collectivity_id: int, name: str = "Paraphe") -> Actor:
    """The product itself, for what starts alone: seals, transmissions, receipts."""
    return Actor(kind="system", collectivity_id=collectivity_id, name=name)


def require(actor: Actor, right: Right) -> None:
    """Refuse whoever does not hold the right anywhere (`right-missing`)."""
    if not actor.holds(right):
        raise Refusal("right-missing", right=right.value)
