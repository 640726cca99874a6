"""Rights given at a desk: what a row holds of them, what is refused, and what the journal tells."""

from collections.abc import Callable, Mapping
from typing import Any

from app.core.db import Db
from app.core.refusals import Refusal
from app.people.models import Holder
from workflows.family import families
from workflows.rights import OWN_TYPE, Rights, parted_type
from workflows.vocabulary import Right

CALLED: list[Callable[[Db, int], Mapping[str, str]]] = []
"""Who knows the types that a collectivity made, by the names that rights give them (`app/circuits`, once it is plugged)."""


def types_called(db: Db, collectivity_id: int, *rights: Rights) -> dict[str, str]:
    """The families and, where one of these rights is for a type made from one, the types of the collectivity, in words."""
    called = {name: family.plural for name, family in families().items()}
    if any(OWN_TYPE in word for seat in rights for word in seat.grants):
        for names in CALLED:
            called |= names(db, collectivity_id)
    return called


def refuse_unknown(db: Db, collectivity_id: int, rights: Rights) -> None:
    """Refuse a right for a type that the collectivity does not have (`right-type-unknown`): it would wait for who makes one."""
    called = types_called(db, collectivity_id, rights)
    limits = (kind for right in rights for kind in rights.types(right) or ())
    if unknown := next((kind for kind in limits if kind not in called), None):
        raise Refusal("right-type-unknown", type=unknown)


def rights_of(row: Holder | None) -> Rights:
    """What a row gives; nothing where there is none."""
    return Rights.read(row.rights) if row is not None else Rights()


def seat_facts(desk: str, was: Rights, rights: Rights) -> dict[str, Any]:
    """What a line of the journal tells of rights at a desk; `apart`: to publish is told apart from the visa."""
    return {"desk": desk, "was": list(was.grants), "rights": list(rights.grants), "apart": True}


def refuse_odd(rights: Rights) -> None:
    """Refuse rights that no desk gives: to administer, or one for a family that is unknown here (`bad-request`).

    And to follow beside a right to act (`follow-alone`): whoever acts follows.
    """
    if Right.ADMINISTER in rights:
        raise Refusal("bad-request", detail="droit inconnu")
    for right in rights:
        for kind in rights.types(right) or ():
            if right is Right.FOLLOW or parted_type(kind)[0] not in families():
                raise Refusal("right-type-unknown", type=kind)
    if Right.FOLLOW in rights and len(rights) > 1:
        raise Refusal("follow-alone")
