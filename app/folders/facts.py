"""The facts of a folder as they are typed or read, and the copies of them that lists show."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import PARIS, now
from app.core.db import NO_DATE, Db
from app.core.refusals import Refusal
from app.core.texts import plain
from app.folders.models import ASKED, Folder, StepRun
from app.folders.readings import files_of, others
from app.folders.search import key_of_folder
from app.folders.sockets import deadline_of, plugged
from app.folders.words import searched
from workflows.family import Family, normalised
from workflows.mandates import Act
from workflows.own_types import REGISTERED

LONGEST_TITLE = 300
LONGEST_NUMBER = 200
"""Signs of the number by which a folder is found; the fact has all of them."""
LARGEST_AMOUNT = 10**13
"""In euros: beyond, what was typed is no amount of a commune, and its cents would not fit their column."""


def edit(folder: Folder, title: str | None, facts: Mapping[str, Any]) -> None:
    """Keep what was typed over what was known; only the family's own fields are kept.

    What the files say stays beside it (`app/folders/corrections.py` tells the difference).
    """
    family = family_of(folder.in_force)
    if not plugged.binding.get(family.name, False):
        folder.sources = {**folder.sources, "files": files_of(folder.fields, folder.sources)}
    known = {field.key for field in family.fields}
    typed = {key: value for key, value in facts.items() if key in known}
    before = folder.fields
    fill(folder, family, {**before, **typed}, title=title)
    # « 624,90 » typed over « 624.90 » read is the same amount: compared as they are kept.
    read = [one for one in folder.sources.get("read", []) if folder.fields.get(one) == before.get(one)]
    folder.sources = {**folder.sources, "read": read}
    touch(folder)


def fill(folder: Folder, family: Family, facts: Mapping[str, Any], *, title: str | None) -> None:
    """Set the facts, and the copies of them that lists read: title, number, amount, search key.

    The title follows the facts until somebody writes another one; refuses `words-long`.
    """
    made = family.title_for(folder.fields)
    typed = folder.title if title is None else plain(title)
    folder.fields = normalised(family, facts)
    # One that the family made of the facts, as long as the law lets an object be, comes back with the form
    if title is not None and typed not in {made, folder.title} and len(typed) > LONGEST_TITLE:
        raise Refusal("words-long", most=LONGEST_TITLE, got=len(typed))
    folder.title = typed if typed and typed != made else family.title_for(folder.fields)
    # What others numbered goes by their number, and what nobody did by that of the register of its type
    own = folder.fields.get(REGISTERED)
    number = str((folder.fields.get(family.number_field) if family.number_field else own) or own or "")
    folder.number = number[:LONGEST_NUMBER]
    count_amount(folder, family)
    folder.title_key = key_of_folder(folder.title, folder.number, searched(folder), folder.amount_cents)


def count_amount(folder: Folder, family: Family) -> None:
    """Set the amount that lists show and add up: below zero for what gives money back, unless that is disputed."""
    cents = cents_of(folder.fields.get(family.amount_field)) if family.amount_field else None
    folder.amount_cents = -abs(cents) if cents is not None and family.credits(folder.facts) else cents


def cents_of(value: Any) -> int | None:
    """The amount that lists show, or None while what was typed is none: the form says it when the folder is sent."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return int(amount * 100) if amount.is_finite() and abs(amount) < LARGEST_AMOUNT else None


def largest_amount(folder: Folder) -> int | None:
    """The amount in cents that a ceiling must hold: of the family's and of those that the type asks, the furthest from zero.

    Of one that is disputed, each value counts. None when one of them is no amount: it is above every ceiling. An amount of
    the type that nobody gave says nothing.
    """
    family = family_of(folder.in_force)
    read = others(folder.fields, folder.sources)
    amounts = [folder.amount_cents] if family.amount_field else []
    amounts += [cents_of(value) for value in read.get(family.amount_field or "", ())]
    for key in family.own_amounts:
        if folder.fields.get(key) not in (None, ""):
            amounts += [cents_of(value) for value in (folder.fields[key], *read.get(key, ()))]
    known = [amount for amount in amounts if amount is not None]
    return max(known, key=abs, default=None) if len(known) == len(amounts) else None


def act_of(folder: Folder) -> Act:
    """The folder as a mandate looks at it: its family, its matter and its amount, where the family has them.

    Of an amount that a file and a person tell otherwise, the larger, until somebody rules.
    """
    family = family_of(folder.in_force)
    matter = next((one.key for one in family.fields if one.type == "matter"), None)
    return Act(
        folder.family,
        None if matter is None else str(folder.fields.get(matter) or ""),
        largest_amount(folder),
        priced=family.amount_field is not None
        or any(folder.fields.get(key) not in (None, "") for key in family.own_amounts),
        named_substitution=family.named_substitution,
    )


def weigh(db: Db, folder: Folder) -> None:
    """Write on the steps that are awaited what a ceiling is compared with, where a fact was changed under them."""
    awaited = sa.update(StepRun).where(
        StepRun.folder_id == folder.id, StepRun.state == "active", ~StepRun.slot.startswith(ASKED)
    )
    db.execute(awaited.values(amount_cents=act_of(folder).weight_cents))


def due_of(folder: Folder, sent_on: date | None) -> date:
    """The day by which the folder is to end, `NO_DATE` for none; `sent_on`, when it was sent, is None before."""
    if (moved := deadline_of(folder)) is not None:
        return moved
    return family_of(folder.in_force).due(folder.facts, sent_on) or NO_DATE


def sent_on(folder: Folder) -> date | None:
    """The day on which the folder was last sent, in Paris; None for one that never was."""
    return folder.submitted_at.astimezone(PARIS).date() if folder.submitted_at is not None else None


def touch(folder: Folder) -> None:
    """Make every page of the folder that is open elsewhere an older one; what was done before is taken back no more."""
    folder.version += 1
    folder.updated_at = now()
    folder.final_at = None
