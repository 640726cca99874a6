"""P15: a word inside documents is found at a cost that does not follow how many there are.

A search by a word, by a seller, by an amount and by two words, for the mayor, with the words of each folder's document
(`WORDS` forms of a vocabulary whose ranks are as those of a language): of a size and of a larger one, and against reading
every text of the collectivity.

`P15_SMALL` and `P15_LARGE` are the sizes: 10,000 and 100,000 folders unless they are given.
"""

import itertools
import os
import random
import time
from functools import partial
from typing import Any

import sqlalchemy as sa

from app.core import db
from app.core.db import reading
from app.display import searching
from app.display.asking import understood
from app.people.actor import Actor
from bench.commune import READER
from bench.ground import KINDS, ground
from bench.measure import Figure, Operations, goal, milliseconds, ratios, side_by_side, steady

SMALL, LARGE = int(os.environ.get("P15_SMALL", "10000")), int(os.environ.get("P15_LARGE", "100000"))
TURNS, WORDS, VOCABULARY = 10, 200, 20_000
GROWTH_BAR, SCAN_BAR = 1.3, 0.25
RARE_WORD, COMMON_WORD = "zygomorphe", "mot0"
SOUGHT = {
    "a rare word": RARE_WORD,
    "a common word": COMMON_WORD,
    "an absent word": "introuvable",
    "two words": f"{RARE_WORD} {COMMON_WORD}",
    "a seller": "arzel",
    "an amount": "> 8 990",
}
RARE_EVERY = 997
"""One folder in so many has the rare word."""


def words_of(dice: random.Random) -> list[str]:
    """The forms of one document: the word of rank r is in about one document in r."""
    return list({f"mot{int(VOCABULARY ** dice.random()) - 1}" for _ in range(WORDS)})


def fill(folders: int) -> None:
    """Give each folder that has none its words."""
    dice = random.Random(folders)
    statement = sa.text(
        "INSERT INTO folder_words (folder_id, collectivity_id, title, documents, notes) VALUES (:n, :k, ' ', :words, ' ')"
    )
    with db.engine().execution_options(writes=True).begin() as connection:
        if connection.scalar(sa.text("SELECT 1 FROM folder_words LIMIT 1")):
            return
        every = connection.execute(sa.text("SELECT id, collectivity_id FROM folder ORDER BY id")).all()
        for start in range(0, len(every), 5_000):
            rows = []
            for number, collectivity_id in every[start : start + 5_000]:
                forms = words_of(dice) + ([RARE_WORD[:-1]] if number % RARE_EVERY == 0 else [])
                rows.append({"n": number, "k": collectivity_id, "words": f" {' '.join(forms)} "})
            connection.execute(statement, rows)
    with db.engine().execution_options(writes=True, isolation_level="AUTOCOMMIT").begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def _search(actor: Actor, sought: str) -> None:
    with reading(actor.collectivity_id) as session:
        searching.search(session, actor, understood(sought), searching.Chosen())


def _scan(actor: Actor, sought: str) -> None:
    statement = sa.text(
        "SELECT folder_id FROM folder_words WHERE collectivity_id = :here AND documents LIKE :word ORDER BY folder_id DESC LIMIT 21"
    )
    with reading(actor.collectivity_id) as session:
        session.execute(statement, {"here": actor.collectivity_id, "word": f"% {sought} %"}).all()


def _asked(url: str, ask: Any, *arguments: Any) -> Operations:
    for _ in itertools.count():
        db.configure(url)
        yield partial(ask, *arguments)


def _measure(kind: str, candidates: dict[str, Operations]) -> list[Figure]:
    rounds = side_by_side(candidates, turns=TURNS)
    figures = []
    for name in SOUGHT:
        note = f"{milliseconds(rounds, f'{name}, many')} against {milliseconds(rounds, f'{name}, few')}"
        figures.append(
            Figure(
                f"{kind} {name}, growth",
                ratios(rounds, f"{name}, many", f"{name}, few"),
                GROWTH_BAR,
                note=note,
            )
        )
    for name in ("a rare word", "two words", "an absent word"):
        note = f"{milliseconds(rounds, f'{name}, many')} against {milliseconds(rounds, 'texts')}"
        figures.append(
            Figure(
                f"{kind} {name}, of every text", ratios(rounds, f"{name}, many", "texts"), SCAN_BAR, note=note
            )
        )
    return figures


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    for kind in KINDS:
        candidates: dict[str, Operations] = {}
        for size, folders in (("few", SMALL), ("many", LARGE)):
            url = place.region(kind, folders)
            db.configure(url)
            started = time.perf_counter()
            fill(folders)
            print(f"{kind}: words of {folders:,} folders in {time.perf_counter() - started:.0f} s")
            actor = place.regions[kind, folders].commune.actors[READER]
            candidates |= {
                f"{name}, {size}": _asked(url, _search, actor, sought) for name, sought in SOUGHT.items()
            }
        candidates["texts"] = _asked(url, _scan, actor, "introuvable")
        for operations in candidates.values():
            for _ in range(3):
                next(operations)()
        figures += steady(partial(_measure, kind, candidates))
    return goal(
        "P15",
        figures,
        f"words of documents, at {SMALL:,} and {LARGE:,} folders, the mayor's commune having a fifth",
    )


if __name__ == "__main__":
    print(run())
