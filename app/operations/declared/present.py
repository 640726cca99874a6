"""A collectivity as it is now, as its file would say it, and what differs from another file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from app.arrivals.mail.boxes import boxes
from app.arrivals.routing import routing_of
from app.circuits.library import circuit_name, circuit_of, parted
from app.circuits.named import named
from app.circuits.own_types import currents
from app.circuits.written import latest
from app.core.db import Db
from app.operations.declared.document import MOST, Document, place_key
from app.operations.declared.ruled import circuit_differences, circuits_here, differences, rules_here
from app.people.models import Collectivity, Desk, Holder, User
from app.people.own_settings.registry import known, masked, own_value, written
from workflows.family import families
from workflows.rights import Rights


def present(db: Db, collectivity_id: int) -> dict[str, dict[str, Any]]:
    """What a file of this collectivity says: open accounts, desks, published types, circuits of its own, settings.

    And the rules in force that choose a circuit. Neither a secret, nor a mandate, a certificate or a draft.
    """
    own = db.get_one(Collectivity, collectivity_id).settings
    settings = {
        setting.name: value for setting in written() if (value := own_value(own, setting.place)) is not None
    }
    types = {
        version.row.key: {
            "family": version.row.family,
            "closed": version.row.closed_at is not None,
            **version.definition.to_data(),
        }
        for version in currents(db, collectivity_id)
        if version.row.family in families()
    }
    return {
        "settings": settings,
        "desks": _desks(db, collectivity_id),
        "people": _people(db, collectivity_id),
        "types": types,
        "circuits": circuits_here(db, collectivity_id, _circuits(db, collectivity_id)),
        "rules": rules_here(db, collectivity_id),
        "arrivals": _arrivals(db, collectivity_id),
        "mailboxes": _mailboxes(db, collectivity_id),
    }


def _arrivals(db: Db, collectivity_id: int) -> dict[str, Any]:
    """Where what comes by itself goes; nothing while no sorting desk was chosen."""
    routing = routing_of(db, collectivity_id)
    if routing.otherwise is None:
        return {}
    return {"rows": [row.to_data() for row in routing.rows], "otherwise": routing.otherwise.to_data()}


def _mailboxes(db: Db, collectivity_id: int) -> dict[str, Any]:
    """The mailboxes where invoices come, without their password."""
    return {
        place_key(box.host, box.login, box.folder): {
            "address": box.address,
            "kind": box.kind,
            "scheme": box.scheme,
            "port": box.port,
            "senders": list(box.senders),
            "removes": box.removes,
            "active": box.active,
        }
        for box in boxes(db, collectivity_id)
    }


def _circuits(db: Db, collectivity_id: int) -> dict[str, Any]:
    """Those that were written: a default one that is its family's own is not, nor one that was never published."""
    closed = {
        circuit_name(circuit.family, circuit.key)
        for circuit in named(db, collectivity_id)
        if circuit.closed_at is not None
    }
    every = {name: circuit_of(db, row.id) for name, row in latest(db, collectivity_id).items()}
    return {
        name: {"closed": name in closed, **circuit.to_data()}
        for name, circuit in sorted(every.items())
        if parted(name)[0] in families() and (name not in families() or circuit != families()[name].circuit)
    }


def _desks(db: Db, collectivity_id: int) -> dict[str, Any]:
    rows = list(db.scalars(sa.select(Desk).where(Desk.collectivity_id == collectivity_id).order_by(Desk.key)))
    keys = {desk.id: desk.key for desk in rows}
    return {
        desk.key: {
            "name": desk.name,
            "above": keys[desk.parent_id] if desk.parent_id is not None else None,
            "closed": desk.closed_at is not None,
        }
        for desk in rows
    }


def _people(db: Db, collectivity_id: int) -> dict[str, Any]:
    seats: dict[int, dict[str, list[str]]] = {}
    query = (
        sa.select(Holder.user_id, Desk.key, Holder.rights)
        .join(Desk, Desk.id == Holder.desk_id)
        .where(Desk.collectivity_id == collectivity_id)
        .order_by(Desk.key)
    )
    for user_id, key, rights in db.execute(query):
        seats.setdefault(user_id, {})[key] = list(Rights.read(rights).grants)
    ours = sa.select(Desk.id, Desk.key).where(Desk.collectivity_id == collectivity_id)
    desks: dict[int | None, str] = {row.id: row.key for row in db.execute(ours)}
    open_accounts = sa.select(User).where(User.collectivity_id == collectivity_id, User.active.is_(True))
    return {
        user.login: {
            "first_name": user.first_name,
            "last_name": user.last_name,
            "email": user.email,
            "capacity": user.capacity,
            "administrator": user.administrator,
            "branch": desks.get(user.branch_id),
            "desks": dict(sorted(seats.get(user.id, {}).items())),
        }
        for user in db.scalars(open_accounts.order_by(User.login))
    }


@dataclass(frozen=True)
class Change:
    """One difference: where, what is here and what the file says; `here_alone` of what the file does not name.

    `whole`: what the file says is a sentence that tells what was here too.
    """

    where: str
    current: str
    file: str
    here_alone: bool = False
    whole: bool = False


def hidden(document: Document) -> Document:
    """The document as it is written into a file, without what may be a key in an address of its settings."""
    return {
        **document,
        "settings": {name: _masked(name, value) for name, value in document["settings"].items()},
    }


def restored(current: Document, file: Document) -> Document:
    """What a file says, with the addresses that it has as `hidden` wrote them as they are here."""
    if "settings" not in file:
        return file
    mine = current.get("settings", {})
    settings = {
        name: mine[name] if name in mine and value == _masked(name, mine[name]) else value
        for name, value in file["settings"].items()
    }
    return {**file, "settings": settings}


def _masked(name: str, value: Any) -> Any:
    return masked(known(name), value)


def changes(current: Document, file: Document) -> list[Change]:
    """What applying the file would change, then what is here alone, which it leaves; a section that is not there says nothing."""
    differences = [change for name in MOST if name in file for change in _of_section(name, current, file)]
    return sorted(differences, key=lambda change: change.here_alone)


def _of_section(name: str, current: Document, file: Document) -> Iterator[Change]:
    if name == "rules":
        return _ruled(current, file)
    if name == "circuits":
        return _circuits_between(current, file)
    between = _between(name, current.get(name, {}), file[name])
    return map(_without_keys, between) if name == "settings" else between


def _without_keys(change: Change) -> Change:
    """A change of a setting as others read it."""
    name = change.where.partition(".")[2]
    if not name:
        return change
    return replace(change, current=_masked(name, change.current), file=_masked(name, change.file))


def _circuits_between(current: Document, file: Document) -> Iterator[Change]:
    """What the file says of circuits: those that are on one side alone, open or closed, then what each changes, in words."""
    mine, theirs = dict(current.get("circuits", {})), dict(file["circuits"])
    for name in mine.keys() & theirs.keys():
        # The steps of both are told in words
        theirs[name] = {**mine[name], "closed": theirs[name]["closed"]}
    yield from _between("circuits", mine, theirs)
    for name, sentences in circuit_differences(current, file):
        yield from (Change(f"circuits.{name}", "", sentence, whole=True) for sentence in sentences)


def _ruled(current: Document, file: Document) -> Iterator[Change]:
    mine = current.get("rules", {})
    for kind, sentences in differences(current, file):
        at = f"rules.{kind}"
        if kind not in file["rules"]:
            count = len(mine[kind]["rows"])
            yield Change(
                at, f"{count} règle{'s' if count > 1 else ''} et les autres cas", "", here_alone=True
            )
        yield from (Change(at, "", sentence, whole=kind in mine) for sentence in sentences)


def _between(where: str, current: Any, file: Any) -> Iterator[Change]:
    if isinstance(current, Mapping) and isinstance(file, Mapping):
        for key in sorted({*current, *file}):
            at = f"{where}.{key}"
            if key not in file:
                yield Change(at, _short(current[key]), "", here_alone=True)
            elif key not in current:
                yield Change(at, "", _short(file[key]))
            else:
                yield from _between(at, current[key], file[key])
    elif current != file:
        yield Change(where, _short(current), _short(file))


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("label") or value.get("last_name") or "…"
    text = "aucun" if value in (None, "", []) else str(value).replace("\n", " / ")
    return text if len(text) <= 120 else f"{text[:119]}…"
