"""What keeps a circuit that is being written from being published: by step and by field, in words that name no syntax."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.core.db import Db, key_in
from app.core.refusals import Refusal
from app.people.models import Desk, Holder, User
from app.people.places import places
from workflows.circuit import Circuit, Step, StepKind, Test, WhoKind
from workflows.drawing import value_key
from workflows.engine import filled
from workflows.family import Family, faults_of, normalised
from workflows.fields import UNCOMPARED, Field, parse
from workflows.letters import foreign
from workflows.loader import MAX_DAYS, MAX_LABEL, MAX_STEPS, load, sketch
from workflows.rights import Rights
from workflows.vocabulary import Right

COMPARED = (">=", ">", "<", "<=", "==", "!=", "present")
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "amount": COMPARED,
    "integer": COMPARED,
    "date": COMPARED,
    "choice": ("==", "!=", "in", "present"),
    "nature": ("==", "!=", "in", "present"),
    "desk": ("==", "!=", "in", "present"),
    "person": ("==", "!=", "in", "present"),
    "longtext": ("present",),
}
"""How a fact of each type may be compared; texts, the last line of the table, as `TEXTS`."""
TEXTS = ("==", "!=", "starts_with", "in", "present")


@dataclass(frozen=True)
class Problem:
    """One thing that keeps a circuit from being published: the step (None: the whole), the field of its form, a sentence.

    `desk` is the number of the desk where it is mended, when it is not in the circuit.
    """

    step: str | None
    field: str
    sentence: str
    desk: int | None = None


@dataclass(frozen=True)
class Named:
    """Whom circuits and rules name: desks by key, people by login or by number."""

    desks: frozenset[str]
    logins: frozenset[str]
    numbers: frozenset[int]


def named_in(*definitions: Mapping[str, Any]) -> Named:
    """Whom these circuits and these tables of rules, as data, ask, tell or compare with."""
    desks, logins, values = set[str](), set[str](), set[str]()
    waiting: list[Any] = list(definitions)
    while waiting:
        part = waiting.pop()
        if isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, Mapping):
            for word, value in part.items():
                if word in {"desk", "told"}:
                    desks.update(map(str, value if isinstance(value, list | tuple) else [value]))
                elif word == "person":
                    logins.add(str(value))
                elif word == "value":
                    values.update(map(str, value if isinstance(value, list | tuple) else [value]))
                else:
                    waiting.append(value)
    numbers = {number for text in values if (number := key_in(text)) is not None}
    return Named(frozenset(desks | values), frozenset(logins), frozenset(numbers))


@dataclass(frozen=True, slots=True)
class SeatsOfDesk:
    """A desk as a circuit looks at it: its number, its name, and who holds it, by number, with his rights there.

    `logins`: the numbers of those people by login. `whole`: whether all who hold it were read; else those alone, if any,
    whom a circuit names.
    """

    id: int
    name: str
    holders: Mapping[int, tuple[str, Rights]] = field(default_factory=dict)
    logins: Mapping[str, int] = field(default_factory=dict)
    whole: bool = True

    def may(self, right: Right, family: Family | None = None) -> Mapping[int, str]:
        """The people with this right at the desk, their names by number.

        `family`: on the folders of this own type, or on some at least of this family; None: on some folders at least.
        Raises LookupError of a desk that was not read whole.
        """
        if not self.whole:
            raise LookupError(f"who holds « {self.name} » was not read")
        return {
            number: name for number, (name, _) in self.holders.items() if self.gives(number, right, family)
        }

    def gives(self, number: int, right: Right, family: Family | None) -> bool:
        """Whether one who was read here has this right at the desk, as in `may`."""
        return _covers(self.holders[number][1], right, family)


def _covers(rights: Rights, right: Right, family: Family | None) -> bool:
    if family is None:
        return right in rights
    if family.type_key:
        return rights.covers(right, family.name, family.type_key)
    return rights.touches(right, family.name)


Desks = Mapping[str, SeatsOfDesk]
_NOBODY: Mapping[Any, Any] = {}


def desks_of(db: Db, collectivity_id: int, named: Named | None = None) -> dict[str, SeatsOfDesk]:
    """Every open desk of a collectivity by its key, with those who hold it and whose account is open; two statements.

    `named`: who holds the other desks is not read.
    """
    opened = [desk for desk in places(db, collectivity_id).values() if desk.closed_at is None]
    desk_ids = [desk.id for desk in opened if named is None or desk.key in named.desks]
    whole = frozenset(desk_ids)
    holders: dict[int, dict[int, tuple[str, Rights]]] = defaultdict(dict)
    logins: dict[int, dict[str, int]] = defaultdict(dict)
    for desk_id, rights, user_id, first, last, login in db.execute(_seats(collectivity_id, named, desk_ids)):
        if user_id is not None:
            holders[desk_id][user_id] = f"{first} {last}", Rights.read(rights)
            logins[desk_id][login] = user_id
    return {
        desk.key: SeatsOfDesk(
            desk.id, desk.name, holders.get(desk.id, _NOBODY), logins.get(desk.id, _NOBODY), desk.id in whole
        )
        for desk in opened
    }


def _seats(collectivity_id: int, named: Named | None, desk_ids: Collection[int]) -> sa.Select[Any]:
    columns = (Holder.desk_id, Holder.rights, User.id, User.first_name, User.last_name, User.login)
    people = sa.and_(User.collectivity_id == collectivity_id, User.active.is_(True))
    # Outer, or SQLite would begin with all the people of the collectivity
    query = sa.select(*columns).outerjoin(User, sa.and_(User.id == Holder.user_id, people))
    query = query.order_by(User.last_name, User.id)
    if named is None:
        return query.where(User.id.is_not(None))
    called = sa.select(User.id).where(
        people, sa.or_(User.login.in_(named.logins), User.id.in_(named.numbers))
    )
    theirs = Holder.user_id.in_(called) if named.logins or named.numbers else sa.false()
    return query.where(sa.or_(Holder.desk_id.in_(desk_ids), theirs))


def hold_desks(db: Db, collectivity_id: int, keys: Collection[str]) -> None:
    """Lock the desks of these keys before they are looked at: whoever closes one waits, and then meets what names it."""
    named = sa.select(Desk.id).where(Desk.collectivity_id == collectivity_id, Desk.key.in_(keys))
    if keys:
        db.execute(named.order_by(Desk.id).with_for_update(read=True, key_share=True)).all()


def able_desks(db: Db, collectivity_id: int, right: Right, family: Family) -> frozenset[int]:
    """The open desks where somebody has this right on the folders of this type, or on some at least of this family.

    As `SeatsOfDesk.may` would say of each, by one statement that reads rights and no people.
    """
    rights = sa.cast(Holder.rights, sa.Text)
    query = (
        sa.select(Holder.desk_id, rights)
        .distinct()
        .join(User, User.id == Holder.user_id)
        .join(Desk, Desk.id == Holder.desk_id)
        .where(
            User.collectivity_id == collectivity_id,
            User.active.is_(True),
            Desk.closed_at.is_(None),
            # For every type (« act »), or for some (« act:… »): no other right begins so
            rights.contains(f'"{right.value}'),
        )
    )
    return frozenset(
        desk for desk, text in db.execute(query) if _covers(Rights.read(json.loads(text)), right, family)
    )


def people_of(desks: Desks) -> dict[str, str]:
    """Those who hold a desk and were read: the names by login, in their order."""
    every = {
        login: desk.holders[number][0] for desk in desks.values() for login, number in desk.logins.items()
    }
    return dict(sorted(every.items(), key=lambda entry: (entry[1].casefold(), entry[0])))


def words_of_people(desks: Desks) -> dict[str, str]:
    """The names that a circuit is read with of those whom it names (`drawing.Names`)."""
    return {value_key("person", login): name for login, name in people_of(desks).items()}


def _able(desks: Desks, login: str, right: Right, family: Family) -> frozenset[int]:
    """The number of somebody, where he has this right at a desk; nobody else acts for him."""
    return frozenset(
        desk.logins[login]
        for desk in desks.values()
        if login in desk.logins and desk.gives(desk.logins[login], right, family)
    )


def operators(field: Field) -> tuple[str, ...]:
    """How a fact of this field may be compared."""
    return OPERATORS.get(field.type, TEXTS)


def problems(
    family: Family, definition: Mapping[str, Any], desks: Desks, channels: Collection[str]
) -> list[Problem]:
    """All that keeps the circuit from being published, in the order of its steps; none for one that may be.

    `channels`: the names of those that exist here, by which alone a folder may leave.

    A step that nobody could end today (nobody at its desks has the right, too few for its quorum) is one of them: its
    folders would not leave (`nobody-there`).
    """
    written: list[Mapping[str, Any]] = definition["steps"]
    circuit = sketch(definition)
    obstacles = list(_whole(family, definition, written, desks))
    for step, data in zip(circuit.steps, written, strict=False):
        obstacles += _of_step(family, step, data, desks, channels)
    obstacles += _unreachable(circuit)
    obstacles += [Problem(fault.step, fault.field, fault.sentence) for fault in faults_of(family, circuit)]
    if not obstacles:
        try:
            load(definition)
        except (
            Refusal
        ) as refusal:  # nothing that the reader refuses is published because no sentence here told it
            obstacles += [Problem(None, "", sentence) for sentence in refusal.facts["faults"]]
    return obstacles


def _absent(step: str | None, field: str, keys: object, desks: Desks) -> Iterator[Problem]:
    """The desks that are told and are not there."""
    for key in keys if isinstance(keys, list | tuple) else ():
        if key not in desks:
            sentence = (
                f"Le bureau « {key} », à informer, n’existe pas, ou est fermé : retirez-le, ou ouvrez-le."
            )
            yield Problem(step, field, sentence)


def _whole(
    family: Family, definition: Mapping[str, Any], written: Collection[Any], desks: Desks
) -> Iterator[Problem]:
    if (kind := definition.get("type")) and kind != family.type_key:
        sentence = f"« {kind} » n’est aucun type publié de cette famille : choisissez pour quels dossiers est ce circuit."
        yield Problem(None, "only_for", sentence)
    yield from _absent(None, "all_told_add", definition.get("told"), desks)
    if sentence := wrong_label(definition.get("label"), "au circuit", "du circuit"):
        yield Problem(None, "circuit_label", sentence)
    if not written:
        yield Problem(None, "", "Le circuit n’a aucune étape : ajoutez-en une.")
    if len(written) > MAX_STEPS:
        yield Problem(None, "", f"Le circuit a {len(written)} étapes, {MAX_STEPS} au plus.")


def wrong_label(label: object, to: str, of: str) -> str:
    """What is wrong with a name, in a sentence; empty when nothing is. `to`, `of`: « à l’étape », « de l’étape »."""
    if not isinstance(label, str) or not label.strip():
        return f"Donnez {to} un nom de {MAX_LABEL} signes au plus."
    if len(label) > MAX_LABEL:
        return f"Le nom {of} dépasse {MAX_LABEL} signes : raccourcissez-le."
    if not label.isprintable():
        return f"Le nom {of} contient un signe invisible : effacez-le, puis écrivez-le de nouveau."
    if sign := foreign(label):
        return f"Le nom {of} contient {sign}, qui n’est pas une lettre de l’alphabet latin : effacez-le, puis tapez la lettre."
    return ""


def _of_step(
    family: Family, step: Step, data: Mapping[str, Any], desks: Desks, channels: Collection[str]
) -> Iterator[Problem]:
    if sentence := wrong_label(data.get("label"), "à l’étape", "de l’étape"):
        yield Problem(step.key, "label", sentence)
    if step.kind is StepKind.TRANSMIT and not step.channel:
        yield Problem(step.key, "channel", "Dites par où le dossier part.")
    elif step.kind is StepKind.TRANSMIT and step.channel not in channels:
        sentence = f"« {step.channel} » n’est aucun des destinataires d’ici : choisissez-en un dans la liste."
        yield Problem(step.key, "channel", sentence)
    days = data.get("days")
    if days is not None and not (isinstance(days, int) and 1 <= days <= MAX_DAYS):
        sentence = f"« {days} » n’est pas un nombre de jours ouvrés, de 1 à {MAX_DAYS}."
        yield Problem(step.key, "days", sentence)
    yield from _absent(step.key, "told_add", data.get("told"), desks)
    if not step.kind.automatic:
        yield from _of_people(family, step, data, desks)
    if step.when is not None or data.get("when") is not None:
        yield from _of_condition(family, step, data, desks)


def _of_people(family: Family, step: Step, data: Mapping[str, Any], desks: Desks) -> Iterator[Problem]:
    verb, right = step.kind.infinitive, step.kind.right
    if not step.who:
        yield Problem(step.key, "who_add", f"Dites qui doit {verb}.")
        return
    absent = [who.value for who in step.who if who.kind is WhoKind.DESK and who.value not in desks]
    for key in absent:
        yield Problem(
            step.key, "who_add", f"Le bureau « {key} » n’existe pas, ou est fermé : retirez-le, ou ouvrez-le."
        )
    yield from _of_named(family, step, desks)
    needed = data.get("quorum")
    if needed not in ("any", "all") and not (isinstance(needed, int) and needed >= 1):
        yield Problem(step.key, "quorum", "Dites combien doivent se prononcer, en chiffres.")
        return
    total, wanted = len(step.who), step.quorum.needed(len(step.who))
    if wanted > total:
        sentence = (
            f"{wanted} sont demandés et l’étape ne compte que {total} acteur{'s' if total > 1 else ''}."
        )
        yield Problem(step.key, "quorum", sentence)
        return
    if absent:
        return
    named = [desks[who.value] for who in step.who if who.kind is WhoKind.DESK]
    empty = [desk for desk in named if not desk.may(right, family)]
    # Whoever is chosen at the deposit, or stands above, is not known yet: each is counted as one more person.
    known = {WhoKind.DESK, WhoKind.PERSON}
    unknown = [frozenset({-rank}) for rank, who in enumerate(step.who, 1) if who.kind not in known]
    people = [_able(desks, who.value, right, family) for who in step.who if who.kind is WhoKind.PERSON]
    possible = filled([*(desk.may(right, family) for desk in named), *people, *unknown])
    if possible >= wanted or (total == 1 and people):
        return
    if total == 1:
        of_type = " pour ce type" if empty[0].may(right) else ""
        sentence = (
            f"Personne n’a le droit de {verb}{of_type} à « {empty[0].name} » : aucun dossier n’en sortirait."
        )
        yield Problem(step.key, "who_add", sentence, empty[0].id)
        return
    lacking = f" : personne n’a ce droit à {', '.join(f'« {desk.name} »' for desk in empty)}" if empty else ""
    doing = "doit" if wanted == 1 else "doivent"
    sentence = (
        f"{wanted} {doing} {verb} et {possible or 'personne ne'} {'le peuvent' if possible > 1 else 'le peut'}"
        f"{lacking}. Aucun dossier n’en sortirait."
    )
    yield Problem(step.key, "quorum", sentence, empty[0].id if empty else None)


def _of_named(family: Family, step: Step, desks: Desks) -> Iterator[Problem]:
    """Those whom a step names and who could not act on it."""
    names = people_of(desks)
    for who in step.who:
        if who.kind is not WhoKind.PERSON:
            continue
        name = names.get(who.value, who.value)
        if step.kind is StepKind.SIGN:
            sentence = f"Une signature se demande à un bureau, où le mandat de qui signe est vérifié : retirez « {name} »."
            yield Problem(step.key, "who_add", sentence)
        elif not _able(desks, who.value, step.kind.right, family):
            sentence = f"« {name} » n’a à aucun bureau le droit de {step.kind.infinitive} : donnez-le-lui, ou retirez son nom."
            yield Problem(step.key, "who_add", sentence)


def condition_problems(family: Family, key: str, when: object, desks: Desks) -> Iterator[Problem]:
    """What keeps each comparison of a condition from being tried on a folder: the field of its row, a sentence.

    `key` is that of the step, or of the row of rules, whose condition it is.
    """
    for rank, test in enumerate(_written_tests(when)):
        field = family.comparable(str(test.get("field") or ""))
        if field is None or field.type in UNCOMPARED:
            yield Problem(key, f"cond_field_{rank}", "Choisissez ce que la condition regarde.")
        elif sentence := _wrong_value(family, field, str(test.get("op") or ""), test.get("value"), desks):
            yield Problem(key, f"cond_value_{rank}", sentence)


def _of_condition(family: Family, step: Step, data: Mapping[str, Any], desks: Desks) -> Iterator[Problem]:
    yield from condition_problems(family, step.key, data.get("when"), desks)
    if step.when is not None and step.when.never:
        sentence = "Ces conditions se contredisent : l’étape n’aurait jamais lieu."
        yield Problem(step.key, "cond_field_0", sentence)


def _wrong_value(family: Family, field: Field, op: str, value: object, desks: Desks) -> str:
    """What is wrong with the value that a fact is compared with, in a sentence; empty when nothing is.

    It is read as an answer to the field is: what no folder could hold would never be met (a word for a SIRET, « 7,5 » for
    a matter, a desk that does not exist), nor what folders hold in another form.
    """
    if op not in operators(field):
        return f"« {field.label} » ne se compare pas ainsi."
    if op == "present":
        return ""
    values = value if isinstance(value, list | tuple) else [value]
    if not values or any(each is None or each == "" for each in values):
        return f"Donnez la valeur à laquelle comparer « {field.label} »."
    if op == "starts_with":
        return ""
    return next((sentence for each in values if (sentence := _wrong_answer(family, field, each, desks))), "")


def _wrong_answer(family: Family, field: Field, value: Any, desks: Desks) -> str:
    """What keeps a value from being the answer of any folder, in a sentence; empty when nothing does."""
    try:
        parse(field, value)
    except ValueError as error:
        return str(error)
    # What is computed of other fields is never typed: it is compared as it is written
    answer = normalised(family, {field.key: value}).get(field.key, value)
    if not Test(field.key, "==", value).holds({field.key: answer}):
        return f"« {field.label} » s’écrit « {answer} » dans les dossiers : écrivez-le ainsi."
    if field.type == "desk" and answer not in desks:
        return f"Le bureau « {answer} » n’existe pas, ou est fermé : choisissez-en un dans la liste."
    return ""


def _written_tests(when: object) -> Iterator[Mapping[str, Any]]:
    """The comparisons of a condition, in the order in which they are written."""
    if not isinstance(when, Mapping):
        return
    if "field" in when:
        yield when
    for word in ("all", "any"):
        for part in when.get(word) or ():
            yield from _written_tests(part)
    if "not" in when:
        yield from _written_tests(when["not"])


def _unreachable(circuit: Circuit) -> Iterator[Problem]:
    archived = False
    for step in circuit.steps:
        if archived:
            sentence = f"L’étape « {step.label} » suit l’archivage : aucun dossier n’y arriverait."
            yield Problem(step.key, "kind", sentence)
        elif step.kind is StepKind.ARCHIVE and step.when is None:
            archived = True


def rows_of(when: object) -> tuple[str, list[Mapping[str, Any]]] | None:
    """A condition as rows: « all » or « any » of them, and each comparison; None for one that rows do not tell."""
    if when is None:
        return "all", []
    if isinstance(when, Mapping):
        if "field" in when:
            return "all", [when]
        for word in ("all", "any"):
            parts = when.get(word)
            if isinstance(parts, list) and all(
                isinstance(part, Mapping) and "field" in part for part in parts
            ):
                return word, parts
    return None
