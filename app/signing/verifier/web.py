"""Pages that judge signatures: any file, from anybody, kept by nobody; and the documents of a folder."""

import base64
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, g, redirect, render_template, request, url_for
from flask_limiter.util import get_remote_address
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from app.core.clock import now
from app.core.db import reading
from app.core.french import instant, taille
from app.core.http import PERSON, PUBLIC, guard
from app.core.limits import limiter
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.folders.access import authorize
from app.folders.models import Document, DocumentVersion
from app.signing import setting, shown
from app.signing.examine import Examined, examine
from app.signing.paper import sheet as paper
from app.signing.places import place
from app.signing.verdict import Verdict
from app.signing.verdicts import content_of, judge_kept, key_of, remembered

pages = Blueprint("verifier", __name__)
OPEN, SIGNED_IN = "signing.verifier.public", "signing.verifier.file"
FORM_ROOM = 64 * 1024  # the fields around the files


def verify_rate() -> str:
    """Files that one address may have judged."""
    return str(current_app.config["PARAPHE"].verify_rate)


def whoever() -> str:
    """Each person counts for one: a town hall leaves by one address."""
    actor = g.get("actor")
    return f"person {actor.user_id}" if actor is not None else get_remote_address()


@pages.url_value_preprocessor
def _limit(endpoint: str | None, _values: Any) -> None:
    """Refuse a file that is too large before its first byte is read; this runs before anything looks at the form."""
    if endpoint in {OPEN, SIGNED_IN}:
        request.max_content_length = setting.verifier()[0] + FORM_ROOM


@pages.teardown_request
def _close(_error: BaseException | None) -> None:
    """Give the uploaded files' temporary copies back at once, whatever became of the request."""
    for one in request.__dict__.get("files", {}).values():
        one.close()


@pages.route("/verifier", methods=["GET", "POST"])
@guard(PUBLIC)
@limiter.limit(verify_rate, methods=["POST"])
def public() -> tuple[str, int]:
    """Anybody may have a signed file judged; nothing of it is kept."""
    return _page("signing/verifier_public.html")


@pages.route("/compte/verifier", methods=["GET", "POST"])
@guard(PERSON)
@limiter.limit(verify_rate, key_func=whoever, methods=["POST"])
def file() -> tuple[str, int]:
    """The same, for somebody who is logged in."""
    return _page("signing/verifier.html")


def _page(template: str) -> tuple[str, int]:
    limit = setting.verifier()[0]
    found, error, status, name = None, None, 200, ""
    if request.method == "POST":
        try:
            name, found = _judge_upload()
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
    words = {"limit": limit, "limit_label": taille(limit), "filename": name, "error": error}
    return render_template(template, found=found, report=_data, **words), status


def _judge_upload() -> tuple[str, Examined]:
    sent, beside = request.files.get("file"), request.files.get("content")
    if sent is None or not sent.filename:
        raise Refusal("no-file")
    stranger = g.get("actor") is None
    with place(stranger=stranger), TemporaryDirectory(prefix="paraphe-verify-") as room:
        path = _put(sent, Path(room) / "file")
        content = _put(beside, Path(room) / "content") if beside is not None and beside.filename else None
        return sent.filename[:200], examine(path, setting.whom(), now(), content)


def _put(sent: FileStorage, path: Path) -> Path:
    sent.save(path)
    return path


def _data(verdict: Verdict) -> str:
    """The report as an address of its own: nothing is kept here that could be fetched later."""
    return "data:application/xml;base64," + base64.b64encode((verdict.report or "").encode()).decode()


@pages.route(
    "/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/signatures", methods=["GET", "POST"]
)
@guard(PERSON)
def kept(folder_id: int, document_id: int, number: int) -> BaseResponse | str:
    """The verdicts on one version of a folder's document; asked to (POST), judge it first."""
    version, title, content = _version(folder_id, document_id, number)
    here, key = shown.address(folder_id, document_id, number), key_of(version.sha256, content)
    if request.method == "POST":
        judged = judge_kept(g.actor, version.sha256, content)
        if "HX-Request" not in request.headers:
            return redirect(here)
        with reading(g.actor.collectivity_id) as db:
            by_hand = paper.of_version(db, folder_id, version.id)
        lines = [shown.judged(one, here) for one in judged.verdicts]
        return render_template("signing/_verdict_lines.html", lines=[*lines, *map(shown.by_hand, by_hand)])
    with reading(g.actor.collectivity_id) as db:
        known = remembered(db, [key]).get(key)
        by_hand = paper.of_version(db, folder_id, version.id)
    return render_template(
        "signing/kept.html",
        papers=[(f"{one.name}, {one.capacity}", paper.told(one), one.stated_by) for one in by_hand],
        verdicts=known.verdicts if known else None,
        judged=instant(known.judged_at) if known else "",
        stale=known is not None and not known.fresh,
        title=title,
        filename=version.filename,
        here=here,
        folder_url=url_for("folders.show", folder_id=folder_id, document=document_id),
        report=lambda one: f"{here}/{known.verdicts.index(one) + 1}" if known else "",
    )


@pages.get("/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/signatures/<int:rank>")
@guard(PERSON)
def report(folder_id: int, document_id: int, number: int, rank: int) -> Response:
    """The ETSI TS 119 102-2 report on the n-th signature of a version, as it was judged."""
    version, _, content = _version(folder_id, document_id, number)
    key = key_of(version.sha256, content)
    with reading(g.actor.collectivity_id) as db:
        known = remembered(db, [key]).get(key)
    found = known.verdicts[rank - 1 : rank] if known and rank else ()
    if not found or found[0].report is None:
        raise Refusal("verification-unknown")
    made = Response(found[0].report, mimetype="application/xml")
    made.headers["Content-Disposition"] = f'attachment; filename="rapport-signature-{rank}.xml"'
    return made


def _version(folder_id: int, document_id: int, number: int) -> tuple[DocumentVersion, str, str | None]:
    """A version that the actor may read, its document's title, and the hash of what it signs beside it."""
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        row = db.execute(
            sa.select(DocumentVersion, Document.title)
            .join(Document, Document.id == DocumentVersion.document_id)
            .where(
                Document.id == document_id,
                Document.folder_id == folder.id,
                DocumentVersion.number == number,
            )
        ).first()
        if row is None:
            raise Refusal("document-unknown")
        return row[0], row[1], content_of(db, row[0])
