"""What a person marks for himself: a folder that came is not read until he opens it, one that he hides comes back in time."""

import html
import re
from datetime import datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.clock import PARIS, now, today
from app.core.db import reading
from app.core.french import jour_long
from app.display import queues
from app.folders import asking, decide, marks, notes, sending
from app.folders.models import Reading
from app.folders.notes import Draft, Reach
from app.notices.waiting import waiting
from tests.builders.house import House

G, R, N, T, A = "g.trehorel", "r.pellenec", "n.abgrallec", "t.lescoat", "a.kervadec"


def words(answer: TestResponse) -> str:
    page = re.sub(r"<[^>]+>", " ", html.unescape(answer.get_data(as_text=True)))
    return " ".join(page.replace("\xa0", " ").replace("\u202f", " ").split())


def listed(house: House, login: str, only: str = "") -> set[int]:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        lines = queues.todo(db, actor, only=only)
        marked, counted = queues.marks(db, actor), queues.counters(db, actor)
    expected = {"": counted.todo, queues.UNREAD: marked.unread, queues.HIDDEN: marked.hidden}
    assert len(lines) == expected[only]  # the list and its counter say the same
    return {one.id for one in lines}


def tell(house: House, client: FlaskClient, folder_id: int, verb: str, **typed: str) -> TestResponse:
    return client.post(f"/dossiers/{folder_id}/{verb}", data={"csrf_token": house.csrf(client), **typed})


def test_a_folder_is_not_read_until_one_opens_it_and_again_each_time_it_comes(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    nolwenn, tudi = house.client(N), house.client(T)
    page = words(nolwenn.get("/a-traiter"))
    assert "Non lu" in page
    assert "Non lus 1" in page
    nolwenn.get(f"/dossiers/{folder_id}")
    assert "Non lu" not in words(nolwenn.get("/a-traiter"))
    assert listed(house, T, queues.UNREAD) == {folder_id}
    assert "Vous avez tout lu" in words(nolwenn.get("/a-traiter?voir=non-lus"))

    assert tell(house, nolwenn, folder_id, "non-lu").status_code == 302
    assert listed(house, N, queues.UNREAD) == {folder_id}
    assert "Non lu" in words(nolwenn.get("/a-traiter?voir=non-lus"))
    nolwenn.get(f"/dossiers/{folder_id}")
    assert listed(house, N, queues.UNREAD) == set()
    tudi.get(f"/dossiers/{folder_id}")
    assert house.journal(folder_id).count("folder.opened") == 2  # once each, whatever they marked

    decide.reject(house.actor(N), folder_id, version=house.folder(folder_id).version, reason="Bon absent")
    assert tell(house, nolwenn, folder_id, "non-lu").status_code == 409
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, R)
    assert listed(house, N, queues.UNREAD) == listed(house, T, queues.UNREAD) == {folder_id}


def test_a_hidden_folder_leaves_ones_own_list_alone_and_comes_back_at_its_minute(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    nolwenn = house.client(N)
    tomorrow = today() + timedelta(days=1)
    typed = {"day": tomorrow.isoformat(), "hour": "09:00"}
    assert tell(house, nolwenn, folder_id, "masquer", **typed).status_code == 409  # never opened
    assert "Masquer de ma liste" in words(nolwenn.get(f"/dossiers/{folder_id}"))
    assert tell(house, nolwenn, folder_id, "masquer", **typed).status_code == 302
    assert (listed(house, N), listed(house, N, queues.HIDDEN)) == (set(), {folder_id})
    assert listed(house, T) == {folder_id}
    actor = house.actor(N)
    with reading(actor.collectivity_id) as db:
        assert waiting(db, actor).folders == 1  # it waits all the same, and the letter says so
    inbox = words(nolwenn.get("/a-traiter"))
    assert "1 dossier masqué" in inbox
    assert "Masqués 1" in inbox
    assert "Masqué jusqu’au" not in inbox
    hidden_ones = words(nolwenn.get("/a-traiter?voir=masques"))
    assert re.search(r"Masqué jusqu’au \w+\. \d+(er)? .{3,5}, 9 h 00", hidden_ones), hidden_ones
    assert "Masqué de votre liste jusqu’au" in words(nolwenn.get(f"/dossiers/{folder_id}"))
    nine = datetime(tomorrow.year, tomorrow.month, tomorrow.day, 9, tzinfo=PARIS)
    for moment, there in ((nine - timedelta(seconds=1), set()), (nine, {folder_id})):
        with time_machine.travel(moment, tick=False):
            assert listed(house, N) == there
    assert tell(house, nolwenn, folder_id, "remettre").status_code == 302
    assert listed(house, N) == {folder_id}


def test_what_cannot_be_hidden_is_refused_in_words_and_keeps_what_was_typed(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    nolwenn, gwenola = house.client(N), house.client(G)
    nolwenn.get(f"/dossiers/{folder_id}")
    actor = house.actor(N)
    with reading(actor.collectivity_id) as db:
        due = marks.due_of(db, actor, folder_id)
    assert due is not None
    after = (due + timedelta(days=1)).isoformat()
    for day, hour, said in (
        (after, "08:00", f"au plus tard jusqu’au {jour_long(due)}"),
        (today().isoformat(), "00:00", "choisissez un jour et une heure à venir"),
        ("demain", "tôt", "choisissez un jour et une heure à venir"),
    ):
        refused = tell(house, nolwenn, folder_id, "masquer", day=day, hour=hour)
        assert refused.status_code == 422
        assert said in words(refused)
        assert f'value="{day}"' in refused.get_data(as_text=True)
    gwenola.get(f"/dossiers/{folder_id}")
    assert "Plus tard…" not in words(gwenola.get(f"/dossiers/{folder_id}"))
    assert tell(house, gwenola, folder_id, "masquer", day=due.isoformat(), hour="08:00").status_code == 409
    assert tell(house, house.client(A), folder_id, "masquer").status_code == 404
    with time_machine.travel(datetime(due.year, due.month, due.day, 7, tzinfo=PARIS)):
        client = house.client(N)
        assert "Son échéance est arrivée" in words(client.get(f"/dossiers/{folder_id}"))
        late = tell(house, client, folder_id, "masquer", day=due.isoformat(), hour="18:00")
        assert (late.status_code, "il reste dans votre liste" in words(late)) == (422, True)
    assert listed(house, N) == {folder_id}


@pytest.mark.parametrize("what", ["named", "asked", "moved"])
def test_whatever_happens_to_a_hidden_folder_brings_it_back_at_once(house: House, what: str) -> None:
    folder_id = house.an_invoice(at="finance")
    actor = house.actor(N)
    house.client(N).get(f"/dossiers/{folder_id}")
    marks.mark_read(actor, folder_id)
    marks.hide(actor, folder_id, now() + timedelta(days=2))
    assert listed(house, N) == set()
    version = house.folder(folder_id).version
    if what == "named":
        notes.write(
            house.actor(T), folder_id, Draft("Une autre personne", Reach.ALL, told=(house.actor(R).user_id,))
        )
        assert listed(house, N) == set()
        notes.write(house.actor(T), folder_id, Draft("À vous", Reach.ALL, told=(actor.user_id,)))
        assert listed(house, N, queues.UNREAD) == {folder_id}
    elif what == "asked":
        asking.ask(
            house.actor(T), folder_id, version=version, desks=["technique"], question="Le bon ?", waits=False
        )
    else:
        decide.reject(house.actor(T), folder_id, version=version, reason="Bon absent")
        sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
        house.approve(folder_id, R)
    assert listed(house, N) == {folder_id}
    with reading() as db:
        assert db.get_one(Reading, (folder_id, actor.user_id)).first_at is not None
