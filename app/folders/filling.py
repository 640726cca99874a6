"""The verb of whoever acts at a step that requires fields: fill them in, told to all who decide after, and in the journal.

No second way of correcting: what decided the circuit already followed stays as it was given (decision 0032).
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.circuits.models import RuleTableVersion
from app.circuits.tables import table_of
from app.core.db import Db
from app.core.french import spaces
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import lock, refuse_stranger
from app.folders.corrections import label
from app.folders.facts import act_of, fill, touch, weigh
from app.folders.filled import in_words, remember
from app.folders.models import Folder
from app.folders.move import Present, cover_in_force, not_your_turn, present
from app.folders.required import required
from app.folders.sending import gone
from app.folders.sockets import indexed
from app.folders.words import ask as ask_words
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.covers import facts_of, in_absence
from workflows.circuit import Circuit, WhoKind
from workflows.family import Problem, normalised
from workflows.fields import Field, parse


def may_fill(folder: Folder, actor: Actor, here: Present | None) -> bool:
    """Whether the step requires fields of this folder, and the actor may act at it now."""
    return _may_act(folder, actor, here) and bool(here and here.step and required(folder, here.step))


def _may_act(folder: Folder, actor: Actor, here: Present | None) -> bool:
    if here is None or here.step is None:
        return False
    return here.in_turn(actor, folder)


@use_case
def fill_in(db: Db, actor: Actor, folder_id: int, *, version: int, facts: Mapping[str, Any]) -> str:
    """Keep what was typed of the fields that the step requires, all of them or not; what changed, in words.

    Refuses `moved-on`, whoever may not act here (`not-your-turn`), or no more (`cover-over`), `facts-not-asked` where the step
    requires nothing, and `facts-to-fix` with all that is wrong, each on its field: nothing is kept then.
    """
    folder = lock(db, actor, folder_id, version)
    words = write(db, actor, folder, facts)
    if words:
        touch(folder)
    return words


def write(db: Db, actor: Actor, folder: Folder, facts: Mapping[str, Any], *, whole: bool = False) -> str:
    """What `fill_in` writes, on a folder that the caller has locked; `whole`: what is left empty is wrong too."""
    refuse_stranger(db, actor, folder)
    here = present(db, folder)
    if here.step is None or not _may_act(folder, actor, here):
        raise not_your_turn(db, actor, folder, here)
    if not required(folder, here.step):
        raise Refusal("facts-not-asked", step=here.step.label)
    fields = {field.key: field for field in required(folder, here.step)}
    values = normalised(family_of(folder.in_force), {key: facts[key] for key in facts if key in fields})
    values = {key: values[key] for key in fields if key in values}
    before = {key: folder.fields.get(key) for key in fields}
    after = {key: values.get(key) if key in facts else before[key] for key in fields}
    changed = [key for key in fields if after[key] != before[key]]
    problems = [
        Problem(
            "field-not-asked",
            key,
            f"« {label(family_of(folder.in_force), key)} » n’est pas demandé à cette étape.",
        )
        for key in facts
        if key not in fields
    ]
    problems += _wrong([fields[key] for key in changed], after)
    problems += gone(db, folder, [fields[key] for key in changed], after)
    problems += _settled(db, folder, here, {key: before[key] for key in changed})
    if whole:
        problems += [_empty(fields[key]) for key in fields if after[key] in (None, "")]
    if problems:
        raise to_fix(problems)
    if not changed:
        return ""
    return _write(db, actor, folder, here, fields, {key: after[key] for key in changed}, before)


def _write(
    db: Db,
    actor: Actor,
    folder: Folder,
    here: Present,
    fields: Mapping[str, Field],
    values: Mapping[str, Any],
    before: Mapping[str, Any],
) -> str:
    under = cover_in_force(db, actor, folder, here)
    family = family_of(folder.in_force)
    left = {key: value for key, value in folder.fields.items() if key not in values}
    weight = act_of(folder).weight_cents
    searched_by = folder.title_key
    fill(folder, family, {**left, **values}, title=None)
    ask_words(db, folder, searched_by)
    if act_of(folder).weight_cents != weight:
        weigh(db, folder)
    step = here.step.label if here.step is not None else ""
    who = in_absence(actor.name, under.absent if under is not None else None)
    remember(folder, values, who=who, step=step)
    indexed(db, folder)
    words = " ; ".join(
        f"« {fields[key].label} » : {in_words(db, folder, fields[key], value)}"
        + (
            f", au lieu de {in_words(db, folder, fields[key], before[key])}"
            if before[key] is not None
            else ""
        )
        for key, value in values.items()
    )
    facts = {
        "round": folder.round,
        "place": folder.place,
        "facts": dict(values),
        "before": {key: before[key] for key in values if before[key] is not None},
        "words": spaces(words),
        **facts_of(under),
    }
    append(db, folder.collectivity_id, Event("facts.filled", actor.name, actor.user_id, folder.id, facts))
    return spaces(words)


def to_fix(problems: list[Problem]) -> Refusal:
    """The refusal that tells all that is wrong, each on its field."""
    return Refusal(
        "facts-to-fix",
        details=" ".join(problem.sentence for problem in problems),
        problems=[
            {"key": problem.key, "field": problem.field, "sentence": problem.sentence} for problem in problems
        ],
    )


def _wrong(fields: list[Field], after: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for field in fields:
        try:
            if after[field.key] is not None:
                parse(field, after[field.key])
        except ValueError as error:
            problems.append(Problem(f"{field.type}-invalid", field.key, str(error)))
    return problems


def _empty(field: Field) -> Problem:
    return Problem("required", field.key, f"« {field.label} » reste à renseigner.")


def _settled(db: Db, folder: Folder, here: Present, changed: Mapping[str, Any]) -> list[Problem]:
    """What may not change any more: a value by which the circuit was chosen, and one that a colleague acted upon."""
    changed_keys = [key for key, value in changed.items() if value is not None]
    if not changed_keys:
        return []
    family, decided = family_of(folder.in_force), _decided(db, folder, here.circuit)
    acted = bool(here.standing.acted)
    problems = []
    for key in changed_keys:
        name = f"« {label(family, key)} »"
        if key in decided:
            why = (
                f"{name} a décidé du circuit de ce dossier, et n’y change plus. Rejetez-le pour le corriger."
            )
            problems.append(Problem("field-decided", key, why))
        elif acted:
            why = f"{name} a déjà servi à qui s’est prononcé à cette étape. Rejetez le dossier pour le corriger."
            problems.append(Problem("field-acted", key, why))
    return problems


def _decided(db: Db, folder: Folder, circuit: Circuit) -> frozenset[str]:
    """The fields by which the way behind the folder was chosen: rules, conditions up to its step, who is chosen anywhere."""
    keys: set[str] = set()
    if folder.rule_version_id is not None:
        definition = db.scalar(
            sa.select(RuleTableVersion.definition).where(RuleTableVersion.id == folder.rule_version_id)
        )
        keys |= table_of(definition).fields if definition is not None else set()
    at = circuit.steps.index(circuit.step(folder.place))
    for step in circuit.steps[: at + 1]:
        keys |= step.when.fields if step.when is not None else set()
    named = {WhoKind.CHOSEN, WhoKind.ROLE}
    return frozenset(keys | {who.value for step in circuit.steps for who in step.who if who.kind in named})
