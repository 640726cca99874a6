"""A collectivity as it is now, as its file would say it, and what differs from another file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuit_name, circuit_of, parted
from app.circuits.named import named
from app.circuits.own_types import currents
from app.circuits.written import latest
from app.core.db import Db
from app.operations.declared.document import MOST, Document
from app.operations.declared.ruled import circuit_differences, circuits_here, differences, rules_here
from app.people.models import Collectivity, Desk, Holder, User
from app.people.own_settings.registry import own_value, written
from workflows.family import families
from workflows.rights import Rights


def present(db: Db, collectivity_id: int) -> dict[str, dict[str, Any]]:
    """What a file of this collectivity says: open accounts, desks, published types, circuits of its own, settings.

    And the rules in force that choose a circuit. Neither a secret, nor a mandate, a certificate or a draft.
    """
    own = db.get_one(Collectivity, collectivity_id).settings
    settings = {one.name: value for one in written() if (value := own_value(own, one.place)) is not None}
    types = {
        one.row.key: {
            "family": one.row.family,
            "closed": one.row.closed_at is not None,
            **one.definition.to_data(),
        }
        for one in currents(db, collectivity_id)
        if one.row.family in families()
    }
    return {
        "settings": settings,
        "desks": _desks(db, collectivity_id),
        "people": _people(db, collectivity_id),
        "types": types,
        "circuits": circuits_here(db, collectivity_id, _circuits(db, collectivity_id)),
        "rules": rules_here(db, collectivity_id),
    }


def _circuits(db: Db, collectivity_id: int) -> dict[str, Any]:
    """Those that were written: a default one that is its family's own is not, nor one that was never published."""
    closed = {
        circuit_name(one.family, one.key) for one in named(db, collectivity_id) if one.closed_at is not None
    }
    every = {name: circuit_of(db, row.id) for name, row in latest(db, collectivity_id).items()}
    return {
        name: {"closed": name in closed, **circuit.to_data()}
        for name, circuit in sorted(every.items())
        if parted(name)[0] in families() and (name not in families() or circuit != families()[name].circuit)
    }


def _desks(db: Db, collectivity_id: int) -> dict[str, Any]:
    rows = list(db.scalars(sa.select(Desk).where(Desk.collectivity_id == collectivity_id).order_by(Desk.key)))
    keys = {one.id: one.key for one in rows}
    return {
        one.key: {
            "name": one.name,
            "above": keys[one.parent_id] if one.parent_id is not None else None,
            "closed": one.closed_at is not None,
        }
        for one in rows
    }


def _people(db: Db, collectivity_id: int) -> dict[str, Any]:
    seats: dict[int, dict[str, list[str]]] = {}
    held = (
        sa.select(Holder.user_id, Desk.key, Holder.rights)
        .join(Desk, Desk.id == Holder.desk_id)
        .where(Desk.collectivity_id == collectivity_id)
        .order_by(Desk.key)
    )
    for user_id, key, rights in db.execute(held):
        seats.setdefault(user_id, {})[key] = list(Rights.read(rights).grants)
    ours = sa.select(Desk.id, Desk.key).where(Desk.collectivity_id == collectivity_id)
    desks: dict[int | None, str] = {row.id: row.key for row in db.execute(ours)}
    open_accounts = sa.select(User).where(User.collectivity_id == collectivity_id, User.active.is_(True))
    return {
        one.login: {
            "first_name": one.first_name,
            "last_name": one.last_name,
            "email": one.email,
            "capacity": one.capacity,
            "administrator": one.administrator,
            "branch": desks.get(one.branch_id),
            "desks": dict(sorted(seats.get(one.id, {}).items())),
        }
        for one in db.scalars(open_accounts.order_by(User.login))
    }


@dataclass(frozen=True)
class Change:
    """One difference: where, what is here and what the file says; `here_alone` of what the file does not name.

    `whole`: what the file says is a sentence that tells what was here too.
    """

    where: str
    here: str
    file: str
    here_alone: bool = False
    whole: bool = False


def changes(here: Document, file: Document) -> list[Change]:
    """What applying the file would change, then what is here alone, which it leaves; a section that is not there says nothing."""
    found = [change for name in MOST if name in file for change in _of_section(name, here, file)]
    return sorted(found, key=lambda one: one.here_alone)


def _of_section(name: str, here: Document, file: Document) -> Iterator[Change]:
    if name == "rules":
        return _ruled(here, file)
    if name == "circuits":
        return _circuits_between(here, file)
    return _between(name, here.get(name, {}), file[name])


def _circuits_between(here: Document, file: Document) -> Iterator[Change]:
    """What the file says of circuits: those that are on one side alone, open or closed, then what each changes, in words."""
    mine, theirs = dict(here.get("circuits", {})), dict(file["circuits"])
    for name in mine.keys() & theirs.keys():
        # The steps of both are told in words
        theirs[name] = {**mine[name], "closed": theirs[name]["closed"]}
    yield from _between("circuits", mine, theirs)
    for name, sentences in circuit_differences(here, file):
        yield from (Change(f"circuits.{name}", "", sentence, whole=True) for sentence in sentences)


def _ruled(here: Document, file: Document) -> Iterator[Change]:
    mine = here.get("rules", {})
    for kind, sentences in differences(here, file):
        at = f"rules.{kind}"
        if kind not in file["rules"]:
            count = len(mine[kind]["rows"])
            yield Change(
                at, f"{count} règle{'s' if count > 1 else ''} et les autres cas", "", here_alone=True
            )
        yield from (Change(at, "", sentence, whole=kind in mine) for sentence in sentences)


def _between(where: str, here: Any, file: Any) -> Iterator[Change]:
    if isinstance(here, Mapping) and isinstance(file, Mapping):
        for key in sorted({*here, *file}):
            at = f"{where}.{key}"
            if key not in file:
                yield Change(at, _short(here[key]), "", here_alone=True)
            elif key not in here:
                yield Change(at, "", _short(file[key]))
            else:
                yield from _between(at, here[key], file[key])
    elif here != file:
        yield Change(where, _short(here), _short(file))


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("label") or value.get("last_name") or "…"
    text = "aucun" if value in (None, "", []) else str(value).replace("\n", " / ")
    return text if len(text) <= 120 else f"{text[:119]}…"
