"""What the page « Chorus Pro » shows: how the line stands, what waits for a person, what was fetched and what was said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.chorus import own, scopes
from app.chorus.models import ChorusAccount, ChorusInvoice, ChorusRound, ChorusStatus
from app.chorus.rounds import COMING, KIND, account_of, next_round
from app.chorus.statuses import in_words
from app.core.clock import PARIS, now, today
from app.core.db import Db
from app.core.french import jour
from app.core.outbox import Outbox
from app.display.views import state_label
from app.folders.access import read_by, readable_among
from app.folders.models import Folder
from app.people.actor import Actor
from app.people.models import Collectivity, Desk
from app.people.own_settings.registry import own_value
from workflows.circuit import WITHDRAWN, Phase

ROUNDS: Final = 12
INVOICES: Final = 50
TO_DECIDE: Final = 100
SOON: Final = 60
"""Days before its end at which the technical password is lines of."""


@dataclass(frozen=True)
class ToDecide:
    """Something that waits for a person: of which invoice, what happened, and what may be done (an endpoint and its number)."""

    number: str
    about: str
    sentence: str
    action: str = ""
    row_id: int = 0
    folder_id: int | None = None


@dataclass(frozen=True)
class Line:
    """An invoice as a row shows it."""

    number: str
    seller: str
    service: str
    status: str
    at: datetime
    statuses: Sequence[str]
    state: str
    coming: bool
    row_id: int
    folder_id: int | None
    where: str


@dataclass(frozen=True)
class Shown:
    """The page: `fault` of the last round, empty where it went to its end; None before the first one."""

    login: str
    key: bool
    scopes: Sequence[scopes.Standing]
    sends: bool
    password: str
    password_late: bool
    last: ChorusRound | None
    coming: datetime
    calls: int
    received: int
    sent: int
    waiting: int
    to_decide: Sequence[ToDecide]
    invoices: Sequence[Line]
    rounds: Sequence[ChorusRound]


def shown(db: Db, actor: Actor) -> Shown:
    """All of it, for who administers; an invoice that he may not read is lines by its number on Chorus Pro alone."""
    place = actor.collectivity_id
    read_by(db, actor)
    values = db.get_one(Collectivity, place).settings
    account = account_of(db, place)
    rounds = db.scalars(
        sa.select(ChorusRound)
        .where(ChorusRound.collectivity_id == place)
        .order_by(ChorusRound.began_at.desc(), ChorusRound.id.desc())
        .limit(ROUNDS)
    ).all()
    morning = datetime.combine(today(), time(0), PARIS)
    ours = ChorusInvoice.collectivity_id == place
    ours_said = ChorusStatus.collectivity_id == place
    received, sent, waiting = db.execute(
        sa.select(
            _count(ChorusInvoice, ours, ChorusInvoice.fetched_at >= morning),
            _count(ChorusStatus, ours_said, ChorusStatus.state == "sent", ChorusStatus.settled_at >= morning),
            _count(ChorusStatus, ours_said, ChorusStatus.state == "waiting"),
        )
    ).one()
    password, late = _password(account)
    return Shown(
        str(own_value(values, own.ACCOUNT) or ""),
        own_value(values, own.ACCOUNT_KEY) is not None,
        scopes.standings(
            account.structures if account is not None else (), own.sirets_in(values), own.services_in(values)
        ),
        own.sends(values),
        password,
        late,
        next((row for row in rounds if row.ended_at is not None), None),
        _coming(db, place),
        account.calls if account is not None and account.calls_on == today() else 0,
        received,
        sent,
        waiting,
        _to_decide(db, place),
        _lines(db, place),
        rounds,
    )


def _coming(db: Db, place: int) -> datetime:
    """When Chorus Pro is asked next: by the round that waits after a silence, since no other begins beside it, or by the next."""
    waiting = sa.select(sa.func.min(Outbox.available_at)).where(
        Outbox.kind == KIND, Outbox.collectivity_id == place, sa.text("outbox.state = 'pending'")
    )
    return max(db.scalar(waiting) or next_round(place, now()), now())


def _count(model: Any, *conditions: Any) -> Any:
    return sa.select(sa.func.count()).select_from(model).where(*conditions).scalar_subquery()


def _password(account: ChorusAccount | None) -> tuple[str, bool]:
    """Until when the technical password serves, in words, and whether that is soon."""
    if account is None or account.password_ends is None:
        return "", False
    left = (account.password_ends - today()).days
    if left < 0:
        return f"Expiré le {jour(account.password_ends)} : faites-le renouveler", True
    return f"Valable jusqu’au {jour(account.password_ends)}", left <= SOON


def _to_decide(db: Db, place: int) -> list[ToDecide]:
    """What nobody but a person settles: invoices that cannot be fetched, statuses that are refused, what came too late."""
    invoices = db.execute(
        sa.select(ChorusInvoice, Folder.phase)
        .outerjoin(Folder, Folder.id == ChorusInvoice.folder_id)
        .where(
            ChorusInvoice.collectivity_id == place,
            sa.or_(
                ChorusInvoice.trouble != "",
                sa.and_(
                    Folder.phase == Phase.DONE,
                    Folder.place != WITHDRAWN,
                    ChorusInvoice.status == "COMPLETEE",
                ),
            ),
        )
        .order_by(ChorusInvoice.id.desc())
        .limit(TO_DECIDE)
    ).all()
    refused = db.execute(
        sa.select(ChorusStatus, ChorusInvoice)
        .join(ChorusInvoice, ChorusInvoice.id == ChorusStatus.invoice_id)
        .where(ChorusStatus.collectivity_id == place, ChorusStatus.state == "refused")
        .order_by(ChorusStatus.id.desc())
        .limit(TO_DECIDE)
    ).all()
    folders = [invoice.folder_id for invoice, _ in invoices if invoice.folder_id] + [
        invoice.folder_id for _, invoice in refused if invoice.folder_id
    ]
    readable = readable_among(db, folders)
    rows = [
        ToDecide(
            *_named(invoice, readable),
            invoice.trouble
            or "Complétée par le fournisseur une fois son dossier terminé : vérifiez le compte payé avec le comptable.",
            "chorus.fetch_again" if invoice.trouble else "",
            invoice.id,
            _link(invoice, readable),
        )
        for invoice, _phase in invoices
    ]
    rows += [
        ToDecide(
            *_named(invoice, readable),
            f"« {in_words(status.status).capitalize()} » n’est pas pris : {status.trouble}",
            "chorus.say_again",
            status.id,
            _link(invoice, readable),
        )
        for status, invoice in refused
    ]
    return rows


def _named(invoice: ChorusInvoice, readable: frozenset[int]) -> tuple[str, str]:
    """How an invoice is called for who reads its folder; by its number on Chorus Pro alone for who does not."""
    if invoice.folder_id is not None and invoice.folder_id not in readable:
        return f"n° {invoice.cpro_id} sur Chorus Pro", ""
    return invoice.number, invoice.seller


def _link(invoice: ChorusInvoice, readable: frozenset[int]) -> int | None:
    return invoice.folder_id if invoice.folder_id in readable else None


def _lines(db: Db, place: int) -> list[Line]:
    invoices = db.scalars(
        sa.select(ChorusInvoice)
        .where(ChorusInvoice.collectivity_id == place)
        .order_by(ChorusInvoice.id.desc())
        .limit(INVOICES)
    ).all()
    lines: dict[int, list[str]] = {}
    rows = db.scalars(
        sa.select(ChorusStatus)
        .where(ChorusStatus.invoice_id.in_([invoice.id for invoice in invoices]))
        .order_by(ChorusStatus.id)
    )
    for status in rows:
        lines.setdefault(status.invoice_id, []).append(_said(status))
    folders = [invoice.folder_id for invoice in invoices if invoice.folder_id]
    readable, places = readable_among(db, folders), _places(db, folders)
    every = [
        Line(
            *_named(invoice, readable),
            invoice.service_name or invoice.service,
            in_words(invoice.standing[0]),
            invoice.standing[1] or invoice.first_at,
            lines.get(invoice.id, ()),
            invoice.state,
            invoice.standing[0] in COMING,
            invoice.id,
            _link(invoice, readable),
            places.get(invoice.folder_id or 0, ""),
        )
        for invoice in invoices
    ]
    return sorted(every, key=lambda line: line.at, reverse=True)


def _places(db: Db, folders: Sequence[int]) -> dict[int, str]:
    """How far each of these folders is, and whose desk it came to: « brouillon, Comptabilité ». No more is told of it here."""
    query = sa.select(Folder.id, Folder.place, Desk.name).join(Desk, Desk.id == Folder.emitter_desk_id)
    rows = db.execute(query.where(Folder.id.in_(folders)))
    return {row.id: f"{state_label(row.place, None).lower()}, {row.name}" for row in rows}


_STATES: Final = {"waiting": "en attente", "sent": "envoyé", "refused": "refusé", "dropped": "gardé ici"}


def _said(status: ChorusStatus) -> str:
    mandate = f", mandat {status.mandate}" if status.mandate else ""
    return f"{in_words(status.status)}{mandate} : {_STATES[status.state]}"


def stale(last: ChorusRound | None) -> bool:
    """Whether no round went to its end for an hour."""
    return last is not None and (bool(last.fault) or now() - last.began_at > timedelta(hours=1))
