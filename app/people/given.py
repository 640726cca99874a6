"""Rights given at a desk: what a row holds of them, what is refused, and what the journal tells."""

from typing import Any

from app.core.refusals import Refusal
from app.people.models import Holder
from workflows.family import families
from workflows.rights import Rights, parted_type
from workflows.vocabulary import Right


def rights_of(row: Holder | None) -> Rights:
    """What a row gives; nothing where there is none."""
    return Rights.read(row.rights) if row is not None else Rights()


def seat_facts(desk: str, was: Rights, rights: Rights) -> dict[str, Any]:
    """What a line of the journal tells of rights at a desk; `apart`: to publish is told apart from the visa."""
    return {"desk": desk, "was": list(was.words), "rights": list(rights.words), "apart": True}


def refuse_odd(rights: Rights) -> None:
    """Refuse rights that no desk gives: to administer, or one for a family that is unknown here (`bad-request`).

    And to follow beside a right to act (`follow-alone`): whoever acts follows.
    """
    if Right.ADMINISTER in rights:
        raise Refusal("bad-request", detail="droit inconnu")
    for right in rights:
        for one in rights.types(right) or ():
            if right is Right.FOLLOW or parted_type(one)[0] not in families():
                raise Refusal("right-type-unknown", type=one)
    if Right.FOLLOW in rights and len(rights) > 1:
        raise Refusal("follow-alone")
