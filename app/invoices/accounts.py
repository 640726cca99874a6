"""The bank accounts of suppliers: which are known, what is odd about the one of an invoice, and what a ruling makes of it.

An account that is not known for its supplier is verified by two persons before the invoice is paid: one calls the supplier at
a number known before (`app/invoices/calls.py`), another decides (rule INV-21). Paraphe warns before the mandate: the public
accountant pays, and keeps his own file of suppliers.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.french import instant, jour, spaces
from app.core.questions import once
from app.core.refusals import Refusal
from app.folders.access import readable_among
from app.folders.facts import fill
from app.folders.models import Folder
from app.folders.move import person_of, was_signed
from app.folders.ruling import note_down
from app.folders.sockets import Caution, Outcome, indexed, is_open
from app.folders.words import ask as ask_words
from app.invoices.checks import compact, good_iban
from app.invoices.history import MOST, paid
from app.invoices.keys import account_key, seller_key, sellers_of
from app.invoices.models import InvoiceKey, SupplierAccount
from app.people.actor import Actor
from workflows.circuit import DONE, Phase
from workflows.condition import values

KEY = "account"
PAGE = "invoices.account"
ACCEPT, FORMER, REFUSE = "accept", "former", "refuse"
CONFIRMED, REFUSED = "confirmed", "refused"
LISTED, DECIDED = "list", "folder"
CALLS = "calls"
"""In `Folder.sources`: who called whom about an account, the first to the last."""
HERE = frozenset({"FR", "MC"})

_key: Any = InvoiceKey.__table__


@dataclass(frozen=True)
class Known:
    """An account that is known for a supplier, and how in words: « 3 factures réglées ici, du … au … »."""

    iban: str
    how: str


@dataclass(frozen=True)
class Call:
    """A call to the supplier: by whom, when, at which number and where that number comes from, and what was said.

    `compared`: whether the number could be looked for in the invoice.
    """

    user: int | None
    who: str
    at: str
    number: str
    origin: str
    word: str
    compared: bool


@dataclass(frozen=True)
class Doubt:
    """An account of an invoice that is not known for its seller: why each time, with what to compare it to.

    `reasons`: a title and a sentence each, the gravest first. `possible`: whether an account may have this number at all.
    """

    iban: str
    seller: str
    reasons: tuple[tuple[str, str], ...]
    known: tuple[Known, ...]
    calls: tuple[Call, ...]
    possible: bool

    @property
    def about(self) -> str:
        """The name of its caution (`Caution.about`)."""
        return about(self.iban)

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """What may be ruled: an account that cannot be is not accepted, and without a known one there is none to go back to."""
        offered = []
        if self.known:
            offered.append((FORMER, "Payer sur le compte connu"))
        if self.possible:
            offered.append((ACCEPT, "Accepter ce compte"))
        return tuple(offered)


def about(iban: str) -> str:
    """The name of the caution of an account, the same in each folder."""
    return f"{KEY}:{sha256(iban.encode()).hexdigest()[:12]}"


def ends(iban: str) -> str:
    """« FR76…0185 »: enough to compare, and not to copy."""
    return f"{iban[:4]}…{iban[-4:]}"


def grouped(iban: str) -> str:
    """An account by groups of four, as it is printed."""
    return " ".join(iban[start : start + 4] for start in range(0, len(iban), 4))


def calls_about(folder: Folder, iban: str) -> tuple[Call, ...]:
    """The calls about an account of this folder."""
    rows = (dict(row) for row in folder.sources.get(CALLS, ()) if row["about"] == about(iban))
    return tuple(Call(**{key: value for key, value in row.items() if key != "about"}) for row in rows)


def doubts(db: Db, folder: Folder) -> list[Doubt]:
    """The accounts of an invoice that somebody has to verify, those that its files and whoever typed tell."""
    if folder.phase == Phase.DONE:
        return []
    return once(db, ("accounts to verify", folder.id), lambda: list(_doubts(db, folder)))


def _doubts(db: Db, folder: Folder) -> Iterator[Doubt]:
    ibans = [
        iban
        for iban in dict.fromkeys(compact(str(text or "")) for text in values(folder.facts, "iban"))
        if iban
    ]
    if not ibans:
        return
    sellers = [seller_key(seller) for seller in sellers_of(folder.facts)]
    rows = _rows(db, folder.collectivity_id, sellers, ibans)
    own = {row.iban: row for row in rows if row.seller in sellers}
    known = _known(paid(db, folder), own)
    name = str(folder.fields.get("seller") or "ce fournisseur")
    for iban in ibans:
        row = own.get(iban)
        if row is None and iban in known and good_iban(iban):
            continue
        if row is not None and row.state == CONFIRMED:
            continue
        reasons = list(_reasons(db, folder, iban, row, known, rows, name, sellers))
        if reasons:
            others = tuple(
                account for account in known.values() if account.iban != iban and good_iban(account.iban)
            )
            yield Doubt(iban, name, tuple(reasons), others, calls_about(folder, iban), good_iban(iban))


def _rows(
    db: Db, collectivity_id: int, sellers: Collection[str], ibans: Collection[str]
) -> list[SupplierAccount]:
    """What is written of these accounts, and of the accounts of these sellers."""
    account = SupplierAccount
    query = (
        sa.select(account)
        .where(
            account.collectivity_id == collectivity_id, account.seller.in_(sellers) | account.iban.in_(ibans)
        )
        .order_by(account.id.desc())
        .limit(10 * MOST)
    )
    return list(db.scalars(query))


def _known(settled: Collection[Folder], own: Mapping[str, SupplierAccount]) -> dict[str, Known]:
    """The accounts that are known for a seller, by number: those accepted or listed, then those of invoices that ended here."""
    known = {iban: Known(iban, _how(row)) for iban, row in own.items() if row.state == CONFIRMED}
    used: dict[str, list[date]] = {}
    for invoice in settled:
        iban = compact(str(invoice.fields.get("iban") or ""))
        if iban and iban not in own:
            used.setdefault(iban, []).append(invoice.created_at.astimezone(PARIS).date())
    for iban, days in used.items():
        first, last = jour(min(days)), jour(max(days))
        span = f"du {first} au {last}" if first != last else f"le {first}"
        count = (
            f"{len(days)} factures terminées ici, déposées"
            if len(days) > 1
            else "Une facture terminée ici, déposée"
        )
        known[iban] = Known(iban, f"{count} {span}")
    return known


def _how(row: SupplierAccount) -> str:
    day = jour(row.at.astimezone(PARIS).date())
    return (
        f"Liste importée le {day} par {row.who}"
        if row.source == LISTED
        else f"Accepté le {day} par {row.who}"
    )


def _reasons(
    db: Db,
    folder: Folder,
    iban: str,
    row: SupplierAccount | None,
    known: Mapping[str, Known],
    rows: Collection[SupplierAccount],
    name: str,
    sellers: Collection[str],
) -> Iterator[tuple[str, str]]:
    if row is not None and row.state == REFUSED:
        yield "Compte déjà écarté", f"{row.who} l’a écarté le {jour(row.at.astimezone(PARIS).date())}."
    if not good_iban(iban):
        yield "IBAN impossible", "Sa clé est fausse : aucun compte ne peut porter ce numéro."
    if other := _of_another(db, folder, iban, rows, sellers):
        yield "Compte d’un autre fournisseur", other
    if known and iban not in known:
        listed = ", ".join(ends(number) for number in list(known)[:3])
        yield (
            f"IBAN changé, {name}",
            f"Première fois pour ce fournisseur, dont les comptes connus sont : {listed}.",
        )
    french = any(folder.fields.get(key) for key in ("seller_siret", "seller_siren"))
    if iban[:2] not in HERE and iban not in known and (french or known):
        yield f"Compte à l’étranger, {name}", f"Il est tenu hors de France ({iban[:2]})."
    if not known and _has_list(db, folder.collectivity_id):
        yield f"Compte inconnu, {name}", "La liste des comptes connus n’a pas ce fournisseur."


def _of_another(
    db: Db, folder: Folder, iban: str, rows: Collection[SupplierAccount], sellers: Collection[str]
) -> str:
    """That an account is another supplier's: by the list, or by an invoice that ended here; named to who may know it."""
    for row in rows:
        if row.iban == iban and row.state == CONFIRMED and row.seller not in sellers:
            return f"La liste des comptes connus le donne à {row.name}."
    query = (
        sa.select(Folder)
        .where(
            Folder.id.in_(
                sa.select(_key.c.folder_id)
                .where(
                    _key.c.collectivity_id == folder.collectivity_id,
                    _key.c.key == account_key(iban),
                    _key.c.folder_id != folder.id,
                )
                .order_by(_key.c.folder_id.desc())
                .limit(10 * MOST)
            ),
            Folder.place == DONE,
        )
        .order_by(Folder.id.desc())
        .limit(MOST)
    )
    mine = set(sellers_of(folder.facts))
    for invoice in db.scalars(query).all():
        same = compact(str(invoice.fields.get("iban") or "")) == iban
        if same and not mine & set(sellers_of(invoice.facts)):
            named = str(invoice.fields.get("seller") or "") if readable_among(db, [invoice.id]) else ""
            return f"Une facture de {named or 'quelqu’un d’autre'} l’a porté et s’est terminée ici."
    return ""


def _has_list(db: Db, collectivity_id: int) -> bool:
    account = SupplierAccount
    query = (
        sa.select(account.id)
        .where(account.collectivity_id == collectivity_id, account.source == LISTED)
        .limit(1)
    )
    return db.scalar(query) is not None


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """What to look at in the accounts of an invoice; neither who deposited it nor who called the supplier rules on it."""
    by = set(folder.sources.get("depositors", ()))
    return [
        Caution(
            KEY,
            spaces(doubt.reasons[0][0]),
            spaces(_sentence(doubt)),
            about=doubt.about,
            choices=doubt.choices,
            by=frozenset(by | {call.user for call in doubt.calls if call.user is not None}),
            formerly=doubt.about.replace(KEY, "account-abroad"),
            grave=True,
            page=PAGE,
            awaits="" if doubt.calls else "iban-call-first",
        )
        for doubt in doubts(db, folder)
    ]


def _sentence(doubt: Doubt) -> str:
    if doubt.calls:
        call = doubt.calls[-1]
        then = f"{call.who} a appelé le fournisseur : « {call.word} ». Une autre personne décide."
    else:
        then = "Appelez le fournisseur à un numéro que vous connaissez déjà ; une autre personne décidera ensuite."
    reasons = " ".join(sentence for _, sentence in doubt.reasons)
    return f"Cette facture : {ends(doubt.iban)}. {reasons} {then}"


def to_verify(db: Db, folder: Folder) -> list[Caution]:
    """The accounts on which nobody has ruled."""
    return [caution for caution in cautions(db, folder) if is_open(folder, caution)]


def settle(
    db: Db, actor: Actor, folder: Folder, caution: Caution, keep: str, ruling: Mapping[str, str]
) -> Outcome:
    """Make an account known for its seller, or put it aside for the known one, which the invoice then tells.

    Refuses `ruled-too-late` to put aside what is signed already.
    """
    doubt = next(doubt for doubt in doubts(db, folder) if doubt.about == caution.about)
    if keep == ACCEPT:
        write(db, actor, folder, doubt.iban, CONFIRMED)
        return Outcome("a accepté ce compte", f"compte {ends(doubt.iban)} accepté")
    if was_signed(db, folder):
        raise Refusal("ruled-too-late")
    former = doubt.known[0].iban
    write(db, actor, folder, doubt.iban, REFUSED)
    standing: dict[str, object] = {
        "about": "iban",
        "keeps": "typed",
        "kept": former,
        "over": [doubt.iban],
        "typed": former,
        "read": [{"value": doubt.iban, "where": "dans la facture"}],
        "reason": "",
        "typist": actor.name,
        "typed_at": ruling["at"],
        "typists": [person_of(actor)],
        **ruling,
    }
    note_down(folder, standing)
    searched_by = folder.title_key
    fill(folder, family_of(folder.in_force), {**folder.fields, "iban": former}, title=None)
    indexed(db, folder)
    ask_words(db, folder, searched_by)
    return Outcome(
        "a écarté ce compte", f"compte {ends(doubt.iban)} écarté, {ends(former)} retenu", {"iban": former}
    )


def write(db: Db, actor: Actor, folder: Folder, iban: str, state: str) -> None:
    """Write what was decided of an account of the seller of a folder; the last word stands."""
    seller = next(iter(sellers_of(folder.fields)), "")
    if not seller:
        return
    account = SupplierAccount
    row = db.scalar(
        sa.select(account).where(
            account.collectivity_id == folder.collectivity_id,
            account.seller == seller_key(seller),
            account.iban == iban,
        )
    )
    if row is None:
        row = SupplierAccount(
            collectivity_id=folder.collectivity_id,
            seller=seller_key(seller),
            iban=iban,
            siren=siren_of(seller),
        )
        db.add(row)
    row.name = str(folder.fields.get("seller") or "")
    row.state, row.source, row.folder_id = state, DECIDED, folder.id
    row.who, row.user_id, row.at = actor.name, actor.user_id, now()


def siren_of(seller: str) -> str | None:
    """The SIREN in one of the ways to know a seller (`keys.sellers_of`), None where it is a name."""
    kind, _, digits = seller.partition(" ")
    return digits if kind == "siren" else None


def told_call(call: Call) -> str:
    """« Gwenola Tréhorel, le 27 novembre 2026 à 10 h 20, au 02 98 00 00 17 (marché 2024-06) »."""
    when = instant(datetime.fromisoformat(call.at))
    return spaces(f"{call.who}, {when}, au {call.number} ({call.origin})")
