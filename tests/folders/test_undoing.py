"""What was just done is taken back within some seconds: the folder stands where it stood, and both lines are in the journal."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest
import sqlalchemy as sa
import time_machine
from werkzeug.wrappers import Response

from app.core import outbox
from app.core.clock import now
from app.core.db import Db, engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.display.exports import bundle
from app.display.exports.slip import Slip
from app.display.opening import shown_to
from app.folders import continuing, decide, handing, marks, notes, pause, together, undoing
from app.folders.models import Folder, FolderNote, Reading, StepRun
from app.folders.notes import Draft, Reach
from app.journal.chain import verify
from app.notices import letter
from app.operations import state
from app.operations.desks import closing
from app.people import desks
from app.people.models import Desk
from tests.api.software import Software
from tests.builders.house import House, token_in
from tests.circuits.test_editor import words
from tests.folders.test_asking import A, B, G, K, N, R, S, T, ask, page, todo
from tests.folders.test_continuing import files
from tests.folders.test_handing import parts_of_two
from tests.folders.test_returning import send_back
from tests.operations.test_absences import away, over
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
SECONDS = 100.0
"""Long enough for a busy machine."""


@pytest.fixture(autouse=True)
def _time_enough(house: House) -> Iterator[None]:
    pause.configure(SECONDS)
    yield
    pause.configure(0)


def brought(house: House, place: str) -> int:
    """An invoice that waits there, whose letters are gone."""
    pause.configure(0)
    folder_id = house.an_invoice(place)
    let_go(house)
    pause.configure(SECONDS)
    return folder_id


def longer(house: House, login: str, seconds: int) -> None:
    """A person chooses for how long he takes back what he has just done."""
    me = house.actor(login).user_id
    assert me is not None
    desks.choose_display(me, theme="auto", shortcuts=True, take_back=str(seconds))


def undo(house: House, login: str, folder_id: int) -> str:
    return undoing.undo(house.actor(login), folder_id, version=house.folder(folder_id).version)


def refused(house: House, login: str, folder_id: int) -> str:
    """The key of the refusal; nothing has changed."""
    before = house.folder(folder_id).version, house.journal(folder_id), runs(folder_id)
    with pytest.raises(Refusal) as caught:
        undo(house, login, folder_id)
    assert (house.folder(folder_id).version, house.journal(folder_id), runs(folder_id)) == before
    return caught.value.key


def offered(house: House, login: str, folder_id: int) -> bool:
    with reading() as db:
        return undoing.offered(db, db.get_one(Folder, folder_id), house.actor(login)) is not None


def runs(folder_id: int) -> list[tuple[str, str, str | None]]:
    with reading() as db:
        query = sa.select(StepRun).where(StepRun.folder_id == folder_id).order_by(StepRun.id)
        return [(run.step, run.state, run.who) for run in db.scalars(query)]


def events(house: House, folder_id: int) -> list[str]:
    return house.journal(folder_id)


def as_told(house: House) -> bool:
    """Whether the rows beside the journal, and its chain, hold."""
    town = house.actor(N).collectivity_id
    with reading() as db:
        apart = list(state.folders(db, town))
    with reading() as db:
        return not apart and verify(db, town)[1] is None


def let_go(house: House) -> None:
    """The letters that wait are due."""
    with engine().begin() as base:
        base.execute(sa.update(Outbox).where(Outbox.state == "pending").values(available_at=now()))
    house.drain()


def later(folder_id: int, seconds: float) -> None:
    """The same folder, so many seconds later: what was done is so much older."""
    by = timedelta(seconds=seconds)
    with engine().begin() as base:
        for table, column in (
            ("folder", "updated_at"),
            ("folder", "final_at"),
            ("step_run", "ended_at"),
            ("step_run", "entered_at"),
        ):
            column_of = sa.table(
                table, sa.column("id"), sa.column("folder_id"), sa.column(column, sa.DateTime(timezone=True))
            )
            key = column_of.c.id if table == "folder" else column_of.c.folder_id
            for row in base.execute(
                sa.select(column_of.c.id, column_of.c[column]).where(key == folder_id)
            ).all():
                if row[1] is not None:
                    base.execute(
                        sa.update(column_of).where(column_of.c.id == row[0]).values({column: row[1] - by})
                    )


def test_a_visa_is_taken_back_from_the_band_and_given_again(house: House) -> None:
    folder_id = brought(house, "finance")
    house.mail.clear()
    browser = house.client(N)
    form = {"version": house.folder(folder_id).version, "comment": "Vu."}
    done = browser.post(
        f"/dossiers/{folder_id}/viser",
        data={**form, "csrf_token": house.csrf(browser)},
        follow_redirects=True,
    )
    band = done.get_data(as_text=True)
    assert "Annuler ce visa" in band
    assert re.search(r'data-undo="\d+"', band)
    assert folder_id in todo(house, A)
    outbox.drain()
    assert house.mail.letters == [], "its letters wait"
    back = browser.post(
        f"/dossiers/{folder_id}/annuler-geste",
        data={"version": house.folder(folder_id).version, "csrf_token": token_in(band)},
        follow_redirects=True,
    )
    assert "votre visa est annulé, aucun courriel n’est parti" in words(back)
    assert (house.folder(folder_id).place, house.folder(folder_id).phase) == ("finance", "running")
    assert folder_id in todo(house, N)
    assert folder_id not in todo(house, A)
    with pytest.raises(Refusal, match="not-found"):
        decide.reject(house.actor(A), folder_id, version=house.folder(folder_id).version, reason="Non.")
    done = [event for event in events(house, folder_id) if event != "folder.opened"]
    assert done[-2:] == ["folder.approve", "folder.take_back"]
    told = r"Visa de Nolwenn Abgrallec, .*, annulé \d+ s après"
    slip = words(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))
    assert re.search(told, slip)
    assert re.search(r"Annulé par Nolwenn Abgrallec : visa, \d+ s après", slip)
    assert "Visé par Nolwenn Abgrallec, annulé ensuite" in slip
    assert "« Vu. »" not in slip, "nobody had read it"
    assert re.search(told, page(house, N, folder_id))
    assert re.search(r"Annulé par Nolwenn Abgrallec : visa", page(house, G, folder_id, "journal"))
    assert refused(house, N, folder_id) == "take-back-none", "nothing is taken back twice"
    assert as_told(house), "the rows are as the journal tells them"
    house.approve(folder_id, N)
    assert house.folder(folder_id).place == "bon_a_payer"
    let_go(house)
    turns = [str(one["To"]) for one in house.mail.letters]
    assert len([one for one in turns if A in one]) == 1, "one letter, of the visa that stands"


def test_a_refused_undo_leaves_one_where_one_is_and_names_its_folder(house: House) -> None:
    folder_id, other = brought(house, "finance"), brought(house, "finance")
    house.approve(folder_id, N)
    page(house, A, folder_id)  # the next one opens it
    browser = house.client(N)

    def undone(referrer: str) -> Response:
        version = house.folder(folder_id).version
        form = {"version": version, "csrf_token": house.csrf(browser)}
        url = f"/dossiers/{folder_id}/annuler-geste"
        return browser.post(url, data=form, headers={"Referer": f"http://localhost{referrer}"})

    refused_there = undone(f"/dossiers/{other}?onglet=circuit")
    assert (refused_there.status_code, refused_there.location) == (302, f"/dossiers/{other}")
    shown = browser.get(refused_there.location).get_data(as_text=True)
    assert f'<a href="/dossiers/{folder_id}">Revoir ce dossier</a>' in shown
    assert f"Rien n’a été annulé pour « {house.folder(folder_id).title} » : " in " ".join(
        shown.replace("\xa0", " ").split()
    )
    assert undone("/administration").location == f"/dossiers/{folder_id}"
    assert house.folder(folder_id).place == "bon_a_payer"


def test_it_is_refused_once_it_is_late_or_seen_or_left_or_another_s(house: House) -> None:
    folder_id = brought(house, "finance")
    assert refused(house, G, folder_id) == "take-back-none"
    house.approve(folder_id, N)
    assert refused(house, R, folder_id) == "take-back-none", "another's"
    with pytest.raises(Refusal, match="not-found"):
        undo(house, K, folder_id)
    with pytest.raises(Refusal, match="moved-on"):
        undoing.undo(house.actor(N), folder_id, version=1)
    later(folder_id, SECONDS + 1)
    assert refused(house, N, folder_id) == "take-back-late"
    seen = brought(house, "finance")
    house.approve(seen, N)
    page(house, N, seen)
    assert "Annuler ce visa" in page(house, N, seen), "who did it opens it as often as he wants"
    page(house, A, seen)
    assert refused(house, N, seen) == "take-back-opened"
    assert "Annuler ce visa" not in page(house, N, seen)
    again = brought(house, "finance")
    page(house, A, again) if again in todo(house, A) else None
    house.approve(again, N)
    let_go(house)
    assert refused(house, N, again) == "take-back-left"
    origin = brought(house, "finance")
    house.approve(origin, N)
    main, number, *_ = files(origin)["main"][-1]
    continuing.open_from(house.actor(G), origin, "invoice", {main: number})
    assert refused(house, N, origin) == "take-back-left", "another folder was opened from it"
    signed = brought(house, "bon_a_payer")
    house.sign(signed, A)
    assert refused(house, A, signed) == "take-back-none", "never a signature"


def test_who_had_opened_it_before_and_opens_it_again_closes_it_too(house: House) -> None:
    folder_id = brought(house, "finance")
    page(house, G, folder_id)
    house.approve(folder_id, N)
    decide.open_meanwhile(house.actor(G), folder_id)
    assert refused(house, N, folder_id) == "take-back-opened"
    with pytest.raises(Refusal, match="not-found"):
        decide.open_meanwhile(house.actor(K), folder_id)
    assert events(house, folder_id).count("folder.opened") == 1
    (main,) = house.versions(folder_id)
    part = {"Range": "bytes=0-9"}
    readers = {login: house.client(login) for login in (A, G)}
    for login, door in (
        (G, "bordereau"),
        (G, "bordereau.pdf"),
        (G, "dossier.zip"),
        (G, f"documents/{main.document_id}/1"),
        (A, "signer"),
    ):
        with engine().begin() as base:
            base.execute(sa.update(Reading).values(first_at=now() - timedelta(days=1), again_at=None))
        assert offered(house, N, folder_id), "nobody has opened it since"
        answer = readers[login].get(
            f"/dossiers/{folder_id}/{door}", headers=part if "documents" in door else {}
        )
        assert answer.status_code in {200, 206}
        answer.get_data()
        assert refused(house, N, folder_id) == "take-back-opened", door


def test_what_it_had_closed_is_open_again_and_what_is_handed_comes_back(house: House) -> None:
    folder_id = brought(house, "finance")
    ask(house, N, folder_id, "technique", waits=False)
    house.approve(folder_id, N)
    assert "folder.approve" in events(house, folder_id)
    assert undo(house, N, folder_id) == "visa"
    assert ("finance", "active", None) in runs(folder_id)
    assert any(step == "finance" and state == "active" for step, state, _ in runs(folder_id))
    assert folder_id in todo(house, R), "the opinion is asked again"
    before = house.folder(folder_id).circuit_version_id
    version = house.folder(folder_id).version
    handing.hand(house.actor(N), folder_id, version=version, desk="direction", reason="Marché.")
    assert folder_id in todo(house, S)
    assert undo(house, N, folder_id) == "étape confiée à un autre bureau"
    assert folder_id in todo(house, N)
    assert folder_id not in todo(house, S)
    assert house.folder(folder_id).circuit_version_id == before
    assert as_told(house), "the rows are as the journal tells them"
    with pytest.raises(Refusal, match="not-found"):
        decide.approve(house.actor(S), folder_id, version=house.folder(folder_id).version)
    assert re.search(r"« Marché. », annulé \d+ s après", page(house, G, folder_id))
    handing.hand(
        house.actor(N), folder_id, version=house.folder(folder_id).version, desk="direction", reason="Marché."
    )
    house.approve(folder_id, S)
    assert house.folder(folder_id).place == "bon_a_payer"
    send_back(house, A, folder_id, "finance")
    assert folder_id in todo(house, S)


def test_one_of_two_who_take_it_back_leaves_the_other_s_visa(house: House) -> None:
    parts_of_two(house)
    folder_id = brought(house, "finance")
    house.approve(folder_id, R)
    house.approve(folder_id, N)
    assert house.folder(folder_id).place == "bon_a_payer"
    assert undo(house, N, folder_id) == "visa"
    assert refused(house, R, folder_id) == "take-back-none", "it is no more what was done last"
    with pytest.raises(Refusal, match="acted-already"):
        house.approve(folder_id, R)
    house.approve(folder_id, N)
    assert house.folder(folder_id).place == "bon_a_payer"


def test_a_letter_that_asked_nothing_meanwhile_leaves_once_the_act_is_taken_back(house: House) -> None:
    """The worker takes it up while a colleague's visa, or his handing on, stands."""

    def hand(folder_id: int) -> None:
        version = house.folder(folder_id).version
        handing.hand(house.actor(N), folder_id, version=version, desk="direction", reason="Marché.")

    def visa(folder_id: int) -> None:
        house.approve(folder_id, N)

    for act, first, asked in ((visa, "turn", {N, T}), (hand, "turn", {N, T}), (visa, "opinion", {S})):
        folder_id = brought(house, "service_done" if first == "turn" else "finance")
        house.mail.clear()
        if first == "turn":
            house.approve(folder_id, R)
        else:
            ask(house, N, folder_id, "direction", waits=False)
        with reading() as db:
            waits = list(db.scalars(sa.select(Outbox.id).where(Outbox.state == "pending")))
        act(folder_id)
        with engine().begin() as base:
            base.execute(sa.update(Outbox).where(Outbox.id.in_(waits)).values(available_at=now()))
        assert outbox.drain() == len(asked)
        undo(house, N, folder_id)
        let_go(house)
        let_go(house)
        assert sorted(str(one["To"]) for one in house.mail.letters) == sorted(
            str(one["To"]) for who in asked for one in house.mail.letters if who in str(one["To"])
        )
        assert len(house.mail.letters) == len(asked), "each is written once, nobody else"
    # The act that stands ends them, once it is taken back no more
    house.mail.clear()
    house.approve(folder_id, N)
    later(folder_id, SECONDS + 10)
    let_go(house)
    assert [A in str(one["To"]) for one in house.mail.letters] == [True]


@pytest.mark.both_databases
def test_of_the_letter_the_next_person_and_who_takes_it_back_one_is_first(house: House) -> None:
    for _ in range(2):
        folder_id = brought(house, "finance")
        house.approve(folder_id, N)
        version = house.folder(folder_id).version
        with engine().begin() as base:
            base.execute(sa.update(Outbox).where(Outbox.state == "pending").values(available_at=now()))
        verbs: dict[str, Callable[[], object]] = {
            "undo": lambda number=folder_id, at=version: undoing.undo(house.actor(N), number, version=at),  # type: ignore[misc]
            "open": lambda number=folder_id: decide.open_meanwhile(house.actor(A), number),  # type: ignore[misc]
            "send": outbox.drain,
        }
        with ThreadPoolExecutor(len(verbs)) as together:
            became = {name: together.submit(verb) for name, verb in verbs.items()}
        keys = {name: getattr(one.exception(), "key", "") for name, one in became.items()}
        with reading() as db:
            letters = sa.select(Outbox.last_error).where(Outbox.key.like(f"%-{folder_id}-{version}-%"))
            sent = None in set(db.scalars(letters))
        assert (keys["undo"] == "") == (keys["open"] == "not-found") == (not sent), keys
        assert keys["undo"] in {"", "take-back-opened", "take-back-left"}
        assert as_told(house)


@pytest.mark.both_databases
def test_of_what_is_shown_and_what_is_taken_back_at_that_instant_one_is_first(house: House) -> None:
    """A page that is being made while a visa is given, then taken back: it shows what was before, or closes the taking back."""

    def told(folder_id: int, meanwhile: Callable[[], object]) -> bool:
        tries: list[bool] = []

        def make(db: Db, folder: Folder) -> bool:
            if not tries:
                meanwhile()
            done = sa.select(StepRun.id).where(
                StepRun.folder_id == folder.id, StepRun.who == "Nolwenn Abgrallec"
            )
            tries.append(db.scalar(done.where(StepRun.state == "done")) is not None)
            return tries[-1]

        return shown_to(house.actor(R), folder_id, make)

    given, kept, back = (brought(house, "finance") for _ in range(3))
    for known in (given, back):
        page(house, R, known)
    assert not told(given, lambda: house.approve(given, N)), "of one moment: what comes after is not in it"
    assert undo(house, N, given) == "visa"
    house.approve(kept, N)
    assert told(kept, lambda: None)
    assert refused(house, N, kept) == "take-back-opened"
    house.approve(back, N)
    assert not told(back, lambda: undo(house, N, back)), "made again, without what was taken back meanwhile"
    # Another folder that is opened from it at that instant is opened before, or once it stands as it did
    main, version, *_ = files(given)["main"][0]
    house.approve(given, N)
    verbs: list[Callable[[], object]] = [
        lambda: undo(house, N, given),
        lambda: continuing.open_from(house.actor(G), given, "invoice", {main: version}),
    ]
    with ThreadPoolExecutor(len(verbs)) as together:
        became = [together.submit(verb) for verb in verbs]
    assert became[1].exception() is None
    assert getattr(became[0].exception(), "key", "") in {"", "take-back-left", "moved-on"}
    assert as_told(house)


def test_a_note_that_is_taken_back_gives_back_what_it_took_of_the_marks_of_who_it_named(house: House) -> None:
    folder_id = brought(house, "finance")
    here, until = house.actor(N), now() + timedelta(days=2)
    house.client(N).get(f"/dossiers/{folder_id}")
    marks.hide(here, folder_id, until)

    def mark() -> tuple[bool, datetime | None, int | None]:
        with reading() as db:
            row = db.get_one(Reading, (folder_id, here.user_id))
            return row.seen_at is not None, row.hidden_until, row.hidden_version

    before = mark()
    assert before[:2] == (True, until)
    with reading() as db:
        people = notes.to_tell(db, db.get_one(Folder, folder_id), house.actor(G))
    named = next(one.number for one in people if one.number == here.user_id)
    number = notes.write(house.actor(G), folder_id, Draft("À revoir.", told=(named,)))
    assert mark() == (False, None, None)
    notes.take_back(house.actor(G), folder_id, number)
    assert mark() == before


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_marks_come_back_only_once_no_note_names_who_had_them(house: House, order: tuple[int, int]) -> None:
    folder_id = brought(house, "finance")
    here, until = house.actor(N), now() + timedelta(days=2)
    assert here.user_id is not None
    house.client(N).get(f"/dossiers/{folder_id}")
    marks.hide(here, folder_id, until)
    told = (here.user_id,)
    both = [notes.write(house.actor(G), folder_id, Draft(one, told=told)) for one in ("Voir.", "Page 2.")]

    def hidden() -> tuple[bool, datetime | None]:
        with reading() as db:
            mark = db.get_one(Reading, (folder_id, here.user_id))
            return mark.seen_at is not None, mark.hidden_until

    notes.take_back(house.actor(G), folder_id, both[order[0]])
    assert hidden() == (False, None), "the other still names him"
    notes.take_back(house.actor(G), folder_id, both[order[1]])
    assert hidden() == (True, until)


@pytest.mark.parametrize("several", [False, True])
def test_who_says_that_a_folder_is_not_read_after_a_note_keeps_it_so(house: House, several: bool) -> None:
    folder_id = brought(house, "finance")
    here = house.actor(N)
    assert here.user_id is not None
    house.client(N).get(f"/dossiers/{folder_id}")
    note = notes.write(house.actor(G), folder_id, Draft("À revoir.", told=(here.user_id,)))
    if several:
        together.mark_unread(here, {folder_id: house.folder(folder_id).version})
    else:
        marks.mark_unread(here, folder_id)
    notes.take_back(house.actor(G), folder_id, note)
    with reading() as db:
        assert db.get_one(Reading, (folder_id, here.user_id)).seen_at is None


def test_a_note_is_taken_back_as_long_as_nobody_read_it(house: House) -> None:
    folder_id = brought(house, "finance")
    with reading() as db:
        people = notes.to_tell(db, db.get_one(Folder, folder_id), house.actor(N))
    gwen = next(one.number for one in people if one.name.startswith("Gwenola"))
    number = notes.write(house.actor(N), folder_id, Draft("À revoir.", told=(gwen,)))
    with pytest.raises(Refusal, match="note-stays"):
        notes.take_back(house.actor(G), folder_id, number)
    outbox.drain()
    notes.take_back(house.actor(N), folder_id, number)
    with reading() as db:
        assert [note.words for note in db.scalars(sa.select(FolderNote))] == [""]
    assert events(house, folder_id)[-2:] == ["note.added", "note.taken_back"]
    desk = notes.write(house.actor(N), folder_id, Draft("Entre nous.", Reach.DESK))
    notes.take_back(house.actor(N), folder_id, desk)
    assert events(house, folder_id)[-1] == "note.taken_back", "what the desk alone reads is in no journal"
    for door in ("?onglet=notes", "/bordereau"):
        read = notes.write(house.actor(N), folder_id, Draft("Ce mandataire se trompe."))
        search = "/recherche?q=mandataire"
        assert "Aucun dossier" in words(house.client(G).get(search)), "neither told, nor found by it"
        assert "se trompe" in house.client(G).get(f"/dossiers/{folder_id}{door}").get_data(as_text=True)
        with pytest.raises(Refusal, match="note-take-back-read"):
            notes.take_back(house.actor(N), folder_id, read)
    with engine().begin() as base:
        base.execute(sa.update(FolderNote).values(final_at=now()))
    let_go(house)
    for login in (G, N):
        assert "se trompe" in house.client(login).get(search).get_data(as_text=True), "once it is final"


def test_a_person_lengthens_the_time_to_take_back_and_letters_wait_as_long(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refusal, match="bad-request"):
        longer(house, N, 3600)
    longer(house, N, 300)
    browser = house.client(N)
    shown = {"csrf_token": house.csrf(browser), "theme": "dark"}
    assert browser.post("/compte/affichage", data=shown).status_code == 302
    folder_id = brought(house, "finance")
    house.approve(folder_id, N)
    folder = house.folder(folder_id)
    assert folder.final_at is not None
    assert folder.final_at - folder.updated_at == timedelta(seconds=300), "what the form did not say is kept"
    house.mail.clear()
    with time_machine.travel(folder.final_at - timedelta(seconds=1), tick=False):
        outbox.drain()
        assert house.mail.letters == [], "its letters wait as long"
        assert offered(house, N, folder_id)
        assert undo(house, N, folder_id) == "visa"
        # A lower choice changes nothing of what is done already: the time of each act is its own
        longer(house, N, 120)
        house.approve(folder_id, N)
        longer(house, N, 60)
    again = house.folder(folder_id)
    with time_machine.travel(again.updated_at + timedelta(seconds=119), tick=False):
        assert offered(house, N, folder_id)
    with time_machine.travel(again.updated_at + timedelta(seconds=120), tick=False):
        with pytest.raises(Refusal, match="take-back-late") as late:
            undo(house, N, folder_id)
        assert late.value.facts == {"seconds": 120}
        # The clock is set a moment ahead of a run that may be by night, when letters wait for the day
        monkeypatch.setattr(letter, "quiet_until", lambda *_: None)
        outbox.drain()
        assert len(house.mail.letters) == 1, "they go once it is final, those of the visa that stands"
    # Nobody's choice stands for another's, and a house that takes nothing back takes nothing back
    handed = brought(house, "service_done")
    house.approve(handed, R)
    done = house.folder(handed)
    assert done.final_at is not None
    assert done.final_at - done.updated_at == timedelta(seconds=SECONDS)
    pause.configure(0)
    house.approve(handed, N)
    assert house.folder(handed).final_at is None
    assert refused(house, N, handed) == "take-back-none"


def test_where_nobody_could_act_any_more_or_not_oneself_nothing_is_taken_back(house: House) -> None:
    town = house.actor(N).collectivity_id
    everybody = {login: [Right.ACT] for login in (N, T)}

    def seat(rights: dict[str, list[Right]]) -> None:
        for login in (N, T):
            desks.seat(town, "finances", login, rights.get(login, []))

    def visa(folder_id: int) -> None:
        house.approve(folder_id, N)

    def hand(folder_id: int) -> None:
        version = house.folder(folder_id).version
        handing.hand(house.actor(N), folder_id, version=version, desk="direction", reason="Marché.")

    for act in (visa, hand):
        folder_id = brought(house, "finance")
        act(folder_id)
        assert offered(house, N, folder_id)
        assert re.search("(Annuler ce visa|Ne plus le confier)", page(house, N, folder_id))
        for left, key in (({}, "take-back-nobody"), ({T: [Right.ACT]}, "take-back-right")):
            seat(left)
            assert refused(house, N, folder_id) == key
            assert not offered(house, N, folder_id)
            assert not re.search("(Annuler ce visa|Ne plus le confier)", page(house, N, folder_id))
        seat(everybody)
        undo(house, N, folder_id)
        assert folder_id in todo(house, T)
    number = away(house, N, B)
    covered = brought(house, "finance")
    house.approve(covered, B)
    assert offered(house, B, covered)
    over(number)
    assert refused(house, B, covered) == "cover-over"
    assert not offered(house, B, covered)


@pytest.mark.both_databases
def test_a_desk_that_is_closed_meanwhile_gets_nothing_back(house: House) -> None:
    with reading() as db:
        desk = db.scalar(sa.select(Desk.id).where(Desk.key == "finances"))
    folder_id = brought(house, "finance")
    house.approve(folder_id, N)
    version, actor = house.folder(folder_id).version, house.actor(N)
    closing.close(house.actor(K), desk, "Réorganisation des services.")
    with pytest.raises(Refusal, match="take-back-nobody"):
        undoing.undo(actor, folder_id, version=version)
    assert house.folder(folder_id).place == "bon_a_payer"
    assert folder_id in todo(house, A)


def test_the_words_of_a_note_that_was_taken_back_are_given_nowhere(house: House) -> None:
    folder_id = brought(house, "finance")
    number = notes.write(house.actor(N), folder_id, Draft("Zygomatique."))
    notes.write(house.actor(N), folder_id, Draft("Bon pour moi."))
    notes.take_back(house.actor(N), folder_id, number)
    archive = ZipFile(BytesIO(house.client(R).get(f"/dossiers/{folder_id}/dossier.zip").get_data()))
    given = [archive.read("journal.csv").decode()]
    software = Software(house, "technique", {Right.ACT})
    lines = software.get(f"/folders/{folder_id}/journal")
    given.append(lines.get_data(as_text=True))
    for text in given:
        assert "Bon pour moi" in text
        assert "note.taken_back" in text or "annulée" in text.lower()
        assert "ygomatique" not in text
    added = [line["facts"] for line in lines.json["entries"] if line["event"] == "note.added"]
    assert [sorted(facts) for facts in added] == [["note", "round"], ["comment", "note", "round"]]
    assert as_told(house), "the journal itself is whole"


def test_a_visa_put_while_a_file_of_the_folder_is_made_is_not_in_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or is noted as read: what the file tells is of one moment, as a page is."""
    folder_id, look, given = brought(house, "finance"), bundle.slip, list[int]()

    def meanwhile(db: Db, folder: Folder) -> Slip:
        told = look(db, folder)
        if not given:
            given.append(folder_id)
            house.approve(folder_id, N)
        return told

    monkeypatch.setattr(bundle, "slip", meanwhile)
    archive = ZipFile(BytesIO(house.client(R).get(f"/dossiers/{folder_id}/dossier.zip").get_data()))
    assert given
    assert "Visé par Nolwenn Abgrallec" not in archive.read("journal.csv").decode()
    assert undo(house, N, folder_id) == "visa"
    house.approve(folder_id, N)
    archive = ZipFile(BytesIO(house.client(R).get(f"/dossiers/{folder_id}/dossier.zip").get_data()))
    assert "Visé par Nolwenn Abgrallec" in archive.read("journal.csv").decode()
    assert refused(house, N, folder_id) == "take-back-opened"


def test_nobody_is_found_by_a_visa_that_he_took_back(house: House) -> None:
    folder_id = brought(house, "finance")
    search = "/recherche?q=abgrallec"
    house.approve(folder_id, N)
    assert f"/dossiers/{folder_id}" in house.client(G).get(search).get_data(as_text=True)
    undo(house, N, folder_id)
    assert f"/dossiers/{folder_id}" not in house.client(G).get(search).get_data(as_text=True)


def test_whatever_page_tells_of_it_closes_the_taking_back(house: House) -> None:
    def shown(login: str, door: str, status: int, **form: object) -> None:
        folder_id = brought(house, "finance")
        browser = house.client(login)
        old = house.folder(folder_id).version
        house.approve(folder_id, N)
        address = f"/dossiers/{folder_id}/{door}"
        if not form:
            answer = browser.get(address)
        else:
            form = {"version": old, "csrf_token": house.csrf(browser), **form}
            answer = browser.post(address, data=form)
        assert answer.status_code == status, door
        assert refused(house, N, folder_id) == "take-back-opened", door

    for door in ("rejeter", "avis"):
        shown(A, door, 200)
    shown(G, "suite", 200)
    shown(T, "viser", 409, comment="Vu.")
    shown(G, "remplir", 200, action="line-on:x")
    # A note as well
    wrong = {
        "notes": (G, {"words": " ", "reach": "all"}),
        "masquer": (T, {"day": "2020-01-01", "hour": "08:00"}),
    }
    for door, (login, typed) in wrong.items():
        folder_id = brought(house, "finance")
        browser = house.client(login)
        page(house, login, folder_id)
        number = notes.write(house.actor(N), folder_id, Draft("Ce mandataire se trompe."))
        form = {**typed, "version": house.folder(folder_id).version, "csrf_token": house.csrf(browser)}
        again = browser.post(f"/dossiers/{folder_id}/{door}", data=form)
        assert again.status_code == 422, door
        assert ("se trompe" in again.get_data(as_text=True)) is (door == "notes")
        with pytest.raises(Refusal, match="note-take-back-read"):
            notes.take_back(house.actor(N), folder_id, number)


def test_software_takes_back_its_own_visa(house: House) -> None:
    software = Software(house, "technique", {Right.ACT})
    folder_id = brought(house, "service_done")
    shown = software.post(f"/folders/{folder_id}/approve", version=house.folder(folder_id).version)
    assert "take_back" in shown.json["actions"]
    back = software.post(f"/folders/{folder_id}/take-back", version=shown.json["version"])
    assert back.json["place"] == "service_done"
    parts = next(step for step in back.json["steps"] if step["key"] == "service_done")["parts"]
    assert [(one["state"], bool(one["taken_back_at"])) for one in parts] == [
        ("cancelled", True),
        ("active", False),
    ]


def test_software_that_acts_alone_at_its_desk_takes_back_its_own_visa(house: House) -> None:
    software = Software(house, "technique", {Right.ACT})
    folder_id = brought(house, "service_done")
    desks.seat(house.actor(K).collectivity_id, "technique", R, [])
    shown = software.post(f"/folders/{folder_id}/approve", version=house.folder(folder_id).version)
    assert "take_back" in shown.json["actions"]
    back = software.post(f"/folders/{folder_id}/take-back", version=shown.json["version"])
    assert back.status_code == 200, back.json
    assert back.json["place"] == "service_done"
