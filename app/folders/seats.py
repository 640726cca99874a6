"""From a circuit's words to desks and people: who is awaited at a step, and whether the step can ever end."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.circuits.library import family_of
from app.core.clock import today
from app.core.db import OURS_ALREADY, Db, key_in
from app.core.french import instant
from app.core.grammar import de, plural
from app.core.prepared import Prepared
from app.core.questions import Asked, Query, Rows, keep, kept, once, read_beside
from app.core.refusals import Refusal
from app.folders.facts import act_of
from app.folders.models import ASKED, WRITERS, AskedOpinion, Beside, Folder, StepRun
from app.people.covers import Away, away_asked, away_at, by_person, moment_on, until
from app.people.mandates import as_their_orders_stand, held_key, law_of, mandates, recorded_key
from app.people.models import Application, Desk, Holder, MandateRow, User
from workflows.absences import concerns
from workflows.circuit import Circuit, Step, StepKind, Who, WhoKind
from workflows.engine import filled
from workflows.mandates import Act, Mandate, covers, stands
from workflows.rights import allows
from workflows.vocabulary import Right

_desk, _holder, _user = Desk.__table__, Holder.__table__, User.__table__
_people = (
    sa.select(
        _desk.c.id,
        _desk.c.key,
        _desk.c.name,
        _user.c.id,
        _user.c.first_name,
        _user.c.last_name,
        _user.c.email,
        _holder.c.rights,
    )
    .select_from(_desk)
    # In the ON, not the WHERE: a desk that is closed, or has nobody, is still given, with nobody in it.
    .outerjoin(_holder, sa.and_(_holder.c.desk_id == _desk.c.id, _desk.c.closed_at.is_(None)))
    .outerjoin(
        _user,
        sa.and_(
            _user.c.id == _holder.c.user_id,
            _user.c.collectivity_id == _desk.c.collectivity_id,
            _user.c.active.is_(True),
        ),
    )
    .where(_desk.c.collectivity_id == sa.bindparam("here"))
    # Always in this order, which is that of the parts of a step and of who is named for each.
    .order_by(_desk.c.id, _user.c.id)
)
# Each person beside each of his mandates: who signs at a desk needs both, and they are read in the same statement.
_recorded, _mandate, _giver = aliased(MandateRow), aliased(MandateRow), aliased(MandateRow)
_signers = (
    _people.outerjoin(
        _mandate, sa.and_(_mandate.user_id == _user.c.id, _mandate.collectivity_id == _desk.c.collectivity_id)
    )
    .outerjoin(_giver, _giver.id == _mandate.given_by_id)
    .add_columns(
        sa.exists().where(_recorded.collectivity_id == sa.bindparam("here")).label("by_mandate"),
        _mandate,
        _giver,
    )
    # Read again: a mandate that this session knows may have been ended since.
    .execution_options(populate_existing=True, **{OURS_ALREADY: True})
)
# Built once at import: nearly every step names one desk, and every move reads the people of the next step.
_OF_KEY, _OF_KEYS = (
    _desk.c.key == sa.bindparam("key"),
    _desk.c.key.in_(sa.bindparam("keys", expanding=True)),
)
_people_of_key, _people_of_keys = _people.where(_OF_KEY), _people.where(_OF_KEYS)
_people_of_key_alone = Prepared(_people_of_key)
# Of a way that is checked before a folder takes it: whoever closes one of its desks waits until it is on its way.
# Shared: folders that leave for one desk do not wait for one another, only for who closes it (FOR UPDATE).
_LOCK: Any = {"read": True, "key_share": True, "of": _desk}
_locked_of_key, _locked_of_keys = (
    _people_of_key.with_for_update(**_LOCK),
    _people_of_keys.with_for_update(**_LOCK),
)
_signers_of_key, _signers_of_keys = _signers.where(_OF_KEY), _signers.where(_OF_KEYS)

_OF_NUMBERS = (
    _desk.c.id.in_(sa.bindparam("desks", expanding=True)),
    _user.c.id.in_(sa.bindparam("persons", expanding=True)),
)
_signers_awaited = _signers.where(sa.or_(*_OF_NUMBERS))
_runs = StepRun.__table__
_opinion: Any = AskedOpinion.__table__
_every_run = (
    sa.select(
        _runs,
        _desk.c.name.label("desk"),
        Folder.__table__.c.depositor_user_id,
        Folder.__table__.c.sources[WRITERS].label("writers"),
    )
    .outerjoin(_desk, _desk.c.id == _runs.c.desk_id)
    .join(Folder.__table__, Folder.__table__.c.id == _runs.c.folder_id)
    .where(
        Folder.__table__.c.collectivity_id == sa.bindparam("here"),
        _runs.c.folder_id.in_(sa.bindparam("folders", expanding=True)),
        _runs.c.state.in_(("active", "done")),
    )
    .order_by(_runs.c.id)
    .execution_options(**{OURS_ALREADY: True})
)
_open_runs = _every_run.where(~_runs.c.slot.startswith(ASKED)).add_columns(sa.null().label("asked_by_id"))
_blocking_runs = (
    _every_run.join(_opinion, _opinion.c.run_id == _runs.c.id)
    .where(_opinion.c.waits)
    .add_columns(_opinion.c.asked_by_id)
)


_DESK = "desk:"


@dataclass(frozen=True)
class People:
    """Who sits at the desk of a key, as the statement of `people_asked` has read it."""

    key: str
    rows: Sequence[Any]


def people_asked(folder: Folder, step: Step) -> Beside | None:
    """What reads who sits at the desk of a step, to be read with the parts of another step; None where it is not one desk.

    Nor where it signs: who does has a mandate, which is read beside him.
    """
    who = step.who[0] if len(step.who) == 1 else None
    if who is None or who.kind not in {WhoKind.DESK, WhoKind.CHOSEN} or step.kind is StepKind.SIGN:
        return None
    key = who.value if who.kind is WhoKind.DESK else str(folder.fields.get(who.value) or "")
    return Beside(_people_of_key, ("id", "id_1"), {"here": folder.collectivity_id, "key": key})


WIDTH = 11
"""The columns of `_signers`."""
AHEAD = "people of a page"


@dataclass(frozen=True)
class Person:
    """Somebody who may act for a slot, and where mail reaches him or her.

    `absent`: in whose absence, under a cover; empty for who sits there. `away`: until when he is away himself, None for who
    is there: he may act all the same, and nobody waits for it. `covered`: somebody stands in for him meanwhile.
    """

    user_id: int
    name: str
    email: str
    absent: str = ""
    away: datetime | None = None
    covered: bool = False


@dataclass(frozen=True)
class Slot:
    """One expected part at a step: a desk (any of its people with the right) or one named person.

    `seated`: those who have the right at the desk, whatever their mandates: for whom somebody may stand in.
    """

    key: str
    label: str
    desk_id: int | None
    named_user_id: int | None
    people: tuple[Person, ...]
    seated: tuple[Person, ...] = ()


@dataclass(frozen=True)
class DeskName:
    """A desk as a page names it."""

    id: int
    key: str
    name: str


@dataclass(frozen=True)
class _Ahead:
    """Desks and persons with all who sit there, as one statement gave them for a page (`read_ahead`).

    `rows`: as `_signers` gives them; `keys`, `desks` and `persons`: what was asked, of which nobody is left out; `above`:
    the superiors of the desk that deposits, by level.
    """

    keys: Collection[str]
    desks: Collection[int]
    persons: Collection[int]
    above: Mapping[int, int | None]
    rows: Sequence[Any]

    def of(self, keys: Collection[str], superiors: Collection[int]) -> list[Any] | None:
        """The rows of these desks; None where they were not all asked."""
        if set(keys).difference(self.keys) or set(superiors).difference(self.above):
            return None
        over = {self.above[level] for level in superiors}
        return [row for row in self.rows if row[1] in keys or row[0] in over]


def read_ahead(db: Db, folder: Folder, steps: Iterable[Step], desks: Collection[int]) -> None:
    """Read for a page, by one statement, who may act at these steps, whom the facts name, and `desks` besides."""
    keys, persons = _named_by_facts(folder)
    levels = set[int]()
    for who in (who for step in steps for who in step.who):
        value = str(folder.fields.get(who.value) or "")
        if who.kind is WhoKind.DESK:
            keys.add(who.value)
        elif who.kind is WhoKind.SUPERIOR:
            levels.add(int(who.value))
        elif who.kind is WhoKind.CHOSEN:
            keys.add(value)
        elif (number := key_in(value)) is not None:
            persons.add(number)
    order = sorted(levels)
    binds = {
        "here": folder.collectivity_id,
        "keys": list(keys),
        "desks": list(desks),
        "persons": list(persons),
    }
    rows = db.execute(_signers_there(folder.emitter_desk_id, order), binds).all()
    # The superiors are columns of every row, the last ones: the same statement tells them.
    above = dict(zip(order, rows[0][len(rows[0]) - len(order) :], strict=True)) if rows else {}
    _answer(db, folder, _Ahead(keys, desks, persons, above, [row[:WIDTH] for row in rows]))


def read_ahead_of(db: Db, places: Sequence[tuple[Folder, Step]]) -> None:
    """Read for a list, by one statement, who may act where each of these folders stands, at the desks and persons of its step."""
    if not places:
        return
    keys, persons = set[str](), set[int]()
    for folder, step in places:
        for who in step.who:
            # No superior here: `as_given` has put the desks that have its parts in their place.
            value = who.value if who.kind is WhoKind.DESK else str(folder.fields.get(who.value) or "")
            if who.kind in {WhoKind.DESK, WhoKind.CHOSEN}:
                keys.add(value)
            elif (number := key_in(value)) is not None:
                persons.add(number)
    folder = places[0][0]
    binds = {"here": folder.collectivity_id, "keys": list(keys), "desks": [], "persons": list(persons)}
    rows = db.execute(_signers.where(sa.or_(_OF_KEYS, *_OF_NUMBERS)), binds).all()
    _answer(db, folder, _Ahead(keys, (), persons, {}, [row[:WIDTH] for row in rows]))


def _named_by_facts(folder: Folder) -> tuple[set[str], set[int]]:
    """The desks, by key, and the persons that the facts of a folder name."""
    keys, persons = set[str](), set[int]()
    for one in family_of(folder.in_force).fields:
        value = str(folder.fields.get(one.key) or "")
        if one.type == "desk" and value:
            keys.add(value)
        elif one.type in {"person", "member"} and (number := key_in(value)) is not None:
            persons.add(number)
    return keys, persons


def _signers_there(emitter_desk_id: int, levels: Sequence[int]) -> Any:
    above = [_superior(emitter_desk_id, level) for level in levels]
    there = (_OF_KEYS, *_OF_NUMBERS, *(_desk.c.id == one for one in above))
    return _signers.where(sa.or_(*there)).add_columns(*above)


def _answer(db: Db, folder: Folder, ahead: _Ahead) -> None:
    """Keep the people of a page, and what the same rows say of their mandates."""
    if not ahead.rows:
        return
    keep(db, AHEAD, ahead)
    keep(db, recorded_key(folder.collectivity_id), bool(ahead.rows[0][8]))
    held: dict[int, dict[int, Mandate]] = {row[3]: {} for row in ahead.rows if row[3] is not None}
    for row in ahead.rows:
        if row[-2] is not None:
            held[row[3]][row[-2].id] = law_of(row[-2], row[-1])
    every = {number: one for several in held.values() for number, one in several.items()}
    standing = {one.id: one for one in as_their_orders_stand(db, list(every.values()))}
    for user_id, several in held.items():
        keep(db, held_key(user_id), [standing[number] for number in sorted(several)])


def desk_names(db: Db, collectivity_id: int, desks: Collection[int]) -> dict[int, DeskName]:
    """The desks of these numbers, by number."""
    ahead: _Ahead | None = kept(db, AHEAD)
    if ahead is None or set(desks).difference(ahead.desks):
        query = sa.select(_desk.c.id, _desk.c.key, _desk.c.name)
        rows = db.execute(
            query.where(_desk.c.id.in_(desks), _desk.c.collectivity_id == collectivity_id)
        ).all()
    else:
        rows = [row for row in ahead.rows if row[0] in desks]
    return {row[0]: DeskName(*row[:3]) for row in rows}


def desk_name(db: Db, collectivity_id: int, key: str) -> str | None:
    """The name of the desk of this key; None where there is none."""
    ahead: _Ahead | None = kept(db, AHEAD)
    if ahead is None or key not in ahead.keys:
        query = sa.select(_desk.c.name).where(_desk.c.collectivity_id == collectivity_id, _desk.c.key == key)
        return db.scalar(query)
    return next((row[2] for row in ahead.rows if row[1] == key), None)


def person_name(db: Db, collectivity_id: int, user_id: int) -> str | None:
    """The name of a person of the collectivity, whose account may be closed; None where there is none."""
    ahead: _Ahead | None = kept(db, AHEAD)
    seated = next((row for row in ahead.rows if row[3] == user_id), None) if ahead is not None else None
    if seated is not None:
        return f"{seated[4]} {seated[5]}"
    user = db.scalar(sa.select(User).where(User.id == user_id, User.collectivity_id == collectivity_id))
    return user.name if user else None


def slots_of(
    db: Db,
    folder: Folder,
    step: Step,
    *,
    seats_alone: bool = False,
    on: date | None = None,
    locked: bool = False,
    all_there: bool = False,
    people: People | None = None,
) -> tuple[Slot, ...]:
    """The slots of a step for this folder, with the people who may act now; refuses `desk-missing`.

    Who signs at a desk has a mandate that covers this folder today, once the collectivity has recorded one;
    `seats_alone` leaves that out, and who stands in for whom: a circuit is planned before the day on which it is signed. `on`:
    another day than today. One statement for all the desks of the step, whatever their number, and one for who is away.
    `locked`, with `seats_alone`: none of these desks is closed before the transaction ends. `all_there`: that nobody is away,
    as the caller has read; `people`: of one desk, who sits there (`people_asked`).
    """
    if not step.who:
        return ()
    right = step.kind.right
    act = act_of(folder) if step.kind is StepKind.SIGN and not seats_alone else None
    keys, superiors, persons = _sorted_out(db, folder, step)
    found: dict[str, Slot] = {}
    away: Mapping[int, Sequence[Away]] | None = (
        {} if all_there else kept(db, _away_key(folder.collectivity_id, on))
    )
    if keys or superiors:
        beside = (
            None if seats_alone or away is not None else away_asked(folder.collectivity_id, moment_on(on))
        )
        read: Iterable[Slot]
        rows: Rows | None = None
        if people is not None and act is None and beside is None and (keys, superiors) == ([people.key], []):
            read = _slots(_able_rows(people.rows), right, folder.of_type)
        else:
            read, rows = _read(
                db, folder, keys, superiors, right, act, on or today(), locked=locked, beside=beside
            )
        found = {slot.key: slot for slot in read}
        if rows is not None:
            away = by_person(rows)
            keep(db, _away_key(folder.collectivity_id, on), away)
    missing = [key for key in keys if f"{_DESK}{key}" not in found]
    if missing or (len(found) < len(keys) + len(superiors) and _nobody_above(db, folder, superiors)):
        raise Refusal(
            "desk-missing", step=step.label, what=", ".join(missing) or "supérieur du bureau déposant"
        )
    for user_id in persons:
        slot = _named(db, folder, user_id, step, right)
        found[slot.key] = slot
    slots = tuple(found.values())
    if seats_alone:
        return slots
    away = away if away is not None else _away(db, folder.collectivity_id, on)
    return stand_in(db, folder, step, slots, away, on or today())


def as_given(step: Step, slots: Iterable[str]) -> Step:
    """A step where a folder stands, with the desks that have its parts (`slots`) in the place of the superiors that it asks.

    They were found when the folder came there: a desk that is moved since changes nothing of it.
    """
    if all(who.kind is not WhoKind.SUPERIOR for who in step.who):
        return step
    given = [Who(WhoKind.DESK, slot.removeprefix(_DESK)) for slot in slots if slot.startswith(_DESK)]
    others = [who for who in step.who if who.kind is not WhoKind.SUPERIOR]
    return replace(step, who=tuple(dict.fromkeys([*others, *given])))


def _away(db: Db, collectivity_id: int, day: date | None) -> dict[int, list[Away]]:
    """Who is away: now, or at midday of another day; asked once for a page."""
    return once(db, _away_key(collectivity_id, day), lambda: away_at(db, collectivity_id, moment_on(day)))


def keep_away(db: Db, collectivity_id: int, rows: Rows) -> None:
    """Keep who is away now, as `covers.away_asked` has read it, for the list that is being made."""
    keep(db, _away_key(collectivity_id, None), by_person(rows))


def _away_key(collectivity_id: int, day: date | None) -> tuple[str, int, date | None]:
    return "away", collectivity_id, None if day is None or day == today() else day


def stand_in(
    db: Db,
    folder: Folder,
    step: Step,
    slots: Sequence[Slot],
    away: Mapping[int, Sequence[Away]],
    day: date,
) -> tuple[Slot, ...]:
    """The same parts with who is away told so, and who stands in for them at each desk beside them.

    The law of `access.asking_under`: never who deposited the folder, for a signature only by a mandate of his own, and not
    for the part of one named person.
    """
    if not away:
        return tuple(slots)
    return tuple(_stood_in(db, folder, step, slot, away, day) for slot in slots)


def _stood_in(
    db: Db, folder: Folder, step: Step, slot: Slot, away: Mapping[int, Sequence[Away]], day: date
) -> Slot:
    own = {one.user_id for one in slot.people}
    found: dict[int, Person] = {}
    helped = set[int]()
    for person in slot.seated or slot.people:
        for one in away.get(person.user_id, ()):
            number = one.law.by
            if (
                number is not None
                # Nobody stands in for who stands in himself.
                and person.absent == ""
                and _lends(one, slot.desk_id, folder.of_type)
                and number not in folder.writers
                and (step.kind is not StepKind.SIGN or _signs(db, number, act_of(folder), day))
            ):
                helped.add(person.user_id)
                if number in own:  # whoever has a seat here is beside the absent one already
                    continue
                ends = until(away.get(number, ()))
                found.setdefault(number, Person(number, one.cover_name, one.cover_email, person.name, ends))
    people = (
        replace(one, away=until(away.get(one.user_id, ())), covered=one.user_id in helped)
        if one.user_id in away
        else one
        for one in slot.people
    )
    return replace(slot, people=(*people, *found.values()))


def _lends(one: Away, desk_id: int | None, of_type: tuple[str, str]) -> bool:
    """Whether an absence has somebody act at this desk, on folders of this type."""
    law = one.law
    return law.acts and desk_id is not None and law.desk in {None, desk_id} and concerns(law.types, *of_type)


def _signs(db: Db, user_id: int, act: Act, day: date) -> bool:
    """Whether a mandate of somebody covers an act on that day."""
    return any(covers(one, act, day) for one in mandates(db, user_id))


def _sorted_out(db: Db, folder: Folder, step: Step) -> tuple[list[str], list[int], list[int]]:
    keys: list[str] = []
    superiors: list[int] = []
    persons: list[int] = []
    for who in step.who:
        if who.kind is WhoKind.DESK:
            keys.append(who.value)
        elif who.kind is WhoKind.SUPERIOR:
            superiors.append(int(who.value))
        elif who.kind is WhoKind.PERSON:
            persons.append(_of_login(db, folder, step, who.value))
        else:
            value = str(folder.fields.get(who.value) or "")
            person = key_in(value)
            if not value or (who.kind is WhoKind.ROLE and person is None):
                raise Refusal("desk-missing", step=step.label, what=_asked(who))
            if who.kind is WhoKind.CHOSEN:
                keys.append(value)
            elif person is not None:
                persons.append(person)
    return list(dict.fromkeys(keys)), superiors, list(dict.fromkeys(persons))


def _of_login(db: Db, folder: Folder, step: Step, login: str) -> int:
    """The number of somebody whom a circuit names; refuses `desk-missing` of who has no account, or a closed one."""
    query = sa.select(User.id).where(
        User.collectivity_id == folder.collectivity_id, User.login == login, User.active.is_(True)
    )
    number = db.scalar(query)
    if number is None:
        raise Refusal(
            "desk-missing", step=step.label, what=f"la personne nommée, {login}, n’a plus de compte"
        )
    return number


def _asked(who: Who) -> str:
    return "bureau à choisir au dépôt" if who.kind is WhoKind.CHOSEN else "personne à désigner au dépôt"


def _nobody_above(db: Db, folder: Folder, superiors: list[int]) -> bool:
    """Whether a superior lacks; one that the step also names as a desk is there, and is one part only."""
    ahead: _Ahead | None = kept(db, AHEAD)
    if ahead is not None and not set(superiors).difference(ahead.above):
        return any(ahead.above[level] is None for level in superiors)
    above = [_superior(folder.emitter_desk_id, level) for level in superiors]
    return bool(above) and None in db.connection().execute(sa.select(*above)).one()


def _superior(desk_id: int, level: int) -> Any:
    """A scalar sub-query: the desk `level` steps above."""
    desk = _desk.alias()
    above = sa.select(desk.c.parent_id).where(desk.c.id == desk_id)
    for _ in range(level - 1):
        desk = _desk.alias()
        above = sa.select(desk.c.parent_id).where(desk.c.id == above.scalar_subquery())
    return above.scalar_subquery()


def _read(
    db: Db,
    folder: Folder,
    keys: list[str],
    superiors: list[int],
    right: Right,
    act: Act | None,
    day: date,
    *,
    locked: bool,
    beside: Asked | None,
) -> tuple[Iterable[Slot], Rows | None]:
    """The slots of these desks, and the rows of `beside` where one statement gave both."""
    ahead: _Ahead | None = kept(db, AHEAD)
    read: Iterable[Any] | None = ahead.of(keys, superiors) if ahead is not None else None
    rows: Rows | None = None
    if read is None:
        query, binds = _people_at(folder, keys, superiors, signing=act is not None, locked=locked)
        if beside is not None and not superiors:
            people, rows = read_beside(db, (query, binds), beside)
            # What is read beside something else comes in no order; that of `_people` is put back.
            read = sorted(people, key=lambda row: (row[0], row[3] or 0))
        elif query is _people_of_key:
            read = _people_of_key_alone.rows(db.connection(), binds)
        else:
            read = db.execute(query, binds) if act is not None else db.connection().execute(query, binds)
    able = _able_rows(row[:8] for row in read) if act is None else _signing_rows(db, read, act, day)
    return _slots(able, right, folder.of_type), rows


def _people_at(
    folder: Folder, keys: list[str], superiors: list[int], *, signing: bool, locked: bool
) -> tuple[Any, dict[str, Any]]:
    """The statement of who sits at these desks, each beside his mandates where they sign, and its binds."""
    if len(keys) == 1 and not superiors:
        query = _signers_of_key if signing else _locked_of_key if locked else _people_of_key
        return query, {"here": folder.collectivity_id, "key": keys[0]}
    binds: dict[str, Any] = {"here": folder.collectivity_id, "keys": keys}
    if not superiors:
        return _signers_of_keys if signing else _locked_of_keys if locked else _people_of_keys, binds
    above = [_desk.c.id == _superior(folder.emitter_desk_id, level) for level in superiors]
    query = (_signers if signing else _people).where(sa.or_(_OF_KEYS, *above))
    return query.with_for_update(**_LOCK) if locked else query, binds


def _slots(rows: Iterable[Any], right: Right, of_type: tuple[str, str]) -> Iterator[Slot]:
    """The desks of these rows, in order, each with those who hold a right there on the folders of a type."""
    desks: dict[int, tuple[str, str, dict[int, Person], dict[int, Person]]] = {}
    for desk_id, key, name, user_id, first, last, email, rights, able in rows:
        _, _, people, seated = desks.setdefault(desk_id, (key, name, {}, {}))
        if user_id is not None and allows(rights, right, *of_type):
            seated[user_id] = Person(user_id, f"{first} {last}", email)
            if able:
                people[user_id] = seated[user_id]
    for desk_id, (key, name, people, seated) in desks.items():
        yield Slot(f"{_DESK}{key}", name, desk_id, None, tuple(people.values()), tuple(seated.values()))


def every_desk(db: Db, folder: Folder, step: Step) -> tuple[Slot, ...]:
    """Every desk of the collectivity, by name, with those who could act there on this folder at such a step that asks no mandate.

    A closed one has nobody. One statement, and one for who is away.
    """
    rows = db.connection().execute(_people, {"here": folder.collectivity_id})
    slots = sorted(_slots(_able_rows(rows), step.kind.right, folder.of_type), key=lambda slot: slot.label)
    return stand_in(db, folder, step, slots, _away(db, folder.collectivity_id, None), today())


@dataclass(frozen=True)
class Part:
    """A part of a step that is awaited: the desk, empty where a person is named, and who may take it now.

    `acted`: how many other parts of the step are done. `persons`: those who sit there by their number, since two may have one
    name; `named`: the part is of one person alone; `covers`: the names of those who stand in for somebody there. In `people`,
    they are last and stand in the place of who is away: « Gaud Le Bras (en l’absence d’Armel Kervadec) ». `since`: when it
    came there.
    """

    desk: str
    people: tuple[str, ...]
    persons: Mapping[int, str]
    named: bool
    acted: int = 0
    covers: tuple[str, ...] = ()
    since: datetime | None = None


def parts_awaited(
    db: Db,
    collectivity_id: int,
    folder_ids: Collection[int],
    *,
    asked: bool = False,
) -> dict[int, list[Part]]:
    """Who is awaited at each of these folders, in the order of the step's parts; none at a step that nobody acts on.

    `asked`: instead, at the desks whose opinion was asked beside the step, which waits for it; who asked does not answer. Who
    has acted on the step is not awaited at its other parts. Four statements at most, however many folders, and one more for
    each person who would sign in somebody's absence.
    """
    if not folder_ids:
        return {}
    statement = _blocking_runs if asked else _open_runs
    runs = db.execute(statement, {"here": collectivity_id, "folders": list(folder_ids)}).all()
    open_runs = [run for run in runs if run.state == "active" and (run.desk_id or run.named_user_id)]
    binds = {
        "here": collectivity_id,
        "desks": list({run.desk_id for run in open_runs if run.desk_id}),
        "persons": list({run.named_user_id for run in open_runs if run.named_user_id}),
    }
    people = _seated(db, db.execute(_signers_awaited, binds).all()) if open_runs else []
    acted = defaultdict[tuple[int, int], set[int | None]](set)
    for run in runs:
        if run.state == "done":
            acted[run.folder_id, run.pass_number].add(run.user_id)
    decided = Counter((run.folder_id, run.pass_number) for run in runs if run.state == "done")
    away = _away(db, collectivity_id, None) if open_runs else {}
    sitting = Sitting(people, away=away, held=lambda number: mandates(db, number))
    found: dict[int, list[Part]] = {}
    for run in open_runs:
        awaited, gone = Awaited.of(run), acted[run.folder_id, run.pass_number]
        able = {
            one.user_id: one.name
            for one in people
            if one.user_id not in {*gone, awaited.asked_by_id} and one.may(awaited)
        }
        covers = [(seat, one) for seat, one in sitting.standing_in(awaited) if one.law.by not in gone]
        standing_in = [(seat.user_id, one.cover_name, seat.name) for seat, one in covers]
        part = Part(
            run.desk or "",
            tuple(_told(able, away, standing_in)),
            able,
            run.named_user_id is not None,
            decided[run.folder_id, run.pass_number],
            tuple(dict.fromkeys(one.cover_name for _, one in covers)),
            run.entered_at,
        )
        found.setdefault(run.folder_id, []).append(part)
    return found


def _told(
    able: Mapping[int, str], away: Mapping[int, Sequence[Away]], covers: Sequence[tuple[int, str, str]]
) -> Iterator[str]:
    """Those who are awaited at a part in words; nobody waits for who is away while somebody stands in for him."""
    helped = {number for number, _, _ in covers}
    for number, name in able.items():
        if number not in helped:
            yield person_awaited(name, away=until(away.get(number, ())))
    for name, absent in dict.fromkeys((name, absent) for _, name, absent in covers):
        yield person_awaited(name, absent=absent)


def person_awaited(name: str, absent: str = "", away: datetime | None = None) -> str:
    """Somebody who is awaited, among others: in whose absence, or until when he is away himself and nobody stands in.

    >>> person_awaited("Gaud Le Bras", "Armel Kervadec"), person_awaited("Gaud Le Bras")
    ('Gaud Le Bras (en l’absence d’Armel Kervadec)', 'Gaud Le Bras')
    """
    if absent:
        return f"{name} (en l’absence {de(absent)})"
    return f"{name} (absence jusqu’au {instant(away)})" if away is not None else name


def people_awaited(names: Sequence[str], desk: str) -> str:
    """Those who may take one part: « X », « X ou Y (Bureau) », « X, Y ou 2 autres (Bureau) »; the desk alone without any."""
    if not names:
        return desk
    listed = either(names)
    return f"{listed} ({desk})" if len(names) > 1 and desk and not listed.endswith(")") else listed


def either(names: Sequence[str]) -> str:
    """« X ou Y », « X, Y ou 2 autres »."""
    others = len(names) - 2
    return f"{', '.join(names[:2])} ou {plural(others, 'autre')}" if others > 0 else " ou ".join(names)


def _act(run: Any) -> Act:
    """The act of a part of a step, as a mandate looks at it."""
    family = family_of(run.family)
    return Act(
        run.family,
        run.matter,
        run.amount_cents,
        priced=True,  # the step keeps what a ceiling is compared with, zero where there is no amount
        named_substitution=family.named_substitution,
    )


@dataclass(frozen=True)
class Seated:
    """Somebody at a desk, with the mandates that stand today; `None` where none is recorded in the collectivity."""

    desk_id: int
    user_id: int
    name: str
    rights: Collection[str]
    mandates: Sequence[Mandate] | None

    def may(self, run: Any) -> bool:
        """Whether this person, at this desk, may take this part: the law of `slots_of`, on what the step keeps of the act."""
        if run.named_user_id is not None:
            right = allows(self.rights, StepKind(run.kind).right, run.family, run.own_type)
            return right and bool(run.named_user_id == self.user_id)
        if not self.sits(run):
            return False
        if run.kind != StepKind.SIGN or self.mandates is None:
            return True
        return any(covers(one, _act(run), today()) for one in self.mandates)

    def fit(self, run: Any) -> bool:
        """The same of an act that is not known yet: he has a mandate for some act at least, where it is to be signed."""
        if run.kind != StepKind.SIGN or self.mandates is None or run.named_user_id is not None:
            return self.may(run)
        return self.sits(run) and any(stands(one, run.family, today()) for one in self.mandates)

    def sits(self, run: Any) -> bool:
        """Whether this person has the right of this part at its desk, whatever his mandates."""
        right = StepKind(run.kind).right
        return run.desk_id == self.desk_id and allows(self.rights, right, run.family, run.own_type)


@dataclass(frozen=True)
class Awaited:
    """A part of a step as a seat looks at it (`Seated.may`): of a desk or of one named person, and the act it is about.

    `reading`: whoever takes it has to have read the documents. `advice`: it is an opinion that was asked beside the step, by
    `asked_by_id`. `writers`: whose deposit the folder is, and who so takes no part of it in somebody's absence.
    """

    desk_id: int | None
    named_user_id: int | None
    kind: StepKind
    family: str
    own_type: str
    matter: str | None
    amount_cents: int | None
    reading: bool = False
    advice: bool = False
    asked_by_id: int | None = None
    writers: frozenset[int] = frozenset()

    @classmethod
    def of(cls, run: Any, *, reading: bool = False) -> "Awaited":
        """The part that a row awaits, which has who asked it and whose deposit it is: of its desk, unless it names somebody."""
        return cls(
            run.desk_id if run.named_user_id is None else None,
            run.named_user_id,
            StepKind(run.kind),
            run.family,
            run.own_type,
            run.matter,
            run.amount_cents,
            reading,
            run.slot.startswith(ASKED),
            run.asked_by_id,
            frozenset({*(run.writers or ()), *filter(None, (run.depositor_user_id,))}),
        )


class Sitting:
    """Who may take each part, by the seats of one moment; judged once of parts that are the same.

    `software`: the desk and the rights of each that is in service. `away`: who is away then, by person; `held`: the mandates
    of whoever would sign in somebody's absence.
    """

    def __init__(
        self,
        seats: Iterable[Seated],
        software: Iterable[tuple[int, Collection[str]]] = (),
        away: Mapping[int, Sequence[Away]] | None = None,
        held: Callable[[int], Sequence[Mandate]] = lambda _: (),
    ) -> None:
        self._software = defaultdict[int, list[Collection[str]]](list)
        for desk_id, rights in software:
            self._software[desk_id].append(rights)
        self._away, self._held = away or {}, held
        self.at = defaultdict[int, list[Seated]](list)
        self._of = defaultdict[int, list[Seated]](list)
        for seat in seats:
            self.at[seat.desk_id].append(seat)
            self._of[seat.user_id].append(seat)
        self._judged: dict[tuple[Awaited, bool], frozenset[int]] = {}

    def may(self, part: Awaited, *, sure: bool = True) -> frozenset[int]:
        """The accounts that may take a part; not `sure`: where it is to be signed, by a mandate for some act at least."""
        if (part, sure) not in self._judged:
            named = part.named_user_id
            seats = self.at.get(part.desk_id or 0, ()) if named is None else self._of.get(named, ())
            able = (seat.user_id for seat in seats if (seat.may(part) if sure else seat.fit(part)))
            # Who asked does not answer himself
            self._judged[part, sure] = frozenset(able).difference((part.asked_by_id,))
        return self._judged[part, sure]

    def served(self, folder: Folder, step: Step, slots: Iterable[Slot]) -> frozenset[str]:
        """Of these parts of a folder, those that software takes."""
        parts = ((slot.key, awaited_at(folder, step, slot.desk_id, slot.named_user_id)) for slot in slots)
        return frozenset(key for key, part in parts if self.by_software(part))

    def by_software(self, part: Awaited) -> bool:
        """Whether software may take a part: a visa or an opinion of its desk that asks for no reading, and no question."""
        if part.desk_id is None or part.reading or part.advice:
            return False
        if part.kind not in {StepKind.VISA, StepKind.OPINION}:
            return False
        right = part.kind.right, part.family, part.own_type
        return any(allows(rights, *right) for rights in self._software[part.desk_id])

    def standing_in(self, part: Awaited, *, sure: bool = True) -> Iterator[tuple[Seated, Away]]:
        """Who is away from a part, with each absence in which somebody takes it who could not otherwise.

        The law of `access.asking_under`: he signs by his own mandate, and nobody stands in for a named person.
        """
        if not self._away or part.named_user_id is not None:
            return
        but = {*self.may(part, sure=sure), *part.writers, part.asked_by_id, None}
        for seat in self.at.get(part.desk_id or 0, ()):
            for absence in self._away.get(seat.user_id, ()) if seat.sits(part) else ():
                number = absence.law.by
                if (
                    number not in but
                    and number is not None
                    and _lends(absence, part.desk_id, (part.family, part.own_type))
                    and (part.kind is not StepKind.SIGN or self._signs(number, part, sure=sure))
                ):
                    yield seat, absence

    def _signs(self, number: int, part: Awaited, *, sure: bool) -> bool:
        if sure:
            return any(covers(one, _act(part), today()) for one in self._held(number))
        return any(stands(one, part.family, today()) for one in self._held(number))

    def takers(
        self,
        parts: Sequence[Awaited],
        acted: Collection[int] = (),
        *,
        sure: bool = True,
        but: Collection[int] = (),
    ) -> list[frozenset[int]]:
        """Who may take each part of one step, those who have `acted` there left out: accounts, and software below zero.

        Software is somebody at each part, and nobody elsewhere. `but`: without these people, who are away.
        """
        return [
            (
                self.may(part, sure=sure).union(
                    one.law.by for _, one in self.standing_in(part, sure=sure) if one.law.by is not None
                )
            ).difference(acted, but)
            | ({-rank} if self.by_software(part) else set())
            for rank, part in enumerate(parts, 1)
        ]


def software_at(collectivity_id: int, desks: Any = None) -> Query:
    """The desk and the rights of the software in service at these desks, by number or as a query; None for all of them."""
    return sa.select(Application.desk_id, Application.rights).where(
        Application.collectivity_id == collectivity_id,
        *([Application.desk_id.in_(desks)] if desks is not None else []),
        Application.active.is_(True),
        sa.or_(Application.ends_on.is_(None), Application.ends_on >= today()),
    )


def awaited_at(folder: Folder, step: Step, desk_id: int | None, named_user_id: int | None) -> Awaited:
    """A part that a folder will have at one of its steps."""
    act = act_of(folder)
    about = step.kind, *folder.of_type, act.matter, act.weight_cents
    return Awaited(desk_id, named_user_id, *about, step.reading, writers=folder.writers)


def seats_at(
    db: Db, collectivity_id: int, desks: Collection[int], persons: Collection[int] = ()
) -> list[Seated]:
    """Who sits at these open desks, and at which these people sit, each with his mandates; two statements."""
    binds = {"here": collectivity_id, "desks": list(desks), "persons": list(persons)}
    return _seated(db, db.execute(_signers_awaited, binds).all())


def _seated(db: Db, rows: Sequence[Any]) -> list[Seated]:
    law = {row[-2].id: law_of(row[-2], row[-1]) for row in rows if row[-2] is not None}
    standing = {one.id: one for one in as_their_orders_stand(db, list(law.values()))}
    own: dict[int, list[Mandate]] = {}
    for row in rows:
        if row[-2] is not None:
            own.setdefault(row[3], []).append(standing[row[-2].id])
    return [
        Seated(row[0], row[3], f"{row[4]} {row[5]}", row[7], own.get(row[3], []) if row[8] else None)
        for row in rows
        if row[3] is not None
    ]


def _able_rows(rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    return ((*row, True) for row in rows)


def _signing_rows(db: Db, rows: Iterable[Any], act: Act, day: date) -> Iterator[tuple[Any, ...]]:
    """The same people, each able when no mandate is recorded here or when one of his covers the act that day."""
    read = list(rows)
    law = {row[-2].id: law_of(row[-2], row[-1]) for row in read if row[-2] is not None}
    standing = as_their_orders_stand(db, list(law.values()))
    fit = {one.id for one in standing if covers(one, act, day)}
    for *person, by_mandate, mandate, _giver_of_it in read:
        yield (*person, not by_mandate or (mandate is not None and mandate.id in fit))


def _named(db: Db, folder: Folder, user_id: int, step: Step, right: Right) -> Slot:
    ahead: _Ahead | None = kept(db, AHEAD)
    seated = [row for row in ahead.rows if row[3] == user_id] if ahead and user_id in ahead.persons else []
    if seated:
        person = Person(user_id, f"{seated[0][4]} {seated[0][5]}", seated[0][6])
        rights = any(allows(row[7], right, *folder.of_type) for row in seated)
        return Slot(f"person:{user_id}", person.name, None, user_id, (person,) if rights else ())
    user = db.scalar(
        sa.select(User).where(
            User.id == user_id, User.collectivity_id == folder.collectivity_id, User.active.is_(True)
        )
    )
    if user is None:
        raise Refusal("desk-missing", step=step.label, what="la personne désignée n’a plus de compte")
    seats = sa.select(Holder.rights).join(Desk, Desk.id == Holder.desk_id)
    held = db.scalars(seats.where(Holder.user_id == user_id, Desk.closed_at.is_(None)))
    able = any(allows(rights, right, *folder.of_type) for rights in held)
    people = (Person(user.id, user.name, user.email),) if able else ()
    return Slot(f"person:{user_id}", user.name, None, user.id, people)


def check_route(db: Db, folder: Folder, circuit: Circuit) -> dict[str, tuple[Slot, ...]]:
    """The slots of every step that this folder will pass; refuses one at which it would wait for ever.

    Refuses `desk-missing` and `nobody-there`: the folder does not start a way that it could not finish. Its desks are locked
    by the same statements, and those of whom it names before: one that is closed at the same moment, or an account, waits,
    and then meets the folder.
    """
    route: dict[str, tuple[Slot, ...]] = {}
    steps = list(circuit.applicable(folder.facts))
    _hold_named(db, folder, steps)
    for step in steps:
        slots = slots_of(db, folder, step, seats_alone=True, locked=True)
        if lacks_people(step, slots):
            needed, able = step.quorum.needed(len(slots)), able_at(slots)
            facts = {"step": step.label, "needed": needed, "right": step.kind.right.label}
            raise Refusal("nobody-there", **facts, able=able_words(able))
        route[step.key] = slots
    return route


def _hold_named(db: Db, folder: Folder, steps: Sequence[Step]) -> None:
    """Lock the desks of a way that names people, and those where they sit, in the order of `desks.hold_seats`.

    Whoever closes the account of one of them holds his desks: one of the two waits, and neither holds what the other wants.
    A person who sits nowhere may do nothing, and is refused.
    """
    logins, persons, keys, levels = set[str](), set[int](), set[str](), set[int]()
    for who in (who for step in steps for who in step.who):
        value = str(folder.fields.get(who.value) or "")
        if who.kind is WhoKind.PERSON:
            logins.add(who.value)
        elif who.kind is WhoKind.ROLE:
            persons.add(key_in(value) or 0)
        elif who.kind is WhoKind.SUPERIOR:
            levels.add(int(who.value))
        else:
            keys.add(value if who.kind is WhoKind.CHOSEN else who.value)
    if not logins and not persons:
        return
    named = sa.or_(_user.c.login.in_(logins), _user.c.id.in_(persons))
    seats = sa.select(_holder.c.desk_id).join(_user, _user.c.id == _holder.c.user_id)
    theirs = seats.where(_user.c.collectivity_id == folder.collectivity_id, named)
    above = (_desk.c.id == _superior(folder.emitter_desk_id, level) for level in sorted(levels))
    query = sa.select(_desk.c.id).where(
        _desk.c.collectivity_id == folder.collectivity_id,
        sa.or_(_desk.c.key.in_(keys), _desk.c.id.in_(theirs), *above),
    )
    db.connection().execute(query.order_by(_desk.c.id).with_for_update(**_LOCK)).all()


def lacks_people(
    step: Step,
    slots: tuple[Slot, ...],
    acted: Mapping[str, int] | None = None,
    served: Collection[str] = (),
) -> bool:
    """Whether too few people may act at a step for it ever to end as things stand; `acted`: who did, by part.

    `served`: the parts that software takes.
    """
    if step.kind.automatic:
        return False
    return able_at(slots, acted, served) < step.quorum.needed(len(slots))


def stuck_at(
    db: Db, folder: Folder, step: Step, slots: tuple[Slot, ...], acted: Mapping[str, int] | None = None
) -> bool:
    """Whether a step that a folder enters can never end as things stand, by people or by software; asked where people lack.

    `acted`: who has done a part already, by part.
    """
    if not lacks_people(step, slots, acted):
        return False
    desks = [slot.desk_id for slot in slots if slot.desk_id is not None]
    rows = db.execute(software_at(folder.collectivity_id, desks)).all()
    software = Sitting((), ((row.desk_id, row.rights) for row in rows))
    return lacks_people(step, slots, acted, software.served(folder, step, slots))


def stuck_under_lock(db: Db, folder: Folder, step: Step, acted: Mapping[str, int] | None = None) -> bool:
    """The same, read once none of the step's desks can be closed before the transaction ends; refuses `desk-missing`."""
    slots_of(db, folder, step, seats_alone=True, locked=True)
    return stuck_at(db, folder, step, slots_of(db, folder, step), acted)


def able_at(
    slots: tuple[Slot, ...], acted: Mapping[str, int] | None = None, served: Collection[str] = ()
) -> int:
    """How many parts of a step can be done in all, as things stand, each by somebody else; `acted`: who did, by part.

    `served`: the parts that software takes.
    """
    acted = acted or {}
    left = _left(slots, acted, set(acted.values()))
    by_software = sum(slot.key in served for slot in left)
    return _distinct(tuple(slot for slot in left if slot.key not in served)) + by_software + len(acted)


def able_words(able: int) -> str:
    """« personne ne le peut », « une seule le peut », « 2 seulement le peuvent »: of people, after how many are needed."""
    if able < 2:
        return "une seule le peut" if able else "personne ne le peut"
    return f"{able} seulement le peuvent"


def _distinct(slots: tuple[Slot, ...]) -> int:
    """How many slots can be filled at once by different people."""
    return filled([[person.user_id for person in slot.people] for slot in slots])


def _left(
    slots: tuple[Slot, ...], acted: Mapping[str, int], gone: Collection[int | None]
) -> tuple[Slot, ...]:
    """The parts that nobody has taken, with the people who may still take them."""
    return tuple(
        replace(slot, people=tuple(one for one in slot.people if one.user_id not in gone))
        for slot in slots
        if slot.key not in acted
    )


def best_part(
    slots: tuple[Slot, ...], free: Sequence[str], acted: Mapping[str, int], person: int | None
) -> str:
    """Of the parts that somebody may take, the first that leaves the most others to be filled by the people who remain."""
    return max(free, key=lambda part: _filled_after(slots, part, acted, person))


def serves_as_well(
    slots: tuple[Slot, ...],
    parts: tuple[str, str],
    acted: Mapping[str, int],
    person: int | None,
    needed: int,
) -> bool:
    """Whether the step can end once somebody has taken the first of two parts, or stands no worse than with the second.

    `needed`: how many parts end it.
    """
    one, best = (_filled_after(slots, part, acted, person) for part in parts)
    return one >= min(best, needed - len(acted) - 1)


def _filled_after(slots: tuple[Slot, ...], part: str, acted: Mapping[str, int], person: int | None) -> int:
    """How many parts the people who remain can fill once somebody has taken one."""
    left = _left(slots, acted, {*acted.values(), person})
    return _distinct(tuple(slot for slot in left if slot.key != part))


def labels(route: Mapping[str, tuple[Slot, ...]]) -> dict[str, str]:
    """Who is awaited at each step, in words."""
    return {key: ", ".join(slot.label for slot in slots) for key, slots in route.items()}
