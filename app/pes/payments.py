"""What the Treasury says of mandats and titres by its returns: the last word on each line, in French and as facts.

A return gives the state of the lines that it speaks of, with all their payments: the last one that speaks of a line is its
word, and two of them never add up. « Payé » and « encaissé » are said of money alone: what settles a mandat otherwise (an
order of reversement, a correction) is named so.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.db import Db
from app.core.french import euros, jour
from app.folders.access import readable_by
from app.folders.models import Folder
from app.people.actor import Actor
from app.pes.answered import CHANNEL
from app.pes.flow import is_flow
from app.pes.index import slips_of as read_slips
from app.pes.models import FlowSlip, ReturnedPiece, TreasuryReturn
from app.pes.motives import ORIGINS
from app.pes.returned import DOMAINS, day_of
from app.transmission.channels import open_channel

Key = tuple[str, str, str]
"""Series, bordereau, piece, without leading zeros."""
REJECTED, HELD, CANCELLED = "04", "01", "05"
SPENT: Final = "dépenses"
WHAT: Final = {domain.name: domain.what for domain in DOMAINS.values()}
MONEY: Final = {domain.name: domain.money for domain in DOMAINS.values()}
_CHUNK: Final = 200


@dataclass(frozen=True)
class Remark:
    """A sentence about a piece, its tone (ok, warn, danger, or none) and its icon."""

    tone: str
    icon: str
    text: str


@dataclass(frozen=True)
class Move:
    """Money, or what settled a line otherwise: day in ISO 8601 and cents."""

    origin: str
    day: str
    cents: int


@dataclass(frozen=True)
class Settlement:
    """The Treasury's last word on a piece; `last` is the return that spoke of it last, `due` what its lines are worth there."""

    piece: ReturnedPiece
    last: TreasuryReturn
    moves: tuple[Move, ...]
    settled: int
    due: int

    @property
    def money(self) -> list[Move]:
        """What was really paid or encashed, the first day first."""
        return [move for move in self.moves if move.origin in MONEY[self.piece.domain]]

    @property
    def others(self) -> list[Move]:
        """What settled it otherwise."""
        return [move for move in self.moves if move.origin not in MONEY[self.piece.domain]]

    @property
    def paid(self) -> int:
        """What was really paid or encashed, in cents."""
        return sum(move.cents for move in self.money)

    @property
    def source(self) -> str:
        """Who says it, and of what day."""
        mark = " FACTICE" if self.last.simulated else ""
        return f"(trésorerie, retour{mark} du {jour(self.last.written_on)})"

    def remarks(self, due: int | None = None) -> list[Remark]:
        """It in sentences; `due` is what the flow says of the piece with tax, in cents; None compares with the returns."""
        remarks = list(self._settled(due))
        remarks += self._state(bool(remarks))
        return remarks

    def _settled(self, due: int | None) -> Iterator[Remark]:
        money, others = self.money, self.others
        verb = "Payé" if self.piece.domain == SPENT else "Encaissé"
        whose = "Le retour" if due is None else "Le flux"
        due = self.due if due is None else due
        left = abs(due) - abs(self.paid + sum(move.cents for move in others))
        gap = f" {whose} dit {_euros(due)} : écart de {_euros(abs(left))}." if left else ""
        if money:
            part = abs(self.paid) < abs(due)
            times = f" en {len(money)} fois, la dernière" if len(money) > 1 else ""
            day = f"{verb}{' en partie' if part else ''}{times} le {jour(money[-1].day)}"
            tone, icon = ("warn", "exclamation-triangle") if gap else ("ok", "check-circle")
            yield Remark(tone, icon, f"{day} : {_euros(self.paid)} {self.source}.{gap}")
        if others:
            names = dict.fromkeys(
                ORIGINS[self.piece.domain].get(move.origin, "autre règlement") for move in others
            )
            total = _euros(sum(move.cents for move in others))
            sentence = (
                f"Réglé autrement ({', '.join(names)}) le {jour(others[-1].day)} : {total} {self.source}."
            )
            yield Remark(
                "warn" if gap and not money else "", "info-circle", sentence + ("" if money else gap)
            )
        if not self.moves and self.settled:
            sentence = f"Réglé pour {_euros(self.settled)}, sans date ni moyen {self.source}."
            yield Remark("", "info-circle", sentence)

    def _state(self, settled: bool) -> Iterator[Remark]:
        state, days, why = self.piece.state, self.piece.states, self.piece.reason
        reason = f" Motif : {why}." if why else ""
        if state == REJECTED:
            yield Remark("danger", "x-lg", f"Rejeté{_on(days, 'DtePceRej')} {self.source}.{reason}")
        elif state == HELD:
            yield Remark(
                "warn", "hourglass-split", f"Mis en instance{_on(days, 'DtePceInst')} {self.source}.{reason}"
            )
        elif state == CANCELLED and self.piece.domain != SPENT:
            yield Remark("warn", "slash-circle", f"Annulé {self.source}.{reason}")
        elif not settled:
            nothing = "aucun paiement dit" if self.piece.domain == SPENT else "aucun encaissement dit"
            yield Remark(
                "", "info-circle", f"Pris en charge{_on(days, 'DtePcePec')}, {nothing} {self.source}."
            )


def _on(days: Mapping[str, str], key: str) -> str:
    return f" le {jour(days[key])}" if days.get(key) else ""


def _euros(cents: int | None) -> str:
    return euros((cents or 0) / 100)


def number_of(text: str) -> str:
    """A number as it is compared here."""
    return text.strip().lstrip("0") or "0"


def settlements_of(
    db: Db, folder: Folder, wanted: Collection[tuple[str, str]] | None = None
) -> dict[Key, Settlement]:
    """The Treasury's word on the pieces of a flow, by key, of those bordereaux (series, number) or of all of them.

    Only returns of the same collectivity are looked at, and only pieces that the flow has; a simulator's word is no word
    where flows leave for good.
    """
    slips = read_slips(db, folder.id)
    pieces: dict[tuple[str, str], set[str] | None] = {}
    for slip in slips:
        place = (slip.series, number_of(slip.number))
        if wanted is None or place in wanted:
            pieces[place] = None if slip.pieces is None else {number_of(str(piece)) for piece in slip.pieces}
    rows: dict[Key, list[tuple[ReturnedPiece, TreasuryReturn]]] = {}
    places, simulated = list(pieces), open_channel(CHANNEL).simulated
    for first in range(0, len(places), _CHUNK):
        query = (
            sa.select(ReturnedPiece, TreasuryReturn)
            .join(TreasuryReturn, TreasuryReturn.id == ReturnedPiece.return_id)
            .where(
                ReturnedPiece.collectivity_id == folder.collectivity_id,
                TreasuryReturn.simulated == simulated,
                sa.tuple_(ReturnedPiece.series, ReturnedPiece.slip).in_(places[first : first + _CHUNK]),
            )
            .order_by(TreasuryReturn.written_on, TreasuryReturn.id, ReturnedPiece.id)
        )
        for piece, file in db.execute(query):
            known = pieces[piece.series, piece.slip]
            if known is None or piece.number in known:
                rows.setdefault((piece.series, piece.slip, piece.number), []).append((piece, file))
    return {key: _last(spoken) for key, spoken in rows.items()}


def _last(spoken: Sequence[tuple[ReturnedPiece, TreasuryReturn]]) -> Settlement:
    """The word of the last return on each line."""
    lines: dict[str, tuple[int, int, list[Move]]] = {}
    for piece, _ in spoken:
        for number, _state, due, settled, moves in piece.lines:
            lines[number] = (due, settled or 0, [Move(*move) for move in moves])
    moves = sorted(
        (move for *_, line_moves in lines.values() for move in line_moves), key=lambda move: move.day
    )
    settled = sum(line_settled for _, line_settled, _ in lines.values())
    return Settlement(*spoken[-1], tuple(moves), settled, sum(line_due for line_due, *_ in lines.values()))


def shared(db: Db, folder: Folder) -> list[dict[str, Any]]:
    """What other software reads of it: one for each piece of which the Treasury spoke; nothing for what is no flow."""
    if not is_flow(family_of(folder.in_force)):
        return []
    return [
        {
            "kind": WHAT[settlement.piece.domain],
            "year": settlement.piece.series.split(" ")[-2],
            "slip": settlement.piece.slip,
            "piece": settlement.piece.number,
            "paid": f"{settlement.paid / 100:.2f}",
            "paid_on": day_of(settlement.money[-1].day) if settlement.money else None,
            "due": f"{settlement.due / 100:.2f}",
            "words": " ".join(each.text for each in settlement.remarks()),
            "file": settlement.last.name,
            "said_on": settlement.last.written_on,
            "simulated": settlement.last.simulated,
        }
        for settlement in settlements_of(db, folder).values()
    ]


@dataclass(frozen=True)
class Slips:
    """The bordereaux that a return speaks of, as an actor may know them; `folders` those whose flow he reads, by place.

    `hidden`: of a flow that he does not read; `unknown`: of no flow here.
    """

    folders: Mapping[tuple[str, str], int]
    hidden: frozenset[tuple[str, str]]
    unknown: frozenset[tuple[str, str]]


def slips_of(db: Db, actor: Actor, places: Collection[tuple[str, str]]) -> Slips:
    """Which of these bordereaux (series, number) the actor reads: the definition is that of their folders."""
    wanted, folder_ids, indexed = (
        {series for series, _ in places},
        dict[tuple[str, str], int](),
        set[tuple[str, str]](),
    )
    ranges = [FlowSlip.key.startswith(f"{series} ", autoescape=True) for series in sorted(wanted)]
    for first in range(0, len(ranges), _CHUNK):
        query = (
            sa.select(FlowSlip.key, FlowSlip.number, Folder.id, readable_by(actor))
            .join(Folder, Folder.id == FlowSlip.folder_id)
            .where(FlowSlip.collectivity_id == actor.collectivity_id, sa.or_(*ranges[first : first + _CHUNK]))
            .order_by(Folder.id)
        )
        for key, number, folder_id, readable in db.execute(query):
            place = (key.removesuffix(f" {number}"), number_of(number))
            indexed.add(place)
            if readable:
                folder_ids[place] = folder_id
    wanted_places = frozenset(places)
    mine = {place: folder_id for place, folder_id in folder_ids.items() if place in wanted_places}
    return Slips(mine, frozenset((wanted_places & indexed) - mine.keys()), wanted_places - indexed)


def settlement_of(piece: ReturnedPiece, file: TreasuryReturn) -> Settlement:
    """What one return says of a piece, whatever others say of it."""
    return _last([(piece, file)])
