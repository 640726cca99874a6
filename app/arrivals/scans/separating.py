"""A pile of scans that was kept, made the arrivals of its documents: the pile stays beside each of them as it came.

Killed before its transaction, nothing was made; after it, the arrival is no pile any more, and is opened as any other.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from app.arrivals import receiving
from app.arrivals.models import Arrival, ArrivalFile, State, Way
from app.arrivals.receiving import Brought, Kept
from app.core.db import Db, reading
from app.core.grammar import plural
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import piles, vault
from app.files.sniffing import sniff
from app.journal.chain import Event, append
from app.people.actor import Actor

SPLIT = "split"
"""Among the clues of an arrival: how the pile is cut, until it is."""
NOTHING = "arrival-scan-between"
UNCUT = "Cette pile n’a pas pu être séparée : elle est ouverte d’un tenant."


@dataclass(frozen=True)
class Part:
    """A document of a pile, and the numbers of its pages."""

    kept: Kept
    pages: tuple[int, ...]


def separate(actor: Actor, arrival_id: int) -> None:
    """Cut the pile of an arrival, if it is one; refuses `arrival-scan-between` of one with nothing between its separations."""
    with reading(actor.collectivity_id) as db:
        arrival = db.get_one(Arrival, arrival_id)
        by = arrival.clues.get(SPLIT)
        files = list(db.scalars(_files(arrival_id)))
        pile = (files[0].sha256, files[0].filename) if len(files) == 1 else None
    if by not in (piles.CODE, piles.BLANK) or pile is None:
        return
    store, scope = vault.store(), vault.scope(actor.collectivity_id)
    with tempfile.TemporaryDirectory(prefix="paraphe-") as room:
        path, into = Path(room) / "pile.pdf", Path(room) / "documents"
        into.mkdir()
        store.fetch(scope, pile[0], path)
        readable = sniff(path) == "pdf"
        cut = piles.cut(path, by, into) if readable else None
        if cut is not None and cut.between and not cut.documents:
            raise Refusal(NOTHING)
        parts = []
        for rank, (file, pages) in enumerate(cut.documents if cut is not None and cut.between else (), 1):
            stored = store.put_file(scope, file)
            name = f"{Path(pile[1]).stem} {rank}.pdf"
            parts.append(Part(Kept(name, stored.sha256, stored.size), tuple(pages)))
    part(actor, arrival_id, parts, cut.between if cut is not None else (), uncut=readable and cut is None)


@use_case
def part(
    db: Db, actor: Actor, arrival_id: int, parts: Sequence[Part], between: Sequence[int], *, uncut: bool
) -> None:
    """Write the documents of a pile: the first is the arrival's own, each other an arrival; done again, it finds it done.

    Where there are none it stays whole; `uncut`: since it could not be read, which is told.
    """
    query = sa.select(Arrival).where(
        Arrival.id == arrival_id, Arrival.collectivity_id == actor.collectivity_id
    )
    arrival = db.scalars(query.with_for_update().execution_options(populate_existing=True)).one()
    if SPLIT not in arrival.clues or arrival.state != State.WAITING:
        return
    arrival.clues = {key: value for key, value in arrival.clues.items() if key != SPLIT}
    if uncut:
        arrival.remarks = [*arrival.remarks, UNCUT]
    if not parts:
        return
    pile = db.scalars(_files(arrival_id)).one()
    pile.kind = "evidence"
    whole, origin = Kept(pile.filename, pile.sha256, pile.size, "evidence"), arrival.origin
    told = [
        f"{_told(one.pages)} d’une pile de {plural(len(parts), 'document')} ; {_told(between).lower()} "
        f"{'était' if len(between) < 2 else 'étaient'} entre eux. La pile est gardée telle qu’elle est arrivée."
        for one in parts
    ]
    db.add(
        ArrivalFile(
            collectivity_id=arrival.collectivity_id,
            arrival_id=arrival.id,
            position=pile.position + 1,
            kind="file",
            filename=parts[0].kept.filename,
            sha256=parts[0].kept.sha256,
            size=parts[0].kept.size,
            fate="",
            reason=None,
            reason_facts={},
        )
    )
    arrival.origin = f"{origin}, document 1 sur {len(parts)}"
    arrival.remarks = [*arrival.remarks, told[0]]
    for rank, one in enumerate(parts[1:], 2):
        brought = Brought(
            Way(arrival.way),
            receiving.mark(f"{arrival.identifier} {rank}"),
            f"{origin}, document {rank} sur {len(parts)}",
            arrival.name,
            arrival.received_at,
            arrival.kind,
            dict(arrival.facts),
            dict(arrival.clues),
            remarks=(told[rank - 1],),
        )
        receiving.add(db, actor, brought, [one.kept, whole])
    facts = {
        "arrival": arrival.id,
        "words": f"{origin} : {plural(len(parts), 'document')}",
        "documents": [{"sha256": one.kept.sha256, "pages": list(one.pages)} for one in parts],
        "between": list(between),
    }
    append(db, actor.collectivity_id, Event("arrival.separated", actor.name, None, None, facts))


def _files(arrival_id: int) -> sa.Select[ArrivalFile]:
    return sa.select(ArrivalFile).where(ArrivalFile.arrival_id == arrival_id, ArrivalFile.kind == "file")


def _told(pages: Sequence[int]) -> str:
    """Pages in words: « Page 3 », « Pages 3 à 5 », « Pages 3 et 7 »."""
    if len(pages) == 1:
        return f"Page {pages[0]}"
    if list(pages) == list(range(pages[0], pages[0] + len(pages))) and len(pages) > 2:
        return f"Pages {pages[0]} à {pages[-1]}"
    return f"Pages {', '.join(map(str, pages[:-1]))} et {pages[-1]}"
