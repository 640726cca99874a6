"""P9: a word looked for costs at most a quarter of reading every title, and no word costs more than 1.2 of it.

The product's own statement of « Suivi », for the mayor, against the statement that one writes first: every title of the
collectivity without accents (`unaccent`) and in small letters, newest first, as many as a page; SQLite, which has no such
function, compares the small letters of ASCII alone, which is cheaper. Neither looks at who may read. A word that many
titles bear is held to 1.2 of a reading that goes to the end, and a page farther on against the first. The goal was set at
a million folders (`P9_FOLDERS=1000000`), where reading every title takes ten times longer than at the size of `make bench`.
"""

import itertools
import os
from functools import partial
from typing import Any

import sqlalchemy as sa

from app.core import db
from app.core.db import reading
from app.display import following
from app.people.actor import Actor
from bench.commune import READER
from bench.ground import KINDS, LARGE, ground
from bench.measure import Figure, Operations, goal, milliseconds, ratios, side_by_side, steady
from bench.region import RARE

TURNS, FOLDERS = 20, int(os.environ.get("P9_FOLDERS", LARGE))
WORD_BAR, WORST_BAR, FARTHER_BAR = 0.25, 1.2, 3.0
RARE_WORDS = {"a rare word": RARE, "an absent word": "introuvable", "two words": f"{RARE} facture"}
COMMON = "facture"
TITLES = (
    "SELECT id, title, family, amount_cents, phase, place, due_on FROM folder "
    "WHERE collectivity_id = :here AND lower({title}) LIKE :word ORDER BY id DESC LIMIT :page"
)
PLAIN = {"sqlite": "title", "postgresql": "unaccent(title)"}


def _search(actor: Actor, sought: str, after: str | None = None) -> None:
    with reading(actor.collectivity_id) as session:
        following.follow(session, actor, words=sought, after=after)


def _titles(actor: Actor, statement: sa.TextClause, word: str) -> None:
    binds = {"here": actor.collectivity_id, "word": f"%{word}%", "page": following.PAGE + 1}
    with reading(actor.collectivity_id) as session:
        session.execute(statement, binds).all()


def _statement(kind: str) -> sa.TextClause:
    if kind == "postgresql":
        with db.engine().execution_options(writes=True).begin() as connection:
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS unaccent")
    return sa.text(TITLES.format(title=PLAIN[kind]))


def _asked(url: str, ask: Any, *arguments: Any) -> Operations:
    for _ in itertools.count():
        db.configure(url)
        yield partial(ask, *arguments)


def _measure(kind: str, candidates: dict[str, Operations]) -> list[Figure]:
    rounds = side_by_side(candidates, turns=TURNS)
    figures = [
        Figure(
            f"{kind} {name}, of every title",
            ratios(rounds, name, "titles"),
            WORST_BAR if name == "a common word" else WORD_BAR,
            note=f"{milliseconds(rounds, name)} against {milliseconds(rounds, 'titles')}",
        )
        for name in (*RARE_WORDS, "a common word")
    ]
    farther = ratios(rounds, "farther", "first")
    note = f"{milliseconds(rounds, 'farther')} against {milliseconds(rounds, 'first')}"
    return [*figures, Figure(f"{kind} a page farther on, of the first", farther, FARTHER_BAR, note=note)]


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    for kind in KINDS:
        url = place.region(kind, FOLDERS)
        actor = place.regions[kind, FOLDERS].commune.actors[READER]
        candidates = {name: _asked(url, _search, actor, sought) for name, sought in RARE_WORDS.items()}
        candidates |= {
            "a common word": _asked(url, _search, actor, COMMON),
            "titles": _asked(url, _titles, actor, _statement(kind), "introuvable"),
            "first": _asked(url, _search, actor, ""),
            "farther": _asked(url, _search, actor, "", str(FOLDERS // 2)),
        }
        for operations in candidates.values():
            for _ in range(3):
                next(operations)()
        figures += steady(partial(_measure, kind, candidates))
    return goal(
        "P9", figures, f"« Suivi » by words at {FOLDERS:,} folders, the mayor's commune having a fifth"
    )


if __name__ == "__main__":
    print(run())
