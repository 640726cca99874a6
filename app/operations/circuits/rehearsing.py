"""A rehearsal as a person reads it: by name and by day, and what would block it, with the page where that is mended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import PARIS
from app.core.db import NO_DATE, Db
from app.core.french import jour, spaces
from app.core.grammar import de, plural
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.folders.facts import act_of
from app.folders.models import Folder
from app.folders.move import lacking_words
from app.folders.rehearsal import Rehearsal, Stage
from app.folders.seats import Slot
from app.operations.circuits.views import HANDOVER
from app.people import mandates
from app.people.models import User
from app.signing.models import Certificate
from app.transmission.traits import traits_of
from workflows.circuit import Circuit, StepKind, WhoKind
from workflows.drawing import quorum_text
from workflows.family import Family, Field
from workflows.mandates import fitting

_OF_ANOTHER = (
    ("Votre mandat", "son mandat"),
    ("votre mandat", "son mandat"),
    ("Votre délégation", "sa délégation"),
    ("votre délégation", "sa délégation"),
    ("à votre nom", "à son nom"),
    ("vous délègue", "lui délègue"),
    ("Le montant", "le montant"),
    ("L’arrêté", "l’arrêté"),
    ("Aucun", "aucun"),
)
"""What is said to whom a mandate lacks, as it is said of him."""


@dataclass(frozen=True)
class Snag:
    """One thing that would block a step (`stops`) or that is to be watched, and the desk where it is mended, if one is."""

    sentence: str
    stops: bool
    desk: int | None = None


@dataclass(frozen=True)
class StageView:
    """A step of the rehearsal: its number, who would be asked, by when, in which words it stands, and its snags."""

    n: int
    label: str
    who: Sequence[str]
    when: str
    snags: Sequence[Snag]

    @property
    def stops(self) -> bool:
        """Whether the folder would stop here."""
        return any(one.stops for one in self.snags)


@dataclass(frozen=True)
class View:
    """The whole rehearsal in words."""

    stages: Sequence[StageView]
    verdict: str
    tone: str
    ending: str
    late: str


def view(db: Db, folder: Folder, rehearsal: Rehearsal) -> View:
    """The rehearsal of a folder in words; a certificate or a mandate is looked at on the day on which it would serve."""
    if rehearsal.refusal is not None:
        words = sentences.say(rehearsal.refusal.key, rehearsal.refusal.facts)[1]
        return View((), spaces(words), "danger", "", "")
    certified = _certified(db, folder.collectivity_id, rehearsal.stages)
    stages = [
        _stage(db, folder, stage, certified, rank) for rank, stage in enumerate(rehearsal.stages, start=1)
    ]
    stopped = next((one for one in stages if one.stops), None)
    risks = sum(not snag.stops for one in stages for snag in one.snags)
    blocks = sum(snag.stops for one in stages for snag in one.snags)
    verdict, tone = "Ce dossier irait jusqu’au bout", "ok"
    if stopped is not None:
        unsent = any(stage.unsendable for stage in rehearsal.stages)
        verdict = "Ce dossier ne partirait pas" if unsent else "Ce dossier partirait, puis s’arrêterait"
        verdict, tone = f"{verdict} : étape {stopped.n}, {stopped.label}", "danger"
    elif risks:
        tone = "warn"
    if told := ", ".join(
        plural(count, word, words)
        for count, word, words in (
            (blocks, "blocage", "blocages"),
            (risks, "point à surveiller", "points à surveiller"),
        )
        if count
    ):
        verdict = f"{verdict} ({told})"
    ending, late = "", ""
    if stopped is None:
        ending = f"Terminé au plus tard le {jour(rehearsal.ends)}, si chaque étape prend tout son délai."
        if rehearsal.due != NO_DATE:
            ending += f" Échéance du dossier : {jour(rehearsal.due)}"
            ending += "" if ending.endswith(".") else "."
            days = (rehearsal.ends - rehearsal.due) // timedelta(days=1)
            late = f"{plural(days, 'jour')} trop tard." if days > 0 else ""
            tone = "warn" if late else tone
    return View(stages, spaces(verdict), tone, spaces(ending), late)


def _stage(db: Db, folder: Folder, stage: Stage, certified: Mapping[int, date], rank: int) -> StageView:
    step = stage.step
    who = [_slot(slot) for slot in (stage.slots or stage.seats)]
    if step.kind.automatic:
        channel = f", vers {traits_of(step.channel).relayed_to or HANDOVER}" if step.channel else ""
        who = [f"Automatique{channel}"]
    elif quorum := quorum_text(step):
        who.append(quorum)
    when = f"avant {jour(stage.due)}" if stage.due != NO_DATE else "sans échéance"
    if stage.due < stage.entered:
        when = f"échu le {jour(stage.due)}, avant d’y arriver"
    return StageView(
        rank,
        step.label,
        [spaces(one) for one in who],
        spaces(when),
        list(_snags(db, folder, stage, certified)),
    )


def _slot(slot: Slot) -> str:
    names = ", ".join(person.name for person in slot.people)
    if slot.named_user_id is not None:
        return names or slot.label
    return f"{slot.label} : {names}" if names else f"{slot.label} : personne"


def _snags(db: Db, folder: Folder, stage: Stage, certified: Mapping[int, date]) -> Iterable[Snag]:
    step, verb = stage.step, stage.step.kind.infinitive
    if stage.refusal is not None:
        yield Snag(spaces(f"Il manque : {stage.refusal.facts.get('what', '')}."), stops=True)
        return
    if step.kind.automatic:
        return
    if stage.unsendable:
        yield from _nobody(stage)
        return
    if step.kind is not StepKind.SIGN:
        return
    able = {person.user_id for slot in stage.slots for person in slot.people}
    named = {person.user_id for slot in stage.seats if slot.named_user_id for person in slot.people}
    for person in {one.user_id: one for slot in stage.seats for one in slot.people}.values():
        if person.user_id in able | named:
            continue
        why = _mandate(db, folder, person.user_id, stage.entered)
        yield Snag(spaces(f"{person.name} : {why}"), stops=stage.stuck)
    without = [
        person
        for person in {one.user_id: one for slot in stage.slots for one in slot.people}.values()
        if certified.get(person.user_id, date.min) < stage.entered
    ]
    family = family_of(folder.in_force)
    for person in without:
        alone = len(without) == len(able)
        end = certified.get(person.user_id)
        what = f"certificat, fini le {jour(end)}" if end else "certificat inscrit"
        paper = " La signature sur papier reste possible." if family.paper_signature else ""
        yield Snag(
            spaces(f"{person.name} n’aura pas de {what} pour {verb} ce jour-là.{paper}"),
            stops=alone and not family.paper_signature,
        )


def _nobody(stage: Stage) -> Iterable[Snag]:
    """Why too few could act: the desks where nobody has the right, else one person for two parts."""
    verb = stage.step.kind.infinitive
    empty = [slot for slot in stage.seats if not slot.people]
    for slot in empty:
        where = f"à « {slot.label} »" if slot.desk_id else f"parmi les bureaux {de(slot.label)}"
        yield Snag(spaces(f"Personne n’a le droit de {verb} {where}."), stops=True, desk=slot.desk_id)
    if not empty:
        needed = stage.step.quorum.needed(len(stage.seats))
        people = {person.user_id for slot in stage.seats for person in slot.people}
        yield Snag(
            spaces(
                f"{needed} personnes différentes doivent {verb}, et {len(people)} seulement en "
                f"{'ont' if len(people) > 1 else 'a'} le droit."
                f"{'ont' if len(people) > 1 else 'a'} le droit."
            ),
            stops=True,
        )


def _mandate(db: Db, folder: Folder, user_id: int, day: date) -> str:
    """What keeps somebody who may sign at a desk from signing this folder on that day."""
    try:
        fitting(mandates.mandates(db, user_id), act_of(folder), day)
    except Refusal as refusal:
        words = lacking_words(refusal).split(". ")[0].removesuffix(".")
        for own, whose in _OF_ANOTHER:
            words = words.replace(own, whose)
        return f"{words}."
    return "aucun mandat ne porte sur ce dossier."


def _certified(db: Db, collectivity_id: int, stages: Sequence[Stage]) -> dict[int, date]:
    """The last day of the best certificate of each who would sign; one that waits for a word serves nothing."""
    signing = [one for one in stages if one.step.kind is StepKind.SIGN]
    people = {person.user_id for stage in signing for slot in stage.seats for person in slot.people}
    query = (
        sa.select(Certificate.user_id, sa.func.max(Certificate.not_after))
        .join(User, User.id == Certificate.user_id)
        .where(
            User.collectivity_id == collectivity_id,
            Certificate.user_id.in_(people),
            Certificate.withdrawn_at.is_(None),
            Certificate.to_confirm.is_(False),
        )
        .group_by(Certificate.user_id)
    )
    return {user_id: end.astimezone(PARIS).date() for user_id, end in db.execute(query)} if people else {}


def asked(family: Family, circuit: Circuit) -> list[Field]:
    """The facts that the way depends on: conditions, those who are chosen at the deposit, clock, ceiling, matter."""
    keys = {name for step in circuit.steps if step.when for name in step.when.fields}
    keys |= {
        who.value for step in circuit.steps for who in step.who if who.kind in {WhoKind.CHOSEN, WhoKind.ROLE}
    }
    if family.due_rule is not None:
        keys |= {family.due_rule.start, *(family.due_rule.unless.fields if family.due_rule.unless else ())}
    if family.amount_field:
        keys.add(family.amount_field)
    return [one for one in family.fields if one.key in keys or one.type == "matter"]
