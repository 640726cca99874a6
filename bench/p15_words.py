"""P15: a word inside documents is found at a cost that does not follow how many there are.

A search by a word, by a seller, by an amount and by two words, for the mayor, with the words of each folder's document
(`WORDS` forms of a vocabulary whose ranks are as those of a language): of a size and of a larger one, and against reading
every text of the collectivity. By processor time, of this process and of the backends of its server: of the page for the
growth, of the search alone beside every text.

What is sought fills a page at both sizes, or nothing: a page of twenty folders to tell is not two. The rare word is in
`RARE_FOLDERS` folders of the mayor's commune whatever the size, as the seller is in twenty; the word of a rank is in one
document in fifty, and the amount in one folder in ninety: in ten times as many of ten times as many. The last folder, which is
in hand and of which a page tells more, has the word of a rank at both sizes.

`P15_SMALL` and `P15_LARGE` are the sizes: 10,000 and 100,000 folders unless they are given. `P15_KINDS`: of one database alone.
"""

import itertools
import os
import random
import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from app.core import db
from app.core.db import reading
from app.display import searching
from app.display.asking import understood
from app.people.actor import Actor
from bench import crowd
from bench.commune import READER
from bench.ground import KINDS, browser, ground
from bench.measure import (
    Figure,
    Operations,
    Processor,
    goal,
    milliseconds,
    ratios,
    side_by_side,
    steady,
)
from bench.p13_pages import get
from bench.region import RARE

SMALL, LARGE = int(os.environ.get("P15_SMALL", "10000")), int(os.environ.get("P15_LARGE", "100000"))
TURNS, WORDS, VOCABULARY = 10, 200, 20_000
GROWTH_BAR, SCAN_BAR = 1.3, 0.25
RARE_WORD, COMMON_WORD, RANKED_WORD = "zygomorphe", "mot0", "mot1000"
SOUGHT = {
    "a rare word": RARE_WORD,
    "a word of rank 1,000": RANKED_WORD,
    "a common word": COMMON_WORD,
    "an absent word": "introuvable",
    "two words": f"{RARE_WORD} {COMMON_WORD}",
    "a seller": RARE,
    "an amount": "> 8 900",
}
BESIDE_TEXTS = ("a rare word", "two words", "an absent word")
RARE_FOLDERS = 40
"""So many folders of the mayor's commune have the rare word and the common one, from its first to its last."""


def words_of(dice: random.Random) -> list[str]:
    """The forms of one document: the word of rank r is in about twenty documents out of r."""
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
        own = [number for number, collectivity_id in every if collectivity_id == 1]
        rare = set(own[:: max(len(own) // RARE_FOLDERS, 1)][:RARE_FOLDERS])
        for start in range(0, len(every), 5_000):
            rows = []
            for number, collectivity_id in every[start : start + 5_000]:
                forms = [*words_of(dice), *([RARE_WORD[:-1], COMMON_WORD] if number in rare else [])]
                forms += [RANKED_WORD] if number == own[-1] else []
                text = f" {' '.join(dict.fromkeys(forms))} "
                rows.append({"n": number, "k": collectivity_id, "words": text})
            connection.execute(statement, rows)
    crowd.tidy()


def _search(actor: Actor, sought: str) -> int:
    with reading(actor.collectivity_id) as session:
        return len(searching.search(session, actor, understood(sought), searching.Chosen()).found)


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


def _measure(kind: str, urls: Sequence[str], candidates: dict[str, Operations]) -> list[Figure]:
    rounds = side_by_side(candidates, turns=TURNS, clock=Processor(*urls))
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
    for name in BESIDE_TEXTS:
        note = f"{milliseconds(rounds, name)} against {milliseconds(rounds, 'texts')}"
        figures.append(
            Figure(f"{kind} {name}, of every text", ratios(rounds, name, "texts"), SCAN_BAR, note=note)
        )
    return figures


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    for kind in os.environ.get("P15_KINDS", " ".join(KINDS)).split():
        candidates: dict[str, Operations] = {}
        urls = []
        for size, folders in (("few", SMALL), ("many", LARGE)):
            url = place.region(kind, folders)
            db.configure(url)
            started = time.perf_counter()
            fill(folders)
            print(f"{kind}: words of {folders:,} folders in {time.perf_counter() - started:.0f} s")
            urls.append(url)
            actor = place.regions[kind, folders].commune.actors[READER]
            for name, sought in SOUGHT.items():
                count = _search(actor, sought)
                if (count < searching.HITS - 1) != (
                    name == "an absent word"
                ):  # a draft of another desk is not read
                    raise RuntimeError(
                        f"{name}: {count} folders on a page of {folders:,}: no size is like another"
                    )
            client = browser(place.web(url), READER)
            pages = {name: f"/recherche?{urlencode({'q': sought})}" for name, sought in SOUGHT.items()}
            candidates |= {f"{name}, {size}": _asked(url, get, client, page) for name, page in pages.items()}
        candidates |= {name: _asked(url, _search, actor, SOUGHT[name]) for name in BESIDE_TEXTS}
        candidates["texts"] = _asked(url, _scan, actor, "introuvable")
        for operations in candidates.values():
            for _ in range(3):
                next(operations)()
        figures += steady(partial(_measure, kind, urls, candidates))
    return goal(
        "P15",
        figures,
        f"words of documents, at {SMALL:,} and {LARGE:,} folders, the mayor's commune having a fifth",
    )


if __name__ == "__main__":
    print(run())
