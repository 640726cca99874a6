"""A folder that somebody takes along, to read it where there is no network: whose, on which browser, until when.

The copy is that browser's, sealed by a key that its scripts cannot take out (`app/static/js/carried.js`). What is here says
whether it may still be shown: asked at each contact by a secret of the copy itself, which opens nothing else. Off unless
the collectivity allows it; never a folder whose reading is restricted (decision 0039).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import instant
from app.core.refusals import Refusal
from app.core.security import new_token, token_hash
from app.core.transaction import use_case
from app.folders.access import FOLDER, STEP, asking, authorize, unrestricted
from app.folders.models import CarriedFolder, Folder
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.desks import write_down
from app.people.login import of_user
from app.people.models import Collectivity, LoginSession, User
from app.people.own_settings.registry import Kind, Own, Setting, setting, value_in
from workflows.circuit import Phase

LASTS = timedelta(hours=24)
"""How long a copy may be read."""
MOST: Final = 20
"""Folders that one person has with him at a time."""
MOST_COPIES: Final = 3 * MOST
"""Copies of them, those that never came whole included: a browser asks about so many at once."""
OFFLINE: Final = "offline_reading"
NO, YES = "no", "yes"


def settings() -> Setting:
    """Whether folders may be taken along."""
    return Setting(
        OFFLINE,
        "Lecture hors connexion",
        "Dossiers emportés",
        "Permis, chacun peut emporter sur son appareil un dossier qui l’attend et le lire sans réseau, 24 heures au plus, sans "
        "rien y décider. Le risque : qui tient cet appareil déverrouillé lit ces dossiers, même si leur accès a été retiré "
        "entre-temps, jusqu’à la fin de ces heures ou au prochain contact avec le serveur. Ne le permettez que pour des "
        "appareils dont le disque est chiffré et l’écran verrouillé. Chaque dossier emporté est au journal ; ceux dont la "
        "lecture est réservée ne s’emportent jamais.",
        "page des dossiers qui attendent quelqu’un ; l’interdire met fin à ce qui est emporté, au prochain contact",
        Kind.CHOICE,
        lambda: NO,
        choices=((NO, "interdits"), (YES, "permis")),
    )


def allowed(db: Db, collectivity_id: int) -> bool:
    """Whether the collectivity lets folders be taken along."""
    return bool(setting(db, collectivity_id, OFFLINE).value == YES)


def open_to_all(folder: Folder) -> bool:
    """Whether nothing restricts who reads the folder: neither its family or type, nor those of the folder it was born from."""
    return not (folder.restricted or folder.read_as.discreet)


def offered(db: Db, folder: Folder) -> bool:
    """Whether the page of a folder that waits for its reader offers to take it along."""
    return open_to_all(folder) and allowed(db, folder.collectivity_id)


@dataclass(frozen=True)
class Carried:
    """What was taken along: its number, the secret by which its browser asks, from when until when."""

    id: int
    token: str
    carried_at: datetime
    until: datetime


def refuse(db: Db, actor: Actor, folder: Folder) -> None:
    """Refuse what is not taken along of a folder that the actor reads.

    `carry-off` where the collectivity does not allow it, `carry-restricted`, `carry-awaited` where it does not wait for the
    actor, and `carry-session` outside of a session.
    """
    if not allowed(db, actor.collectivity_id):
        raise Refusal("carry-off")
    if not open_to_all(folder):
        raise Refusal("carry-restricted")
    if not waiting_for(db, actor, [folder.id]):
        raise Refusal("carry-awaited")
    if actor.session_id is None:
        raise Refusal("carry-session")


@use_case
def carry(db: Db, actor: Actor, folder_id: int, client: str) -> Carried:
    """Take the folder along on this browser; a line of the journal says so.

    The copy that it has of it already stays until this one has come whole (`arrived`): a network that is cut takes nothing away.
    Refuses who may not read it (`not-found`), as `refuse`, and `carry-many`.
    """
    folder = authorize(db, actor, folder_id)
    refuse(db, actor, folder)
    copies = [(row.session_id, row.folder_id) for row, _ in of_person(db, actor)]
    if len({*copies} - {(actor.session_id, folder_id)}) >= MOST or len(copies) >= MOST_COPIES:
        raise Refusal("carry-many", most=MOST)
    token, moment = new_token(), now()
    row = CarriedFolder(
        collectivity_id=actor.collectivity_id,
        folder_id=folder_id,
        user_id=actor.user_id,
        session_id=actor.session_id,
        token_hash=token_hash(token),
        client=client,
        carried_at=moment,
        until=moment + LASTS,
    )
    db.add(row)
    db.flush()
    facts = {
        "client": client,
        "until": row.until.isoformat(),
        "words": f"{client}, jusqu’au {instant(row.until)}",
    }
    append(db, actor.collectivity_id, Event("folder.carried", actor.name, actor.user_id, folder_id, facts))
    # Who administers reads no folder: he is told its number, and nothing of it
    words = f"dossier n° {folder_id}, jusqu’au {instant(row.until)}"
    write_down(db, actor.collectivity_id, "account.copy_taken", actor, words=words, client=client)
    return Carried(row.id, token, moment, row.until)


@use_case
def arrived(db: Db, actor: Actor, number: int, folder_id: int | None) -> None:
    """A copy has come whole: it stands in the place of those that its browser took of this folder before it.

    Refuses `carry-gone`, where a later one has come whole meanwhile, in another window, too.
    """
    row = _own(db, actor, number, folder_id)
    former = sa.delete(CarriedFolder).where(
        CarriedFolder.session_id == row.session_id,
        CarriedFolder.folder_id == row.folder_id,
        CarriedFolder.id < number,
    )
    db.execute(former.execution_options(synchronize_session=False))


def _own(db: Db, actor: Actor, number: int, folder_id: int | None) -> CarriedFolder:
    row = db.get(CarriedFolder, number)
    if row is None or (row.user_id, row.folder_id) != (actor.user_id, folder_id):
        raise Refusal("carry-gone")
    return row


@use_case
def give_back(db: Db, actor: Actor, number: int, folder_id: int | None) -> None:
    """End what one took along of this folder: its browser destroys it at the next contact.

    Refuses `carry-gone`, of a number too that is by now that of another folder's copy: SQLite gives the last one again.
    """
    row = _own(db, actor, number, folder_id)
    facts = {"client": row.client, "words": row.client}
    event = Event("folder.carried_back", actor.name, actor.user_id, row.folder_id, facts)
    gone = sa.delete(CarriedFolder).where(CarriedFolder.id == number)
    db.execute(gone.execution_options(synchronize_session=False))
    append(db, actor.collectivity_id, event)
    words = f"dossier n° {row.folder_id}"
    write_down(db, actor.collectivity_id, "account.copy_given_back", actor, words=words, client=row.client)


def of_person(db: Db, actor: Actor) -> Sequence[tuple[CarriedFolder, str]]:
    """What the actor has taken along and may still be shown, the last first, each with the title of its folder.

    What he may read no more is not named: it goes with the next contact.
    """
    query = (
        sa.select(CarriedFolder, Folder)
        .join(Folder, Folder.id == CarriedFolder.folder_id)
        .join(LoginSession, LoginSession.id == CarriedFolder.session_id)
        .where(CarriedFolder.user_id == actor.user_id, _lasting())
        .order_by(CarriedFolder.id.desc())
    )
    rows = db.execute(query).all()
    awaited = waiting_for(db, actor, {folder.id for _, folder in rows})
    return [(row, folder.title) for row, folder in rows if folder.id in awaited and open_to_all(folder)]


def _lasting() -> Any:
    """The condition on what was taken along that its day is not over, nor the session that took it closed by anybody.

    A session that ends of itself closes nothing here: a day without a network is longer than it is.
    """
    return sa.and_(CarriedFolder.until > now(), LoginSession.revoked_at.is_(None))


def waiting_for(db: Db, actor: Actor, folder_ids: Collection[int]) -> frozenset[int]:
    """Those of these folders that wait for the actor now, and that no family closes."""
    if not folder_ids:
        return frozenset()
    query = (
        sa.select(FOLDER.c.id)
        .join(STEP, STEP.c.folder_id == FOLDER.c.id)
        .where(
            FOLDER.c.id.in_(folder_ids),
            FOLDER.c.collectivity_id == actor.collectivity_id,
            FOLDER.c.phase == Phase.RUNNING.value,
            STEP.c.state == "active",
            asking(actor),
            unrestricted(FOLDER),
            unrestricted(STEP),
        )
    )
    return frozenset(db.scalars(query))


def seconds_left(tokens: Iterable[str]) -> list[int]:
    """For how many seconds each of these copies may still be shown; 0 of one that may not, or that never was.

    It may while its day lasts, its session was not closed, the account is open, the collectivity allows it, and the folder
    waits for its reader as it did.
    """
    hashes = [token_hash(token) for token in tokens][:MOST_COPIES]
    with reading() as db:
        rows = db.execute(_asked(hashes)).all() if hashes else []
    left: dict[str, int] = {}
    owners: dict[tuple[int, int], list[CarriedFolder]] = {}
    for row, settings_of in rows:
        if _permits(settings_of):
            owners.setdefault((row.collectivity_id, row.user_id), []).append(row)
    for (collectivity_id, user_id), mine in owners.items():
        for row in _allowed(collectivity_id, user_id, mine):
            left[row.token_hash] = max(0, ceil((row.until - now()).total_seconds()))
    return [left.get(one, 0) for one in hashes]


def _asked(hashes: Sequence[str]) -> Any:
    return (
        sa.select(CarriedFolder, Collectivity.settings)
        .join(LoginSession, LoginSession.id == CarriedFolder.session_id)
        .join(User, User.id == CarriedFolder.user_id)
        .join(Collectivity, Collectivity.id == CarriedFolder.collectivity_id)
        .where(CarriedFolder.token_hash.in_(hashes), _lasting(), User.active.is_(True))
    )


def _permits(own: Own) -> bool:
    return bool(value_in(own, OFFLINE).value == YES)


def _allowed(collectivity_id: int, user_id: int, rows: Sequence[CarriedFolder]) -> list[CarriedFolder]:
    numbers = {row.folder_id for row in rows}
    with reading(collectivity_id) as db:
        place = db.get_one(Collectivity, collectivity_id)
        actor = of_user(db, db.get_one(User, user_id), place.name)
        awaited = waiting_for(db, actor, numbers)
        folders: Mapping[int, Folder] = {
            one.id: one for one in db.scalars(sa.select(Folder).where(Folder.id.in_(awaited)))
        }
    return [row for row in rows if row.folder_id in folders and open_to_all(folders[row.folder_id])]


def forgotten(moment: datetime) -> Any:
    """The statement that takes away what is over."""
    return sa.delete(CarriedFolder).where(CarriedFolder.until < moment)
