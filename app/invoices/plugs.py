"""What an invoice brings to its folder: what is read in it, its table, and the payment clock under its header."""

from datetime import date
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from app.circuits.library import family_of
from app.core.clock import today
from app.core.db import Db
from app.folders import sockets
from app.folders.models import Folder
from app.folders.sockets import Caution, ReadFacts
from app.invoices import days, history
from app.invoices.clock import clock_of
from config import Settings
from workflows.circuit import Facts, Phase
from workflows.condition import values

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
    sockets.caution(history.cautions, of=invoices)
    sockets.caution(days.cautions, of=invoices)
    sockets.obstacle(history.to_rule, of=invoices)
    sockets.index(history.index, of=invoices)


def read_facts(path: Path, media_type: str) -> ReadFacts | None:
    """The facts of an invoice, for its form; what is missing or doubtful is said, and asked for."""
    from app.invoices.mismatch import compare
    from app.invoices.reading import look_into
    from app.invoices.rendition import draw

    reading, about_files = look_into(path, media_type)
    enclosed = [
        Caution("invoice-files", "Données jointes à la facture", sentence) for sentence in about_files
    ]
    if reading is None:
        return ReadFacts({}, "", doubts=tuple(enclosed)) if enclosed else None
    doubts = enclosed + [
        Caution("invoice-data", "Données de la facture à vérifier", sentence)
        for sentence in (*reading.problems, *reading.oddities)
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
        remarks=reading.remarks,
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
        del db
        if folder.phase == Phase.DONE:
            return None
        starts = _starts(folder.facts) if family_of(folder.in_force).due(folder.facts) else []
        if not starts:
            return None
        clock = clock_of(min(starts), today(), disputed=len(starts) > 1)
        page = self._templates.get_template("invoices/clock.html").render(clock=clock)
        return Markup(page)  # noqa: S704 - the template escapes what it prints


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
        page = self._templates.get_template("invoices/same.html").render(compared=compared)
        return Markup(page)  # noqa: S704 - the template escapes what it prints


def _starts(facts: Facts) -> list[date]:
    """The days on which an invoice may have been received: of those that are disputed, the clock begins at the first."""
    days = []
    for day in values(facts, "received_on"):
        try:
            days.append(date.fromisoformat(str(day or "")))
        except ValueError:  # a draft keeps what was typed, and it may not be a date
            continue
    return days
