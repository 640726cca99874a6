"""The product as a candidate: one visa after the other, by the verb that pages and the API call."""

from collections.abc import Iterable
from functools import partial

from app.core import db
from app.folders import decide
from bench.commune import Commune, way
from bench.crowd import amount
from bench.measure import Operations


def visas(commune: Commune, url: str, folders: Iterable[int]) -> Operations:
    """Every visa of these folders, in order: lock, place, steps, letters, chained journal, one commit each."""
    for folder_id in folders:
        for rank, (_step, _desk, login) in enumerate(way(amount(folder_id))):
            db.configure(url)
            yield partial(decide.approve, commune.actors[login], folder_id, version=1 + rank, comment="")
