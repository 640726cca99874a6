"""The file of known accounts that the finance software gives: one supplier and one account a line."""

import csv
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import StringIO

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.french import taille
from app.core.refusals import Refusal
from app.core.sirene import good_siren, good_siret
from app.core.texts import key_of, plain
from app.core.transaction import use_case
from app.invoices.checks import compact, good_iban
from app.invoices.keys import SIREN, seller_key
from app.invoices.known import CONFIRMED, LISTED, OFFICE, REFUSED, ends
from app.invoices.models import SupplierAccount
from app.journal.chain import Event, append
from app.people.actor import Actor, require
from workflows.vocabulary import Right

COLUMNS = ("Fournisseur", "SIRET", "IBAN")
MOST_LINES, MOST_BYTES = 10_000, 900_000
MOST_FAULTS = 20
"""Lines that are told when a file is refused."""
LONGEST_NAME = 200
MOST_TOLD = 200
"""Accounts that the line of the journal names, beside the print of the file."""
_SEPARATORS = ";,\t"


@dataclass(frozen=True)
class Line:
    """One supplier's account; `siren` is the first nine digits of what stands under « SIRET »."""

    number: int
    name: str
    siren: str
    iban: str


@use_case
def bring_in(db: Db, actor: Actor, content: bytes) -> tuple[int, int, int]:
    """Add the accounts of a file to those that are known; gives how many are new, known already, and put aside before.

    An account that two persons put aside stays aside: no file brings it back. Refuses the whole file, and changes nothing,
    for `ibans-long`, `ibans-unread`, `ibans-columns`, `ibans-empty`, and `ibans-faults` with the first lines
    that are wrong.
    """
    require(actor, Right.ADMINISTER)
    lines = read(content)
    account = SupplierAccount
    rows = db.execute(
        sa.select(account.seller, account.iban, account.state).where(
            account.collectivity_id == actor.collectivity_id
        )
    )
    known = {(row.seller, row.iban): row.state for row in rows}
    fresh: dict[tuple[str, str], Line] = {}
    for line in lines:
        fresh.setdefault((seller_key(f"siren {line.siren}"), line.iban), line)
    new = {pair: line for pair, line in fresh.items() if pair not in known}
    values = [
        {
            "collectivity_id": actor.collectivity_id,
            "seller": seller,
            "siren": line.siren,
            "name": line.name,
            "iban": iban,
            "state": CONFIRMED,
            "source": LISTED,
            "folder_id": None,
            "user_id": actor.user_id,
            "who": actor.name,
            "at": now(),
        }
        for (seller, iban), line in new.items()
    ]
    if values:
        db.execute(sa.insert(account), values)
        named = [f"{line.siren} {ends(line.iban)}" for line in list(new.values())[:MOST_TOLD]]
        facts = {"added": len(values), "accounts": named, "sha256": sha256(content).hexdigest()}
        append(
            db,
            actor.collectivity_id,
            Event("collectivity.accounts", actor.name, actor.user_id, None, facts),
        )
    aside = sum(known.get(pair) == REFUSED for pair in fresh)
    return len(new), len(fresh) - len(new) - aside, aside


@use_case
def put_aside(db: Db, actor: Actor, number: int, reason: str) -> None:
    """Put aside an account that was listed or accepted: each invoice that bears it and is not signed is verified (again).

    Refuses `ibans-gone` and `ibans-reason`.
    """
    require(actor, Right.ADMINISTER)
    account = SupplierAccount
    query = sa.select(account).where(
        account.id == number, account.collectivity_id == actor.collectivity_id, account.state == CONFIRMED
    )
    row = db.scalar(query.with_for_update())
    if row is None:
        raise Refusal("ibans-gone")
    reason = plain(reason)
    if not reason or len(reason) > LONGEST_NAME:
        raise Refusal("ibans-reason")
    row.state, row.source, row.folder_id = REFUSED, OFFICE, None
    row.who, row.user_id, row.at = actor.name, actor.user_id, now()
    facts = {"aside": f"{row.siren or row.name} {ends(row.iban)}", "reason": reason}
    append(db, actor.collectivity_id, Event("collectivity.accounts", actor.name, actor.user_id, None, facts))


def read(content: bytes) -> list[Line]:
    """The lines of a file, UTF-8 or Windows-1252, separated by semicolons, commas or tabs."""
    if len(content) > MOST_BYTES:
        raise Refusal("ibans-long", lines=MOST_LINES, size=taille(MOST_BYTES))
    text = _text(content)
    head = text.partition("\n")[0]
    reader = csv.reader(StringIO(text, newline=""), delimiter=max(_SEPARATORS, key=head.count))
    lines: list[Line] = []
    faults: list[str] = []
    try:
        named = [key_of(cell) for cell in next(reader, [])]
        if missing := [column for column in COLUMNS if key_of(column) not in named]:
            raise Refusal("ibans-columns", missing=", ".join(f"« {column} »" for column in missing))
        places = [named.index(key_of(column)) for column in COLUMNS]
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(lines) + len(faults) >= MOST_LINES:
                raise Refusal("ibans-long", lines=MOST_LINES, size=taille(MOST_BYTES))
            name, siret, iban = (cells[place] if place < len(cells) else "" for place in places)
            line = Line(
                reader.line_num,
                " ".join(unicodedata.normalize("NFC", name).split()),
                compact(siret),
                compact(iban),
            )
            if fault := next(_faults(line), ""):
                faults.append(f"ligne {line.number} : {fault}")
            else:
                lines.append(Line(line.number, line.name, line.siren[:SIREN], line.iban))
    except csv.Error:
        raise Refusal("ibans-unread") from None
    if faults:
        rest = len(faults) - MOST_FAULTS
        more = f" ; et {rest} autre{'s' if rest > 1 else ''}" if rest > 0 else ""
        raise Refusal("ibans-faults", faults=" ; ".join(faults[:MOST_FAULTS]) + more)
    if not lines:
        raise Refusal("ibans-empty")
    return lines


def _faults(line: Line) -> Iterator[str]:
    if not line.name or len(line.name) > LONGEST_NAME:
        yield "le nom du fournisseur manque ou passe deux cents caractères"
    if not line.name.isprintable():
        yield "le nom du fournisseur porte un signe qui ne se voit pas"
    digits = line.siren.isascii() and line.siren.isdigit()
    if not (digits and (good_siret(line.siren) if len(line.siren) == 14 else good_siren(line.siren))):
        yield f"« {line.siren[:20]} » n’est ni un SIRET ni un SIREN"
    if not good_iban(line.iban):
        yield f"« {line.iban[:40]} » n’est pas un IBAN, sa clé est fausse"


def _text(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:  # a workbook is no text, and cp1252 reads nearly anything
            return text
    raise Refusal("ibans-unread")
