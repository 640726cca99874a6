"""What an administrator does to desks in the browser: open one, name it, place it under another, say who holds it."""

import re
import unicodedata
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from app.core.db import Db
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.security import new_token
from app.core.texts import looks_of, refuse_foreign
from app.core.transaction import use_case
from app.people.accounts import refuse_outside
from app.people.actor import Actor
from app.people.branches import Branch, administers_more, desks_below, is_reached, only_in
from app.people.desks import write_down
from app.people.given import refuse_odd, refuse_unknown, rights_of, seat_facts, types_called
from app.people.models import Desk, Holder, User
from workflows.rights import Rights
from workflows.vocabulary import Right

LONGEST = 80
KEY_LONGEST = 40
KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
SEATED = "desk_rights"
GRANTED = tuple(right for right in Right if right is not Right.ADMINISTER)
"""What a person may be given at a desk; to administer is said of an account."""
LIMITED = tuple(right for right in GRANTED if right is not Right.FOLLOW)
"""What may be given for some types of folders alone; who follows a desk follows all that he may read there."""


@use_case
def open_desk(db: Db, actor: Actor, name: str, parent_id: int | None, key: str = "") -> int:
    """Open a desk under its superior (None: under none); its number.

    A delegated administrator opens it under a desk of his branch, with a key of that branch. Circuits name it by its key,
    which stays when the name changes: `key` for a desk that a circuit names already, else one that is made of its name.
    Refuses `identity-needed`, `desk-name`, `desk-name-taken` (of a name that is outside his branch `desk-name-not-free`),
    `desk-key`, `desk-taken`, `desk-absent` or `desk-closed` of the superior.
    """
    branch = refuse_outside(db, actor, parent_id)
    if parent_id is not None:
        _desk(db, actor, parent_id)
    if branch is None:
        return add_desk(db, actor, name, parent_id, key).id
    # Never a word by which circuits name a desk that lacks: the collectivity's folders would come into the branch
    root = db.get_one(Desk, actor.branch_id)
    return add_desk(db, actor, name, parent_id, "", made_of=f"{root.key} {name}").id


def add_desk(
    db: Db,
    actor: Actor,
    name: str,
    parent_id: int | None,
    key: str,
    *,
    made_of: str | None = None,
    renamed: Collection[int] = (),
) -> Desk:
    """The desk of `open_desk`, in the transaction of who has refused who may not; the superior is known to be there.

    `made_of`: the words that its key is made of, its name unless they are said. `renamed`: as `write_desk`.
    """
    name = _name(db, actor, name, None, renamed)
    desk = Desk(
        collectivity_id=actor.collectivity_id,
        key=_key(db, actor, key or made_of or name, exact=bool(key)),
        name=name,
        parent_id=parent_id,
    )
    db.add(desk)
    db.flush()
    write_down(db, actor.collectivity_id, "desk.opened", actor, desk=desk.key, name=name)
    return desk


@use_case
def change_desk(
    db: Db,
    actor: Actor,
    desk_id: int,
    name: str,
    parent_id: int | None,
    *,
    shown: tuple[str, int | None] | None = None,
) -> bool:
    """Name a desk otherwise, or place it under another; False when it was so already.

    A delegated administrator moves within his branch, whose own place he does not change: it is said as no superior.
    `shown`: the name and the superior that the page showed; when somebody changed them since, nothing is written
    (`desk-moved`). Refuses `identity-needed`, `desk-absent`, `desk-closed` of it or its new superior, `desk-name`,
    `desk-name-taken` or `desk-name-not-free`, and `desk-below-itself` of a superior that is the desk, or depends on it.
    """
    branch = refuse_outside(db, actor, desk_id)
    if branch is not None and desk_id == actor.branch_id:
        # Where the branch stands among the others is the collectivity's
        if parent_id is not None:
            raise Refusal("desk-absent")
        parent_id = db.get_one(Desk, desk_id).parent_id
        shown = (shown[0], parent_id) if shown is not None else None
    elif branch is not None and parent_id not in branch:
        raise Refusal("desk-absent")
    return write_desk(db, actor, desk_id, name, parent_id, shown=shown)


def write_desk(
    db: Db,
    actor: Actor,
    desk_id: int,
    name: str,
    parent_id: int | None,
    *,
    shown: tuple[str, int | None] | None = None,
    renamed: Collection[int] = (),
) -> bool:
    """What `change_desk` writes, in the transaction of who has refused who may not.

    `renamed`: the desks that get another name in it too: they keep nobody from theirs, and who writes them asks
    `refuse_alike` at the end.
    """
    # All of them: of two moves at the same time, each could put one desk under the other
    every = sa.select(Desk).where(Desk.collectivity_id == actor.collectivity_id).order_by(Desk.id)
    desks = {desk.id: desk for desk in db.scalars(every.with_for_update())}
    desk = desks.get(desk_id)
    if desk is None or (parent_id is not None and parent_id not in desks):
        raise Refusal("desk-absent")
    for place in (desk, desks.get(parent_id or 0)):
        if place is not None and place.closed_at is not None and place.id != desk.parent_id:
            raise Refusal("desk-closed", name=place.name)
    if shown is not None and shown != (desk.name, desk.parent_id):
        raise Refusal("desk-moved")
    name = _name(db, actor, name, desk, renamed)
    above = parent_id
    while above is not None:
        if above == desk.id:
            raise Refusal("desk-below-itself", name=desks[parent_id or desk.id].name)
        above = desks[above].parent_id
    facts = {}
    if name != desk.name:
        facts["called"] = {"was": desk.name, "now": name}
    if parent_id != desk.parent_id:
        was, now = (
            desks[number].name if number is not None else "" for number in (desk.parent_id, parent_id)
        )
        facts["above"] = {"was": was, "now": now}
    if not facts:
        return False
    desk.name, desk.parent_id = name, parent_id
    write_down(db, actor.collectivity_id, "desk.changed", actor, desk=desk.key, **facts)
    return True


@use_case
def seat_all(
    db: Db, actor: Actor, desk_id: int, wanted: Mapping[int, Rights], shown: Mapping[int, Rights]
) -> int:
    """Give each of these people these rights at a desk, none to take it from him; how many seats changed.

    `wanted` names people by number; who is not in it keeps what he has. `shown` is what the page showed of all who held it:
    when somebody changed it since, nothing is written (`seats-moved`). Each is told by mail, and the journal has a line
    for each. Refuses `identity-needed`, `desk-absent`, `desk-closed`, `person-unknown`, `person-closed` for who would be given
    something, what `refuse_odd` and `refuse_unknown` refuse, and of who administers a branch `seat-last`: whoever would sit
    nowhere would be out of his reach, with an account that he opened and could close no more.
    """
    branch = refuse_outside(db, actor, desk_id)
    desk = _desk(db, actor, desk_id)
    rows = {
        holder.user_id: holder
        for holder in db.scalars(sa.select(Holder).where(Holder.desk_id == desk.id).with_for_update())
    }
    if {user_id: rights_of(row) for user_id, row in rows.items()} != dict(shown):
        raise Refusal("seats-moved")
    people = {
        user.id: user
        for user in db.scalars(
            sa.select(User).where(User.collectivity_id == actor.collectivity_id, User.id.in_(wanted))
        )
    }
    if left := left_out(db, branch, desk.id, wanted):
        raise Refusal("seat-last", name=left[0])
    changed = 0
    for user_id, rights in wanted.items():
        user, row = people.get(user_id), rows.get(user_id)
        if user is None or (rights != rights_of(row) and not _reached(db, branch, user, row)):
            raise Refusal("person-unknown")
        refuse_unknown(db, actor.collectivity_id, rights.without(rights_of(row)))
        changed += give(db, actor, desk, user, rights, row)
    return changed


def left_out(db: Db, branch: Branch | None, desk_id: int, wanted: Mapping[int, Rights]) -> list[str]:
    """The names of those whom an administrator of this branch could reach no more: this is their last seat, and it is taken."""
    taken = [user_id for user_id, rights in wanted.items() if not rights]
    if branch is None or not taken:
        return []
    elsewhere = sa.exists().where(Holder.user_id == User.id, Holder.desk_id != desk_id)
    holds = sa.exists().where(Holder.user_id == User.id, Holder.desk_id == desk_id)
    only = sa.select(User).where(
        User.id.in_(taken), User.active.is_(True), only_in(branch), holds, ~elsewhere
    )
    return [user.name for user in db.scalars(only.order_by(User.id))]


def _reached(db: Db, branch: Branch | None, user: User, row: Holder | None) -> bool:
    """Whether who administers a branch, None for the collectivity, changes what somebody may do at a desk of it.

    Of who sits there already, unless he administers more; nobody who sits elsewhere is brought in.
    """
    if branch is None:
        return True
    return not administers_more(user, branch) if row is not None else is_reached(db, branch, user.id)


def give(
    db: Db, actor: Actor, desk: Desk, user: User, rights: Rights, row: Holder | None, *, tell: bool = True
) -> bool:
    """Write what somebody may do at a desk, `row` being what it holds of him; False when it was so already.

    `tell`: he is written to; whoever is only now invited reads it in that letter's place. Refuses what `refuse_odd`
    refuses, `person-closed` of who would be given something.
    """
    refuse_odd(rights)
    was = rights_of(row)
    if rights == was:
        return False
    if rights and not user.active:
        raise Refusal("person-closed", name=user.name)
    _write(db, row, user, desk, rights)
    facts = seat_facts(desk.key, was, rights)
    write_down(db, actor.collectivity_id, "desk.rights", actor, whose=user.id, **facts)
    if tell:
        _tell(db, actor, desk, user, was, rights)
    return True


def _write(db: Db, row: Holder | None, user: User, desk: Desk, rights: Rights) -> None:
    if row is not None and not rights:
        db.delete(row)
    elif row is not None:
        row.rights = list(rights.grants)
    elif rights:
        db.add(Holder(user_id=user.id, desk_id=desk.id, rights=list(rights.grants)))


def _desk(db: Db, actor: Actor, desk_id: int) -> Desk:
    """The desk, locked: of two administrators at the same table of seats, the second is refused."""
    query = sa.select(Desk).where(Desk.collectivity_id == actor.collectivity_id, Desk.id == desk_id)
    desk = db.scalar(query.with_for_update())
    if desk is None:
        raise Refusal("desk-absent")
    if desk.closed_at is not None:
        raise Refusal("desk-closed", name=desk.name)
    return desk


def refuse_alike(db: Db, actor: Actor, desk: Desk) -> None:
    """Refuse a desk whose name, as it now is, another has too, or one that looks like it (`desk-name-taken`)."""
    every = sa.select(Desk.name).where(Desk.collectivity_id == actor.collectivity_id, Desk.id != desk.id)
    looks = looks_of(desk.name)
    if any(name == desk.name or looks & looks_of(name) - {""} for name in db.scalars(every)):
        raise Refusal("desk-name-taken", name=desk.name)


def _name(db: Db, actor: Actor, name: str, desk: Desk | None, renamed: Collection[int] = ()) -> str:
    name = " ".join(unicodedata.normalize("NFC", name).split())
    if desk is not None and name == desk.name:
        return name
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise Refusal("desk-name", most=LONGEST)
    refuse_foreign(name)
    every = sa.select(Desk.id, Desk.name).where(Desk.collectivity_id == actor.collectivity_id)
    looks = looks_of(name)
    alike = {row.id for row in db.execute(every) if row.name == name or looks & looks_of(row.name) - {""}}
    alike -= {*renamed, *({desk.id} if desk is not None else ())}
    if alike and actor.delegated and alike.isdisjoint(_own(db, actor)):
        raise Refusal("desk-name-not-free")  # of what is outside, not even that it is a desk
    if alike:
        raise Refusal("desk-name-taken", name=name)
    return name


def _own(db: Db, actor: Actor) -> Branch:
    return desks_below(db, actor.collectivity_id, actor.branch_id) if actor.branch_id else frozenset()


def _key(db: Db, actor: Actor, text: str, *, exact: bool) -> str:
    """The key that is asked, or one made of a name: « direction-des-finances », « …-2 » when another desk has it."""
    parted = unicodedata.normalize("NFKD", text.lower())
    letters = "".join(letter for letter in parted if not unicodedata.combining(letter))
    stem = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:KEY_LONGEST].strip("-") or "bureau"
    taken = set(db.scalars(sa.select(Desk.key).where(Desk.collectivity_id == actor.collectivity_id)))
    if exact:
        if not KEY.fullmatch(text):
            raise Refusal("desk-key")
        if text in taken:
            raise Refusal("desk-taken", desk=text)
        return text
    return next(
        key
        for number in range(1, len(taken) + 2)
        if (key := stem if number == 1 else f"{stem}-{number}") not in taken
    )


def _tell(db: Db, actor: Actor, desk: Desk, user: User, was: Rights, rights: Rights) -> None:
    """A letter of what was given at a desk and what was taken; to the other administrators when one serves himself."""
    own = user.id == actor.user_id
    readers = [user]
    if own:
        others = sa.select(User).where(
            User.collectivity_id == actor.collectivity_id,
            User.administrator.is_(True),
            User.active.is_(True),
            User.id != user.id,
        )
        readers = list(db.scalars(others.order_by(User.id)))
    called = types_called(db, actor.collectivity_id, was, rights)
    change = {
        "what": rights.without(was).in_words(called),
        "lost": was.without(rights).in_words(called),
        "keeps": rights.in_words(called) if was else "",
    }
    mark = new_token()[:16]
    for reader in readers:
        if not reader.active:
            continue
        facts = change | {
            "event": SEATED,
            "user_id": reader.id,
            "by": actor.name,
            "desk": desk.name,
            "whose": user.name,
        }
        facts |= {"own": reader.id == user.id, "declined": not rights}
        facts["page"] = "/compte" if reader.id == user.id else f"/administration/bureaux/{desk.id}"
        key = f"{SEATED}-{desk.id}-{user.id}-{reader.id}-{mark}"
        post(db, actor.collectivity_id, [News("mail", key, facts, None, reader.email)])
