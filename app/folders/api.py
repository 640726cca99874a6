"""The JSON API of folders: the verbs of the pages, for software, by the same `authorize`."""

import json
from typing import Any

from flask import Response, g, request, url_for
from flask_smorest import Blueprint

from app.circuits.library import catalogue, family_of
from app.core.api import api, open_api
from app.core.db import NO_DATE, Db, reading
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.folders import decide, deposit, queues, timeline
from app.folders.access import authorize
from app.folders.bytes import serve
from app.folders.models import Document, Folder
from app.folders.once import folder_of, remember
from app.folders.schemas import Approve, Change, FamilyOut, FolderOut, ListOut, ListQuery, Me, Reject, Version
from app.folders.web import received

routes = Blueprint("folders_api", __name__, url_prefix="/api/v1", description="Dossiers")


def mount(app: Any, csrf: Any) -> None:
    """Serve the API; it reads no cookie, so no forged form can reach it."""
    open_api(app)
    api.register_blueprint(routes)
    csrf.exempt("app.folders.api")
    for name in [name for name in app.blueprints if name == "folders_api"]:
        csrf.exempt(app.blueprints[name])


@routes.get("/me")
@guard(PERSON)
@routes.response(200, Me)
def me() -> dict[str, Any]:
    """Qui appelle, pour quel bureau, avec quels droits."""
    rights = sorted({right.value for seat in g.actor.seats for right in seat.rights})
    desks = [one.key for one in g.actor.seats]
    return {"name": g.actor.name, "collectivity": g.actor.collectivity_name, "desks": desks, "rights": rights}


@routes.get("/families")
@guard(PERSON)
@routes.response(200, FamilyOut(many=True))
def families() -> list[Any]:
    """Les types de dossiers et les informations que chacun demande."""
    return list(catalogue().values())


@routes.get("/folders")
@guard(PERSON)
@routes.arguments(ListQuery, location="query")
@routes.response(200, ListOut)
def folders(asked: dict[str, Any]) -> dict[str, Any]:
    """Les dossiers d’une bannette, une page après l’autre."""
    with reading(g.actor.collectivity_id) as db:
        if asked["tray"] in {"todo", "late"}:
            lines = queues.todo(db, g.actor, tray=asked["tray"], family=asked["family"], after=asked["after"])
        else:
            lines = queues.others(db, g.actor, asked["tray"], after=asked["after"])
    page = lines[: queues.PAGE]
    return {
        "folders": [_line(one) for one in page],
        "next": page[-1].key if len(lines) > queues.PAGE else None,
    }


@routes.post("/folders")
@guard("create")
@routes.response(201, FolderOut)
def create() -> dict[str, Any]:
    """Déposer : `family`, `facts` (JSON), le fichier principal puis les annexes dans `files`.

    La même `Idempotency-Key` une seconde fois rend le même dossier, sans en créer un autre.
    """
    key = request.headers.get("Idempotency-Key", "")[:200]
    known = folder_of(g.actor, key) if key else None
    if known is not None:
        return _folder(known)
    with received() as files:
        draft = deposit.deposit(
            g.actor, request.form.get("family", ""), files, facts=_facts(request.form.get("facts"))
        )
    kept = remember(g.actor, key, draft.folder_id) if key else draft.folder_id
    return _folder(kept)


@routes.get("/folders/<int:folder_id>")
@guard(PERSON)
@routes.response(200, FolderOut)
def read(folder_id: int) -> dict[str, Any]:
    """Lire un dossier : où il en est, ses pièces, ses accusés, ce qui reste à régler."""
    return _folder(folder_id)


@routes.patch("/folders/<int:folder_id>")
@guard("create")
@routes.arguments(Change)
@routes.response(200, FolderOut)
def change(asked: dict[str, Any], folder_id: int) -> dict[str, Any]:
    """Compléter un brouillon."""
    deposit.save(g.actor, folder_id, version=asked["version"], title=asked["title"], facts=asked["facts"])
    return _folder(folder_id)


@routes.post("/folders/<int:folder_id>/documents")
@guard("create")
@routes.response(200, FolderOut)
def add(folder_id: int) -> dict[str, Any]:
    """Ajouter des annexes à un brouillon (`files`)."""
    with received() as files:
        deposit.add_documents(g.actor, folder_id, files)
    return _folder(folder_id)


@routes.post("/folders/<int:folder_id>/start")
@guard("create")
@routes.arguments(Version)
@routes.response(200, FolderOut)
def start(asked: dict[str, Any], folder_id: int) -> dict[str, Any]:
    """Envoyer dans le circuit ; tout ce qui manque est dit en une fois."""
    deposit.send(g.actor, folder_id, version=asked["version"])
    return _folder(folder_id)


@routes.post("/folders/<int:folder_id>/approve")
@guard("act")
@routes.arguments(Approve)
@routes.response(200, FolderOut)
def approve(asked: dict[str, Any], folder_id: int) -> dict[str, Any]:
    """Viser."""
    decide.approve(g.actor, folder_id, version=asked["version"], comment=asked["comment"])
    return _folder(folder_id)


@routes.post("/folders/<int:folder_id>/reject")
@guard("act")
@routes.arguments(Reject)
@routes.response(200, FolderOut)
def reject(asked: dict[str, Any], folder_id: int) -> dict[str, Any]:
    """Rejeter, avec un motif."""
    decide.reject(g.actor, folder_id, version=asked["version"], reason=asked["reason"])
    return _folder(folder_id)


@routes.get("/folders/<int:folder_id>/documents/<int:document_id>/versions/<int:number>")
@guard(PERSON)
@routes.response(200, content_type="application/octet-stream")
def download(folder_id: int, document_id: int, number: int) -> Response:
    """Télécharger une version d’une pièce, octet pour octet."""
    return serve(g.actor, folder_id, document_id, number, download=True)


def _facts(text: str | None) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        raise Refusal("bad-request", detail="« facts » n’est pas du JSON") from None
    if not isinstance(found, dict):
        raise Refusal("bad-request", detail="« facts » doit être un objet JSON")
    return {str(key): str(value) for key, value in found.items() if value is not None}


def _day(value: Any) -> str | None:
    return None if value is None or value >= NO_DATE else value.isoformat()


def _line(one: queues.Line) -> dict[str, Any]:
    href = url_for("folders_api.read", folder_id=one.id)
    shown = {
        name: getattr(one, name) for name in ("id", "family", "title", "number", "phase", "place", "step")
    }
    return {**shown, "due_on": _day(one.due_on), "href": href}


def _folder(folder_id: int) -> dict[str, Any]:
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        return {
            **{
                name: getattr(folder, name)
                for name in ("id", "family", "title", "number", "phase", "place", "version", "round")
            },
            "facts": folder.fields,
            "due_on": _day(folder.due_on),
            "created_at": folder.created_at.isoformat(),
            "documents": _documents(db, folder),
            "steps": _steps(db, folder),
            "problems": _problems(db, folder),
            "href": url_for("folders.show", folder_id=folder.id, _external=True),
        }


def _documents(db: Db, folder: Folder) -> list[dict[str, Any]]:
    found = []
    for document_id, version in deposit.current_versions(db, folder.id).items():
        document = db.get_one(Document, document_id)
        where: dict[str, Any] = {"folder_id": folder.id, "document_id": document_id, "number": version.number}
        shown = {
            name: getattr(version, name) for name in ("filename", "number", "sha256", "size", "media_type")
        }
        found.append(
            {
                **shown,
                "id": document_id,
                "role": document.role,
                "title": document.title,
                "href": url_for("folders_api.download", **where),
            }
        )
    return found


def _steps(db: Db, folder: Folder) -> list[dict[str, Any]]:
    circuit = timeline.planned_circuit(db, folder)
    steps = timeline.steps(db, folder, circuit)
    return [
        {"state": one.state, "title": one.title, "meta": one.meta, "quote": one.quote, "identifier": one.mono}
        for one in steps
    ]


def _problems(db: Db, folder: Folder) -> list[dict[str, Any]]:
    if folder.phase not in {"draft", "rejected"}:
        return []
    family_of(folder.family)
    return [
        {"key": one.key, "field": one.field, "sentence": one.sentence}
        for one in deposit.find_problems(db, folder)
    ]
