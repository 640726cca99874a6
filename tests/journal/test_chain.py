"""Whoever touches a line of the journal is found out, and the line is named."""

import pytest
import sqlalchemy as sa

from app.core.db import engine, reading
from app.journal.chain import verify
from tests.builders.house import House


def alter(*statements: str) -> None:
    with engine().begin() as connection:
        for one in statements:
            connection.execute(sa.text(one))


def verdict(house: House) -> tuple[int, str]:
    runner = house.app.test_cli_runner()
    done = runner.invoke(args=["journal", "verify"])
    return done.exit_code, done.output


@pytest.fixture
def written(house: House) -> House:
    house.an_invoice(at="finance")
    return house


def test_an_intact_journal_is_said_intact(written: House) -> None:
    code, said = verdict(written)
    assert code == 0
    assert "journal intact" in said


@pytest.mark.parametrize(
    ("statements", "line", "words"),
    [
        (["UPDATE journal_entry SET who = 'Quelqu’un d’autre' WHERE seq = 3"], 3, "a été modifiée"),
        (["UPDATE journal_entry SET facts = '{}' WHERE seq = 4"], 4, "a été modifiée"),
        (["DELETE FROM journal_entry WHERE seq = 3"], 3, "manque"),
        (
            ["DELETE FROM journal_entry WHERE seq = (SELECT MAX(seq) FROM journal_entry)"],
            None,
            "à la fin du journal",
        ),
        (
            [
                "UPDATE journal_entry SET seq = -1 WHERE seq = 3",
                "UPDATE journal_entry SET seq = 3 WHERE seq = 4",
                "UPDATE journal_entry SET seq = 4 WHERE seq = -1",
            ],
            3,
            "porte le contenu",
        ),
        (["UPDATE chain_head SET hash = 'autre'"], None, "tête de chaîne"),
    ],
    ids=["edited", "facts emptied", "deleted", "truncated", "swapped", "head rewritten"],
)
def test_the_first_line_that_does_not_hold_is_named(
    written: House, statements: list[str], line: int | None, words: str
) -> None:
    alter(*statements)
    code, said = verdict(written)
    assert code == 1
    assert words in said
    if line is not None:
        assert f"l’écriture n° {line}" in said


def test_an_inserted_line_is_found(written: House) -> None:
    alter(
        "UPDATE journal_entry SET seq = seq + 1000 WHERE seq > 3",
        "INSERT INTO journal_entry (collectivity_id, seq, folder_id, at, who, user_id, event, facts, previous, hash) "
        "SELECT collectivity_id, 4, folder_id, at, who, user_id, event, facts, previous, hash FROM journal_entry WHERE seq = 3",
        "UPDATE journal_entry SET seq = seq - 999 WHERE seq > 1000",
    )
    code, said = verdict(written)
    assert code == 1
    assert "n° 4" in said


def test_a_verb_that_fails_writes_no_line(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    before = house.journal(folder_id)
    with pytest.raises(Exception, match="not-your-turn|not-yours"):
        house.approve(folder_id, "b.cadiou")
    assert house.journal(folder_id) == before
    with reading() as db:
        assert verify(db, house.folder(folder_id).collectivity_id)[1] is None
