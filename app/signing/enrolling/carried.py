"""A person's certificates follow him into every collectivity where he has an account: the key is his, its use is each one's.

One row for each account: the administrators of each collectivity confirm it, end it and choose its use for themselves, by
the same rules. This room alone writes from the verbs of one collectivity into another, and brings nothing that names it.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import OURS_ALREADY, Db
from app.journal.chain import Event, append
from app.people.models import User
from app.people.persons import memberships
from app.signing import enrol
from app.signing.models import Certificate, RemoteKey
from app.trust.purpose import Purpose

_rows: Any = Certificate.__table__
_keys: Any = RemoteKey.__table__
_accounts: Any = User.__table__
_COPIED = (
    "subject",
    "issuer",
    "serial",
    "fingerprint",
    "not_after",
    "der",
    "proof",
    "proven_at",
    "assurance",
)


def carry(db: Db, person_id: int) -> None:
    """Bring into each open account of a person the certificates that he proved in another one and that it never had.

    In the caller's transaction. Their name is compared with that of each account; what differs waits for the administrators
    there. What they ended, or its owner withdrew, is not brought again; nor is what seals, which is a collectivity's.
    """
    accounts = {membership.user_id: membership.collectivity_id for membership in memberships(db, person_id)}
    known = db.execute(
        sa.select(_rows).where(_rows.c.user_id.in_(accounts)).order_by(_rows.c.carried, _rows.c.id)
    ).all()
    had = {(row.user_id, row.fingerprint) for row in known}
    for row in known:
        if row.withdrawn_at is not None or row.doubled:
            continue
        if row.proof == enrol.Proof.DECLARED.value or row.purpose == Purpose.SEAL.value:
            continue
        for number in sorted(accounts, key=accounts.__getitem__):
            if (number, row.fingerprint) not in had:
                had.add((number, row.fingerprint))
                _bring(db, row, number)
    _bring_keys(db, accounts)


def _bring(db: Db, row: Any, number: int) -> None:
    mine = sa.select(User).where(User.id == number).execution_options(**{OURS_ALREADY: True})
    owner = db.scalars(mine).one()
    values = {name: getattr(row, name) for name in _COPIED}
    values |= {
        "purpose": row.purpose,
        "enrolled_at": now(),
        "enrolled_by": owner.name,
        "withdrawn_reason": "",
    }
    values |= {"to_confirm": not enrol.in_name_of(row.der, owner), "doubled": False, "carried": True}
    values |= {"user_id": number, "collectivity_id": owner.collectivity_id, "ended_reason": ""}
    ended = enrol.last_end(db, owner.collectivity_id, row.fingerprint)
    if ended is not None:
        values |= {"ended_at": ended.ended_at, "ended_by": ended.ended_by, "ended_reason": ended.ended_reason}
        values["to_confirm"] = True
    row_id = db.execute(sa.insert(_rows).values(**values).returning(_rows.c.id)).scalar_one()
    query = sa.select(Certificate).where(Certificate.id == row_id).execution_options(**{OURS_ALREADY: True})
    brought = db.scalars(query).one()
    why = enrol.awaited(brought, owner)
    enrol.write_letters(db, brought, owner, "certificate_enrolled", why=why, administrators=True)
    _journal(db, owner, brought, "certificate.enrolled", proof=brought.proof, to_confirm=brought.to_confirm)


def _bring_keys(db: Db, accounts: Mapping[int, int]) -> None:
    """Beside each certificate that serves, the credential by which it signs at a trust service in another account.

    Not where somebody of that collectivity has the credential already.
    """
    live = sa.select(
        _rows.c.id, _rows.c.fingerprint, _rows.c.collectivity_id, _keys.c.service, _keys.c.credential
    )
    live = live.outerjoin(_keys, _keys.c.certificate_id == _rows.c.id)
    rows = db.execute(
        live.where(_rows.c.user_id.in_(accounts), _rows.c.withdrawn_at.is_(None)).order_by(_rows.c.id)
    ).all()
    linked = {row.fingerprint: row for row in rows if row.credential is not None}
    for row in rows:
        key = linked.get(row.fingerprint)
        if row.credential is not None or key is None:
            continue
        values = {"service": key.service, "credential": key.credential}
        taken = sa.select(_keys.c.id).where(
            _keys.c.collectivity_id == row.collectivity_id,
            *(_keys.c[name] == values[name] for name in values),
        )
        if db.execute(taken).first() is None:
            values |= {"certificate_id": row.id, "collectivity_id": row.collectivity_id}
            db.execute(sa.insert(_keys).values(linked_at=now(), **values))


def withdraw_everywhere(db: Db, person_id: int, fingerprint: str, but: int) -> None:
    """Its owner signs with this certificate no more, in any of his accounts; the row `but` is the caller's."""
    alike = (
        sa.select(_rows.c.id, _rows.c.user_id)
        .join(_accounts, _accounts.c.id == _rows.c.user_id)
        .where(
            _accounts.c.person_id == person_id,
            _rows.c.fingerprint == fingerprint,
            _rows.c.withdrawn_at.is_(None),
            _rows.c.id != but,
        )
        .order_by(_rows.c.collectivity_id)
    )
    for number, account in db.execute(alike).all():
        mine = sa.select(User).where(User.id == account).execution_options(**{OURS_ALREADY: True})
        owner = db.scalars(mine).one()
        change = sa.update(_rows).where(_rows.c.id == number)
        db.execute(change.values(withdrawn_at=now(), withdrawn_by=owner.name, withdrawn_reason=""))
        row = db.scalars(
            sa.select(Certificate).where(Certificate.id == number).execution_options(**{OURS_ALREADY: True})
        ).one()
        _journal(db, owner, row, "certificate.withdrawn")


def _journal(db: Db, owner: User, row: Certificate, event: str, **more: object) -> None:
    """The line of that collectivity's journal, in the name that its owner has there."""
    facts = {"user": owner.id, "fingerprint": row.fingerprint, "serial": row.serial, "purpose": row.purpose}
    append(db, owner.collectivity_id, Event(event, owner.name, owner.id, None, {**facts, **more}))
