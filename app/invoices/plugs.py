"""What an invoice brings to its folder: what is read in it, its table, and the payment clock under its header."""

from dataclasses import replace
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from app.circuits.library import circuit_of
from app.core import jobs
from app.core.db import Db
from app.core.french import spaces
from app.core.outbox import handles
from app.display.portrait import current_present
from app.folders import sockets
from app.folders.access import reader_of
from app.folders.models import Folder
from app.folders.move import person_of
from app.folders.ruling import may_rule
from app.folders.sockets import Caution, ReadFacts, Visa
from app.invoices import (
    abroad,
    accounts,
    days,
    history,
    interrupting,
    listing,
    outside,
    proposals,
    resemblance,
    settling,
    texts,
)
from app.invoices.clock import Delay, delay_of
from app.invoices.performing import performed_of
from app.invoices.rules import checking, telling
from app.invoices.suppliers import keeping, naming
from config import Settings
from workflows.circuit import Phase, StepKind
from workflows.family import Problem

VERIFY_FIRST = (
    "une personne appelle d’abord le fournisseur à un numéro connu, puis une autre, qui décide et n’a pas déposé la facture, "
    "dit que faire de ce compte, ou la rejette."
)
RULE_NOW = (
    "le fournisseur a été appelé ; une autre personne, qui décide et n’a pas déposé la facture, dit que faire de ce compte, "
    "ou la rejette."
)
SIDE_BY_SIDE = 3
"""Earlier invoices that are shown beside this one, of those that who reads may read; all of them are told."""


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del settings  # nothing here is configured
    sockets.reader("invoice", read_facts)
    sockets.table(_table)
    invoices = sockets.named(history.FAMILY)
    sockets.band(_Band(templates), of=invoices)
    sockets.band(_Same(templates), of=invoices)
    sockets.listing(listing.cautions, asks=listing.queries, of=invoices)
    sockets.caution(history.cautions, of=invoices)
    sockets.caution(abroad.cautions, of=invoices)
    sockets.caution(resemblance.cautions, of=invoices)
    sockets.caution(days.cautions, of=invoices)
    sockets.caution(accounts.cautions, of=invoices)
    sockets.caution(naming.cautions, of=invoices)
    sockets.caution(proposals.cautions, of=invoices)
    sockets.proposal(proposals.proposals, of=invoices)
    sockets.caution(texts.cautions, of=invoices)
    ahead = sockets.Ahead(
        listing.asked_ahead,
        listing.keep_ahead,
        there=history.ANY_PERHAPS,
        none=history.keep_none,
        always=lambda folder: bool(accounts.told(folder)),
    )
    together = sockets.Together(listing.asked_together, listing.keep_together)
    sockets.gate(_to_settle, ahead=ahead, together=together, of=invoices)
    sockets.deadline(interrupting.last_day, of=invoices)
    sockets.effect(accounts.KEY, settling.settle)
    sockets.index(history.index, of=invoices)
    sockets.index(keeping.keep, of=invoices)
    sockets.worded(texts.take, of=invoices)
    sockets.worded(checking.ask, of=invoices)
    sockets.caution(telling.cautions, of=invoices)
    sockets.remark(telling.remarks, of=invoices)
    sockets.share("invoice_rules", telling.as_data)
    handles(checking.KIND, indoors=True, passing=True)(checking.work)
    jobs.nightly("invoice-rules", checking.nightly)


def _to_settle(db: Db, folder: Folder, visa: Visa | None) -> list[Problem]:
    """What is settled before whoever answers for the money decides: an invoice twice there, an account that is not known.

    Who called a supplier, or deposited the invoice, passes it on to who decides on the account, as long as somebody signs
    after; nobody signs it before.
    """
    if visa is not None and settling.at_service(db, folder):
        return []
    unknown = accounts.to_verify(db, folder)
    signed_after = visa is not None and bool(unknown) and _signed_after(db, folder)
    passing = person_of(visa.actor) if visa is not None and signed_after else None
    verify = [
        Problem(
            "account-unverified",
            "iban",
            spaces(f"« {caution.title} » : {VERIFY_FIRST if caution.awaits else RULE_NOW}"),
        )
        for caution in unknown
        if passing is None or caution.awaits or passing not in caution.by
    ]
    return [*history.to_rule(db, folder), *texts.to_rule(db, folder), *verify]


def _signed_after(db: Db, folder: Folder) -> bool:
    """Whether a person is sure to sign after the step where the folder stands."""
    if folder.circuit_version_id is None:
        return False
    circuit = circuit_of(db, folder.circuit_version_id)
    coming, unsure = circuit.applicable(folder.facts, folder.place), circuit.unsure(folder.facts)
    return any(step.kind is StepKind.SIGN and step.key not in unsure for step in coming)


def read_facts(path: Path, media_type: str) -> ReadFacts | None:
    """The facts of an invoice, for its form; what is missing or doubtful is said, and asked for."""
    from app.invoices.checks import account_faults
    from app.invoices.mismatch import compare
    from app.invoices.reading import look_into
    from app.invoices.rendition import draw

    reading, about_files = look_into(path, media_type)
    enclosed = [
        Caution("invoice-files", "Données jointes à la facture", sentence) for sentence in about_files
    ]
    if reading is None:
        return ReadFacts({}, "", doubts=tuple(enclosed)) if enclosed else None
    # `accounts.cautions` asks who decides for more than a word about it: beside the file it is a remark
    verified = tuple(account_faults(reading.fields))
    doubts = enclosed + [
        Caution("invoice-data", "Données de la facture à vérifier", sentence)
        for sentence in (*reading.problems, *reading.oddities)
        if sentence not in verified
    ]
    if media_type == "application/pdf":
        doubts += [
            Caution(
                "page-disagrees",
                "La page et les données se contredisent",
                f"La page et les données ne disent pas la même chose ({mismatch.label}) : "
                f"la page affiche {mismatch.page_value}, le XML {mismatch.xml_value}.",
            )
            for mismatch in compare(path, reading)
        ]
    fields = {**reading.hints, **reading.buyer, **reading.fields}
    return ReadFacts(
        fields=fields,
        said=f"lu dans la facture ({reading.syntax})",
        data=reading.xml,
        data_name=reading.xml_name,
        doubts=tuple(doubts),
        offered=frozenset(reading.hints),
        remarks=(*reading.remarks, *verified),
        content=[line.to_data() for line in reading.lines],
        rendition=lambda room: draw(reading, room / "page.pdf"),
    )


def _table(data: bytes) -> tuple[tuple[str, str], ...] | None:
    from app.core.refusals import Refusal
    from app.invoices.reading import render_xml_rows

    try:
        return render_xml_rows(data)
    except Refusal:
        return None


class _Band:
    """The payment clock: thirty days from reception, the last ten for the accountant (CCP R2192-10)."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        if folder.phase == Phase.DONE:
            return None
        delay = delay_of(folder)
        if delay is None:
            return None
        interruption = delay.interruption
        offered = interruption.complete is None if interruption else interrupting.KEPT not in folder.sources
        clock = delay.clock
        if interruption is not None and interruption.complete is None:
            there = outside.standings(db, [folder.id]).get(folder.id)
            if there is not None and there.completed:
                sentence = f"Complétée par le fournisseur sur {there.place} : vérifiez ce qu’il a ajouté"
                clock = replace(clock, order_line=spaces(sentence))
        reader = reader_of(db)
        may_rule_here = reader is not None and may_rule(folder, reader, current_present(db, folder))
        page = self._templates.get_template("invoices/clock.html").render(
            clock=clock,
            owed=delay.owed,
            folder=folder,
            gesture=_gesture(delay) if offered and may_rule_here else "",
            may_perform=may_rule_here,
            performed=performed_of(folder),
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints


def _gesture(delay: Delay) -> str:
    """The button that leads to the page of the delay."""
    return "Interrompre le délai…" if delay.interruption is None else "Tout est reçu…"


class _Same:
    """The same invoice in another folder, and this one, fact by fact."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        compared = [
            {"id": twin.folder.id, "title": twin.title, "rows": history.beside(folder, twin.folder)}
            for twin in [twin for twin in history.seen_before(db, folder) if twin.named][:SIDE_BY_SIDE]
        ]
        if not compared:
            return None
        page = self._templates.get_template("invoices/same.html").render(
            compared=compared, folder_id=folder.id
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints
