"""Sending a draft on its way: what its family and its carriers ask first, then a circuit frozen for it."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.attributes import flag_modified

from app.circuits.library import circuit_of, family_of, freeze, freeze_joint
from app.core.clock import now, today
from app.core.db import Db, key_in, reading
from app.core.grammar import plural
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders import corrections, numbering, words
from app.folders.access import lock_editable
from app.folders.documents import add_version, current_versions, last_version
from app.folders.facts import due_of, edit
from app.folders.filled import keep_replaced
from app.folders.keep import Kept
from app.folders.limits import most_annexes
from app.folders.models import EMITTED, Document, DocumentVersion, Folder
from app.folders.move import Said, move, person_of
from app.folders.route import route_of
from app.folders.seats import check_route
from app.folders.sockets import plugged
from app.people.actor import Actor
from app.people.models import Desk, User
from workflows.engine import Moved
from workflows.family import Problem, problems
from workflows.fields import Field
from workflows.own_types import OWN
from workflows.vocabulary import Action

PDF = "application/pdf"
TITLE = "Titre du dossier"
UNTITLED = Problem("required", "title", f"« {TITLE} » reste à renseigner.")


def send(actor: Actor, folder_id: int, *, version: int) -> Moved:
    """Check a draft as its carriers would, then send it on its way.

    The checks read files and may ask the other side, so they are made before the transaction; a draft that changes
    meanwhile is refused (`moved-on`). A page that was drawn here is first drawn anew where what it says was changed.
    """
    with reading(actor.collectivity_id) as db:
        folder = lock_editable(db, actor, folder_id, version)
        whole = not find_problems(db, folder)
        renewals = plugged.renewals.of(folder) if whole else ()
        found = _checked(db, folder) if whole and not renewals else []
    if renewals:
        for renew in renewals:
            version = renew(actor, folder_id, version)
        with reading(actor.collectivity_id) as db:
            found = _checked(db, lock_editable(db, actor, folder_id, version))
    if found:
        raise _to_fix(found)
    return submit(actor, folder_id, version=version)


def _checked(db: Db, folder: Folder) -> list[Problem]:
    return [problem for check in plugged.checks.of(folder) for problem in check(db, folder)]


@use_case
def submit(
    db: Db,
    actor: Actor,
    folder_id: int,
    *,
    version: int,
    title: str | None = None,
    facts: Mapping[str, str] | None = None,
) -> Moved:
    """Send the folder on its way, with the circuit that the rules of its type give (`route.route_of`) frozen for it.

    Refuses `to-fix` with everything that is missing, `nothing-to-sign`, and a way that could not be finished
    (`desk-missing`, `nobody-there`). A folder that came back starts again from unsigned bytes.
    """
    folder = lock_editable(db, actor, folder_id, version)
    before = folder.title_key
    edit(folder, title, facts or {})
    words.ask(db, folder, before)
    _answer_for(folder, actor)
    keep_replaced(db, folder, actor)
    corrections.keep(db, folder, actor)
    main = main_document(db, folder)
    _ready(db, folder)
    route = route_of(db, folder)
    if EMITTED in folder.sources:
        flag_modified(
            folder, "sources"
        )  # as the desk stands today, whatever moves in the tree while the folder runs
    circuit_version = (
        freeze_joint(db, folder.collectivity_id, route.joint, folder.facts)
        if route.joint
        else freeze(db, folder.collectivity_id, route.name)
    )
    folder.circuit_version_id = circuit_version.id
    folder.rule_version_id, folder.rule = route.table_id, dict(route.rule) if route.rule else None
    circuit = circuit_of(db, circuit_version.id)
    check_route(db, folder, circuit)
    folder.due_on = due_of(folder, today())
    _unsigned_again(db, folder, main, actor)
    numbering.enroll(db, folder, actor.name)
    if (taken := numbering.claim(db, actor, folder)) is not None:
        raise _to_fix([taken])
    documents = [
        {"document": one.document_id, "number": one.number, "sha256": one.sha256}
        for one in current_versions(db, folder.id).values()
    ]
    told = corrections.told(folder)
    kept = {
        "documents": documents,
        "fields": folder.fields,
        **({"corrections": told} if told else {}),
        **({"rule": folder.rule} if folder.rule else {}),
    }
    return move(db, folder, Action.SUBMIT, actor, Said(facts=kept))


def find_problems(db: Db, folder: Folder) -> list[Problem]:
    """Everything that keeps the folder from leaving, each with its remedy; empty when it may be sent."""
    family = family_of(folder.in_force)
    found = problems(family, folder.fields, at="submit", today=today())
    # Of a title that what is asked below will make, nothing is asked
    if not folder.title and not any(one.key == "required" and one.field in family.titled_by for one in found):
        found = [UNTITLED, *found]
    found += corrections.problems(folder)
    taken = numbering.problem(db, folder)
    found += [taken] if taken else []
    found += _attachments(db, folder)
    own = [one for one in family.fields if one.key.startswith(OWN)]
    found += gone(db, folder, own, folder.fields)
    for document_id, version in current_versions(db, folder.id).items():
        if version.note.get("repair"):
            found.append(Problem("repair-pending", str(document_id), _to_accept(version)))
    return found


def gone(db: Db, folder: Folder, fields: Sequence[Field], values: Mapping[str, Any]) -> list[Problem]:
    """The desks and people that own fields name and that are not there any more; nothing is asked where none does."""
    own = [(one, str(values[one.key])) for one in fields if values.get(one.key)]
    keys = {value for one, value in own if one.type == "desk"}
    numbers = {number for one, value in own if one.type == "member" and (number := key_in(value))}
    there: set[str] = set()
    if keys:
        open_desks = sa.select(Desk.key).where(
            Desk.collectivity_id == folder.collectivity_id, Desk.key.in_(keys), Desk.closed_at.is_(None)
        )
        there |= set(db.scalars(open_desks))
    if numbers:
        open_accounts = sa.select(User.id).where(
            User.collectivity_id == folder.collectivity_id, User.id.in_(numbers), User.active.is_(True)
        )
        numbers -= set(db.scalars(open_accounts))
    found = []
    for one, value in own:
        if one.type == "desk" and value not in there:
            why = f"« {one.label} » nomme un bureau fermé, ou qui n’existe pas. Choisissez dans la liste."
            found.append(Problem("desk-gone", one.key, why))
        elif one.type == "member" and key_in(value) in numbers:
            why = f"« {one.label} » nomme quelqu’un dont le compte est fermé, ou qui n’est pas d’ici. Choisissez dans la liste."
            found.append(Problem("person-gone", one.key, why))
    return found


def _attachments(db: Db, folder: Folder) -> list[Problem]:
    """Too few annexes for the type of the folder, or too many for it or for the collectivity."""
    kind = family_of(folder.in_force)
    least, most, asks = kind.attachments_least, kind.attachments_most, f"« {kind.label} »"
    own = most_annexes(db, folder.collectivity_id)
    if own is not None and (most is None or own < most):
        most, asks = own, "La collectivité"
    if not least and most is None:
        return []
    query = sa.select(sa.func.count(Document.id)).where(
        Document.folder_id == folder.id, Document.role == "attachment", Document.removed_at.is_(None)
    )
    count = db.scalar(query) or 0
    there = f"il y en a {count}" if count else "il n’y en a pas"
    if count < least:
        sentence = (
            f"« {kind.label} » demande {plural(least, 'annexe')} au moins : {there}. Ajoutez ce qui manque."
        )
        return [Problem("attachments-few", "", sentence)]
    if most is not None and count > most:
        asked = f"{plural(most, 'annexe')} au plus" if most else "qu’il n’y ait aucune annexe"
        return [
            Problem(
                "attachments-many",
                "",
                f"{asks} demande {asked} : {there}. Retirez ce qui est de trop.",
            )
        ]
    return []


def _to_accept(version: DocumentVersion) -> str:
    """Why a file waits for somebody, and what to do."""
    flattened = version.note["repair"].get("flattened")
    if flattened:
        return (
            f"« {version.filename} » ne se montre pas partout de la même façon : il contient {', '.join(flattened)}. Acceptez "
            "la copie aplatie, ou remplacez le fichier."
        )
    return f"« {version.filename} » est mal construit : acceptez la copie réparée, ou remplacez le fichier."


def _ready(db: Db, folder: Folder) -> None:
    found = find_problems(db, folder)
    if found:
        raise _to_fix(found)


def _to_fix(found: Sequence[Problem]) -> Refusal:
    return Refusal(
        "to-fix",
        count=len(found),
        details=" ".join(one.sentence for one in found),
        problems=[{"key": one.key, "field": one.field, "sentence": one.sentence} for one in found],
    )


def main_document(db: Db, folder: Folder) -> Document:
    """The document that would be signed; refuses `nothing-to-sign`."""
    query = sa.select(Document).where(
        Document.folder_id == folder.id, Document.role == "main", Document.removed_at.is_(None)
    )
    document = db.scalar(query)
    signed_as_page = family_of(folder.in_force).signature == "page"
    if document is None or (signed_as_page and last_version(db, document.id).media_type != PDF):
        raise Refusal("nothing-to-sign")
    return document


def _answer_for(folder: Folder, actor: Actor) -> None:
    """Whoever sends what software alone deposited stands for it: he does not rule on what is doubted in it."""
    depositors, person = folder.sources.get("depositors", ()), person_of(actor)
    if person is not None and not any(one > 0 for one in depositors):
        folder.sources = {**folder.sources, "depositors": sorted({*depositors, person})}


def _unsigned_again(db: Db, folder: Folder, main: Document, actor: Actor) -> None:
    """A main document signed in a former round goes again from the bytes that were deposited, not from the signed ones.

    Signatures beside it and scans of what was signed on paper were of that round too: they are set aside, readable in
    the history.
    """
    beside = sa.update(Document).where(
        Document.folder_id == folder.id,
        Document.role.in_(["signature", "paper"]),
        Document.removed_at.is_(None),
    )
    gone = db.scalars(
        beside.values(removed_at=now()).returning(Document.id).execution_options(synchronize_session=False)
    ).all()
    if gone:
        words.forget(db, folder, gone)
    last = last_version(db, main.id)
    if last.origin != "signed":
        return
    query = (
        sa.select(DocumentVersion)
        .where(DocumentVersion.document_id == main.id, DocumentVersion.origin != "signed")
        .order_by(DocumentVersion.number.desc())
        .limit(1)
    )
    source = db.scalars(query).one()
    kept = Kept(
        "main",
        main.title,
        source.filename,
        source.sha256,
        source.size,
        source.media_type,
        source.pages,
        source.origin,
        source.note,
    )
    add_version(db, main.id, folder, actor, kept)
