"""What would be refused of a folder once it leaves, known before anybody signs it, and not judged twice."""

import json
from collections import OrderedDict
from hashlib import sha256
from threading import Lock

from app.circuits.library import circuit_of
from app.core.clock import now
from app.core.db import Db
from app.folders.documents import current_versions
from app.folders.models import Document, Folder
from app.folders.route import route_of
from app.people.models import Collectivity
from app.transmission import channels
from app.transmission.parcel import email_of, parcel_of
from config import Settings
from workflows.circuit import Circuit, Step, StepKind
from workflows.family import Problem

KEPT = 512
_known: OrderedDict[str, tuple[Problem, ...]] = OrderedDict()
_lock = Lock()


def to_leave(db: Db, folder: Folder) -> Step | None:
    """The first transmission that this folder has before it, by the circuit that it follows or would follow."""
    circuit = _circuit(db, folder)
    route = circuit.applicable(folder.facts)
    place = next((rank for rank, step in enumerate(route) if step.key == folder.place), 0)
    return next((step for step in route[place:] if step.kind is StepKind.TRANSMIT and step.channel), None)


def rehearse(db: Db, folder: Folder, step: Step, settings: Settings) -> tuple[Problem, ...]:
    """Every rule that the folder's channel would apply at this step; the same folder is judged once in a process.

    Nothing is asked outside. What is kept is known by all that decides of it: the facts, the files and their types, the
    sender, and the channel's own edition.
    """
    channel = channels.open_channel(step.channel or "")
    sender = db.get_one(Collectivity, folder.collectivity_id)
    if not (edition := channel.edition(sender.siren)):
        return ()
    key = _key(db, folder, sender, f"{channel.name} {edition}", email_of(sender.settings, settings))
    with _lock:
        if (problems := _known.get(key)) is not None:
            _known.move_to_end(key)
            return problems
    with parcel_of(
        db, folder, round_number=folder.round, step=step.key, prepared_at=now(), settings=settings
    ) as parcel:
        problems = tuple(channel.rehearse(parcel))
    with _lock:
        _known[key] = problems
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return problems


def _circuit(db: Db, folder: Folder) -> Circuit:
    if folder.phase == "running" and folder.circuit_version_id is not None:
        return circuit_of(db, folder.circuit_version_id)
    return route_of(db, folder).circuit


def _key(db: Db, folder: Folder, sender: Collectivity, edition: str, email: str) -> str:
    files = [
        (version.id, version.sha256, row.role, row.title, row.type_code)
        for document, version in current_versions(db, folder.id).items()
        for row in [db.get_one(Document, document)]
    ]
    account = (sender.siren, sender.department, sender.district, sender.nature, sender.settings, email)
    parts = (edition, folder.id, folder.title, folder.fields, files, account)
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
