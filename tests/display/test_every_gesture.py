"""Every gesture on a folder, as docs/adding-a-gesture.md lists them: by form and by API, its trails, what others see at once."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.core.grammar import de
from app.display.events import EVENTS
from app.folders import notes, pause
from app.folders.models import AskedOpinion, FolderNote
from app.people import desks
from tests.api.software import Software
from tests.batches.town import Hand
from tests.builders.house import House
from tests.display.test_exports import text_of
from tests.folders.test_asking import ANSWER, WHY, G, K, N, R, S, T, ask, page
from tests.folders.test_relieving import FINANCES, reader
from tests.operations.test_absences import away
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
DOCS = Path(__file__).resolve().parents[2] / "docs" / "adding-a-gesture.md"
NOTE = "Le bon de pesée dit 84,0 t."
SHELL = DOCS.parents[1] / "app" / "templates" / "macros" / "shell.html"
AROUND = frozenset({"J", "K", "Entrée", "X", "G", "/", "Échap", "?"})
"""The keys that lead somewhere or tick, and do nothing to a folder."""
SECONDS = 20
CHANGE = {"kind": "add", "after": "finance", "desk": "direction", "days": 2}


@dataclass
class Scene:
    """An invoice that waits for the finances, and whoever acts there: a person by the pages, or software."""

    house: House
    by_api: bool
    finances: Software
    direction: Software
    accounts: Software
    folder_id: int = 0
    number: int = 0
    made: dict[str, Any] = field(default_factory=dict)

    def form(self, login: str, path: str, **typed: Any) -> None:
        version = self.house.folder(self.folder_id).version
        Hand(self.house, login).post(f"/dossiers/{self.folder_id}/{path}", {"version": version, **typed})

    def call(self, software: Software, path: str, **body: Any) -> None:
        if not path.startswith("notes") and path != "continuations":
            body["version"] = self.house.folder(self.folder_id).version
        answer = software.post(f"/folders/{self.folder_id}/{path}", **body)
        assert answer.status_code in {200, 201}, (path, answer.json)

    def does(
        self,
        login: str,
        software: Software,
        form: tuple[str, dict[str, Any]],
        api: tuple[str, dict[str, Any]],
    ) -> str:
        """Do it in this scene's way; the name of who did."""
        if self.by_api:
            self.call(software, api[0], **api[1])
            return software.name
        self.form(login, form[0], **form[1])
        return self.house.actor(login).name

    def asked(self) -> None:
        """The opinion of the direction is asked, by whoever acts in this scene."""
        if self.by_api:
            self.call(self.finances, "opinions", desks=["direction"], question=WHY, waits=False)
        else:
            ask(self.house, N, self.folder_id, "direction", waits=False)
        with reading() as db:
            query = sa.select(sa.func.max(AskedOpinion.run_id)).where(
                AskedOpinion.folder_id == self.folder_id
            )
            self.number = db.scalar(query) or 0

    def noted(self) -> None:
        draft = notes.Draft(NOTE, notes.Reach.ALL)
        self.number = notes.write(self.house.actor(G), self.folder_id, draft)

    def main(self) -> int:
        return self.house.versions(self.folder_id)[0].document_id


@dataclass(frozen=True)
class Left:
    """What a gesture leaves: the line of the journal, what the slip says, what somebody else sees, and where; no more what."""

    journal: str
    slip: str
    seen: str
    tab: str = "circuit"
    by: str = G
    gone: str = ""


def visa(scene: Scene) -> Left:
    sent = {"comment": "Conforme au bon de pesée."}
    who = scene.does(N, scene.finances, ("viser", sent), ("approve", sent))
    return Left(f"Visé par {who}", f"Visé par {who}", "On attend Armel Kervadec")


def ask_opinion(scene: Scene) -> Left:
    sent = {"desks": ["direction"], "question": WHY}
    who = scene.does(
        N, scene.finances, ("avis", {**sent, "waits": "no"}), ("opinions", {**sent, "waits": False})
    )
    return Left(
        f"Avis demandé par {who} à la Direction générale : « {WHY} »",
        "Avis demandé à la Direction générale",
        "Avis demandé à la Direction générale depuis",
    )


def give_opinion(scene: Scene) -> Left:
    scene.asked()
    sent = {"opinion": "favourable", "comment": ANSWER}
    number = scene.number
    who = scene.does(S, scene.direction, (f"avis/{number}/rendre", sent), (f"opinions/{number}/answer", sent))
    return Left(
        f"Avis rendu par {who}, avis favorable : « {ANSWER} » (Direction générale)",
        ANSWER,
        f"Avis favorable {de(who)}",
    )


def withdraw_opinion(scene: Scene) -> Left:
    scene.asked()
    sent = {"reason": "La réponse est venue de vive voix."}
    number = scene.number
    who = scene.does(
        N, scene.finances, (f"avis/{number}/retirer", sent), (f"opinions/{number}/withdraw", sent)
    )
    return Left(
        f"Demande d’avis retirée par {who}",
        f"Demande d’avis retirée par {who}",
        "Demande retirée",
        gone="Avis demandé à la Direction générale depuis",
    )


def hand(scene: Scene) -> Left:
    sent = {"desk": "direction", "reason": WHY}
    who = scene.does(N, scene.finances, ("confier", sent), ("hand", sent))
    line = f"Confié par {who} de la Direction des finances à la Direction générale : « {WHY} »"
    return Left(line, line, "On attend Solenn Rivoal")


def reject(scene: Scene) -> Left:
    sent = {"reason": WHY}
    who = scene.does(N, scene.finances, ("rejeter", sent), ("reject", sent))
    return Left(f"Rejeté par {who}", f"Rejeté par {who}", WHY)


def send_back(scene: Scene) -> Left:
    sent = {"reason": WHY}
    who = scene.does(
        N,
        scene.finances,
        ("rejeter", {**sent, "to": "service_done"}),
        ("reject", {**sent, "step": "service_done"}),
    )
    line = f"Renvoyé par {who} à l’étape « Service fait »"
    return Left(line, line, "On attend Ronan Pellenec")


def recall(scene: Scene) -> Left:
    who = scene.does(G, scene.accounts, ("reprendre", {}), ("recall", {}))
    return Left(f"Repris par {who}", f"Repris par {who}", "Repris par le déposant", by=R)


def chain(scene: Scene) -> Left:
    number = scene.main()
    who = scene.does(
        G,
        scene.accounts,
        ("suite", {"family": "other", f"document-{number}": "1", "main": str(number)}),
        ("continuations", {"family": "other", "documents": {str(number): 1}}),
    )
    line = f"Nouveau dossier ouvert à partir de celui-ci par {who}"
    return Left(line, line, line, tab="journal", by=R)


def reroute(scene: Scene) -> Left:
    who = scene.does(
        G,
        scene.accounts,
        ("etapes", {"change": json.dumps(CHANGE), "reason": WHY, "do": "apply"}),
        ("steps", {"changes": [CHANGE], "reason": WHY}),
    )
    return Left(f"Étapes à venir modifiées par {who}", f"Motif : « {WHY} »", WHY, by=N)


def replace(scene: Scene) -> Left:
    away(scene.house, N, None)
    scene.form(K, "remplacer", part=FINANCES, desk="direction", reason=WHY)
    line = "Remplacement par Katell Morizur"
    return Left(line, line, "On attend Solenn Rivoal")


def waive(scene: Scene) -> Left:
    scene.form(K, "passer", reason=WHY)
    line = "Étape passée par Katell Morizur"
    return Left(line, line, "On attend Armel Kervadec")


def note(scene: Scene) -> Left:
    who = scene.does(
        N, scene.finances, ("notes", {"words": NOTE, "reach": "all"}), ("notes", {"words": NOTE})
    )
    return Left(f"Note écrite par {who}", f"« {NOTE} »", NOTE, tab="notes")


def pinned_note(scene: Scene) -> Left:
    number = scene.main()
    who = scene.does(
        N,
        scene.finances,
        ("notes", {"words": NOTE, "reach": "all", "document": number, "number": 1, "page": 1}),
        ("notes", {"words": NOTE, "pin": {"document": number, "version": 1, "page": 1}}),
    )
    return Left(f"Note écrite par {who}", f"« {NOTE} »", "page 1", tab="notes")


def note_that_names(scene: Scene) -> Left:
    told = scene.house.actor(R).user_id
    people = scene.finances.get(f"/folders/{scene.folder_id}/notes").json["people"]
    assert {"id": told, "name": "Ronan Pellenec"} in people
    scene.house.drain()
    scene.house.mail.clear()
    who = scene.does(
        N,
        scene.finances,
        ("notes", {"words": NOTE, "reach": "all", "told": [told]}),
        ("notes", {"words": NOTE, "told": [told]}),
    )
    scene.house.drain()
    assert [str(one["To"]) for one in scene.house.mail.letters if "r.pellenec" in str(one["To"])]
    return Left(f"Note écrite par {who}", f"« {NOTE} »", NOTE, tab="notes", by=R)


def answered_note(scene: Scene) -> Left:
    scene.noted()
    sent = {"words": ANSWER, "answers": scene.number}
    who = scene.does(N, scene.finances, ("notes", {**sent, "reach": "all"}), ("notes", sent))
    return Left(f"Note écrite par {who}", f"« {ANSWER} »", ANSWER, tab="notes")


def settled_note(scene: Scene) -> Left:
    scene.noted()
    number = scene.number
    who = scene.does(N, scene.finances, (f"notes/{number}/reglee", {}), (f"notes/{number}/settle", {}))
    return Left(f"Note réglée par {who}", f"Réglée par {who}", f"Réglée par {who}", tab="notes")


def reopened_note(scene: Scene) -> Left:
    settled_note(scene)
    number = scene.number
    who = scene.does(N, scene.finances, (f"notes/{number}/rouvrir", {}), (f"notes/{number}/reopen", {}))
    return Left(f"Note rouverte par {who}", f"« {NOTE} »", NOTE, tab="notes", gone="Réglée par")


def take_back(scene: Scene) -> Left:
    pause.configure(SECONDS)
    visa(scene)
    who = scene.does(N, scene.finances, ("annuler-geste", {}), ("take-back", {}))
    return Left(f"Annulé par {who} :", f"Visé par {who}, annulé ensuite", "À vous de viser", by=T)


def take_note_back(scene: Scene) -> Left:
    pause.configure(SECONDS)
    note(scene)
    with reading() as db:
        number = db.scalar(
            sa.select(sa.func.max(FolderNote.id)).where(FolderNote.folder_id == scene.folder_id)
        )
    who = scene.does(N, scene.finances, (f"notes/{number}/annuler", {}), (f"notes/{number}/take-back", {}))
    return Left(f"Note annulée par {who}", "", "", tab="notes", gone=NOTE)


GESTURES: dict[str, Callable[[Scene], Left]] = {
    "Visa, or the opinion that the step asks": visa,
    "Ask an opinion": ask_opinion,
    "Give the opinion that was asked": give_opinion,
    "Withdraw what was asked": withdraw_opinion,
    "Hand the step over": hand,
    "Reject to the desk that deposited": reject,
    "Send back to an earlier step": send_back,
    "Recall": recall,
    "Duplicate, or chain another folder": chain,
    "Change the coming steps": reroute,
    "Put a desk in the place of an absent actor": replace,
    "Pass a visa that the law does not impose": waive,
    "Write a note": note,
    "Pin a note on a page": pinned_note,
    "Name people in a note": note_that_names,
    "Answer a note": answered_note,
    "Settle a note": settled_note,
    "Open a settled note again": reopened_note,
    "Take back what was just done": take_back,
    "Take back a note": take_note_back,
}


def listed() -> dict[str, list[str]]:
    """The rows of the table, by gesture."""
    part = DOCS.read_text(encoding="utf-8").partition("## The gestures there are")[2].partition("\n## ")[0]
    rows = [
        [cell.strip(" `") for cell in line.strip("| ").split(" | ")]
        for line in part.splitlines()
        if line[:1] == "|"
    ]
    return {row[0]: row[1:] for row in rows[2:]}


def keys() -> set[str]:
    """The keys that the help of every page gives."""
    macro = (
        SHELL.read_text(encoding="utf-8").partition("{% macro keys() -%}")[2].partition("{%- endmacro %}")[0]
    )
    return set(re.findall(r'\("([^"]+)", "[^"]+"\)', macro))


@pytest.fixture
def pauses() -> Iterator[None]:
    yield
    pause.configure(0)


def test_the_table_names_routes_and_lines_that_are_there(house: House) -> None:
    table = listed()
    assert list(table) == list(GESTURES)
    routes = {
        (
            method,
            re.sub(r"<[^>]*?(\w+)>", lambda one: "{id}" if one[1] == "folder_id" else "{number}", rule.rule),
        )
        for rule in house.app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for name, (form, key, api, event, *_) in table.items():
        assert ("POST", form) in routes, name
        assert api == "none" or ("POST", api.replace("POST ", "/api/v1")) in routes, name
        assert event in EVENTS, name
        assert key == "Tab" or key in keys(), name
    assert {key for _, key, *_ in table.values()} - {"Tab"} == keys() - AROUND


@pytest.mark.both_databases
@pytest.mark.parametrize("by_api", [False, True], ids=["form", "api"])
def test_each_gesture_leaves_its_trails_and_is_seen_at_once(house: House, by_api: bool, pauses: None) -> None:
    here = house.actor(G).collectivity_id
    reader(house)
    desks.seat(here, "comptabilite", G, [Right.CREATE, Right.ACT, Right.REROUTE])
    scene = Scene(
        house,
        by_api,
        Software(house, "finances", [Right.ACT]),
        Software(house, "direction", [Right.ACT]),
        Software(house, "comptabilite", [Right.CREATE, Right.REROUTE]),
    )
    table = listed()
    wrong: dict[str, list[str]] = {}
    for name, gesture in GESTURES.items():
        _, _, api, event, *_ = table[name]
        if by_api and api == "none":
            continue
        pause.configure(0)
        scene.folder_id = house.a_quick_invoice()
        left = gesture(scene)
        told = {
            "event": (event, house.journal(scene.folder_id)[-1]),
            "journal": (left.journal, page(house, G, scene.folder_id, "journal")),
            "slip": (left.slip, slip_of(house, scene.folder_id)),
            "seen": (left.seen, page(house, left.by, scene.folder_id, left.tab)),
        }
        wrong[name] = [
            f"{part}: {said} not in {text}" for part, (said, text) in told.items() if said not in text
        ]
        if left.gone:
            shown = (slip_of(house, scene.folder_id), page(house, left.by, scene.folder_id, left.tab))
            wrong[name] += [f"{left.gone} still in {text}" for text in shown if left.gone in text]
    assert {name: what for name, what in wrong.items() if what} == {}


def slip_of(house: House, folder_id: int) -> str:
    """The words of the printed slip, as who deposited has it."""
    return " ".join(text_of(house.client(G).get(f"/dossiers/{folder_id}/bordereau.pdf").data).split())
