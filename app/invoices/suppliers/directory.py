"""What the directory shows: the suppliers of what one reads, in as many statements for a million invoices as for ten."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import jour
from app.core.refusals import Refusal
from app.core.texts import key_of
from app.display import following
from app.display.views import amount, state_label
from app.folders.access import readable_by, unrestricted
from app.folders.models import Folder
from app.invoices.history import FAMILY
from app.invoices.keys import SIREN, seller_key
from app.invoices.known import CONFIRMED, ends
from app.invoices.models import Supplier, SupplierAccount, SupplierSeen
from app.people.actor import Actor
from workflows.circuit import WITHDRAWN

PAGE = 50
LOOKED = 300
"""Suppliers that one page looks through; where it finds fewer than it shows, it says that others follow."""
LATEST = 25
"""Of each supplier, the latest folders among which one is looked for that the reader reads; `TOLD` where there is none."""
COUNTED = 100
"""As many folders of a supplier are counted; beyond, « plus de »."""
TOLD = 500
"""The latest folders of a supplier of which its page tells names, SIRETs and addresses."""
LISTED = 20
"""Folders that the page of a supplier lists."""
MOST = 20_000
"""Suppliers of a table that is taken away."""
SORTS = {"nom": "Par nom", "recents": "Derniers vus"}
_supplier: Any = Supplier.__table__
_naming: Any = SupplierSeen.__table__
_folder: Any = Folder.__table__


@dataclass(frozen=True)
class Asked:
    """What of the directory is wanted: words or digits, a sort of `SORTS`, and after which entry."""

    text: str = ""
    sort: str = "nom"
    after: int | None = None


@dataclass(frozen=True)
class Line:
    """A supplier in a list. `count`: its folders that the reader reads, at most `COUNTED` + 1; `last`: the latest of them."""

    id: int
    name: str
    siren: str
    vat: str
    count: int
    last_id: int | None
    last_day: date | None
    joined: int

    @property
    def counted(self) -> str:
        """« 12 », « plus de 100 »."""
        return f"plus de {COUNTED}" if self.count > COUNTED else str(self.count)


@dataclass(frozen=True)
class Span:
    """Something that folders told of a supplier: how often, and from which day to which."""

    text: str
    count: int
    first: date
    last: date

    @property
    def words(self) -> str:
        """« du 3 mars au 12 mai, 4 fois »."""
        days = (
            f"le {jour(self.first)}"
            if self.first == self.last
            else f"du {jour(self.first)} au {jour(self.last)}"
        )
        return f"{days}, {self.count} fois" if self.count > 1 else days


@dataclass(frozen=True)
class Seen:
    """A folder of a supplier."""

    id: int
    label: str
    number: str
    amount: Decimal | None
    day: date
    state: str


@dataclass(frozen=True)
class Account:
    """What is written of an account of a supplier."""

    ends: str
    known: bool
    how: str


@dataclass(frozen=True)
class Joined:
    """An entry that a person joined with the one that is shown."""

    id: int
    name: str
    identifier: str
    who: str
    day: date
    reason: str


@dataclass(frozen=True)
class Entry:
    """A supplier as its page shows it."""

    line: Line
    names: Sequence[Span]
    sirets: Sequence[Span]
    contacts: Sequence[Span]
    accounts: Sequence[Account]
    folders: Sequence[Seen]
    joined: Sequence[Joined]


def page(db: Db, actor: Actor, wanted: Asked, size: int = PAGE) -> tuple[list[Line], int | None]:
    """Some suppliers of what is wanted, and after which entry there are more.

    By its number alone: it may be one that the reader does not see, and its name is not his to read.
    """
    own = None if actor.administrator else _own(db, actor)
    looked = [] if own == [] else list(db.scalars(_looked(actor, wanted, own).limit(LOOKED)))
    # Whoever reads nearly all of them has his page from the first ones
    lines = _lines(db, actor, looked[: size + 1], size + 1)
    if len(lines) <= size:
        lines += _lines(db, actor, looked[size + 1 :], size + 1 - len(lines))
    last = lines[size - 1].id if len(lines) > size else looked[-1] if len(looked) == LOOKED else None
    terms = _terms(wanted.text)
    return [line for line in lines[:size] if all(_says(line, word) for word in terms)], last


def _terms(text: str) -> list[str]:
    """The words that are looked for. A SIREN or a SIRET may be typed by groups of three figures, as it is printed."""
    digits = "".join(text.split())
    return [digits[:SIREN]] if digits.isascii() and digits.isdigit() else key_of(text).split()


def _says(line: Line, word: str) -> bool:
    """Whether a supplier is found by what its reader is shown of it: its latest name may be one that he does not read."""
    number = _figured(word) and (line.siren.startswith(word) or word in line.vat.lower())
    return word in key_of(line.name) or number or line.joined > 0


def _figured(word: str) -> bool:
    return any(sign.isdigit() for sign in word)


def every(db: Db, actor: Actor) -> list[Line]:
    """All of them; refuses `suppliers-long` beyond `MOST`."""
    numbers = list(db.scalars(_looked(actor, Asked()).limit(MOST + 1)))
    if len(numbers) > MOST:
        raise Refusal("suppliers-long", most=MOST)
    portions = (numbers[start : start + LOOKED] for start in range(0, len(numbers), LOOKED))
    return [line for portion in portions for line in _lines(db, actor, portion, LOOKED)]


def line_of(db: Db, actor: Actor, number: int) -> Line:
    """One of them; refuses `supplier-none` for what is none here, or that the actor may not see."""
    ours = sa.select(_supplier.c.id).where(
        _supplier.c.id == number,
        _supplier.c.collectivity_id == actor.collectivity_id,
        _supplier.c.into_id.is_(None),
    )
    lines = _lines(db, actor, list(db.scalars(ours)), 1)
    if not lines:
        raise Refusal("supplier-none")
    return lines[0]


def joined_with(db: Db, actor: Actor, number: int) -> int | None:
    """The entry with which this one was joined, where the actor sees it; None for one that stands by itself, or is none."""
    query = sa.select(_supplier.c.into_id).where(
        _supplier.c.id == number, _supplier.c.collectivity_id == actor.collectivity_id
    )
    into: int | None = db.scalar(query)
    return into if into is not None and _lines(db, actor, [into], 1) else None


def entry(db: Db, actor: Actor, number: int) -> Entry:
    """One of them with what its folders and the accounts tell; refuses as `line_of`."""
    line = line_of(db, actor, number)
    latest = (
        sa.select(
            *(_naming.c[key] for key in ("folder_id", "name", "siret")),
            *(_folder.c[key] for key in ("family", "created_at", "amount_cents", "place", "number")),
            _folder.c.fields["seller_email"].as_string().label("email"),
            _folder.c.fields["currency"].as_string().label("currency"),
        )
        .join(_folder, _folder.c.id == _naming.c.folder_id)
        .where(_naming.c.supplier_id == number, _there(actor))
        .order_by(_naming.c.folder_id.desc())
        .limit(TOLD)
    )
    rows = db.execute(latest).all()
    joined = db.execute(
        sa.select(_supplier).where(_supplier.c.into_id == number).order_by(_supplier.c.id)
    ).all()
    return Entry(
        line,
        _spans((row.name, row.created_at) for row in rows),
        _spans((row.siret, row.created_at) for row in rows),
        _spans((str(row.email or "").strip(), row.created_at) for row in rows),
        _accounts(db, actor, number),
        [_folder_seen(row) for row in rows[:LISTED]],
        [_joined(row) for row in joined],
    )


def _own(db: Db, actor: Actor) -> list[int] | None:
    """The entries of all the folders that the actor reads, where they are few; None for who reads many."""
    numbers: list[int] = []
    for family in (FAMILY, "purchase_order"):
        read = following.numbers(db, actor, family, "1 = 1", {}, most=following.FEW, rare=True)
        if read is None:
            return None
        numbers += read
    entries = sa.select(_naming.c.supplier_id).where(_naming.c.folder_id.in_(numbers)).distinct()
    return sorted(db.scalars(entries))


def _looked(actor: Actor, wanted: Asked, own: Sequence[int] | None = None) -> Any:
    """The entries that nobody joined with another, in the order that is wanted, those that the reader does not see included.

    `own`: of these alone.
    """
    owner, into = _supplier.c.collectivity_id, _supplier.c.into_id
    if own is not None:
        owner, into = owner + 0, into + 0  # SQLite would else look through all of them
    query = sa.select(_supplier.c.id).where(owner == actor.collectivity_id, into.is_(None))
    if own is not None:
        query = query.where(_supplier.c.id.in_(own))
    query = query.where(*map(_having, _terms(wanted.text)))
    by_name = wanted.sort == "nom"
    last, place = _supplier.alias("last"), _supplier.c.sort if by_name else _supplier.c.latest_id
    if wanted.after is not None:
        ours = sa.and_(last.c.id == wanted.after, last.c.collectivity_id == actor.collectivity_id)
        there = sa.select(last.c.sort if by_name else last.c.latest_id).where(ours).scalar_subquery()
        mark, other = sa.tuple_(place, _supplier.c.id), sa.tuple_(there, sa.literal(wanted.after))
        query = query.where(mark > other if by_name else mark < other)
    if by_name:
        return query.order_by(place, _supplier.c.id)
    return query.order_by(place.desc(), _supplier.c.id.desc())


def _having(word: str) -> Any:
    """An entry that has a word in its name, SIREN or VAT number, or with which one was joined that has.

    Of a word without a figure the name alone is read: no number answers it but by the letters of its country, which all have.
    """
    other = _supplier.alias("joined")

    def has(rows: Any) -> Any:
        named = rows.c.sort.contains(word, autoescape=True)
        if not _figured(word):
            return named
        vat = sa.func.lower(rows.c.vat).contains(word, autoescape=True)
        return sa.or_(named, rows.c.siren.startswith(word, autoescape=True), vat)

    return sa.or_(
        has(_supplier),
        _supplier.c.id.in_(sa.select(other.c.into_id).where(other.c.into_id.is_not(None), has(other))),
    )


def _there(actor: Actor) -> Any:
    """The condition on a folder that counts: that was sent and not given up, and that the reader reads."""
    return sa.and_(_folder.c.round > 0, _folder.c.place != WITHDRAWN, readable_by(actor, apart=True))


def _lines(db: Db, actor: Actor, numbers: Sequence[int], size: int) -> list[Line]:
    """Those of these entries that the actor sees, in their order, `size` of them at most.

    Seen by whoever reads one of its latest folders, and by an administrator, who is told the accounts of suppliers already,
    as soon as one of them is of no restricted type.
    """
    # Whoever reads the very last folder of a supplier is asked of no other: the rows of each are far apart
    seen_by = {key: row for key, row in _seen_by(db, actor, numbers, 1).items() if row[0] is not None}
    seen_by |= _seen_by(db, actor, [number for number in numbers if number not in seen_by], LATEST)
    hidden = [number for number in numbers if number not in seen_by]
    # One reads an older folder of a supplier whose latest ones are still on their way to others
    if 0 < len(hidden) <= PAGE:
        seen_by |= _seen_by(db, actor, hidden, TOLD)
    shown = [number for number in numbers if number in seen_by][:size]
    return _told(db, actor, {number: seen_by[number] for number in shown}) if shown else []


def _seen_by(
    db: Db, actor: Actor, numbers: Sequence[int], depth: int
) -> dict[int, tuple[int | None, int | None]]:
    """Of each of these entries, among so many of its latest folders, the last that the actor reads, and another that names it."""
    if not numbers:
        return {}
    latest = (
        sa.select(_naming.c.folder_id)
        .where(_naming.c.supplier_id == _supplier.c.id)
        .correlate(_supplier)
        .order_by(_naming.c.folder_id.desc())
        .limit(depth)
    )

    def among(condition: Any) -> Any:
        """The latest of them of which this is true."""
        numbers = sa.select(latest.subquery().c.folder_id)
        return (
            sa.select(sa.func.max(_folder.c.id)).where(_folder.c.id.in_(numbers), condition).scalar_subquery()
        )

    query = sa.select(_supplier.c.id, among(_there(actor)).label("read")).where(_supplier.c.id.in_(numbers))
    if actor.administrator:
        sent = sa.and_(_folder.c.round > 0, _folder.c.place != WITHDRAWN, unrestricted(_folder))
        query = query.add_columns(among(sent).label("other"))
    else:
        query = query.add_columns(sa.null().label("other"))
    return {row.id: (row.read, row.other) for row in db.execute(query) if row.read or row.other}


def _told(db: Db, actor: Actor, shown: dict[int, tuple[int | None, int | None]]) -> list[Line]:
    """`shown`: of each entry, the latest folder that the actor reads, and another one that gives its name where he reads none."""
    counted = (
        sa.select(_naming.c.folder_id)
        .join(_folder, _folder.c.id == _naming.c.folder_id)
        .where(_naming.c.supplier_id == _supplier.c.id, _there(actor))
        .correlate(_supplier)
        .order_by(_naming.c.folder_id.desc())
        .limit(COUNTED + 1)
    )
    count = sa.select(sa.func.count()).select_from(counted.subquery()).scalar_subquery()
    other = _supplier.alias("joined")
    joined = sa.select(sa.func.count()).where(other.c.into_id == _supplier.c.id).scalar_subquery()
    query = sa.select(_supplier, count.label("count"), joined.label("joined")).where(
        _supplier.c.id.in_(shown)
    )
    rows = {row.id: row for row in db.execute(query)}
    last = db.execute(
        sa.select(_naming.c.folder_id, _naming.c.name, _folder.c.created_at)
        .join(_folder, _folder.c.id == _naming.c.folder_id)
        .where(_naming.c.folder_id.in_([read or other for read, other in shown.values()]))
    )
    named = {row.folder_id: row for row in last}
    return [_line(rows[key], read, named[read or other]) for key, (read, other) in shown.items()]


def _line(row: Any, read: int | None, last: Any) -> Line:
    return Line(
        id=row.id,
        name=last.name or row.siren or row.vat or "",
        siren=row.siren or "",
        vat=row.vat or "",
        count=row.count,
        last_id=read,
        last_day=_day(last.created_at) if read else None,
        joined=row.joined,
    )


def _spans(texts: Iterable[tuple[str, datetime]]) -> list[Span]:
    """What was told, each once, the latest first."""
    spans: dict[str, list[date]] = {}
    for text, at in texts:
        if text:
            spans.setdefault(text, []).append(_day(at))
    return [Span(text, len(days), min(days), max(days)) for text, days in spans.items()]


def _accounts(db: Db, actor: Actor, number: int) -> list[Account]:
    """What was listed or decided of its accounts, and of those of the entries joined with it: each stays its own SIREN's."""
    query = sa.select(_supplier.c.key).where(sa.or_(_supplier.c.id == number, _supplier.c.into_id == number))
    sellers = [seller_key(key) for key in db.scalars(query)]
    account = SupplierAccount
    rows = db.scalars(
        sa.select(account)
        .where(account.collectivity_id == actor.collectivity_id, account.seller.in_(sellers))
        .order_by(account.id.desc())
        .limit(LISTED)
    )
    return [
        Account(
            ends(row.iban),
            row.state == CONFIRMED,
            f"{row.who}, {jour(_day(row.at))}" + (f", pour le SIREN {row.siren}" if row.siren else ""),
        )
        for row in rows
    ]


def _folder_seen(row: Any) -> Seen:
    label = "Facture" if row.family == FAMILY else "Commande"
    if row.family == FAMILY and (row.amount_cents or 0) < 0:
        label = "Avoir"
    return Seen(
        row.folder_id,
        label,
        row.number or "",
        amount(row.amount_cents, row.currency),
        _day(row.created_at),
        state_label(row.place, None),
    )


def _joined(row: Any) -> Joined:
    identifier = f"SIREN {row.siren}" if row.siren else f"TVA {row.vat}" if row.vat else "sans SIREN"
    return Joined(row.id, row.name or row.siren or row.vat, identifier, row.who, _day(row.at), row.reason)


def _day(at: datetime) -> date:
    return at.astimezone(PARIS).date()
