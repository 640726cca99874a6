"""An address stands beside its line, which covers a digest of it: it goes at its term, and whoever touches it is found out."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import clock, heartbeat
from app.core.db import engine, reading
from app.core.transaction import use_case
from app.journal import chain, erasing, origins
from app.journal.chain import Event, append, verify
from app.journal.erasing import erase_old
from app.journal.export import CHECKER
from app.journal.models import ChainHead, JournalEntry, Origin
from app.operations import sweep
from tests.builders.house import House

SIREN, DAYS = "212909998", 365
TABLES = [one.__table__ for one in (JournalEntry, Origin, ChainHead)]
K = "k.morizur"
HERE, BROWSER = "203.0.113.7", "Firefox sous Windows"


@use_case
def write(db, collectivity_id: int, *events: Event) -> None:
    append(db, collectivity_id, *events)


def sql(*statements: str) -> None:
    with engine().begin() as connection:
        for one in statements:
            connection.execute(sa.text(one))


def opened(user: int, **place: str) -> Event:
    return Event("login.opened", "Katell Morizur", user, None, {"user": user, "way": "password", **place})


@pytest.fixture
def here(house: House, monkeypatch: pytest.MonkeyPatch) -> int:
    """A journal of five lines: three with an address that is due, due, and not due; one without; one of before."""
    actor = house.actor(K)
    sql("DELETE FROM journal_origin", "DELETE FROM journal_entry", "DELETE FROM chain_head")
    where = {"address": HERE, "client": BROWSER}
    for days, place in ((400, where), (399, {}), (380, where), (100, where)):
        with monkeypatch.context() as then:
            then.setattr(chain, "now", lambda days=days: clock.now() - timedelta(days=days))
            write(actor.collectivity_id, opened(actor.user_id, **place))
    with monkeypatch.context() as before:
        before.setattr(origins, "parted", lambda facts: (facts, None))
        write(actor.collectivity_id, opened(actor.user_id, **where))
    return actor.collectivity_id


@contextmanager
def put_back() -> Iterator[None]:
    """Whatever is altered inside is as it was afterwards."""
    with engine().connect() as connection:
        kept = [[dict(row) for row in connection.execute(sa.select(one)).mappings()] for one in TABLES]
    yield
    with engine().begin() as connection:
        for table, rows in zip(TABLES, kept, strict=True):
            connection.execute(sa.delete(table))
            if rows:
                connection.execute(sa.insert(table), rows)


def verdict(house: House) -> tuple[int, str]:
    done = house.app.test_cli_runner().invoke(args=["journal", "verify"])
    return done.exit_code, done.output.replace("\u00a0", " ")


def judged(house: House, room: Path) -> tuple[int, str]:
    """What a bare Python says of an export made now."""
    done = house.app.test_cli_runner().invoke(args=["journal", "export", "--collectivity", SIREN, str(room)])
    assert done.exit_code == 0, done.output
    said = subprocess.run(
        [sys.executable, "-I", "-S", str(room / CHECKER), str(room / f"journal-{SIREN}.jsonl")],
        capture_output=True,
        text=True,
        env={"LC_ALL": "C.UTF-8"},
    )
    assert said.stderr == ""
    return said.returncode, said.stdout


def seqs() -> list[int]:
    with reading() as db:
        return list(db.scalars(sa.select(Origin.seq).order_by(Origin.seq)))


@pytest.mark.law("PRV-03")
def test_an_address_goes_at_its_term_and_the_chain_holds_before_and_after(
    house: House, here: int, tmp_path: Path
) -> None:
    assert verdict(house) == (0, f"Collectivité {here} : journal intact, 5 écritures.\n")
    assert judged(house, tmp_path / "before")[0] == 0
    with reading() as db:
        heads = list(db.execute(sa.select(JournalEntry.seq, JournalEntry.hash)))
        covered = db.scalars(sa.select(JournalEntry.facts).where(JournalEntry.seq < 5)).all()
    assert HERE not in " ".join(covered)
    assert erase_old(0) == 0  # kept for ever, where it is asked so
    assert seqs() == [1, 3, 4]
    assert erase_old(DAYS) == 2
    assert erase_old(DAYS) == 0  # nothing is left to do, and no line is written
    assert seqs() == [4]
    with reading() as db:
        assert list(db.execute(sa.select(JournalEntry.seq, JournalEntry.hash)))[:5] == heads
        last = db.scalars(sa.select(JournalEntry).where(JournalEntry.seq == 6)).one()
    assert (last.event, json.loads(last.facts)) == (origins.ERASED, {"upto": 3, "days": DAYS, "count": 2})
    code, said = verdict(house)
    assert (code, "journal intact, 6 écritures" in said) == (0, True)
    assert "adresses effacées jusqu’à l’écriture n° 3, " in said
    code, said = judged(house, tmp_path / "after")
    assert (code, "Adresses effacées à leur terme, comme une écriture le dit : 2." in said) == (0, True)
    text = (tmp_path / "after" / f"journal-{SIREN}.jsonl").read_text()
    assert text.count(HERE) == 2  # the one that is not due, and the one of before, which its hash covers


def test_what_became_of_an_address_is_told_in_french_wherever_lines_are_read(
    house: House, here: int, tmp_path: Path
) -> None:
    erase_old(DAYS)
    client = house.client(K)  # who enters leaves a line, with his own address
    page = client.get("/administration/journal").get_data(as_text=True).replace("\u00a0", " ")
    assert page.count("adresse effacée le ") == 2
    assert "2 adresses de plus de 365 jours, jusqu’à l’écriture n° 3" in page
    assert page.count(f"adresse {HERE}") == 2
    assert "Adresses du journal effacées" in page
    table = client.get("/administration/journal.csv").get_data(as_text=True)
    rows = list(csv.reader(io.StringIO(table), delimiter=";"))
    assert sum("adresse effacée le" in one[4] for one in rows) == 2
    mine = client.get("/compte/activite").get_data(as_text=True)
    assert mine.count("adresse effacée le ") == 2
    done = house.app.test_cli_runner().invoke(args=["person", "export", SIREN, K, str(tmp_path / "k.json")])
    assert done.exit_code == 0, done.output
    kept = {one["seq"]: one for one in json.loads((tmp_path / "k.json").read_text())["journal"]}
    assert kept[1]["facts"]["address"].startswith("effacée le ")
    assert (kept[4]["facts"]["address"], kept[4]["facts"]["client"]) == (HERE, BROWSER)
    assert kept[5]["facts"]["address"] == HERE
    assert all(origins.COVERED not in one["facts"] for one in kept.values())


def early(house: House) -> None:
    """Somebody who knows the rule takes an address away before its time, and says so in a line of the chain."""
    facts = {"upto": 4, "days": DAYS, "count": 1}
    write(house.actor(K).collectivity_id, Event(origins.ERASED, erasing.BY, None, None, facts))
    sql("DELETE FROM journal_origin WHERE seq = 4")


def put(seq: int) -> str:
    return (
        "INSERT INTO journal_origin (collectivity_id, seq, salt, address, client) "
        f"SELECT collectivity_id, {seq}, 'ab', '{HERE}', '' FROM journal_entry WHERE seq = {seq}"
    )


TOUCHED: dict[str, tuple[Callable[[House], object], int, str]] = {
    "the address": (
        lambda _: sql("UPDATE journal_origin SET address = '198.51.100.1' WHERE seq = 4"),
        4,
        "a été modifiée",
    ),
    "the browser": (
        lambda _: sql("UPDATE journal_origin SET client = '' WHERE seq = 4"),
        4,
        "a été modifiée",
    ),
    "the salt": (lambda _: sql("UPDATE journal_origin SET salt = 'ab' WHERE seq = 4"), 4, "a été modifiée"),
    "removed before its time": (
        lambda _: sql("DELETE FROM journal_origin WHERE seq = 4"),
        4,
        "a été ôtée, et aucune",
    ),
    "removed before its time, a line says so": (early, 4, "a été ôtée avant les 365 jours que dit"),
    "back after it went": (lambda _: sql(put(3)), 3, "a été modifiée"),
    "one where there was none": (lambda _: sql(put(2)), 2, "a été ajoutée"),
    "one beside a line of before": (lambda _: sql(put(5)), 5, "a été ajoutée"),
}


def test_who_touches_an_address_is_found_out_here_and_by_a_bare_python(
    house: House, here: int, tmp_path: Path
) -> None:
    with reading() as db:
        first = db.execute(sa.select(Origin.__table__).where(Origin.seq == 1)).mappings().one()
    erase_old(DAYS)
    ways = dict(TOUCHED)
    ways["the very address, put back"] = (
        lambda _: _insert(dict(first)),
        1,
        "la dit effacée",
    )
    for rank, (name, (touch, number, words)) in enumerate(ways.items()):
        with put_back():
            touch(house)
            code, said = verdict(house)
            assert (code, f"journal altéré à l’écriture n° {number} : " in said) == (1, True), (name, said)
            assert words in said, (name, said)
            code, said = judged(house, tmp_path / str(rank))
            assert (code, f"l’écriture n° {number} " in said, words in said) == (1, True, True), (name, said)
    assert verdict(house)[0] == 0


def test_what_was_altered_or_removed_before_its_term_is_told_for_ever_after_it(
    house: House, here: int, tmp_path: Path
) -> None:
    sql(
        "UPDATE journal_origin SET address = '198.51.100.66' WHERE seq = 1",
        "DELETE FROM journal_origin WHERE seq = 3",
    )
    client, room = house.client(K), tmp_path / "k.json"
    said = [client.get(f"/administration/journal{form}").get_data(as_text=True) for form in ("", ".csv")]
    said.append(client.get("/compte/activite").get_data(as_text=True))
    assert house.app.test_cli_runner().invoke(args=["person", "export", SIREN, K, str(room)]).exit_code == 0
    for one in (*said, room.read_text()):
        assert one.count("198.51.100.66") == one.count("198.51.100.66 (altérée)") == 1
    assert erase_old(DAYS) == 1
    with reading() as db:
        told = db.scalars(sa.select(JournalEntry.facts).where(JournalEntry.event == origins.ERASED)).one()
    assert json.loads(told) == {"upto": 3, "days": DAYS, "count": 1, "altered": [1], "missing": [3]}
    for number, words in (
        (1, "avait été modifiée avant d’être effacée"),
        (3, "avait été ôtée, sans qu’aucune"),
    ):
        with reading() as db:
            beside = origins.Beside(origins.erasures(db, here))
            for row in chain.entries(db, here, after=number - 1):
                beside.see(row)
        assert beside.wrong is not None
        assert (beside.wrong[0], words in beside.wrong[1]) == (number, True)
    code, said_now = verdict(house)
    assert (code, "altéré à l’écriture n° 1 : " in said_now, "avait été modifiée" in said_now) == (
        1,
        True,
        True,
    )
    code, said_now = judged(house, tmp_path / "after")
    assert (code, "l’écriture n° 1 " in said_now, "avait été modifiée" in said_now) == (1, True, True)
    page = client.get("/administration/journal").get_data(as_text=True).replace("\u00a0", " ")
    assert "modifiée avant : n° 1, ôtée avant sans le dire : n° 3" in page
    assert page.count("altérée avant d’être effacée") == 1
    # And it hides no line that is altered since
    sql("UPDATE journal_entry SET who = 'Personne' WHERE seq = 4")
    assert "altéré à l’écriture n° 4 : " in verdict(house)[1]


def test_an_erasing_that_no_sweep_writes_is_named_and_each_delay_is_told(
    house: House, here: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = {"upto": 4, "days": 1, "count": 3}
    wrong: list[dict[str, object]] = [
        *({**true, "days": days} for days in (0, -5, 10**12, 3651, "3", 3.5, True, None, [], {})),
        *({**true, "upto": upto} for upto in (0, 6, 10**30, "4", 4.0, True, None)),
        *({**true, "count": count} for count in (-1, "3", True, None)),
        *({**true, name: value} for name in origins.DOUBTFUL for value in (1, ["1"], {"1": 1}, None)),
        {},
    ]
    client = house.client(K)
    sql(  # who entered left his own lines
        "DELETE FROM journal_origin WHERE seq > 5",
        "DELETE FROM journal_entry WHERE seq > 5",
        "UPDATE chain_head SET seq = 5, hash = (SELECT hash FROM journal_entry WHERE seq = 5)",
    )
    for rank, facts in enumerate(wrong):
        with put_back():
            write(here, Event(origins.ERASED, erasing.BY, None, None, facts))
            code, said = verdict(house)
            assert (code, "altéré à l’écriture n° 6 : " in said) == (1, True), (facts, said)
            assert "n’est pas un effacement tel que Paraphe les écrit" in said
            assert client.get("/administration/journal").status_code == 200, facts
            if rank % 3 == 0:
                code, said = judged(house, tmp_path / str(rank))
                assert (code, "n’est pas un effacement tel que Paraphe les écrit" in said) == (1, True), facts
    with put_back():
        write(here, Event(origins.ERASED, erasing.BY, None, None, {**true, "count": 2}))
        sql("DELETE FROM journal_origin")
        code, said = verdict(house)
        assert (code, "dit 2 adresses effacées ou ôtées, et 3 le sont" in said) == (1, True)
        assert "dit 2 adresses effacées ou ôtées, et 3 le sont" in judged(house, tmp_path / "count")[1]
    assert erase_old(DAYS) == 2
    with monkeypatch.context() as then:
        then.setattr(chain, "now", lambda: clock.now() - timedelta(hours=9))
        write(here, opened(house.actor(K).user_id))
    assert erase_old(1) == 1
    code, said = verdict(house)
    assert (code, "n° 3, " in said, "après 365 jours" in said) == (0, True, True)
    assert ("n° 4, " in said, "après 1 jour." in said) == (True, True)
    code, said = judged(house, tmp_path / "delays")
    assert (code, "Le terme est de 365 jours, jusqu’au n° 3" in said) == (0, True)
    assert "Le terme est de 1 jour, jusqu’au n° 4" in said


def test_an_address_beside_no_line_is_named(house: House, here: int) -> None:
    sql(
        "INSERT INTO journal_origin (collectivity_id, seq, salt, address, client) "
        f"VALUES ({here}, 900, 'ab', '6.6.6.6', '')"
    )
    code, said = verdict(house)
    assert (code, "une adresse est à côté de la ligne 900, qui n’existe pas" in said) == (1, True)
    assert erase_old(DAYS) == 2
    assert 900 in seqs()  # it stays, to be named


def _insert(row: dict[str, object]) -> None:
    with engine().begin() as connection:
        connection.execute(sa.insert(Origin.__table__), [row])


def test_no_act_says_of_itself_the_word_that_covers_its_address(
    house: House, here: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = Event("invoice.account_called", "Katell Morizur", None, None, {"origin": "l’annuaire"})
    with pytest.raises(ValueError, match="origin"):
        write(here, called)
    # A line written so before that was refused covers no address, here and for a bare Python, and its word is read
    with monkeypatch.context() as before:
        before.setattr(origins, "parted", lambda facts: (facts, None))
        write(here, called)
    assert verdict(house) == (0, f"Collectivité {here} : journal intact, 6 écritures.\n")
    assert judged(house, tmp_path)[0] == 0
    with reading() as db:
        row = db.scalars(sa.select(JournalEntry).where(JournalEntry.seq == 6)).one()
        assert list(origins.as_read(db, [row])) == [(row, {"origin": "l’annuaire"})]


def test_killed_between_two_batches_what_went_has_its_line_and_the_rest_goes_next_time(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "BATCH", 1)
    with monkeypatch.context() as dying:
        told = []

        def last_words(db, collectivity_id: int, event: Event) -> None:
            if told:
                raise KeyboardInterrupt
            told.append(append(db, collectivity_id, event))

        dying.setattr(erasing, "append", last_words)
        with pytest.raises(KeyboardInterrupt):
            erase_old(DAYS)
    assert seqs() == [3, 4]
    with reading() as db:
        assert verify(db, here) == (6, None)
    assert erase_old(DAYS) == 1
    assert seqs() == [4]
    with reading() as db:
        assert verify(db, here) == (7, None)


def test_a_clock_that_was_wrong_makes_an_address_wait_and_never_leave_early(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = house.actor(K)
    sql("DELETE FROM journal_origin", "DELETE FROM journal_entry", "DELETE FROM chain_head")
    where = {"address": HERE}
    for days, place in (
        (400, where),
        (120, {}),
        (10, where),
        (390, where),
    ):  # the last by a clock gone backwards
        with monkeypatch.context() as then:
            then.setattr(chain, "now", lambda days=days: clock.now() - timedelta(days=days))
            write(here, opened(actor.user_id, **place))
    assert erase_old(DAYS) == 1
    assert seqs() == [3, 4]
    with reading() as db:
        assert verify(db, here)[1] is None


def ahead(then: pytest.MonkeyPatch, days: float, *rooms: object) -> None:
    for one in rooms:
        then.setattr(one, "now", lambda: clock.now() + timedelta(days=days))


def test_a_clock_that_leaps_ahead_erases_nothing_and_stops_no_sweep_for_good(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep.outbox, "watch", lambda: None)
    round_ = sweep.watch(30, DAYS)
    with monkeypatch.context() as leapt:
        ahead(leapt, 400, sweep, erasing, chain)
        assert (erase_old(DAYS), erasing.believed(DAYS)) == (0, False)
        assert "attendent" in erasing.waits(DAYS, heartbeat.last(heartbeat.SWEEP))[0]
        round_()  # its beat is of a day to come
        write(here, opened(house.actor(K).user_id, address=HERE))
        assert erase_old(DAYS) == 0  # nor when lines of this clock are there
    assert seqs() == [1, 3, 4, 6]
    with reading() as db:
        assert verify(db, here)[1] is None
    told = " ".join(erasing.waits(DAYS, heartbeat.last(heartbeat.SWEEP)))
    assert "l’écriture n° 6 du journal est datée d’un jour à venir" in told
    assert "le dernier balayage est daté d’un jour à venir" in told
    doctor = house.app.test_cli_runner().invoke(args=["doctor", "--only", "travail de fond"])
    assert (doctor.exit_code, "signe de vie" in doctor.output) == (1, True)
    heartbeat.beat("worker", clock.now())
    doctor = house.app.test_cli_runner().invoke(args=["doctor", "--only", "travail de fond"])
    assert (doctor.exit_code, "datée d’un jour à venir" in doctor.output.replace("\u00a0", " ")) == (0, True)
    round_()  # the clock is right again: the sweep does not wait for that day
    assert seqs() == [4, 6]
    assert abs((heartbeat.last("sweep") or clock.now()) - clock.now()) < timedelta(minutes=5)


def test_a_line_of_a_day_to_come_goes_with_the_next_and_both_verifiers_agree(
    house: House, here: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    user = house.actor(K).user_id
    with monkeypatch.context() as then:
        ahead(then, 4000, chain)
        write(here, opened(user, address=HERE))
    write(here, opened(user, address=HERE))
    with monkeypatch.context() as later:
        ahead(later, 200, chain)
        write(here, opened(user))
        ahead(later, 364, chain, erasing)
        assert erase_old(DAYS) == 3  # what was written before; not the one whose date is not known yet
        assert seqs() == [6, 7]
        ahead(later, 366, chain, erasing)
        assert erase_old(DAYS) == 2
    assert verdict(house)[0] == 0, verdict(house)
    assert judged(house, tmp_path / "after")[0] == 0
