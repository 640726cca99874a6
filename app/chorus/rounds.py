"""Rounds of fetching: each quarter of an hour, and for each collectivity, what changed on Chorus Pro is listed and noted.

What is noted is fetched by a row of background work of its own (`fetching.py`), written in the same transaction. A round that
dies is done again from where the last whole one began, a day earlier for clocks that disagree: what is known already is noted
twice without harm. That another tool fetched an invoice says nothing of it here.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.chorus import own
from app.chorus.answers import Listed, Service, Structure, day_of
from app.chorus.client import KINDS, Client, of_sirets
from app.chorus.faults import Barred, Refused, Silent, Unentitled
from app.chorus.models import ChorusAccount, ChorusInvoice, ChorusRound
from app.chorus.scopes import (
    ASKED,
    FAULT,
    LISTED,
    READ,
    Scope,
    asked_for,
    marked,
    row_of,
    scopes_of,
    unknown,
)
from app.chorus.wire import NAME, opened
from app.core.clock import PARIS, now, today
from app.core.db import Db, reading
from app.core.outbox import Later, News, Outbox, Row, post
from app.core.transaction import use_case
from app.people.actor import Actor, system
from app.people.models import Collectivity
from app.transmission import rounds, silences
from app.transmission.ports import AccountRefused, Unreachable
from config import Settings

KIND: Final = "chorus.round"
INVOICE: Final = "chorus.invoice"
WHO: Final = "Chorus Pro"
EVERY: Final = 15
"""Minutes between two rounds of a collectivity."""
OVERLAP: Final = timedelta(days=1)
FIRST: Final = timedelta(days=180)
"""How far back a structure is read for the first time: what waits there for longer is told to be on the portal."""
ASKED_AGAIN: Final = timedelta(days=1)
"""After which the structures of an account, and the end of its password, are asked again."""
KEPT: Final = timedelta(days=30)
"""How long a round is shown."""
LATE: Final = 3
"""Minutes for which the round of a collectivity may still begin, the minute of the watchdog having been missed."""
OVER: Final = frozenset(
    {"REJETEE", "MANDATEE", "MISE_A_DISPOSITION_COMPTABLE", "COMPTABILISEE", "MISE_EN_PAIEMENT"}
)
"""The statuses of an invoice that nobody deals with any more: first seen with one of them, it is noted and not fetched."""
COMING: Final = frozenset({"DEPOSEE", "EN_COURS_ACHEMINEMENT", "A_RECYCLER"})
"""The statuses of an invoice that is not ours yet, or is to be sent elsewhere: it is fetched once it has another one."""
NOT_ENTITLED: Final = "Chorus Pro n’habilite pas ce compte (HTTP 403)"
AGAIN: Final = 300.0
"""Seconds before Chorus Pro is asked again after a silence."""


def look() -> None:
    """Ask for the rounds of this minute: each collectivity has its own in the quarter of an hour, so that they are spread."""
    moment = now()
    minute = int(moment.timestamp() // 60)
    turns = [(minute - late) % EVERY for late in range(LATE)]
    with reading() as db:
        mine = sa.select(Collectivity.id, Collectivity.settings).where((Collectivity.id % EVERY).in_(turns))
        wanted = [number for number, values in db.execute(mine) if own.asked(values)]
        keys = {f"{KIND}-{number}-{(minute - number) // EVERY}": number for number in wanted}
        known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(keys)))) if keys else set()
    for key, number in keys.items():
        if key not in known:
            begin(system(number, WHO), key)


@use_case
def begin(db: Db, actor: Actor, key: str) -> None:
    """Ask for a round; one that waits for an answer goes on by itself, and no other begins beside it."""
    waiting = sa.select(Outbox.id).where(
        Outbox.kind == KIND,
        Outbox.collectivity_id == actor.collectivity_id,
        sa.text("outbox.state IN ('pending','running')"),
    )
    if (
        db.scalar(waiting.limit(1)) is None
        and db.scalar(sa.select(Outbox.id).where(Outbox.key == key)) is None
    ):
        post(db, actor.collectivity_id, [News(KIND, key, {})])


@use_case
def ask(db: Db, actor: Actor) -> None:
    """Have a round done now, as a person asks."""
    rounds.request(db, actor, KIND, f"{KIND}-{actor.collectivity_id}-now-{now():%Y%m%d%H%M%S%f}")


class Round:
    """The handler of a round, given the settings, and what an older version left undone (`mending.mend`)."""

    def __init__(self, settings: Settings, mend: Callable[[Actor, Client | None], None]) -> None:
        self._settings, self._mend = settings, mend

    def __call__(self, row: Row) -> None:
        """List what changed, and note it; a silence is told, and the round goes on later."""
        actor, values = system(row.collectivity_id, WHO), own.own_of(row.collectivity_id)
        if not own.asked(values):
            return
        number = started(actor)
        try:
            client = Client(opened(self._settings), own.identity_in(values, self._settings))
        except own.Unset as unset:
            ended(actor, number, 0, fault=f"{unset} : rien n’est relevé")
            return
        except AccountRefused as fault:
            self._silent(actor, number, fault, 0)
            return
        refusals: list[str] = []
        asked_at = self._asked_at(actor)
        try:
            scopes = self._scopes(actor, client, own.sirets_in(values), own.services_in(values), refusals)
            for scope in scopes:
                try:
                    self._list(actor, client, scope, number)
                except (Refused, Unentitled) as refused:  # of this scope: the others are read all the same
                    why = NOT_ENTITLED if isinstance(refused, Unentitled) else str(refused)
                    mark(actor, scope, {ASKED: now().isoformat(), FAULT: why})
                    if len(scopes) == 1 and isinstance(refused, Unentitled):
                        raise
                    refusals.append(f"{scope.name} : {why}")
            self._mend(actor, client if self._asked_at(actor) != asked_at else None)
        except Refused as refused:
            self._silent(actor, number, _barred([str(refused)]), client.count)
        except Unreachable as fault:
            self._silent(actor, number, fault, client.count)
        if refusals:
            # The others were read: what is refused is told, and asked again with them at the next round
            barred = _barred(refusals)
            ended(actor, number, client.count, fault=str(barred))
            silences.note(actor, NAME, barred, self._settings)
            return
        ended(actor, number, client.count, whole=True)
        silences.answered(actor, NAME)

    def _silent(self, actor: Actor, number: int, fault: Unreachable, calls: int) -> None:
        """Say why a round did not go to its end, and let it go on later."""
        ended(actor, number, calls, fault=str(fault))
        silences.note(actor, NAME, fault, self._settings)
        seconds = fault.seconds if isinstance(fault, Silent) and fault.seconds else AGAIN
        raise Later(seconds, f"Factures non relevées : {fault}") from fault

    def _scopes(
        self, actor: Actor, client: Client, sirets: Sequence[str], codes: Sequence[str], refusals: list[str]
    ) -> Sequence[Scope]:
        """What to fetch, of the structures that are known: asked again after a day, or when another SIRET or service is wanted.

        What is refused of a structure's services, and a service that none has, go to `refusals`.
        """
        account = self._account(actor)
        known = account.structures if account is not None else []
        served = of_sirets([Structure.model_validate(row) for row in known], sirets)
        asked_at = account.structures_at if account is not None else None
        if (
            asked_at is None
            or now() - asked_at > ASKED_AGAIN
            or not set(sirets) <= {structure.siret for structure in served}
            or not all(asked_for(row, codes) for row in _rows_of(known, served))
        ):
            structures = client.structures()
            served = of_sirets(structures, sirets)
            services: dict[int, Sequence[Service]] = {}
            for structure in served:
                try:
                    services[structure.id] = client.services(structure.id) if codes else ()
                except (Refused, Unentitled) as refused:
                    why = NOT_ENTITLED if isinstance(refused, Unentitled) else str(refused)
                    refusals.append(f"{structure.name} ({structure.siret}), liste de ses services : {why}")
            keep_structures(actor, structures, services, codes, _password_ends(client, served))
            account = self._account(actor)
        rows = account.structures if account is not None else []
        scopes = scopes_of(rows, sirets, codes)
        if not served:
            raise Barred("Ce compte technique n’est rattaché à aucune des structures voulues : rattachez-le.")
        if strangers := own.unknown_in_words(unknown(rows, sirets, codes)):
            refusals.append(strangers.rstrip("."))
        return scopes

    def _asked_at(self, actor: Actor) -> datetime | None:
        """When the structures were last asked."""
        account = self._account(actor)
        return account.structures_at if account is not None else None

    @staticmethod
    def _account(actor: Actor) -> ChorusAccount | None:
        with reading(actor.collectivity_id) as db:
            return account_of(db, actor.collectivity_id)

    def _list(self, actor: Actor, client: Client, scope: Scope, number: int) -> None:
        # Before anything is listed: what changes meanwhile is for the next round.
        begun, since, listed = now(), scope.read_until, 0
        start = (since - OVERLAP if since is not None else begun - FIRST).astimezone(PARIS)
        structure = scope.structure.id
        for kind in KINDS:
            for page in client.changed(structure, kind, f"{start:%Y-%m-%dT%H:%M:%S}", scope.service_id):
                note(actor, number, structure, kind, page, simulated=client.simulated)
                listed += len(page)
        moment = begun.isoformat()
        mark(actor, scope, {READ: moment, ASKED: moment, LISTED: listed, FAULT: ""})


def _barred(refusals: Sequence[str]) -> Barred:
    return Barred(f"{' ; '.join(refusals)}. Vérifiez les droits du compte technique.")


def _rows_of(rows: Sequence[Mapping[str, Any]], served: Sequence[Structure]) -> list[Mapping[str, Any]]:
    ids = {structure.id for structure in served}
    return [row for row in rows if Structure.model_validate(row).id in ids]


@use_case
def started(db: Db, actor: Actor) -> int:
    """Write that a round begins, and take away those that are shown no more; its number."""
    ours = ChorusRound.collectivity_id == actor.collectivity_id
    db.execute(sa.delete(ChorusRound).where(ours, ChorusRound.began_at < now() - KEPT))
    row = ChorusRound(
        collectivity_id=actor.collectivity_id, began_at=now(), ended_at=None, listed=0, fresh=0, fault=""
    )
    db.add(row)
    db.flush()
    return row.id


@use_case
def ended(db: Db, actor: Actor, number: int, calls: int, *, whole: bool = False, fault: str = "") -> None:
    """Write how a round ended; all that changed before it began is listed when it was `whole`."""
    row = db.get_one(ChorusRound, number)
    row.ended_at, row.fault = now(), fault[:500]
    account = _locked(db, actor.collectivity_id)
    if whole:
        # When it began, not now: what changed while it was read may not have been listed.
        account.since = row.began_at
    if account.calls_on != today():
        account.calls_on, account.calls = today(), 0
    account.calls += calls


def _password_ends(client: Client, served: Sequence[Structure]) -> str:
    """When the technical password ends, by the first structure that may be consulted."""
    for structure in served:
        try:
            return client.password_ends(structure.id)
        except Refused:
            continue
    return ""


@use_case
def mark(db: Db, actor: Actor, scope: Scope, values: Mapping[str, Any]) -> None:
    """Write how a scope was read: up to when, how many, or why not."""
    account = _locked(db, actor.collectivity_id)
    account.structures = marked(account.structures, scope, values)


@use_case
def keep_structures(
    db: Db,
    actor: Actor,
    structures: Sequence[Structure],
    services: Mapping[int, Sequence[Service]],
    codes: Sequence[str],
    ends: str,
) -> None:
    """Write the structures of the account with the services named, and the end of its password; how far each was read stays.

    Of a structure whose services are not given, those of before stay.
    """
    account = _locked(db, actor.collectivity_id)
    before = {Structure.model_validate(row).id: row for row in account.structures}
    account.structures = [
        row_of(structure, services.get(structure.id), codes, before.get(structure.id))
        for structure in structures
    ]
    account.structures_at = now()
    account.password_ends = day_of(ends) if ends else None


@use_case
def note(
    db: Db, actor: Actor, number: int, structure: int, kind: str, page: Sequence[Listed], *, simulated: bool
) -> None:
    """Note the invoices of a page of a list, and ask that those which are new, or changed, be looked at."""
    wanted = {listed.id: listed for listed in page}
    known = {
        invoice.cpro_id: invoice
        for invoice in db.scalars(
            sa.select(ChorusInvoice).where(
                ChorusInvoice.collectivity_id == actor.collectivity_id, ChorusInvoice.cpro_id.in_(wanted)
            )
        )
    }
    news = []
    for listed in wanted.values():
        invoice = known.get(listed.id)
        if invoice is None:
            invoice = _fresh(actor, structure, kind, listed, simulated=simulated)
            db.add(invoice)
        elif (invoice.status, invoice.since) == (listed.status, listed.since):
            continue
        else:
            invoice.status, invoice.since, invoice.turn = listed.status, listed.since, invoice.turn + 1
            invoice.service, invoice.service_name = listed.service, listed.service_name
            if invoice.state == "past" and listed.status not in OVER:
                invoice.state = "seen"
        if invoice.state == "fetched" or (invoice.state != "past" and listed.status not in COMING):
            news.append(look_at(invoice))
    db.flush()  # a rival that notes the same invoice is met here
    row = db.get_one(ChorusRound, number, with_for_update=True)
    row.listed, row.fresh = row.listed + len(wanted), row.fresh + len(wanted) - len(known)
    post(db, actor.collectivity_id, news)


def look_at(invoice: ChorusInvoice) -> News:
    """The work of looking at an invoice, once for each `turn`."""
    key = f"{INVOICE}-{invoice.collectivity_id}-{invoice.cpro_id}-{invoice.turn}"
    return News(INVOICE, key, {"invoice": invoice.cpro_id}, invoice.folder_id)


def _fresh(actor: Actor, structure: int, kind: str, listed: Listed, *, simulated: bool) -> ChorusInvoice:
    texts: dict[str, Any] = {
        "number": listed.number,
        "seller": listed.seller,
        "service": listed.service,
        "service_name": listed.service_name,
        "total": listed.total,
        "status": listed.status,
        "since": listed.since,
    }
    return ChorusInvoice(
        collectivity_id=actor.collectivity_id,
        cpro_id=listed.id,
        structure=structure,
        kind=kind,
        **texts,
        frame="",
        buyer_siret="",
        history=[],
        available_on=None,
        completions=[],
        state="past" if listed.status in OVER else "seen",
        trouble="",
        turn=1,
        simulated=simulated,
        arrival_id=None,
        folder_id=None,
        folder_version=0,
        first_at=now(),
        fetched_at=None,
    )


def account_of(db: Db, collectivity_id: int) -> ChorusAccount | None:
    """How far a collectivity was read; None before its first round."""
    return _account(db, collectivity_id)


def last_round(db: Db, collectivity_id: int) -> ChorusRound | None:
    """The last round that ended, whole or not."""
    query = sa.select(ChorusRound).where(
        ChorusRound.collectivity_id == collectivity_id, ChorusRound.ended_at.is_not(None)
    )
    return db.scalar(query.order_by(ChorusRound.began_at.desc(), ChorusRound.id.desc()).limit(1))


def next_round(collectivity_id: int, moment: datetime) -> datetime:
    """When the next round of a collectivity begins."""
    minute = int(moment.timestamp() // 60)
    left = (collectivity_id - minute) % EVERY or EVERY
    return moment.replace(second=0, microsecond=0) + timedelta(minutes=left)


def _account(db: Db, collectivity_id: int) -> ChorusAccount | None:
    return db.scalar(sa.select(ChorusAccount).where(ChorusAccount.collectivity_id == collectivity_id))


def _locked(db: Db, collectivity_id: int) -> ChorusAccount:
    query = sa.select(ChorusAccount).where(ChorusAccount.collectivity_id == collectivity_id)
    account = db.scalar(query.with_for_update())
    if account is None:
        account = ChorusAccount(
            collectivity_id=collectivity_id,
            since=None,
            structures=[],
            structures_at=None,
            password_ends=None,
            calls_on=None,
            calls=0,
        )
        db.add(account)
        db.flush()  # two who make it at once: the second finds it at its next try
    return account
