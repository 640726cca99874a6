"""Who filled in, at a step, the value that stands in a folder, and who put another in its place once it had come back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.circuits.library import family_of
from app.core.clock import now
from app.core.db import Db, key_in
from app.core.french import instant, spaces
from app.core.grammar import plural
from app.folders.corrections import shown
from app.folders.models import Folder
from app.folders.seats import desk_name, person_name
from app.journal.chain import Event, append
from app.people.actor import Actor
from workflows.fields import Field

FILLED = "filled"
"""Under which name `Folder.sources` keeps, by field, what was filled in on the way: the value, who, when, at which step."""


@dataclass(frozen=True)
class Filling:
    """A value that was filled in at a step: by whom, at which step (its key and its name), and what stands in its place."""

    value: Any
    who: str
    place: str
    step: str
    replaced_by: str = (
        ""  # who wrote, once the folder had come back, the value that stands now; empty for nobody
    )
    replaced_at: str = ""


def fillings(folder: Folder) -> dict[str, Filling]:
    """By field, the last value that was filled in at a step."""
    entries: Mapping[str, Mapping[str, Any]] = folder.sources.get(FILLED, {})
    return {
        key: Filling(
            entry["value"],
            entry["who"],
            entry["place"],
            entry["step"],
            entry.get("replaced", {}).get("who", ""),
            entry.get("replaced", {}).get("at", ""),
        )
        for key, entry in entries.items()
    }


def remember(folder: Folder, values: Mapping[str, Any], *, who: str, step: str) -> None:
    """Keep that these values were filled in by somebody at the step where the folder stands; one that is None was emptied."""
    act = {"who": who, "at": now().isoformat(), "step": step, "place": folder.place}
    entries = {key: entry for key, entry in folder.sources.get(FILLED, {}).items() if key not in values}
    entries |= {key: {**act, "value": value} for key, value in values.items() if value is not None}
    folder.sources = {**folder.sources, FILLED: entries}


def keep_replaced(db: Db, folder: Folder, actor: Actor) -> None:
    """Write down that another value stands where somebody had filled one in at a step, and tell the journal.

    Asked in the transaction of whoever writes the facts of a folder that came back. A value that is written again as it had
    been filled in is his who filled it in.
    """
    family = family_of(folder.in_force)
    entries: dict[str, Any] = dict(folder.sources.get(FILLED, {}))
    changed: dict[str, Any] = {}
    for key, entry in entries.items():
        standing = folder.fields.get(key)
        former = entry["replaced"]["value"] if "replaced" in entry else entry["value"]
        if standing == former or (field := family.field(key)) is None:
            continue
        changed[key] = (field, former, standing)
        restored = {name: value for name, value in entry.items() if name != "replaced"}
        if standing != entry["value"]:
            restored["replaced"] = {"value": standing, "who": actor.name, "at": now().isoformat()}
        entries[key] = restored
    if not changed:
        return
    folder.sources = {**folder.sources, FILLED: entries}
    words = " ; ".join(
        f"« {field.label} » : {in_words(db, folder, field, standing)}, "
        f"au lieu de {in_words(db, folder, field, former)}, {_origin(entries[key], former)}"
        for key, (field, former, standing) in changed.items()
    )
    facts = {
        "round": folder.round,
        "facts": {key: standing for key, (_, _, standing) in changed.items()},
        "before": {key: former for key, (_, former, _) in changed.items()},
        "words": spaces(words),
    }
    append(db, folder.collectivity_id, Event("facts.replaced", actor.name, actor.user_id, folder.id, facts))


def _origin(entry: Mapping[str, Any], value: Any) -> str:
    """Where a value came from that another one takes the place of."""
    if value == entry["value"]:
        return f"rempli par {entry['who']} à l’étape « {entry['step']} »"
    return "écrit depuis le retour du dossier"


def beside(db: Db, folder: Folder, field: Field) -> str:
    """What a page says beside a value that was filled in at a step, or stands in place of one; empty for any other."""
    filling = fillings(folder).get(field.key)
    if filling is None:
        return ""
    origin = f"rempli par {filling.who} à l’étape « {filling.step} »"
    if not filling.replaced_by:
        return origin
    before = in_words(db, folder, field, filling.value)
    when = instant(datetime.fromisoformat(filling.replaced_at))
    return spaces(f"écrit par {filling.replaced_by} le {when}, au lieu de {before}, {origin}")


def in_words(db: Db, folder: Folder, field: Field, value: Any) -> str:
    """A value as people call it: a desk and somebody by name, a table by the count of its lines."""
    if value is None:
        return "rien"
    if field.type == "lines":
        return plural(len(value), "ligne")
    if field.type == "desk":
        return desk_name(db, folder.collectivity_id, str(value)) or str(value)
    if field.type == "member" and (number := key_in(str(value))) is not None:
        return person_name(db, folder.collectivity_id, number) or str(value)
    return shown(family_of(folder.in_force), field.key, value)
