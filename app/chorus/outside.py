"""What Chorus Pro tells of the invoices that the floor below compares and lists (`app/invoices/outside.py`)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from app.chorus import mandating, own
from app.chorus.answering import OURS, invoice_of, may_reject, statuses_of
from app.chorus.models import ChorusInvoice, ChorusStatus
from app.chorus.reasons import TWICE
from app.chorus.reasons import in_words as reason_in_words
from app.chorus.statuses import COMPLETED, REJECTED, in_words
from app.core.db import Db
from app.folders.models import Folder
from app.invoices.outside import Rejection, Standing
from app.people.actor import Actor

PAGE: Final = "chorus.show"


class Told:
    """How invoices stand on Chorus Pro."""

    def standings(self, db: Db, folders: Collection[int]) -> Mapping[int, Standing]:
        """Those of these folders that came from there: by two statements."""
        query = sa.select(ChorusInvoice).where(ChorusInvoice.folder_id.in_(folders))
        invoices = {invoice.folder_id: invoice for invoice in db.scalars(query) if invoice.folder_id}
        if not invoices:
            return {}
        rejections = sa.select(ChorusStatus).where(
            ChorusStatus.invoice_id.in_([invoice.id for invoice in invoices.values()]),
            ChorusStatus.status == REJECTED,
            ChorusStatus.state.in_(OURS),
        )
        ours: dict[int, list[ChorusStatus]] = {}
        for status in db.scalars(rejections.order_by(ChorusStatus.id)):
            ours.setdefault(status.invoice_id, []).append(status)
        return {
            number: Standing(
                "Chorus Pro FACTICE" if invoice.simulated else "Chorus Pro",
                str(invoice.cpro_id),
                in_words(invoice.standing[0]),
                PAGE,
                invoice.standing[0] == COMPLETED,
                _rejection(invoice, ours.get(invoice.id, ())),
            )
            for number, invoice in invoices.items()
        }

    def refusal(self, db: Db, actor: Actor, folder: Folder) -> Mapping[str, str]:
        """The page of Chorus Pro, the reason of what is billed twice chosen, for who may reject it there."""
        invoice = invoice_of(db, folder)
        if invoice is None or not may_reject(db, actor, folder, invoice, statuses_of(db, invoice)):
            return {}
        return {"endpoint": PAGE, "motif": TWICE, "_anchor": "rejeter"}

    def rejected(self, place: int) -> sa.Select[Any]:
        """The numbers of the folders of a collectivity whose invoice is rejected there, or is about to be."""
        ours = sa.select(ChorusStatus.invoice_id).where(
            ChorusStatus.collectivity_id == place,
            ChorusStatus.status == REJECTED,
            ChorusStatus.state.in_(OURS),
        )
        owner = ChorusInvoice.collectivity_id == place
        both = sa.union(
            _folders(owner, ChorusInvoice.id.in_(ours)), _folders(owner, ChorusInvoice.status == REJECTED)
        ).subquery()
        return sa.select(both.c.folder_id)

    def to_mandate(self, place: int) -> sa.Select[Any]:
        """Those that are signed, and that nobody said mandated there, where that is said (`app/chorus/mandating.py`)."""
        # Statuses that stay here ask nobody for a number
        unless_kept = () if own.sends(own.own_of(place)) else (sa.false(),)
        return sa.select(ChorusInvoice.folder_id).where(*mandating.unsaid(place), *unless_kept)


def _folders(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(ChorusInvoice.folder_id).where(ChorusInvoice.folder_id.is_not(None), *conditions)


def _rejection(invoice: ChorusInvoice, ours: Sequence[ChorusStatus]) -> Rejection | None:
    """Who rejected an invoice there, as it was asked from here, or as the history tells it."""
    if ours:
        last = ours[-1]
        return Rejection(last.who, last.asked_at, reason_in_words(last.motive), last.state == "sent")
    status, at = invoice.standing
    if status != REJECTED:
        return None
    comment = str(invoice.history[-1].get("comment") or "") if invoice.history else ""
    return Rejection("sur son portail", at, reason_in_words(comment), delivered=True)
