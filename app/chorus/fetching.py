"""Fetch one invoice: its history, its files, then what the supplier added; once, whatever dies in between.

The arrival is known by the number of the invoice on Chorus Pro: brought again after a kill, it is the same one. An invoice that
cannot be fetched is told on the page of Chorus Pro, and nothing of it is lost there.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from app.arrivals.criteria import ALL_WORKS
from app.arrivals.models import Arrival, Way
from app.arrivals.receiving import receive
from app.chorus import own, pivot
from app.chorus.answers import History, day_of
from app.chorus.client import Client
from app.chorus.faults import Refused, Silent, TooBig
from app.chorus.models import ChorusInvoice, ChorusPiece
from app.chorus.pivot import Piece, Pivot, Unreadable, in_order
from app.chorus.rounds import AGAIN, WHO, look_at
from app.chorus.wire import opened
from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.outbox import Later, Row, post
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import vault
from app.files.sniffing import sniff
from app.folders.facts import touch
from app.folders.keep import Incoming
from app.folders.models import Folder
from app.folders.move import count_days_again
from app.invoices import interrupting
from app.invoices.accounts import COMPLETED
from app.invoices.checks import compact, good_iban
from app.invoices.clock import CHORUS
from app.invoices.frames import in_words
from app.invoices.plugs import read_facts
from app.journal.chain import Event, append
from app.people.actor import Actor, system
from app.transmission.ports import Unreachable
from config import Settings

AVAILABLE: Final = "MISE_A_DISPOSITION"
WEIGHTY: Final = frozenset({"number", "iban", "seller_siret", "total_ttc", "type_code", "issue_date"})
"""The fields of which Chorus Pro is told though the file says another value: who decides rules between the two."""
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?:[ .-]?[A-Z0-9]){11,30}\b")
MEDIA: Final = {"pdf": "application/pdf", "xml": "application/xml", "text": "text/plain"}
_PORTAL: Final = "récupérez-la sur le portail de Chorus Pro, puis déposez-la"


@dataclass(frozen=True)
class _Known:
    """An invoice as it is known before it is asked for."""

    state: str
    arrival_id: int | None
    kind: str
    number: str
    pieces: frozenset[str]
    completed: int


class Fetch:
    """The handler that looks at an invoice, given the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, row: Row) -> None:
        """Look at the invoice that a row of the outbox names; what was done of it already is not done again."""
        actor, number = system(row.collectivity_id, WHO), int(row.payload["invoice"])
        known = _known(actor, number)
        if known is None or known.state == "past":
            return
        try:
            client = Client(
                opened(self._settings), own.identity_in(own.own_of(row.collectivity_id), self._settings)
            )
            history = client.history(number)
            keep_history(actor, number, history)
            completed = sum(passed.status == "COMPLETEE" for passed in history.passed)
            if known.state != "fetched":
                _bring(actor, number, known, _pivot(client, number), history)
            elif completed > known.completed:
                _complete(actor, number, _pivot(client, number), completed)
        except own.Unset:
            return  # who took the account away wants nothing fetched any more
        except Unreachable as fault:
            seconds = fault.seconds if isinstance(fault, Silent) and fault.seconds else AGAIN
            raise Later(seconds, str(fault)) from fault
        except (Refused, TooBig, Unreadable) as fault:
            shut(actor, number, _told(fault))


def _told(fault: Exception) -> str:
    """Why an invoice cannot be fetched, and what to do."""
    if isinstance(fault, TooBig):
        return f"{fault} : {_PORTAL}."
    if isinstance(fault, Unreadable):
        return f"{fault} : {_PORTAL}."
    return (
        f"{fault}. Vérifiez que le compte technique a le droit de la lire, puis réessayez ; sinon {_PORTAL}."
    )


def _pivot(client: Client, number: int) -> Pivot:
    return pivot.read(client.pivot(number), number)


def _known(actor: Actor, number: int) -> _Known | None:
    with reading(actor.collectivity_id) as db:
        invoice = _invoice(db, actor, number)
        if invoice is None:
            return None
        pieces = db.scalars(sa.select(ChorusPiece.sha256).where(ChorusPiece.invoice_id == invoice.id))
        completed = sum(int(completion["count"]) for completion in invoice.completions)
        return _Known(
            invoice.state, invoice.arrival_id, invoice.kind, invoice.number, frozenset(pieces), completed
        )


def _invoice(db: Db, actor: Actor, number: int, *, locked: bool = False) -> ChorusInvoice | None:
    query = sa.select(ChorusInvoice).where(
        ChorusInvoice.collectivity_id == actor.collectivity_id, ChorusInvoice.cpro_id == number
    )
    return db.scalar(query.with_for_update() if locked else query)


@use_case
def keep_history(db: Db, actor: Actor, number: int, history: History) -> None:
    """Write each status that an invoice had, and the day on which it was first made available."""
    invoice = _invoice(db, actor, number, locked=True)
    if invoice is None or not history.passed:
        return
    invoice.history = [
        {"status": passed.status, "at": passed.at, "comment": passed.comment} for passed in history.passed
    ]
    invoice.available_on = available(history)
    folder = _folder(db, invoice) if _rejected(invoice) else None
    if folder is not None and interrupting.REJECTED not in folder.sources:
        folder.sources = {**folder.sources, **_rejected(invoice)}
        count_days_again(db, folder)


def _rejected(invoice: ChorusInvoice) -> dict[str, str]:
    """What a folder keeps of the rejection of its invoice there: its moment; nothing while it is not rejected."""
    status, moment = invoice.standing
    return {interrupting.REJECTED: moment.isoformat() if moment else ""} if status == "REJETEE" else {}


def available(history: History) -> date | None:
    """The day of the first « mise à disposition »: the delay of payment starts there (CCP R2192-15)."""
    days = [day for passed in history.passed if passed.status == AVAILABLE and (day := day_of(passed.at))]
    return min(days, default=None)


def _bring(actor: Actor, number: int, known: _Known, unit: Pivot, history: History) -> None:
    """Bring an invoice and its files in, then write that it was."""
    ordered = in_order(unit)
    works = known.kind == "FACTURE_TRAVAUX"
    what = "facture de travaux" if works else "avoir" if unit.facts.get("type_code") == "381" else "facture"
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        files = _written(ordered, Path(folder))
        received = available(history) or today()
        arrival = receive(
            actor.collectivity_id,
            Way.CHORUS,
            str(number),
            files,
            origin=f"{WHO}, {what} {unit.facts.get('number') or known.number}",
            name=WHO,
            facts=_facts(unit, files) | {"received_on": received.isoformat()},
            clues=_clues(unit, works=works),
            remarks=_remarks(unit, works=works),
        )
    completed = sum(passed.status == "COMPLETEE" for passed in history.passed)
    ibans = _ibans(unit.pieces) if completed else []
    keep_fetched(actor, number, arrival.id, unit, _stored(actor, unit.pieces), completed, ibans)


def _written(pieces: Sequence[Piece], room: Path) -> list[Incoming]:
    files = []
    for rank, piece in enumerate(pieces):
        path = room / f"{rank}{Path(piece.name).suffix}"
        path.write_bytes(piece.data)
        files.append(Incoming(path, piece.name))
    return files


def _facts(unit: Pivot, files: Sequence[Incoming]) -> dict[str, str]:
    """What Chorus Pro tells of an invoice, but what its file tells as well: another value of what weighs is told beside it."""
    read = _read(files[0]) if files else {}
    return {
        key: value
        for key, value in unit.facts.items()
        if not read.get(key) or (key in WEIGHTY and not _same(value, read[key]))
    }


def _read(file: Incoming) -> dict[str, str]:
    """What the file of an invoice says of itself; nothing of one that will be refused."""
    try:
        facts = read_facts(file.path, MEDIA.get(sniff(file.path), ""))
    except Refusal:
        return {}
    return dict(facts.fields) if facts is not None else {}


def _same(one_way: str, other_way: str) -> bool:
    first, second = compact(one_way), compact(other_way)
    try:
        return first == second or float(first) == float(second)
    except ValueError:
        return False


def _clues(unit: Pivot, *, works: bool) -> dict[str, Any]:
    """What else the routing may look at."""
    return {
        "service_code": unit.service,
        "service_name": unit.service_name,
        "order_ref": unit.facts.get("order_ref", ""),
        "contract_ref": unit.facts.get("contract_ref", ""),
        "seller": unit.facts.get("seller", ""),
        "seller_siret": unit.facts.get("seller_siret", ""),
        "buyer_siret": unit.buyer_siret,
        "frame": unit.frame or (ALL_WORKS if works else ""),
        "works": works,
    }


def _remarks(unit: Pivot, *, works: bool) -> list[str]:
    remarks = []
    if works:
        remarks.append(
            f"Facture d’un marché de travaux (cadre : {in_words(unit.frame) or 'non dit'}) : ses états se donnent sur Chorus "
            "Pro, par ceux que le marché désigne."
        )
    if unit.paid_already:
        remarks.append("Déjà payée par carte d’achat (cadre A2) : elle ne se mandate pas une seconde fois.")
    if unit.payee:
        remarks.append(f"À payer à « {unit.payee} », qui n’est pas le fournisseur : vérifiez la subrogation.")
    return remarks


def _stored(actor: Actor, pieces: Sequence[Piece]) -> list[tuple[str, str, int]]:
    """Name, digest and size of each file, whose bytes are in the store then."""
    store, scope = vault.store(), vault.scope(actor.collectivity_id)
    return [(piece.name, store.put_bytes(scope, piece.data).sha256, len(piece.data)) for piece in pieces]


@use_case
def keep_fetched(
    db: Db,
    actor: Actor,
    number: int,
    arrival_id: int,
    unit: Pivot,
    files: Sequence[tuple[str, str, int]],
    completed: int,
    ibans: Sequence[str] = (),
) -> None:
    """Write that an invoice was brought in, by which arrival, with which files, and that it was completed before it came."""
    invoice = _invoice(db, actor, number, locked=True)
    # A try that was killed after this was written comes again.
    if invoice is None or invoice.state == "fetched":
        return
    invoice.state, invoice.trouble, invoice.arrival_id, invoice.fetched_at = "fetched", "", arrival_id, now()
    invoice.frame, invoice.buyer_siret = unit.frame[:10], unit.buyer_siret[:20]
    _add(db, invoice, files, later=False)
    if not completed:
        return
    days = [str(row["at"]) for row in invoice.history if row["status"] == "COMPLETEE"]
    day = day_of(days[-1]) if days else None
    first = {
        "count": completed,
        "at": (day or today()).isoformat(),
        "files": [],
        "ibans": list(ibans),
        "first": True,
    }
    invoice.completions = [first]
    folder = _folder(db, invoice)
    if folder is not None:
        _tell(db, actor, folder, invoice)


def _add(db: Db, invoice: ChorusInvoice, files: Sequence[tuple[str, str, int]], *, later: bool) -> list[str]:
    """Write the files that are not known of an invoice; their names."""
    known = set(db.scalars(sa.select(ChorusPiece.sha256).where(ChorusPiece.invoice_id == invoice.id)))
    names = []
    for name, sha256, size in files:
        if sha256 in known:
            continue
        known.add(sha256)
        names.append(name)
        db.add(
            ChorusPiece(
                collectivity_id=invoice.collectivity_id,
                invoice_id=invoice.id,
                filename=name,
                sha256=sha256,
                size=size,
                later=later,
                came_at=now(),
            )
        )
    return names


def _complete(actor: Actor, number: int, unit: Pivot, completed: int) -> None:
    """Write what the supplier added, with the accounts that it bears."""
    with reading(actor.collectivity_id) as db:
        invoice = _invoice(db, actor, number)
        query = sa.select(ChorusPiece.sha256).where(ChorusPiece.invoice_id == (invoice.id if invoice else 0))
        known = set(db.scalars(query))
    files = _stored(actor, unit.pieces)
    fresh = [piece for piece, file in zip(unit.pieces, files, strict=True) if file[1] not in known]
    ibans = list(dict.fromkeys([*_ibans(fresh), *filter(None, [unit.facts.get("iban", "")])]))
    keep_completed(actor, number, completed, files, ibans)


def _ibans(pieces: Sequence[Piece]) -> list[str]:
    """The accounts that the words of these files bear."""
    from app.files.words import read_words

    ibans: list[str] = []
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        for file in _written(pieces, Path(folder)):
            text = read_words(file.path, MEDIA.get(sniff(file.path), ""))
            for match in _IBAN.findall(text.text.upper() if text is not None else ""):
                ibans += [iban for iban in _prefixes(re.sub("[.-]", "", compact(match))) if good_iban(iban)][
                    :1
                ]
    return ibans


def _prefixes(text: str) -> list[str]:
    """What an account may be of a text that goes on after it: the longest first, 15 signs at least."""
    return [text[:length] for length in range(min(len(text), 34), 14, -1)]


@use_case
def keep_completed(
    db: Db,
    actor: Actor,
    number: int,
    completed: int,
    files: Sequence[tuple[str, str, int]],
    ibans: Sequence[str],
) -> None:
    """Write a completion, on the folder too: whoever decides verifies the account again (INV-21)."""
    invoice = _invoice(db, actor, number, locked=True)
    if invoice is None:
        return
    before = sum(int(completion["count"]) for completion in invoice.completions)
    if completed <= before:
        return
    names = _add(db, invoice, files, later=True)
    days = [str(row["at"]) for row in invoice.history if row["status"] == "COMPLETEE"]
    day = day_of(days[-1]) if days else None
    completion = {
        "count": completed - before,
        "at": (day or today()).isoformat(),
        "files": names,
        "ibans": list(ibans),
        "first": False,
    }
    invoice.completions = [*invoice.completions, completion]
    folder = _folder(db, invoice)
    if folder is not None:
        _tell(db, actor, folder, invoice)


def _folder(db: Db, invoice: ChorusInvoice) -> Folder | None:
    """The folder of an invoice, locked, once there is one."""
    if invoice.folder_id is None:
        return None
    # Read again under the lock: the session may hold it as it was.
    return db.get_one(Folder, invoice.folder_id, with_for_update=True, populate_existing=True)


def _tell(db: Db, actor: Actor, folder: Folder, invoice: ChorusInvoice) -> None:
    """Write on the folder what the supplier added, and its line of the journal."""
    folder.sources = {**folder.sources, COMPLETED: list(invoice.completions)}
    touch(folder)
    names = ", ".join(f"« {name} »" for name in invoice.completions[-1]["files"]) or "aucune pièce nouvelle"
    facts = {"invoice": invoice.cpro_id, "words": names}
    append(db, folder.collectivity_id, Event("chorus.completed", actor.name, None, folder.id, facts))


@use_case
def shut(db: Db, actor: Actor, number: int, trouble: str) -> None:
    """Write why an invoice cannot be fetched; one that was stays so."""
    invoice = _invoice(db, actor, number, locked=True)
    if invoice is not None:
        invoice.trouble = trouble[:1000]
        if invoice.state == "seen":
            invoice.state = "shut"


@use_case
def again(db: Db, actor: Actor, invoice_id: int) -> str:
    """Have an invoice fetched that could not be, or that was dealt with elsewhere; its number. Refuses `chorus-fetched`."""
    query = sa.select(ChorusInvoice).where(
        ChorusInvoice.id == invoice_id, ChorusInvoice.collectivity_id == actor.collectivity_id
    )
    invoice = db.scalar(query.with_for_update())
    if invoice is None:
        raise Refusal("not-found")
    if invoice.state not in {"shut", "past"} and not invoice.trouble:
        raise Refusal("chorus-fetched")
    invoice.state = "fetched" if invoice.state == "fetched" else "seen"
    # Another turn is another key: that of a row is unique for ever.
    invoice.trouble, invoice.turn = "", invoice.turn + 1
    post(db, actor.collectivity_id, [look_at(invoice)])
    facts = {"invoice": invoice.cpro_id, "words": invoice.number, "address": actor.address}
    append(db, actor.collectivity_id, Event("chorus.again", actor.name, actor.user_id, None, facts))
    return invoice.number


def linked(db: Db, actor: Actor, arrival: Arrival, folder: Folder) -> None:
    """Write which folder an invoice becomes, and on the folder where it came from: in the transaction that opens it."""
    # An invoice that came inside another one is an arrival apart, which has no number of its own there
    if arrival.way != Way.CHORUS or not arrival.identifier.isdigit():
        return
    invoice = _invoice(db, actor, int(arrival.identifier), locked=True)
    if invoice is not None and invoice.folder_id is None:
        tie(invoice, arrival, folder)


def tie(invoice: ChorusInvoice, arrival: Arrival, folder: Folder) -> None:
    """Write on an invoice and on its folder that they are one."""
    invoice.folder_id = folder.id
    invoice.frame = str(arrival.clues.get("frame") or invoice.frame)[:10]
    invoice.buyer_siret = str(arrival.clues.get("buyer_siret") or invoice.buyer_siret)[:20]
    day = invoice.available_on
    origin = {
        "id": invoice.cpro_id,
        "available_on": day.isoformat() if day is not None else "",
        "seller_siret": str(arrival.clues.get("seller_siret") or ""),
    }
    folder.sources = {**folder.sources, CHORUS: origin, **_rejected(invoice)}
    if invoice.completions:
        folder.sources = {**folder.sources, COMPLETED: list(invoice.completions)}
