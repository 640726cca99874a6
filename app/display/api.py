"""The JSON API of folders: the verbs of the pages, for other software, by the same `authorize`."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from json import dumps
from typing import TYPE_CHECKING, Any

from flask import Response, g

from app.circuits import own_types
from app.circuits.library import family_of, law_of
from app.core.api import PREFIX, describe, door, open_doors
from app.core.db import key_in, reading
from app.core.grammar import plural
from app.core.http import PERSON, guard
from app.core.refusals import Refusal, to_correct
from app.display import answers, queues, searching, viewing
from app.display.asking import understood
from app.display.blueprint import received
from app.display.bytes import serve
from app.display.exports.web import pdf_of, zip_of
from app.display.portrait import current_present
from app.display.saved import seen
from app.folders import (
    asking,
    continuing,
    decide,
    deposit,
    filling,
    handing,
    notes,
    rerouting,
    returning,
    sending,
    undoing,
)
from app.folders.access import authorize
from app.folders.keep import Incoming, fingerprints
from app.folders.models import Folder
from app.folders.once import Once, folder_of
from app.folders.pins import Box, Pin
from workflows.circuit import StepKind
from workflows.family import Family

if TYPE_CHECKING:
    from app.display.schemas import (
        Answer,
        Approve,
        AskOpinion,
        Attachments,
        Change,
        Continue,
        Deposit,
        Fill,
        Hand,
        JournalQuery,
        Key,
        NewNote,
        Reject,
        Reroute,
        SearchQuery,
        TrayQuery,
        Version,
        WithdrawOpinion,
    )

Json = dict[str, Any]
routes = door("folders_api", __name__)
_MISSED = ("not-your-turn", "action-impossible-here", "mandate-")
"""The refusals of a visa that, where a signature is awaited, mean to software that it never signs."""
# Both databases read numbers of this size; a greater one is the number of nothing.
FOLDER = "/folders/<int(max=2147483647):folder_id>"
VERSION = {"version": 4}
OF_THE_STEP = "Droit nécessaire au bureau : celui de l’étape en cours (`act` pour un visa ou un avis)."
"""What the description says where no right of one name is asked at the door."""


def mount(app: Any, csrf: Any) -> None:
    """Serve the API."""
    open_doors(app, csrf, routes)


@routes.get("/me")
@guard(PERSON)
@describe("Savoir qui appelle, pour quel bureau, avec quels droits", gives="Me")
def me() -> Json:
    """Who calls."""
    (seat,) = g.actor.seats
    rights = sorted(seat.rights.grants)
    return {
        "application": g.actor.name,
        "collectivity": g.actor.collectivity_name,
        "desk": seat,
        "rights": rights,
        "token_ends_on": g.get("token_ends_on"),
    }


@routes.get("/families")
@guard(PERSON)
@describe(
    "Lire les types de dossiers et les informations que chacun demande\nD’abord les familles, puis les types que la collectivité "
    "a faits d’elles.",
    gives="Families",
)
def families() -> Json:
    """What may be deposited."""
    with reading(g.actor.collectivity_id) as db:
        return {"families": answers.families_of(db, g.actor)}


@routes.get("/folders")
@guard(PERSON)
@describe(
    "Lire une bannette du bureau, une page de 50 après l’autre",
    gives="Page",
    query="TrayQuery",
    refuses=(404,),
)
def folders(query: "TrayQuery") -> Json:
    """A tray."""
    tray = query.tray
    only: Json = {"family": query.family, "after": query.after}
    if query.family:
        law_of(query.family)
    if query.after is not None and not queues.is_key(query.after, tray):
        words = "La valeur `next` d’une page de cette bannette est attendue."
        raise to_correct([{"key": "field-invalid", "field": "after", "sentence": words}])
    with reading(g.actor.collectivity_id) as db:
        if tray in {"todo", "late"}:
            lines = queues.todo(db, g.actor, tray=tray, **only)
        elif tray == queues.HELD:
            lines = queues.todo(db, g.actor, only=queues.HELD, **only)
        else:
            lines = queues.others(db, g.actor, tray, **only)
        page = lines[: queues.PAGE]
        shown = answers.lines_of(db, page)
    return {"folders": shown, "next": page[-1].key if len(lines) > queues.PAGE else None}


@routes.get("/search")
@guard(PERSON)
@describe(
    "Chercher des dossiers par leurs mots\nParmi ceux que ce jeton peut lire, 20 par page : titre, numéro, tiers, montant, "
    "dates, personnes, notes, et les mots des documents. Les accents, les majuscules et les pluriels ne comptent pas.",
    gives="FoundPage",
    query="SearchQuery",
    refuses=(404,),
)
def search(query: "SearchQuery") -> Json:
    """The search."""
    if query.family:
        law_of(query.family)
    if query.after is not None and key_in(query.after) is None:
        words = "La valeur `next` d’une page de cette recherche est attendue."
        raise to_correct([{"key": "field-invalid", "field": "after", "sentence": words}])
    chosen = searching.Chosen(
        (query.family,) if query.family else (), states=(query.phase,) if query.phase else ()
    )
    with reading(g.actor.collectivity_id) as db:
        results = searching.search(db, g.actor, understood(query.q), chosen, query.after)
        shown = answers.found_of(db, results)
    return {
        "folders": shown,
        "understood": searching.understanding(results.query, results.people),
        "total": results.total,
        "next": str(results.after) if results.after else None,
    }


@routes.get("/views")
@guard(PERSON)
@describe(
    "Lire les vues enregistrées que le bureau partage\nUne vue est une liste avec ses filtres : `asked` les donne par les mots "
    "de la page. Elle n’ouvre aucun dossier de plus ; `count` compte ceux que ce jeton peut lire, jusqu’à « 99+ ».",
    gives="Views",
)
def views() -> Json:
    """The saved views."""
    with reading(g.actor.collectivity_id) as db:
        shown = [
            {
                "id": one.row.id,
                "name": one.row.name,
                "page": one.row.page,
                "asked": one.row.asked,
                "count": viewing.count(db, g.actor, one.row),
            }
            for one in seen(db, g.actor)
        ]
    return {"views": shown}


@routes.post("/folders")
@guard("create")
@describe(
    "Déposer un dossier et ses fichiers\nLe brouillon est créé même incomplet : `problems` dit ce qui reste à régler. Pour un "
    "acte, `main_type` et `attachment_types` donnent le type de chaque pièce.",
    gives="FolderShown",
    status=201,
    refuses=(404,),
    headers="Key",
    files="Deposit",
)
def create(headers: "Key", files: "Deposit") -> tuple[Json, Mapping[str, str]]:
    """Deposit."""
    family, facts, title, key = files.family, files.facts, files.title, headers.key
    types = [files.main_type, *files.attachment_types]
    _known_facts(own_types.asked(g.actor.collectivity_id, family), facts)
    with received("main", "attachments") as sent:
        _one_type_each(files.attachment_types, sent[1:])
        reason = files.reason
        told = {**facts, "correction-reason": reason} if reason else facts
        once = Once(key, _digest(family, title, told, sent, types)) if key else None
        made = deposit.deposit(
            g.actor,
            family,
            sent,
            facts=facts,
            title=title,
            types=types,
            once=once,
            reason=reason,
            annexes_said=files.annexes_said,
        )
        folder_id = made.folder_id
    return _folder(folder_id), {"Location": f"{PREFIX}/folders/{folder_id}"}


@routes.post(f"{FOLDER}/continuations")
@guard("create")
@describe(
    "Ouvrir un dossier à partir d’un autre\nLe brouillon est créé avec des copies de ses pièces, dans la version dite, et les "
    "informations que les deux types demandent, sans dates ni numéro. Les deux dossiers se nomment l’un l’autre (`origin`, "
    "`continuations`).",
    gives="FolderShown",
    status=201,
    headers="Key",
    json="Continue",
    example={"family": "contract", "documents": {"12": 2}},
)
def continue_from(folder_id: int, headers: "Key", json: "Continue") -> tuple[Json, Mapping[str, str]]:
    """Open a folder out of another."""
    told = dumps([folder_id, json.model_dump(mode="json")], sort_keys=True)
    once = Once(headers.key, sha256(told.encode()).hexdigest()) if headers.key else None
    made = folder_of(g.actor, once)
    if made is None:
        documents = {int(document): number for document, number in json.documents.items()}
        made = continuing.open_from(g.actor, folder_id, json.family, documents, main=json.main, once=once)
    return _folder(made), {"Location": f"{PREFIX}/folders/{made}"}


@routes.get(FOLDER)
@guard(PERSON)
@describe(
    "Lire un dossier : où il en est, ses pièces, ses accusés, ce qui reste à régler", gives="FolderShown"
)
def read(folder_id: int) -> Json:
    """A folder."""
    return _folder(folder_id)


@routes.patch(FOLDER)
@guard("create")
@describe(
    "Compléter ou corriger un brouillon\nCe qui n’est pas nommé reste ; une information nulle est retirée. `types` donne le "
    "type de chaque pièce d’un acte, par numéro de pièce.",
    gives="FolderShown",
    json="Change",
    refuses=(409,),
    example={"version": 1, "facts": {"received_on": "2026-11-20", "proof_of_service": "technique"}},
)
def change(folder_id: int, json: "Change") -> Json:
    """Fill in."""
    with reading(g.actor.collectivity_id) as db:
        family = family_of(authorize(db, g.actor, folder_id).in_force)
    _known_facts(family, json.facts)
    deposit.save(
        g.actor,
        folder_id,
        version=json.version,
        title=json.title,
        facts=json.facts,
        types={int(document): code for document, code in json.types.items()},
        only_allowed=True,
        reason=json.reason,
    )
    return _folder(folder_id)


@routes.post(f"{FOLDER}/documents")
@guard("create")
@describe(
    "Ajouter des annexes à un brouillon",
    gives="FolderShown",
    status=201,
    headers="Key",
    files="Attachments",
    refuses=(409,),
)
def add(folder_id: int, headers: "Key", files: "Attachments") -> Json:
    """Add attachments."""
    types = files.attachment_types
    with received("attachments") as sent:  # the bytes are read from the request as they are stored
        _one_type_each(types, sent)
        once = _once(headers.key, "documents", folder_id, [fingerprints(sent), types])
        deposit.add_documents(g.actor, folder_id, sent, types, annexes_said=files.annexes_said, once=once)
    return _folder(folder_id)


@routes.post(f"{FOLDER}/start")
@guard("create")
@describe(
    "Envoyer un dossier dans son circuit\nTout ce qui manque est dit en une fois dans `problems` (422).",
    gives="FolderShown",
    json="Version",
    refuses=(409,),
    example={"version": 1},
)
def start(folder_id: int, json: "Version") -> Json:
    """Send."""
    sending.send(g.actor, folder_id, version=json.version)
    return _folder(folder_id)


@routes.post(f"{FOLDER}/approve")
@guard("act")
@describe(
    "Viser, ou donner un avis\nUne étape de signature est refusée (403) : une application ne signe jamais. Une étape d’avis "
    "demande `opinion`, une étape de visa ne le prend pas. `facts` remplit par le même acte ce que l’étape exige (`to_fill`).",
    gives="FolderShown",
    json="Approve",
    refuses=(409,),
    example={**VERSION, "comment": "Livré."},
)
def approve(folder_id: int, json: "Approve") -> Json:
    """Put a visa, or give an opinion where the step asks one."""
    try:
        decide.approve(
            g.actor,
            folder_id,
            version=json.version,
            comment=json.comment,
            opinion=json.opinion or "",
            facts=json.facts,
        )
    except Refusal as refusal:
        if refusal.key.startswith(_MISSED) and _awaits_signature(folder_id):
            raise Refusal("software-never-signs") from None
        raise
    return _folder(folder_id)


@routes.post(f"{FOLDER}/fill")
@guard(PERSON)
@describe(
    "Remplir ce que l’étape en cours exige\nLes champs de `to_fill`, par qui peut agir à cette étape. Ce qui ne va pas "
    "est dit en une fois dans `problems` (422), et rien n’est alors enregistré.\n\n" + OF_THE_STEP,
    gives="FolderShown",
    json="Fill",
    refuses=(409,),
    example={**VERSION, "facts": {}},
)
def fill(folder_id: int, json: "Fill") -> Json:
    """Fill in what the step requires."""
    filling.fill_in(g.actor, folder_id, version=json.version, facts=json.facts)
    return _folder(folder_id)


@routes.post(f"{FOLDER}/reject")
@guard(PERSON)
@describe(
    "Rejeter, avec un motif\nLe dossier revient au bureau qui l’a déposé, ou à l’étape nommée par `step`, qui est redemandée "
    "avec celles qui la suivent.\n\n" + OF_THE_STEP,
    gives="FolderShown",
    json="Reject",
    refuses=(409,),
    example={**VERSION, "reason": "Commande incomplète."},
)
def reject(folder_id: int, json: "Reject") -> Json:
    """Refuse, or send back to an earlier step."""
    if json.step is None:
        decide.reject(g.actor, folder_id, version=json.version, reason=json.reason)
    else:
        returning.send_back(g.actor, folder_id, version=json.version, step=json.step, reason=json.reason)
    return _folder(folder_id)


@routes.post(f"{FOLDER}/recall")
@guard("create")
@describe(
    "Reprendre un dossier qu’on a déposé\nPar le bureau qui l’a déposé, tant que personne ne l’a signé et qu’il n’est pas "
    "parti : il revient pour être corrigé, puis renvoyé.",
    gives="FolderShown",
    json="Version",
    refuses=(409,),
    example=VERSION,
)
def recall(folder_id: int, json: "Version") -> Json:
    """Take one's folder back."""
    decide.recall(g.actor, folder_id, version=json.version)
    return _folder(folder_id)


@routes.post(f"{FOLDER}/hand")
@guard("act")
@describe(
    "Confier l’étape en cours à un autre bureau\nUn visa ou un avis, que la loi n’impose pas et qu’aucune personne désignée ne "
    "doit donner. Le bureau décide alors à la place de celui qui confie.",
    gives="FolderShown",
    json="Hand",
    refuses=(409,),
    example={**VERSION, "desk": "direction", "reason": "Le marché est suivi par la direction."},
)
def hand(folder_id: int, json: "Hand") -> Json:
    """Hand the step to another desk."""
    handing.hand(g.actor, folder_id, version=json.version, desk=json.desk, reason=json.reason)
    return _folder(folder_id)


@routes.post(f"{FOLDER}/take-back")
@guard(PERSON)
@describe(
    "Annuler ce qu’on vient de faire\nUn visa, un avis ou une étape confiée à un autre bureau, par qui l’a fait, dans les "
    "secondes qui suivent (`PARAPHE_TAKE_BACK_SECONDS`). Refusé dès que quelqu’un d’autre a ouvert le dossier ou qu’un courriel "
    "en est parti ; une signature ne s’annule jamais. L’annulation est une seconde écriture du journal.",
    gives="FolderShown",
    json="Version",
    refuses=(409,),
    example=VERSION,
)
def take_back(folder_id: int, json: "Version") -> Json:
    """Take back what was just done."""
    undoing.undo(g.actor, folder_id, version=json.version)
    return _folder(folder_id)


@routes.post(f"{FOLDER}/opinions")
@guard(PERSON)
@describe(
    "Demander un avis à d’autres bureaux\nPar qui peut agir à l’étape en cours. Avec `waits`, l’étape ne s’achève pas avant la "
    "réponse (`opinion-awaited`) ; le dossier peut toujours être rejeté.\n\n" + OF_THE_STEP,
    gives="FolderShown",
    json="AskOpinion",
    refuses=(409,),
    example={
        **VERSION,
        "desks": ["direction"],
        "question": "Le tonnage facturé est-il celui du bon de pesée ?",
        "waits": True,
    },
)
def ask_opinion(folder_id: int, json: "AskOpinion") -> Json:
    """Ask other desks what they think."""
    asking.ask(
        g.actor,
        folder_id,
        version=json.version,
        desks=json.desks,
        question=json.question,
        waits=json.waits,
        wanted_on=json.wanted_on,
    )
    return _folder(folder_id)


OPINION = f"{FOLDER}/opinions/<int(max=2147483647):number>"


@routes.post(f"{OPINION}/answer")
@guard(PERSON)
@describe(
    "Rendre l’avis qui est demandé au bureau\n`number` est l’`id` de la demande. L’avis n’engage personne ; défavorable, il se "
    "motive dans `comment`.\n\nDroit nécessaire au bureau à qui il est demandé : `act`.",
    gives="FolderShown",
    json="Answer",
    refuses=(409,),
    example={**VERSION, "opinion": "favourable", "comment": "Conforme au bon de pesée."},
)
def give_opinion(folder_id: int, number: int, json: "Answer") -> Json:
    """Answer for the desk that was asked."""
    asking.answer(g.actor, folder_id, number, version=json.version, answer=json.opinion, comment=json.comment)
    return _folder(folder_id)


@routes.post(f"{OPINION}/withdraw")
@guard(PERSON)
@describe(
    "Retirer une demande d’avis\nPar qui l’a demandé, ou, avec un motif, par qui peut agir à sa place.",
    gives="FolderShown",
    json="WithdrawOpinion",
    refuses=(409,),
    example={**VERSION, "reason": "La réponse est venue de vive voix."},
)
def withdraw_opinion(folder_id: int, number: int, json: "WithdrawOpinion") -> Json:
    """Take back what was asked."""
    asking.withdraw(g.actor, folder_id, number, version=json.version, reason=json.reason)
    return _folder(folder_id)


@routes.post(f"{FOLDER}/steps")
@guard("reroute")
@describe(
    "Modifier les étapes à venir d’un dossier en circuit\nPour ce dossier seulement, depuis le bureau qui l’a déposé. Ce que la "
    "loi impose ne se retire pas, et rien n’est changé si une étape n’aboutissait plus.",
    gives="FolderShown",
    json="Reroute",
    refuses=(409,),
    example={
        **VERSION,
        "reason": "Le tonnage facturé dépasse le marché.",
        "changes": [{"kind": "add", "after": "finance", "desk": "direction", "days": 2}],
    },
)
def reroute(folder_id: int, json: "Reroute") -> Json:
    """Change the coming steps."""
    changes = [rerouting.Change(**one.model_dump()) for one in json.changes]
    rerouting.reroute(g.actor, folder_id, version=json.version, changes=changes, reason=json.reason)
    return _folder(folder_id)


@routes.get(f"{FOLDER}/documents/<int(max=2147483647):document_id>/versions/<int(max=2147483647):number>")
@guard(PERSON)
@describe("Télécharger une version d’une pièce, octet pour octet")
def download(folder_id: int, document_id: int, number: int) -> Response:
    """The bytes."""
    return serve(g.actor, folder_id, document_id, number, download=True)


@routes.get(f"{FOLDER}/slip")
@guard(PERSON)
@describe("Télécharger le bordereau d’un dossier, en PDF", file="application/pdf")
def slip_file(folder_id: int) -> Response:
    """The slip."""
    return pdf_of(g.actor, folder_id)


@routes.get(f"{FOLDER}/archive")
@guard(PERSON)
@describe(
    "Télécharger tout un dossier, en ZIP\nToutes les versions des pièces qui y sont (celles qu’on en a ôtées n’y sont pas), le "
    "bordereau, le journal, les empreintes.",
    file="application/zip",
)
def archive(folder_id: int) -> Response:
    """The folder as one file."""
    return zip_of(g.actor, [folder_id])


@routes.get(f"{FOLDER}/notes")
@guard(PERSON)
@describe("Lire les notes d’un dossier, celles que ce jeton peut lire", gives="Notes")
def read_notes(folder_id: int) -> Json:
    """The notes, the first to the last."""
    return _notes(folder_id)


@routes.post(f"{FOLDER}/notes")
@guard(PERSON)
@describe(
    "Écrire une note à côté d’un dossier\n`reach` dit qui la lit : `all` (tous ceux qui lisent le dossier) ou `desk` "
    "(le bureau de ce jeton), `told` à qui un courriel le dit, parmi `people`. Elle n’entre dans aucun fichier.",
    gives="Notes",
    headers="Key",
    json="NewNote",
    example={"words": "Le bon de pesée dit 84,0 t.", "reach": "all"},
)
def add_note(folder_id: int, headers: "Key", json: "NewNote") -> Json:
    """A note."""
    pin = None
    if json.pin is not None:
        pin = Pin(json.pin.document, json.pin.version, json.pin.page, _box(json.pin.box))
    reach = notes.Reach(json.reach)
    draft = notes.Draft(json.words, reach, answers=json.answers, told=tuple(json.told), pin=pin)
    once = _once(headers.key, "notes", folder_id, json.model_dump(mode="json"))
    if once is not None:
        notes.write_once(g.actor, folder_id, draft, once)
    else:
        notes.write(g.actor, folder_id, draft)
    return _notes(folder_id)


@routes.post(f"{FOLDER}/notes/<int(max=2147483647):note_id>/take-back")
@guard(PERSON)
@describe(
    "Reprendre une note\nPar qui vient de l’écrire, dans les secondes qui suivent, si personne d’autre n’a ouvert le dossier "
    "depuis.",
    gives="Notes",
    refuses=(409,),
)
def take_note_back(folder_id: int, note_id: int) -> Json:
    """Take back a note that was just written."""
    notes.take_back(g.actor, folder_id, note_id)
    return _notes(folder_id)


@routes.post(f"{FOLDER}/notes/<int(max=2147483647):note_id>/settle")
@guard(PERSON)
@describe("Marquer une note réglée", gives="Notes")
def settle_note(folder_id: int, note_id: int) -> Json:
    """It is settled, once."""
    notes.settle(g.actor, folder_id, note_id)
    return _notes(folder_id)


@routes.get(f"{FOLDER}/journal")
@guard(PERSON)
@describe(
    "Lire le journal d’un dossier\nChaque ligne porte l’empreinte de la précédente.",
    gives="Journal",
    query="JournalQuery",
)
def journal(folder_id: int, query: "JournalQuery") -> Mapping[str, Any]:
    """Its trail."""
    with reading(g.actor.collectivity_id) as db:
        return answers.journal_of(db, authorize(db, g.actor, folder_id), query.after)


@routes.post(f"{FOLDER}/notes/<int(max=2147483647):note_id>/reopen")
@guard(PERSON)
@describe("Rouvrir une note réglée", gives="Notes")
def reopen_note(folder_id: int, note_id: int) -> Json:
    """Open a settled note again."""
    notes.reopen(g.actor, folder_id, note_id)
    return _notes(folder_id)


def _box(box: list[float] | None) -> Box | None:
    return (box[0], box[1], box[2], box[3]) if box is not None else None


def _notes(folder_id: int) -> Json:
    with reading(g.actor.collectivity_id) as db:
        return answers.notes_of(db, authorize(db, g.actor, folder_id), g.actor)


def _folder(folder_id: int) -> Json:
    with reading(g.actor.collectivity_id) as db:
        return answers.folder_of(db, authorize(db, g.actor, folder_id), g.actor)


def _known_facts(family: Family, facts: Iterable[str]) -> None:
    """Refuse a fact that the family does not ask for: software that misspells must know it at once."""
    known = {field.key for field in family.fields}
    found = [
        {
            "key": "field-unknown",
            "field": f"facts.{name}",
            "sentence": "Ce champ n’existe pas dans ce type de dossier.",
        }
        for name in facts
        if name not in known
    ]
    if found:
        raise to_correct(found)


def _one_type_each(types: Sequence[str], attachments: Sequence[Incoming]) -> None:
    """Refuse types that would not each be that of an attachment: order alone binds them."""
    if types and len(types) != len(attachments):
        sentence = (
            f"Il y a {plural(len(attachments), 'annexe')} et {plural(len(types), 'type')}. Donnez un type par annexe, "
            "dans le même ordre ; vide, il reste à choisir avant l’envoi."
        )
        raise to_correct([{"key": "field-invalid", "field": "attachment_types", "sentence": sentence}])


def _digest(
    family: str, title: str | None, facts: Json, sent: Iterable[Incoming], types: Sequence[str]
) -> str:
    """What is sent, in one SHA-256: the same key with something else is a mistake of the caller."""
    parts = [family, title, facts, fingerprints(sent), *([types] if any(types) else [])]
    return sha256(dumps(parts, sort_keys=True).encode()).hexdigest()


def _once(key: str | None, place: str, folder_id: int, parts: object) -> Once | None:
    """The caller's key with what is sent to this place of a folder; None without one."""
    if not key:
        return None
    return Once(key, sha256(dumps([place, folder_id, parts], sort_keys=True).encode()).hexdigest(), adds=True)


def _awaits_signature(folder_id: int) -> bool:
    with reading(g.actor.collectivity_id) as db:
        folder: Folder = authorize(db, g.actor, folder_id)
        here = current_present(db, folder)
    return here is not None and here.step is not None and here.step.kind is StepKind.SIGN
