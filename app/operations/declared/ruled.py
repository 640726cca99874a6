"""Rules and circuits, as the file of a collectivity says them: each person by his login, never by a number.

A number is that of an account of one installation, where another account has it elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from app.circuits import tables
from app.circuits.difference import difference, rules_difference
from app.circuits.library import parted
from app.circuits.rules import Kind, kinds, takeable
from app.circuits.wording import money_of, names_of
from app.core.db import Db
from app.core.refusals import Refusal
from app.operations.declared.document import Document
from app.people.models import User
from workflows.drawing import value_key
from workflows.emitting import FIELDS
from workflows.family import Family, families
from workflows.loader import load
from workflows.own_types import Definition, joined
from workflows.rule_table import Table, sketched

Rename = Callable[[Any], Any]


def rules_here(db: Db, collectivity_id: int) -> dict[str, Any]:
    """The rules in force of a collectivity, by the family or the type that they are for."""
    every, by_login = {kind.name: kind for kind in kinds(db, collectivity_id)}, _by_login(db, collectivity_id)
    return {
        name: _renamed(version.table.to_data(), every[name], by_login)
        for name, version in sorted(tables.every(db, collectivity_id).items())
        if name in every
    }


def circuits_here(db: Db, collectivity_id: int, circuits: Mapping[str, Any]) -> dict[str, Any]:
    """The circuits of a collectivity, by their names, as its file says them."""
    by_login = _by_login(db, collectivity_id)
    return {name: _circuit(name, data, by_login) for name, data in circuits.items()}


def circuit_as_kept(db: Db, collectivity_id: int, name: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What the database keeps of a circuit that a file says; refuses `declared-person`."""
    return _circuit(name, data, _by_number(db, collectivity_id))


def _circuit(name: str, data: Mapping[str, Any], rename: Rename) -> dict[str, Any]:
    persons = frozenset(field.key for field in families()[parted(name)[0]].fields if field.type == "person")
    steps = [
        {**step, "when": _condition(step["when"], persons, rename)} if step.get("when") else step
        for step in data["steps"]
    ]
    return {**data, "steps": steps}


def _by_login(db: Db, collectivity_id: int) -> Rename:
    query = sa.select(User.id, User.login).where(User.collectivity_id == collectivity_id)
    logins = {str(number): login for number, login in db.execute(query)}
    return lambda value: logins.get(str(value), str(value))


def _by_number(db: Db, collectivity_id: int) -> Rename:
    query = sa.select(User.login, User.id).where(User.collectivity_id == collectivity_id)
    numbers: dict[str, int] = {row.login: row.id for row in db.execute(query)}

    def number(login: Any) -> int:
        if str(login) not in numbers:
            raise Refusal("declared-person", login=str(login))
        return numbers[str(login)]

    return number


def as_kept(db: Db, collectivity_id: int, name: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    """What the database keeps of the rules that a file says.

    Refuses `declared-type`, `declared-circuit` and `declared-person` of what is neither in the file nor here.
    """
    kind = next((kind for kind in kinds(db, collectivity_id) if kind.name == name), None)
    if kind is None:
        raise Refusal("declared-type", type=name)
    labels = takeable(db, collectivity_id, kind).labels
    for circuit in (*(row["circuit"] for row in rules["rows"]), rules["otherwise"]):
        if circuit not in labels:
            raise Refusal("declared-circuit", circuit=circuit, family=kind.law.label)
    return _renamed(rules, kind, _by_number(db, collectivity_id))


def _renamed(rules: Mapping[str, Any], kind: Kind, rename: Rename) -> dict[str, Any]:
    persons = frozenset(field.key for field in kind.family.fields if field.type == "person")
    rows = [{**row, "when": _condition(row["when"], persons, rename)} for row in rules["rows"]]
    return {**rules, "rows": rows}


def _condition(when: Mapping[str, Any], persons: frozenset[str], rename: Rename) -> dict[str, Any]:
    if "not" in when:
        return {"not": _condition(when["not"], persons, rename)}
    for word in ("all", "any"):
        if word in when:
            return {word: [_condition(part, persons, rename) for part in when[word]]}
    if when["field"] not in persons or "value" not in when:
        return dict(when)
    value = when["value"]
    return {**when, "value": [rename(text) for text in value] if isinstance(value, list) else rename(value)}


def differences(current: Document, file: Document) -> Iterator[tuple[str, list[str]]]:
    """Of each family or type, what its rules of the file change of those that are here, in sentences; all that both name."""
    mine, theirs = current.get("rules", {}), file["rules"]
    circuits = {name: law.circuit.label for name, law in families().items()} | {
        name: entry["label"] for where in (current, file) for name, entry in where.get("circuits", {}).items()
    }
    for name in sorted({*mine, *theirs}):
        if name not in theirs:
            yield name, []
            continue
        after = sketched(theirs[name])
        before = sketched(mine[name]) if name in mine else Table((), after.otherwise)
        # A field may be on one side alone: rules that read it are told all the same
        laws = [family for where in (current, file) if (family := _family(name, where)) is not None]
        names = {key: word for family in laws for key, word in _names(family, current, file).items()}
        money = frozenset[str]().union(*map(money_of, laws))
        sentences = rules_difference(before, after, names, money, circuits)
        if name not in mine:
            sentences.append(f"Les autres cas suivent « {circuits.get(after.otherwise, after.otherwise)} ».")
        yield name, sentences


def circuit_differences(current: Document, file: Document) -> Iterator[tuple[str, list[str]]]:
    """Of each circuit that both documents have and say otherwise, what the file changes of it, in sentences."""
    mine, theirs = current.get("circuits", {}), file["circuits"]
    for name in sorted(mine.keys() & theirs.keys()):
        before, after = (
            load({key: value for key, value in entry.items() if key != "closed"})
            for entry in (mine[name], theirs[name])
        )
        if before == after:
            continue
        kinds = [parted(name)[0], *filter(None, (before.only_for, after.only_for))]
        laws = [
            family
            for kind in kinds
            for where in (current, file)
            if (family := _family(kind, where)) is not None
        ]
        names = {key: word for family in laws for key, word in _names(family, current, file).items()}
        names |= {value_key("type", law.type_key): law.label for law in laws if law.type_key}
        people = {
            value_key("person", login): f"{person['first_name']} {person['last_name']}"
            for where in (current, file)
            for login, person in where.get("people", {}).items()
        }
        sentences = difference(
            before, after, {**names, **people}, frozenset[str]().union(*map(money_of, laws))
        )
        yield name, sentences or ["Le circuit est écrit autrement."]


def _family(name: str, where: Document) -> Family | None:
    """The family, or the type as one of the documents says it; None where it says none."""
    if name in families():
        return families()[name]
    declared = where.get("types", {}).get(name)
    if declared is None:
        return None
    return joined(families()[declared["family"]], name, 0, Definition.from_data(declared))


def _names(family: Family, current: Document, file: Document) -> dict[str, str]:
    desks = {key: desk["name"] for where in (current, file) for key, desk in where.get("desks", {}).items()}
    people = {
        login: f"{person['first_name']} {person['last_name']}"
        for where in (current, file)
        for login, person in where.get("people", {}).items()
    }
    return names_of(replace(family, fields=(*FIELDS, *family.fields)), desks, people)
