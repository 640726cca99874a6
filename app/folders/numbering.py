"""Numbers of the collectivity's own registers: reserved for one folder, never given again, old and new linked.

The State and its relay operators take a number once per collectivity, whatever became of the act, refused and cancelled
included (@ctes A02): a folder that comes back after it left takes the same number with a suffix.
"""

import re

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import now, today
from app.core.db import Db
from app.core.questions import ask
from app.core.refusals import Refusal
from app.core.texts import whole
from app.core.transaction import use_case
from app.folders import corrections, words
from app.folders.access import lock_editable
from app.folders.facts import edit, fill
from app.folders.models import ActNumber, Folder
from app.folders.rows import NUMBERS
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.models import Collectivity
from workflows.acts.numbers import next_number
from workflows.family import Family, Problem
from workflows.own_types import REGISTERED, numbered

LARGEST_RANK = 99_999


@use_case
def take_number(db: Db, actor: Actor, folder_id: int, *, version: int) -> str:
    """Reserve for a draft the next number of its register, and write it in its facts; asked again, the same one.

    A folder whose number has already left takes it again with a suffix: « 2026_057 », then « 2026_057_1 ». Refuses
    `number-no-register` for a family that has none.
    """
    folder = lock_editable(db, actor, folder_id, version)
    family = family_of(folder.in_force)
    if family.register is None:
        raise Refusal("number-no-register")
    _alone(db, folder)
    held = current(db, folder)
    if held is not None and not _gone(held, folder):
        number = held.number
    elif held is not None:
        number = _suffixed(db, folder, held)
        _write(db, folder, actor.name, number, None, held)
    else:
        number, rank = _following(db, folder, family)
        _write(db, folder, actor.name, number, rank, None)
    before = folder.title_key
    edit(folder, None, {_field(family): number})
    words.ask(db, folder, before)
    corrections.keep(db, folder, actor)
    return number


def enroll(db: Db, folder: Folder, who: str) -> None:
    """Give a folder its number in the register of its type, when it is first sent, in the caller's transaction.

    Numbers of the same letters follow one another without a gap, whatever letters the type had in between: a folder that is
    refused after all takes none, and one that comes back keeps its own. Nothing where its type keeps no register. Refuses
    `number-register-full`.
    """
    family = family_of(folder.in_force)
    if not family.own_register or folder.fields.get(REGISTERED):
        return
    _alone(db, folder)
    letters = family.own_register.partition("-")[0]
    year = today().year if "{year}" in family.own_register else 0
    ranks = sa.select(sa.func.max(ActNumber.rank)).where(
        ActNumber.collectivity_id == folder.collectivity_id,
        ActNumber.register == letters,
        ActNumber.year == year,
    )
    for rank in range((db.scalar(ranks) or 0) + 1, LARGEST_RANK):
        number = numbered(family.own_register, year, rank)
        if _row(db, folder, number) is None:
            _write(db, folder, who, number, rank, None, (letters, year))
            fill(folder, family, {**folder.fields, REGISTERED: number}, title=None)
            words.ask(db, folder)
            return
    raise Refusal("number-register-full")


def claim(db: Db, actor: Actor, folder: Folder) -> Problem | None:
    """Keep for this folder the number that it leaves with, in the caller's transaction; else why it may not have it."""
    family = family_of(folder.in_force)
    number = _typed(folder)
    if family.register is None or not number:
        return None
    _alone(db, folder)
    if (taken := problem(db, folder)) is not None:
        return taken
    if _row(db, folder, number) is None:
        rank = _rank(family, number, _year(folder))
        kept = rank if _free(db, folder, rank) else None
        _write(db, folder, actor.name, number, kept, current(db, folder))
    return None


def problem(db: Db, folder: Folder) -> Problem | None:
    """Why the folder may not leave with its number: another folder's, or its own that has already left."""
    number, family = _typed(folder), family_of(folder.in_force)
    if not number or family.register is None:
        return None
    # A number is one row's in a collectivity: where it is this folder's, it is nobody else's
    own = next((one for (one,) in ask(db, NUMBERS, folder.id) if one.number == number), None)
    row = own or _row(db, folder, number)
    if row is None or (row.folder_id == folder.id and not _gone(row, folder)):
        return None
    whose = "à un autre dossier" if row.folder_id != folder.id else "à un envoi précédent de ce dossier"
    return Problem(
        "number-taken",
        _field(family),
        f"Le numéro « {number} » a servi {whose}, et un numéro ne sert qu’une fois, même refusé ou annulé. Prenez "
        f"« {_suffixed(db, folder, row)} » ou le numéro suivant du registre.",
    )


def mark_sent(db: Db, folder: Folder) -> None:
    """Write that the folder's number leaves in this round: from now on it has served, whatever comes back."""
    row = _row(db, folder, _typed(folder))
    if row is not None and row.folder_id == folder.id and row.sent_round is None:
        row.sent_round = folder.round


def history(db: Db, folder: Folder) -> list[str]:
    """The numbers that a folder has had, oldest first."""
    return [row.number for (row,) in ask(db, NUMBERS, folder.id)]


def offers(db: Db, folder: Folder) -> bool:
    """Whether the register of a draft's type would give it another number than the one that it bears."""
    if family_of(folder.in_force).register is None:
        return False
    typed = _typed(folder)
    held = current(db, folder) if typed else None
    return held is None or held.number != typed or _gone(held, folder)


def current(db: Db, folder: Folder) -> ActNumber | None:
    """The last number reserved for a folder."""
    query = sa.select(ActNumber).where(ActNumber.folder_id == folder.id).order_by(ActNumber.id.desc())
    return db.scalar(query.limit(1))


def _field(family: Family) -> str:
    """The fact that holds the number: a family that has a register names it (`workflows/family.py` refuses it otherwise)."""
    return family.number_field or ""


def _typed(folder: Folder) -> str:
    """The number that stands in the facts of a folder; empty when it has none yet."""
    return str(folder.fields.get(_field(family_of(folder.in_force))) or "")


def _gone(row: ActNumber, folder: Folder) -> bool:
    """Whether a number has left in a round that is over: the next sending needs another one."""
    return row.sent_round is not None and (row.sent_round < folder.round or folder.phase != "running")


def _alone(db: Db, folder: Folder) -> None:
    """One at a time in a collectivity: two desks must not be given the same number at the same instant."""
    db.get_one(Collectivity, folder.collectivity_id, with_for_update={"key_share": True})


def _following(db: Db, folder: Folder, family: Family) -> tuple[str, int]:
    """The rank after the last of this register and year, skipping numbers that were typed for something else."""
    year = _year(folder)
    last = db.scalar(
        sa.select(sa.func.max(ActNumber.rank)).where(
            ActNumber.collectivity_id == folder.collectivity_id,
            ActNumber.register == folder.family,
            ActNumber.year == year,
        )
    )
    for rank in range((last or 0) + 1, LARGEST_RANK):
        number = (family.register or "").format(year=year, rank=rank)
        if _row(db, folder, number) is None:
            return number, rank
    raise Refusal("number-register-full")


def _suffixed(db: Db, folder: Folder, row: ActNumber) -> str:
    number = next_number(row.number)
    while _row(db, folder, number) is not None:
        number = next_number(number)
    return number


def _write(
    db: Db,
    folder: Folder,
    who: str,
    number: str,
    rank: int | None,
    previous: ActNumber | None,
    register: tuple[str, int] | None = None,
) -> None:
    """`register`: that of a type, by its letters, and the year of which it counts; else that of the family."""
    name, year = register or (folder.family, _year(folder))
    row = ActNumber(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        register=name,
        year=year,
        rank=rank,
        number=number,
        previous_id=previous.id if previous else None,
        reserved_at=now(),
        reserved_by=who,
    )
    db.add(row)
    db.flush()  # the register refuses a second one of the same number here, before the journal
    facts = {"number": number, "previous": previous.number if previous else None}
    append(db, folder.collectivity_id, Event("number.reserved", who, None, folder.id, facts))


def _row(db: Db, folder: Folder, number: str) -> ActNumber | None:
    query = sa.select(ActNumber).where(
        ActNumber.collectivity_id == folder.collectivity_id, ActNumber.number == number
    )
    return db.scalar(query)


def _free(db: Db, folder: Folder, rank: int | None) -> bool:
    query = sa.select(ActNumber.id).where(
        ActNumber.collectivity_id == folder.collectivity_id,
        ActNumber.register == folder.family,
        ActNumber.year == _year(folder),
        ActNumber.rank == rank,
    )
    return rank is not None and db.scalar(query) is None


def _rank(family: Family, number: str, year: int) -> int | None:
    """The rank that a typed number would have in its register, or None when it is not of its form."""
    found = re.search(r"[0-9]+$", number)
    rank = whole(found[0], LARGEST_RANK - 1) if found is not None else None
    if not rank:
        return None
    return rank if (family.register or "").format(year=year, rank=rank) == number else None


def _year(folder: Folder) -> int:
    decided = str(folder.fields.get("decision_date") or "")
    return int(decided[:4]) if re.match(r"[0-9]{4}-", decided) else today().year
