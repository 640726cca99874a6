"""P7: *À traiter*, its counters and *Terminés* at 100,000 folders cost at most 1.3 times those at 1,000, on both databases."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from flask.testing import FlaskClient

from app.core import db
from app.core.db import reading
from app.display import queues
from app.people.actor import Actor
from bench.commune import READER
from bench.ground import KINDS, LARGE, SMALL, browser, ground
from bench.measure import Figure, Operations, goal, milliseconds, ratios, side_by_side, steady

TURNS, BAR = 40, 1.3
IDLE = "conseil"
"""A desk that deposits nothing and has decided nothing yet."""


def _read(actor: Actor) -> None:
    with reading(actor.collectivity_id) as session:
        queues.todo(session, actor)
        queues.counters(session, actor)


def _reads(url: str, actor: Actor) -> Operations:
    """The two statements of the page, alone."""
    for _ in itertools.count():
        db.configure(url)
        yield partial(_read, actor)


def _read_ended(actor: Actor) -> None:
    with reading(actor.collectivity_id) as session:
        queues.others(session, actor, "done")


def _ended(url: str, actor: Actor) -> Operations:
    """The tray of what ended, for a desk that has touched none of it: what it costs not to find."""
    idle = replace(actor, seats=tuple(seat for seat in actor.seats if seat.key == IDLE))
    for _ in itertools.count():
        db.configure(url)
        yield partial(_read_ended, idle)


def _pages(url: str, client: FlaskClient) -> Iterator[Any]:
    """The whole page: session, rights, statements, template."""
    for _ in itertools.count():
        db.configure(url)
        yield partial(client.get, "/a-traiter")


def _measure(name: str, candidates: dict[str, Operations]) -> list[Figure]:
    rounds = side_by_side(candidates, turns=TURNS)
    note = f"{milliseconds(rounds, 'large')} against {milliseconds(rounds, 'small')}"
    return [Figure(name, ratios(rounds, "large", "small"), BAR, note=note)]


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    for kind in KINDS:
        urls = {"small": place.of_size(kind, SMALL), "large": place.of_size(kind, LARGE)}
        actor = place.commune.actors[READER]
        clients = {name: browser(place.web(url), READER) for name, url in urls.items()}
        kinds: dict[str, dict[str, Operations]] = {
            "SQL": {name: _reads(url, actor) for name, url in urls.items()},
            "Terminés": {name: _ended(url, actor) for name, url in urls.items()},
            "page": {name: _pages(url, clients[name]) for name, url in urls.items()},
        }
        for label, candidates in kinds.items():
            for operations in candidates.values():
                for _ in range(10):
                    next(operations)()
            figures += steady(partial(_measure, f"{kind} {label}", candidates))
    return goal("P7", figures, f"À traiter with its counters at {LARGE:,} folders over {SMALL:,}")


if __name__ == "__main__":
    print(run())
