"""Pages that judge signatures: any file, from anybody, kept by nobody; and the documents of a folder."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Blueprint, Response, current_app, g, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as BaseResponse

from app.core.clock import now
from app.core.db import reading
from app.core.french import instant, taille
from app.core.http import OWN, PERSON, PUBLIC, guard
from app.core.limits import limiter, origin
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.texts import cleaned
from app.display.bytes import disposition, readable
from app.files import vault
from app.folders.models import Document, DocumentVersion
from app.signing import setting, shown
from app.signing.examine import OURS, Examined, examine
from app.signing.paper import sheet as paper
from app.signing.places import place
from app.signing.verdict import Verdict
from app.signing.verdicts import WAIT, content_of, judge_kept, key_of, remembered
from app.signing.verifier import attestation
from app.signing.verifier.attestation import Answer
from app.signing.verifier.continued import (
    Continued,
    continued,
    in_page,
    last_continued,
    named,
    signed_version,
)
from app.trust import authorities

pages = Blueprint("verifier", __name__)
OPEN, SIGNED_IN = "signing.verifier.public", "signing.verifier.file"
ATTESTATIONS = {"signing.verifier.attest", "signing.verifier.attest_file"}
APART = {"signing.verifier.apart", "signing.verifier.apart_file"}
FORM_ROOM = 64 * 1024  # the fields around the files
ANSWER_ROOM = 1024 * 1024  # an answer given back: a hundred signatures take less


def verify_rate() -> str:
    """Files that one address may have judged."""
    return str(current_app.config["PARAPHE"].verify_rate)


def whoever() -> str:
    """Each person counts for one: a town hall leaves by one address."""
    actor = g.get("actor")
    return f"person {actor.user_id}" if actor is not None else origin()


@pages.url_value_preprocessor
def _limit(endpoint: str | None, _values: Any) -> None:
    """Refuse what is too large before its first byte is read; this runs before anything looks at the form."""
    limit, sent = setting.verifier()[0], request.content_length or 0
    if endpoint in {OPEN, SIGNED_IN} | APART:
        room = limit + FORM_ROOM + (ANSWER_ROOM if endpoint in APART else 0)
        request.max_content_length = room
        request.max_form_memory_size = ANSWER_ROOM
        if sent > room:
            raise Refusal("verify-too-large", limit=taille(limit))
    if endpoint in ATTESTATIONS:
        request.max_content_length = request.max_form_memory_size = ANSWER_ROOM
        if sent > ANSWER_ROOM:
            raise Refusal("answer-too-large", title="Ce n’est pas un verdict de cette page")


@pages.teardown_request
def _close(_error: BaseException | None) -> None:
    """Give the uploaded files' temporary copies back at once, whatever became of the request."""
    for one in request.__dict__.get("files", {}).values():
        one.close()


@pages.route("/verifier", methods=["GET", "POST"])
@guard(PUBLIC, body=OWN)
@limiter.limit(verify_rate, methods=["POST"])
def public() -> tuple[str, int]:
    """Anybody may have a signed file judged; nothing of it is kept."""
    return _page("signing/verifier_public.html")


@pages.route("/compte/verifier", methods=["GET", "POST"])
@guard(PERSON, body=OWN)
@limiter.limit(verify_rate, key_func=whoever, methods=["POST"])
def file() -> tuple[str, int]:
    """The same, for somebody who is logged in."""
    return _page("signing/verifier.html")


@dataclass(frozen=True)
class _Judged:
    """What was found in a file that was just sent; `signed`: the address of its signed version, when the page carries it."""

    answer: Answer
    found: Examined
    more: Continued | None
    signed: str = ""


def _page(template: str) -> tuple[str, int]:
    limit = setting.verifier()[0]
    judged, error, status = None, None, 200
    if request.method == "POST":
        try:
            judged = _judge_upload()
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
    words = {"limit": limit, "limit_label": taille(limit), "error": error, "sealed": setting.sealed()}
    if judged is not None:
        here = "" if g.get("actor") is None else "_file"
        words |= {
            "found": judged.found,
            "more": judged.more,
            "signed": judged.signed,
            "filename": judged.answer.name,
            "signed_name": named(judged.answer.name),
            "judged": instant(judged.answer.at),
            "answer": attestation.pack(judged.answer, _secret()),
            "attest_url": url_for(f"signing.verifier.attest{here}"),
            "apart_url": url_for(f"signing.verifier.apart{here}"),
        }
    return render_template(template, report=_data, **words), status


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])


def _judge_upload() -> _Judged:
    sent, beside = request.files.get("file"), request.files.get("content")
    if sent is None or not sent.filename:
        raise Refusal("no-file")
    actor = g.get("actor")
    with place(stranger=actor is None), TemporaryDirectory(prefix="paraphe-verify-") as room:
        path = _put(sent, Path(room) / "file")
        content = _put(beside, Path(room) / "content") if beside is not None and beside.filename else None
        moment = now()
        found = examine(path, authorities.whom(), moment, content)
        answer = Answer(
            name=cleaned(sent.filename)[:200],
            sha256=_sha256(path),
            kind=found.words,
            at=moment,
            house=f"Paraphe, {(actor and actor.collectivity_name) or current_app.config['PARAPHE'].public_url}",
            verdicts=found.verdicts,
            content_sha256=_sha256(content) if content is not None else "",
        )
        more = continued(path, found.verdicts)
        return _Judged(answer, found, more, in_page(path, more.verdict) if more is not None else "")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@pages.post("/verifier/verdict")
@guard(PUBLIC, body=OWN)
@limiter.limit(verify_rate)
def attest() -> Response:
    """The verdict that the page has just shown, as a PDF; the page gives it back, since nothing of it was kept here.

    A timestamp is bought: a stranger's verdict has its hour in words, and the seal over them.
    """
    return _attestation(attestation.unpack(request.form.get("answer", ""), _secret()), timestamped=False)


@pages.post("/compte/verifier/verdict")
@guard(PERSON, body=OWN)
@limiter.limit(verify_rate, key_func=whoever)
def attest_file() -> Response:
    """The same for somebody who is logged in, with the hour of the timestamp authority over the seal."""
    return _attestation(attestation.unpack(request.form.get("answer", ""), _secret()), timestamped=True)


@pages.post("/verifier/version-signee")
@guard(PUBLIC, body=OWN)
@limiter.limit(verify_rate)
def apart() -> Response:
    """The version that was signed of a file too large for the page to carry it: it is sent again, and kept no more."""
    return _apart()


@pages.post("/compte/verifier/version-signee")
@guard(PERSON, body=OWN)
@limiter.limit(verify_rate, key_func=whoever)
def apart_file() -> Response:
    """The same for somebody who is logged in."""
    return _apart()


def _apart() -> Response:
    answer = attestation.unpack(request.form.get("answer", ""), _secret())
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Refusal("no-file")
    rank = last_continued(answer.verdicts)
    with TemporaryDirectory(prefix="paraphe-verify-") as room:
        path = _put(sent, Path(room) / "file")
        if not rank or _sha256(path) != answer.sha256:
            raise Refusal("signed-version-other-file")
        return _version_signed(signed_version(path, answer.verdicts[rank - 1]), answer.name)


def _version_signed(data: bytes, filename: str) -> Response:
    made = Response(data, mimetype="application/pdf")
    made.headers["Content-Disposition"] = disposition(named(filename), download=True)
    return made


def _attestation(answer: Answer, *, timestamped: bool) -> Response:
    data, sealed = attestation.made(answer, timestamped=timestamped)
    made = Response(data, mimetype="application/pdf")
    name = "verdict.pdf" if sealed else "verdict-sans-cachet.pdf"
    made.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return made


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
        continues=known is not None and bool(last_continued(known.verdicts)),
        sealed=setting.sealed(),
        title=title,
        filename=version.filename,
        address=here,
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
    here = shown.address(folder_id, document_id, number)
    return render_template("signing/before_after.html", more=more, title=title, address=here)


@pages.get("/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/signatures/version-signee")
@guard(PERSON)
def kept_apart(folder_id: int, document_id: int, number: int) -> Response:
    """The version of a kept file that its last signature signed, from the kept bytes."""
    version, _, content = _version(folder_id, document_id, number)
    with reading(g.actor.collectivity_id) as db:
        known = remembered(db, [key_of(version.sha256, content)]).get(key_of(version.sha256, content))
    rank = last_continued(known.verdicts) if known is not None else 0
    if known is None or not rank:
        raise Refusal("verification-unknown")
    with vault.local(g.actor.collectivity_id, version.sha256) as path:
        return _version_signed(signed_version(path, known.verdicts[rank - 1]), version.filename)


@pages.post("/dossiers/<int:folder_id>/documents/<int:document_id>/<int:number>/signatures/verdict")
@guard(PERSON)
def attest_kept(folder_id: int, document_id: int, number: int) -> Response:
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
    return _attestation(answer, timestamped=True)


def _version(folder_id: int, document_id: int, number: int) -> tuple[DocumentVersion, str, str | None]:
    """A version that the actor may read, its document's title, and the hash of what it signs beside it."""
    with reading(g.actor.collectivity_id) as db:
        version = readable(db, g.actor, folder_id, document_id, number)
        return version, db.get_one(Document, version.document_id).title, content_of(db, version)
