"""Which bank accounts are known for a supplier: those that were accepted or listed, and those of invoices that ended here."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import jour
from app.core.questions import Asked, Rows, keep, kept, once
from app.folders.models import Folder
from app.invoices.checks import compact
from app.invoices.history import MOST, PAID_AHEAD, with_keys
from app.invoices.keys import account_key, seller_key, sellers_of, siren_of, strict, words_of
from app.invoices.models import SupplierAccount
from workflows.circuit import Facts

CONFIRMED, REFUSED = "confirmed", "refused"
LISTED, DECIDED, OFFICE = "list", "folder", "office"
"""Where what is written of an account comes from: a list, two persons on an invoice, an administrator who put it aside."""
PARTS, LENGTHS = 200, (4, 16, 48, 100, 200)
"""Parts of one statement at most, since SQLite takes no more than five hundred; so many of them are written."""
FIRST_LIST, BEARING, WRITTEN = "first list of accounts", "invoices on an account", "rows about accounts"
"""Under which names a page keeps what was read ahead for all its invoices."""


@dataclass(frozen=True)
class Known:
    """An account that is known for a supplier, and how in words: « 3 factures terminées ici, déposées du … au … ».

    Not `known`: one that the invoice bears and nobody has had to verify, beside another that its supplier added.
    """

    iban: str
    how: str
    known: bool = True


def ends(iban: str) -> str:
    """« FR76…0185 »: enough to compare, and not to copy."""
    return f"{iban[:4]}…{iban[-4:]}"


def identities(facts: Facts) -> list[str]:
    """As whom the seller of an invoice is paid: by each SIREN that its files and whoever typed tell, by name without any.

    Where two are in dispute, an account is known when it is for both: the widest reading would hide the other.
    """
    ways = list(dict.fromkeys(sellers_of(facts)))
    return [way for way in ways if siren_of(way)] or ways


def rows_about(db: Db, folder: Folder, ibans: Collection[str]) -> list[SupplierAccount]:
    """What is written of the accounts of the seller of an invoice, and of these accounts whoever has them.

    A list that came after the folder was deposited settles nothing of it: nobody gives himself the known account of an
    invoice that is on its way (`listed_since`).
    """
    return [row for row in _every_row(db, folder, ibans) if not _since(row, folder)]


def listed_since(db: Db, folder: Folder, ibans: Collection[str]) -> list[SupplierAccount]:
    """What a list that came after the folder was deposited gives of its seller: it settles nothing, and may contradict."""
    sellers = {seller_key(way) for way in sellers_of(folder.facts)}
    return [row for row in _every_row(db, folder, ibans) if _since(row, folder) and row.seller in sellers]


def _since(row: SupplierAccount, folder: Folder) -> bool:
    return row.source == LISTED and row.state == CONFIRMED and row.at > folder.created_at


def _every_row(db: Db, folder: Folder, ibans: Collection[str]) -> list[SupplierAccount]:
    """All that is written of them, read once for a page."""
    ahead: tuple[frozenset[str], list[SupplierAccount]] | None = kept(db, (WRITTEN, folder.id))
    if ahead is not None and ahead[0].issuperset(ibans):
        sellers = {seller_key(way) for way in sellers_of(folder.facts)}
        return [row for row in ahead[1] if row.seller in sellers or row.iban in ibans]
    return once(db, (WRITTEN, folder.id, tuple(sorted(ibans))), lambda: _read_rows(db, folder, ibans))


def _read_rows(db: Db, folder: Folder, ibans: Collection[str]) -> list[SupplierAccount]:
    account = SupplierAccount
    ours = sa.select(account).where(account.collectivity_id == folder.collectivity_id)
    latest = ours.order_by(account.id.desc()).limit(10 * MOST)
    sellers = [seller_key(way) for way in sellers_of(folder.facts)]
    own = db.scalars(latest.where(account.seller.in_(sellers))).all() if sellers else []
    others = db.scalars(latest.where(account.iban.in_(ibans))).all()
    return list({row.id: row for row in (*own, *others)}.values())


def refusal_of(iban: str, rows: Collection[SupplierAccount], ways: Collection[str]) -> SupplierAccount | None:
    """The row that puts an account aside for one of these ways to know a seller, or for his name."""
    return next(
        (row for row in rows if row.iban == iban and row.state == REFUSED and is_for(row, ways)), None
    )


def known_for(way: str, rows: Collection[SupplierAccount], settled: Collection[Folder]) -> dict[str, Known]:
    """The accounts that are known for one way to know a seller: accepted or listed, else of invoices that ended here."""
    mine = [
        row
        for row in rows
        if row.seller == seller_key(way) or (not siren_of(way) and same_name(row.name, way))
    ]
    # One that was put aside under a name alone was so for that name
    aside = {row.iban for row in mine if row.state == REFUSED}
    known = {row.iban: Known(row.iban, _how(row)) for row in mine if row.state == CONFIRMED}
    used: dict[str, dict[int, date]] = {}
    for invoice in settled:
        iban = account_of(invoice)
        if iban and iban not in known and iban not in aside and way in sellers_of(invoice.fields):
            used.setdefault(iban, {})[invoice.id] = invoice.created_at.astimezone(PARIS).date()
    return known | {iban: Known(iban, _how_often(list(days.values()))) for iban, days in used.items()}


def has_list(db: Db, folder: Folder) -> bool:
    """Whether a list of known accounts was there when the folder was deposited."""
    first = kept(db, FIRST_LIST)
    if first is not None:
        return bool(first and first[0] <= folder.created_at)
    account = SupplierAccount
    query = sa.select(account.id).where(
        account.collectivity_id == folder.collectivity_id,
        account.source.in_((LISTED, OFFICE)),  # an office puts aside what a list brought
        account.at <= folder.created_at,
    )
    return db.scalar(query.limit(1)) is not None


def bearing(db: Db, folder: Folder, iban: str) -> list[Folder]:
    """The latest invoices that ended here on this account, whoever the seller is."""
    ahead: Sequence[Folder] | None = kept(db, (BEARING, folder.id, iban))
    invoices = ahead if ahead is not None else with_keys(db, folder, [account_key(iban)])
    return [invoice for invoice in invoices if account_of(invoice) == iban]


@dataclass(frozen=True)
class Ahead:
    """What tells whether the accounts of several invoices are known: the keys of their sellers, and those of the accounts."""

    sellers: Mapping[int, Sequence[str]]
    accounts: Mapping[int, Mapping[str, str]]

    @classmethod
    def of(cls, ibans: Mapping[Folder, Sequence[str]]) -> "Ahead":
        """Of these invoices, by the accounts that each tells."""
        return cls(
            {folder.id: [seller_key(way) for way in sellers_of(folder.facts)] for folder in ibans},
            {folder.id: {iban: account_key(iban) for iban in each} for folder, each in ibans.items()},
        )

    @property
    def keys(self) -> list[str]:
        """All of them."""
        sellers = {key for each in self.sellers.values() for key in each}
        return sorted(sellers | {key for each in self.accounts.values() for key in each.values()})

    @property
    def ended(self) -> Any:
        """The query, to be named in another, of the latest invoices that ended with each of the keys."""
        return ended_with(_rounded(len(self.keys)))

    def asked(self, folders: Sequence[Folder]) -> list[Asked]:
        """What is read for `keep`: who ended with these keys, what is written of the accounts, the first list of them."""
        place = {"here": folders[0].collectivity_id}
        most = {"most_rows": 10 * MOST * len(folders)}
        return [
            (_pairs(_rounded(len(self.keys))), {**place, **self.binds}),
            (
                _rows_of_sellers,
                {**place, **most, "sellers": sorted({key for each in self.sellers.values() for key in each})},
            ),
            (
                _rows_of_accounts,
                {
                    **place,
                    **most,
                    "ibans": sorted({iban for each in self.accounts.values() for iban in each}),
                },
            ),
            (_first_list, place),
        ]

    @property
    def binds(self) -> dict[str, Any]:
        """The keys, by the names that the query of those that ended gives them; « - » is the key of none."""
        keys = self.keys
        return {f"key{n}": key for n, key in enumerate([*keys, *["-"] * (_rounded(len(keys)) - len(keys))])}

    def keep(
        self, db: Db, folders: Sequence[Folder], invoices: Mapping[int, Folder], rows: Sequence[Rows]
    ) -> None:
        """Keep for the page that is being made what was read, as one folder alone asks it; `invoices`: all that were."""
        ended: dict[str, list[int]] = {}
        for key, number in rows[0]:
            ended.setdefault(key, []).append(number)

        def latest(own: int, some: Collection[str]) -> list[Folder]:
            numbers = {number for key in some for number in ended.get(key, ())} - {own}
            return [invoices[number] for number in sorted(numbers, reverse=True)[:MOST]]

        written = {row.id: row for (row,) in (*rows[1], *rows[2])}
        keep(db, FIRST_LIST, [at for (at,) in rows[3] if at is not None])
        for folder in folders:
            sellers, accounts = self.sellers[folder.id], self.accounts[folder.id]
            keep(db, (PAID_AHEAD, folder.id), latest(folder.id, sellers))
            for iban, key in accounts.items():
                keep(db, (BEARING, folder.id, iban), latest(folder.id, [key]))
            mine = [
                written[number]
                for number in sorted(written, reverse=True)
                if written[number].seller in sellers or written[number].iban in accounts
            ]
            keep(db, (WRITTEN, folder.id), (frozenset(accounts), mine))


_latest_rows = (
    sa.select(SupplierAccount)
    .where(SupplierAccount.collectivity_id == sa.bindparam("here"))
    .order_by(SupplierAccount.id.desc())
    .limit(sa.bindparam("most_rows"))
)
_rows_of_sellers = _latest_rows.where(SupplierAccount.seller.in_(sa.bindparam("sellers", expanding=True)))
_rows_of_accounts = _latest_rows.where(SupplierAccount.iban.in_(sa.bindparam("ibans", expanding=True)))
_first_list = sa.select(sa.func.min(SupplierAccount.at).label("at")).where(
    SupplierAccount.collectivity_id == sa.bindparam("here"), SupplierAccount.source.in_((LISTED, OFFICE))
)


def _rounded(count: int) -> int:
    """So many keys as a statement of some length takes: there are few of these, and each is written once."""
    return next((length for length in LENGTHS if count <= length), -(-count // PARTS) * PARTS)


@lru_cache(maxsize=32)
def ended_with(count: int) -> Any:
    """The latest invoices that ended with each of so many keys: a range of the index for each, stopped early."""
    parts = [
        " UNION ALL ".join(
            f"SELECT * FROM (SELECT i.key, i.folder_id FROM (SELECT k.key, k.folder_id FROM invoice_key k WHERE "
            f"k.collectivity_id = :here AND k.key = :key{n} ORDER BY k.folder_id DESC LIMIT {10 * MOST + 1}) AS i "
            f"JOIN folder f ON f.id = i.folder_id WHERE f.place = 'done' ORDER BY i.folder_id DESC LIMIT {MOST + 1}) AS p{n}"
            for n in range(start, min(start + PARTS, count))
        )
        for start in range(0, count, PARTS)
    ]
    whole = " UNION ALL ".join(f"SELECT * FROM ({part}) AS w{n}" for n, part in enumerate(parts))
    return (
        sa.text(whole).columns(sa.column("key", sa.String), sa.column("folder_id", sa.Integer)).cte("ended")
    )


@lru_cache(maxsize=32)
def _pairs(count: int) -> sa.Select[Any]:
    ended = ended_with(count)
    return sa.select(ended.c.key, ended.c.folder_id)


def account_of(invoice: Folder) -> str:
    """The account that an invoice tells, without spaces; empty where it tells none."""
    return compact(str(invoice.fields.get("iban") or ""))


def same_name(name: str, way: str) -> bool:
    """Whether a name is the one by which a seller is known."""
    return f"name {strict(name)}" == way


def named_otherwise(folder: Folder, ways: Collection[str], settled: Collection[Folder]) -> Iterator[str]:
    """The former name of each SIREN that bore quite another on the invoices that ended here."""
    name = words_of(str(folder.fields.get("seller") or ""))
    for way in ways if name else ():
        names = [
            str(invoice.fields.get("seller") or "")
            for invoice in settled
            if way in sellers_of(invoice.fields)
        ]
        former = [words_of(other) for other in names]
        if (
            siren_of(way)
            and any(former)
            and not any(other and (other <= name or name <= other) for other in former)
        ):
            yield names[0]


def sirens_of(invoices: Collection[Folder], ways: Collection[str]) -> set[str]:
    """The SIRENs under which invoices of these names ended here."""
    sellers = [set(sellers_of(invoice.fields)) for invoice in invoices]
    return {
        seller for all_of_it in sellers if all_of_it & set(ways) for seller in all_of_it if siren_of(seller)
    }


def is_for(row: SupplierAccount, ways: Collection[str]) -> bool:
    """Whether a row is of one of these sellers; one that was written by name alone is of whoever bears it."""
    return row.siren is None or any(row.seller == seller_key(way) for way in ways)


def _how(row: SupplierAccount) -> str:
    day = jour(row.at.astimezone(PARIS).date())
    return (
        f"Liste importée le {day} par {row.who}"
        if row.source == LISTED
        else f"Accepté le {day} par {row.who}"
    )


def _how_often(days: Collection[date]) -> str:
    first, last = jour(min(days)), jour(max(days))
    if len(days) == 1:
        return f"Une facture terminée ici, déposée le {first}"
    count = f"Les {MOST} dernières" if len(days) >= MOST else str(len(days))
    span = f"du {first} au {last}" if first != last else f"le {first}"
    return f"{count} factures terminées ici, déposées {span}"


def together(accounts: Collection[Mapping[str, Known]]) -> dict[str, Known]:
    """All that is known for one of the ways at least."""
    every: dict[str, Known] = {}
    for known in accounts:
        every |= known
    return every
