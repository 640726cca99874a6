"""Pages of the attachments that a flow carries, read in the house, and of the returns that the Treasury sends."""

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.core.clock import now
from app.core.db import key_in, reading
from app.core.http import PERSON, disposition, guard
from app.core.refusals import Refusal
from app.display.blueprint import CREATE
from app.files import vault
from app.folders.access import authorize
from app.pes import intake, returns_view
from app.pes.attachment import content, kind_of
from app.pes.models import FlowAttachment, FlowIndex
from app.pes.payslips import payslips
from app.transmission import silences

pages = Blueprint("pes", __name__, template_folder="templates")
PER_PAGE = 200


@dataclass(frozen=True)
class Shown:
    """An attachment as the viewer shows a document."""

    title: str
    kind: str
    url: str
    bytes_url: str
    download_url: str
    icon: str = "paperclip"
    role: str = "attachment"
    current: bool = True


@pages.get("/dossiers/<int:folder_id>/flux/<int:rank>")
@guard(PERSON)
def attachment(folder_id: int, rank: int) -> str:
    """One attachment of a flow: a PDF or an image in the page, payslips as a table, anything else to download."""
    row, title = _attachment(folder_id, rank)
    data = _content(row)
    kind, _ = kind_of(data)
    rows = (payslips(data) or []) if kind == "xml" else []
    address = url_for("pes.attachment_bytes", folder_id=folder_id, rank=rank)
    name = row.name or row.unique_id
    shown = Shown(name, kind, request.path, address, f"{address}?telecharger=1")
    number = max(request.args.get("feuille", 1, type=int), 1)
    return render_template(
        "pes/attachment.html",
        folder_id=folder_id,
        folder_title=title,
        rank=rank,
        shown=shown,
        row=row,
        slips=rows[(number - 1) * PER_PAGE : number * PER_PAGE],
        count=len(rows),
        number=number,
        count_pages=-(-len(rows) // PER_PAGE),
    )


@pages.get("/dossiers/<int:folder_id>/flux/<int:rank>/contenu")
@guard(PERSON)
def attachment_bytes(folder_id: int, rank: int) -> Response:
    """Its bytes: shown only when they are a PDF or an image, downloaded otherwise."""
    row, _ = _attachment(folder_id, rank)
    data = _content(row)
    kind, media = kind_of(data)
    download = kind not in {"pdf", "image"} or "telecharger" in request.args
    response = Response(data, mimetype="application/octet-stream" if download else media)
    response.headers["Content-Disposition"] = disposition(row.name or row.unique_id, download=download)
    return response


@pages.get("/tresorerie/retours")
@guard(PERSON)
def returns() -> str:
    """« Retours de la trésorerie »: the files that speak of flows that one reads, the last first."""
    with reading(g.actor.collectivity_id) as db:
        listed, more = returns_view.lines(db, g.actor, key_in(request.args.get("avant")))
        lasting = silences.lasting(db, g.actor.collectivity_id)
    silent = [silence.heading for silence in lasting if silence.channel in {intake.CHANNEL, silences.RETURNS}]
    return render_template("pes/returns.html", returns=listed, more=more, silent=silent)


@pages.post("/tresorerie/retours/relever")
@guard(CREATE)
def fetch_returns() -> BaseResponse:
    """Ask for the returns now; asked twice in a minute, they are fetched once."""
    intake.ask(g.actor, f"returns-{g.actor.collectivity_id}-now-{now():%Y%m%d%H%M}")
    flash("Le relevé est demandé : les retours nouveaux paraîtront ici dans un instant.", "ok")
    return redirect(url_for("pes.returns"))


@pages.get("/tresorerie/retours/<int:return_id>")
@guard(PERSON)
def treasury_return(return_id: int) -> str:
    """What one file says, of the flows that one reads."""
    with reading(g.actor.collectivity_id) as db:
        number = key_in(request.args.get("feuille")) or 1
        shown = returns_view.view(db, g.actor, return_id, number)
    return render_template("pes/return.html", shown=shown, return_id=return_id)


@pages.get("/tresorerie/retours/<int:return_id>/fichier")
@guard(PERSON)
def return_bytes(return_id: int) -> Response:
    """Its very bytes, to download, for who reads all the flows that it speaks of."""
    with reading(g.actor.collectivity_id) as db:
        row = returns_view.file_of(db, g.actor, return_id)
    data = vault.store().stream(vault.scope(g.actor.collectivity_id), row.sha256)
    response = Response(data, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = disposition(row.name, download=True)
    return response


def _attachment(folder_id: int, rank: int) -> tuple[FlowAttachment, str]:
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        row = db.get(FlowAttachment, (folder.id, rank))
        if row is None:
            raise Refusal("attachment-unknown")
        return row, folder.title


def _content(row: FlowAttachment) -> bytes:
    with reading(row.collectivity_id) as db:
        sha256 = db.scalars(sa.select(FlowIndex.sha256).where(FlowIndex.folder_id == row.folder_id)).one()
    flow = vault.store().stream(vault.scope(row.collectivity_id), sha256)
    return content(flow, row.first_byte, row.last_byte)
