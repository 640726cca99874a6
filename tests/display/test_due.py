"""One deadline for a folder: the list, the header, « Suivi », the letters and the API; that of the step has its own words."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.core.clock import today
from app.core.db import NO_DATE, engine, reading
from app.core.french import jour
from app.display import answers, queues
from app.display.views import before, due, group_of, since, step_due
from app.folders import decide
from app.folders.models import Folder, StepRun
from tests.builders.house import House

pytestmark = pytest.mark.in_turn


def test_no_words_of_a_step_are_those_of_a_folder() -> None:
    for days in range(-3, 30):
        day = today() + timedelta(days=days)
        for kind in ("visa", "sign", "publish", "archive", None):
            assert step_due(day, kind).words != due(day).words
            assert step_due(day, kind).tone == due(day).tone
    assert step_due(today() + timedelta(days=4), "sign").words == "À signer sous 4 jours"
    assert step_due(today() - timedelta(days=1), "visa").words == "1 jour de retard pour viser"
    assert step_due(NO_DATE, "visa") == due(NO_DATE)


def test_each_deadline_is_told_by_the_name_of_what_is_due() -> None:
    with time_machine.travel(datetime(2026, 11, 26, 11, 0, tzinfo=UTC), tick=False):
        several = [
            (step_due(today() + timedelta(days), "visa"), due(today() + timedelta(days), "invoice"))
            for days in (4, 1, -2)
        ]
        other = due(today() + timedelta(4), "other_act")
    told = [(step.line, folder.line) for step, folder in several]
    assert [tuple(one.replace("\xa0", " ") for one in each) for each in told] == [
        ("À viser avant lun. 30 nov.", "Mandat avant lun. 30 nov."),
        ("À viser demain, ven. 27 nov.", "Mandat demain, ven. 27 nov."),
        (
            "2 jours de retard pour viser, c’était le mar. 24 nov.",
            "Mandat dû mar. 24 nov., 2 jours de retard",
        ),
    ]
    with time_machine.travel(datetime(2026, 11, 26, 11, 0, tzinfo=UTC), tick=False):
        # Beside who asked, « demain » alone would be when it was
        words = [before(today() + timedelta(days)) for days in (0, 1, 2)]
    assert words == ["pour aujourd’hui", "pour demain", f"avant {jour('2026-11-28')}"]
    assert (other.words, other.detail) == ("Reste 4 jours", f"dossier à terminer avant {jour('2026-11-30')}")


def test_the_head_and_the_decision_tell_the_deadline_of_the_step(house: House) -> None:
    invoice, act = house.an_invoice(at="finance"), house.a_deliberation(at="direction")
    for folder_id, login, kind in ((invoice, "n.abgrallec", "visa"), (act, "s.rivoal", "visa")):
        with reading() as db:
            row = next(one for one in queues.todo(db, house.actor(login)) if one.id == folder_id)
        page = house.client(login).get(f"/dossiers/{folder_id}").get_data(as_text=True)
        head, decision = page.split('class="fhead"')[1].split("</section>")[:2]
        assert step_due(row.due_on, kind).line in head
        assert due(row.folder_due, "invoice").line in head
        assert ("Mandat" in head) is (folder_id == invoice)
        assert f'<span class="only-bar">Avant {jour(row.due_on)}</span>' in decision + head
        assert f", avant {jour(row.due_on).rstrip(chr(46))}. Ensuite" in decision + head


def test_a_legal_day_that_had_passed_when_the_step_was_reached_is_no_lateness_of_the_step(
    house: House, mail
) -> None:
    received = today() - timedelta(days=25)
    folder_id = house.an_invoice(at="finance", received_on=received.isoformat())
    house.drain()
    with reading() as db:
        own = db.get_one(Folder, folder_id).due_on
    assert own == today() - timedelta(days=5)
    whole = due(own, "invoice")
    client = house.client("n.abgrallec")

    def plain(where: str) -> str:
        return client.get(where).get_data(as_text=True).replace("\xa0", " ").replace("\u202f", " ")

    page = plain(f"/dossiers/{folder_id}")
    line = whole.line.replace("\xa0", " ")
    assert line.endswith("5 jours de retard")
    assert page.split('class="fhead"')[1].split("</section>")[0].count(line) == 1
    assert f", {line[:1].lower()}{line[1:].rstrip('.')}. Ensuite" in page
    assert "retard pour viser" not in page + plain("/a-traiter") + plain(
        f"/dossiers/{folder_id}?onglet=circuit"
    )
    assert _both(whole.words, own, plain("/a-traiter"))
    told = [str(one["Subject"]).replace("\xa0", " ") for one in mail.letters]
    turns = [subject for subject in told if "1 dossier vous attend" in subject]
    assert turns
    assert not [subject for subject in turns if "retard pour" in subject]
    assert any(f"{line[:1].lower()}{line[1:]}" in subject for subject in turns)


def test_a_list_says_how_long_one_waited_and_a_week_ends_on_its_sunday() -> None:
    noon = datetime(2026, 11, 26, 11, 0, tzinfo=UTC)  # a Thursday
    waited = {0: "à l’instant", 59: "à l’instant", 60: "1 min", 3599: "59 min", 3600: "1 h", 86400: "1 j"}
    for seconds, words in waited.items():
        assert since(noon - timedelta(seconds=seconds), noon).replace("\xa0", " ") == words
    with time_machine.travel(noon, tick=False):
        groups = [group_of(today() + timedelta(days=days))[1] for days in (-1, 0, 3, 4, 10, 11)]
    assert groups == ["En retard", *["Cette semaine"] * 2, *["La semaine prochaine"] * 2, "Plus tard"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_folder_has_one_deadline_wherever_it_is_told(house: House, mail) -> None:
    folder_id = house.an_invoice(at="finance")
    house.drain()
    with reading() as db:
        actor, folder = house.actor("n.abgrallec"), db.get_one(Folder, folder_id)
        own = folder.due_on
        line = next(one for one in queues.todo(db, actor) if one.id == folder_id)
        (listed,), shown = answers.lines_of(db, [line]), answers.folder_of(db, folder, actor)
    assert today() <= line.due_on < own
    for told in (listed, shown):
        assert (told["due_on"], told["step_due_on"]) == (own, line.due_on)
    client = house.client("n.abgrallec")

    def plain(where: str) -> str:
        return client.get(where).get_data(as_text=True).replace("\xa0", " ").replace("\u202f", " ")

    step, whole = step_due(line.due_on, line.kind), due(own, "invoice")
    assert _both(step.words, line.due_on, plain("/a-traiter"))
    assert f"{whole.words}<small>{whole.detail.replace(chr(160), ' ')}" in plain("/suivi")
    for one in (step, whole):  # each by its name
        assert one.line.replace("\xa0", " ") in plain(f"/dossiers/{folder_id}")
    assert step.words in plain(f"/dossiers/{folder_id}")  # in the circuit, at the step that is awaited
    told = [str(one["Subject"]) for one in mail.letters if "1 dossier vous attend" in str(one["Subject"])]
    assert any(step.words[:1].lower() + step.words[1:] in subject.replace("\xa0", " ") for subject in told)
    # Late at its step, long before its own deadline: whoever follows it is told both, and of one without a deadline the step’s
    late, follower = today() - timedelta(days=2), house.client("g.trehorel")
    stepped = step_due(late, line.kind).words
    written(StepRun, StepRun.folder_id == folder_id, late)
    table = follower.get("/suivi.csv").get_data(as_text=True)
    assert f"{own:%d/%m/%Y};{late:%d/%m/%Y}" in table
    assert _both(whole.words, late, plain("/suivi"))
    assert stepped in plain("/suivi")
    written(Folder, Folder.id == folder_id, NO_DATE)
    assert _both(stepped, late, plain("/suivi"))
    assert "Sans échéance" not in plain("/suivi")
    page = follower.get("/a-traiter?bannette=running").get_data(as_text=True).replace("\xa0", " ")
    assert "2 jours de retard à l’étape" in page
    assert "Sans échéance" not in page


def written(table: Any, which: Any, day: date) -> None:
    with engine().begin() as connection:
        connection.execute(sa.update(table).where(which).values(due_on=day))


def _both(words: str, day: date, page: str) -> bool:
    return words in page and jour(day) in page


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_ended_does_not_hide_what_is_in_hand(house: House) -> None:
    running, client = house.an_invoice(), house.client("g.trehorel")
    rejected = house.an_invoice()
    decide.reject(house.actor("r.pellenec"), rejected, version=house.folder(rejected).version, reason="Non.")

    def listed(where: str) -> list[bool]:
        page = client.get(where).get_data(as_text=True)
        return [f"/dossiers/{one}" in page for one in (running, rejected)]

    assert listed("/suivi") == [True, False]
    assert "1 dossier en cours" in client.get("/suivi").get_data(as_text=True)
    title = house.folder(rejected).title
    for everything in ("/suivi?etat=", f"/recherche?q={title}", "/suivi?famille=invoice"):
        assert listed(everything) == [True, True], everything
