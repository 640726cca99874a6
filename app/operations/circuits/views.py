"""What an administrator reads of circuits: steps as cards, what is imposed, what is wrong, versions, who follows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.circuits import drafting, rules
from app.circuits.checking import (
    Desks,
    Named,
    Problem,
    named_in,
    operators,
    people_of,
    problems,
    rows_of,
    words_of_people,
)
from app.circuits.difference import difference, only_words
from app.circuits.drafting import Changed, Draft
from app.circuits.library import catalogue, circuit_name, circuit_of, law_of_circuit, parted
from app.circuits.models import CircuitDraft, CircuitVersion
from app.circuits.named import copied, named
from app.circuits.reserved import types_of, worded
from app.circuits.rules import RulesDraft, Takeable, Use
from app.circuits.set_up import JOINT
from app.circuits.wording import money_of, names_of
from app.circuits.written import latest
from app.core.db import Db
from app.core.french import moment_of_day, spaces
from app.core.grammar import plural
from app.core.questions import once
from app.core.texts import key_of
from app.display.forms import choices_of
from app.folders.models import CircuitChange, Folder
from app.people import choosing
from app.people.models import Desk, Holder, User
from app.people.places import places
from app.transmission.settings import names as channels
from app.transmission.traits import traits_of
from workflows.circuit import Circuit, Step, StepKind, WhoKind
from workflows.drawing import (
    READING,
    WORDS,
    channel_text,
    condition_text,
    quorum_text,
    required_text,
    svg,
    told_text,
    value_key,
    who_text,
)
from workflows.family import Family, Field, imposed
from workflows.fields import UNCOMPARED
from workflows.loader import sketch
from workflows.own_types import OWN, Definition
from workflows.vocabulary import Phase

HANDOVER = "le logiciel métier (fichiers remis dans un dossier)"
SUPERIORS = (1, 2, 3)
NARROW = 340
"""The width of the picture beside the steps: its letters are then of the size of those of the page."""
QUORUMS = (("any", "Un seul suffit"), ("all", "Tous"), ("n", "Un minimum"))
AS_IT_IS, AS_DRAFTED = "circuit:", "brouillon:"
"""What a rehearsal may be by, before the name of a circuit: its version in force, its draft."""
Choice = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """A circuit in the list: the name it is kept under, its version (0: none was published), `own` where it was named.

    `use`: which folders follow it, in words.
    """

    name: str
    family: str
    label: str
    number: int
    at: datetime | None
    draft: str
    own: bool = False
    closed: bool = False
    use: str = ""


def listing(db: Db, collectivity_id: int) -> list[Line]:
    """Every circuit, by family: the default one, then those that were named, the closed ones last."""
    written, drafts = latest(db, collectivity_id), drafting.drafts(db, collectivity_id)
    every, uses = named(db, collectivity_id), rules.uses(db, collectivity_id)
    lines = []
    for family in catalogue().values():
        lines.append(_line(family, family.name, family.circuit.label, written, drafts))
        mine = [circuit for circuit in every if circuit.family == family.name]
        for circuit in sorted(mine, key=lambda circuit: circuit.closed_at is not None):
            line = _line(family, circuit_name(circuit.family, circuit.key), circuit.label, written, drafts)
            lines.append(replace(line, own=True, closed=circuit.closed_at is not None))
    return [replace(line, use=_use(line, uses.get(line.name, Use()))) for line in lines]


def _use(line: Line, use: Use) -> str:
    """Which folders follow a circuit: « Pris par : règle 2 de « Facture ». », as its row says it."""
    if line.closed:
        return "Aucun nouveau dossier ne le suit."
    if line.own and not line.number:
        return "Aucun dossier ne le suit avant sa publication."
    usual = "" if line.own else "Circuit habituel. "
    if use.rules:
        return spaces(f"{usual}Pris par : {' ; '.join(use.rules)}.")
    if use.usual:
        return "Circuit habituel, suivi sans règle."
    return spaces(f"{usual}Aucune règle ne le prend.")


def _line(
    family: Family,
    name: str,
    label: str,
    written: Mapping[str, CircuitVersion],
    drafts: Mapping[str, CircuitDraft],
) -> Line:
    version = written.get(name)
    draft = saved(drafts.get(name))
    if version is None:
        return Line(name, family.label, label, 0, None, draft)
    return Line(name, family.label, version.label, version.number, version.published_at, draft)


def grouped(db: Db, collectivity_id: int) -> list[tuple[str, list[Choice]]]:
    """The open circuits of each family, as a list to choose from."""
    groups: dict[str, list[Choice]] = {}
    for line in listing(db, collectivity_id):
        if not line.closed:
            groups.setdefault(line.family, []).append((line.name, line.label))
    return list(groups.items())


@dataclass(frozen=True)
class Actor:
    """Somebody that a step names: as the form posts it, in words, who holds it; `empty` when nobody could act."""

    value: str
    label: str
    people: str
    empty: bool = False
    desk: int | None = None


@dataclass(frozen=True)
class Row:
    """One comparison as three controls: the fact, how, the value; `options` when it is chosen in a list.

    `exact`: a text that is typed is compared to a text that is typed, sign by sign.
    """

    field: str
    op: str
    ops: Sequence[Choice]
    value: str
    chosen: frozenset[str]
    options: Sequence[Choice] | None
    kind: str
    exact: bool = False


@dataclass(frozen=True)
class Card:
    """A step: its key, its place from 0, what is told of it closed, and the article that imposes it (None: nothing does)."""

    key: str
    rank: int
    label: str
    summary: str
    lock: str | None
    problems: Sequence[Problem]


@dataclass(frozen=True)
class Open:
    """The step that is open: what its form holds."""

    key: str
    label: str
    kind: StepKind
    locked: bool
    channel: str
    days: str
    actors: Sequence[Actor]
    quorum: str
    quorum_n: str
    rows: Sequence[Row]
    word: str
    conditional: bool
    written_otherwise: str
    otherwise: str
    informed: Sequence[Choice]
    requires: Sequence[Choice]
    reading: bool
    wrong: Mapping[str, str]


@dataclass(frozen=True)
class Wording:
    """How this family's desks, facts and channels are called, and which facts are amounts."""

    names: Mapping[str, str]
    money: frozenset[str]
    channels: Sequence[Choice]


def words_of(family: Family, desks: Desks) -> Wording:
    """The names that a circuit of this family is read with (`drawing.Names`)."""
    carriers = [(name, traits_of(name).relayed_to or HANDOVER) for name in channels()]
    holders = {number: name for desk in desks.values() for number, (name, _) in desk.holders.items()}
    where = {value_key("channel", name): label for name, label in carriers}
    names = names_of(family, {key: desk.name for key, desk in desks.items() if desk.whole}, holders)
    return Wording({**words_of_people(desks), **names, **where}, money_of(family), carriers)


def kinds_of(db: Db, draft: Draft, collectivity_id: int) -> dict[str, Definition]:
    """The types that a circuit may be kept for, by key; none for a default one, which all folders of a family may follow."""
    return types_of(db, collectivity_id, law_of_circuit(draft.name)) if draft.own is not None else {}


def words_of_circuit(draft: Draft, kinds: Mapping[str, Definition], desks: Desks) -> Wording:
    """The names that the versions of a circuit are read with, whichever of these types each was kept for."""
    wording = words_of(worded(draft.family, kinds), desks)
    labels = {value_key("type", key): kind.label for key, kind in kinds.items()}
    return replace(wording, names={**wording.names, **labels})


def cards(draft: Draft, definition: Mapping[str, Any], desks: Desks) -> tuple[list[Card], list[Problem]]:
    """Every step of what is written, and all that keeps it from being published."""
    circuit, obstacles = sketch(definition), problems(draft.family, definition, desks, channels())
    locks, wording = imposed(draft.family, circuit), words_of(draft.family, desks)
    return [
        Card(
            step.key,
            rank,
            step.label or _nameless(definition["steps"][rank]),
            summary(step, wording),
            locks.get(step.key),
            [obstacle for obstacle in obstacles if obstacle.step == step.key],
        )
        for rank, step in enumerate(circuit.steps)
    ], obstacles


def _nameless(written: Mapping[str, Any]) -> str:
    return "Étape au nom à corriger" if str(written.get("label") or "").strip() else "Étape sans nom"


def summary(step: Step, wording: Wording) -> str:
    """« Visa, Direction des finances, un seul suffit, 3 jours ouvrés »."""
    parts = [step.kind.label, *(who_text(who, wording.names) for who in step.who)]
    if step.channel:
        parts.append(channel_text(step.channel, wording.names))
    if counted := quorum_text(step):
        parts.append(counted)
    if step.when is not None:
        parts.append(f"si {condition_text(step.when, wording.names, wording.money)}")
    if step.days is not None:
        parts.append(f"{plural(step.days, 'jour')} ouvré{'s' if step.days > 1 else ''}")
    if step.requires:
        parts.append(required_text(step.requires, wording.names).replace("À", "à", 1))
    if step.reading:
        parts.append(READING[:1].lower() + READING[1:])
    if step.told:
        parts.append(told_text(step.told, wording.names).replace("Pour", "pour", 1))
    return spaces(", ".join(parts))


def opened(
    db: Db, draft: Draft, definition: Mapping[str, Any], desks: Desks, key: str, obstacles: Sequence[Problem]
) -> Open | None:
    """The form of one step; None when it is not there."""
    circuit = sketch(definition)
    rank = next((n for n, step in enumerate(circuit.steps) if step.key == key), None)
    if rank is None:
        return None
    step, data = circuit.steps[rank], definition["steps"][rank]
    family, wording = draft.family, words_of(draft.family, desks)
    rows = rows_of(data.get("when"))
    alike = any(other.kind is step.kind for other in circuit.steps if other is not step)
    locked = key in imposed(family, circuit)
    following = circuit.steps[rank + 1].label if rank + 1 < len(circuit.steps) else ""
    quorum = data.get("quorum", "any")
    return Open(
        key=key,
        label=str(data.get("label") or ""),
        kind=step.kind,
        locked=locked,
        channel=step.channel or "",
        days="" if data.get("days") is None else str(data["days"]),
        actors=[_actor(actor, step, family, desks, wording) for actor in data.get("who", ())],
        quorum=quorum if quorum in {"any", "all"} else "n",
        quorum_n="" if quorum in {"any", "all"} else str(quorum),
        rows=[condition_row(db, family, test) for test in rows[1]] if rows else [],
        word=rows[0] if rows else "all",
        # What the law wants of every folder has no condition, unless another step of its kind may take the other cases
        conditional=not locked or alike or data.get("when") is not None,
        written_otherwise=""
        if rows or step.when is None
        else condition_text(step.when, wording.names, wording.money),
        otherwise=f"Sinon, le dossier passe à « {following} »."
        if following
        else "Sinon, le dossier se termine.",
        informed=told_of(data, desks),
        requires=[
            (key, spaces(field.label) if (field := family.field(key)) else f"Champ « {key} »")
            for key in data.get("requires") or ()
        ],
        reading=bool(data.get("reading")),
        wrong={obstacle.field: obstacle.sentence for obstacle in reversed(obstacles) if obstacle.step == key},
    )


def askable(family: Family) -> list[Choice]:
    """The own fields of the type that a circuit is kept for which a step may require: no folder leaves without the others."""
    own = (field for field in family.fields if field.key.startswith(OWN) and field.required_from != "submit")
    return [(field.key, spaces(field.label)) for field in own]


def told_of(written: Mapping[str, Any], desks: Desks) -> list[Choice]:
    """The desks that a step, or a circuit, tells, by key, each as it is called."""
    return [
        (key, desks[key].name if key in desks else f"Bureau « {key} »") for key in written.get("told") or ()
    ]


def _actor(written: Mapping[str, Any], step: Step, family: Family, desks: Desks, wording: Wording) -> Actor:
    ((kind, raw),) = written.items()
    value = f"{kind}:{raw}"
    if kind == WhoKind.DESK:
        desk = desks.get(str(raw))
        if desk is None:
            return Actor(value, f"Bureau « {raw} »", "Ce bureau n’existe pas.", empty=True)
        people = ", ".join(desk.may(step.kind.right, family).values())
        return Actor(value, desk.name, people or "", empty=not people, desk=desk.id)
    if kind == WhoKind.SUPERIOR:
        return Actor(value, superior(int(raw)), "Selon le bureau qui dépose")
    if kind == WhoKind.PERSON:
        return Actor(
            value, people_of(desks).get(str(raw), str(raw)), "Nommément : personne d’autre n’agit à sa place"
        )
    field = family.field(str(raw))
    label = field.label if field else str(raw)
    chosen = "Bureau choisi au dépôt" if kind == WhoKind.CHOSEN else "Personne désignée au dépôt"
    del wording
    return Actor(value, label, chosen)


def superior(level: int) -> str:
    """« Supérieur de l’émetteur », « 2e supérieur de l’émetteur »."""
    return "Supérieur de l’émetteur" if level == 1 else f"{level}e supérieur de l’émetteur"


@dataclass(frozen=True)
class Offered:
    """Who may be added to a step, by groups; `more` where there are others, whom words find (`acting`)."""

    groups: Sequence[tuple[str, Sequence[Choice]]]
    more: bool = False


def offered(
    db: Db, family: Family, desks: Desks, actors: Sequence[Actor], kind: StepKind, *, entire: bool
) -> Offered:
    """Who may be added to a step of this kind; those that it names already are left out, and people where one signs.

    Of many desks and people, the beginning by name, unless the list is asked `entire`.
    """
    named = {actor.value for actor in actors}
    every = [(f"desk:{key}", desk.name) for key, desk in desks.items()]
    people = [] if kind is StepKind.SIGN else _seated(db, None if entire else choosing.SHOWN)
    more = not entire and (len(every) > choosing.SHOWN or len(people) > choosing.SHOWN)
    if more:
        every, people = every[: choosing.BEGINNING], people[: choosing.BEGINNING]
    groups: list[tuple[str, list[Choice]]] = [
        ("Bureaux", every),
        (
            "Selon le dossier",
            [
                *(
                    (f"chosen:{field.key}", f"Bureau choisi au dépôt : {field.label}")
                    for field in _of(family, "desk")
                ),
                *(
                    (f"role:{field.key}", f"Personne désignée au dépôt : {field.label}")
                    for field in _of(family, "person")
                ),
                *((f"superior:{level}", superior(level)) for level in SUPERIORS),
            ],
        ),
    ]
    if kind is not StepKind.SIGN:
        groups.append(("Quelqu’un, nommément", people))
    shown = [(label, [choice for choice in group if choice[0] not in named]) for label, group in groups]
    return Offered(shown, more)


def _seated(db: Db, most: int | None) -> list[Choice]:
    """Those who hold an open desk, as a step names them, by name; one more than `most` where there are others."""
    seated = sa.exists().where(Holder.user_id == User.id, Holder.desk_id == Desk.id, Desk.closed_at.is_(None))
    query = (
        sa.select(User.login, User.first_name, User.last_name)
        .where(User.collectivity_id == db.info["collectivity_id"], User.active.is_(True), seated)
        .order_by(sa.func.lower(User.last_name), User.id)
    )
    rows = db.execute(query if most is None else query.limit(most + 1))
    people = [(login, f"{first} {last}") for login, first, last in rows]
    by_name = sorted(people, key=lambda entry: (entry[1].casefold(), entry[0]))
    return [(f"person:{login}", name) for login, name in by_name]


def acting(db: Db, search: str, *, signs: bool) -> choosing.Offer:
    """The desks, then the people who hold one, in whom each of these words is found, as a step names them."""
    terms = key_of(search).split()
    opened = (desk for desk in places(db, db.info["collectivity_id"]).values() if desk.closed_at is None)
    every = [(f"desk:{desk.key}", desk.name) for desk in opened]
    every += [] if signs else _seated(db, None)
    fit = [(value, name) for value, name in every if all(term in key_of(name) for term in terms)]
    return choosing.Offer(tuple(fit[: choosing.SHOWN]), len(fit) > choosing.SHOWN)


def _of(family: Family, kind: str) -> list[Field]:
    return [field for field in family.fields if field.type == kind]


def compared(family: Family) -> list[Choice]:
    """The facts that a condition may look at."""
    return [(field.key, spaces(field.label)) for field in family.compared if field.type not in UNCOMPARED]


def condition_row(db: Db, family: Family, test: Mapping[str, Any]) -> Row:
    """A comparison of a condition as the form shows it."""
    key, op, value = str(test.get("field") or ""), str(test.get("op") or ""), test.get("value")
    field = family.comparable(key)
    if field is None:
        return Row(key, op, [(op, WORDS.get(op, op))], str(value or ""), frozenset(), None, "text")
    options = None
    if field.type in {"choice", "nature", "desk", "person"}:
        options = choices_of(db, int(db.info["collectivity_id"]), field) or []
    values = value if isinstance(value, list) else [] if value is None else [value]
    shown = "; ".join(_shown(field, value) for value in values)
    ops = [(operator, WORDS[operator]) for operator in operators(field)]
    exact = field.type in {"text", "longtext"} and op != "present"
    return Row(key, op, ops, shown, frozenset(map(str, values)), options, field.type, exact)


def _shown(field: Field, value: object) -> str:
    """A value as one types it: « 4000,00 »."""
    if field.type == "amount" and isinstance(value, int | float):
        return f"{Decimal(str(value)):.2f}".replace(".", ",")
    return str(value)


def picture(definition: Mapping[str, Any], wording: Wording, obstacles: Sequence[Problem]) -> str:
    """The drawing, with what is wrong in each box; it escapes what it prints."""
    wrong: dict[str, list[str]] = {}
    for obstacle in obstacles:
        if obstacle.step:
            wrong.setdefault(obstacle.step, []).append(spaces(obstacle.sentence))
    return svg(sketch(definition), wording.names, wording.money, wrong, NARROW)


def _versions_followed(db: Db, collectivity_id: int, name: str) -> list[tuple[CircuitVersion, int]]:
    """Every version of a circuit, and those that join it to others and are followed: each with its folders in hand.

    One whose coming steps were changed counts with the version that it began with. The last first; one statement.
    """
    began_with = sa.func.coalesce(CircuitChange.base_id, Folder.circuit_version_id)
    counts = (
        sa.select(began_with.label("version_id"), sa.func.count().label("folders"))
        .select_from(Folder)
        .outerjoin(CircuitChange, CircuitChange.after_id == Folder.circuit_version_id)
        .where(
            Folder.collectivity_id == collectivity_id,
            Folder.phase == Phase.RUNNING.value,
            sa.text("folder.phase <> 'done'"),  # in the words of the partial index
            Folder.family == parted(name)[0],
        )
        .group_by(began_with)
        .subquery()
    )
    joins_it = sa.and_(CircuitVersion.family.contains(JOINT), counts.c.folders.is_not(None))
    query = (
        sa.select(CircuitVersion, sa.func.coalesce(counts.c.folders, 0))
        .outerjoin(counts, counts.c.version_id == CircuitVersion.id)
        .where(
            CircuitVersion.collectivity_id == collectivity_id,
            CircuitVersion.number > 0,
            sa.or_(CircuitVersion.family == name, joins_it),
        )
        .order_by(CircuitVersion.number.desc(), CircuitVersion.id)
    )
    key = ("versions", collectivity_id, name)
    return once(db, key, lambda: [(version, count) for version, count in db.execute(query)])


def versions(db: Db, collectivity_id: int, name: str) -> list[CircuitVersion]:
    """Every version of a circuit of a collectivity, the last first."""
    return [one for one, _ in _versions_followed(db, collectivity_id, name) if one.family == name]


def followers(db: Db, collectivity_id: int, name: str) -> dict[int, int]:
    """How many folders in hand keep each version of a circuit, by its row; nothing of a version that none keeps."""
    every = _versions_followed(db, collectivity_id, name)
    return {one.id: count for one, count in every if one.family == name and count}


def joint_followers(db: Db, collectivity_id: int, name: str) -> int:
    """How many folders in hand follow this circuit joined to others, which values in dispute asked (`freeze_joint`)."""
    every = _versions_followed(db, collectivity_id, name)
    return sum(count for one, count in every if JOINT in one.family and name in one.family.split(JOINT))


@dataclass(frozen=True)
class VersionView:
    """A version: its number, when and by whom, what it changed in words, how many folders follow it; 0 for the origin."""

    number: int
    at: datetime | None
    who: str
    changes: Sequence[str]
    following: int
    in_force: bool


def named_by(db: Db, draft: Draft, definition: Mapping[str, Any], most: int | None = None) -> Named:
    """Whom the pages of a circuit name: as it is written, in force, in its last `most` versions, where it was copied from."""
    former = versions(db, int(db.info["collectivity_id"]), draft.name)[:most]
    origin = copied(db, draft.own) if not draft.in_force else None
    return named_in(
        definition,
        draft.definition,
        draft.followed.to_data(),
        *(row.definition for row in former),
        *([origin.circuit.to_data()] if origin else []),
    )


def history(
    db: Db, draft: Draft, collectivity_id: int, wording: Wording, most: int | None = None
) -> list[VersionView]:
    """Every version, the last first, each with what it changed of the one before it; the last `most` of them."""
    rows = versions(db, collectivity_id, draft.name)
    shown = rows if most is None else rows[:most]
    rows = rows[: len(shown) + 1]
    count = followers(db, collectivity_id, draft.name)
    circuits = [circuit_of(db, row.id) for row in rows]
    origin = None if draft.own else draft.family.circuit
    views = []
    for rank, row in enumerate(shown):
        before = circuits[rank + 1] if rank + 1 < len(rows) else origin
        changes = (
            difference(before, circuits[rank], wording.names, wording.money)
            if before is not None
            else told_anew(circuits[rank], wording)
        )
        views.append(
            VersionView(
                row.number,
                row.published_at,
                row.published_by,
                [spaces(sentence) for sentence in changes],
                count.get(row.id, 0),
                in_force=rank == 0,
            )
        )
    return views


def keeping(db: Db, draft: Draft, collectivity_id: int) -> str:
    """« 12 dossiers en cours gardent la version 3. »; empty when none is in hand."""
    rows = {row.id: row.number for row in versions(db, collectivity_id, draft.name)}
    count = {
        rows[version_id]: n
        for version_id, n in followers(db, collectivity_id, draft.name).items()
        if version_id in rows
    }
    parts = [
        f"{plural(n, 'dossier')} en cours {'gardent' if n > 1 else 'garde'} la version {number}"
        for number, n in sorted(count.items(), reverse=True)
    ]
    if count_joint := joint_followers(db, collectivity_id, draft.name):
        verbs = ("le suivent réuni", "gardent") if count_joint > 1 else ("le suit réuni", "garde")
        apart = f"{plural(count_joint, 'dossier')} en cours {verbs[0]} à un autre, et {verbs[1]} ses étapes"
        parts = [*parts[:-1], f"{parts[-1]}. {apart}"] if parts else [apart]
    return spaces(f"{', '.join(parts)}.") if parts else ""


def saved(draft: Changed | None) -> str:
    """« Brouillon enregistré à 14 h 32 par Katell Morizur »; empty without a draft."""
    if draft is None or draft.changed_at is None:
        return ""
    return f"Brouillon enregistré {moment_of_day(draft.changed_at)} par {draft.changed_by}"


def trials(drafts: Mapping[str, CircuitDraft], tried: RulesDraft, ways: Takeable) -> list[Choice]:
    """What a rehearsal may be by, beside the rules in force: their draft, each circuit of the family, its draft.

    Of those that are kept for a type, its own alone.
    """
    offered = [("regles", "Brouillon des règles")] if tried.begun else []
    for name, label in ways.labels.items():
        if not ways.refused[name]:
            offered.append((f"{AS_IT_IS}{name}", f"Circuit « {label} »"))
        if name in drafts and drafts[name].definition.get("type") in {None, "", tried.kind.name}:
            offered.append((f"{AS_DRAFTED}{name}", f"Brouillon du circuit « {label} »"))
    return offered


def compared_to(db: Db, draft: Draft, circuit: Circuit, wording: Wording) -> tuple[str, list[str]] | None:
    """Of a circuit that was never published, what it changes of the one that it was copied from; None where none is known."""
    origin = copied(db, draft.own) if not draft.in_force else None
    if origin is None:
        return None
    version = f"version {origin.number}" if origin.number else "d’origine"
    sentences = difference(
        replace(origin.circuit, label=circuit.label), circuit, wording.names, wording.money
    )
    return spaces(f"« {origin.label} », {version}"), [spaces(sentence) for sentence in sentences]


def changes(draft: Draft, circuit: Circuit, wording: Wording) -> list[str]:
    """What a circuit changes of the one in force, in words; all its steps, of one that was named and never published."""
    if draft.own and not draft.in_force:
        return told_anew(circuit, wording)
    return [
        spaces(sentence) for sentence in difference(draft.followed, circuit, wording.names, wording.money)
    ]


def told_anew(circuit: Circuit, wording: Wording) -> list[str]:
    """Every step of a circuit that has nothing before it, in words."""
    return [
        "Ce circuit est nouveau.",
        *([only_words(circuit, wording.names)] if circuit.only_for else []),
        *(
            [spaces(f"Dès l’envoi, {told_text(circuit.told, wording.names).lower()}.")]
            if circuit.told
            else []
        ),
        *(
            spaces(f"Étape {rank}, {step.label or 'sans nom'} : {summary(step, wording)}.")
            for rank, step in enumerate(circuit.steps, start=1)
        ),
    ]
