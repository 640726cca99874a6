"""P5 and P7: a move and *À traiter* cost the same at a hundred thousand folders as at a thousand, on both databases."""

from typing import Any

from app.core import db
from app.core.db import reading
from app.folders import queues
from bench.ground import KINDS, LARGE, SMALL, ground
from bench.measure import Figure, goal, seconds
from bench.moves import visas

ROUNDS = 5


def _pages(url: str, actor: Any, times: int) -> float:
    db.configure(url)

    def one() -> None:
        with reading(actor.collectivity_id) as found:
            queues.todo(found, actor)
            queues.counters(found, actor)

    return sum(seconds(one) for _ in range(times))


def run_moves() -> dict[str, Any]:
    """A move at 100,000 folders over a move at 1,000."""
    here, figures = ground(), []
    for kind in KINDS:
        streams = {
            size: visas(here.commune, here.of_size(kind, size), range(1, 140)) for size in (SMALL, LARGE)
        }
        for stream in streams.values():
            for _ in range(10):
                next(stream)()
        ratios = []
        for _ in range(ROUNDS):
            spent = {SMALL: 0.0, LARGE: 0.0}
            for _ in range(30):
                for size, stream in streams.items():
                    spent[size] += seconds(next(stream))
            ratios.append(spent[LARGE] / spent[SMALL])
        figures.append(Figure(kind, tuple(ratios), 1.1))
    return goal("P5", figures, f"a move at {LARGE} folders over one at {SMALL}")


def run_inbox() -> dict[str, Any]:
    """The list and its counters at 100,000 folders over the same at 1,000."""
    here, figures = ground(), []
    for kind in KINDS:
        urls = {size: here.of_size(kind, size) for size in (SMALL, LARGE)}
        actor = here.commune.actors["a.kervadec"]
        for url in urls.values():
            _pages(url, actor, 5)
        ratios = []
        for _ in range(ROUNDS):
            small, large = _pages(urls[SMALL], actor, 20), _pages(urls[LARGE], actor, 20)
            ratios.append(large / small)
        figures.append(Figure(kind, tuple(ratios), 1.3))
    return goal("P7", figures, f"À traiter and its counters at {LARGE} folders over {SMALL}")
