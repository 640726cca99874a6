"""The verb of whoever decides on what is doubted: keep one of two values, or settle a caution, with a word."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.circuits.library import family_of
from app.core.clock import now
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock, refuse_stranger
from app.folders.corrections import DOCUMENT, FACT, TYPED, about_of, label, shown
from app.folders.facts import count_amount, fill, touch, weigh
from app.folders.models import Folder
from app.folders.move import (
    Present,
    count_days_again,
    cover_in_force,
    person_of,
    present,
    typed,
    was_signed,
)
from app.folders.readings import open_corrections
from app.folders.sockets import Caution, cautions, effect_of, indexed
from app.folders.words import ask as ask_words
from app.journal.chain import Event, append
from app.people.actor import Actor, Cover
from app.people.covers import facts_of, in_absence
from workflows.circuit import StepKind

LONGEST = 2000


def may_rule(folder: Folder, actor: Actor, here: Present | None) -> bool:
    """Whether the actor is a person whose turn it is to decide here, by a visa, a signature or otherwise, not to advise."""
    if here is None or here.step is None or here.step.kind.automatic or actor.user_id is None:
        return False
    if here.step.kind is StepKind.OPINION:
        return False
    return here.in_turn(actor, folder)


@use_case
def rule(
    db: Db, actor: Actor, folder_id: int, *, version: int, about: str | Sequence[str], keep: str, word: str
) -> str:
    """Rule on a caution (`Caution.about`) or on several, and for a correction keep one of its values; says so in French.

    Refuses `not-your-turn` to whoever does not decide here, `cover-over` to who does no more, `own-caution` to who typed or
    deposited what is doubted, `word-needed`, `words-long`, `nothing-to-rule` for what is no caution any more, `none-ticked`,
    `Caution.awaits` where something is to be done first, and `ruled-too-late` for a fact once somebody signed. Of several,
    all are ruled on or none is; each has its line in the journal, with whose absence it is done in.
    """
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    here = present(db, folder)
    if not may_rule(folder, actor, here):
        raise Refusal("not-your-turn")
    under = cover_in_force(db, actor, folder, here)
    named = {one.about: one for one in cautions(db, folder) if one.about}
    wanted = list(dict.fromkeys([about] if isinstance(about, str) else about))
    if not wanted:
        raise Refusal("none-ticked")
    if not all(one in named and keep in dict(named[one].choices) for one in wanted):
        raise Refusal("nothing-to-rule")
    if any(person_of(actor) in named[one].by for one in wanted):
        raise Refusal("own-caution")
    if awaited := next((named[one].awaits for one in wanted if named[one].awaits), ""):
        raise Refusal(awaited)
    word = typed(word)
    if not word:
        raise Refusal("word-needed")
    absent = under.absent if under is not None else ""
    said = {"who": in_absence(actor.name, absent), "at": now().isoformat(), "word": word}
    if absent:
        said["absent"] = absent
    told = [_ruled(db, actor, folder, named[one], keep, said, under) for one in wanted]
    touch(folder)
    return told[0] if len(told) == 1 else f"{len(told)} points levés"


def _ruled(
    db: Db,
    actor: Actor,
    folder: Folder,
    caution: Caution,
    keep: str,
    said: dict[str, str],
    under: Cover | None,
) -> str:
    """Write one ruling down, on the folder and in the journal."""
    about = caution.about
    facts: dict[str, Any] = {"round": folder.round, "about": about, "keep": keep, "word": said["word"]}
    if about.startswith((FACT, DOCUMENT)):
        keys = about_of(folder, about)
        done = _settle(db, folder, keys, keep, said)
        facts["kept"] = {key: folder.fields.get(key) for key in keys}
    else:
        outcome = effect_of(db, actor, folder, caution, keep, said)
        note_down(folder, {"about": about, "keeps": "", "title": caution.title, "done": outcome.done, **said})
        done = f"« {caution.title} » : {outcome.words}"
        if outcome.kept:
            facts["kept"] = dict(outcome.kept)
    facts |= {"words": done, **facts_of(under)}
    told = Event("folder.ruled", actor.name, actor.user_id, folder.id, facts)
    append(db, folder.collectivity_id, told)
    return done


def _settle(db: Db, folder: Folder, keys: list[str], keep: str, said: dict[str, str]) -> str:
    """Keep one of the values of each fact while nobody has signed; the clock of the folder follows."""
    if was_signed(db, folder):
        raise Refusal("ruled-too-late")
    family = family_of(folder.in_force)
    searched_by = folder.title_key
    words = [
        f"« {label(family, key)} » : {shown(family, key, settle(folder, key, keep, said))} retenu"
        for key in keys
    ]
    count_days_again(db, folder)
    weigh(db, folder)
    indexed(db, folder)
    ask_words(db, folder, searched_by)
    return " ; ".join(words)


def settle(folder: Folder, key: str, keep: str, said: dict[str, str]) -> Any:
    """Rule out all the values of a fact but one, which stands; returns that one."""
    family = family_of(folder.in_force)
    one = next(one for one in open_corrections(folder.fields, folder.sources) if one.key == key)
    chosen = one.value if keep == TYPED else next(v.value for v in one.read if str(v.value) == keep)
    over = [value for value in (one.value, *(v.value for v in one.read)) if value != chosen]
    ruling = {
        "about": key,
        "keeps": "typed" if keep == TYPED else "read",
        "kept": chosen,
        "over": over,
        "typed": one.value,
        "read": [asdict(v) for v in one.read],
        "reason": one.reason,
        "typist": one.who,
        "typed_at": one.at,
        "typists": sorted(one.typists),
        **said,
    }
    note_down(folder, ruling)
    left = {name: entry for name, entry in folder.sources.get("corrections", {}).items() if name != key}
    folder.sources = {**folder.sources, "corrections": left}
    if keep != TYPED:
        fill(folder, family, {**folder.fields, key: chosen}, title=None)
    count_amount(folder, family)
    return chosen


def note_down(folder: Folder, ruling: dict[str, object]) -> None:
    """Keep a ruling on the folder, after those before it (`app/folders/readings.py`)."""
    folder.sources = {**folder.sources, "rulings": [*folder.sources.get("rulings", ()), ruling]}


def doubted_by(caution: Caution, actor: Actor) -> bool:
    """Whether the actor is among those who made what is doubted, and may not rule on it."""
    return person_of(actor) in caution.by
