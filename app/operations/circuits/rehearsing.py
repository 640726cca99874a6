"""A rehearsal as a person reads it: by name and by day, and what would block it, with the page where that is mended."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import sqlalchemy as sa

from app.circuits.library import OURS, family_of, unjoined
from app.circuits.models import CircuitVersion
from app.circuits.tables import InForce
from app.core.db import NO_DATE, Db
from app.core.french import instant, jour, spaces
from app.core.grammar import de, plural
from app.core.questions import once
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.folders.facts import act_of
from app.folders.models import Folder
from app.folders.move import lacking_words
from app.folders.rehearsal import Rehearsal, Stage
from app.folders.route import dispute_words, path_of, route_of, rule_words
from app.folders.seats import Person, Slot, lacks_people
from app.folders.sending import find_problems, main_document
from app.folders.sockets import plugged
from app.operations.circuits.views import HANDOVER
from app.people import mandates
from app.people.choosing import UNOPENED
from app.people.covers import away_at, in_absence, moment_on
from app.people.models import Collectivity, User
from app.signing import seals
from app.signing.enrol import certificates_by_person
from app.signing.foreseen import certificate_lacks
from app.signing.models import Certificate
from app.transmission.channels import open_channel
from app.transmission.settings import names as channels
from app.transmission.traits import traits_of
from app.trust.assurance import LABELS, SIMPLE
from workflows.circuit import Circuit, Step, StepKind, WhoKind
from workflows.condition import AllOf, AnyOf, Condition, Facts, Not, Test
from workflows.drawing import count_text
from workflows.emitting import BRANCH, EMITTER, deposited
from workflows.engine import filled
from workflows.family import Family, Field, check_circuit, problems
from workflows.mandates import fitting
from workflows.own_types import signed_as
from workflows.rule_table import Table


@dataclass(frozen=True)
class Accounts:
    """What is read once of those who would be asked, by number: the certificates of who signs, and who has never entered."""

    certificates: Mapping[int, list[Certificate]]
    unopened: frozenset[int]


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
    """One thing that would block a step (`stops`) or that is to be watched, and the desk where it is mended, if one is.

    One that is not `counted` says why another blocks. `by_hand`: the step can then be signed on paper alone.
    """

    sentence: str
    stops: bool
    desk: int | None = None
    counted: bool = True
    by_hand: bool = False


@dataclass(frozen=True)
class StageView:
    """A step of the rehearsal: its number, who would be asked, by when, in which words it stands, and its snags.

    `signed`: how the documents would be signed there; empty at every other step.
    """

    n: int
    label: str
    who: Sequence[str]
    when: str
    snags: Sequence[Snag]
    informed: str = ""
    asks: str = ""
    signed: str = ""

    @property
    def stops(self) -> bool:
        """Whether the folder would stop here."""
        return any(snag.stops for snag in self.snags)


@dataclass(frozen=True)
class View:
    """The whole rehearsal in words.

    `lacking`: what keeps the folder from leaving, beside its steps; `doubts`: the conditions that an empty fact decides.
    """

    stages: Sequence[StageView]
    verdict: str
    tone: str
    ending: str = ""
    late: str = ""
    lacking: Sequence[str] = ()
    doubts: Sequence[str] = ()


def view(
    db: Db, folder: Folder, rehearsal: Rehearsal, lacking: Sequence[str] = (), doubts: Sequence[str] = ()
) -> View:
    """The rehearsal of a folder in words; a certificate or a mandate is looked at on the day on which it would serve."""
    notes = tuple(map(spaces, lacking)), tuple(map(spaces, doubts))
    if rehearsal.refusal is not None:
        sentence = sentences.say(rehearsal.refusal.key, rehearsal.refusal.facts)[1]
        return View((), spaces(sentence), "danger", "", "", *notes)
    lacking = [*lacking, *(_astray(stage) for stage in rehearsal.aside if stage.unsendable)]
    notes = tuple(map(spaces, lacking)), tuple(map(spaces, doubts))
    accounts = _accounts(db, rehearsal.stages)
    stages = [
        _stage(db, folder, stage, accounts, rank) for rank, stage in enumerate(rehearsal.stages, start=1)
    ]
    verdict, tone = _verdict(rehearsal.stages, stages, lacking, doubts)
    if lacking or any(stage.stops for stage in stages):
        return View(stages, spaces(verdict), tone, "", "", *notes)
    ending, late = _ending(rehearsal)
    return View(stages, spaces(verdict), "warn" if late else tone, spaces(ending), late, *notes)


def _astray(stage: Stage) -> str:
    """Why a step that other values would lead to keeps the folder from leaving."""
    step = stage.step
    return (
        f"L’étape « {step.label} » aurait lieu pour d’autres valeurs de ce qui se remplit en chemin, et personne ne pourrait y "
        f"{step.kind.infinitive} : corrigez-la, un dossier ne part pas vers une étape dont il ne sortirait pas."
    )


def _verdict(
    stages: Sequence[Stage], views: Sequence[StageView], lacking: Sequence[str], doubts: Sequence[str]
) -> tuple[str, str]:
    """The one sentence of the rehearsal, with how much blocks and how much is to be watched, and its tone."""
    snags = [snag for view in views for snag in view.snags if snag.counted]
    blocks = len(lacking) + sum(snag.stops for snag in snags)
    risks = len(doubts) + sum(not snag.stops for snag in snags)
    unsent = [
        view for view, stage in zip(views, stages, strict=True) if stage.unsendable or _unknown(stage.step)
    ]
    stopped = [view for view in views if view.stops]
    verdict, tone = "Ce dossier irait jusqu’au bout", "warn" if risks else "ok"
    if any(snag.by_hand for snag in snags):
        verdict = "Ce dossier irait jusqu’au bout, signé sur papier"
    if lacking:
        verdict, tone = "Ce dossier ne partirait pas", "danger"
    elif unsent:
        verdict, tone = f"Ce dossier ne partirait pas : étape {unsent[0].n}, {unsent[0].label}", "danger"
    elif stopped:
        place = f"étape {stopped[0].n}, {stopped[0].label}"
        verdict, tone = f"Ce dossier partirait, puis s’arrêterait : {place}", "danger"
    counts = ((blocks, "blocage", "blocages"), (risks, "point à surveiller", "points à surveiller"))
    summary = ", ".join(plural(count, word, several) for count, word, several in counts if count)
    return (f"{verdict} ({summary})" if summary else verdict), tone


def _ending(rehearsal: Rehearsal) -> tuple[str, str]:
    """When the folder would be over, which steps that does not count, its legal last day; and by how much it is late."""
    ending = f"Terminé le {jour(rehearsal.ends)} si chaque étape prend tout son délai"
    if free := [f"« {stage.step.label} »" for stage in rehearsal.stages if not stage.step.days]:
        verbs = "n’en ont pas et ne sont pas comptées" if len(free) > 1 else "n’en a pas et n’est pas comptée"
        ending += f" ; {_listed(free)} {verbs}"
    ending = f"{ending}."
    if rehearsal.due == NO_DATE:
        return ending, ""
    ending += f" Échéance du dossier : {jour(rehearsal.due)}"
    days = (rehearsal.ends - rehearsal.due) // timedelta(days=1)
    return f"{ending.removesuffix('.')}.", f"{plural(days, 'jour')} trop tard." if days > 0 else ""


def _listed(labels: Sequence[str]) -> str:
    """« A, B et C »."""
    return " et ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


def _stage(db: Db, folder: Folder, stage: Stage, accounts: Accounts, rank: int) -> StageView:
    step = stage.step
    parts = stage.slots or stage.seats
    who = [_slot(slot) for slot in parts]
    if step.kind.automatic:
        who = [f"Automatique{_towards(step)}"]
    # A desk that is named twice is one part: the count is that of the parts
    elif quorum := count_text(total := len(parts) or len(step.who), step.quorum.needed(total)):
        who.append(quorum)
    when = f"avant {jour(stage.due)}" if stage.due != NO_DATE else "sans échéance"
    if stage.due < stage.entered:
        when = f"échu le {jour(stage.due)}, avant d’y arriver"
    return StageView(
        rank,
        step.label,
        [spaces(part) for part in who],
        spaces(when),
        list(_snags(db, folder, stage, accounts)),
        spaces(f"Pour information : {' ; '.join(map(_slot, stage.told))}") if stage.told else "",
        spaces(f"À remplir : {', '.join(stage.asks)}") if stage.asks else "",
        spaces(f"Signature : {signed_as(family_of(folder.in_force))}") if step.kind is StepKind.SIGN else "",
    )


def _unknown(step: Step) -> bool:
    """Whether the step sends by a channel that the house does not have: the folder is then refused when it is sent."""
    return bool(step.channel) and step.channel not in channels()


def _towards(step: Step) -> str:
    if not step.channel or _unknown(step):
        return ""
    return f", vers {traits_of(step.channel).relayed_to or HANDOVER}"


def _slot(slot: Slot) -> str:
    names = ", ".join(in_absence(person.name, person.absent) for person in slot.people)
    if slot.named_user_id is not None:
        return names or slot.label
    return f"{slot.label} : {names}" if names else f"{slot.label} : personne"


def _snags(db: Db, folder: Folder, stage: Stage, accounts: Accounts) -> Iterable[Snag]:
    step = stage.step
    if stage.refusal is not None:
        yield Snag(spaces(f"Il manque : {stage.refusal.facts.get('what', '')}."), stops=True)
    elif step.kind.automatic:
        yield from _alone(db, folder, step)
    elif stage.unsendable:
        yield from _nobody(step, stage.seats)
    elif step.kind is StepKind.SIGN:
        if stage.stuck:
            yield from _nobody(step, stage.slots, by_mandate=True)
        yield from _mandates(db, folder, stage)
        if not stage.stuck:
            yield from _certified(folder, stage, accounts.certificates)
    yield from _never_entered(stage, accounts.unopened)
    yield from _away(stage)
    yield from _away_later(db, folder, stage)


def _never_entered(stage: Stage, unopened: Collection[int]) -> Iterable[Snag]:
    """Those whose account was never opened, where too few others could act: the step waits for them to enter once."""
    entered = tuple(
        replace(slot, people=tuple(person for person in slot.people if person.user_id not in unopened))
        for slot in stage.slots
    )
    if stage.stuck or not lacks_people(stage.step, entered):
        return
    alone = [slot for slot, left in zip(stage.slots, entered, strict=True) if not left.people]
    waited = [one for one in _people(alone or stage.slots) if one.user_id in unopened]
    names = ", ".join(person.name for person in waited)
    which = "de ce compte" if len(waited) == 1 else "de l’un de ces comptes"
    yield Snag(
        spaces(f"Compte jamais ouvert : {names}. Le dossier attendrait la première connexion {which}."),
        stops=False,
    )


def _away(stage: Stage) -> Iterable[Snag]:
    """Those who will be away on that day, where nobody else of the part is there and nobody stands in: it waits for them."""
    for slot in stage.slots:
        if slot.people and all(person.away is not None for person in slot.people):
            gone = ", ".join(f"{person.name}, jusqu’au {instant(person.away)}" for person in slot.people)
            yield Snag(spaces(f"Absent ce jour-là : {gone}. Le dossier attendrait son retour."), stops=False)


def _away_later(db: Db, folder: Folder, stage: Stage) -> Iterable[Snag]:
    """Those who are there on the day that the step is entered and away on its last one, where nobody stands in for them."""
    day = stage.leaves
    if day == stage.entered or not stage.slots:
        return
    away = once(db, ("away on", day), lambda: away_at(db, folder.collectivity_id, moment_on(day)))
    for slot in stage.slots:
        there = [person for person in slot.people if person.user_id not in away]
        if there or not slot.people or all(person.away is not None for person in slot.people):
            continue
        absences = [absence for person in slot.people for absence in away[person.user_id]]
        lent = any(absence.law.by is not None and absence.law.acts for absence in absences)
        if lent and stage.step.kind is not StepKind.SIGN:
            continue
        names = ", ".join(dict.fromkeys(person.name for person in slot.people))
        ends = max(absences, key=lambda absence: absence.law.ends).until
        yield Snag(
            spaces(
                f"Absent le {jour(day)}, dernier jour de cette étape : {names}, jusqu’au {ends}. À décider avant."
            ),
            stops=False,
        )


def _alone(db: Db, folder: Folder, step: Step) -> Iterable[Snag]:
    """What keeps a step that nobody acts on from ending: no seal, a channel that does not exist or reaches nobody."""
    if step.kind is StepKind.SEAL and not seals.there(
        db.get_one(Collectivity, folder.collectivity_id).settings
    ):
        yield Snag("Aucun cachet n’est installé : le dossier attendrait ici.", stops=True)
    if _unknown(step):
        yield Snag(spaces(f"Le canal « {step.channel} » n’existe pas. Corrigez le circuit."), stops=True)
    elif step.channel and (unset := open_channel(step.channel).unset):
        yield Snag(spaces(f"Le dossier attendrait ici : {unset[:1].lower()}{unset[1:]}"), stops=True)


def _mandates(db: Db, folder: Folder, stage: Stage) -> Iterable[Snag]:
    """Those who sit at the desks of the step and whose mandates do not cover this folder on that day, each with why."""
    able = {person.user_id for slot in stage.slots for person in slot.people}
    named = {person.user_id for slot in stage.seats if slot.named_user_id for person in slot.people}
    for person in _people(stage.seats):
        if person.user_id not in able | named:
            why = _mandate(db, folder, person.user_id, stage.entered)
            yield Snag(spaces(f"{person.name} : {why}"), stops=stage.stuck, counted=not stage.stuck)


def _certified(folder: Folder, stage: Stage, certificates: Mapping[int, list[Certificate]]) -> Iterable[Snag]:
    """Those who could sign and have no certificate that serves; they block where too few are left without them."""
    family = family_of(folder.in_force)
    lacks = {
        person.user_id: certificate_lacks(folder, certificates.get(person.user_id, []), stage.entered)
        for person in _people(stage.slots)
    }
    left = tuple(
        replace(slot, people=tuple(person for person in slot.people if not lacks[person.user_id]))
        for slot in stage.slots
    )
    short = lacks_people(stage.step, left)
    level = "" if family.minimum_signature == SIMPLE else f" Demandé : {LABELS[family.minimum_signature]}."
    paper = " La signature sur papier reste possible." if family.paper_signature else ""
    for person in _people(stage.slots):
        if lack := lacks[person.user_id].replace("n’a ", "n’aura ", 1):
            yield Snag(
                spaces(f"{person.name} {lack} ce jour-là.{level}{paper}"),
                stops=short and not family.paper_signature,
                by_hand=short and family.paper_signature,
            )


def _people(slots: Sequence[Slot]) -> list[Person]:
    """Those of these parts, each once."""
    return list({person.user_id: person for slot in slots for person in slot.people}.values())


def _nobody(step: Step, slots: Sequence[Slot], *, by_mandate: bool = False) -> Iterable[Snag]:
    """Why too few could act: the desks where nobody may, too few parts, else one person for two parts.

    `by_mandate`: the people have the right there, and no mandate that covers the folder on that day.
    """
    verb = step.kind.infinitive
    empty = [slot for slot in slots if not slot.people]
    for slot in empty:
        where = f"à « {slot.label} »" if slot.desk_id else f"parmi les bureaux {de(slot.label)}"
        what = "n’aura de mandat pour" if by_mandate else "n’a le droit de"
        desk = None if by_mandate else slot.desk_id
        yield Snag(spaces(f"Personne {what} {verb} {where}."), stops=True, desk=desk)
    needed = step.quorum.needed(len(slots))
    able = filled([[person.user_id for person in slot.people] for slot in slots])
    if needed > len(slots):
        sentence = (
            f"{needed} parts sont demandées, et l’étape n’en a que {len(slots)} : le même bureau, ou la même personne, "
            "y est désigné deux fois."
        )
        yield Snag(spaces(sentence), stops=True)
    elif not empty:
        may = f"{'ont' if able > 1 else 'a'} le droit"
        people = f"{needed} personnes différentes doivent {verb}, et {able} seulement en {may}."
        yield Snag(spaces(people), stops=True)


def _mandate(db: Db, folder: Folder, user_id: int, day: date) -> str:
    """What keeps somebody who may sign at a desk from signing this folder on that day."""
    try:
        fitting(mandates.mandates(db, user_id), act_of(folder), day)
    except Refusal as refusal:
        sentence = lacking_words(refusal).split(". ")[0].removesuffix(".")
        for own, whose in _OF_ANOTHER:
            sentence = sentence.replace(own, whose)
        return f"{sentence}."
    return "aucun mandat ne porte sur ce dossier."


def _accounts(db: Db, stages: Sequence[Stage]) -> Accounts:
    """The certificates of each who would sign, and who of all those who would be asked has never entered."""
    asked = {person.user_id for stage in stages for person in _people(stage.slots)}
    signing = {
        person.user_id
        for stage in stages
        if stage.step.kind is StepKind.SIGN
        for person in _people(stage.slots)
    }
    never = sa.select(User.id).where(User.id.in_(asked), UNOPENED)
    return Accounts(certificates_by_person(db, signing), frozenset(db.scalars(never) if asked else ()))


@dataclass(frozen=True)
class Taken:
    """The circuit that a folder would follow if it were sent now, why it would be refused, and in words which one, and why."""

    circuit: Circuit
    lacking: Sequence[str]
    name: str
    title: str
    dispute: str = ""


def taken(db: Db, folder: Folder, drafted: InForce | None = None) -> Taken:
    """What `sending.submit` does of a folder: its circuit by the rules (`route_of`), refused as `library.freeze` refuses it.

    `drafted`: rules that are tried in place of those in force.
    """
    family, route = family_of(folder.family), route_of(db, folder, drafted)
    lacking: Sequence[str]
    if route.joint:
        circuit, lacking = route.circuit, [*filter(None, [unjoined(family, route.circuit)])]
        label = f"Circuits « {circuit.label} », réunis"
    else:
        circuit, lacking = _lawful(family, route.version, route.circuit)
        label = circuit_label(family, route.version)
    rule = route.rule
    title = f"{label}, par : {rule_words(rule)}" if rule is not None else label
    return Taken(circuit, lacking, route.name, spaces(title), dispute_words(rule) if rule is not None else "")


def taken_anyhow(family: Family, name: str, version: CircuitVersion | None, circuit: Circuit) -> Taken:
    """A circuit as it is in force, whether the rules would give it to the folder or not."""
    circuit, lacking = _lawful(family, version, circuit)
    label = circuit_label(family, version)
    return Taken(circuit, lacking, name, spaces(f"{label}, que les règles le donnent à ce dossier ou non"))


def _lawful(
    family: Family, version: CircuitVersion | None, circuit: Circuit
) -> tuple[Circuit, Sequence[str]]:
    """The circuit that `library.freeze` would give for this one, and why it would refuse it."""
    try:
        check_circuit(family, circuit)
    except Refusal as refusal:
        if version is None or version.published_by == OURS:
            return family.circuit, []
        details = refusal.facts.get("details", "")
        return circuit, [f"Le circuit en vigueur ne suit plus les règles de ce type. {details}"]
    return circuit, []


def circuit_label(family: Family, version: CircuitVersion | None) -> str:
    """« Circuit « Factures », version 3 », « Circuit « Factures », d’origine »."""
    if version is None:
        return f"Circuit « {family.circuit.label} », d’origine"
    return f"Circuit « {version.label} », version {version.number}"


def keeping(db: Db, folder: Folder) -> list[str]:
    """Why this draft would not leave, as `sending.send` asks it: what it lacks, else what its carriers would refuse."""
    reasons = []
    try:
        main_document(db, folder)
    except Refusal:
        reasons.append("Le document principal manque, ou n’est pas un PDF.")
    reasons += [problem.sentence for problem in find_problems(db, folder)]
    if reasons:
        return reasons
    try:
        return [problem.sentence for check in plugged.checks.of(folder) for problem in check(db, folder)]
    except Refusal as refusal:
        told_at_its_step = refusal.key == "channel-unknown"
        return [] if told_at_its_step else [sentences.say(refusal.key, refusal.facts)[1]]


def missing(folder: Folder, fields: Sequence[Field], day: date) -> list[str]:
    """What the law asks of these facts and does not have, for a folder sent on this day."""
    keys = {field.key for field in fields}
    faults = problems(family_of(folder.in_force), folder.fields, at="submit", today=day)
    return [fault.sentence for fault in faults if fault.field in keys]


def undecided(db: Db, folder: Folder, table: Table | None) -> list[str]:
    """The rules that take this folder, or leave it, only because a fact is empty.

    Nothing is said of what comes after a rule that takes it for sure.
    """
    if table is None:
        return []
    family, sentences = family_of(folder.in_force), []
    facts = deposited(folder.facts, path_of(db, folder, table))
    for rank, row in enumerate(table.rows, start=1):
        decided = _decided(row.when, facts)
        if decided:
            break
        if decided is None:
            empty = [
                name
                for name in sorted(row.when.fields - {EMITTER, BRANCH})
                if folder.facts.get(name) in (None, "")
            ]
            labels = [f"« {field.label if (field := family.comparable(name)) else name} »" for name in empty]
            if labels:
                verb = "ne sont pas renseignés" if len(labels) > 1 else "n’est pas renseigné"
                sentences.append(f"La règle {rank} dépend de {_listed(labels)}, qui {verb}.")
    return sentences


def unanswered(folder: Folder, circuit: Circuit) -> list[str]:
    """The steps that apply, or do not, only because a fact is empty."""
    family, facts = family_of(folder.in_force), folder.facts
    sentences = []
    for step in circuit.steps:
        if step.when is None or _decided(step.when, facts) is not None:
            continue
        empty = sorted(name for name in step.when.fields if facts.get(name) in (None, ""))
        labels = [f"« {field.label if (field := family.comparable(name)) else name} »" for name in empty]
        verb = "ne sont pas renseignés" if len(labels) > 1 else "n’est pas renseigné"
        place = "elle est dans cet essai" if step.applies(facts) else "elle n’est pas dans cet essai"
        sentences.append(f"L’étape « {step.label} » dépend de {_listed(labels)}, qui {verb} : {place}.")
    return sentences


def _decided(condition: Condition, facts: Facts) -> bool | None:
    """Whether a condition holds whatever the empty facts become; None when they decide of it.

    To be empty is an answer where the condition asks only whether the fact is there.
    """
    match condition:
        case AllOf() | AnyOf():
            enough = isinstance(condition, AnyOf)
            parts = {_decided(part, facts) for part in condition.parts}
            return enough if enough in parts else None if None in parts else not enough
        case Not():
            part = _decided(condition.part, facts)
            return None if part is None else not part
        case Test() if condition.op != "present" and facts.get(condition.field) in (None, ""):
            return None
    return condition.holds(facts)


def questions(family: Family, circuits: Iterable[Circuit], table: Table | None = None) -> list[Field]:
    """The facts that the way depends on: rules, conditions, those who are chosen at the deposit, clock, ceiling, matter.

    `circuits` are those that the folder may take, `table` the rules that choose among them.
    """
    steps = [step for circuit in circuits for step in circuit.steps]
    keys = {name for step in steps if step.when for name in step.when.fields}
    keys |= {who.value for step in steps for who in step.who if who.kind in {WhoKind.CHOSEN, WhoKind.ROLE}}
    keys |= table.fields if table is not None else frozenset()
    if family.due_rule is not None:
        keys |= {family.due_rule.start, *(family.due_rule.unless.fields if family.due_rule.unless else ())}
    if family.amount_field:
        keys.add(family.amount_field)
    keys |= {*family.own_amounts}
    return [field for field in family.fields if field.key in keys or field.type == "matter"]
