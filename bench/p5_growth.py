"""P5: a move at 100,000 folders costs at most 1.1 times a move at 1,000, on both databases."""

from functools import partial
from typing import Any

from bench.ground import KINDS, LARGE, SMALL, ground
from bench.measure import (
    ATTEMPTS,
    ROUNDS,
    Figure,
    Operations,
    goal,
    milliseconds,
    ratios,
    side_by_side,
    steady,
)
from bench.moves import visas

TURNS, BAR = 100, 1.1


def _measure(kind: str, candidates: dict[str, Operations]) -> list[Figure]:
    rounds = side_by_side(candidates, turns=TURNS)
    note = f"{milliseconds(rounds, 'large')} against {milliseconds(rounds, 'small')}"
    return [Figure(kind, ratios(rounds, "large", "small"), BAR, note=note)]


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    needed = ATTEMPTS * ROUNDS * TURNS // 3 + 5
    for kind in KINDS:
        urls = {"small": place.of_size(kind, SMALL), "large": place.of_size(kind, LARGE)}
        candidates = {name: visas(place.commune, url, range(1, needed + 1)) for name, url in urls.items()}
        for operations in candidates.values():
            for _ in range(10):
                next(operations)()  # warm, as a server is
        figures += steady(partial(_measure, kind, candidates))
    return goal("P5", figures, f"one visa at {LARGE:,} folders over one at {SMALL:,}")


if __name__ == "__main__":
    print(run())
