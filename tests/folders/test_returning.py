"""A folder sent back to an earlier step: asked anew from there, what was decided before still told, and one letter for each."""

import re
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits import library
from app.circuits.library import family
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.display import moved
from app.folders import decide, filling, handing, notes, rerouting, returning, sending
from app.folders.models import Folder, StepRun
from app.folders.rerouting import REMOVE, Change
from app.operations import state
from app.operations.desks import closing
from app.people import desks
from app.people.models import Desk
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import INVOICE, House
from tests.circuits.test_editor import here, words
from tests.circuits.test_required import CODE, requiring
from tests.circuits.test_reserved import KIND
from tests.circuits.test_rules import FACTS
from tests.display.test_exports import text_of
from tests.folders.test_asking import ANSWER, A, B, G, K, N, R, S, T, ask, give, page, post, state_of, todo
from tests.operations.test_absences import away
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
WHY = "Le service fait porte sur une autre livraison."


def send_back(house: House, login: str, folder_id: int, step: str, reason: str = WHY) -> str:
    version = house.folder(folder_id).version
    return returning.send_back(house.actor(login), folder_id, version=version, step=step, reason=reason)


def place(house: House, folder_id: int) -> str:
    return house.folder(folder_id).place


def rows(folder_id: int) -> list[tuple[str, str, bool]]:
    """The parts of the steps in the order in which they were opened: state, and whether they count no more."""
    with reading() as db:
        query = sa.select(StepRun).where(StepRun.folder_id == folder_id).order_by(StepRun.id)
        return [(run.step, run.state, run.former) for run in db.scalars(query)]


def test_from_the_dialog_to_the_second_visa_and_on_every_trail(house: House) -> None:
    folder_id = house.an_invoice("finance")
    give(house, S, folder_id, ask(house, N, folder_id, "direction"), "favourable", ANSWER)
    house.approve(folder_id, N)
    house.drain()
    sent = len(house.mail.letters)
    dialog = words(house.client(A).get(f"/dossiers/{folder_id}/rejeter"))
    assert "L’étape « Service fait » Décidée par Ronan Pellenec" in dialog
    lacking = post(house, A, folder_id, "rejeter", to="service_done", reason=" ")
    assert lacking.status_code == 422
    assert post(house, A, folder_id, "rejeter", to="service_done", reason=WHY).status_code == 302
    assert place(house, folder_id) == "service_done"
    assert folder_id in todo(house, R)
    assert folder_id not in todo(house, A)
    back = "Renvoyé par Armel Kervadec à l’étape « Service fait »"
    asked = page(house, R, folder_id)
    assert "Renvoyé à cette étape par Armel Kervadec" in asked
    assert "À vous de viser" in asked
    for told in (asked, words(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))):
        assert back in told
        assert "Visé par Ronan Pellenec" in told
        assert "avant le renvoi" in told
        assert WHY in told
    assert "Renvoyé par Armel Kervadec" in text_of(
        house.client(G).get(f"/dossiers/{folder_id}/bordereau.pdf").data
    )
    assert back in page(house, G, folder_id, "journal")
    house.drain()
    told = sorted(str(one["To"]).split("<")[-1].split("@")[0] for one in house.mail.letters[sent:])
    assert told == ["g.trehorel", "n.abgrallec", "r.pellenec"], "each has one letter"
    assert all(WHY not in one.as_string() for one in house.mail.letters[sent:])
    with reading() as db:
        folder = db.get_one(Folder, folder_id)
        assert re.fullmatch(
            "Armel Kervadec a renvoyé « .+ » à une étape antérieure à .+", moved.told(db, folder)
        )
    tray = words(house.client(R).get("/a-traiter"))
    assert tray.index("renvoyé par Armel Kervadec, ") < tray.index(WHY), "its row says why"
    # Each is asked anew, who decided before as well, and it goes to its end
    house.approve(folder_id, R)
    assert "Renvoyé à cette étape" not in page(house, N, folder_id)
    tray = words(house.client(N).get("/a-traiter"))
    assert "visé par Ronan Pellenec, " in tray
    assert "renvoyé par" not in tray
    assert WHY not in tray
    house.approve(folder_id, N)
    assert place(house, folder_id) == "bon_a_payer"
    assert house.folder(folder_id).round == 1
    decided = page(house, A, folder_id)
    assert decided.count("Visé par Ronan Pellenec") == 2
    house.sign(folder_id, A)
    for address in (f"/dossiers/{folder_id}?onglet=circuit", f"/dossiers/{folder_id}/bordereau"):
        told = words(house.client(G).get(address))
        told = told[max(told.rfind("Déposé par Gwenola"), 0) :]
        assert re.findall("(?:Visé|Renvoyé|Signé) par [A-Z][a-z]+|Avis demandé", told)[:7] == [
            "Visé par Ronan",
            "Visé par Nolwenn",
            "Avis demandé",
            "Renvoyé par Armel",
            "Visé par Ronan",
            "Visé par Nolwenn",
            "Signé par Armel",
        ], address
    slips = [
        words(house.client(G).get(f"/dossiers/{folder_id}/bordereau")),
        " ".join(text_of(house.client(G).get(f"/dossiers/{folder_id}/bordereau.pdf").data).split()),
    ]
    for slip in slips:
        assert slip.count("Visé par Ronan Pellenec, avant le renvoi") == 1
        assert slip.count("Visé par Nolwenn Abgrallec, avant le renvoi") == 1
        assert "Signé par Armel Kervadec, avant le renvoi" not in slip
    assert rows(folder_id)[:4] == [
        ("service_done", "done", True),
        ("finance", "done", True),
        ("finance", "done", False),  # the opinion that was asked beside it, which nobody asks anew
        ("bon_a_payer", "rejected", True),
    ]


def test_it_comes_back_again_and_a_rejection_ends_the_round(house: House) -> None:
    folder_id = house.an_invoice("finance")
    for _ in range(3):
        send_back(house, N, folder_id, "service_done")
        house.approve(folder_id, R)
    decide.reject(house.actor(N), folder_id, version=house.folder(folder_id).version, reason="À refaire")
    came_back = page(house, G, folder_id)
    assert "Rejeté par Nolwenn Abgrallec" in came_back
    assert "À refaire" in words(house.client(G).get("/a-traiter"))
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    assert "renvoyé par" not in words(house.client(R).get("/a-traiter")), "it was of another round"
    assert "avant le renvoi" not in page(house, G, folder_id), "of this round nothing was decided yet"
    house.approve(folder_id, R)
    house.approve(folder_id, N)


@pytest.mark.parametrize(
    ("login", "typed", "key"),
    [
        (N, {"step": "finance"}, "not-behind"),
        (N, {"step": "bon_a_payer"}, "not-behind"),
        (N, {"step": "ailleurs"}, "not-behind"),
        (N, {"reason": " "}, "reason-needed"),
        (N, {"reason": "a" * 2001}, "words-long"),
        (N, {"version": 1}, "moved-on"),
        (R, {}, "acted-already"),
        (G, {}, "not-your-turn"),
        (S, {"reason": " "}, "not-found"),
        (S, {"step": "ailleurs"}, "not-found"),
    ],
)
def test_what_is_not_to_be_sent_back_is_refused_and_changes_nothing(
    house: House, login: str, typed: dict[str, Any], key: str
) -> None:
    folder_id = house.an_invoice("finance")
    before = house.folder(folder_id).version, house.journal(folder_id), rows(folder_id)
    whole = {"version": before[0], "step": "service_done", "reason": WHY, **typed}
    with pytest.raises(Refusal, match=key):
        returning.send_back(house.actor(login), folder_id, **whole)
    assert (house.folder(folder_id).version, house.journal(folder_id), rows(folder_id)) == before


def test_never_behind_a_signature_and_from_the_first_step_only_to_who_deposited(house: House) -> None:
    signed, first = house.a_deliberation("signatures"), house.an_invoice("service_done")
    assert "L’étape «" not in words(house.client(R).get(f"/dossiers/{first}/rejeter"))
    assert "L’étape «" in words(house.client(B).get(f"/dossiers/{signed}/rejeter"))
    house.sign(signed, A)
    assert "L’étape «" not in words(house.client(B).get(f"/dossiers/{signed}/rejeter"))
    with pytest.raises(Refusal, match="not-behind"):
        send_back(house, B, signed, "direction")
    typed = post(house, B, signed, "rejeter", to="direction", reason=WHY)
    assert typed.status_code == 409
    assert WHY in words(typed), "what was typed is not lost"
    folder_id = house.an_invoice("finance")
    for login, number, step in ((B, signed, "direction"), (N, folder_id, "ailleurs"), (N, folder_id, "")):
        dialog = post(house, login, number, "rejeter", to=step, reason=WHY if step else " ").text
        choices = re.findall(r'name="to"\s+value="([^"]*)"[^>]*?( checked)?>', dialog)
        assert [value for value, checked in choices if checked] == ([""] if choices else []), step
    assert choices
    house.sign(signed, B)


def test_nobody_is_left_to_act_there_and_it_is_said_before(house: House) -> None:
    folder_id = house.an_invoice("finance")
    desks.seat(here(house), "technique", R, [Right.ARCHIVE])
    with pytest.raises(Refusal, match="send-back-nobody"):
        send_back(house, N, folder_id, "service_done")
    house.approve(folder_id, N)


def test_it_is_sent_back_where_software_alone_acts(house: House) -> None:
    folder_id = house.an_invoice("finance")
    desks.seat(here(house), "technique", R, [])
    software = Software(house, "technique", [Right.ACT])
    send_back(house, N, folder_id, "service_done")
    version = house.folder(folder_id).version
    assert software.post(f"/folders/{folder_id}/approve", version=version).status_code == 200
    assert place(house, folder_id) == "finance"


@pytest.mark.both_databases
def test_a_desk_that_is_being_closed_waits_until_it_is_sent_back_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other first: it is closed, and nothing is sent back there. Never both."""
    folder_id = house.an_invoice("bon_a_payer")
    with reading() as db:
        desk = db.scalar(sa.select(Desk.id).where(Desk.key == "finances"))
    administrator, look = house.actor(K), returning.put_aside_before
    closings: list[Future[object]] = []

    def meanwhile(db: Db, folder: Folder) -> int:
        if not closings:
            closings.append(together.submit(closing.close, administrator, desk, WHY))
            with suppress(TimeoutError):  # it waits for the desk: the time is over before it
                closings[0].result(timeout=1)
        return look(db, folder)

    monkeypatch.setattr(returning, "put_aside_before", meanwhile)
    with ThreadPoolExecutor(1) as together:
        send_back(house, A, folder_id, "finance")
    assert getattr(closings[0].exception(), "key", "") == "desk-folders"
    assert folder_id in todo(house, N)


def test_a_quorum_begins_anew_and_what_was_asked_beside_it_is_closed(house: House) -> None:
    data = family("invoice").circuit.to_data()
    step = next(one for one in data["steps"] if one["key"] == "finance")
    step["who"], step["quorum"] = [{"desk": "finances"}, {"desk": "direction"}], "all"
    circuits.publish(house.actor(K), "invoice", library.as_yaml(data))
    folder_id = house.an_invoice("service_done")
    house.approve(folder_id, R)
    house.approve(folder_id, S)
    with pytest.raises(Refusal, match="moved-on|acted-already"):
        send_back(house, S, folder_id, "service_done")
    number = ask(house, N, folder_id, "maire")
    send_back(house, N, folder_id, "service_done")
    assert state_of(number) == "cancelled"
    with pytest.raises(Refusal, match="not-found"):
        ask(house, A, folder_id, "direction")
    house.approve(folder_id, R)
    house.approve(folder_id, N)
    assert place(house, folder_id) == "finance", "the first visa of the other desk counts no more"
    house.approve(folder_id, S)
    assert place(house, folder_id) == "bon_a_payer"


def test_what_was_filled_in_stays_and_may_be_put_right_where_it_is_asked_again(house: House) -> None:
    requiring(house, {"service_done": [CODE]})
    folder_id = house.deposit(G, KIND, INVOICE)
    house.another(folder_id)
    house.save(folder_id, G, {**{key: str(one) for key, one in FACTS.items()}, "own_site": "École"})
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    version = house.folder(folder_id).version
    decide.approve(house.actor(R), folder_id, version=version, facts={CODE: "E-1"})
    send_back(house, N, folder_id, "service_done")
    assert house.folder(folder_id).fields[CODE] == "E-1"
    version = house.folder(folder_id).version
    filling.fill_in(house.actor(R), folder_id, version=version, facts={CODE: "E-2"})
    assert "E-2, au lieu de E-1" in page(house, G, folder_id, "journal").replace("«", "").replace("»", "")
    house.approve(folder_id, R)
    assert place(house, folder_id) == "finance"


def test_a_step_that_was_handed_stays_so_and_a_decided_one_is_not_taken_away(house: House) -> None:
    folder_id = house.an_invoice("service_done")
    version = house.folder(folder_id).version
    handing.hand(house.actor(R), folder_id, version=version, desk="direction", reason=WHY)
    house.approve(folder_id, S)
    send_back(house, N, folder_id, "service_done")
    assert folder_id in todo(house, S)
    with pytest.raises(Refusal, match="handing-back"):
        handing.hand(
            house.actor(S),
            folder_id,
            version=house.folder(folder_id).version,
            desk="technique",
            reason=WHY,
        )
    desks.seat(here(house), "comptabilite", G, [Right.CREATE, Right.REROUTE])
    with pytest.raises(Refusal, match="coming-locked"):
        rerouting.reroute(
            house.actor(G),
            folder_id,
            version=house.folder(folder_id).version,
            changes=[Change(kind=REMOVE, step="finance")],
            reason=WHY,
        )
    house.approve(folder_id, S)
    house.approve(folder_id, N)


def test_a_step_that_was_handed_and_is_behind_is_still_to_come_on_every_trail(house: House) -> None:
    folder_id = house.an_invoice("finance")
    version = house.folder(folder_id).version
    handing.hand(house.actor(N), folder_id, version=version, desk="direction", reason=WHY)
    send_back(house, S, folder_id, "service_done")
    software = Software(house, "comptabilite", [Right.ACT])
    steps = {step["key"]: step["state"] for step in software.get(f"/folders/{folder_id}").json["steps"]}
    assert (steps["service_done"], steps["finance"]) == ("current", "todo")
    for address in (f"/dossiers/{folder_id}", f"/dossiers/{folder_id}/bordereau"):
        told = words(house.client(G).get(address))
        assert told.rindex("Contrôle des finances") < told.rindex("Bon à payer"), address
        assert "Contrôle des finances" in told[told.index("On attend") :] or "bordereau" in address
    house.approve(folder_id, R)
    steps = {step["key"]: step["state"] for step in software.get(f"/folders/{folder_id}").json["steps"]}
    assert steps["finance"] == "current"


def test_who_stands_in_sends_it_back_and_another_decides_there_in_his_turn(house: House) -> None:
    folder_id = house.an_invoice("finance")
    away(house, N, B)
    send_back(house, B, folder_id, "service_done")
    told = "Renvoyé par Bleuenn Cadiou, en l’absence de Nolwenn Abgrallec"
    assert told in page(house, B, folder_id), "what one decided, one reads on"
    away(house, R, T)
    house.approve(folder_id, T)
    house.approve(folder_id, B)
    assert place(house, folder_id) == "bon_a_payer"


def test_software_sends_it_back_and_reads_what_counts(house: House) -> None:
    folder_id = house.an_invoice("finance")
    software = Software(house, "finances", [Right.ACT])
    shown = software.get(f"/folders/{folder_id}").json
    assert "send_back" in shown["actions"]
    assert [one["value"] for one in shown["behind"]] == ["service_done"]
    path, version = f"/folders/{folder_id}/reject", shown["version"]
    refused = software.post(path, version=version, reason=WHY, step="bon_a_payer")
    assert (refused.status_code, refused.json["key"]) == (409, "not-behind")
    back = software.post(path, version=version, reason=WHY, step="service_done").json
    states = {one["key"]: (one["state"], [part["former"] for part in one["parts"]]) for one in back["steps"]}
    assert back["place"] == "service_done"
    assert states["service_done"] == ("current", [True, False])
    assert states["finance"] == ("todo", [True])
    (part,) = next(one["parts"] for one in back["steps"] if one["key"] == "finance")
    assert (part["state"], part["sent_to"]) == ("rejected", "service_done")
    assert back["behind"] == []


def test_the_journal_alone_says_where_it_stands_and_the_doctor_finds_it_so(house: House) -> None:
    folder_id = house.an_invoice("finance")
    send_back(house, N, folder_id, "service_done")
    assert house.journal(folder_id)[-1] == "folder.send_back"
    with reading(here(house)) as db:
        assert list(state.folders(db, here(house))) == []


def test_who_sent_a_folder_back_or_handed_it_on_may_be_named_in_a_note(house: House) -> None:
    folder_id = house.an_invoice("finance")
    version = house.folder(folder_id).version
    returning.send_back(house.actor(N), folder_id, version=version, step="service_done", reason="?")
    actor = house.actor(R)
    with reading(actor.collectivity_id) as db:
        named = [one.name for one in notes.to_tell(db, db.get_one(Folder, folder_id), actor)]
    assert "Nolwenn Abgrallec" in named
