"""What became of several folders at one moment is one letter; nothing is lost on the way, and nothing told twice."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import now
from app.core.db import reading, writing
from app.core.outbox import News, Outbox, post
from app.folders import pause
from app.folders.models import Folder
from app.notices import mailer, together
from tests.builders.house import House
from tests.notices.test_digests import MONDAY, G, at, subjects, words

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
