"""Pages of the attachments that a flow carries: read in the house, never handed to the browser as what they claim to be."""

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, Response, g, render_template, request, url_for

from app.core.db import reading
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.files import vault
from app.folders.access import authorize
from app.folders.bytes import disposition
from app.pes.attachment import content, kind_of
from app.pes.models import FlowAttachment, FlowIndex
from app.pes.payslips import payslips

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
    here = url_for("pes.attachment_bytes", folder_id=folder_id, rank=rank)
    name = row.name or row.unique_id
    shown = Shown(name, kind, request.path, here, f"{here}?telecharger=1")
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
