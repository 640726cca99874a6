"""A chain rewritten from its first line, every hash made again, is found out by what was noted elsewhere."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.db import engine
from app.core.transaction import use_case
from app.journal.chain import GENESIS, Event, append, digest
from app.journal.models import ChainHead, JournalEntry
from app.people import desks
from tests.builders.house import House

ENTRY, HEAD = JournalEntry.__table__, ChainHead.__table__
NAMES = ("folder_id", "at", "who", "user_id", "event", "facts")


@use_case
def write(db, collectivity_id: int, *names: str) -> None:
    append(db, collectivity_id, *(Event(name, "Solenn Rivoal", 3, None, {}) for name in names))


@pytest.fixture
def here(house: House) -> int:
    """A collectivity whose journal has four lines."""
    with engine().begin() as connection:
        connection.execute(sa.delete(ENTRY))
        connection.execute(sa.delete(HEAD))
    place = house.actor("s.rivoal").collectivity_id
    write(place, "un", "deux", "trois", "quatre")
    return place


def rewrite(place: int, seq: int = 1, *, cut: int = 0) -> None:
    """What somebody with the whole base could do: change a line, forget the last, and make every hash again."""
    with engine().begin() as connection:
        lines = list(
            connection.execute(
                sa.select(ENTRY).where(ENTRY.c.collectivity_id == place).order_by(ENTRY.c.seq)
            ).mappings()
        )
        if cut:
            connection.execute(sa.delete(ENTRY).where(ENTRY.c.seq > len(lines) - cut))
            lines = lines[:-cut]
        previous = GENESIS
        for line in lines:
            said = {name: line[name] for name in NAMES}
            if line["seq"] == seq and not cut:
                said["who"] = "Quelqu’un d’autre"
            hashed = digest(previous, place, line["seq"], said)
            connection.execute(
                sa.update(ENTRY)
                .where(ENTRY.c.id == line["id"])
                .values(who=said["who"], previous=previous, hash=hashed)
            )
            previous = hashed
        connection.execute(sa.update(HEAD).values(seq=len(lines), hash=previous))


def run(house: House, *arguments: str) -> tuple[int, str]:
    done = house.app.test_cli_runner().invoke(args=["journal", *arguments])
    return done.exit_code, done.output


def test_each_collectivity_has_its_line(house: House, here: int) -> None:
    desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    code, said = run(house, "head")
    assert code == 0
    with engine().connect() as connection:
        heads = connection.execute(sa.select(HEAD.c.collectivity_id, HEAD.c.seq, HEAD.c.hash)).all()
    ((seq, hashed),) = [(one.seq, one.hash) for one in heads if one.collectivity_id == here]
    ((theirs, last),) = [(one.seq, one.hash) for one in heads if one.collectivity_id != here]
    lines = [line.split() for line in said.splitlines()]
    assert [line[1:3] for line in lines] == [[str(seq), hashed], [str(theirs), last]]
    assert lines[1][0] == "219909997"
    assert all(line[3].endswith("Z") for line in lines)


def test_a_journal_that_only_grew_agrees_with_what_was_noted(house: House, here: int, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("# gardé au coffre\n\n" + run(house, "head")[1])
    write(here, "cinq")
    kept.write_text(kept.read_text() + run(house, "head")[1])
    code, said = run(house, "verify", "--against", str(kept))
    assert (code, "2 lignes, le journal les porte encore" in said) == (0, True), said


@pytest.mark.parametrize("seq", [1, 3, 4])
def test_a_chain_rewritten_whole_holds_alone_and_not_against_what_was_noted(
    house: House, here: int, tmp_path: Path, seq: int
) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(run(house, "head")[1])
    write(here, "cinq")
    kept.write_text(kept.read_text() + run(house, "head")[1])
    rewrite(here, seq)
    assert run(house, "verify")[0] == 0
    code, said = run(house, "verify", "--against", str(kept))
    assert code == 1
    assert "Repères : ligne 1, collectivité" in said
    assert "réécrit à l’écriture n° 4 notée le 20" in said


def test_a_line_that_still_agrees_bounds_what_was_rewritten(house: House, here: int, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(run(house, "head")[1])
    write(here, "cinq", "six")
    kept.write_text(kept.read_text() + run(house, "head")[1])
    rewrite(here, 5)
    code, said = run(house, "verify", "--against", str(kept))
    assert (code, "Repères : ligne 2, collectivité" in said) == (1, True), said


def test_a_journal_cut_short_and_closed_again_is_found_out(house: House, here: int, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(run(house, "head")[1])
    rewrite(here, cut=1)
    assert run(house, "verify")[0] == 0
    code, said = run(house, "verify", "--against", str(kept))
    assert (code, "l’écriture n° 4 notée le" in said, "n’est plus dans le journal" in said) == (1, True, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("219900001 4 abc 2026-11-25T00:00:00Z\n", "ce n’est pas une ligne de « journal head »"),
        (f"999999999 4 {'a' * 64} 2026-11-25T00:00:00Z\n", "la collectivité 999999999 n’existe plus"),
        ("", "aucune ligne à comparer"),
    ],
)
def test_what_says_nothing_is_no_agreement(
    house: House, here: int, tmp_path: Path, text: str, words: str
) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text(text)
    code, said = run(house, "verify", "--against", str(kept))
    assert (code, words in said) == (1, True), said


def test_a_number_that_no_entry_can_have_is_not_there(house: House, here: int, tmp_path: Path) -> None:
    siren = run(house, "head")[1].split()[0]
    kept = tmp_path / "kept.txt"
    kept.write_text(f"{siren} 9999999999 {'a' * 64}\n")
    assert run(house, "verify", "--against", str(kept))[0] == 1
