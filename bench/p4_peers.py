"""P4: a move of the product, at least twice as fast as viewflow's workflow and at least 0.55 of SpiffWorkflow, on PostgreSQL."""

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import psycopg

from bench.ground import Ground, ground
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
from bench.peer_spiff import Spiff
from bench.peer_viewflow import visas as viewflow

TURNS = 100
VIEWFLOW_BAR, SPIFF_BAR = 2.0, 0.55
COMMITS = "SELECT datname, xact_commit FROM pg_stat_database"
PUBLISHED = 11.0
"""Seconds after which PostgreSQL has published what an idle connection did (ten, in its sources)."""
OTHERS = 1.05
"""Commits for each visa at most: beyond one, those of the housekeeping of the server."""


def run() -> dict[str, Any]:
    """The goal's line."""
    needed = ATTEMPTS * ROUNDS * TURNS // 3 + 1
    place = ground()
    urls = {
        "product": place.peopled("postgresql", "p4_product", folders=needed, movers=needed),
        "viewflow": place.cluster.create("p4_viewflow"),
        "spiff": place.cluster.create("p4_spiff"),
    }
    counter = _Counted()
    candidates = {
        "product": counter.each(visas(place.commune, urls["product"], range(1, needed + 1))),
        "viewflow": viewflow(urls["viewflow"], needed),
        "spiff": Spiff(urls["spiff"]).visas(needed),
    }
    before = _commits(place)

    def measure() -> list[Figure]:
        rounds = side_by_side(candidates, turns=TURNS)
        bars = {"viewflow": VIEWFLOW_BAR, "spiff": SPIFF_BAR}
        return [
            Figure(
                f"of {name}'s speed",
                ratios(rounds, name, "product"),
                bar,
                at_least=True,
                note=f"{milliseconds(rounds, 'product')} against {milliseconds(rounds, name)}",
            )
            for name, bar in bars.items()
        ]

    figures = steady(measure)
    _one_commit_each(urls, before, _commits(place), counter.several)
    return goal("P4", figures, "one visa and one commit on PostgreSQL with fsync, all three side by side")


class _Counted:
    """How many operations were handed out."""

    def __init__(self) -> None:
        self.several = 0

    def each(self, operations: Operations) -> Iterator[Any]:
        for operation in operations:
            self.several += 1
            yield operation


def _commits(place: Ground) -> dict[str, int]:
    """How many transactions each database of the cluster has committed."""
    time.sleep(PUBLISHED)
    with psycopg.connect(place.cluster.url("postgres")) as connection:
        return {name: commits for name, commits in connection.execute(COMMITS).fetchall() if name}


def _one_commit_each(
    urls: Mapping[str, str], before: Mapping[str, int], after: Mapping[str, int], visas_made: int
) -> None:
    """Refuse to compare candidates that did not pay one commit for each visa; durability is the cluster's, the same for all."""
    for name, url in urls.items():
        base = urlsplit(url).path.lstrip("/")
        each = (after[base] - before[base]) / visas_made
        if not 1 <= each <= OTHERS:
            raise RuntimeError(f"{name}: {each:.2f} commits for each visa")


if __name__ == "__main__":
    print(run())
