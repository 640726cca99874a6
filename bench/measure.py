"""Times candidates side by side, one operation of each in turn, and says their ratio with its spread."""

import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

ROUNDS, ATTEMPTS = 5, 3
LOAD, SPREAD = 1.5, 1.25
"""Above this load, or this largest ratio over the smallest, the machine is disturbed, and a miss is measured again."""
Operations = Iterator[Callable[[], object]]
"""What a candidate does, one operation after the other; making the next one is not timed, doing it is."""


@dataclass(frozen=True)
class Figure:
    """One ratio, measured once for each round, and the bar it is held against."""

    name: str
    ratios: tuple[float, ...]
    bar: float
    at_least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.ratios)

    @property
    def holds(self) -> bool:
        """Whether the median is on the right side of the bar."""
        return self.ratio >= self.bar if self.at_least else self.ratio <= self.bar

    @property
    def spread(self) -> float:
        """The largest ratio over the smallest."""
        return max(self.ratios) / min(self.ratios) if min(self.ratios) else 1.0

    @property
    def strain(self) -> float:
        """How near the bar it is: above 1, it does not hold."""
        if self.at_least:
            return self.bar / self.ratio if self.ratio else float("inf")
        return self.ratio / self.bar if self.bar else float(self.ratio > 0) * 2

    def sentence(self) -> str:
        """« name 0.31 [0.29..0.33] ≥ 0.17 »."""
        low, high = min(self.ratios), max(self.ratios)
        sign = "≥" if self.at_least else "≤"
        spread = "" if low == high else f" [{low:.3g}..{high:.3g}]"
        return f"{self.name} {self.ratio:.3g}{spread} {sign} {self.bar:g}{f' ({self.note})' if self.note else ''}"


def goal(name: str, figures: list[Figure], how: str) -> dict[str, Any]:
    """The line of a goal: the ratio shown is the one nearest its bar, and the goal holds when every figure does."""
    tightest = max(figures, key=lambda figure: figure.strain)
    return {
        "goal": name,
        "ratio": round(tightest.ratio, 3),
        "bar": tightest.bar,
        "holds": all(figure.holds for figure in figures),
        "how": f"{how}: {'; '.join(figure.sentence() for figure in figures)}",
        "spread": [round(min(tightest.ratios), 3), round(max(tightest.ratios), 3)],
    }


class Processor:
    """A clock of what this process computes, and the backends that a server has by now: others beside move it little."""

    def __init__(self, *urls: str) -> None:
        self._backends = []
        for url in urls:
            if url.startswith("sqlite"):
                continue
            with psycopg.connect(url.replace("postgresql+psycopg", "postgresql")) as connection:
                rows = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                ).fetchall()
            self._backends += [Path(f"/proc/{pid}/schedstat") for (pid,) in rows]

    def __call__(self) -> float:
        """Seconds since each of them began."""
        return time.process_time() + sum(int(path.read_text().split()[0]) for path in self._backends) / 1e9


def side_by_side(
    candidates: Mapping[str, Operations],
    *,
    turns: int,
    clock: Callable[[], float] = time.perf_counter,
    every: dict[str, list[float]] | None = None,
) -> list[dict[str, float]]:
    """The median operation of each candidate, in seconds of a clock, for each round of so many turns.

    One operation of each in turn, the order reversed at every second turn: what slows the machine slows all alike.
    `every` is given the time of each operation of all rounds, for who wants more of them than the median.
    """
    rounds = []
    names = list(candidates)
    gc.freeze()  # as wsgi.py does: what is loaded is not looked through again
    for _ in range(ROUNDS):
        gc.collect()
        taken: dict[str, list[float]] = {name: [] for name in names}
        for turn in range(turns):
            for name in names if turn % 2 else reversed(names):
                operation = next(candidates[name])
                start = clock()
                operation()
                taken[name].append(clock() - start)
        rounds.append({name: statistics.median(times) for name, times in taken.items()})
        if every is not None:
            for name, times in taken.items():
                every.setdefault(name, []).extend(times)
    gc.unfreeze()
    return rounds


def steady(measure: Callable[[], list[Figure]]) -> list[Figure]:
    """The figures of a measure, made again (three times at most) while one does not hold on a disturbed machine.

    Disturbed: others load it, or the rounds do not agree; a miss on a quiet machine is a miss.
    """
    for attempt in range(1, ATTEMPTS + 1):
        figures = measure()
        quiet = os.getloadavg()[0] <= LOAD and all(figure.spread <= SPREAD for figure in figures)
        if quiet or attempt == ATTEMPTS or all(figure.holds for figure in figures):
            break
    return figures


def ratios(rounds: list[dict[str, float]], above: str, below: str) -> tuple[float, ...]:
    """The time of one candidate over that of another, for each round."""
    return tuple(medians[above] / medians[below] for medians in rounds)


def p95(times: list[float]) -> float:
    """Within how many seconds 95 of 100 operations were done."""
    return statistics.quantiles(times, n=20)[-1]


def milliseconds(rounds: list[dict[str, float]], name: str) -> str:
    """The median over the rounds, for the curious: it does not travel to another machine."""
    return f"{statistics.median(medians[name] for medians in rounds) * 1000:.2f} ms"
