"""P8: *À traiter*, whole, answers at half the rate of a bare page over the same rows, on both databases.

The bare page is what one would write in an hour: Flask without session, rights, token or headers, the product's own
statement for a person who is known beforehand, and a table of as many lines by Jinja. What the product adds is the
session and the rights of this instant, the counters, the header, the words of each line, and its protection.
"""

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

from flask import Flask, render_template_string
from flask.testing import FlaskClient

from app.core import db
from app.core.db import reading
from app.display import queues
from app.people.actor import Actor
from bench.commune import READER
from bench.ground import KINDS, LARGE, browser, ground
from bench.measure import Figure, Operations, goal, milliseconds, ratios, side_by_side, steady

TURNS, BAR = 40, 0.5
PAGE = """<!doctype html><title>À traiter</title><table>
{% for row in rows %}<tr><td><a href="/dossiers/{{ row.id }}">{{ row.title }}</a></td><td>{{ row.family }}</td><td>{{ row.due_on }}</td></tr>
{% endfor %}</table>"""


def _bare(actor: Actor) -> Flask:
    bare = Flask("bare")

    @bare.get("/a-traiter")
    def inbox() -> str:
        with reading(actor.collectivity_id) as session:
            return render_template_string(PAGE, rows=queues.todo(session, actor))

    return bare


def _pages(url: str, client: FlaskClient) -> Iterator[Any]:
    for _ in itertools.count():
        db.configure(url)
        yield partial(_get, client)


def _get(client: FlaskClient) -> None:
    answer = client.get("/a-traiter")
    if answer.status_code != 200:
        raise RuntimeError(f"the inbox does not answer: {answer.status}")


def _measure(kind: str, candidates: dict[str, Operations]) -> list[Figure]:
    rounds = side_by_side(candidates, turns=TURNS)
    note = f"{milliseconds(rounds, 'product')} against {milliseconds(rounds, 'bare')}"
    return [Figure(kind, ratios(rounds, "bare", "product"), BAR, at_least=True, note=note)]


def run() -> dict[str, Any]:
    """The goal's line."""
    place, figures = ground(), []
    for kind in KINDS:
        url = place.of_size(kind, LARGE)
        bare = _bare(place.commune.actors[READER]).test_client()
        candidates = {
            "product": _pages(url, browser(place.web(url), READER)),
            "bare": _pages(url, bare),
        }
        for operations in candidates.values():
            for _ in range(10):
                next(operations)()
        figures += steady(partial(_measure, kind, candidates))
    return goal("P8", figures, "À traiter, of the rate of a bare page over the same rows")


if __name__ == "__main__":
    print(run())
