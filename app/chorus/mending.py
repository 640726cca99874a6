"""What an older version left undone of an invoice from Chorus Pro: its tie to its folder, the frame of a contract of works.

Looked for at each round, and told in the journal of the folder. A folder that is over is left as it was decided.
"""

from typing import Any

import sqlalchemy as sa

from app.arrivals.models import Arrival, State
from app.chorus import pivot
from app.chorus.client import Client
from app.chorus.faults import Refused, TooBig
from app.chorus.fetching import tie
from app.chorus.models import ChorusInvoice
from app.chorus.pivot import Unreadable
from app.circuits.library import family_of
from app.core.db import Db, reading
from app.core.transaction import use_case
from app.folders.facts import fill, touch
from app.folders.models import Folder
from app.folders.readings import TOLD_BY
from app.folders.sockets import indexed
from app.folders.words import ask as ask_words
from app.invoices import frames
from app.journal.chain import Event, append
from app.people.actor import Actor
from workflows.circuit import Phase

MOST = 100
"""How many of each are mended at one round."""


def mend(actor: Actor, client: Client | None) -> None:
    """Tie each arrival that was opened to its invoice, and give the folders of works their frame.

    `client`: whom to ask for a frame that is not known; None when that is not to be asked now. Raises `Unreachable`.
    """
    with reading(actor.collectivity_id) as db:
        ours = ChorusInvoice.collectivity_id == actor.collectivity_id
        untied = db.scalars(
            sa.select(ChorusInvoice.id)
            .join(Arrival, Arrival.id == ChorusInvoice.arrival_id)
            .where(
                ours,
                ChorusInvoice.folder_id.is_(None),
                Arrival.state == State.OPENED,
                Arrival.folder_id.is_not(None),
            )
            .limit(MOST)
        ).all()
    for invoice_id in untied:
        _tie(actor, invoice_id)
    with reading(actor.collectivity_id) as db:
        # Built by the family: a fact that was never written is absent, one that was emptied is there
        frame: Any = Folder.fields[frames.FIELD].as_string()
        unframed = db.execute(
            sa.select(ChorusInvoice.id, ChorusInvoice.cpro_id, ChorusInvoice.frame)
            .join(Folder, Folder.id == ChorusInvoice.folder_id)
            .where(ours, ChorusInvoice.kind == "FACTURE_TRAVAUX", Folder.phase != Phase.DONE, frame.is_(None))
            .order_by(ChorusInvoice.id)
            .limit(MOST)
        ).all()
    for invoice_id, number, known in unframed:
        frame_there = known or (_asked(client, number) if client is not None else "")
        if frame_there in frames.WORKS:
            _frame(actor, invoice_id, frame_there)


def _asked(client: Client, number: int) -> str:
    """The frame that Chorus Pro tells; empty where the invoice is not given any more."""
    try:
        return pivot.read(client.pivot(number), number).frame
    except (Refused, TooBig, Unreadable):
        return ""


@use_case
def _tie(db: Db, actor: Actor, invoice_id: int) -> None:
    invoice = db.get_one(ChorusInvoice, invoice_id, with_for_update=True, populate_existing=True)
    arrival = db.get_one(Arrival, invoice.arrival_id)
    if invoice.folder_id is not None or arrival.folder_id is None:
        return
    folder = db.get_one(Folder, arrival.folder_id, with_for_update=True, populate_existing=True)
    tie(invoice, arrival, folder)
    _tell(
        db,
        actor,
        invoice,
        folder,
        "ce dossier est celui de la facture de Chorus Pro, qui n’y était pas reliée",
    )


@use_case
def _frame(db: Db, actor: Actor, invoice_id: int, frame: str) -> None:
    invoice = db.get_one(ChorusInvoice, invoice_id, with_for_update=True, populate_existing=True)
    folder = db.get_one(Folder, invoice.folder_id, with_for_update=True, populate_existing=True)
    invoice.frame = frame[:10]
    known_before = any(frames.FIELD in row.get("values", ()) for row in folder.sources.get("files", ()))
    if folder.phase == Phase.DONE or frames.FIELD in folder.fields or known_before:
        return
    searched_by = folder.title_key
    source = {"said": f"{TOLD_BY}{actor.name}", "name": "", "values": {frames.FIELD: frame}, "told": True}
    folder.sources = {**folder.sources, "files": [source, *folder.sources.get("files", ())]}
    fill(folder, family_of(folder.in_force), {**folder.fields, frames.FIELD: frame}, title=None)
    indexed(db, folder)
    ask_words(db, folder, searched_by)
    _tell(db, actor, invoice, folder, f"cadre de facturation, {frames.in_words(frame)}")


def _tell(db: Db, actor: Actor, invoice: ChorusInvoice, folder: Folder, line: str) -> None:
    touch(folder)
    facts = {"invoice": invoice.cpro_id, "words": line}
    append(db, folder.collectivity_id, Event("chorus.mended", actor.name, None, folder.id, facts))
