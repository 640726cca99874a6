"""Fetch what the Treasury sends of itself (PES_Retour), keep each file once in its very bytes, then say that it was taken.

Killed between the two, the file is listed again, and recognised by its digest. What cannot be read, is no XML, or bears the
SIRET of another body is kept all the same, and takes part in nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, cast

import sqlalchemy as sa
import structlog

from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import Later, News, Row, post
from app.core.texts import cleaned
from app.core.transaction import use_case
from app.files import vault
from app.journal.chain import Event, append
from app.people.actor import Actor, system
from app.people.models import Collectivity, User
from app.pes import returned
from app.pes.models import ReturnedClient, ReturnedPiece, TreasuryReturn
from app.pes.returned import Return, Unread
from app.transmission import rounds, silences
from app.transmission.channels import open_channel
from app.transmission.models import Transmission
from app.transmission.parcel import sender_of
from app.transmission.ports import SIMULATED, AccountRefused, Listed, Sender, Unreachable
from config import Settings

log = structlog.get_logger()
FETCH: Final = "pes.fetch"
ASTRAY: Final = "return_astray"
CHANNEL: Final = "helios"
READ, UNREAD, ASIDE, NOBODY, OTHER = "read", "unread", "aside", "nobody", "other"
NO_XML: Final = (".ocr", ".ocre")
MOST_NAME: Final = 200
ANSWERED: Final = ("acknowledged", "partial")
_ROWS: Final = 1000
_TOO_MANY: Final = (
    "Il dit {count} restes à recouvrer par client, plus que les {most} que Paraphe garde : aucun n’est affiché ; ils sont dans "
    "le fichier. Ce qu’il dit des mandats et titres est lu."
)


class Treasury(Protocol):
    """What of the channel is asked here."""

    @property
    def simulated(self) -> bool:
        """True when no real Treasury is behind."""

    @property
    def unset(self) -> str | None:
        """Why nobody is asked, no operator being set."""

    def returns(self, sender: Sender) -> Sequence[Listed]:
        """The files that wait."""

    def returned(self, sender: Sender, reference: str) -> bytes:
        """One of them."""

    def return_taken(self, sender: Sender, reference: str) -> None:
        """It waits no more."""


@dataclass(frozen=True)
class Received:
    """A file whose bytes are in the store, and what it says, or why it says nothing."""

    listed: Listed
    sha256: str
    size: int
    content: Return | None
    standing: str
    trouble: str | None
    simulated: bool


def look(settings: Settings) -> None:
    """Ask for a round of fetching, once for each period and each collectivity whose flows the Treasury takes (`rounds.due`)."""
    flow = sa.select(sa.literal(1)).where(
        Transmission.collectivity_id == Collectivity.id,
        Transmission.channel == CHANNEL,
        Transmission.state.in_(ANSWERED),
    )
    for key, collectivity_id in rounds.due(
        FETCH, "returns", settings.actes_letters_seconds, flow.exists()
    ).items():
        ask(system(collectivity_id), key)


@use_case
def ask(db: Db, actor: Actor, key: str) -> None:
    """Fetch the returns of a collectivity (`rounds.request`)."""
    rounds.request(db, actor, FETCH, key)


def fetch(row: Row, settings: Settings) -> None:
    """Fetch and keep what is waiting; a file is given back as taken only once it is written here.

    What was not answered is never done: the round waits, says why, and asks again; administrators are told (`silences`).
    Where no operator is set nobody is asked: the round waits, and neither begins nor ends a silence.
    """
    actor, channel = system(row.collectivity_id), cast("Treasury", open_channel(CHANNEL))
    if channel.unset is not None:
        raise Later(settings.actes_letters_seconds, channel.unset)
    with reading(row.collectivity_id) as db:
        sender = sender_of(db, row.collectivity_id, settings)
    way, silence = CHANNEL, None
    try:
        listed = channel.returns(sender)
        silence = _keep_all(actor, channel, sender, listed)
        if silence is not None and not isinstance(silence, AccountRefused):
            # The list was given: the way is open, and it is a file that does not come through it
            silences.answered(actor, CHANNEL)
            way = silences.RETURNS
    except Unreachable as unreachable:
        silence = unreachable
    if silence is not None:
        silences.note(actor, way, silence, settings)
        raise Later(settings.actes_letters_seconds, f"Retours non relevés : {silence}") from silence
    silences.answered(actor, CHANNEL)
    silences.answered(actor, silences.RETURNS)


def _keep_all(
    actor: Actor, channel: Treasury, sender: Sender, listed: Sequence[Listed]
) -> Unreachable | None:
    """Keep every file that comes: one that fails keeps no other from being kept; returns the first silence."""
    silence: Unreachable | None = None
    fault: Exception | None = None
    for entry in listed:
        try:
            raw = channel.returned(sender, entry.reference)
            keep_return(actor, _stored(actor.collectivity_id, entry, raw, simulated=channel.simulated))
            channel.return_taken(sender, entry.reference)
        except AccountRefused as refused:
            silence = refused
            break  # nor will it give the others
        except Unreachable as unreachable:
            silence = silence or unreachable
        except Exception as failure:  # noqa: BLE001 - raised again below, once the other files are kept
            log.warning("pes.return_failed", reference=entry.reference, error=repr(failure))
            fault = fault or failure
    if fault is not None:
        raise fault
    return silence


def _stored(collectivity_id: int, listed: Listed, raw: bytes, *, simulated: bool) -> Received:
    """The bytes are written first; then they are read."""
    stored = vault.store().put_bytes(vault.scope(collectivity_id), raw)
    content, standing, trouble = None, READ, None
    if listed.name.lower().endswith(NO_XML):
        standing, trouble = ASIDE, "Ce n’est pas du XML : il est mis de côté, et rien n’en est lu."
    elif SIMULATED in raw and not simulated:
        standing, trouble = (
            UNREAD,
            "Il est FACTICE, d’un simulateur : il ne dit rien. Vérifiez l’opérateur réglé.",
        )
    else:
        try:
            content = returned.read_return(raw)
        except Unread as why:
            standing, trouble = UNREAD, f"Il n’a pas pu être lu : {why}."
    return Received(listed, stored.sha256, len(raw), content, standing, trouble, simulated)


@use_case
def keep_return(db: Db, actor: Actor, received: Received) -> int | None:
    """Write a file, what it says of each piece and its journal line; None when the same bytes are here already.

    It belongs to the collectivity of its SIRET and to no other: what came to another one says nothing there. What is left to
    recover by client is kept of the last file of a budget alone (`last_of`): that of former ones is swept.
    """
    own = TreasuryReturn.collectivity_id == actor.collectivity_id
    if db.scalar(sa.select(TreasuryReturn.id).where(own, TreasuryReturn.sha256 == received.sha256)):
        return None
    content, standing, trouble = received.content, received.standing, received.trouble
    if content is not None:
        standing, trouble = _owner(db, actor, content.siret)
    mine = content if content is not None and standing == READ else None
    pieces = mine.pieces if mine is not None else ()
    if mine is not None and mine.owed > len(mine.outstanding):
        trouble = _TOO_MANY.format(count=mine.owed, most=returned.MOST_CLIENTS)
    row = TreasuryReturn(
        collectivity_id=actor.collectivity_id,
        reference=received.listed.reference,
        name=cleaned(received.listed.name or (content.name if content else ""))[:MOST_NAME] or "sans nom",
        listed_on=cleaned(received.listed.date)[:40],
        received_at=now(),
        sha256=received.sha256,
        size=received.size,
        standing=standing,
        trouble=trouble,
        siret=content.siret if content else "",
        budget=cleaned(content.budget)[:MOST_NAME] if content and standing == READ else "",
        written_on=content.written_on if content else None,
        pieces=len(pieces),
        clients=bool(mine and mine.outstanding_on),
        clients_on=mine.outstanding_on if mine else None,
        clients_of=mine.code if mine and mine.outstanding_on else "",
        simulated=received.simulated,
    )
    db.add(row)
    db.flush()  # its number names its pieces and its news
    ours = {"collectivity_id": actor.collectivity_id, "return_id": row.id}
    for first in range(0, len(pieces), _ROWS):
        db.execute(
            sa.insert(ReturnedPiece), [{**ours, **row_of(piece)} for piece in pieces[first : first + _ROWS]]
        )
    if mine is not None and mine.outstanding_on is not None:
        _keep_clients(db, row, mine.outstanding)
    facts = {
        "reference": row.reference,
        "sha256": row.sha256,
        "standing": standing,
        "pieces": row.pieces,
        "clients": mine.owed if mine is not None else 0,
        "simulated": row.simulated,
    }
    append(db, actor.collectivity_id, Event("pes.return", actor.name, None, None, facts))
    if standing not in {READ, ASIDE}:
        _alert(db, row)
    return row.id


def _keep_clients(db: Db, row: TreasuryReturn, outstanding: Sequence[returned.Outstanding]) -> None:
    """Sweep what files of a budget said of its clients, except the last one's, which may be this one."""
    last = last_of(db, row.collectivity_id, row.clients_of, simulated=row.simulated) or row
    former = (
        *_of_clients(row.collectivity_id, row.clients_of, simulated=row.simulated),
        TreasuryReturn.id != last.id,
    )
    db.execute(
        sa.delete(ReturnedClient)
        .where(ReturnedClient.return_id.in_(sa.select(TreasuryReturn.id).where(*former)))
        .execution_options(synchronize_session=False)
    )
    if last.id != row.id:
        return
    ours = {"collectivity_id": row.collectivity_id, "return_id": row.id}
    for first in range(0, len(outstanding), _ROWS):
        some = [{**ours, **asdict(client)} for client in outstanding[first : first + _ROWS]]
        db.execute(sa.insert(ReturnedClient), some)


def last_of(db: Db, collectivity_id: int, budget: str, *, simulated: bool) -> TreasuryReturn | None:
    """The file whose day is the last, of those that say what clients of a budget (CodColl and CodBud) owe; None without any."""
    return db.scalar(
        sa.select(TreasuryReturn)
        .where(*_of_clients(collectivity_id, budget, simulated=simulated))
        .order_by(
            TreasuryReturn.clients_on.desc(), TreasuryReturn.written_on.desc(), TreasuryReturn.id.desc()
        )
        .limit(1)
    )


def _of_clients(collectivity_id: int, budget: str, *, simulated: bool) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        TreasuryReturn.collectivity_id == collectivity_id,
        TreasuryReturn.simulated == simulated,
        TreasuryReturn.standing == READ,
        TreasuryReturn.clients_of == budget,
        TreasuryReturn.clients_on.is_not(None),
    )


def _owner(db: Db, actor: Actor, siret: str) -> tuple[str, str | None]:
    """Whose a file is: the SIREN of a collectivity is one collectivity's (`people.models.Collectivity`)."""
    owner = db.scalar(sa.select(Collectivity.id).where(Collectivity.siren == siret[:9]))
    if owner == actor.collectivity_id:
        return READ, None
    trouble = (
        f"Il porte le SIRET {siret}, d’une autre collectivité : rien n’en est lu. Signalez-le à l’opérateur."
    )
    return (NOBODY if owner is None else OTHER), trouble


def row_of(piece: returned.ReturnedPiece) -> dict[str, Any]:
    """The columns of a piece that was read."""
    money = piece.money
    return {
        "domain": piece.domain,
        "series": piece.series,
        "slip": piece.slip,
        "number": piece.number,
        "state": piece.state[:2],
        "states": piece.states,
        "reason": cleaned(piece.reason),
        "due": piece.due,
        "paid": sum(cents for _, cents in money),
        "payments": len(money),
        "paid_on": returned.day_of(money[-1][0]) if money else None,
        "lines": [[line.number, line.state, line.due, line.settled, line.moves] for line in piece.lines],
    }


def _alert(db: Db, row: TreasuryReturn) -> None:
    """Tell administrators of a file that says nothing here: what it was to say is not known."""
    chosen = sa.select(User).where(
        User.collectivity_id == row.collectivity_id, User.administrator.is_(True), User.active.is_(True)
    )
    payload = {"event": ASTRAY, "page": f"/tresorerie/retours/{row.id}", "waits": row.standing == UNREAD}
    news = [
        News("mail", f"{ASTRAY}-{row.id}-{user.id}", {**payload, "user_id": user.id}, None, user.email)
        for user in db.scalars(chosen.order_by(User.id))
    ]
    post(db, row.collectivity_id, news)
