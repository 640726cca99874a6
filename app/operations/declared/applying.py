"""Apply the file of a collectivity: all of it in one transaction, or nothing, and then exactly what stopped it."""

import secrets
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from app.arrivals.mail.boxes import Box, write_box
from app.arrivals.routing import Destination, Row, write_routing
from app.circuits import tables
from app.circuits.own_types import called, write_type
from app.circuits.reserved import refuse_taken, refuse_unread
from app.circuits.rules import write_rules
from app.circuits.whole import write_circuit
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.transaction import use_case
from app.operations.declared.document import Document, place_of
from app.operations.declared.present import Change, changes, present, restored
from app.operations.declared.ruled import as_kept, circuit_as_kept
from app.operations.desks import closing, stranded, views
from app.operations.desks.closing import write_closed, write_open
from app.people import accounts, hierarchy
from app.people.actor import Actor
from app.people.desks import administrators, write_down
from app.people.models import Collectivity, Desk, Holder, User
from app.people.own_settings.changing import try_first, write_setting
from app.people.own_settings.registry import Kind, Result, beside, known, own_value
from app.people.places import places
from app.transmission.settings import names as channels
from workflows.loader import load
from workflows.own_types import Definition
from workflows.rights import Rights, type_name

_CLOSED = "Fermé par le fichier de la collectivité."


@dataclass
class Applied:
    """What was changed, and the secrets drawn for settings that ask for one, by their labels: shown once."""

    changed: list[Change] = field(default_factory=list)
    drawn: dict[str, str] = field(default_factory=dict)


class _Foreseen(Exception):  # noqa: N818 - it takes back what was written to see what would stop
    """Nothing is written: what would stop, in sentences."""

    def __init__(self, stops: Sequence[str]) -> None:
        super().__init__()
        self.stops = stops


def foreseen(actor: Actor, document: Document) -> Sequence[str]:
    """What would stop were the file applied, in sentences; nothing is written. Refuses as `apply_document`, but the trials."""
    try:
        _apply(actor, document, {}, invite=False, reason=None)
    except _Foreseen as told:
        return told.stops
    return ()


def apply_document(actor: Actor, document: Document, *, invite: bool = True, reason: str = "") -> Applied:
    """Write all that the file says and that is not so; what the file does not name stays.

    What it names becomes what it says: the rights at a desk that it gives somebody are all that he has there, and whom it
    does not say to administer does not. `invite`: who has no account yet is mailed the link by which he chooses his
    password. Refuses `declared-stopped`, with where and why, and `declared-nobody` of a file after which nobody would
    administer the collectivity: nothing at all is written then. A setting that is tried before it serves is tried first.
    Where a folder on its way could not end any more, or a desk lacks somebody for what circuits ask of it, `declared-stops`
    is refused without a `reason`, which the journal keeps.
    """
    return _apply(actor, document, _tried(actor, document.get("settings", {})), invite=invite, reason=reason)


def _tried(actor: Actor, settings: Mapping[str, Any]) -> dict[str, Result]:
    """What the settings that are tried before they serve were found, by name."""
    results: dict[str, Result] = {}
    for name, value in settings.items():
        with _at(f"settings.{name}"):
            if result := try_first(actor, name, {name: str(value)}):
                results[name] = result
    return results


@use_case
def _apply(
    db: Db,
    actor: Actor,
    document: Document,
    results: Mapping[str, Result],
    *,
    invite: bool,
    reason: str | None,
) -> Applied:
    """Write it; `reason`: for which what stops may stop, None of who asks what would, and has nothing written."""
    # The row of the collectivity stands for all that it holds: of two files at once, the second sees what the first wrote
    db.get_one(Collectivity, actor.collectivity_id, with_for_update=True, populate_existing=True)
    current = present(db, actor.collectivity_id)
    document = restored(current, document)
    wanted = [change for change in changes(current, document) if not change.here_alone]
    applied = Applied(wanted)
    if not wanted:
        return applied
    administered = bool(administrators(db, actor.collectivity_id))
    before = _stops(db, actor.collectivity_id)
    desks_before = places(db, actor.collectivity_id).keys()
    _desks(db, actor, document.get("desks", {}))
    types = called(db, actor.collectivity_id).keys() | {
        type_name(entry["family"], key) for key, entry in document.get("types", {}).items()
    }
    _people(db, actor, document.get("people", {}), types, invite=invite)
    rules = {
        name: entry
        for name, entry in document.get("rules", {}).items()
        if entry != current["rules"].get(name)
    }
    _types(db, actor, document.get("types", {}))
    circuits = document.get("circuits", {})
    shut = {name for name, entry in current["circuits"].items() if entry["closed"]}
    _circuits(db, actor, circuits, shut)
    _rules(db, actor, rules)
    _circuits(db, actor, circuits, set(circuits))
    _read(db, actor, current, document)
    _settings(db, actor, document.get("settings", {}), results, applied)
    db.flush()
    if "arrivals" in document:
        _arrivals(db, actor, {**current["arrivals"], **document["arrivals"]})
    _mailboxes(db, actor, document.get("mailboxes", {}))
    _close_desks(db, actor, document.get("desks", {}))
    if administered and not administrators(db, actor.collectivity_id):
        raise Refusal("declared-nobody")
    db.flush()
    # What a desk that this file opens still lacks stops nothing: nothing went there
    stops = [
        text
        for key, text in _stops(db, actor.collectivity_id).items()
        if key not in before and (not isinstance(key, tuple) or key[0] in desks_before)
    ]
    if reason is None:
        raise _Foreseen(stops)
    if stops and not reason.strip():
        raise Refusal("declared-stops", what=" ".join(stops))
    why = {"reason": reason.strip()} if stops else {}
    write_down(db, actor.collectivity_id, "collectivity.declared", actor, words=_counted(wanted), **why)
    return applied


def _stops(db: Db, collectivity_id: int) -> dict[Hashable, str]:
    """What cannot go on as people sit now, in sentences: folders on their way, and what circuits ask of desks."""
    versions = list(db.scalars(closing.versions_followed(collectivity_id)))
    every, desks = views.asked_for(db, collectivity_id)
    folders: dict[Hashable, str] = {
        number: f"Le dossier en cours n° {number} ne pourrait plus finir."
        for number in stranded.stopped(db, collectivity_id, every, versions)
    }
    return folders | {
        (desk.id, fault): f"Bureau « {desk.name} » : {fault}"
        for desk in desks.values()
        if desk.closed_at is None
        for fault in desk.faults
    }


def _counted(wanted: list[Change]) -> str:
    labels = {
        "desks": "bureaux",
        "people": "personnes",
        "types": "types",
        "circuits": "circuits",
        "rules": "règles",
        "arrivals": "arrivées",
        "mailboxes": "boîtes de courriel",
        "settings": "réglages",
    }
    counts = {
        label: len({change.where.split(".")[1] for change in wanted if change.where.startswith(f"{name}.")})
        for name, label in labels.items()
    }
    return ", ".join(f"{label} : {count}" for label, count in counts.items() if count)


@contextmanager
def _at(where: str) -> Iterator[None]:
    try:
        yield
    except Refusal as refusal:
        raise Refusal(
            "declared-stopped", where=where, why=sentences.say(refusal.key, refusal.facts)[1]
        ) from refusal


def _desks(db: Db, actor: Actor, desks: Mapping[str, Any]) -> None:
    """Those that open again; those that are new, after their superiors; then those that change place or name."""
    rows = _rows(db, actor)
    for key, entry in desks.items():
        if key in rows and rows[key].closed_at is not None and not entry["closed"]:
            write_open(db, actor, rows[key])
    # Two desks may take each the other's name: what is written last is what is compared
    renamed = {
        rows[key].id for key, entry in desks.items() if key in rows and rows[key].name != entry["name"]
    }
    waiting = {key: entry for key, entry in desks.items() if key not in rows}
    while waiting:
        ready = [key for key, entry in waiting.items() if entry["above"] not in waiting]
        if not ready:
            key = next(iter(waiting))
            with _at(f"desks.{key}"):
                raise Refusal("desk-below-itself", name=waiting[key]["name"])
        for key in ready:
            entry = waiting.pop(key)
            with _at(f"desks.{key}"):
                above = _number(rows, entry["above"])
                rows[key] = hierarchy.add_desk(db, actor, entry["name"], above, key, renamed=renamed)
    for key, entry in desks.items():
        with _at(f"desks.{key}"):
            desk, above = rows[key], _number(rows, entry["above"])
            if (desk.name, desk.parent_id) != (entry["name"], above):
                hierarchy.write_desk(db, actor, desk.id, entry["name"], above, renamed=renamed)
    db.flush()
    for key in desks if renamed else ():
        with _at(f"desks.{key}"):
            hierarchy.refuse_alike(db, actor, rows[key])


def _close_desks(db: Db, actor: Actor, desks: Mapping[str, Any]) -> None:
    """Close those that the file says closed, last: what it writes may be what kept them open. Refuses as `closing.close`."""
    for key, desk in _rows(db, actor).items():
        if key in desks and desks[key]["closed"] and desk.closed_at is None:
            with _at(f"desks.{key}"):
                write_closed(db, actor, desk, _CLOSED)


def _rows(db: Db, actor: Actor) -> dict[str, Desk]:
    query = sa.select(Desk).where(Desk.collectivity_id == actor.collectivity_id).order_by(Desk.id)
    return {desk.key: desk for desk in db.scalars(query.with_for_update())}


def _number(rows: Mapping[str, Desk], key: str | None) -> int | None:
    if key is None:
        return None
    if key not in rows:
        raise Refusal("declared-desk", desk=key)
    return rows[key].id


def _people(db: Db, actor: Actor, people: Mapping[str, Any], types: Collection[str], *, invite: bool) -> None:
    accounts.in_turn(db, actor)
    rows = _rows(db, actor)
    for login, entry in people.items():
        with _at(f"people.{login}"):
            particulars = accounts.Particulars(
                entry["first_name"],
                entry["last_name"],
                entry["email"],
                entry["capacity"],
                entry["administrator"],
            )
            same = (User.collectivity_id == actor.collectivity_id, User.login == accounts.login_of(login))
            user = db.scalar(sa.select(User).where(*same))
            opened = user is None
            if user is None:
                user, _ = accounts.open_account(db, actor, login, particulars, by_mail=invite)
            else:
                user = accounts.open_user(db, actor, user.id)
                accounts.write_particulars(db, actor, user, particulars)
            accounts.write_branch(db, actor, user, _number(rows, entry["branch"]))
            for key, rights in entry["desks"].items():
                desk = rows.get(key)
                if desk is None:
                    raise Refusal("declared-desk", desk=key)
                granted = Rights.read(rights)
                limits = [name for right in granted for name in granted.types(right) or ()]
                if unknown := next((name for name in limits if name not in types), None):
                    raise Refusal("right-type-unknown", type=unknown)
                hierarchy.give(
                    db, actor, desk, user, granted, db.get(Holder, (user.id, desk.id)), tell=not opened
                )


def _types(db: Db, actor: Actor, types: Mapping[str, Any]) -> None:
    for key, entry in types.items():
        with _at(f"types.{key}"):
            definition = Definition.from_data(entry)
            write_type(db, actor, key, entry["family"], definition, closed=entry["closed"], ruled=True)


def _read(db: Db, actor: Actor, current: Document, document: Document) -> None:
    """What rules and circuits, as they now are, read of the types; and whose rules take the circuits of one type."""
    for key, entry in document.get("types", {}).items():
        if key in current["types"]:
            with _at(f"types.{key}"):
                was = Definition.from_data(current["types"][key])
                refuse_unread(db, actor.collectivity_id, key, was, Definition.from_data(entry))
    for name, entry in document.get("circuits", {}).items():
        with _at(f"circuits.{name}"):
            circuit = load({key: value for key, value in entry.items() if key != "closed"})
            refuse_taken(db, actor.collectivity_id, name, circuit)


def _circuits(db: Db, actor: Actor, circuits: Mapping[str, Any], closable: Collection[str]) -> None:
    """Write them; one that rules take yet and that is not of the closable ones stays open."""
    for name, data in circuits.items():
        with _at(f"circuits.{name}"):
            closed = data["closed"] and (
                name in closable or name not in tables.naming(db, actor.collectivity_id)
            )
            definition = {key: value for key, value in data.items() if key != "closed"}
            stored = circuit_as_kept(db, actor.collectivity_id, name, definition)
            write_circuit(db, actor, name, load(stored), channels(), closed=closed)


def _rules(db: Db, actor: Actor, rules: Mapping[str, Any]) -> None:
    for name, entry in rules.items():
        with _at(f"rules.{name}"):
            write_rules(db, actor, name, as_kept(db, actor.collectivity_id, name, entry))


def _arrivals(db: Db, actor: Actor, section: Mapping[str, Any]) -> None:
    """Where what comes by itself goes; what the file does not say of it stays."""
    if not section:
        return
    with _at("arrivals"):
        rows = [Row.from_data(row) for row in section.get("rows", ())]
        otherwise = section.get("otherwise")
        write_routing(db, actor, rows, Destination.from_data(otherwise) if otherwise else None)


def _mailboxes(db: Db, actor: Actor, section: Mapping[str, Any]) -> None:
    """The mailboxes of the file; their passwords are given on their page, and one without any is not read."""
    for key, entry in section.items():
        with _at(f"mailboxes.{key[:80]}"):
            host, login, folder = place_of(key) or ("", "", "")
            wanted = Box(
                0,
                actor.collectivity_id,
                entry["address"],
                entry["kind"],
                entry["scheme"],
                host,
                entry["port"],
                login,
                folder,
                tuple(entry["senders"]),
                entry["removes"],
                entry["active"],
            )
            write_box(db, actor, wanted)


def _settings(
    db: Db, actor: Actor, settings: Mapping[str, Any], results: Mapping[str, Result], applied: Applied
) -> None:
    own = db.get_one(Collectivity, actor.collectivity_id).settings
    for name, value in settings.items():
        with _at(f"settings.{name}"):
            texts = {name: str(value)}
            for part in beside(known(name).name):
                if part.kind is Kind.SEALED and not part.optional and own_value(own, part.place) is None:
                    texts[part.name] = applied.drawn[part.label] = secrets.token_urlsafe(32)
            write_setting(db, actor, known(name), texts, result=results.get(name))
