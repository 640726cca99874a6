"""The pages of the signatures of a folder's documents: their verdicts, reports, signed versions, attestations."""

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.core.db import reading
from app.core.french import instant
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.texts import cleaned
from app.display.bytes import readable
from app.files import vault
from app.folders.models import Document, DocumentVersion
from app.people.models import Collectivity
from app.signing import seals, views
from app.signing.paper import sheet as paper
from app.signing.verdicts.content import content_of
from app.verification.attestation import Answer
from app.verification.continued import continued, last_continued, signed_version
from app.verification.examine import OURS
from app.verification.records import WAIT, judge_kept, key_of, remembered
from app.verification.slots import place
from app.verification.web import attestation_file, signed_file

pages = Blueprint("documents", __name__)


@pages.route(
    "/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/signatures", methods=["GET", "POST"]
)
@guard(PERSON)
def verdicts(folder_id: int, document_id: int, number: int) -> BaseResponse | str:
    """The verdicts on one version of a folder's document; asked to (POST), judge it first."""
    version, title, content = _version(folder_id, document_id, number)
    url, key = views.address(folder_id, document_id, number), key_of(version.sha256, content)
    if request.method == "POST":
        judged = judge_kept(g.actor, version.sha256, content)
        if "HX-Request" not in request.headers:
            return redirect(url)
        with reading(g.actor.collectivity_id) as db:
            by_hand = paper.of_version(db, folder_id, version.id)
        lines = [views.judged(verdict, url) for verdict in judged.verdicts]
        return render_template("signing/_verdict_lines.html", lines=[*lines, *map(views.by_hand, by_hand)])
    with reading(g.actor.collectivity_id) as db:
        known = remembered(db, [key]).get(key)
        by_hand = paper.of_version(db, folder_id, version.id)
        sealed = seals.there(db.get_one(Collectivity, g.actor.collectivity_id).settings)
    return render_template(
        "signing/verdicts.html",
        papers=[(f"{row.name}, {row.capacity}", paper.described(row), row.stated_by) for row in by_hand],
        verdicts=known.verdicts if known else None,
        judged=instant(known.judged_at) if known else "",
        stale=known is not None and not known.fresh,
        continues=known is not None and bool(last_continued(known.verdicts)),
        sealed=sealed,
        title=title,
        filename=version.filename,
        address=url,
        folder_url=url_for("folders.show", folder_id=folder_id, document=document_id),
        report=lambda verdict: f"{url}/{known.verdicts.index(verdict) + 1}" if known else "",
    )


@pages.get("/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/signatures/<int:rank>")
@guard(PERSON)
def report(folder_id: int, document_id: int, number: int, rank: int) -> Response:
    """The ETSI TS 119 102-2 report on the n-th signature of a version, as it was judged."""
    version, _, content = _version(folder_id, document_id, number)
    key = key_of(version.sha256, content)
    with reading(g.actor.collectivity_id) as db:
        known = remembered(db, [key]).get(key)
    verdicts = known.verdicts[rank - 1 : rank] if known and rank else ()
    if not verdicts or verdicts[0].report is None:
        raise Refusal("verification-unknown")
    response = Response(verdicts[0].report, mimetype="application/xml")
    response.headers["Content-Disposition"] = f'attachment; filename="rapport-signature-{rank}.xml"'
    return response


@pages.get("/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/signatures/avant-apres")
@guard(PERSON)
def before_after(folder_id: int, document_id: int, number: int) -> str:
    """The pages of a kept version that are drawn otherwise than when its last signature was made."""
    version, title, content = _version(folder_id, document_id, number)
    with reading(g.actor.collectivity_id) as db:
        known = remembered(db, [key_of(version.sha256, content)]).get(key_of(version.sha256, content))
    if known is None or not last_continued(known.verdicts):
        raise Refusal("verification-unknown")
    with place(wait=WAIT), vault.local(g.actor.collectivity_id, version.sha256) as path:
        more = continued(path, known.verdicts, OURS)
    url = views.address(folder_id, document_id, number)
    return render_template("signing/before_after.html", more=more, title=title, address=url)


@pages.get("/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/signatures/version-signee")
@guard(PERSON)
def apart(folder_id: int, document_id: int, number: int) -> Response:
    """The version of a kept file that its last signature signed, from the kept bytes."""
    version, _, content = _version(folder_id, document_id, number)
    with reading(g.actor.collectivity_id) as db:
        known = remembered(db, [key_of(version.sha256, content)]).get(key_of(version.sha256, content))
    rank = last_continued(known.verdicts) if known is not None else 0
    if known is None or not rank:
        raise Refusal("verification-unknown")
    with vault.local(g.actor.collectivity_id, version.sha256) as path:
        return signed_file(signed_version(path, known.verdicts[rank - 1]), version.filename)


@pages.post("/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/signatures/verdict")
@guard(PERSON)
def attest(folder_id: int, document_id: int, number: int) -> Response:
    """The verdict on one version of a folder's document as a PDF, as it was judged."""
    version, _, content = _version(folder_id, document_id, number)
    key = key_of(version.sha256, content)
    with reading(g.actor.collectivity_id) as db:
        known = remembered(db, [key]).get(key)
    if known is None or not known.fresh:
        raise Refusal("verification-unknown")
    answer = Answer(
        name=cleaned(version.filename),
        sha256=version.sha256,
        kind=f"document du dossier {folder_id}, version {number}",
        at=known.judged_at,
        house=f"Paraphe, {g.actor.collectivity_name}",
        verdicts=known.verdicts,
        content_sha256=content or "",
    )
    return attestation_file(answer, g.actor.collectivity_id)


def _version(folder_id: int, document_id: int, number: int) -> tuple[DocumentVersion, str, str | None]:
    """A version that the actor may read, its document's title, and the hash of what it signs beside it."""
    with reading(g.actor.collectivity_id) as db:
        version = readable(db, g.actor, folder_id, document_id, number)
        return version, db.get_one(Document, version.document_id).title, content_of(db, version)
