"""The end of a certificate or of a mandate is told 60, 30 and 7 days before, to its owner and to administrators, once each."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from html import unescape
from threading import Barrier

import pytest
import sqlalchemy as sa
import time_machine

from app.core import outbox
from app.core.clock import PARIS, today
from app.core.db import reading
from app.core.french import jour_long
from app.core.outbox import Outbox
from app.people.mandates import end_mandate
from app.signing import enrol, expiry
from app.signing.models import Certificate
from tests.builders.house import House
from tests.builders.mandates import (
    ADMINISTRATOR,
    BY_DELEGATION,
    DEPUTY,
    a_mayor_and_a_deputy,
    of_mayor,
    record,
)
from tests.mailserver import MailServer

pytestmark = pytest.mark.in_turn

A, B, K = (f"{one}@kerlann-sur-mer.example" for one in ("a.kervadec", "b.cadiou", "k.morizur"))


def at(day: date) -> time_machine.travel:
    """That day at the town hall, at nine."""
    return time_machine.travel(datetime.combine(day, time(9), PARIS), tick=True)


def last_day_of_the_certificates() -> date:
    with reading() as db:
        return max(one.astimezone(PARIS).date() for one in db.scalars(sa.select(Certificate.not_after)))


def told(house: House) -> list[tuple[str, str, str]]:
    """The rows written so far: event, to whom, about what."""
    with reading() as db:
        rows = db.scalars(sa.select(Outbox).where(Outbox.kind == "mail").order_by(Outbox.id))
        return [(row.payload["event"], row.recipient or "", row.payload["what"]) for row in rows]


@pytest.mark.law("SIG-06")
def test_a_certificate_is_told_three_times_to_its_owner_and_the_administrator(
    house: House, mail: MailServer
) -> None:
    end = last_day_of_the_certificates()
    for before, fresh in (
        (61, 0),
        (60, 4),
        (60, 0),
        (45, 0),
        (31, 0),
        (30, 4),
        (29, 0),
        (8, 0),
        (7, 4),
        (1, 0),
        (0, 0),
        (-1, 0),
    ):
        with at(end - timedelta(days=before)):
            assert expiry.remind() == fresh, before
            house.drain()
    assert Counter(letter["To"].addresses[0].addr_spec for letter in mail.letters) == {A: 3, B: 3, K: 6}
    owner = next(one for one in mail.letters if one["To"].addresses[0].addr_spec == A)
    words = " ".join(owner.get_body(("plain",)).get_content().split())
    assert f"Votre certificat « Armel KERVADEC » prend fin le {jour_long(end)}." in words
    assert f"{house.settings.public_url}/compte/certificats" in words
    other = next(one for one in mail.letters if one["To"].addresses[0].addr_spec == K)
    words = " ".join(other.get_body(("plain",)).get_content().split())
    assert "Le certificat « Armel KERVADEC » (Armel Kervadec) prend fin" in words
    assert f"{house.settings.public_url}/administration/certificats" in words


def test_after_a_long_stop_what_is_near_is_told_once_and_not_three_times(house: House) -> None:
    with at(last_day_of_the_certificates() - timedelta(days=20)):
        assert expiry.remind() == 4
        assert expiry.remind() == 0


@pytest.mark.both_databases
def test_two_workers_at_the_same_instant_write_each_letter_once(house: House) -> None:
    here, gate = house.actor("a.kervadec").collectivity_id, Barrier(2)

    def look() -> int:
        gate.wait()
        return expiry.remind_in(here)

    with at(last_day_of_the_certificates() - timedelta(days=30)), ThreadPoolExecutor(2) as threads:
        counts = [one.result() for one in [threads.submit(look), threads.submit(look)]]
    assert sorted(counts) == [0, 4]
    assert len(told(house)) == 4


def test_a_certificate_that_was_withdrawn_worries_nobody(house: House) -> None:
    actor = house.actor("a.kervadec")
    with reading() as db:
        (row,) = enrol.certificates_of(db, actor.user_id or 0)
    enrol.withdraw(actor, row.id)
    with at(last_day_of_the_certificates() - timedelta(days=7)):
        assert expiry.remind() == 2
    assert {what for _, _, what in told(house)} == {"Bleuenn CADIOU"}


def test_the_watchdog_of_the_worker_looks_by_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "_looked", {})  # as in a process that has just begun
    with at(last_day_of_the_certificates() - timedelta(days=60)):
        outbox.watch()
        assert len(told(house)) == 4
        outbox.watch()
        assert len(told(house)) == 4


def test_the_end_of_the_mayor_is_told_for_every_delegation_that_falls_with_it(house: House) -> None:
    mayor, _ = a_mayor_and_a_deputy(house)
    end = today() + timedelta(days=200)
    end_mandate(house.actor(ADMINISTRATOR), mayor, last_day=end, reason="Démission acceptée")
    deputy = f"{DEPUTY}@kerlann-sur-mer.example"
    # At once to those who will sign no more, each for his own; who ended it knows it
    assert told(house) == [("mandate_ended", A, "Le maire"), ("mandate_ended", deputy, BY_DELEGATION)]
    house.drain()
    letters = {letter["To"].addresses[0].addr_spec: letter for letter in house.mail.letters}
    texts = {
        to: " ".join(letter.get_body(("plain",)).get_content().split()) for to, letter in letters.items()
    }
    day = jour_long(end)
    assert f"Votre mandat « Le maire » prend fin le {day} : après ce jour, vous ne signez plus" in texts[A]
    assert f"« {BY_DELEGATION} » prend fin le {day} avec celui dont il vient, « Le maire »" in texts[deputy]
    assert all("Motif : Démission acceptée" in text for text in texts.values())
    with at(end - timedelta(days=60)):
        assert expiry.remind() == 4
        assert expiry.remind() == 0
    assert {row for row in told(house) if row[0] == "mandate_ends"} == {
        ("mandate_ends", A, "Le maire"),
        ("mandate_ends", K, "Le maire"),
        ("mandate_ends", deputy, BY_DELEGATION),
        ("mandate_ends", K, BY_DELEGATION),
    }
    # brought forward, the end is another one; put to an end at once, it is none
    end_mandate(
        house.actor(ADMINISTRATOR), mayor, last_day=end - timedelta(days=30), reason="Fin de ses fonctions"
    )
    with at(end - timedelta(days=60)):
        assert expiry.remind() == 4
        end_mandate(house.actor(ADMINISTRATOR), mayor, reason="Fin de ses fonctions")
    with at(end):
        assert expiry.remind() == 0


@pytest.mark.parametrize("page", ["/a-traiter", "/compte", "/compte/certificats"])
def test_the_owner_reads_it_on_his_own_pages_and_nobody_else(house: House, page: str) -> None:
    end = today() + timedelta(days=100)
    record(house, of_mayor(house, ends_on=end))
    words = f"Votre mandat « Le maire » prend fin le {jour_long(end)}."

    def reads(login: str) -> bool:
        text = unescape(house.client(login).get(page).get_data(as_text=True))
        return words.replace("« ", "«\u00a0").replace(" »", "\u00a0»") in text or words in text

    with at(end - timedelta(days=61)):
        assert not reads("a.kervadec")
    with at(end - timedelta(days=60)):
        assert reads("a.kervadec")
        assert not reads("n.abgrallec")
    with at(end + timedelta(days=1)):
        assert not reads("a.kervadec")
