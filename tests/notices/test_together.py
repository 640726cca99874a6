"""What became of several folders at one moment is one letter; nothing is lost on the way, and nothing told twice."""

import re
import smtplib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.message import EmailMessage
from html import unescape
from threading import Barrier

import pytest
import sqlalchemy as sa
import time_machine

from app.core import outbox
from app.core.clock import now
from app.core.db import Db, engine, reading, writing
from app.core.outbox import News, Outbox, post
from app.folders import pause
from app.folders.models import Folder
from app.notices import bounces, mailer, together
from app.notices.models import Bounce
from app.notices.returns import marks
from app.people.actor import Actor
from app.people.models import User
from tests.builders.house import House
from tests.notices.test_digests import MONDAY, G, address, at, subjects, words

pytestmark = pytest.mark.in_turn
THREE = ["Paraphe : 3 dossiers sont terminés"]


class Killed(BaseException):
    """As if the worker had died there."""


def ended(house: House, folders: list[int], event: str = "done", **more: object) -> None:
    """The letters of a move, to who deposited these folders."""
    user_id, here = house.actor(G).user_id, house.actor(G).collectivity_id
    with writing() as db, db.begin():
        for number in folders:
            payload = {
                "event": event,
                "user_id": user_id,
                "folder_id": number,
                "by": "Armel Kervadec",
                **more,
            }
            post(db, here, [News("mail", f"{event}-{number}-900-{user_id}", payload, number)])


@pytest.fixture
def folders(house: House) -> list[int]:
    with at(MONDAY, 9):
        numbers = [house.a_quick_invoice() for _ in range(3)]
        outbox.drain()
    house.mail.clear()
    return numbers


def ends() -> Counter[str]:
    with reading() as db:
        rows = db.execute(sa.select(Outbox.state, Outbox.last_error).where(Outbox.key.like("%-900-%")))
        return Counter(f"{row.state} {row.last_error or 'sent'}" for row in rows)


def test_what_became_of_several_folders_at_one_moment_is_one_letter(house: House, folders: list[int]) -> None:
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
        assert subjects(house, G) == THREE
        text = words(house, G).replace("\u00a0", " ")
        assert "3 sont arrivés au bout de leur circuit." in text
        assert "Voir ces dossiers : http://127.0.0.1:5000/suivi?etat=done" in text
        assert house.client(G).get("/suivi?etat=done").status_code == 200
        assert ends() == {"done sent": 1, f"done {together.TOLD}": 2}
        assert not any(house.folder(number).title in text for number in folders)
    # One alone says what it said before
    house.mail.clear()
    with at(MONDAY, 11):
        ended(house, folders[:1], "signed")
        outbox.drain()
    assert subjects(house, G) == ["Paraphe : 1 dossier est signé"]
    assert f"/dossiers/{folders[0]}" in words(house, G)


def test_several_events_are_counted_apart_and_what_asks_something_goes_by_itself(
    house: House, folders: list[int]
) -> None:
    with at(MONDAY, 10):
        ended(house, folders[:1], "signed")
        ended(house, folders[1:], "refused")
        ended(house, folders[2:], "receipt_arrived", turn=True)
        outbox.drain()
    assert "Paraphe : 3 dossiers ont avancé" in subjects(house, G)
    assert len(subjects(house, G)) == 2
    (letter,) = [one for one in house.mail.letters if "avancé" in str(one["Subject"])]
    text = " ".join(letter.get_body(("plain",)).get_content().split())
    assert "1 est signé. 2 sont rejetés : le motif se lit dans chacun." in text
    assert "/suivi?etat= " in text


def test_two_events_of_one_folder_are_two_letters(house: House, folders: list[int]) -> None:
    with at(MONDAY, 10):
        ended(house, folders[:1], "signed")
        ended(house, folders[:1], "refused")
        outbox.drain()
    assert sorted(subjects(house, G)) == ["Paraphe : 1 dossier est rejeté", "Paraphe : 1 dossier est signé"]
    assert ends() == {"done sent": 2}
    house.mail.clear()
    with at(MONDAY, 11):
        ended(house, folders[:1], "receipt_arrived")
        ended(house, folders, "done")
        outbox.drain()
    with at(MONDAY, 11, 1):
        outbox.drain()
    told = " ".join(" ".join(one.get_body(("plain",)).get_content().split()) for one in house.mail.letters)
    assert len(house.mail.letters) == 2
    assert not any(end.startswith(("pending", "running")) for end in ends())
    assert "circuit" in told


@pytest.mark.parametrize("held", ["the seconds of who did it", "another hold"])
def test_what_may_still_be_taken_back_is_told_by_no_other_letter(
    house: House, folders: list[int], held: str
) -> None:
    with at(MONDAY, 10):
        ended(house, folders)
        with writing() as db, db.begin():
            if held == "another hold":
                late = sa.update(Outbox).where(Outbox.folder_id == folders[1], Outbox.key.like("%-900-%"))
                db.execute(late.values(available_at=now() + timedelta(seconds=300), last_error="attend"))
            else:
                final = sa.update(Folder).where(Folder.id == folders[1])
                db.execute(final.values(final_at=now() + timedelta(seconds=300)))
        outbox.drain()
        assert "Paraphe : 2 dossiers sont terminés" in subjects(house, G)
        if held == "another hold":
            assert len(house.mail.letters) == 1
    with at(MONDAY, 10, 10):
        outbox.drain()
    assert sorted(subjects(house, G)) == [
        "Paraphe : 1 dossier est terminé",
        "Paraphe : 2 dossiers sont terminés",
    ]


def test_what_is_read_no_more_once_it_was_claimed_is_ended_by_no_letter_that_leaves_it_out(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = together.claim

    def closes(row: outbox.Row) -> Sequence[int]:
        tells = claim(row)
        with writing() as db, db.begin():
            closed = sa.update(Folder).where(Folder.id == folders[2])
            db.execute(closed.values(sources={"read_as": "pes_payroll"}))
        return tells

    monkeypatch.setattr(together, "claim", closes)
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
    with at(MONDAY, 10, 1):
        outbox.drain()
    assert "Paraphe : 2 dossiers sont terminés" in subjects(house, G)
    assert len(house.mail.letters) == 2, "the third is told by the letter that says nothing of it"
    assert ends() == {"done sent": 2, f"done {together.TOLD}": 1}


def test_a_folder_whose_reading_is_closed_is_told_apart(house: House, folders: list[int]) -> None:
    with writing() as db, db.begin():
        db.execute(
            sa.update(Folder).where(Folder.id == folders[0]).values(sources={"read_as": "pes_payroll"})
        )
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
    told = subjects(house, G)
    assert "Paraphe : 2 dossiers sont terminés" in told
    assert not any("1 dossier est terminé" in one for one in told)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_worker_that_dies_on_the_way_neither_loses_nor_repeats_what_is_told_together(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    send = mailer.send

    def dies(*arguments: object) -> None:
        if moment == "after":
            send(*arguments)  # type: ignore[arg-type]
        raise Killed

    monkeypatch.setattr(mailer, "send", dies)
    with at(MONDAY, 10):
        ended(house, folders)
        with pytest.raises(Killed):
            outbox.drain()
    monkeypatch.setattr(mailer, "send", send)
    with at(MONDAY, 10, 5):
        ended(
            house, folders[:1], "signed"
        )  # comes meanwhile: the letter that may have left says nothing more
        outbox.drain()
    with at(MONDAY, 10, 10):
        outbox.drain()
    letters = Counter(str(one["Message-ID"]) for one in house.mail.letters)
    assert len(letters) == 2, "the same letter again, which a mailbox knows, and that of what came later"
    assert set(subjects(house, G)) == {*THREE, "Paraphe : 1 dossier est signé"}
    assert not any(end.startswith(("pending", "running", "parked")) for end in ends())


def test_a_letter_that_is_refused_keeps_none_of_the_others(house: House, folders: list[int]) -> None:
    here = house.actor(G).collectivity_id
    house.mail.refuse["g.trehorel@kerlann-sur-mer.example"] = "550 5.1.1 unknown"
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
    with at(MONDAY, 10, 1):
        outbox.drain()
    assert {end.partition(" ")[0] for end in ends()} == {"parked"}
    house.mail.refuse.clear()
    house.mail.clear()
    with at(MONDAY, 11):
        outbox.retry_all("mail", here)
        outbox.drain()
    with at(MONDAY, 11, 1):
        outbox.drain()
    assert subjects(house, G) == THREE


def test_two_workers_tell_each_folder_once(house: House, folders: list[int]) -> None:
    with at(MONDAY, 10):
        ended(house, folders)
        with reading() as db:
            rows = list(db.scalars(sa.select(Outbox.id).where(Outbox.key.like("%-900-%"))))
        gate = Barrier(2)

        def work(order: list[int]) -> None:
            gate.wait()
            for row_id in order:
                outbox.run(row_id)

        with ThreadPoolExecutor(2) as threads:
            for done in [threads.submit(work, rows), threads.submit(work, rows[::-1])]:
                done.result()
    with at(MONDAY, 10, 1):
        outbox.drain()
    assert subjects(house, G) == THREE
    assert ends() == {"done sent": 1, f"done {together.TOLD}": 2}


def test_a_letter_waits_for_what_goes_on_coming_and_not_for_ever(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pause, "seconds", lambda: 20.0)
    with at(MONDAY, 10):
        began = now()
        ended(house, folders[:2])
        outbox.drain()
    assert house.mail.letters == []
    with at(MONDAY, 10, 1):
        ended(house, folders[2:])
        outbox.drain()
    assert house.mail.letters == [], "the last one is of this moment"
    with at(MONDAY, 10, 2):
        assert now() - began == together.LONGEST == timedelta(minutes=2)
        outbox.drain()
    assert subjects(house, G) == THREE


def rows_of() -> list[int]:
    with reading() as db:
        return list(db.scalars(sa.select(Outbox.id).where(Outbox.key.like("%-900-%")).order_by(Outbox.id)))


def for_some_minutes() -> None:
    """The worker does what is due, as the minutes go by."""
    for minute in range(1, 8):
        with at(MONDAY, 10, minute):
            outbox.drain()


def same_again(house: House) -> bool:
    """Whether all that left is one letter, and the same again: a mailbox that has it drops it."""
    letters = {(str(one["Message-ID"]), str(one["Subject"]), words_of(one)) for one in house.mail.letters}
    return len(letters) == 1 and set(subjects(house, G)) == set(THREE)


def words_of(letter: EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


POINTS = {
    "what it tells is not written": (together, "claim", "before"),
    "what it tells is written": (together, "claim", "after"),
    "it was given": (mailer, "send", "after"),
    "the others have ended": (together, "close", "after"),
    "it has ended": (outbox, "settle", "after"),
}


@pytest.mark.both_databases
@pytest.mark.parametrize("looked", [False, True], ids=["alone", "the others looked meanwhile"])
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_any_step_repeats_the_same_letter_and_no_other(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch, point: str, looked: bool
) -> None:
    room, name, moment = POINTS[point]
    act = getattr(room, name)

    def dies(*arguments: object, **more: object) -> None:
        if moment == "after":
            act(*arguments, **more)
        raise Killed

    with at(MONDAY, 10):
        ended(house, folders)
        monkeypatch.setattr(room, name, dies)
        with pytest.raises(Killed):
            outbox.run(rows_of()[0])
        monkeypatch.setattr(room, name, act)
        outbox._leased.clear()
        if looked:
            outbox.drain()
    for_some_minutes()
    assert same_again(house)
    assert ends() == {"done sent": 1, f"done {together.TOLD}": 2}


def lose_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail server takes the next letter, and its answer is lost: nobody knows whether it did."""
    send, lost = mailer.send, [True]

    def silent(*arguments: object) -> None:
        send(*arguments)  # type: ignore[arg-type]
        if lost and lost.pop():
            raise smtplib.SMTPServerDisconnected("lost")

    monkeypatch.setattr(mailer, "send", silent)


@pytest.mark.both_databases
def test_an_answer_that_is_lost_makes_the_same_letter_leave_again(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_an_answer(monkeypatch)
    monkeypatch.setitem(outbox._policy, "backoff", 2.0)  # shorter than the others wait
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
        began = now()
    for second in range(1, 12):
        with time_machine.travel(began + timedelta(seconds=second), tick=False):
            outbox.drain()
            if second == 1:  # an act on a folder of it: what it told stays so, and is told by it still
                with writing() as db, db.begin():
                    acted = sa.update(Folder).where(Folder.id.in_(folders[:2]))
                    db.execute(acted.values(final_at=now() + timedelta(seconds=60)))
    assert len(house.mail.letters) == 2
    assert same_again(house)
    assert ends() == {"done sent": 1, f"done {together.TOLD}": 2}


@pytest.mark.both_databases
@pytest.mark.parametrize("which", [0, 1], ids=["its own folder", "another"])
def test_a_folder_that_closes_between_two_tries_leaves_none_of_the_others_untold(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    send, busy = mailer.send, [True]

    def later(*arguments: object) -> None:
        if busy and busy.pop():
            raise smtplib.SMTPDataError(451, b"later")
        send(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(mailer, "send", later)
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
    assert house.mail.letters == []
    with writing() as db, db.begin():
        closed = sa.update(Folder).where(Folder.id == folders[which])
        db.execute(closed.values(sources={"read_as": "pes_payroll"}))
    for_some_minutes()
    assert len(house.mail.letters) == 2, "that of the closed one says nothing of it"
    assert "Paraphe : 2 dossiers sont terminés" in subjects(house, G)
    assert ends() == {"done sent": 2, f"done {together.TOLD}": 1}


@pytest.mark.both_databases
def test_a_worker_that_lost_its_row_gives_no_letter_beside_that_of_who_has_it(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = together.claim

    def late(row: outbox.Row) -> Sequence[int]:
        with writing() as db, db.begin():
            db.execute(sa.update(Outbox).where(Outbox.id == row.id).values(owner="another"))
        return claim(row)

    with at(MONDAY, 10):
        ended(house, folders[:2])
        monkeypatch.setattr(together, "claim", late)
        outbox.run(rows_of()[0])
        monkeypatch.setattr(together, "claim", claim)
        assert house.mail.letters == []
        ended(house, folders[2:])
    for_some_minutes()
    assert subjects(house, G) == THREE


def test_a_letter_that_leaves_while_another_row_looks_tells_it_for_good(
    house: House, folders: list[int]
) -> None:
    if engine().dialect.name == "sqlite":
        return  # nothing is written there while somebody claims
    with at(MONDAY, 10):
        ended(house, folders)
        first, second, _ = rows_of()
        teller = outbox.claim(first)
        assert teller is not None
        tells = together.claim(teller)
        row = outbox.claim(second)
        assert row is not None
        together.close(teller, tells)

        asked: list[str] = []

        def leaves(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
            if "FROM outbox" in statement and "outbox.state" in statement:
                asked.append(statement)
                if len(asked) == 1:
                    outbox.settle(teller, "done")

        sa.event.listen(engine(), "after_cursor_execute", leaves)
        with pytest.raises(outbox.Needless):
            together.claim(row)
        sa.event.remove(engine(), "after_cursor_execute", leaves)
        outbox._leased.clear()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_letter_whose_tries_are_over_leaves_the_others_and_then_tells_none_of_them_again(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch, order: tuple[int, int]
) -> None:
    send = mailer.send

    def away(*_arguments: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(mailer, "send", away)
    monkeypatch.setitem(outbox._lasting, "mail", -int(outbox._policy["attempts"]) + 1)  # one try
    here = house.actor(G).collectivity_id
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.run(rows_of()[0])
        outbox.run(rows_of()[1])
        assert [end.partition(" ")[0] for end in sorted(ends())] == ["parked", "pending"]
    # Put back to work at once, while another row of it has claimed what it had left
    outbox.retry_all("mail", here)
    monkeypatch.setattr(mailer, "send", send)
    with at(MONDAY, 10, 1):
        for number in order:
            outbox.run(rows_of()[number])
    for_some_minutes()
    told = sorted(subjects(house, G))
    assert told == ["Paraphe : 1 dossier est terminé", "Paraphe : 2 dossiers sont terminés"]
    assert ends() == {"done sent": 2, f"done {together.TOLD}": 1}


@pytest.mark.both_databases
def test_what_a_letter_put_back_to_work_has_told_is_not_missed_any_more(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    send = mailer.send

    def away(*_arguments: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(mailer, "send", away)
    monkeypatch.setitem(outbox._lasting, "mail", -int(outbox._policy["attempts"]) + 1)  # one try
    with at(MONDAY, 10):
        ended(house, folders)
        for number in rows_of():
            outbox.run(number)
    for_some_minutes()
    assert {end.partition(" ")[0] for end in ends()} == {"parked"}
    monkeypatch.setattr(mailer, "send", send)
    first = rows_of()[0]
    outbox.retry(house.actor(G).collectivity_id, first)
    with at(MONDAY, 10, 30):
        outbox.run(first)
    assert subjects(house, G) == THREE
    assert ends() == {"done sent": 1, f"done {together.TOLD}": 2}


@pytest.mark.parametrize("before", [False, True], ids=["the first time", "given before"])
def test_words_that_a_server_refuses_for_good_hold_none_of_the_others(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    send = mailer.send
    answers = [(451, b"later"), (554, b"no")] if before else [(554, b"no")]

    def refused(*arguments: object) -> None:
        if answers:
            raise smtplib.SMTPDataError(*answers.pop(0))
        send(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(mailer, "send", refused)
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
    if before:
        with at(MONDAY, 10, 1):
            outbox.run(rows_of()[0])
    with reading() as db:
        payload = db.scalars(sa.select(Outbox.payload).where(Outbox.id == rows_of()[0])).one()
    assert payload.get(together.TELLS) == ([rows_of()[0]] if before else None)
    with at(MONDAY, 10, 1):
        late = sa.update(Outbox).where(Outbox.id == rows_of()[0])
        with writing() as db, db.begin():
            db.execute(late.values(available_at=now() + timedelta(seconds=300)))
        with time_machine.travel(now() + timedelta(seconds=6), tick=False):
            outbox.drain()
    assert "Paraphe : 2 dossiers sont terminés" in subjects(house, G), "they wait for it no more"
    for_some_minutes()
    assert len(house.mail.letters) == 2
    assert ends() == {"done sent": 2, f"done {together.TOLD}": 1}


def test_a_letter_that_may_have_left_apart_tells_no_others_once_its_folder_opens(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reads_as(sources: dict[str, str]) -> None:
        with writing() as db, db.begin():
            db.execute(sa.update(Folder).where(Folder.id == folders[0]).values(sources=sources))

    with reading() as db:
        before = dict(db.get_one(Folder, folders[0]).sources)
    lose_an_answer(monkeypatch)
    with at(MONDAY, 10):
        reads_as({"read_as": "pes_payroll"})
        ended(house, folders[:1])
        outbox.drain()
        reads_as(before)
    with at(MONDAY, 10, 1):
        ended(house, folders[1:])
        outbox.drain()
    first, *others = house.mail.letters
    apart = [one for one in others if one["Message-ID"] != first["Message-ID"]]
    assert [str(one["Subject"]).replace("\u00a0", " ") for one in apart] == [
        "Paraphe : 2 dossiers sont terminés"
    ]
    assert ends() == {"done sent": 2, f"done {together.TOLD}": 1}


def test_others_that_a_letter_could_not_end_look_by_themselves_whatever_the_clock_of_who_wrote_them(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(row: outbox.Row, others: Sequence[int]) -> None:
        with writing() as db, db.begin():
            late = sa.update(Outbox).where(Outbox.id.in_(others))
            db.execute(late.values(created_at=now() + timedelta(seconds=90)))
        raise OSError

    monkeypatch.setattr(together, "_close", fails)
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
    for_some_minutes()
    assert subjects(house, G) == THREE
    assert ends() == {"done sent": 1, f"done {together.TOLD}": 2}


def test_a_letter_that_cannot_be_written_holds_none_of_the_others(
    house: House, folders: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told_by, faults = together.told_by, [True]

    def fails(db: Db, actor: Actor, tells: Sequence[int]) -> together.Together | None:
        if faults and faults.pop():
            raise ValueError("words")
        return told_by(db, actor, tells)

    monkeypatch.setattr(together, "told_by", fails)
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.run(rows_of()[0])
        outbox.drain()
    assert subjects(house, G) == ["Paraphe : 2 dossiers sont terminés"]
    for_some_minutes()
    assert ends() == {"done sent": 2, f"done {together.TOLD}": 1}


def test_a_letter_that_comes_back_is_attached_to_each_folder_that_it_told_and_counts_once(
    house: House, folders: list[int]
) -> None:
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
        answer, mark = bounces.Answer("5.1.1", "550 unknown"), marks.of_address(address(G))
        assert bounces.record(rows_of()[0], answer, mark=mark, returned=True)
        assert not bounces.record(rows_of()[0], answer, mark=mark, returned=True), (
            "a report that is read again"
        )
    with reading() as db:
        assert sorted(db.scalars(sa.select(Bounce.folder_id))) == sorted(folders)
        assert db.scalar(sa.select(User.mail_refusals).where(User.login == G)) == 1
    assert ends() == {"done revenu : 5.1.1 550 unknown": 3}
    for number in folders:
        page = house.client(G).get(f"/dossiers/{number}?onglet=journal").get_data(as_text=True)
        assert "revenu : 5.1.1" in page
        assert together.TOLD not in page


def letters_shown(house: House, folder_id: int) -> list[str]:
    page = unescape(house.client(G).get(f"/dossiers/{folder_id}?onglet=journal").get_data(as_text=True))
    lines = re.findall(r'<li class="([^"]*)">\s*<svg.*?</svg>\s*<div>(.*?)</div>\s*</div>', page, re.DOTALL)
    told = [
        f"{state} {' '.join(re.sub('<[^>]*>', ' ', text).replace(chr(160), ' ').split())}"
        for state, text in lines
    ]
    return [one for one in told if "Terminé, à" in one]


def test_the_page_of_a_folder_says_that_its_letter_was_told_with_others_and_that_this_one_came_back(
    house: House, folders: list[int]
) -> None:
    with at(MONDAY, 10):
        ended(house, folders)
        outbox.drain()
        shown = [letters_shown(house, number) for number in folders]
        told = "Dit avec d’autres dossiers, dans un seul courriel"
        assert [len(one) for one in shown] == [1, 1, 1]
        assert sum("Accepté par le serveur de courriel, lun. 4 janv." in one for (one,) in shown) == 1
        both = [one for (one,) in shown if told in one]
        assert len(both) == 2
        for one in both:
            assert re.match(rf" Terminé, à Gwenola Tréhorel {told}, lun. 4 janv., 10 h", one)
        with reading() as db:
            teller = db.scalar(
                sa.select(Outbox.id).where(Outbox.key.like("%-900-%"), Outbox.last_error.is_(None))
            )
        assert teller is not None
        bounces.record(teller, bounces.Answer("5.1.1", "550 unknown"), mark="", returned=True)
        shown = [letters_shown(house, number) for number in folders]
    assert not any("Non envoyé" in one for (one,) in shown)
    for (one,) in shown:
        assert one.startswith("t-danger ")
        assert "lun. 4 janv., 10 h" in one
        assert one.endswith("puis revenu : 5.1.1 550 unknown")
    assert sum("Dit avec d’autres dossiers" in one for (one,) in shown) == 2
