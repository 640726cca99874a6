"""What one batch has made somebody's turn is one letter, which names each folder; nothing is lost on the way, or told twice."""

import re
import smtplib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine

from app.batches import carry
from app.core import outbox
from app.core.clock import now
from app.core.db import reading, writing
from app.core.outbox import Outbox
from app.folders import decide, pause, undoing
from app.folders.models import Folder
from app.notices import bounces, choices, mailer, together
from app.notices import letter as letters_of_rows
from app.notices.models import Bounce
from app.notices.returns import marks
from app.operations.absences.planning import Wanted, plan
from app.people.models import User
from tests.batches.town import Hand
from tests.builders.house import House
from tests.notices.test_digests import MONDAY, A, N, address, at, subjects
from tests.notices.test_together import Killed, lose_an_answer

pytestmark = pytest.mark.in_turn
S = "s.rivoal"
THREE = ["Paraphe : 3 dossiers vous attendent"]


@pytest.fixture
def folders(house: House) -> list[int]:
    """Three invoices that wait for a visa."""
    with at(MONDAY, 9):
        numbers = [house.a_quick_invoice() for _ in range(3)]
        outbox.drain()
    house.mail.clear()
    return numbers


def visa(house: House, folders: list[int]) -> int:
    """One batch of visas, as its author makes it: it brings each of them to who decides next."""
    hand = Hand(house, N)
    number = hand.propose("approve", folders)
    hand.post(f"/lots/{number}/commencer")
    with reading() as db:
        row = db.scalars(
            sa.select(Outbox.id).where(Outbox.kind == "batch.decide").order_by(Outbox.id.desc())
        ).first()
    outbox.run(row or 0)
    return number


def letters(house: House) -> list[EmailMessage]:
    return house.mail.to(address(A))


def text(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().replace("\u00a0", " ").split())


def named(letter: EmailMessage) -> list[int]:
    """The folders that a letter leads to, in its order."""
    return [int(number) for number in re.findall(r"/dossiers/(\d+)", text(letter))]


def rows(*, own: bool = True) -> list[Any]:
    """The rows of whose turn it is: of each folder, or of all together."""
    query = sa.select(Outbox).where(
        Outbox.payload["event"].as_string() == "your_turn",
        Outbox.payload["batch"].as_integer() > 0,
        Outbox.payload["user_id"].as_integer() == sa.select(User.id).where(User.login == A).scalar_subquery(),
        Outbox.folder_id.is_not(None) if own else Outbox.folder_id.is_(None),
    )
    with reading() as db:
        return list(db.scalars(query.order_by(Outbox.id)))


def ends() -> Counter[str]:
    return Counter(f"{row.state} {row.last_error or 'sent'}" for row in rows())


TOGETHER = {f"done {together.TOLD}": 3}


def for_some_minutes(first: int = 1, last: int = 8) -> None:
    for minute in range(first, last):
        with at(MONDAY, 10, minute):
            outbox.drain()


@pytest.mark.both_databases
def test_what_one_batch_brings_to_somebody_is_one_letter_that_names_each_folder(
    house: House, folders: list[int]
) -> None:
    with at(MONDAY, 10):
        visa(house, folders)
        outbox.drain()
        assert subjects(house, A) == THREE
        (letter,) = letters(house)
        assert named(letter) == folders, "in the order of the batch"
        assert "Ils vous viennent d’un même lot, fait par Nolwenn Abgrallec." in text(letter)
        assert "Ouvrir « À traiter » : http://127.0.0.1:5000/a-traiter" in text(letter)
        assert text(letter).count("Facture, dossier n° ") == 3
        page = letter.get_body(("html",)).get_content()  # type: ignore[union-attr]
        assert [int(number) for number in re.findall(r'href="[^"]*/dossiers/(\d+)"', page)] == folders
        assert not any(house.folder(number).title in text(letter) + page for number in folders)
        assert ends() == TOGETHER
    for number in folders:
        page = house.client(A).get(f"/dossiers/{number}?onglet=journal").get_data(as_text=True)
        assert page.replace("\u00a0", " ").count("Dit avec d’autres dossiers, dans un seul courriel") == 1
    house.mail.clear()
    for_some_minutes()
    assert house.mail.letters == []


@pytest.mark.both_databases
def test_one_folder_alone_is_told_as_before_and_so_is_what_no_batch_did(
    house: House, folders: list[int]
) -> None:
    with at(MONDAY, 10):
        visa(house, folders[:1])
        for number in folders[1:]:
            decide.approve(house.actor(N), number, version=house.folder(number).version)
        outbox.drain()
    assert sorted(map(named, letters(house))) == [[number] for number in folders]
    assert all("Voici ce qui demande votre décision. - 1 facture" in text(one) for one in letters(house))
    assert rows(own=False) == []


def test_two_batches_are_two_letters(house: House, folders: list[int]) -> None:
    with at(MONDAY, 9, 30):
        more = [house.a_quick_invoice() for _ in range(2)]
        outbox.drain()
    house.mail.clear()
    with at(MONDAY, 10):
        visa(house, folders)
        visa(house, more)
        outbox.drain()
    assert sorted(map(named, letters(house))) == sorted([folders, more])


@pytest.fixture
def seconds(house: House) -> Iterator[None]:
    """Twenty, for which a visa may be taken back."""
    del house  # which begins without any
    pause.configure(20)
    yield
    pause.configure(0)


@pytest.mark.both_databases
@pytest.mark.usefixtures("seconds")
def test_what_is_taken_back_within_the_seconds_is_not_named_and_the_rest_waits_for_them(
    house: House, folders: list[int]
) -> None:
    with at(MONDAY, 10):
        began = now()
        visa(house, folders[:2])
    with time_machine.travel(began + timedelta(seconds=10), tick=False):
        visa(house, folders[2:])
    with time_machine.travel(began + timedelta(seconds=15), tick=False):
        undoing.undo(house.actor(N), folders[0], version=house.folder(folders[0]).version)
        outbox.drain()
    assert letters(house) == []
    for second in range(20, 90):
        with time_machine.travel(began + timedelta(seconds=second), tick=False):
            outbox.drain()
    assert sorted(map(named, letters(house))) == [[folders[1]], [folders[2]]], "of each batch, one was left"


@pytest.mark.both_databases
@pytest.mark.usefixtures("seconds")
def test_a_batch_that_goes_on_is_waited_for(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    decided, one_by_one = iter(range(0, 90, 15)), carry.move
    with at(MONDAY, 10):
        began = now()

    with time_machine.travel(began, tick=False) as clock:

        def slowly(*arguments: Any, **more: Any) -> Any:
            clock.move_to(began + timedelta(seconds=next(decided)))
            return one_by_one(*arguments, **more)

        monkeypatch.setattr(carry, "move", slowly)
        visa(house, folders)
    moments = []
    for second in range(31, 120):
        with time_machine.travel(began + timedelta(seconds=second), tick=False):
            outbox.drain()
            if letters(house) and not moments:
                moments.append(second)
    assert subjects(house, A) == THREE
    assert moments == [55], (
        "the last was decided at 30, and may be taken back until 50, five more for one that is under way"
    )


POINTS = {
    "the letter is not written": (together, "claim", "before"),
    "the letter is written": (together, "claim", "after"),
    "it was given": (mailer, "send", "after"),
    "it was not given": (mailer, "send", "before"),
    "the others have ended": (together, "close", "after"),
    "it has ended": (outbox, "settle", "after"),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("looks", range(5))
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_any_step_repeats_the_same_letter_and_no_other(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch, point: str, looks: int
) -> None:
    room, name, moment = POINTS[point]
    act, before = getattr(room, name), [None] * looks

    def dies(*arguments: Any, **more: Any) -> Any:
        if before:
            before.pop()
            return act(*arguments, **more)
        if moment == "after":
            act(*arguments, **more)
        raise Killed

    with at(MONDAY, 10):
        visa(house, folders)
        monkeypatch.setattr(room, name, dies)
        try:
            outbox.drain()
        except Killed:
            outbox._leased.clear()
        monkeypatch.setattr(room, name, act)
        outbox.drain()
    for_some_minutes()
    assert len({(str(one["Message-ID"]), str(one["Date"]), text(one)) for one in letters(house)}) == 1
    assert set(subjects(house, A)) == set(THREE)
    assert ends() == TOGETHER


@pytest.mark.both_databases
def test_a_folder_that_goes_on_between_two_tries_is_named_no_more_and_the_letter_stays_the_same(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_an_answer(monkeypatch)
    with at(MONDAY, 10):
        visa(house, folders)
        outbox.drain()
    assert named(letters(house)[0]) == folders
    with at(MONDAY, 10, 1):
        decide.reject(
            house.actor(A), folders[0], version=house.folder(folders[0]).version, reason="Pas pour nous."
        )
    for_some_minutes()
    first, second = letters(house)
    assert named(second) == folders[1:]
    assert first["Message-ID"] == second["Message-ID"], "a mailbox that has the first takes no other"
    assert ends()[f"done {together.TOLD}"] == 2
    assert not any(end.startswith(("pending", "running", "parked")) for end in ends())


@pytest.mark.both_databases
@pytest.mark.parametrize("left", [0, 1])
def test_what_its_reader_reads_no_more_when_the_letter_leaves_is_not_named(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    claim = together.claim

    def closes(row: outbox.Row) -> Any:
        tells = claim(row)
        if together.is_of_batch(row):
            with writing() as db, db.begin():
                closed = sa.update(Folder).where(Folder.id.in_(folders[left:]))
                db.execute(closed.values(sources={"read_as": "pes_payroll"}))
        return tells

    monkeypatch.setattr(together, "claim", closes)
    with at(MONDAY, 10):
        visa(house, folders)
        outbox.drain()
    for_some_minutes()
    assert [named(one) for one in letters(house) if "Facture" in text(one)] == []
    assert len(letters(house)) == 3, "each is told by a letter of its own"
    assert sum("1 facture" in text(one) for one in letters(house)) == left
    assert not any(end.startswith(("pending", "running", "parked")) for end in ends())


def test_a_discreet_folder_is_told_by_the_letter_that_says_nothing_of_it(
    house: House, folders: list[int]
) -> None:
    with at(MONDAY, 10):
        visa(house, folders)
        with writing() as db, db.begin():
            closed = sa.update(Folder).where(Folder.id == folders[1])
            db.execute(closed.values(sources={"read_as": "pes_payroll"}))
        outbox.drain()
    for_some_minutes()
    assert sorted(len(named(one)) for one in letters(house)) == [1, 2]
    assert [folders[0], folders[2]] in map(named, letters(house))
    (alone,) = [one for one in letters(house) if len(named(one)) == 1]
    assert "facture" not in text(alone).lower()


@pytest.mark.both_databases
def test_two_workers_tell_each_folder_once(house: House, folders: list[int]) -> None:
    with at(MONDAY, 10):
        visa(house, folders)
        gate = Barrier(2)

        def work(turn: int) -> None:
            gate.wait()
            for _ in range(3):
                order = [row.id for row in (*rows(), *rows(own=False))]
                for row_id in order[::turn]:
                    outbox.run(row_id)

        with ThreadPoolExecutor(2) as threads:
            for done in [threads.submit(work, 1), threads.submit(work, -1)]:
                done.result()
    for_some_minutes()
    assert subjects(house, A) == THREE
    assert ends() == TOGETHER


@pytest.mark.both_databases
def test_a_letter_that_comes_back_is_attached_to_each_folder_and_counts_once(
    house: House, folders: list[int]
) -> None:
    with at(MONDAY, 10):
        visa(house, folders)
        outbox.drain()
        (teller,) = rows(own=False)
        answer, mark = bounces.Answer("5.1.1", "550 unknown"), marks.of_address(address(A))
        assert bounces.record(teller.id, answer, mark=mark, returned=True)
        assert not bounces.record(teller.id, answer, mark=mark, returned=True)
    with reading() as db:
        attached = [number for number in db.scalars(sa.select(Bounce.folder_id)) if number is not None]
        assert sorted(attached) == sorted(folders)
        assert db.scalar(sa.select(User.mail_refusals).where(User.login == A)) == 1
    for number in folders:
        page = house.client(A).get(f"/dossiers/{number}?onglet=journal").get_data(as_text=True)
        assert "revenu : 5.1.1" in page


@pytest.mark.both_databases
def test_an_address_that_refuses_has_each_folder_look_by_itself_and_nothing_is_lost(
    house: House, folders: list[int]
) -> None:
    house.mail.refuse[address(A)] = "550 5.1.1 unknown"
    here = house.actor(A).collectivity_id
    with at(MONDAY, 10):
        visa(house, folders)
        outbox.drain()
    for_some_minutes()
    assert Counter(row.state for row in rows()) == {"parked": 2, "done": 1}, "three refusals stop reminders"
    (teller,) = rows(own=False)
    assert (teller.state, teller.last_error) == (
        "done",
        "refusé par le serveur de courriel : chacun de ces dossiers a le sien",
    )
    with reading() as db:
        attached = [number for number in db.scalars(sa.select(Bounce.folder_id)) if number is not None]
        assert sorted(attached) == folders[:2]
    house.mail.refuse.clear()
    house.mail.clear()
    with at(MONDAY, 10, 30):
        with writing() as db, db.begin():
            db.execute(sa.update(User).where(User.login == A).values(mail_refusals=0))
        outbox.retry_all("mail", here)
        outbox.drain()
    assert sorted(map(named, letters(house))) == [[number] for number in folders[:2]]


@pytest.mark.both_databases
def test_words_that_a_server_refuses_for_good_hold_no_folder(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    send, given = mailer.send, []

    def refuses(*arguments: Any) -> None:
        given.append(arguments)
        if len(given) == 1:
            raise smtplib.SMTPDataError(554, b"no")
        send(*arguments)

    monkeypatch.setattr(mailer, "send", refuses)
    with at(MONDAY, 10):
        visa(house, folders)
        outbox.drain()
    for_some_minutes()
    assert sorted(map(named, letters(house))) == [[number] for number in folders]
    assert ends() == {"done sent": 3}


@pytest.mark.both_databases
@pytest.mark.parametrize("first", ["its folders", "the letter"])
def test_a_letter_whose_tries_are_over_leaves_its_folders_and_tells_none_of_them_again(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    send = mailer.send

    def away(*_arguments: Any) -> None:
        raise ConnectionRefusedError

    with at(MONDAY, 10):
        visa(house, folders)
        outbox.run(rows()[0].id)
        (teller,) = rows(own=False)
        monkeypatch.setattr(mailer, "send", away)
        monkeypatch.setitem(outbox._lasting, "mail", -int(outbox._policy["attempts"]) + 1)  # one try
        outbox.run(teller.id)
        assert rows(own=False)[0].state == "parked"
        monkeypatch.setattr(mailer, "send", send)
        if first == "the letter":
            outbox.retry(teller.collectivity_id, teller.id)
            outbox.run(teller.id)
    for_some_minutes()
    with at(MONDAY, 10, 20):
        outbox.retry(teller.collectivity_id, teller.id)
        outbox.drain()
    for_some_minutes(30, 35)
    assert sorted(number for one in letters(house) for number in named(one)) == folders, "each of them once"
    assert not any(end.startswith(("pending", "running", "parked")) for end in ends())


def test_a_letter_that_cannot_be_written_holds_no_folder(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    due, faults = letters_of_rows._turn, [True]

    def fails(*arguments: Any) -> Any:
        if faults and faults.pop():
            raise ValueError("words")
        return due(*arguments)

    monkeypatch.setattr(letters_of_rows, "_turn", fails)
    with at(MONDAY, 10):
        visa(house, folders)
        outbox.drain()
    for_some_minutes()
    assert sorted(map(named, letters(house))) == [[number] for number in folders]


@pytest.mark.both_databases
def test_by_night_it_waits_for_the_morning_as_one_letter(house: House, folders: list[int]) -> None:
    with at(MONDAY, 19, 59):
        visa(house, folders[:2])
    with at(MONDAY, 20, 30):
        outbox.drain()
        assert house.mail.letters == []
    for hour in (6, 7):
        for minute in (0, 1, 2, 3):
            with at(MONDAY + timedelta(days=1), hour, minute):
                outbox.drain()
    assert [named(one) for one in letters(house)] == [folders[:2]]


@pytest.mark.both_databases
def test_who_is_told_with_the_rest_gets_none_of_it(house: House, folders: list[int]) -> None:
    with at(MONDAY, 9, 45):
        choices.choose(house.actor(A), "daily", 480)
    with at(MONDAY, 10):
        visa(house, folders)
        outbox.drain()
        assert house.mail.letters == []
        assert ends() == {f"pending {choices.GROUPED}": 3}
    with at(MONDAY, 10, 1):
        choices.choose(house.actor(A), "now", 480)
        outbox.drain()
    for_some_minutes(2)
    assert subjects(house, A) == THREE


def test_who_is_away_is_told_at_his_return_with_the_rest(house: House, folders: list[int]) -> None:
    me = house.actor(A)
    with at(MONDAY, 9, 45):
        plan(me, Wanted(me.user_id or 0, None, f"{MONDAY}T09:50", f"{MONDAY}T13:59"))
        house.mail.clear()
    with at(MONDAY, 10):
        visa(house, folders)
        outbox.drain()
    for_some_minutes()
    assert letters(house) == []
    for minute in range(8):
        with at(MONDAY, 14, minute):
            outbox.drain()
    assert subjects(house, A) == THREE
    assert named(letters(house)[0]) == [], "that of the return counts all that waits"


@pytest.mark.both_databases
def test_what_a_batch_hands_to_another_desk_is_one_letter_too_with_in_whose_absence(
    house: House, folders: list[int]
) -> None:
    me, cover = house.actor(S), house.actor("r.pellenec")
    with at(MONDAY, 9, 45):
        plan(me, Wanted(me.user_id or 0, cover.user_id, f"{MONDAY}T09:50", f"{MONDAY}T18:00"))
        house.mail.clear()
    with at(MONDAY, 10):
        hand, handed = (
            Hand(house, N),
            {"reason": "Le marché est suivi par la direction.", "desk": "direction"},
        )
        number = hand.propose("hand", folders)
        hand.post(f"/lots/{number}/bureau", {"desk": "direction"})
        hand.post(f"/lots/{number}/commencer", handed)
        outbox.drain()
    for_some_minutes()
    assert house.mail.to(address(S)) == []
    (letter,) = [
        one for one in house.mail.to(address("r.pellenec")) if "dossiers vous attendent" in text(one)
    ]
    assert named(letter) == folders
    assert text(letter).count("en l’absence de Solenn Rivoal") == 3
    assert "il vous faut votre propre mandat" in text(letter)
