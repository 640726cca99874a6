"""The bank account of an invoice that is not known for its supplier, verified by two persons before it is paid.

One calls the supplier at a number known before (`app/invoices/calls.py`), another decides (rule INV-21). Paraphe warns before
the mandate: the public accountant pays, and keeps his own file of suppliers.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import instant, jour, quoted, spaces
from app.core.questions import Asked, Rows, keep, kept, once
from app.folders.access import readable_among
from app.folders.models import Folder
from app.folders.readings import rulings_on_cautions
from app.folders.sockets import Caution, is_open
from app.invoices.checks import compact, good_iban, good_rib
from app.invoices.history import paid
from app.invoices.keys import seller_key, sellers_of, siren_of
from app.invoices.known import (
    CONFIRMED,
    LISTED,
    OFFICE,
    Known,
    account_of,
    bearing,
    ends,
    has_list,
    identities,
    is_for,
    known_for,
    listed_since,
    named_otherwise,
    refusal_of,
    rows_about,
    same_name,
    sirens_of,
    together,
)
from app.invoices.models import SupplierAccount
from app.journal.models import JournalEntry
from workflows.circuit import Phase
from workflows.condition import values

KEY = "account"
PAGE = "invoices.account"
ACCEPT, FORMER = "accept", "former"
CALLS = "calls"
"""In `Folder.sources`: who called whom about an account, the first to the last."""
MENTIONED = "mentioned"
"""In `Folder.sources`: the accounts on the page of an invoice and on its papers."""
COMPLETED = "completed"
"""In `Folder.sources`: what the supplier added afterwards, each time with its day, its files and the accounts that they bear."""
ADDED_PIECE = "dans une pièce ajoutée"
"""Where an account stands that the supplier gave afterwards, as a ruling says it."""
SENT = "accounts sent before"
HERE = frozenset({"FR", "MC"})
Reason = tuple[str, str]


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

    @property
    def line(self) -> str:
        """« Gwenola Tréhorel, ven. 27 nov., 10 h 20, au 02 98 00 00 17 (marché 2024-06) »."""
        return spaces(
            f"{self.who}, {instant(datetime.fromisoformat(self.at))}, au {self.number} ({self.origin})"
        )


@dataclass(frozen=True)
class Doubt:
    """An account of an invoice that is not known for its seller: why each time, with what to compare it to.

    `about`: the name of its caution, another one for another seller, each time that the folder is sent, and once the account is
    put aside after a ruling. `reasons`: a title
    and a sentence each, the gravest first. `possible`: whether an account may have this number at all. `gone`: the invoice
    was sent with it, and bears none any more. `added`: its supplier gave it afterwards, and the invoice itself does not bear
    it. `trusted`: it is known for the seller, or for one of those in dispute, and no ruling on this invoice puts it aside.
    """

    about: str
    iban: str
    seller: str
    reasons: tuple[Reason, ...]
    known: tuple[Known, ...]
    calls: tuple[Call, ...]
    possible: bool
    gone: bool = False
    added: bool = False
    trusted: bool = False

    @property
    def mark(self) -> str:
        """What follows « : » in its name, as addresses have it."""
        return self.about.partition(":")[2]

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """What may be ruled: an account that cannot be is not accepted, and each known one may be paid on."""
        former = [
            (f"{FORMER}:{digest(account.iban)}", f"Payer sur {ends(account.iban)}") for account in self.known
        ]
        return (*former, *([(ACCEPT, "Accepter ce compte")] if self.possible else ()))


def digest(text: str) -> str:
    """Twelve signs that stand for a text in addresses and forms."""
    return sha256(text.encode()).hexdigest()[:12]


def doubts(db: Db, folder: Folder) -> list[Doubt]:
    """The accounts of an invoice that somebody has to verify, those that its files and whoever typed tell."""
    if folder.phase == Phase.DONE:
        return []
    return once(db, ("accounts to verify", folder.id), lambda: list(_doubts(db, folder)))


def stated(folder: Folder) -> list[str]:
    """The accounts on which an invoice itself asks to be paid, as its facts or its page tell.

    One that somebody left out, and had it retained so, is still what its file bears.
    """
    facts = (compact(str(text or "")) for text in values(folder.facts, "iban"))
    ibans = list(dict.fromkeys(iban for iban in facts if iban))
    left_out = [
        compact(str(value["value"]))
        for ruling in folder.sources.get("rulings", ())
        if ruling["about"] == "iban" and not ruling["kept"]
        for value in ruling["read"]
    ]
    # An invoice that gives none is paid on the one that its page bears, whoever left it out of the form
    return ibans or left_out or list(folder.sources.get(MENTIONED, {}).get("page", ()))


def told(folder: Folder) -> list[str]:
    """The same, and the accounts that its supplier gave afterwards beside the one that it bears."""
    added = [iban for completion in _unruled(folder) for iban in completion["ibans"]]
    return list(dict.fromkeys([*stated(folder), *added]))


def _unruled(folder: Folder) -> list[dict[str, Any]]:
    """What its supplier added that no decision on the account which stands has looked at, each with the accounts left of it."""
    if COMPLETED not in folder.sources:
        return []
    standing, settled, count = stated(folder), set[str](), 0
    for ruling in folder.sources.get("rulings", ()):
        if ruling["about"] == "iban" and ruling["kept"] in standing and COMPLETED in ruling:
            settled |= {ruling["kept"], *ruling["over"]}
            count = max(count, int(ruling[COMPLETED]))
    left = []
    for number, completion in enumerate(folder.sources.get(COMPLETED, ())):
        ibans = [iban for iban in completion["ibans"] if number >= count or iban not in settled]
        if ibans or number >= count:
            left.append({**completion, "ibans": ibans})
    return left


def _borne(folder: Folder) -> set[str]:
    """The accounts that the files of an invoice bear, whatever was typed."""
    files = folder.sources.get("files", ())
    told_by_files = {compact(str(file["values"].get("iban") or "")) for file in files}
    return told_by_files | set(folder.sources.get(MENTIONED, {}).get("page", ()))


def _doubts(db: Db, folder: Folder) -> Iterator[Doubt]:
    ibans, own, added = told(folder), stated(folder), folder.sources.get(COMPLETED, ())
    emptied = [] if ibans or folder.round < 2 else _sent_before(db, folder)
    if not (ibans or emptied):
        return
    ways, settled, borne = identities(folder.facts), paid(db, folder), _borne(folder)
    rows = rows_about(db, folder, ibans or emptied)
    for iban in ibans or emptied:
        same = bearing(db, folder, iban)
        known = [known_for(way, rows, [*settled, *same]) for way in ways]
        sure = bool(known) and all(iban in accounts for accounts in known)
        trusted = any(iban in accounts for accounts in known)
        refused = refusal_of(iban, rows, ways)
        if sure and refused is not None and refused.siren is None:
            refused = None  # said under a name alone, it takes nothing from a seller who has it by his SIREN
        reasons = [*_of_itself(iban, refused, emptied), *_added(iban, _unruled(folder), own)]
        if not sure:
            reasons += _unknown(db, folder, iban, together(known), rows, same, ways)
            reasons += _instead(folder, iban)
        if _many_of_a_name(ways, [*settled, *same]):
            reasons.append(
                (
                    "Fournisseur mal identifié",
                    "Plusieurs fournisseurs portent ce nom, et la facture n’a pas de SIRET",
                )
            )
        reasons += [
            ("Nom changé", f"Les factures terminées ici sous ce SIREN portent le nom « {name} »")
            for name in named_otherwise(folder, ways, settled)
        ]
        if reasons:
            shared = tuple(
                account
                for account in together(known[:1]).values()
                if account.iban != iban
                and good_iban(account.iban)
                and all(account.iban in accounts for accounts in known)
            )
            # One that the supplier added is weighed against the one that the invoice itself bears
            bears = [
                Known(other, "Écrit sur la facture elle-même", known=False)
                for other in (own if iban not in own else ())
                if good_iban(other) and other in borne and other not in {account.iban for account in shared}
            ]
            marks = [
                str(folder.round),
                *(f"{completion['at']} {completion['count']}" for completion in added),
            ]
            about = _name(folder, [iban, *sorted(ways), *marks], refused)
            name = str(folder.fields.get("seller") or "ce fournisseur")
            yield Doubt(
                about,
                iban,
                name,
                tuple(reasons),
                (*shared, *bears),
                calls_about(folder, about),
                good_iban(iban),
                gone=iban in emptied,
                added=iban not in own and iban not in emptied,
                trusted=trusted,
            )


def _name(folder: Folder, made_of: Sequence[str], refused: SupplierAccount | None) -> str:
    """The name of a doubt: another one once its account is put aside after somebody ruled on it, which is then to do again."""
    about = f"{KEY}:{digest(' '.join(made_of))}"
    ruling = rulings_on_cautions(folder.sources).get(about)
    if refused is None or ruling is None or refused.folder_id == folder.id:  # put aside by this very ruling
        return about
    if refused.at <= datetime.fromisoformat(ruling.at):
        return about
    return f"{KEY}:{digest(' '.join([*made_of, refused.at.isoformat()]))}"


def calls_about(folder: Folder, about: str) -> tuple[Call, ...]:
    """The calls about an account of this folder."""
    rows = (dict(row) for row in folder.sources.get(CALLS, ()) if row["about"] == about)
    return tuple(Call(**{key: value for key, value in row.items() if key != "about"}) for row in rows)


_sent: Any = sa.select(JournalEntry.folder_id, JournalEntry.facts).where(
    JournalEntry.collectivity_id == sa.bindparam("here"),
    JournalEntry.folder_id.in_(sa.bindparam("sent_folders", expanding=True)),
    JournalEntry.event == "folder.submit",
)


def _sent_before(db: Db, folder: Folder) -> list[str]:
    """The accounts with which a folder was sent in an earlier round: one that is taken out is told, not forgotten."""
    ahead: list[str] | None = kept(db, (SENT, folder.id))
    if ahead is not None:
        return ahead
    binds = {"here": folder.collectivity_id, "sent_folders": [folder.id]}
    return _ibans_in(facts for _, facts in db.execute(_sent, binds))


def _ibans_in(lines: Iterable[str]) -> list[str]:
    sent = (json.loads(facts).get("fields", {}).get("iban") for facts in lines)
    return list(dict.fromkeys(iban for text in sent if (iban := compact(str(text or "")))))


def _emptied(folders: Sequence[Folder]) -> list[Folder]:
    """Those that were sent before, and tell no account any more."""
    return [folder for folder in folders if folder.round > 1 and not told(folder)]


def asked_of_sent(folders: Sequence[Folder]) -> list[Asked]:
    """What is read to say with which accounts those of these invoices were sent that tell none any more; nothing for no such."""
    emptied = [folder.id for folder in _emptied(folders)]
    return [(_sent, {"here": folders[0].collectivity_id, "sent_folders": emptied})] if emptied else []


def keep_sent(db: Db, folders: Sequence[Folder], rows: Sequence[Rows]) -> None:
    """Keep what `asked_of_sent` read."""
    lines = [line for each in rows for line in each]
    for folder in _emptied(folders):
        keep(db, (SENT, folder.id), _ibans_in(facts for number, facts in lines if number == folder.id))


def _of_itself(iban: str, refused: SupplierAccount | None, emptied: Collection[str]) -> Iterator[Reason]:
    """What is wrong with an account whoever has it."""
    if refused is not None:
        yield "Compte déjà écarté", f"{refused.who} l’a écarté, {jour(refused.at.astimezone(PARIS).date())}"
    if not good_iban(iban):
        yield "IBAN impossible", "Sa clé est fausse : aucun compte ne peut porter ce numéro"
    elif not good_rib(iban):
        yield (
            "Clé RIB fausse",
            "Ses deux derniers chiffres ne sont pas ceux d’un compte français de ce numéro",
        )
    if iban in emptied:
        yield "Compte retiré", "La facture a été envoyée avec ce compte, et n’en porte plus"


def _instead(folder: Folder, iban: str) -> Iterator[Reason]:
    """That somebody had an account that he typed stand in place of the one that the file bears, whoever ruled so."""
    for ruling in folder.sources.get("rulings", ()):
        if ruling["about"] == "iban" and ruling["keeps"] == "typed" and ruling["kept"] == iban:
            borne = [str(value["value"]) for value in ruling["read"] if value["where"] != ADDED_PIECE]
            read = ", ".join(map(ends, borne))
            if not borne:  # the invoice's own account, over one that was added
                continue
            yield (
                "Compte écrit à la place de celui de la facture",
                f"La facture porte {read}, {ruling['typist']} a écrit celui-ci",
            )
            return


def _added(iban: str, added: Collection[Mapping[str, Any]], own: Collection[str]) -> Iterator[Reason]:
    """Why an account is verified again once the supplier added something: a change of account comes so, and in no other way.

    What is added is doubted, not the account that the invoice bears (`own`); this one where the papers give no other.
    Source: AIFE, external specifications of Chorus Pro, 3.2 (status 227 reaches the body as « Complétée »).
    """
    for completion in added:
        day, names = jour(date.fromisoformat(completion["at"])), ", ".join(completion["files"])
        names = "avant d’arriver ici" if completion.get("first") else names
        others = [other for other in completion["ibans"] if other not in own]
        if iban in others:
            borne = f"elle porte {', '.join(map(ends, own))}" if own else "elle n’en porte aucun"
            yield (
                "Autre compte dans une pièce ajoutée" if own else "Compte donné dans une pièce ajoutée",
                f"Le fournisseur a complété la facture le {day} ({names or 'sans pièce nouvelle'}), et y donne ce compte ; "
                f"{borne}",
            )
        elif iban in own and not others:
            yield (
                "Facture complétée par le fournisseur",
                f"Complétée le {day} ({names or 'sans pièce nouvelle'}) : un changement de compte arrive ainsi, lisez-la",
            )


def _unknown(
    db: Db,
    folder: Folder,
    iban: str,
    known: dict[str, Known],
    rows: Collection[SupplierAccount],
    same: Collection[Folder],
    ways: Collection[str],
) -> Iterator[Reason]:
    """Why an account that is not known for every way to know its seller is told; nothing of a first one without a list."""
    seller = str(folder.fields.get("seller") or "")
    whose = f", {seller}" if seller else ""
    if not ways:  # a draft of which nobody said yet who sends it: it is no other's account before that
        yield "Fournisseur à écrire", "Sans lui, rien ne dit à qui est ce compte"
        return
    if other := _of_another(db, folder, iban, rows, same, ways):
        yield "Compte d’un autre fournisseur", other
    if iban in known:
        yield (
            "Fournisseur en désaccord",
            "Ce compte est connu pour l’un des fournisseurs que disent les valeurs, et pas pour l’autre",
        )
    elif known:
        listed = ", ".join(ends(number) for number in list(known)[:3])
        yield f"IBAN changé{whose}", f"Il n’est pas de ceux que ce fournisseur a ici : {listed}"
    named = ways and not any(map(siren_of, ways))
    if iban[:2] not in HERE and (known or not named):
        yield f"Compte à l’étranger{whose}", f"Il est tenu hors de France ({iban[:2]})"
    # An office puts aside known ones alone; those that a ruling refused never were
    aside = [row for row in rows if row.source == OFFICE and row.iban != iban and is_for(row, ways)]
    if aside and not known:
        gone = ", ".join(ends(row.iban) for row in aside[:3])
        yield f"IBAN changé{whose}", f"Les comptes que ce fournisseur avait ici ont été écartés : {gone}"
    since = [] if known else listed_since(db, folder, [iban])
    if since and iban not in {row.iban for row in since}:
        listed = ", ".join(ends(row.iban) for row in since[:3])
        yield f"IBAN changé{whose}", f"La liste importée depuis son arrivée donne à ce fournisseur {listed}"
    elif not known and has_list(db, folder):
        yield f"Compte inconnu{whose}", "La liste des comptes connus n’a pas ce fournisseur"


def _many_of_a_name(ways: Collection[str], settled: Collection[Folder]) -> bool:
    """Whether an invoice without SIRET bears a name that invoices of several suppliers bore."""
    named = ways and not any(map(siren_of, ways))
    return bool(named) and len(sirens_of(settled, ways)) > 1


def _of_another(
    db: Db,
    folder: Folder,
    iban: str,
    rows: Collection[SupplierAccount],
    same: Collection[Folder],
    ways: Collection[str],
) -> str:
    """That an account is another supplier's: by what is written of it, or by an invoice; named to who may know it."""
    mine = set(sellers_of(folder.facts))
    own = {seller_key(seller) for seller in mine}
    for row in rows:
        if row.iban != iban or row.state != CONFIRMED or row.seller in own:
            continue
        if any(same_name(row.name, way) for way in ways):
            continue
        if row.source == LISTED:
            return f"La liste des comptes connus le donne à {row.name}"
        named = row.folder_id is not None and readable_among(db, [row.folder_id])
        return f"Il a été accepté pour {row.name if named else 'un autre fournisseur'}"
    for invoice in same:
        if account_of(invoice) == iban and not mine & set(sellers_of(invoice.facts)):
            seller = str(invoice.fields.get("seller") or "") if readable_among(db, [invoice.id]) else ""
            return f"Une facture de {seller or 'quelqu’un d’autre'} l’a porté et s’est terminée ici"
    return ""


def deciding_apart(folder: Folder) -> frozenset[int]:
    """Who may not rule on the account of an invoice: whoever deposited it, wrote its draft, or wrote its account."""
    typists = folder.sources.get("corrections", {}).get("iban", {}).get("typists", ())
    people = (*folder.sources.get("depositors", ()), *folder.writers, *typists)
    return frozenset(person for person in people if person is not None)


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """What to look at in the accounts of an invoice; neither who deposited it nor who called the supplier rules on it."""
    every = doubts(db, folder)
    if not every:
        return []
    by = deciding_apart(folder)
    return [
        Caution(
            KEY,
            spaces(doubt.reasons[0][0]),
            spaces(_sentence(doubt)),
            about=doubt.about,
            choices=doubt.choices,
            by=by | {call.user for call in doubt.calls if call.user is not None},
            grave=True,
            page=PAGE,
            awaits="" if doubt.calls else "iban-call-first",
            whom=spaces(doubt.seller),
        )
        for doubt in every
    ]


def _sentence(doubt: Doubt) -> str:
    if doubt.calls:
        call = doubt.calls[-1]
        then = f"{call.who} a appelé le fournisseur : {quoted(call.word)} Une autre personne décide."
    else:
        then = "Appelez le fournisseur à un numéro que vous connaissez déjà ; une autre personne décidera ensuite."
    reasons = " ".join(f"{sentence.rstrip('.')}." for _, sentence in doubt.reasons)
    opening = "Ajouté par le fournisseur :" if doubt.added else "Cette facture :"
    opening = "Envoyée d’abord avec" if doubt.gone else opening
    return f"{opening} {ends(doubt.iban)}. {reasons} {then}"


def to_verify(db: Db, folder: Folder) -> list[Caution]:
    """The accounts on which nobody has ruled."""
    return [caution for caution in cautions(db, folder) if is_open(folder, caution)]
