"""Whoever touches a line of the journal is found out, and the line is named."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.journal.chain import Event, append, digest, verify
from app.journal.models import ChainHead, JournalEntry
from app.people import desks
from tests.builders.house import House
from tests.builders.process import ask, environment

ENTRY, HEAD = JournalEntry.__table__, ChainHead.__table__


@use_case
def write(db, collectivity_id: int, *names: str) -> None:
    append(
        db,
        collectivity_id,
        *(Event(name, "Solenn Rivoal", 3, None, {"mot": f"« {name} »"}) for name in names),
    )


def alter(*statements: str) -> None:
    with engine().begin() as connection:
        for one in statements:
            connection.execute(sa.text(one))


def verdict(house: House, *arguments: str) -> tuple[int, str]:
    done = house.app.test_cli_runner().invoke(args=["journal", "verify", *arguments])
    return done.exit_code, done.output


@pytest.fixture
def here(house: House) -> int:
    """A collectivity whose journal has seven lines."""
    alter("DELETE FROM journal_entry", "DELETE FROM chain_head")
    collectivity_id = house.actor("s.rivoal").collectivity_id
    write(collectivity_id, *(f"essai.{n}" for n in range(1, 8)))
    return collectivity_id


@contextmanager
def put_back() -> Iterator[None]:
    """Whatever is altered inside is as it was afterwards."""
    with engine().connect() as connection:
        kept = [
            (table, [dict(row) for row in connection.execute(sa.select(table)).mappings()])
            for table in (ENTRY, HEAD)
        ]
    yield
    with engine().begin() as connection:
        for table, rows in kept:
            connection.execute(sa.delete(table))
            connection.execute(sa.insert(table), rows)


SWAP = (
    "UPDATE journal_entry SET seq = -1 WHERE seq = 3",
    "UPDATE journal_entry SET seq = 3 WHERE seq = 4",
    "UPDATE journal_entry SET seq = 4 WHERE seq = -1",
)
SHIFT = (
    "UPDATE journal_entry SET seq = seq + 1000 WHERE seq > 3",
    "INSERT INTO journal_entry (collectivity_id, seq, folder_id, at, who, user_id, event, facts, previous, hash) "
    "SELECT collectivity_id, 4, folder_id, at, who, user_id, event, facts, previous, hash FROM journal_entry WHERE seq = 3",
    "UPDATE journal_entry SET seq = seq - 999 WHERE seq > 1000",
)
FAULTS = (
    (("UPDATE journal_entry SET who = 'Quelqu’un d’autre' WHERE seq = 3",), 3, "la ligne 3 (« essai.3 »"),
    (("UPDATE journal_entry SET who = 'Quelqu’un d’autre' WHERE seq = 1",), 1, "a été modifiée"),
    (("UPDATE journal_entry SET facts = '{}' WHERE seq IN (4, 6)",), 4, "a été modifiée"),
    (("UPDATE journal_entry SET at = '2020-01-01T00:00:00.000+00:00' WHERE seq = 7",), 7, "a été modifiée"),
    (("UPDATE journal_entry SET user_id = 4 WHERE seq = 5",), 5, "a été modifiée"),
    (("UPDATE journal_entry SET hash = 'autre' WHERE seq = 5",), 5, "a été modifiée"),
    (("DELETE FROM journal_entry WHERE seq = 3",), 3, "la ligne 3 manque"),
    (("DELETE FROM journal_entry WHERE seq < 4",), 1, "les lignes 1 à 3 manquent"),
    (("DELETE FROM journal_entry WHERE seq = 7",), 7, "à la fin du journal"),
    (("DELETE FROM journal_entry WHERE seq > 4",), 5, "il manque les lignes 5 à 7, à la fin du journal"),
    (("DELETE FROM journal_entry",), 1, "il manque les lignes 1 à 7"),
    (SWAP, 3, "porte le contenu de la ligne 4 : des lignes ont été déplacées"),
    (SHIFT, 4, "porte le contenu de la ligne 3"),
    (("UPDATE chain_head SET hash = 'autre'",), 7, "la tête de chaîne ne correspond pas"),
    (("UPDATE chain_head SET seq = 5",), 6, "la ligne 6 a été ajoutée après la tête de chaîne"),
)


def test_an_intact_journal_is_said_intact(house: House, here: int) -> None:
    assert verdict(house) == (0, f"Collectivité {here} : journal intact, 7 écritures.\n")


def test_the_first_line_that_does_not_hold_is_named(house: House, here: int) -> None:
    for statements, line, words in FAULTS:
        with put_back():
            alter(*statements)
            code, said = verdict(house)
            assert code == 1, statements
            assert f"Collectivité {here} : journal altéré à l’écriture n° {line} : " in said, statements
            assert words in said, statements
    assert verdict(house)[0] == 0


def test_a_line_rewritten_with_its_own_hash_breaks_the_next(house: House, here: int) -> None:
    with engine().connect() as connection:
        row = dict(connection.execute(sa.select(ENTRY).where(ENTRY.c.seq == 3)).mappings().one())
    row["facts"] = '{"mot":"réécrit"}'
    row["hash"] = digest(row["previous"], here, 3, row)
    with engine().begin() as connection:
        connection.execute(
            sa.update(ENTRY).where(ENTRY.c.id == row["id"]).values(facts=row["facts"], hash=row["hash"])
        )
    code, said = verdict(house)
    assert code == 1
    assert "l’écriture n° 4" in said
    assert "ne suit pas la précédente" in said


def test_a_real_process_gives_the_same_verdict(house: House, here: int) -> None:
    env = environment(house.settings)
    fine = ask(env, "journal", "verify")
    assert (fine.returncode, fine.stderr) == (0, "")
    assert "journal intact, 7 écritures" in fine.stdout
    alter("DELETE FROM journal_entry WHERE seq = 3")
    broken = ask(env, "journal", "verify")
    assert broken.returncode == 1
    assert "l’écriture n° 3 : la ligne 3 manque" in broken.stdout


def test_each_collectivity_has_its_own_chain(house: House, here: int) -> None:
    other = desks.create_collectivity(
        "213500010", "Ailleurs", department="035", district="1", nature="31", settings={}
    )
    write(other, "essai.1", "essai.2")
    alter(f"UPDATE journal_entry SET who = 'Autre' WHERE seq = 2 AND collectivity_id = {other}")
    code, said = verdict(house)
    assert code == 1
    assert f"Collectivité {here} : journal intact, 7 écritures." in said
    assert f"Collectivité {other} : journal altéré à l’écriture n° 2" in said
    assert verdict(house, "--collectivity", str(here))[0] == 0
    assert verdict(house, "--collectivity", str(other))[0] == 1
    assert verdict(house, "--collectivity", "999")[0] == 1


def test_a_line_moved_to_another_collectivity_breaks_both(house: House, here: int) -> None:
    other = desks.create_collectivity(
        "213500010", "Ailleurs", department="035", district="1", nature="31", settings={}
    )
    alter(
        f"DELETE FROM journal_entry WHERE collectivity_id = {other}",
        f"UPDATE journal_entry SET collectivity_id = {other} WHERE seq = 1",
    )
    code, said = verdict(house)
    assert code == 1
    assert f"Collectivité {here} : journal altéré à l’écriture n° 1 : la ligne 1 manque" in said
    assert f"Collectivité {other} : journal altéré à l’écriture n° 1" in said


def test_a_journal_emptied_with_its_head_is_found_by_what_the_moves_left_elsewhere(house: House) -> None:
    house.an_invoice(at="service_done")
    assert verdict(house)[0] == 0
    alter("DELETE FROM journal_entry", "DELETE FROM chain_head")
    code, said = verdict(house)
    assert code == 1
    assert "toutes les lignes ont disparu" in said


def test_eight_writers_at_once_keep_one_chain_and_a_reader_never_cries_wolf(house: House) -> None:
    here, gate, done = house.actor("s.rivoal").collectivity_id, threading.Barrier(9), threading.Event()
    alter("DELETE FROM journal_entry", "DELETE FROM chain_head")

    def writer(n: int) -> None:
        gate.wait()
        for k in range(10):
            for _ in range(50):  # SQLite under load may say that it is busy: the person clicks again
                try:
                    write(here, f"essai.{n}.{k}", "suite")
                except Refusal:
                    continue
                break

    def reader() -> list[object]:
        gate.wait()
        seen = []
        while not done.is_set():
            with reading() as db:
                seen.append(verify(db, here)[1])
        return seen

    with ThreadPoolExecutor(9) as pool:
        watching = pool.submit(reader)
        for one in [pool.submit(writer, n) for n in range(8)]:
            one.result()
        done.set()
        assert set(watching.result()) == {None}
    with reading() as db:
        assert verify(db, here) == (160, None)
        lines = (
            db.execute(sa.select(ENTRY.c.event).where(ENTRY.c.collectivity_id == here).order_by(ENTRY.c.seq))
            .scalars()
            .all()
        )
    assert set(lines[1::2]) == {"suite"}
    assert sorted(lines[::2]) == sorted(f"essai.{n}.{k}" for n in range(8) for k in range(10))


def test_a_verb_that_fails_writes_no_line(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    before = house.journal(folder_id)
    with pytest.raises(Refusal, match="not-your-turn|not-found"):
        house.approve(folder_id, "b.cadiou")
    assert house.journal(folder_id) == before
    assert verdict(house)[0] == 0
