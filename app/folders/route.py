"""Which circuit a folder takes, and by which rule: what the sending does, what a rehearsal says, what a draft shows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.attributes import set_committed_value

from app.circuits import tables
from app.circuits.library import circuit_of, current, family_of, law_of_circuit
from app.circuits.models import CircuitVersion
from app.circuits.tables import InForce
from app.circuits.wording import money_of, names_of
from app.core.db import Db
from app.core.french import spaces
from app.folders.models import EMITTED, Folder
from app.people.models import Desk, User
from workflows.circuit import Circuit
from workflows.condition import Disputed
from workflows.drawing import condition_text
from workflows.emitting import BRANCH, EMITTER, FIELDS, Path, deposited
from workflows.family import Family
from workflows.joining import joined
from workflows.rule_table import Choice, Table, choose

Rule = Mapping[str, Any]
"""What a table said of a folder, as the folder keeps it and the journal tells it.

`table`: the number of the version, 0 of a draft; `kind`, `label`: whose rules; `rank`: the row, from 1, 0 for all other
cases; `row`: its key; `words`: its condition in French; `against`: the ranks that other values in dispute would have taken;
`joint`: whether all those circuits are followed together, none of them containing the others.
"""


@dataclass(frozen=True)
class Route:
    """The circuit that a folder takes: its name, its version in force (None: the family's own), and the rule that gave it.

    `joint`: the names of the circuits that are followed together; `circuit` is then what they make, of no version yet.
    """

    name: str
    version: CircuitVersion | None
    circuit: Circuit
    table_id: int | None = None
    rule: Rule | None = None
    joint: tuple[str, ...] = ()


def route_of(db: Db, folder: Folder, drafted: InForce | None = None) -> Route:
    """The circuit that a folder sent now takes, by the rules in force of its type, else of its family; nothing is written.

    `drafted`: rules that are tried in their place. Facts that are disputed are tried as `rule_table.choose` says.
    """
    rules = drafted or rules_of(db, folder)
    if rules is None:
        route = _followed(db, folder.collectivity_id, folder.family)
        know_emitter(db, folder, route.circuit)
        return route
    facts = deposited(folder.facts, path_of(db, folder, rules.table))
    choice = choose(rules.table, facts, lambda name: _followed(db, folder.collectivity_id, name).circuit)
    route = _followed(db, folder.collectivity_id, choice.circuit)
    told, table_id = _told(db, folder, rules, choice), None if drafted else rules.id
    if choice.joint:
        circuits = [_followed(db, folder.collectivity_id, name).circuit for name in choice.joint]
        know_emitter(db, folder, *circuits)
        return Route(route.name, None, joined(circuits, folder.facts), table_id, told, choice.joint)
    know_emitter(db, folder, route.circuit)
    return Route(route.name, route.version, route.circuit, table_id, told)


def rules_of(db: Db, folder: Folder) -> InForce | None:
    """The rules in force that choose the circuit of a folder: of its type, else of its family; None where there are none."""
    asked = family_of(folder.in_force)
    kinds = [*([asked.type_key] if asked.type_key else []), folder.family]
    return tables.in_force(db, folder.collectivity_id, *kinds)


def know_emitter(db: Db, folder: Folder, *circuits: Circuit) -> None:
    """Have the facts of a folder that is not sent yet tell the desk that deposits it, where these circuits look at it.

    Read for now alone: what is written is how it stood when the folder was sent (`sending`).
    """
    if not any(circuit.by_emitter for circuit in circuits):
        return
    path = list(tables.paths(db, folder.collectivity_id).get(folder.emitter_desk_id, ()))
    if folder.sources.get(EMITTED) != path:
        # Not marked as changed: the next flush must not write it.
        set_committed_value(folder, "sources", {**folder.sources, EMITTED: path})


def usual(db: Db, collectivity_id: int, asked: Family) -> Circuit:
    """The circuit of the folders that no rule of a family, or of a type, takes."""
    kinds = [*([asked.type_key] if asked.type_key else []), asked.name]
    rules = tables.in_force(db, collectivity_id, *kinds)
    return _followed(db, collectivity_id, rules.table.otherwise if rules else asked.name).circuit


def _followed(db: Db, collectivity_id: int, name: str) -> Route:
    version = current(db, collectivity_id, name)
    return Route(name, version, circuit_of(db, version.id) if version else law_of_circuit(name).circuit)


def path_of(db: Db, folder: Folder, table: Table) -> Path:
    """The branch of the desk that deposits; read only for a table that looks at it, or where circuits may be compared."""
    if not table.fields & {EMITTER, BRANCH} and not isinstance(folder.facts, Disputed):
        return ()
    return tables.paths(db, folder.collectivity_id).get(folder.emitter_desk_id, ())


def _told(db: Db, folder: Folder, rules: InForce, choice: Choice) -> dict[str, Any]:
    asked = family_of(folder.in_force)
    label = asked.label if rules.kind == asked.type_key else family_of(folder.family).label
    row = rules.table.rows[choice.rank] if choice.rank < len(rules.table.rows) else None
    words = ""
    if row is not None:
        query = sa.select(Desk.key, Desk.name).where(Desk.collectivity_id == folder.collectivity_id)
        desks = (
            {row.key: row.name for row in db.execute(query)} if row.when.fields & _of(asked, "desk") else {}
        )
        people = _people(db, folder) if row.when.fields & _of(asked, "person") else {}
        names = names_of(replace(asked, fields=(*FIELDS, *asked.fields)), desks, people)
        words = spaces(condition_text(row.when, names, money_of(asked)))
    return {
        "table": rules.number,
        "kind": rules.kind,
        "label": label,
        "rank": choice.rank + 1 if row is not None else 0,
        "row": row.key if row is not None else "",
        "words": words,
        "against": [_rank(rules.table, rank) for rank in choice.against],
        **({"joint": True} if choice.joint else {}),
    }


def _rank(table: Table, rank: int) -> int:
    return rank + 1 if rank < len(table.rows) else 0


def _of(asked: Family, kind: str) -> frozenset[str]:
    return frozenset(one.key for one in (*FIELDS, *asked.fields) if one.type == kind)


def _people(db: Db, folder: Folder) -> dict[int, str]:
    query = sa.select(User).where(User.collectivity_id == folder.collectivity_id)
    return {one.id: one.name for one in db.scalars(query)}


def rule_words(rule: Rule) -> str:
    """« règle 2 de « Facture » (version 4) : montant TTC atteint 40 000 € ». In a sentence, without its full stop."""
    version = f" (version {rule['table']})" if rule["table"] else " (brouillon)"
    if not rule["rank"]:
        told = f"autres cas des règles de « {rule['label']} »{version}"
    else:
        told = f"règle {rule['rank']} de « {rule['label']} »{version} : {rule['words']}"
    return spaces(told)


def dispute_words(rule: Rule) -> str:
    """Why the rule is not the one that the facts as they stand would take alone; empty where nothing was disputed."""
    others = rule["against"]
    if not others:
        return ""
    names = [f"la règle {rank}" if rank else "les autres cas" for rank in others]
    why = (
        "aucun de ces circuits ne contient les autres, leurs étapes sont toutes suivies."
        if rule.get("joint")
        else "de ces circuits est suivi celui qui contient ce que demandent les autres."
    )
    return spaces(f"D’autres valeurs, lues ou saisies, donnent {' ou '.join(names)} : {why}")
