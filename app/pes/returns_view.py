"""What the pages of the Treasury's returns show, to whom: the definition of reading is that of the flows they speak of.

A return is known to whoever reads a flow that it speaks of. Of its pieces he sees those of the flows that he reads; the
others are counted, and their amounts said to nobody. Its bytes are given to who reads all of them. What no flow here brought,
what could not be read, and what is left to recover by client are the administrators', where the whole file is; beside a titre
whoever reads it reads what its client owes (`outstanding`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import euros, instant, jour, taille
from app.core.refusals import Refusal
from app.people.actor import Actor
from app.pes.intake import OTHER, READ, last_of
from app.pes.models import ReturnedClient, ReturnedPiece, TreasuryReturn
from app.pes.outstanding import amounts
from app.pes.payments import WHAT, Remark, Slips, settlement_of, slips_of

PAGE: Final = 50
PIECES: Final = 200
LOOKED: Final = 500
"""How many returns are looked at, the last first, for one page of those that somebody may know."""
Place = tuple[str, str]


@dataclass(frozen=True)
class Line:
    """A return in the list: the payments and total are those of the flows that the reader reads."""

    id: int
    name: str
    arrived: str
    about: str
    payments: int
    total: str
    others: int
    trouble: str
    read: bool
    simulated: bool


@dataclass(frozen=True)
class PieceLine:
    """A piece of a return, and the folder of its flow if the reader reads one."""

    what: str
    number: str
    slip: str
    year: str
    folder_id: int | None
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class ClientLine:
    """What is left to recover of a client, for who may take the whole file."""

    client: str
    product: str
    left: str


@dataclass(frozen=True)
class View:
    """A return on its page."""

    line: Line
    size: str
    siret: str
    budget: str
    clients: bool
    clients_on: str
    replaced: bool
    left: tuple[ClientLine, ...]
    left_count: int
    whole: bool
    pieces: tuple[PieceLine, ...]
    number: int
    count: int


@dataclass(frozen=True)
class _Sum:
    """What a return says of one bordereau."""

    pieces: int
    payments: int
    paid: int


def lines(db: Db, actor: Actor, before: int | None = None) -> tuple[list[Line], int | None]:
    """The returns that an actor may know, the last first, and the number to go on from when there are more."""
    query = sa.select(TreasuryReturn).where(TreasuryReturn.collectivity_id == actor.collectivity_id)
    if before is not None:
        query = query.where(TreasuryReturn.id < before)
    rows = db.scalars(query.order_by(TreasuryReturn.id.desc()).limit(LOOKED)).all()
    sums = _sums(db, [row.id for row in rows])
    known = slips_of(db, actor, {place for places in sums.values() for place in places})
    shown: list[Line] = []
    for row in rows:
        places = sums.get(row.id, {})
        if _may_know(actor, row, known, places):
            if len(shown) == PAGE:
                return shown, shown[-1].id
            shown.append(_line(actor, row, known, places))
    return shown, rows[-1].id if len(rows) == LOOKED else None


def view(db: Db, actor: Actor, return_id: int, number: int) -> View:
    """One return; refuses `not-found` whoever may not know it, as one that never came."""
    row, places, known = _known(db, actor, return_id)
    visible = [place for place in places if _sees(actor, known, place)]
    count = sum(places[place].pieces for place in visible)
    number = min(max(number, 1), max(-(-count // PIECES), 1))
    query = (
        sa.select(ReturnedPiece)
        .where(
            ReturnedPiece.return_id == row.id,
            sa.tuple_(ReturnedPiece.series, ReturnedPiece.slip).in_(visible),
        )
        .order_by(ReturnedPiece.id)
        .limit(PIECES)
        .offset((number - 1) * PIECES)
    )
    pieces = [_piece(row, piece, known) for piece in db.scalars(query)] if visible else []
    whole = _may_take(actor, row, known, places)
    left_count, left = _left(db, row) if whole else (0, ())
    return View(
        line=_line(actor, row, known, places),
        size=taille(row.size),
        siret=row.siret,
        budget=row.budget,
        clients=row.clients and row.standing == READ,  # of what came before, another body's is marked too
        clients_on=jour(row.clients_on) if row.clients_on else "",
        replaced=_replaced(db, row),
        left=left,
        left_count=left_count,
        whole=whole,
        pieces=tuple(pieces),
        number=number,
        count=max(-(-count // PIECES), 1),
    )


def _replaced(db: Db, row: TreasuryReturn) -> bool:
    """Whether a later file of its budget says what clients owe, so that what this one said is no more kept."""
    if row.clients_on is None:
        return False
    last = last_of(db, row.collectivity_id, row.clients_of, simulated=row.simulated)
    return last is not None and last.id != row.id


def _left(db: Db, row: TreasuryReturn) -> tuple[int, tuple[ClientLine, ...]]:
    """How many clients and products a file names, and the first of them: the file has the others."""
    own = ReturnedClient.return_id == row.id
    count = db.scalar(sa.select(sa.func.count()).select_from(ReturnedClient).where(own)) or 0
    rows = db.scalars(sa.select(ReturnedClient).where(own).order_by(ReturnedClient.id).limit(PIECES))
    return count, tuple(ClientLine(client.client, client.product, amounts(client)) for client in rows)


def file_of(db: Db, actor: Actor, return_id: int) -> TreasuryReturn:
    """A return whose bytes the actor may have; refuses `not-found` and `return-not-whole`."""
    row, places, known = _known(db, actor, return_id)
    if not _may_take(actor, row, known, places):
        raise Refusal("return-not-whole")
    return row


def _known(db: Db, actor: Actor, return_id: int) -> tuple[TreasuryReturn, dict[Place, _Sum], Slips]:
    row = db.scalar(
        sa.select(TreasuryReturn).where(
            TreasuryReturn.id == return_id, TreasuryReturn.collectivity_id == actor.collectivity_id
        )
    )
    if row is None:
        raise Refusal("not-found")
    places = _sums(db, [row.id]).get(row.id, {})
    known = slips_of(db, actor, places.keys())
    if not _may_know(actor, row, known, places):
        raise Refusal("not-found")
    return row, places, known


def _sums(db: Db, ids: Sequence[int]) -> dict[int, dict[Place, _Sum]]:
    piece = ReturnedPiece
    query = (
        sa.select(
            piece.return_id,
            piece.series,
            piece.slip,
            sa.func.count(),
            sa.func.sum(piece.payments),
            sa.func.sum(piece.paid),
        )
        .where(piece.return_id.in_(ids))
        .group_by(piece.return_id, piece.series, piece.slip)
    )
    sums: dict[int, dict[Place, _Sum]] = {}
    for return_id, series, slip, pieces, payments, paid in db.execute(query):
        sums.setdefault(return_id, {})[series, slip] = _Sum(pieces, int(payments), int(paid))
    return sums


def _may_know(actor: Actor, row: TreasuryReturn, known: Slips, places: dict[Place, _Sum]) -> bool:
    if any(place in known.folders for place in places):
        return True
    return actor.administrator and (row.standing != READ or all(place in known.unknown for place in places))


def _may_take(actor: Actor, row: TreasuryReturn, known: Slips, places: dict[Place, _Sum]) -> bool:
    """Whether the whole file may be read: what is another collectivity's is given to nobody here."""
    if row.standing == OTHER or any(place in known.hidden for place in places):
        return False
    foreign = row.standing != READ or row.clients or any(place in known.unknown for place in places)
    return actor.administrator or (not foreign and bool(places))


def _sees(actor: Actor, known: Slips, place: Place) -> bool:
    return place in known.folders or (actor.administrator and place in known.unknown)


def _line(actor: Actor, row: TreasuryReturn, known: Slips, places: dict[Place, _Sum]) -> Line:
    mine = [total for place, total in places.items() if _sees(actor, known, place)]
    return Line(
        id=row.id,
        name=row.name,
        arrived=instant(row.received_at),
        about=jour(row.written_on) if row.written_on else "",
        payments=sum(total.payments for total in mine),
        total=euros(sum(total.paid for total in mine) / 100),
        others=sum(total.pieces for place, total in places.items() if not _sees(actor, known, place)),
        trouble=row.trouble or "",
        read=row.standing == READ,
        simulated=row.simulated,
    )


def _piece(row: TreasuryReturn, piece: ReturnedPiece, known: Slips) -> PieceLine:
    return PieceLine(
        what=WHAT[piece.domain],
        number=piece.number,
        slip=piece.slip,
        year=piece.series.split(" ")[-2],
        folder_id=known.folders.get((piece.series, piece.slip)),
        remarks=tuple(settlement_of(piece, row).remarks()),
    )
