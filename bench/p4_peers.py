"""P4: a move of the product, at least twice as fast as viewflow's workflow and at least 0.55 of SpiffWorkflow, on PostgreSQL."""

from typing import Any

from bench.ground import ground
from bench.measure import ATTEMPTS, ROUNDS, Figure, goal, milliseconds, ratios, side_by_side, steady
from bench.moves import visas
from bench.peer_spiff import Spiff
from bench.peer_viewflow import visas as viewflow

TURNS = 100
VIEWFLOW_BAR, SPIFF_BAR = 2.0, 0.55


def run() -> dict[str, Any]:
    """The goal's line."""
    needed = ATTEMPTS * ROUNDS * TURNS // 3 + 1
    place = ground()
    product = place.peopled("postgresql", "p4_product", folders=needed, movers=needed)
    candidates = {
        "product": visas(place.commune, product, range(1, needed + 1)),
        "viewflow": viewflow(place.cluster.create("p4_viewflow"), needed),
        "spiff": Spiff(place.cluster.create("p4_spiff")).visas(needed),
    }

    def measure() -> list[Figure]:
        rounds = side_by_side(candidates, turns=TURNS)
        bars = {"viewflow": VIEWFLOW_BAR, "spiff": SPIFF_BAR}
        return [
            Figure(
                f"of {name}'s speed",
                ratios(rounds, name, "product"),
                bar,
                at_least=True,
                words=f"{milliseconds(rounds, 'product')} against {milliseconds(rounds, name)}",
            )
            for name, bar in bars.items()
        ]

    return goal("P4", steady(measure), "one visa on PostgreSQL with fsync, all three side by side")


if __name__ == "__main__":
    print(run())
