"""How often a person is told what waits: in general, and of some types of folders otherwise."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits import own_types
from app.circuits.library import catalogue
from app.core.clock import now
from app.core.db import Db
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.display.following import untold
from app.people.actor import Actor
from app.people.models import User
from app.people.own_settings.registry import Kind, Own, Setting, value_in
from workflows.family import Family, place_of
from workflows.rhythms import MINUTES, MORNING, Choice, Choices, Rhythm
from workflows.rights import parted_type, type_name
from workflows.vocabulary import Right

RHYTHM = "mail_rhythm"
GROUPED = "sera dit avec le reste, au rythme choisi par cette personne"
AWAITED_BY = (Right.CREATE, Right.ACT, Right.SIGN, Right.PUBLISH)
"""The rights by which a folder may wait for somebody, or come back to him."""


def setting(group: str) -> Setting:
    """The rhythm of who chose none."""
    return Setting(
        RHYTHM,
        group,
        "Rythme des courriels",
        "Quand dire à chacun ce qui l’attend, tant qu’il n’a rien choisi lui-même sous « Mon compte », « Mes courriels ». Ce qui "
        "est en retard se rappelle une fois par jour ouvré, quel que soit le choix, sauf « Jamais ».",
        "courriels qui disent à chacun ce qui l’attend",
        Kind.CHOICE,
        lambda: Rhythm.NOW.value,
        choices=tuple((rhythm.value, rhythm.label.lower()) for rhythm in Rhythm),
    )


def choices_of(user: Any, own: Own) -> Choices:
    """What a person chose, or else what the collectivity says; `user` is a row with the columns of the account.

    Of a type that is told at once, what is late is reminded at the minute of the general choice: with the rest.
    """
    rhythm = Rhythm(user.rhythm or str(value_in(own, RHYTHM).value))
    minute = MORNING if user.rhythm_minute is None else user.rhythm_minute
    types = {
        name: Choice(
            (chosen := Rhythm(value["rhythm"])),
            minute if chosen is Rhythm.NOW else value["minute"],
            datetime.fromisoformat(value["since"]) if "since" in value else user.rhythm_since,
        )
        for name, value in user.rhythm_types.items()
    }
    return Choices(Choice(rhythm, minute, user.rhythm_since), types)


def offered(db: Db, actor: Actor) -> Mapping[str, Family]:
    """The families and open types of which folders may wait for the actor, by the names that rights give them.

    In the order of every list of families, each before the types made from it.
    """
    families = catalogue()
    every = dict(families) | {
        type_name(version.row.family, version.row.key): own_types.in_force(version)
        for version in own_types.currents(db, actor.collectivity_id, opened=True)
        if version.row.family in families
    }
    for name in untold(db, actor):
        every.pop(name, None)
    seats = [*actor.seats, *(cover.seat for cover in actor.covers)]
    awaited = {
        name: law
        for name, law in every.items()
        if any(seat.gives(right, parted_type(name)) for seat in seats for right in AWAITED_BY)
    }
    return dict(sorted(awaited.items(), key=lambda pair: _place(pair[0], pair[1].plural)))


def _place(name: str, label: str) -> tuple[int, bool, str]:
    """Where a type stands among others: after its family, by its label."""
    family, own_type = parted_type(name)
    return place_of(family), bool(own_type), label.casefold()


def apart(db: Db, actor: Actor, chosen: Choices) -> list[tuple[str, str]]:
    """The types that have a rhythm of their own, by the names that rights give them and in words, by these.

    Those too of which no folder waits for the actor any more, so that the choice may be taken back: closed types, and types of
    which he has lost the rights. One that is no more at all is told by its key.
    """
    laws = dict(catalogue()) | {
        type_name(version.row.family, version.row.key): own_types.in_force(version)
        for version in own_types.currents(db, actor.collectivity_id)
        if version.row.family in catalogue()
    }
    named = [
        (name, laws[name].plural if name in laws else parted_type(name)[1] or name) for name in chosen.types
    ]
    return sorted(named, key=lambda pair: _place(*pair))


@use_case
def choose(db: Db, actor: Actor, rhythm: str, minute: int) -> None:
    """Keep how often the actor is told what waits, and at which minute of the day; refuses `rhythm-unknown`.

    Nothing is told by it before now. What was chosen for some types stays as it is.
    """
    _refuse_unknown(rhythm, minute)
    user = _locked(db, actor)
    if (user.rhythm, user.rhythm_minute) != (rhythm, minute):
        user.rhythm, user.rhythm_minute, user.rhythm_since = rhythm, minute, now()
        _wake(db, user)


@use_case
def choose_for(db: Db, actor: Actor, name: str, rhythm: str, minute: int) -> None:
    """The same for the folders of a type, by the name that rights give it; of a family, of its types too that have no own.

    Refuses `rhythm-unknown`, and `rhythm-type` where no folder of this type may wait for the actor.
    """
    _refuse_unknown(rhythm, minute)
    if name not in offered(db, actor):
        raise Refusal("rhythm-type")
    user, chosen = _locked(db, actor), {"rhythm": rhythm, "minute": minute}
    if not chosen.items() <= user.rhythm_types.get(name, {}).items():
        user.rhythm_types = {**user.rhythm_types, name: {**chosen, "since": now().isoformat()}}
        _wake(db, user)


@use_case
def follow_general(db: Db, actor: Actor, name: str) -> None:
    """Tell what waits of a type at the general rhythm again; nothing changes where nothing else was chosen for it."""
    user = _locked(db, actor)
    if name in user.rhythm_types:
        user.rhythm_types = {key: value for key, value in user.rhythm_types.items() if key != name}
        _wake(db, user)


def _refuse_unknown(rhythm: str, minute: int) -> None:
    if rhythm not in {*Rhythm} or minute not in MINUTES:
        raise Refusal("rhythm-unknown")


def _locked(db: Db, actor: Actor) -> User:
    query = sa.select(User).where(User.id == actor.user_id).with_for_update()
    return db.scalars(query.execution_options(populate_existing=True)).one()


def _wake(db: Db, user: User) -> None:
    """What waits for a former moment asks again, and leaves or waits anew."""
    waits = sa.update(Outbox).where(
        Outbox.kind == "mail",
        sa.text("outbox.state = 'pending'"),
        Outbox.collectivity_id == user.collectivity_id,
        Outbox.last_error == GROUPED,
        Outbox.payload["user_id"].as_integer() == user.id,
    )
    db.execute(waits.values(available_at=now()).execution_options(synchronize_session=False))
